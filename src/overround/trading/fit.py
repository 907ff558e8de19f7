"""From a bookmaker's prices back to the goals model: which rates would a match have for the market to say this?"""

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from overround.trading.goals import Joint, Rates, joint, poisson
from overround.trading.markets import MATCH_RESULT, fair_of

LEAST_RATE: Final = 0.05
MOST_GOALS: Final = 6.0
"""Goals a match that the fit goes up to, both sides together."""

USUAL_GOALS: Final = 2.7
"""Goals a match in the large European leagues, where nothing says more."""


def fit_rates(result: tuple[float, float, float], *, over_two_and_a_half: float | None = None) -> Rates:
    """The rates whose goals go over 2.5 as often as said, shared so that home wins as much more often than away.

    `result` are the fair probabilities of home, draw and away. Without a probability of over 2.5 the match is supposed
    to have `USUAL_GOALS`.

    >>> rates = fit_rates((0.45, 0.27, 0.28), over_two_and_a_half=0.52)
    >>> round(rates.home, 2), round(rates.away, 2)
    (1.57, 1.19)
    """
    goals = USUAL_GOALS if over_two_and_a_half is None else goals_for(over_two_and_a_half)
    lead = result[0] - result[2]
    home = _rising(lambda rate: _lead(rate, goals - rate) - lead, LEAST_RATE, goals - LEAST_RATE)
    return Rates(home, goals - home)


def fit_joint(result: tuple[float, float, float], *, over_two_and_a_half: float | None = None) -> Joint:
    """The fitted model's final scores, with home wins, draws and away wins then scaled to be as likely as said."""
    table = joint(fit_rates(result, over_two_and_a_half=over_two_and_a_half)).final
    home, draw, away = (said / have for said, have in zip(result, fair_of(table, MATCH_RESULT), strict=True))
    lead = table.home - table.away
    return table.weighed(np.where(lead > 0, home, np.where(lead == 0, draw, away)))


def goals_for(over_two_and_a_half: float) -> float:
    """The expectation of goals, both sides together, that go over 2.5 with this probability."""
    return _rising(lambda rate: _over(rate) - over_two_and_a_half, 2 * LEAST_RATE + 0.01, MOST_GOALS)


def _over(rate: float) -> float:
    return 1.0 - math.exp(-rate) * (1.0 + rate + rate * rate / 2.0)


def _lead(home: float, away: float) -> float:
    """The probability of a home win less that of an away win."""
    scores = np.outer(poisson(home), poisson(away))
    return float(np.tril(scores, -1).sum() - np.triu(scores, 1).sum())


def _rising(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function crosses zero, or the end that is nearer to it."""
    for _ in range(40):
        middle = (low + high) / 2
        if function(middle) < 0.0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
