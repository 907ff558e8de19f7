"""How long what is settled stays in memory, and in which order it leaves."""

from bisect import bisect_left, insort
from typing import Final

import msgspec

from overround.kernel.instant import DAY_US, MINUTE_US, SECOND_US

ARCHIVE_AFTER_US: Final = 30 * DAY_US
"""How long after its last settlement a market may be corrected, where the house says nothing else."""

MIN_ARCHIVE_AFTER_US: Final = SECOND_US
MAX_ARCHIVE_AFTER_US: Final = 3_660 * DAY_US
"""A house may keep everything for ten years; a second is for trials."""

UNENDED_US: Final = 30 * DAY_US
"""How much longer an event stays that should have begun, and of which nobody said that it ended."""

LONGEST_WAIT_US: Final = 5 * MINUTE_US
"""Longer than anything waits (a delay, a trader, a customer): what was asked for before is decided."""

ARCHIVE_STEP: Final = 200
"""Bets, or orders, that one fact lets go, so that a market with a million of them never keeps placing waiting."""


class Queue(msgspec.Struct):
    """What is due one after the other, the longest there first, and by number where that is equal: `since` when each is
    there, and all in their `order`."""

    since: dict[int, int] = {}
    order: list[tuple[int, int]] = []

    def put(self, number: int, since_us: int) -> None:
        """It is there since an instant, whatever it was before."""
        self.drop(number)
        self.since[number] = since_us
        insort(self.order, (since_us, number))

    def drop(self, number: int) -> None:
        """It is there no more, if it was."""
        since_us = self.since.pop(number, None)
        if since_us is not None:
            del self.order[bisect_left(self.order, (since_us, number))]

    def due(self, horizon_us: int, most: int = 1) -> list[int]:
        """Those that are there since an instant or longer, not more than so many."""
        return [number for since_us, number in self.order[:most] if since_us <= horizon_us]


class Leaving(msgspec.Struct, array_like=True):
    """A market whose bets are gone through, the newest first: those that were accepted by facts before `through` are to
    come. `stayed` were seen and stay, as other markets of theirs are not archived."""

    market_id: int
    through: int
    stayed: int = 0


class Kept(msgspec.Struct, array_like=True):
    """What a snapshot keeps."""

    after_us: int = ARCHIVE_AFTER_US
    settled: dict[int, int] = {}
    leaving: Leaving | None = None
    named: dict[int, int] = {}
    clearing: int = 0
    idle: dict[int, int] = {}
