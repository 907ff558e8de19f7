"""Goals as two independent Poisson processes: from rates, score and minutes left to the chances of every final score.

Model: M. J. Maher, "Modelling association football scores", Statistica Neerlandica 36 (1982). It underrates draws a
little, which a simulated house and a standard error can bear. Worked numbers: docs/rules/pricing.md.
"""

import math
from typing import Final, NamedTuple

FULL_TIME_MINUTES: Final = 90.0
MAX_RATE: Final = 10.0
"""The highest rate the model takes, in goals a match and side."""

MAX_MORE_GOALS: Final = 16
"""Further goals of a side that are counted; the rest, under 1 % up to a rate of 8, is spread over them."""


class Rates(NamedTuple):
    """Expected goals of each side in 90 minutes."""

    home: float
    away: float


class Cell(NamedTuple):
    """One final score and its probability."""

    home: int
    away: int
    probability: float


Grid = tuple[Cell, ...]
"""Every final score that is counted; the probabilities add up to one."""


def poisson(rate: float, most: int) -> tuple[float, ...]:
    """The probabilities of 0 to `most` goals at this expectation, scaled to add up to one.

    Raises ValueError where the rate is not within 0 to `MAX_RATE`.
    """
    if not 0.0 <= rate <= MAX_RATE:
        raise ValueError(f"not a rate of goals: {rate}")
    chances = [math.exp(-rate)]
    for goals in range(1, most + 1):
        chances.append(chances[-1] * rate / goals)
    whole = math.fsum(chances)
    return tuple(chance / whole for chance in chances)


def score_grid(rates: Rates, *, minutes_left: float = FULL_TIME_MINUTES, home: int = 0, away: int = 0) -> Grid:
    """The final scores from a score of `home` to `away` with `minutes_left` to play.

    >>> grid = score_grid(Rates(1.6, 1.1))
    >>> round(sum(cell.probability for cell in grid if cell.home == cell.away == 0), 4)
    0.0672
    """
    share = min(max(minutes_left, 0.0), FULL_TIME_MINUTES) / FULL_TIME_MINUTES
    more_home = _likely(poisson(rates.home * share, MAX_MORE_GOALS))
    more_away = _likely(poisson(rates.away * share, MAX_MORE_GOALS))
    return tuple(
        Cell(home + scored, away + conceded, chance * other)
        for scored, chance in enumerate(more_home)
        for conceded, other in enumerate(more_away)
    )


def _likely(chances: tuple[float, ...], least: float = 1e-9) -> tuple[float, ...]:
    """The chances without their vanishing tail, scaled again."""
    kept = [chance for chance in chances if chance >= least]
    whole = math.fsum(kept)
    return tuple(chance / whole for chance in kept)
