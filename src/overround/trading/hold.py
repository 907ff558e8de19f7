"""What the odds say the house will keep, and how far chance alone may carry it from there.

Hold is counted on the stakes *at risk*: what was called off, wholly or by half on a quarter line, was never at stake.
Then a bet's expected return is price × fair probability of the stake at risk, whatever the line, and the hold implied
by prices with a multiplicative margin is 1 − 1 / (1 + overround). Derivation and numbers: docs/rules/pricing.md.
"""

import math
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from overround.trading.goals import Grid
from overround.trading.markets import at_risk


class Kind(StrEnum):
    """A question about the final score, as the house's market types name it."""

    MATCH_RESULT = "1x2"
    TOTAL = "total"
    HANDICAP = "asian_handicap"


class Position(NamedTuple):
    """Stakes on one selection at one price. `selection` counts from 1 in the order of the market type."""

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


def risked_and_won(position: Position, *, home: int, away: int) -> tuple[float, float]:
    """The shares of the stakes that a final score left at risk, and that won."""
    if position.kind is Kind.MATCH_RESULT:
        winner = 2 if home == away else 1 if home > away else 3
        return 1.0, float(position.selection == winner)
    goals = home + away if position.kind is Kind.TOTAL else home - away
    line = -position.line_quarters if position.kind is Kind.TOTAL else position.line_quarters
    margin = 4 * goals + line
    return at_risk(margin if position.selection == 1 else -margin)


def surplus_minor(positions: Iterable[Position], *, home: int, away: int) -> float:
    """What a final score returns above expectation, in minor units: zero on average over the fair probabilities."""
    whole = 0.0
    for position in positions:
        risk, won = risked_and_won(position, home=home, away=away)
        whole += position.stake_minor * (won * position.price_milli / 1_000 - risk * position.returned)
    return whole


def variance(positions: Sequence[Position], grid: Grid) -> float:
    """The variance, in minor units squared, of one match's surplus: its bets stand and fall together."""
    cells = [
        (cell.probability, surplus_minor(positions, home=cell.home, away=cell.away))
        for cell in grid
        if cell.probability > 1e-7
    ]
    mean = math.fsum(chance * surplus for chance, surplus in cells)
    return math.fsum(chance * (surplus - mean) ** 2 for chance, surplus in cells)


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
