"""The table of a match: the numbers of docs/rules/pricing.md, plain twins, and prices that later prices expect."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.book.tables import table
from tests.trading.cells import pair
from tests.trading.matches import MATCH, minutes, moments, rates, rhos

from overround.trading import (
    KICK_OFF,
    MATCH_RESULT,
    Kind,
    Moment,
    Question,
    Rates,
    fair_of,
    goals_before,
    joint,
    minute_of,
)
from overround.trading.goals import low_scores


@pytest.mark.parametrize("row", table("pricing.md", "When goals fall"), ids=lambda row: row["minute"])
def test_goals_fall_later_rather_than_sooner(row: dict[str, str]) -> None:
    assert f"{goals_before(float(row['minute'])):.4f}" == row["goals before"]


@given(minute=st.floats(0.0, 90.0))
def test_the_clock_of_goals_runs_both_ways(minute: float) -> None:
    assert math.isclose(minute_of(goals_before(minute)), minute, abs_tol=1e-9)


@pytest.mark.parametrize("row", table("pricing.md", "In play"), ids=lambda row: f"{row['minute']}-{row['score']}")
def test_in_play(row: dict[str, str]) -> None:
    moment = Moment(float(row["minute"]), *pair(row["score"]), *(0, 0), *pair(row["red cards"]))
    found = fair_of(joint(Rates(1.6, 1.1), rho=-0.1, moment=moment), MATCH_RESULT)
    assert [f"{share:.4f}" for share in found] == [row["home"], row["draw"], row["away"]]


@settings(max_examples=30)
@given(rates=rates, rho=rhos)
def test_final_scores_are_dixons_and_coles(rates: Rates, rho: float) -> None:
    """The plain twin: their equation, score by score, for the scores that a bettor would think of."""
    final = joint(rates, rho=rho).final
    have = {(home, away): p for home, away, p in zip(final.home, final.away, final.probability, strict=True)}
    weights = {
        (home, away): float(low_scores(np.array([home]), np.array([away]), rates=rates, rho=rho)[0])
        * math.exp(-rates.home - rates.away)
        * rates.home**home
        * rates.away**away
        / math.factorial(home)
        / math.factorial(away)
        for home, away in product(range(30), repeat=2)
    }
    whole = math.fsum(weights.values())
    assert all(
        math.isclose(have.get((home, away), 0.0), weights[home, away] / whole, abs_tol=1e-8)
        for home, away in product(range(6), repeat=2)
    )


@given(rates=rates, rho=rhos, moment=moments())
def test_a_table_adds_up_to_one_and_never_takes_a_goal_back(rates: Rates, rho: float, moment: Moment) -> None:
    found = joint(rates, rho=rho, moment=moment)
    assert math.isclose(found.probability.sum(), 1.0)
    assert found.probability.min() >= 0.0
    assert (found.home >= moment.home).all()
    assert (found.away >= moment.away).all()
    assert (found.half_home <= found.home).all()


@settings(max_examples=25)
@given(rates=st.builds(Rates, *[st.floats(0.05, 2.5)] * 2), rho=rhos, minute=minutes)
def test_a_price_is_what_the_prices_of_any_later_minute_expect(rates: Rates, rho: float, minute: float) -> None:
    """The law of total probability over the score at that minute, drawn up by hand from the processes alone."""
    before = joint(rates, rho=rho)
    played = goals_before(minute)
    expected = np.zeros(3)
    whole = 0.0
    for home, away in product(range(15), repeat=2):
        so_far = (
            math.exp(-(rates.home + rates.away) * played)
            * (rates.home * played) ** home
            * (rates.away * played) ** away
            / math.factorial(home)
            / math.factorial(away)
        )
        if so_far < 1e-9:
            continue
        weight = so_far * _mean_weight(rates, rho, 1.0 - played, home, away)
        now = joint(rates, rho=rho, moment=Moment(minute, home, away, home, away))
        expected += weight * np.array(fair_of(now, MATCH_RESULT))
        whole += weight
    assert np.allclose(expected / whole, fair_of(before, MATCH_RESULT), atol=1e-6)


def _mean_weight(rates: Rates, rho: float, left: float, home: int, away: int) -> float:
    """The mean of Dixon and Coles's weight over the final scores that may still come of this score."""
    more = range(25)
    ours = [math.exp(-rates.home * left) * (rates.home * left) ** n / math.factorial(n) for n in more]
    theirs = [math.exp(-rates.away * left) * (rates.away * left) ** n / math.factorial(n) for n in more]
    ends = np.indices((25, 25)).reshape(2, -1)
    weights = low_scores(ends[0] + home, ends[1] + away, rates=rates, rho=rho)
    return float(np.outer(ours, theirs).ravel() @ weights)


@given(rates=rates)
def test_at_the_break_the_first_half_is_history(rates: Rates) -> None:
    now = joint(rates, moment=Moment(45.0, 2, 1, 1, 1))
    assert fair_of(now, Question(Kind.HALF_TIME_RESULT)) == pytest.approx((0.0, 1.0, 0.0))


def test_a_red_card_helps_the_other_side_and_two_help_it_more() -> None:
    homes = [
        fair_of(joint(Rates(1.6, 1.1), moment=KICK_OFF._replace(minute=30.0, red_home=cards)), MATCH_RESULT)[0]
        for cards in range(4)
    ]
    assert homes == sorted(homes, reverse=True)


def test_goals_of_one_number_have_one_scorer_each() -> None:
    for number in (1, 2, 5):
        shown = MATCH.final.ordered(number)
        assert shown.scorer is not None
        assert math.isclose(shown.probability.sum(), 1.0)
        fallen = shown.home + shown.away >= number
        assert (fallen == (shown.scorer > 0)).all()


@given(rates=rates, rho=rhos)
def test_the_first_goal_is_simulated_alike(rates: Rates, rho: float) -> None:
    """With no rho two Poisson processes race: home's share of the first goal is its share of the rates."""
    home, none, away = fair_of(joint(rates), Question(Kind.NEXT_GOAL, goal_number=1))
    assert math.isclose(none, math.exp(-rates.home - rates.away), abs_tol=1e-8)
    assert math.isclose(home / (1 - none), rates.home / (rates.home + rates.away), abs_tol=1e-7)
    assert math.isclose(home + none + away, 1.0)
    with_rho = fair_of(joint(rates, rho=rho), Question(Kind.NEXT_GOAL, goal_number=1))
    assert math.isclose(math.fsum(with_rho), 1.0)


@pytest.mark.parametrize("rate", [-0.1, 10.1, math.nan, math.inf])
def test_a_rate_out_of_bounds_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="not rates of goals"):
        joint(Rates(rate, 1.0))


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(ValueError, match="red cards"):
        joint(Rates(1.0, 1.0), moment=KICK_OFF._replace(red_away=5))
    with pytest.raises(ValueError, match="has fallen"):
        joint(Rates(1.0, 1.0), moment=Moment(50.0, 1, 1)).ordered(2)
