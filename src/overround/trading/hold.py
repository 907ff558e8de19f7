"""What the odds say the house will keep, and how far chance alone may carry it from there.

Hold is counted on the stakes *at risk*: what was called off, wholly or by half on a quarter line, was never at stake.
Then a bet's expected return is price × fair probability of the stake at risk, whatever the line, and the hold implied
by prices with a multiplicative margin is 1 − 1 / (1 + overround). Derivation and numbers: docs/rules/pricing.md.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from overround.trading.goals import Joint, Real
from overround.trading.markets import Kind, Question, margins_of


class Position(NamedTuple):
    """Stakes on one selection at one price. `selection` counts from 1 in the order of the market type.

    The kind asks for nothing but the final score.
    """

    kind: Kind
    selection: int
    line_quarters: int
    stake_minor: int
    price_milli: int
    fair: float

    @property
    def returned(self) -> float:
        """The expected return of one unit at risk."""
        return self.fair * self.price_milli / 1_000


def surplus_minor(positions: Sequence[Position], table: Joint) -> Real:
    """What each final score returns above expectation, in minor units: zero on average over the fair probabilities."""
    whole = np.zeros(table.home.shape)
    for position in positions:
        margins = margins_of(table, Question(position.kind, position.line_quarters))[position.selection - 1]
        risk, won = np.abs(margins) / 2, np.maximum(margins, 0) / 2
        whole += position.stake_minor * (won * position.price_milli / 1_000 - risk * position.returned)
    return whole


def variance(positions: Sequence[Position], table: Joint) -> float:
    """The variance, in minor units squared, of one match's surplus: its bets stand and fall together."""
    surplus = surplus_minor(positions, table)
    mean = table.probability @ surplus
    return float(table.probability @ (surplus - mean) ** 2)


class Hold(NamedTuple):
    """Hold on the stakes at risk, as parts of one. `error` is the standard error of `realised`."""

    expected: float
    realised: float
    error: float

    @property
    def errors_apart(self) -> float:
        """The difference in standard errors; within ±2 in 19 cases of 20 where the odds are right."""
        return (self.realised - self.expected) / self.error if self.error > 0.0 else 0.0


def compare(*, risked: float, returned: float, expected_return: float, variance: float) -> Hold:
    """All in minor units (or squared): stakes at risk, returns on them, returns expected on them, their variance."""
    if risked <= 0.0:
        return Hold(0.0, 0.0, 0.0)
    return Hold(1.0 - expected_return / risked, 1.0 - returned / risked, math.sqrt(variance) / risked)
