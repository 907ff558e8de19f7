"""Every market from one table: the page's numbers, prices that break even, markets that never contradict each other."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.book.tables import table
from tests.trading.cells import numbers, question
from tests.trading.matches import MATCH, PLAIN, tables

from overround.book.catalogue.types import MARKET_TYPES
from overround.trading import (
    MATCH_RESULT,
    Chances,
    Joint,
    Kind,
    Moment,
    Question,
    Rates,
    anytime_goalscorer,
    chances,
    fair_of,
    first_goalscorer,
    joint,
)
from overround.trading.markets import margins_of


def test_kinds_and_their_selections_are_the_houses() -> None:
    for kind in Kind:
        ours = margins_of(MATCH.ordered(1), Question(kind, line_quarters=10, goal_number=1))
        outcomes = MARKET_TYPES[kind.value].outcomes or Question(kind).names
        assert len(ours) == len(outcomes), kind
    order = ("home_or_draw", "home_or_away", "draw_or_away")
    assert MARKET_TYPES["double_chance"].outcomes == order
    assert MARKET_TYPES["next_goal"].outcomes == ("home", "none", "away")


EVERY_SCORE = tuple((home, away) for home in range(30) for away in range(30))


@pytest.mark.parametrize("row", table("pricing.md", "Every market"), ids=lambda row: f"{row['market']}{row['line']}")
def test_every_market(row: dict[str, str]) -> None:
    found = fair_of(MATCH, question(row["market"], row["line"]))
    assert [round(share, 4) for share in found] == numbers(row["selections"])


@pytest.mark.parametrize("row", table("pricing.md", "Home gives"), ids=lambda row: row["home gives"])
def test_handicaps_whole_half_and_quarter(row: dict[str, str]) -> None:
    home, away = chances(PLAIN, question("asian_handicap", f"-{row['home gives']}"))
    assert [f"{part:.4f}" if part else "" for part in home] == [row[name.replace("_", " ")] for name in Chances._fields]
    assert tuple(away) == pytest.approx(tuple(reversed(home)))
    assert f"{home.fair:.4f}" == row["fair"]


@given(table=tables(), line=st.integers(-20, 20))
def test_a_fair_price_breaks_even_on_every_line(table: Joint, line: int) -> None:
    for kind in (Kind.HANDICAP, Kind.TOTAL, Kind.HOME_TOTAL, Kind.AWAY_TOTAL, Kind.HALF_TIME_TOTAL):
        side, other = chances(table, Question(kind, line))
        assert math.isclose(math.fsum(side), 1.0)
        if 1e-6 < side.fair < 1 - 1e-6:
            price = 1 / side.fair
            returned = side.won * price + side.half_won * (price + 1) / 2 + side.void + side.half_lost / 2
            assert math.isclose(returned, 1.0, rel_tol=1e-6)
            assert math.isclose(side.fair + other.fair, 1.0)


@given(table=tables())
def test_no_two_markets_contradict_each_other(table: Joint) -> None:
    """1X2 is the sum of the correct scores, of the double chances less the others, of the half-time/full-times, …"""
    home, draw, away = fair_of(table, MATCH_RESULT)
    scores = fair_of(table, Question(Kind.CORRECT_SCORE, scores=EVERY_SCORE))
    by_score = dict(zip(EVERY_SCORE, scores, strict=False))
    close = {"rel_tol": 1e-9, "abs_tol": 1e-9}
    assert math.isclose(home, math.fsum(p for (ours, theirs), p in by_score.items() if ours > theirs), **close)
    assert math.isclose(draw, math.fsum(p for (ours, theirs), p in by_score.items() if ours == theirs), **close)
    double = fair_of(table, Question(Kind.DOUBLE_CHANCE))
    assert np.allclose(double, (home + draw, home + away, draw + away))
    both = fair_of(table, Question(Kind.HALF_TIME_FULL_TIME))
    assert np.allclose(np.reshape(both, (3, 3)).sum(axis=0), (home, draw, away))
    assert np.allclose(np.reshape(both, (3, 3)).sum(axis=1), fair_of(table, Question(Kind.HALF_TIME_RESULT)))
    if home + away > 1e-9:
        assert math.isclose(fair_of(table, Question(Kind.DRAW_NO_BET))[0], home / (home + away), **close)
    assert np.allclose(chances(table, Question(Kind.HANDICAP, 0)), chances(table, Question(Kind.DRAW_NO_BET)))
    assert math.isclose(fair_of(table, Question(Kind.HANDICAP, -2))[0], home, **close)
    over = fair_of(table, Question(Kind.TOTAL, 2))[0]
    assert math.isclose(over, 1.0 - by_score[0, 0], **close)
    assert math.isclose(
        fair_of(table, Question(Kind.BOTH_TEAMS_TO_SCORE))[0],
        math.fsum(p for (ours, theirs), p in by_score.items() if ours and theirs),
        **close,
    )
    number = table.moment.home + table.moment.away + 1
    nobody = fair_of(table, Question(Kind.NEXT_GOAL, goal_number=number))[1]
    assert math.isclose(nobody, by_score[table.moment.home, table.moment.away], **close)


@given(table=tables(), line=st.integers(-12, 12))
def test_a_quarter_line_is_half_a_stake_on_each_of_its_neighbours(table: Joint, line: int) -> None:
    quarter = chances(table, Question(Kind.HANDICAP, 2 * line + 1))[0]
    low, high = (chances(table, Question(Kind.HANDICAP, 2 * line + side))[0] for side in (0, 2))
    price = 2.5
    assert math.isclose(_returned(quarter, price), (_returned(low, price) + _returned(high, price)) / 2, abs_tol=1e-12)


def _returned(side: Chances, price: float) -> float:
    return side.won * price + side.half_won * (price + 1) / 2 + side.void + side.half_lost / 2


def test_goalscorers_share_their_sides_goals() -> None:
    home, away, nobody = first_goalscorer(MATCH, home=(0.3, 0.7), away=(0.25, 0.75))
    assert math.isclose(math.fsum((*home, *away, nobody)), 1.0)
    assert math.isclose(sum(home), fair_of(MATCH, Question(Kind.NEXT_GOAL, goal_number=1))[0])
    whole, part = anytime_goalscorer(MATCH, home=(1.0,), away=()), anytime_goalscorer(MATCH, home=(0.3,), away=())
    assert math.isclose(whole[0], fair_of(MATCH, Question(Kind.HOME_TOTAL, 2))[0])
    assert home[0] < part[0] < 0.3 * 1.6
    with pytest.raises(ValueError, match="not shares"):
        first_goalscorer(MATCH, home=(0.6, 0.6), away=())


def test_after_full_time_the_score_stands() -> None:
    over = joint(Rates(1.6, 1.1), moment=Moment(90.0, 2, 1, 1, 1))
    assert fair_of(over, MATCH_RESULT) == (1.0, 0.0, 0.0)
    assert fair_of(over, Question(Kind.TOTAL, 10)) == (1.0, 0.0)
    assert fair_of(over, Question(Kind.TOTAL, 12)) == (0.0, 0.0)  # three goals on a line of three: nothing is at risk


@pytest.mark.parametrize("kind", [Kind.TOTAL, Kind.HANDICAP, Kind.NEXT_GOAL])
def test_a_number_that_is_missing_is_asked_for(kind: Kind) -> None:
    with pytest.raises(ValueError, match="a number is missing"):
        fair_of(MATCH, Question(kind))
