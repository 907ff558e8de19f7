"""From a grid of final scores to the fair chances of 1X2, over/under and Asian handicap, quarter lines included."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from overround.trading.goals import Grid


class Chances(NamedTuple):
    """What a selection's stake may meet; the five add up to one."""

    won: float
    half_won: float
    void: float
    half_lost: float
    lost: float

    @property
    def fair(self) -> float:
        """The probability that the stake at risk wins: what is called off, wholly or by half, is not at risk.

        1 / fair is the price at which the bet breaks even, and the two sides' add up to one on every line. 0.0 where
        nothing can be at risk any more.
        """
        wins, loses = self.won + self.half_won / 2, self.lost + self.half_lost / 2
        return wins / (wins + loses) if wins + loses > 0 else 0.0


def match_result(grid: Grid) -> tuple[float, float, float]:
    """The probabilities of home, draw and away."""
    home = math.fsum(cell.probability for cell in grid if cell.home > cell.away)
    away = math.fsum(cell.probability for cell in grid if cell.home < cell.away)
    return home, max(0.0, 1.0 - home - away), away


def total(grid: Grid, *, line_quarters: int) -> tuple[Chances, Chances]:
    """Over and under a line in quarters of a goal (2.5 is 10)."""
    return _both_sides((4 * (cell.home + cell.away) - line_quarters, cell.probability) for cell in grid)


def handicap(grid: Grid, *, line_quarters: int) -> tuple[Chances, Chances]:
    """Home and away with the line added to home's goals, in quarters (home giving 0.75 is −3)."""
    return _both_sides((4 * (cell.home - cell.away) + line_quarters, cell.probability) for cell in grid)


def at_risk(margin_quarters: int) -> tuple[float, float]:
    """The share of a stake that a line left at risk, and the share that won, from the margin on the selection's side.

    | margin  | 2 and more | 1        | 0    | −1        | −2 and less |
    |         | won        | half won | void | half lost | lost        |
    | at risk | 1          | ½        | 0    | ½         | 1           |
    | won     | 1          | ½        | 0    | 0         | 0           |
    """
    risk = min(2, abs(margin_quarters)) / 2
    return risk, risk if margin_quarters > 0 else 0.0


def _both_sides(margins: Iterable[tuple[int, float]]) -> tuple[Chances, Chances]:
    sums = [0.0] * 5
    for margin, probability in margins:
        sums[2 - max(-2, min(2, margin))] += probability
    return Chances(*sums), Chances(*reversed(sums))
