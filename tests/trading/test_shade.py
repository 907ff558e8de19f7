"""Prices that move with liability: the page's numbers, and what must hold whatever the losses."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.book.tables import table

from overround.trading import Method, Shade, market_within_band, prices_milli, shaded, shaded_prices_milli

MARGIN = 0.05


def moved(probabilities: tuple[float, ...], losses: tuple[int, ...], shade: Shade) -> tuple[int, ...]:
    return shaded_prices_milli(probabilities, overround=MARGIN, losses_minor=losses, shade=shade, method=Method.POWER)


@pytest.mark.parametrize(
    "row", table("pricing.md", "Prices that move with liability"), ids=lambda row: " ".join(row.values())
)
def test_the_page(row: dict[str, str]) -> None:
    losses = tuple(int(row[f"{side} loses"].replace(",", "").replace("−", "-")) for side in ("home", "draw", "away"))
    asked = tuple(round(1_000 * float(row[side])) for side in ("home", "draw", "away"))
    assert moved((0.5, 0.3, 0.2), losses, Shade()) == asked


shades = st.builds(Shade, elasticity=st.floats(0.0, 0.3), scale_minor=st.integers(1, 10**7))
amounts = st.integers(-(10**9), 10**9)


@st.composite
def books(draw: st.DrawFn) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Fair probabilities, none of them as good as certain, and a loss for each."""
    weights = draw(st.lists(st.floats(0.02, 1.0), min_size=2, max_size=8))
    losses = draw(st.lists(amounts, min_size=len(weights), max_size=len(weights)))
    return tuple(weight / math.fsum(weights) for weight in weights), tuple(losses)


@given(books(), shades)
def test_no_price_is_given_away_and_none_leaves_the_band(
    book: tuple[tuple[float, ...], tuple[int, ...]], shade: Shade
) -> None:
    fair, losses = book
    prices = moved(fair, losses, shade)
    plain = prices_milli(fair, overround=MARGIN, method=Method.POWER)
    for price, probability in zip(prices, fair, strict=True):
        assert price * probability <= 1_000 * (1 + 1e-9), "longer than the fair price"
    assert market_within_band(prices, model_milli=plain).is_sane


@given(books(), shades, st.integers(0, 10**9), st.integers(0, 7))
def test_a_larger_loss_never_lengthens_its_price(
    book: tuple[tuple[float, ...], tuple[int, ...]], shade: Shade, more: int, which: int
) -> None:
    fair, losses = book
    at = which % len(fair)
    grown = tuple(loss + more * (number == at) for number, loss in enumerate(losses))
    before, after = moved(fair, losses, shade), moved(fair, grown, shade)
    assert after[at] <= before[at]
    assert (
        shaded(fair, losses_minor=grown, shade=shade)[at] >= shaded(fair, losses_minor=losses, shade=shade)[at] - 1e-12
    )


@given(books(), shades, amounts)
def test_a_book_in_balance_stays_as_it_is(
    book: tuple[tuple[float, ...], tuple[int, ...]], shade: Shade, amount: int
) -> None:
    fair, _ = book
    left = shaded(fair, losses_minor=(amount,) * len(fair), shade=shade)
    assert left == pytest.approx(fair, abs=1e-9)


@given(st.floats(0.05, 0.9), st.floats(0.05, 0.9), amounts, amounts, amounts, shades)
def test_two_winners_stay_two(home: float, away: float, one: int, two: int, three: int, shade: Shade) -> None:
    """Of double chances two win, moved or not."""
    home, draw, away = (share / (home + away + 0.3) for share in (home, 0.3, away))
    fair = (home + draw, home + away, draw + away)
    left = shaded(fair, losses_minor=(one, two, three), shade=shade)
    assert math.fsum(left) == pytest.approx(2.0, abs=1e-9)
    assert all(0.0 < share < 1.0 for share in left)


@pytest.mark.parametrize("wrong", [{"elasticity": 0.31}, {"elasticity": -0.1}, {"scale_minor": 0}])
def test_what_would_move_too_far_is_no_shade(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="no way to move prices"):
        Shade(**wrong)  # type: ignore[arg-type]
