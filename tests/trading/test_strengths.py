"""Strengths from results: the gradient, what a drawn league gives back, and how old and missing results count."""

import math
import random

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from overround.trading import Rates, Result, Strengths, fit_strengths
from overround.trading.strengths import Likelihood

SIDES = [f"side {number}" for number in range(12)]
TRUTH = Strengths(
    level=0.2,
    home_advantage=0.25,
    rho=0.0,
    attack={side: 0.08 * (number - 5.5) for number, side in enumerate(SIDES)},
    defence={side: 0.05 * (number % 4 - 1.5) for number, side in enumerate(SIDES)},
)


def league(seasons: int, *, seed: int = 1) -> list[Result]:
    chance = np.random.default_rng(seed)
    results = []
    for season in range(seasons):
        for number, (home, away) in enumerate((home, away) for home in SIDES for away in SIDES if home != away):
            rates = TRUTH.rates(home, away)
            goals = chance.poisson(rates.home), chance.poisson(rates.away)
            results.append(Result(365 * season + 14 * (number // 6), home, away, int(goals[0]), int(goals[1])))
    return results


def test_the_gradient_is_the_slope() -> None:
    likelihood = Likelihood(league(1), day=400, half_life_days=300.0, spread=0.5)
    chance = random.Random(7)
    for _ in range(3):
        at = np.array([chance.uniform(-0.2, 0.2) for _ in range(3 + 2 * len(SIDES))])
        slope = approx_fprime(at, lambda x: likelihood(x)[0], 1e-7)
        assert np.allclose(likelihood(at)[1], slope, atol=2e-4)


def test_a_long_league_gives_its_strengths_back() -> None:
    found = fit_strengths(league(12), day=12 * 365, half_life_days=1e6, spread=5.0)
    assert abs(found.home_advantage - TRUTH.home_advantage) < 0.06
    assert abs(found.rho) < 0.06
    apart = [
        abs(math.log(found.rates(home, away).home / TRUTH.rates(home, away).home))
        for home in SIDES
        for away in SIDES
        if home != away
    ]
    assert sum(apart) / len(apart) < 0.08


def test_later_results_are_not_looked_at() -> None:
    results = league(2)
    then = fit_strengths(results, day=300)
    assert then == fit_strengths([result for result in results if result.day < 300], day=300)


def test_a_head_start_changes_nothing() -> None:
    results = league(2)
    cold = fit_strengths(results, day=700)
    warm = fit_strengths(results, day=700, start=fit_strengths(results, day=400))
    assert warm.rates(SIDES[0], SIDES[1]) == pytest.approx(cold.rates(SIDES[0], SIDES[1]), abs=2e-3)


def test_old_results_count_for_less() -> None:
    """A side that lost everything three years ago and wins everything now is a strong side."""
    old = [Result(day, "phoenix", other, 0, 3) for day, other in enumerate(SIDES)]
    new = [Result(1_100 + day, "phoenix", other, 3, 0) for day, other in enumerate(SIDES)]
    others = [msg._replace(day=msg.day + 600) for msg in league(1)]
    found = fit_strengths([*old, *others, *new], day=1_120, half_life_days=200.0)
    same = fit_strengths([*old, *others, *new], day=1_120, half_life_days=1e6)
    assert found.attack["phoenix"] > same.attack["phoenix"]


def test_without_results_all_sides_are_usual_and_an_unknown_side_always_is() -> None:
    nothing = fit_strengths([], day=0)
    assert nothing.rates("a", "b") == nothing.rates("c", "d")
    found = fit_strengths(league(1), day=400)
    usual = Rates(math.exp(found.level + found.home_advantage), math.exp(found.level))
    assert found.rates("nobody", "never heard of") == pytest.approx(usual)
