"""Decimal odds in whole thousandths, and the one rounding of a payout."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overround.kernel import price
from overround.kernel.price import MAX_PRICE_MILLI, MIN_PRICE_MILLI
from overround.kernel.rounding import down, half_even

prices = st.integers(MIN_PRICE_MILLI, MAX_PRICE_MILLI)


@pytest.mark.parametrize(
    ("text", "milli"),
    [
        ("2.5", 2_500),
        ("18.05", 18_050),
        ("3", 3_000),
        (" 1.91 ", 1_910),
        ("1.0005", 1_000),
        ("1.0015", 1_002),
        (".5", 500),
    ],
)
def test_odds_are_read_exactly(text: str, milli: int) -> None:
    assert price.parse(text) == milli


@pytest.mark.parametrize("text", ["", ".", "-2", "+2", "2,5", "1e3", "nan", "inf", "2.5.1", "٢", "2_0", "0x2", "½"])
def test_what_is_no_odds_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="odds"):
        price.parse(text)


@given(prices)
def test_odds_are_written_and_read_again(milli: int) -> None:
    written = price.text(milli)
    assert price.parse(written) == milli
    assert len(written.split(".")[1]) in (2, 3)


@given(st.decimals(0, 10_000, allow_nan=False, places=7))
def test_more_decimals_are_rounded_half_to_even(odds: Decimal) -> None:
    assert price.parse(f"{odds:f}") == round(Fraction(odds) * 1_000)


@given(st.integers(1, 10**15), prices)
def test_a_payout_is_stake_times_price_rounded_half_to_even(stake: int, milli: int) -> None:
    assert price.payout_minor(stake_minor=stake, price_milli=milli) == round(Fraction(stake * milli, 1_000))


@given(st.integers(1, 10**15), prices)
def test_a_larger_stake_never_pays_or_wins_less(stake: int, milli: int) -> None:
    """The largest stake under a limit is found because of this."""
    less, more = (price.payout_minor(stake_minor=minor, price_milli=milli) for minor in (stake, stake + 1))
    assert more >= less + 1


@pytest.mark.parametrize(("milli", "fits"), [(1_000, False), (1_001, True), (10_000_000, True), (10_000_001, False)])
def test_the_bounds_of_a_price(milli: int, fits: bool) -> None:
    assert price.is_price(milli) is fits


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**9))
def test_half_even_is_the_rounding_of_fractions(numerator: int, denominator: int) -> None:
    assert half_even(numerator, denominator) == round(Fraction(numerator, denominator))
    assert down(numerator, denominator) <= Fraction(numerator, denominator) < down(numerator, denominator) + 1
