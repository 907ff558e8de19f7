"""Bet builders: the table of docs/rules/pricing.md, legs that pull together and apart, and what is refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.book.tables import milli, table
from tests.trading.cells import legs
from tests.trading.matches import MATCH, tables

from overround.trading import (
    MATCH_RESULT,
    Builder,
    Joint,
    Kind,
    Leg,
    NoBuilder,
    Question,
    builder_price_milli,
    builder_probability,
    fair_of,
)

SELECTIONS = {
    MATCH_RESULT: 3,
    Question(Kind.DOUBLE_CHANCE): 3,
    Question(Kind.HALF_TIME_RESULT): 3,
    Question(Kind.HALF_TIME_FULL_TIME): 9,
    Question(Kind.TOTAL, 10): 2,
    Question(Kind.TOTAL, 6): 2,
    Question(Kind.HANDICAP, -2): 2,
    Question(Kind.BOTH_TEAMS_TO_SCORE): 2,
}


@pytest.mark.parametrize("row", table("pricing.md", "Bet builder"), ids=lambda row: row["legs"])
def test_bet_builders(row: dict[str, str]) -> None:
    chosen = legs(row["legs"])
    found = builder_probability(MATCH, chosen)
    if isinstance(found, NoBuilder):
        assert found.value == row["together"]
    else:
        assert (f"{found.fair:.4f}", f"{found.product:.4f}") == (row["together"], row["product"])
        assert builder_price_milli(found, legs=len(chosen), overround=0.03) == milli(row["price"])


def test_home_and_over_pull_together_home_and_under_apart() -> None:
    over = builder_probability(MATCH, legs("1x2:1, total@2.5:1"))
    under = builder_probability(MATCH, legs("1x2:1, total@2.5:2"))
    assert isinstance(over, Builder)
    assert isinstance(under, Builder)
    assert over.fair > over.product
    assert under.fair < under.product
    assert math.isclose(over.fair + under.fair, fair_of(MATCH, MATCH_RESULT)[0])


@given(table=tables(), data=st.data())
def test_the_selections_of_a_market_part_a_builder_among_them(table: Joint, data: st.DataObject) -> None:
    """The law of total probability: a builder is the sum of itself with each score added to it."""
    questions = data.draw(st.lists(st.sampled_from(list(SELECTIONS)), min_size=1, max_size=4, unique=True))
    chosen = [Leg(asked, data.draw(st.integers(1, SELECTIONS[asked]))) for asked in questions]
    parts = [builder_probability(table, [*chosen, Leg(Question(Kind.ODD_EVEN), side)]) for side in (1, 2)]
    whole = _fair(builder_probability(table, chosen))
    assert math.isclose(whole, math.fsum(map(_fair, parts)), rel_tol=1e-9, abs_tol=1e-15)
    assert whole <= min(fair_of(table, asked)[side - 1] for asked, side in chosen) + 1e-9


def _fair(found: Builder | NoBuilder) -> float:
    if found is NoBuilder.NEVER:
        return 0.0
    assert isinstance(found, Builder)
    return found.fair


def test_one_leg_alone_is_that_selection() -> None:
    for number, fair in enumerate(fair_of(MATCH, Question(Kind.HALF_TIME_FULL_TIME)), 1):
        found = builder_probability(MATCH, [Leg(Question(Kind.HALF_TIME_FULL_TIME), number)])
        assert isinstance(found, Builder)
        assert math.isclose(found.fair, fair)
        assert math.isclose(found.product, fair)


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        ([], NoBuilder.NO_LEGS),
        ([Leg(MATCH_RESULT, 1)] * 13, NoBuilder.TOO_MANY_LEGS),
        (legs("next_goal@1:1, next_goal@2:1"), NoBuilder.GOALS_DIFFER),
        ([Leg(Question(Kind.NEXT_GOAL), 1)], NoBuilder.GOALS_DIFFER),
        ([Leg(Question(Kind.TOTAL), 1)], NoBuilder.NO_ANSWER),
        (legs("next_goal@0:1, 1x2:1"), NoBuilder.NO_ANSWER),
        (legs("1x2:4"), NoBuilder.NO_SELECTION),
        ([Leg(MATCH_RESULT, 0)], NoBuilder.NO_SELECTION),
        (legs("total@2.25:1"), NoBuilder.QUARTER_LINE),
        (legs("total@2.5:1, total@1.5:2"), NoBuilder.NEVER),
    ],
)
def test_what_is_no_builder_says_why(chosen: list[Leg], why: NoBuilder) -> None:
    assert builder_probability(MATCH, chosen) is why


def test_no_margin_of_a_builder_is_out_of_bounds() -> None:
    found = builder_probability(MATCH, [Leg(MATCH_RESULT, 1)])
    assert isinstance(found, Builder)
    with pytest.raises(ValueError, match="no margin"):
        builder_price_milli(found, legs=1, overround=-0.1)
