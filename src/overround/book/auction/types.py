"""What takes part in the auction of a runner's starting price."""

from collections.abc import Sequence
from typing import Final

import msgspec

from overround.book.exposure import Side

# A member found once: Python 3.11 takes longer to look one up in its enum than to compare it.
BACK: Final = Side.BACK

LOWEST_MILLI: Final = 1_010
HIGHEST_MILLI: Final = 1_000_000
ANY_BACK_MILLI: Final = LOWEST_MILLI
ANY_LAY_MILLI: Final = HIGHEST_MILLI
"""The limits of those who take any price."""

PARTS: Final = 1_000
"""Into how many parts of a minor unit sizes are divided while the price is found, so that small ones have one too."""


NEAR_STEP_MILLI: Final = 10
"""Near prices are told in hundredths."""

Levels = Sequence[tuple[int, int]]
"""What rests on one side, best first: (price in thousandths, size in minor units)."""


class Bid(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One order in the auction. A backer takes `limit_milli` or more, a layer that or less. `amount_minor` is a size,
    or with `by_liability` what a layer may lose, so that the size depends on the price."""

    order: int
    side: Side
    limit_milli: int
    amount_minor: int
    by_liability: bool = False

    def size_at(self, price_milli: int, parts: int = 1) -> int:
        """The size wanted at a price, in so many parts of a minor unit, rounded down."""
        if self.side is BACK:
            return self.amount_minor * parts if price_milli >= self.limit_milli else 0
        if price_milli > self.limit_milli:
            return 0
        if self.by_liability:
            return self.amount_minor * parts * 1_000 // (price_milli - 1_000)
        return self.amount_minor * parts


class Matched(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`size_minor` of a back and a lay meet at the starting price."""

    back: int
    lay: int
    size_minor: int
