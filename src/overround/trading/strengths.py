"""How strong the sides are, fitted to results: Dixon and Coles's model, where old results count for less.

A side has an attack and a defence, the league a level, a home advantage and one rho for low scores:

    log home rate = level + home advantage + attack of home − defence of away
    log away rate = level + attack of away − defence of home

What is maximised is the log likelihood of the results, each weighed by ½ to the power of its age in half-lives, less a
penalty for attacks and defences far from nothing. The penalty is a normal prior: early in a season, and for a side that
nobody has seen yet, it says "like any other". Source: M. J. Dixon and S. G. Coles, Applied Statistics 46 (1997).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from overround.trading.goals import MAX_RATE, Rates, Real, bounded

HALF_LIFE_DAYS: Final = 373.0
"""Dixon and Coles's best xi is 0.0065 a half-week, and ln 2 / 0.0065 half-weeks are 373 days."""

SPREAD: Final = 0.5
"""Standard deviation that attacks and defences have before any result is seen."""

USUAL_HOME_ADVANTAGE: Final = 0.2
USUAL_LEVEL: Final = 0.2
MOST_RHO: Final = 0.2
LEAST_TAU: Final = 1e-6
FEWEST_RESULTS: Final = 10
HALF_LIVES_KEPT: Final = 12
"""Half-lives after which a result is no longer looked at: its weight is under a four-thousandth."""


class Result(NamedTuple):
    """A match that was played. Days are counted from any one day."""

    day: int
    home: str
    away: str
    home_goals: int
    away_goals: int


class Strengths(msgspec.Struct, frozen=True, kw_only=True):
    """A league as the fit sees it. Attacks and defences are logarithms, 0 for the usual side."""

    level: float
    home_advantage: float
    rho: float
    attack: Mapping[str, float]
    defence: Mapping[str, float]

    def rates(self, home: str, away: str) -> Rates:
        """Expected goals of a match. A side that was never seen is as strong as the usual one."""
        ours = self.level + self.home_advantage + self.attack.get(home, 0.0) - self.defence.get(away, 0.0)
        theirs = self.level + self.attack.get(away, 0.0) - self.defence.get(home, 0.0)
        return Rates(min(MAX_RATE, math.exp(ours)), min(MAX_RATE, math.exp(theirs)))


