"""What a trading desk decides over what is on offer: at which level, and what is remembered of it."""

from typing import Final

import msgspec

from overround.kernel.instant import DAY_US
from overround.kernel.level import Level

MAX_MARGIN_BPS: Final = 10_000
"""The largest margin: a book of 200 %."""

MAX_OVERRIDE_US: Final = 7 * DAY_US
"""The longest time for which a price is overridden: it is a hand on the wheel, not a way to keep a market."""

MAX_OVERRIDES: Final = 10_000
"""Overrides that hold at a time, in the whole house."""


LEVELS: Final = (
    Level.PLATFORM,
    Level.SPORT,
    Level.COMPETITION,
    Level.EVENT,
    Level.MARKET,
    Level.SELECTION,
)
"""Where a desk decides, the widest first. What holds at one holds for all that is below it."""

PLATFORM_ID: Final = 0
"""The id of the one thing at `Level.PLATFORM`."""


class Stop(msgspec.Struct, array_like=True, gc=False):
    """A suspension at a level: why, and since when. It is kept when it is over, as a bet that was waiting since before
    it is refused all the same."""

    reason: str
    since_us: int
    is_active: bool = True
