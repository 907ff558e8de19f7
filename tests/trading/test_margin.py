"""Margins in and out: published examples, the tables of docs/rules/pricing.md, and what must hold of any market."""

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import brentq
from tests.book.tables import table
from tests.trading.cells import numbers, prices

from overround.trading import Method, fair, overround, price_milli, prices_milli, with_margin

ALL = tuple(Method)
books = st.lists(st.floats(0.01, 1.0), min_size=2, max_size=12).map(lambda ws: [w / math.fsum(ws) for w in ws])


@pytest.mark.parametrize(
    "row", table("pricing.md", "Taking it out"), ids=lambda row: f"{row['source']}-{row['method']}"
)
def test_the_recovered_probabilities_are_the_published_ones(row: dict[str, str]) -> None:
    digits = 8 if row["source"] != "implied" else 5
    found = fair(prices(row["prices"]), Method(row["method"]))
    published = numbers(row["probabilities"])
    assert all(abs(ours - theirs) < 0.6 * 10**-digits for ours, theirs in zip(found, published, strict=True))


@pytest.mark.parametrize("row", table("pricing.md", "One match, five ways"), ids=lambda row: row["method"])
def test_what_is_behind_the_prices_of_one_match(row: dict[str, str]) -> None:
    found = fair((1_140, 10_000, 19_000), Method(row["method"]))
    assert [f"{share:.4f}" for share in found] == [row["home"], row["draw"], row["away"]]


@pytest.mark.parametrize("row", table("pricing.md", "Putting the margin in"), ids=lambda row: row["method"])
def test_a_margin_of_five_per_cent(row: dict[str, str]) -> None:
    match = (0.48957353712956914, 0.24891098064291517, 0.26151548222751525)
    offered = with_margin(match, overround=0.05, method=Method(row["method"]))
    assert [f"{share:.4f}" for share in offered] == [row["home"], row["draw"], row["away"]]
    rounded = prices_milli(match, overround=0.05, method=Method(row["method"]))
    assert list(rounded) == prices(row["prices"])
    assert f"{100 * overround(rounded):.2f} %" == row["overround"]


@given(book=books, margin=st.floats(0.0, 0.3), method=st.sampled_from(ALL))
def test_what_is_put_in_comes_out_again(book: list[float], margin: float, method: Method) -> None:
    offered = with_margin(book, overround=margin, method=method)
    assert math.fsum(offered) <= 1.0 + margin + 1e-9
    assume(max(offered) < 0.9 and min(offered) > 0.01)
    assert math.isclose(math.fsum(offered), 1.0 + margin, rel_tol=1e-9)
    back = fair([round(1_000 / share) for share in offered], method)
    assert all(math.isclose(q, p, abs_tol=2e-3) for q, p in zip(back, book, strict=True))


@given(book=books, margin=st.floats(0.0, 0.3), method=st.sampled_from(ALL))
def test_the_likelier_outcome_never_has_the_longer_price(book: list[float], margin: float, method: Method) -> None:
    offered = with_margin(book, overround=margin, method=method)
    ranked = sorted(zip(book, offered, strict=True))
    assert all(one[1] <= two[1] + 1e-9 for one, two in pairwise(ranked))
    assert all(share >= probability - 1e-9 for probability, share in zip(book, offered, strict=True))


@given(home=st.integers(1_050, 20_000), away=st.integers(1_050, 20_000))
def test_with_two_outcomes_shins_method_is_the_additive_one(home: int, away: int) -> None:
    """Clarke, Kovalchik and Ingram (2017) prove it."""
    assume(1.0 < 1_000 / home + 1_000 / away < 1.5 and abs(1_000 / home - 1_000 / away) < 0.9)
    shins, additive = fair((home, away), Method.SHIN), fair((home, away), Method.ADDITIVE)
    assert all(math.isclose(one, two, abs_tol=1e-9) for one, two in zip(shins, additive, strict=True))


@given(book=books, margin=st.floats(0.001, 0.4))
def test_the_power_and_the_ratio_are_those_that_scipy_finds(book: list[float], margin: float) -> None:
    """The plain twin: Brent's method on the definition."""
    assume(max(book) < 0.95)
    whole = 1.0 + margin
    power = brentq(lambda k: math.fsum(p**k for p in book) - whole, 1e-6, 1.0, xtol=1e-14)
    ratio = brentq(lambda c: math.fsum(c * p / (1 - p + c * p) for p in book) - whole, 1.0, 1e6, xtol=1e-14)
    by_power = with_margin(book, overround=margin, method=Method.POWER)
    by_ratio = with_margin(book, overround=margin, method=Method.ODDS_RATIO)
    assert all(math.isclose(q, p**power, abs_tol=1e-9) for q, p in zip(by_power, book, strict=True))
    assert all(
        math.isclose(q, ratio * p / (1 - p + ratio * p), abs_tol=1e-9) for q, p in zip(by_ratio, book, strict=True)
    )