class Likelihood:
    """The penalised log likelihood of weighed results, negated, and its gradient: everything at once, in arrays.

    The parameters are level, home advantage, rho, then all attacks, then all defences.
    """

    def __init__(self, results: Sequence[Result], *, day: int, half_life_days: float, spread: float) -> None:
        self.sides = sorted({side for result in results for side in (result.home, result.away)})
        number = {side: index for index, side in enumerate(self.sides)}
        self._home = np.array([number[result.home] for result in results])
        self._away = np.array([number[result.away] for result in results])
        self._ours = np.array([result.home_goals for result in results], dtype=float)
        self._theirs = np.array([result.away_goals for result in results], dtype=float)
        self._weight = 0.5 ** (np.array([day - result.day for result in results]) / half_life_days)
        self._penalty = 1.0 / spread**2
        low = (self._ours <= 1) & (self._theirs <= 1)
        self._cells = [
            low & (self._ours == ours) & (self._theirs == theirs) for ours, theirs in ((0, 0), (0, 1), (1, 0), (1, 1))
        ]

    def __call__(self, parameters: Real) -> tuple[float, Real]:
        """(negated log likelihood, its gradient)."""
        level, advantage, rho = parameters[:3]
        attack, defence = np.split(parameters[3:], 2)
        log_ours = level + advantage + attack[self._home] - defence[self._away]
        log_theirs = level + attack[self._away] - defence[self._home]
        ours, theirs = np.exp(log_ours), np.exp(log_theirs)
        tau, by_ours, by_theirs, by_rho = self._low_scores(ours, theirs, rho)
        likely = np.log(tau) - ours + self._ours * log_ours - theirs + self._theirs * log_theirs
        slope_ours = self._weight * (self._ours - ours + by_ours / tau)
        slope_theirs = self._weight * (self._theirs - theirs + by_theirs / tau)
        gradient = np.concatenate(
            [
                [(slope_ours + slope_theirs).sum(), slope_ours.sum(), self._weight @ (by_rho / tau)],
                self._by_side(self._home, slope_ours)
                + self._by_side(self._away, slope_theirs)
                - self._penalty * attack,
                -self._by_side(self._away, slope_ours)
                - self._by_side(self._home, slope_theirs)
                - self._penalty * defence,
            ]
        )
        value = self._weight @ likely - self._penalty / 2.0 * float(attack @ attack + defence @ defence)
        return -float(value), -gradient

    def _by_side(self, sides: np.ndarray, slopes: Real) -> Real:
        return np.bincount(sides, weights=slopes, minlength=len(self.sides)).astype(float)

    def _low_scores(self, ours: Real, theirs: Real, rho: float) -> tuple[Real, Real, Real, Real]:
        """Each match's correction, and its slopes by the logarithms of the two rates and by rho."""
        tau, by_ours, by_theirs, by_rho = np.ones_like(ours), *(np.zeros_like(ours) for _ in range(3))
        nil_nil, nil_one, one_nil, one_one = self._cells
        tau[nil_nil] -= (ours * theirs * rho)[nil_nil]
        tau[nil_one] += (ours * rho)[nil_one]
        tau[one_nil] += (theirs * rho)[one_nil]
        tau[one_one] -= rho
        by_ours[nil_nil] = by_theirs[nil_nil] = -(ours * theirs * rho)[nil_nil]
        by_ours[nil_one] = (ours * rho)[nil_one]
        by_theirs[one_nil] = (theirs * rho)[one_nil]
        by_rho[nil_nil] = -(ours * theirs)[nil_nil]
        by_rho[nil_one] = ours[nil_one]
        by_rho[one_nil] = theirs[one_nil]
        by_rho[one_one] = -1.0
        return np.maximum(tau, LEAST_TAU), by_ours, by_theirs, by_rho


def fit_strengths(
    results: Sequence[Result],
    *,
    day: int,
    half_life_days: float = HALF_LIFE_DAYS,
    spread: float = SPREAD,
    start: Strengths | None = None,
) -> Strengths:
    """The strengths as of a day, from the results before it; later ones are not looked at.

    With fewer than `FEWEST_RESULTS` every side is the usual one. `start` is an earlier fit to begin from, which is
    faster and changes nothing else.
    """
    from scipy.optimize import minimize  # half a second and 50 MB that only those who fit should pay

    known = [result for result in results if 0 < day - result.day <= HALF_LIVES_KEPT * half_life_days]
    begin = start or Strengths(level=USUAL_LEVEL, home_advantage=USUAL_HOME_ADVANTAGE, rho=0.0, attack={}, defence={})
    if len(known) < FEWEST_RESULTS:
        return begin
    likelihood = Likelihood(known, day=day, half_life_days=half_life_days, spread=spread)
    sides = likelihood.sides
    first = [
        begin.level,
        begin.home_advantage,
        begin.rho,
        *(begin.attack.get(side, 0.0) for side in sides),
        *(begin.defence.get(side, 0.0) for side in sides),
    ]
    bounds = [(-2.0, 2.0), (-2.0, 2.0), (-MOST_RHO, MOST_RHO), *[(-3.0, 3.0)] * (2 * len(sides))]
    found = minimize(likelihood, np.array(first), jac=True, method="L-BFGS-B", bounds=bounds)
    attack, defence = (dict(zip(sides, map(float, part), strict=True)) for part in np.split(found.x[3:], 2))
    level, advantage, rho = map(float, found.x[:3])
    usual = Rates(math.exp(level + advantage), math.exp(level))
    return Strengths(level=level, home_advantage=advantage, rho=bounded(rho, usual), attack=attack, defence=defence)
