"""The worked numbers of docs/rules/pricing.md, and what must hold for any match."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overround.trading import (
    Kind,
    Method,
    Position,
    Rates,
    compare,
    fair,
    fit_grid,
    fit_rates,
    handicap,
    match_result,
    overround,
    price_milli,
    prices_milli,
    score_grid,
    surplus_minor,
    total,
    variance,
    with_margin,
)

LIVERPOOL_NORWICH = (1_140, 10_000, 19_000)
MATCH = score_grid(Rates(1.6, 1.1))

rates = st.floats(0.05, 5.0).flatmap(lambda home: st.floats(0.05, 5.0).map(lambda away: Rates(home, away)))
books = st.lists(st.floats(0.01, 1.0), min_size=2, max_size=12).map(lambda ws: [w / math.fsum(ws) for w in ws])


def rounded(numbers: object) -> list[float]:
    assert isinstance(numbers, tuple)
    return [round(number, 4) for number in numbers]


def test_before_the_match_and_an_hour_into_it() -> None:
    assert rounded(match_result(MATCH)) == [0.4896, 0.2489, 0.2615]
    assert round(total(MATCH, line_quarters=10)[0].fair, 4) == 0.5064
    later = score_grid(Rates(1.6, 1.1), minutes_left=30, home=1)
    assert rounded(match_result(later)) == [0.8029, 0.1641, 0.033]


@pytest.mark.parametrize(
    ("line_quarters", "chances", "of_home"),
    [
        (0, [0.4896, 0, 0.2489, 0, 0.2615], 0.6518),
        (-1, [0.4896, 0, 0, 0.2489, 0.2615], 0.5592),
        (-2, [0.4896, 0, 0, 0, 0.5104], 0.4896),
        (-3, [0.2552, 0.2344, 0, 0, 0.5104], 0.4218),
        (-4, [0.2552, 0, 0.2344, 0, 0.5104], 0.3333),
    ],
)
def test_handicaps_whole_half_and_quarter(line_quarters: int, chances: list[float], of_home: float) -> None:
    home, away = handicap(MATCH, line_quarters=line_quarters)
    assert rounded(tuple(home)) == chances
    assert tuple(away) == tuple(reversed(home))
    assert round(home.fair, 4) == of_home


@given(rates=rates, line_quarters=st.integers(-20, 20), minutes_left=st.floats(1.0, 90.0))
def test_a_fair_price_breaks_even_on_every_line(rates: Rates, line_quarters: int, minutes_left: float) -> None:
    grid = score_grid(rates, minutes_left=minutes_left)
    for side, other in (
        handicap(grid, line_quarters=line_quarters),
        total(grid, line_quarters=abs(line_quarters)),
    ):
        assert math.isclose(math.fsum(side), 1.0)
        if 1e-6 < side.fair < 1 - 1e-6:
            price = 1 / side.fair
            returned = side.won * price + side.half_won * (price + 1) / 2 + side.void + side.half_lost / 2
            assert math.isclose(returned, 1.0, rel_tol=1e-6)
            assert math.isclose(side.fair + other.fair, 1.0)


def test_after_full_time_the_score_stands() -> None:
    assert score_grid(Rates(1.6, 1.1), minutes_left=0, home=2, away=1) == ((2, 1, 1.0),)
    over, under = total(score_grid(Rates(1.6, 1.1), minutes_left=30, home=2, away=1), line_quarters=10)
    assert (over.fair, under.fair) == (1.0, 0.0)


@pytest.mark.parametrize("rate", [-0.1, 10.1, math.nan, math.inf])
def test_a_rate_out_of_bounds_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="not a rate of goals"):
        score_grid(Rates(rate, 1.0))


# ------------------------------------------------------------------ margins


@pytest.mark.parametrize(
    ("method", "offered", "prices", "taken"),
    [
        (Method.MULTIPLICATIVE, [0.5141, 0.2614, 0.2746], (1_940, 3_800, 3_600), 0.0564),
        (Method.POWER, [0.5061, 0.2655, 0.2783], (1_970, 3_750, 3_550), 0.056),
    ],
)
def test_a_margin_of_five_per_cent(method: Method, offered: list[float], prices: tuple[int, ...], taken: float) -> None:
    assert rounded(with_margin(match_result(MATCH), overround=0.05, method=method)) == offered
    assert prices_milli(match_result(MATCH), overround=0.05, method=method) == prices
    assert round(overround(prices), 4) == taken


@pytest.mark.parametrize(
    ("method", "behind"),
    [
        (Method.MULTIPLICATIVE, [0.8518, 0.0971, 0.0511]),
        (Method.POWER, [0.8699, 0.0864, 0.0437]),
        (Method.SHIN, [0.8633, 0.0917, 0.045]),
    ],
)
def test_taking_the_margin_out(method: Method, behind: list[float]) -> None:
    assert rounded(fair(LIVERPOOL_NORWICH, method)) == behind


@given(book=books, margin=st.floats(0.0, 0.3), method=st.sampled_from((Method.MULTIPLICATIVE, Method.POWER)))
def test_what_is_put_in_comes_out_again(book: list[float], margin: float, method: Method) -> None:
    offered = with_margin(book, overround=margin, method=method)
    assert math.isclose(math.fsum(offered), 1.0 + margin, rel_tol=1e-9)
    if max(offered) < 0.9 and min(offered) > 0.01:
        back = fair([round(1_000 / share) for share in offered], method)
        assert all(math.isclose(q, p, rel_tol=0.02) for q, p in zip(back, book, strict=True))


@given(book=books, margin=st.floats(0.01, 0.3))
def test_prices_on_the_steps_never_give_margin_away(book: list[float], margin: float) -> None:
    prices = prices_milli(book, overround=margin, method=Method.POWER)
    if all(1_010 < price < 1_000_000 for price in prices):
        assert overround(prices) >= margin - 1e-9


@given(probability=st.floats(0.0, 0.995))
def test_a_price_is_on_its_step_and_no_longer_than_fair(probability: float) -> None:
    price = price_milli(probability)
    assert 1_010 <= price <= 1_000_000
    assert price == 1_010 or probability * price <= 1_000 * (1 + 1e-9)
    assert price % 10 == 0


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
        ((0.5, 0.5), 0.05, Method.SHIN),
    ],
)
def test_what_is_no_margin_is_refused(book: tuple[float, ...], margin: float, method: Method) -> None:
    with pytest.raises(ValueError, match=r"no .* margin|not probabilities"):
        with_margin(book, overround=margin, method=method)


# ------------------------------------------------------------------ back to the model, and hold


@given(rates=rates)
def test_a_models_own_probabilities_lead_back_to_it(rates: Rates) -> None:
    if rates.home + rates.away < 6:
        grid = score_grid(rates)
        found = fit_rates(match_result(grid), over_two_and_a_half=total(grid, line_quarters=10)[0].fair)
        assert math.isclose(found.home, rates.home, rel_tol=0.02, abs_tol=0.02)
        assert math.isclose(found.away, rates.away, rel_tol=0.02, abs_tol=0.02)


def test_the_fitted_grid_says_what_the_prices_say() -> None:
    result = fair(LIVERPOOL_NORWICH)
    grid = fit_grid((result[0], result[1], result[2]), over_two_and_a_half=0.68)
    assert rounded(match_result(grid)) == [0.8518, 0.0971, 0.0511]


def coin(selection: int) -> Position:
    return Position(Kind.HANDICAP, selection, -2, 1_000, 2_000, 0.5)


def test_both_sides_of_a_coin_cancel_and_one_side_is_all_chance() -> None:
    half = 0.5
    grid = fit_grid((half, half / 2, half / 2))
    assert math.isclose(variance([coin(1), coin(2)], grid), 0.0, abs_tol=1e-6)
    alone = variance([coin(1)], grid)
    assert math.isclose(math.sqrt(alone), 1_000, rel_tol=1e-6)
    hold = compare(risked=1_000, returned=2_000, expected_return=1_000, variance=alone)
    assert (hold.expected, hold.realised) == (0.0, -1.0)
    assert math.isclose(hold.errors_apart, -1.0, rel_tol=1e-6)


@given(line_quarters=st.integers(-12, 12), stakes=st.tuples(st.integers(1, 9_999), st.integers(1, 9_999)))
def test_the_surplus_is_nothing_on_average(line_quarters: int, stakes: tuple[int, int]) -> None:
    sides = handicap(MATCH, line_quarters=line_quarters)
    positions = [
        Position(Kind.HANDICAP, number, line_quarters, stake, 1_950, side.fair)
        for number, (stake, side) in enumerate(zip(stakes, sides, strict=True), 1)
    ]
    mean = math.fsum(cell.probability * surplus_minor(positions, home=cell.home, away=cell.away) for cell in MATCH)
    assert math.isclose(mean, 0.0, abs_tol=1e-6)
