"""The one joint distribution that prices a match: every way its goals may fall, before it and during it.

Each side's goals are a Poisson process that runs with `clock`; the final score is then weighed by Dixon and Coles's
correction of low scores (M. J. Dixon and S. G. Coles, Applied Statistics 46 (1997), equation 4.2). In play the same law
is conditioned on the score, so that today's price is the expectation of every later one. A market's price is a sum over
this table and nothing else. Worked numbers: docs/rules/pricing.md.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from overround.trading.clock import HALF_TIME_MINUTES, goals_left

Whole = NDArray[np.int64]
Real = NDArray[np.float64]

MAX_RATE: Final = 10.0
"""The highest rate the model takes, in goals a match and side."""

MOST_RED_CARDS: Final = 4
"""A side with fewer than seven players may not go on (Law 3)."""

WITH_TEN: Final = 0.72
AGAINST_TEN: Final = 1.18
"""What a red card makes of a side's rate, and of its opponents'. Sides that would be reduced to ten scored 39 % of the
goals before the card and 28 % after it, with as many goals as ever (K. Pullein, The Guardian, 6 February 2009, ten top
seasons): 28 / 39 and 72 / 61. Vecer, Kopriva and Ichiba (2009) find the same directions."""

VANISHING: Final = 1e-10
"""Numbers of goals less likely than this are left out, and the rest scaled to make up for it."""


class Rates(NamedTuple):
    """Expected goals of each side in 90 minutes of eleven against eleven."""

    home: float
    away: float


class Moment(NamedTuple):
    """How a match stands. The score at the break counts from minute 45 on; before it nobody reads it."""

    minute: float = 0.0
    home: int = 0
    away: int = 0
    half_home: int = 0
    half_away: int = 0
    red_home: int = 0
    red_away: int = 0


KICK_OFF: Final = Moment()


@dataclass(frozen=True, eq=False, kw_only=True)
class Joint:
    """A table: each row one way for the match to go, with its probability; they add up to one.

    Columns: the score at half time, the score at full time, and, where `ordered` was asked for it, who scores a certain
    goal (1 home, 2 away, 0 nobody).
    """

    moment: Moment
    probability: Real
    home: Whole
    away: Whole
    half_home: Whole
    half_away: Whole
    scorer: Whole | None = None

    @cached_property
    def final(self) -> "Joint":
        """The same with one row for each final score: all that most markets ask. It knows no half time."""
        width = int(self.away.max()) + 1
        key = self.home * width + self.away
        sums: Real = np.bincount(key, weights=self.probability).astype(float)
        kept = np.flatnonzero(sums)
        nothing = np.zeros_like(kept)
        return Joint(
            moment=self.moment,
            probability=sums[kept],
            home=kept // width,
            away=kept % width,
            half_home=nothing,
            half_away=nothing,
        )

    def ordered(self, number: int) -> "Joint":
        """Each row parted by who scores the match's goal of this number.

        Both sides' processes run with one clock, so given how many goals each has still to score every order of them is
        equally likely: the k-th is home's in the proportion of home's. Raises ValueError for a goal that has fallen.
        """
        if number <= self.moment.home + self.moment.away:
            raise ValueError(f"goal {number} has fallen")
        home, away = self.home - self.moment.home, self.away - self.moment.away
        falls = self.home + self.away >= number
        of_home = np.where(falls, home / np.maximum(1, home + away), 0.0)
        of_away = np.where(falls, away / np.maximum(1, home + away), 0.0)
        parts = [
            self._kept(share * self.probability, scorer)
            for scorer, share in enumerate((np.where(falls, 0.0, 1.0), of_home, of_away))
        ]
        return Joint(
            moment=self.moment,
            probability=np.concatenate([part.probability for part in parts]),
            home=np.concatenate([part.home for part in parts]),
            away=np.concatenate([part.away for part in parts]),
            half_home=np.concatenate([part.half_home for part in parts]),
            half_away=np.concatenate([part.half_away for part in parts]),
            scorer=np.concatenate([part.scorer for part in parts if part.scorer is not None]),
        )

    def weighed(self, weights: Real) -> "Joint":
        """The rows' probabilities times weights, scaled to add up to one again."""
        heavier = self.probability * weights
        return replace(self, probability=heavier / heavier.sum())

    def _kept(self, probability: Real, scorer: int) -> "Joint":
        rows = np.flatnonzero(probability)
        return Joint(
            moment=self.moment,
            probability=probability[rows],
            home=self.home[rows],
            away=self.away[rows],
            half_home=self.half_home[rows],
            half_away=self.half_away[rows],
            scorer=np.full_like(rows, scorer),
        )


