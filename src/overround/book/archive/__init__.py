"""The archive owns what is long settled: since when, for how long it stays in memory, and what is about to leave it.

Invariants: what is archived never changes again; a ticket leaves whole, and only when every market that it names is
archived; a market's record leaves with the last bet that names it, an event with its last market. The journal and the
tables keep everything.
"""

from overround.book.archive.events import (
    ArchiveAfterSet,
    BetsArchived,
    EventArchived,
    ExchangeMarketArchived,
    MarketArchived,
    OrdersArchived,
)
from overround.book.archive.rules import Refusal, idle_since_us, is_period
from overround.book.archive.state import (
    ArchiveState,
    begin,
    bet_left,
    end,
    hold_event,
    release_event,
    restore,
    take_step,
)
from overround.book.archive.types import (
    ARCHIVE_AFTER_US,
    ARCHIVE_STEP,
    LONGEST_WAIT_US,
    MAX_ARCHIVE_AFTER_US,
    MIN_ARCHIVE_AFTER_US,
    UNENDED_US,
    Kept,
    Leaving,
    Queue,
)

__all__ = [
    "ARCHIVE_AFTER_US",
    "ARCHIVE_STEP",
    "LONGEST_WAIT_US",
    "MAX_ARCHIVE_AFTER_US",
    "MIN_ARCHIVE_AFTER_US",
    "UNENDED_US",
    "ArchiveAfterSet",
    "ArchiveState",
    "BetsArchived",
    "EventArchived",
    "ExchangeMarketArchived",
    "Kept",
    "Leaving",
    "MarketArchived",
    "OrdersArchived",
    "Queue",
    "Refusal",
    "begin",
    "bet_left",
    "end",
    "hold_event",
    "idle_since_us",
    "is_period",
    "release_event",
    "restore",
    "take_step",
]
