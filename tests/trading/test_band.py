"""The sanity band: the table of docs/rules/pricing.md, and what every sound price has in common."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.book.tables import milli, table
from tests.trading.cells import prices
from tests.trading.matches import rates

from overround.trading import (
    MATCH_RESULT,
    Method,
    Rates,
    Verdict,
    fair_of,
    joint,
    market_within_band,
    prices_milli,
    within_band,
)


@pytest.mark.parametrize(
    "row", table("pricing.md", "The sanity band"), ids=lambda row: f"{row['price']}-{row['verdict']}"
)
def test_the_band(row: dict[str, str]) -> None:
    found = within_band(
        milli(row["price"]),
        model_milli=milli(row["model"]) if row["model"] else 0,
        others_milli=prices(row["other sources"]),
    )
    assert found.verdict.value == row["verdict"]
    assert bool(found.reason) is not found.is_sane


@given(rates=rates, margin=st.floats(0.02, 0.12), method=st.sampled_from(tuple(Method)))
def test_usual_margins_by_any_method_are_sane(rates: Rates, margin: float, method: Method) -> None:
    fair = fair_of(joint(rates), MATCH_RESULT)
    if max(fair) < 0.75 and min(fair) > 0.08:
        model = prices_milli(fair, overround=0.06, method=Method.POWER)
        assert market_within_band(prices_milli(fair, overround=margin, method=method), model_milli=model).is_sane


@given(rates=rates, place=st.integers(0, 2), finger=st.sampled_from((0.1, 10.0)))
def test_a_decimal_point_in_the_wrong_place_never_passes(rates: Rates, place: int, finger: float) -> None:
    model = prices_milli(fair_of(joint(rates), MATCH_RESULT), overround=0.05, method=Method.POWER)
    if all(model):
        offered = list(model)
        offered[place] = max(1, round(offered[place] * finger))
        found = market_within_band(offered, model_milli=model)
        assert not found.is_sane
        assert found.selection == place + 1


@pytest.mark.parametrize(
    ("offered", "verdict"),
    [
        ((2_100, 2_100), Verdict.BOOK_TOO_SMALL),
        ((1_910, 1_910), Verdict.SANE),
        ((2_000, 0), Verdict.SANE),
        ((1_000, 2_000), Verdict.NOT_A_PRICE),
        ((4_000, 2_000), Verdict.LONGER_THAN_MODEL),
    ],
)
def test_a_whole_market(offered: tuple[int, ...], verdict: Verdict) -> None:
    assert market_within_band(offered, model_milli=(2_000, 2_000)).verdict is verdict


def test_a_band_below_one_is_none() -> None:
    with pytest.raises(ValueError, match="no tolerance"):
        within_band(2_000, model_milli=2_000, tolerance=0.5)


def test_a_market_that_asks_for_too_much() -> None:
    assert (
        market_within_band((1_200, 1_200), model_milli=(2_000, 2_000), tolerance=10.0).verdict is Verdict.BOOK_TOO_LARGE
    )
