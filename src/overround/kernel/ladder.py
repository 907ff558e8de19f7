"""The prices at which an exchange trades, in thousandths of decimal odds, or of a line on line markets.

CLASSIC is Betfair's ladder of 350 prices, FINEST every hundredth between the same ends, LINE_RANGE whatever a line
market's interval makes. Sources: Betfair's developer documentation, "Betfair price increments" and "PriceLadderType".
"""

from bisect import bisect_right
from enum import StrEnum
from typing import Final

import msgspec

MIN_ODDS_MILLI: Final = 1_010
MAX_ODDS_MILLI: Final = 1_000_000
FINEST_STEP_MILLI: Final = 10

STEPS: Final = (
    (1_010, 2_000, 10),
    (2_000, 3_000, 20),
    (3_000, 4_000, 50),
    (4_000, 6_000, 100),
    (6_000, 10_000, 200),
    (10_000, 20_000, 500),
    (20_000, 30_000, 1_000),
    (30_000, 50_000, 2_000),
    (50_000, 100_000, 5_000),
    (100_000, 1_000_000, 10_000),
)
"""From, to and increment. The last price of a row is the first of the next."""

CLASSIC: Final = (*(price for low, high, step in STEPS for price in range(low, high, step)), MAX_ODDS_MILLI)
_CLASSIC: Final = frozenset(CLASSIC)


class LadderKind(StrEnum):
    CLASSIC = "classic"
    FINEST = "finest"
    LINE_RANGE = "line_range"


class Ladder(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A market's ladder. `low`, `high` and `step` (thousandths) are read by LINE_RANGE alone; lines may be below
    zero."""

    kind: LadderKind = LadderKind.CLASSIC
    low: int = 0
    high: int = 0
    step: int = 0

    def has(self, price_milli: int) -> bool:
        """Whether an order may name this price."""
        if self.kind is LadderKind.CLASSIC:
            return price_milli in _CLASSIC
        if self.kind is LadderKind.FINEST:
            return MIN_ODDS_MILLI <= price_milli <= MAX_ODDS_MILLI and not price_milli % FINEST_STEP_MILLI
        return self.low <= price_milli <= self.high and not (price_milli - self.low) % self.step

    def floor(self, price_milli: int) -> int:
        """The highest price on a ladder of odds that is not above this one; 0 where there is none.

        >>> Ladder().floor(2_619), Ladder().floor(1_009)
        (2600, 0)
        """
        if price_milli < MIN_ODDS_MILLI:
            return 0
        if self.kind is LadderKind.CLASSIC:
            return CLASSIC[bisect_right(CLASSIC, price_milli) - 1]
        return min(price_milli, MAX_ODDS_MILLI) // FINEST_STEP_MILLI * FINEST_STEP_MILLI

    def ceiling(self, price_milli: int) -> int:
        """The lowest price on a ladder of odds that is not below this one; 0 where there is none."""
        below = self.floor(price_milli)
        if below == price_milli:
            return below
        if price_milli > MAX_ODDS_MILLI:
            return 0
        if self.kind is LadderKind.CLASSIC:
            return CLASSIC[bisect_right(CLASSIC, price_milli)]
        return max(MIN_ODDS_MILLI, below + FINEST_STEP_MILLI)


def is_line_range(*, low: int, high: int, step: int, most: int) -> bool:
    """Whether these make a ladder of lines: whole steps from `low` to `high`, at least one and at most `most`."""
    return step > 0 and low < high and not (high - low) % step and (high - low) // step <= most
