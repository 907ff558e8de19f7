"""From prices back to the model, and what the house expects to keep with its standard error."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.trading.matches import PLAIN, rates

from overround.trading import (
    MATCH_RESULT,
    Kind,
    Position,
    Question,
    Rates,
    compare,
    fair,
    fair_of,
    fit_joint,
    fit_rates,
    joint,
    surplus_minor,
    variance,
)

TWO_AND_A_HALF = Question(Kind.TOTAL, 10)


@given(rates=rates)
def test_a_models_own_probabilities_lead_back_to_it(rates: Rates) -> None:
    if rates.home + rates.away < 6:
        table = joint(rates)
        home, draw, away = fair_of(table, MATCH_RESULT)
        found = fit_rates((home, draw, away), over_two_and_a_half=fair_of(table, TWO_AND_A_HALF)[0])
        assert math.isclose(found.home, rates.home, rel_tol=0.02, abs_tol=0.02)
        assert math.isclose(found.away, rates.away, rel_tol=0.02, abs_tol=0.02)


def test_the_fitted_table_says_what_the_prices_say() -> None:
    home, draw, away = fair((1_140, 10_000, 19_000))
    table = fit_joint((home, draw, away), over_two_and_a_half=0.68)
    assert [round(share, 4) for share in fair_of(table, MATCH_RESULT)] == [0.8518, 0.0971, 0.0511]


def coin(selection: int) -> Position:
    return Position(Kind.HANDICAP, selection, -2, 1_000, 2_000, 0.5)


def test_both_sides_of_a_coin_cancel_and_one_side_is_all_chance() -> None:
    table = fit_joint((0.5, 0.25, 0.25))
    assert math.isclose(variance([coin(1), coin(2)], table), 0.0, abs_tol=1e-6)
    alone = variance([coin(1)], table)
    assert math.isclose(math.sqrt(alone), 1_000, rel_tol=1e-6)
    hold = compare(risked=1_000, returned=2_000, expected_return=1_000, variance=alone)
    assert (hold.expected, hold.realised) == (0.0, -1.0)
    assert math.isclose(hold.errors_apart, -1.0, rel_tol=1e-6)


@given(line=st.integers(-12, 12), stakes=st.tuples(st.integers(1, 9_999), st.integers(1, 9_999)))
def test_the_surplus_is_nothing_on_average(line: int, stakes: tuple[int, int]) -> None:
    positions = [
        Position(Kind.HANDICAP, number, line, stake, 1_950, share)
        for number, (stake, share) in enumerate(
            zip(stakes, fair_of(PLAIN, Question(Kind.HANDICAP, line)), strict=True), 1
        )
    ]
    mean = float(PLAIN.final.probability @ np.asarray(surplus_minor(positions, PLAIN.final)))
    assert math.isclose(mean, 0.0, abs_tol=1e-6)