def joint(rates: Rates, *, rho: float = 0.0, moment: Moment = KICK_OFF) -> Joint:
    """Every way for a match to go on from a moment.

    `rho` is Dixon and Coles's; below 0 it makes 0-0 and 1-1 likelier. It is kept to what leaves no probability below 0.
    Raises ValueError for rates outside 0 to `MAX_RATE` and more red cards than a side can have.

    >>> table = joint(Rates(1.6, 1.1), rho=-0.1)
    >>> round(float(table.probability[(table.home == 0) & (table.away == 0)].sum()), 4)
    0.079
    """
    if not (0.0 <= rates.home <= MAX_RATE and 0.0 <= rates.away <= MAX_RATE):
        raise ValueError(f"not rates of goals: {rates}")
    if not 0 <= min(moment.red_home, moment.red_away) <= max(moment.red_home, moment.red_away) <= MOST_RED_CARDS:
        raise ValueError(f"not a number of red cards: {moment}")
    first, second = goals_left(moment.minute)
    ours = rates.home * WITH_TEN**moment.red_home * AGAINST_TEN**moment.red_away
    theirs = rates.away * WITH_TEN**moment.red_away * AGAINST_TEN**moment.red_home
    columns = [poisson(ours * first), poisson(theirs * first), poisson(ours * second), poisson(theirs * second)]
    whole = np.einsum("i,j,k,l->ijkl", *columns)
    rows = np.nonzero(whole > VANISHING**1.5)
    home, away = moment.home + rows[0] + rows[2], moment.away + rows[1] + rows[3]
    is_first_half = moment.minute < HALF_TIME_MINUTES
    table = Joint(
        moment=moment,
        probability=whole[rows],
        home=home,
        away=away,
        half_home=moment.home + rows[0] if is_first_half else np.full_like(home, moment.half_home),
        half_away=moment.away + rows[1] if is_first_half else np.full_like(away, moment.half_away),
    )
    return table.weighed(low_scores(home, away, rates=rates, rho=rho))


def low_scores(home: Whole, away: Whole, *, rates: Rates, rho: float) -> Real:
    """Dixon and Coles's weight of each final score; 1 but for 0-0, 0-1, 1-0 and 1-1.

    >>> scores = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    >>> [round(float(weight), 3) for weight in low_scores(*scores, rates=Rates(1.6, 1.1), rho=-0.1)]
    [1.176, 0.84, 0.89, 1.1]
    """
    rho = bounded(rho, rates)
    weights = np.ones(home.shape)
    weights[(home == 0) & (away == 0)] -= rates.home * rates.away * rho
    weights[(home == 0) & (away == 1)] += rates.home * rho
    weights[(home == 1) & (away == 0)] += rates.away * rho
    weights[(home == 1) & (away == 1)] -= rho
    return weights


def bounded(rho: float, rates: Rates) -> float:
    """Rho within what keeps every probability at or above 0 for these rates."""
    most = min(1.0, 1.0 / max(rates.home * rates.away, 1.0))
    return min(max(rho, -1.0 / max(rates.home, rates.away, 1.0)), most)


def poisson(mean: float) -> Real:
    """The probabilities of 0, 1, 2 … goals at this expectation, as far as they do not vanish; they add up to one."""
    chances = [math.exp(-mean)]
    while len(chances) <= mean or chances[-1] > VANISHING:
        chances.append(chances[-1] * mean / len(chances))
    return np.array(chances) / math.fsum(chances)