@given(book=books, margin=st.floats(0.001, 0.3))
def test_shins_insiders_are_found_by_bisection_too(book: list[float], margin: float) -> None:
    """The plain twin of the package: Jullien and Salanié's formula, and the share of insiders that adds up to one."""
    offered = with_margin(book, overround=margin, method=Method.POWER)
    assume(max(offered) < 0.95 and len(book) > 2)
    prices = [round(1_000 / share) for share in offered]
    shares = [1_000 / price for price in prices]
    whole = math.fsum(shares)
    assume(whole > 1.001)

    def behind(z: float) -> list[float]:
        return [(math.sqrt(z**2 + 4 * (1 - z) * s**2 / whole) - z) / (2 * (1 - z)) for s in shares]

    low, high = 0.0, 0.999
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if math.fsum(behind(middle)) > 1.0 else (low, middle)
    found = fair(prices, Method.SHIN)
    assert all(math.isclose(q, p, abs_tol=1e-6) for q, p in zip(found, behind(low), strict=True))


@given(
    book=st.tuples(*[st.floats(0.01, 1.0)] * 3),
    margin=st.floats(0.0, 0.2),
    method=st.sampled_from((Method.MULTIPLICATIVE, Method.POWER)),
)
def test_two_of_three_win_a_double_chance(book: tuple[float, ...], margin: float, method: Method) -> None:
    home, draw, away = (share / math.fsum(book) for share in book)
    offered = with_margin((home + draw, home + away, draw + away), overround=margin, method=method)
    assert math.fsum(offered) <= 2.0 * (1.0 + margin) + 1e-9
    assert math.isclose(math.fsum(offered), 2.0 * (1.0 + margin)) or method is Method.POWER


@given(book=books, margin=st.floats(0.01, 0.3))
def test_prices_on_the_steps_never_give_margin_away(book: list[float], margin: float) -> None:
    rounded = prices_milli(book, overround=margin, method=Method.POWER)
    if all(1_010 < price < 1_000_000 for price in rounded):
        assert overround(rounded) >= margin - 1e-9


@given(probability=st.floats(0.0, 0.995, exclude_min=True))
def test_a_price_is_on_its_step_and_no_longer_than_fair(probability: float) -> None:
    price = price_milli(probability)
    assert 1_010 <= price <= 1_000_000
    assert price == 1_010 or probability * price <= 1_000 * (1 + 1e-9)
    assert price % 10 == 0


@given(st.lists(st.integers(1_001, 1_000_000), min_size=2, max_size=40), st.sampled_from(ALL))
def test_any_prices_have_probabilities_behind_them(prices: list[int], method: Method) -> None:
    """Absurd books too: of forty certainties, and of prices that give money away."""
    found = fair(prices, method)
    assert math.isclose(math.fsum(found), 1.0, rel_tol=1e-9)
    assert min(found) >= 0.0


def test_the_additive_way_leaves_long_shots_nothing_rather_than_less() -> None:
    assert fair((1_100, 5_000, 100_000), Method.ADDITIVE)[2] == 0.0
    assert fair((1_100, 5_000, 100_000), Method.POWER)[2] > 0.0


@pytest.mark.parametrize("prices", [(), (1_000, 2_000), (0, 2_000)])
def test_what_is_no_price_is_refused(prices: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="not prices"):
        fair(prices)


@pytest.mark.parametrize(
    ("book", "margin", "method"),
    [
        ((0.5, 0.4), 0.05, Method.POWER),
        ((1.5, -0.5), 0.05, Method.POWER),
        ((0.5, 0.5), -0.01, Method.POWER),
        ((0.5, 0.5), math.nan, Method.POWER),
        ((), 0.05, Method.POWER),
        ((0.75, 0.75, 0.5), 0.05, Method.SHIN),
    ],
)
def test_what_is_no_margin_is_refused(book: tuple[float, ...], margin: float, method: Method) -> None:
    with pytest.raises(ValueError, match=r"no .* margin|not probabilities"):
        with_margin(book, overround=margin, method=method)
