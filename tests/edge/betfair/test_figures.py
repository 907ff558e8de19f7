"""Money and prices cross the dialect's wire as floats, and nothing of them is lost on the way."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overround.edge.betfair.figures import market_name, market_number, milli_of, minor_of, price, size
from overround.kernel.ladder import CLASSIC
from overround.kernel.money import MAX_MONEY_MINOR


@pytest.mark.parametrize("milli", CLASSIC)
def test_every_price_of_the_ladder_comes_back(milli: int) -> None:
    assert milli_of(Decimal(json.dumps(price(milli)))) == milli


@given(minor=st.integers(min_value=-MAX_MONEY_MINOR, max_value=MAX_MONEY_MINOR), digits=st.sampled_from([0, 2, 3]))
def test_every_amount_comes_back(minor: int, digits: int) -> None:
    assert minor_of(Decimal(repr(size(minor, digits))), digits) == minor


@pytest.mark.parametrize("odd", ["0.001", "1.005", "1e-9", "NaN", "Infinity", "-Infinity", "1e400", "1e-400"])
def test_what_is_no_whole_penny_is_none(odd: str) -> None:
    assert minor_of(Decimal(odd)) is None


def test_zero_is_zero_however_it_is_written() -> None:
    assert minor_of(Decimal("0E+99")) == minor_of(Decimal("0.000")) == 0


@given(number=st.integers(min_value=1, max_value=10**15 - 1))
def test_market_ids_come_back(number: int) -> None:
    assert market_number(market_name(number)) == number


@pytest.mark.parametrize("text", ["", "1", "1.", "2.5", "1.05", "1.x", "1.-5", "1.5.6", "1.١", "1." + "9" * 16, "7"])
def test_other_ids_are_none_of_ours(text: str) -> None:
    assert market_number(text) == 0
