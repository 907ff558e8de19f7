"""What a market maker offers on the exchange, from the chances of each runner: a pure step.

Backers are offered prices below the fair one, layers prices above it, both on the ladder, with less money where more
could be lost.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final, NamedTuple

from overround.kernel.ladder import CLASSIC

LEVELS: Final = 3
AWAY: Final = 1
"""How many steps of the ladder lie between the fair price and the first level."""

MOST_SIZE: Final = 150.0
MOST_LIABILITY: Final = 400.0
LEAST_SIZE: Final = 2.0
LEAST_CHANCE: Final = 0.002
LONGEST_MILLI: Final = 500_000


class Quote(NamedTuple):
    """An order: which runner, by its place, on which side, at which price."""

    runner: int
    side: str
    price_milli: int
    size: float


def quotes(chances: Sequence[float]) -> tuple[Quote, ...]:
    """The orders for a market whose runners have these chances; none on a runner that is as good as in or out."""
    return tuple(quote for runner, chance in enumerate(chances) for quote in _quotes(runner, chance))


def _quotes(runner: int, chance: float) -> list[Quote]:
    if not LEAST_CHANCE < chance < 1 - LEAST_CHANCE:
        return []
    fair_milli = 1_000 / chance
    above = bisect_left(CLASSIC, fair_milli)
    lays = [above - 1 - AWAY - level for level in range(LEVELS)]
    backs = [above + AWAY + level for level in range(LEVELS)]
    sided = [("LAY", place) for place in lays] + [("BACK", place) for place in backs]
    return [
        Quote(runner, side, CLASSIC[place], _size(CLASSIC[place]))
        for side, place in sided
        if 0 <= place < len(CLASSIC) and CLASSIC[place] <= LONGEST_MILLI
    ]


def _size(price_milli: int) -> float:
    """Whole units, fewer where the price is long."""
    return float(max(LEAST_SIZE, min(MOST_SIZE, MOST_LIABILITY * 1_000 // (price_milli - 1_000))))
