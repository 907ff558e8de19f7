"""What is settled since when, what is about to leave, and which archived markets are still named by bets."""

import msgspec

from overround.book.archive.events import BetsArchived
from overround.book.archive.types import ARCHIVE_AFTER_US, Kept, Leaving, Queue


class ArchiveState(msgspec.Struct):
    """`markets` that are settled and not archived yet, by their last settlement. `leaving` is the archived one that is
    gone through; `named` are those that were, by how many bets in memory still name them. `clearing` is the market of
    the exchange whose orders go, 0 for none. `events` have no market in memory.

    Found again from the rest: `exchange` as `markets`; `refused` tickets by when their wait would have been over;
    `traded`, by event, how many markets of the exchange are in memory.
    """

    after_us: int = ARCHIVE_AFTER_US
    markets: Queue = msgspec.field(default_factory=Queue)
    leaving: Leaving | None = None
    named: dict[int, int] = {}
    clearing: int = 0
    events: Queue = msgspec.field(default_factory=Queue)
    exchange: Queue = msgspec.field(default_factory=Queue)
    refused: Queue = msgspec.field(default_factory=Queue)
    traded: dict[int, int] = {}

    def has(self, market_id: int) -> bool:
        """Whether a market that is in memory is archived."""
        leaving = self.leaving
        return market_id in self.named or (leaving is not None and leaving.market_id == market_id)

    def keep(self) -> Kept:
        """For a snapshot."""
        return Kept(self.after_us, self.markets.since, self.leaving, self.named, self.clearing, self.events.since)


def restore(kept: Kept) -> ArchiveState:
    """The state again, but for what is found again from the other rooms."""
    state = ArchiveState(after_us=kept.after_us, leaving=kept.leaving, named=kept.named, clearing=kept.clearing)
    for market_id, since_us in kept.settled.items():
        state.markets.put(market_id, since_us)
    for event_id, since_us in kept.idle.items():
        state.events.put(event_id, since_us)
    return state


def begin(state: ArchiveState, *, market_id: int, through: int) -> None:
    """A market is archived. Its bets, all accepted before `through`, are gone through."""
    state.markets.drop(market_id)
    state.leaving = Leaving(market_id, through)


def take_step(state: ArchiveState, fact: BetsArchived, *, stayed: int) -> None:
    """A step through the market that is leaving: `stayed` more of its bets stay."""
    leaving = state.leaving
    if leaving is not None:
        leaving.through, leaving.stayed = fact.through, leaving.stayed + stayed


def end(state: ArchiveState) -> int:
    """The market was gone through: which one, if nothing names it any more, otherwise 0."""
    leaving, state.leaving = state.leaving, None
    if leaving is None or not leaving.stayed:
        return leaving.market_id if leaving else 0
    state.named[leaving.market_id] = leaving.stayed
    return 0


def bet_left(state: ArchiveState, market_id: int) -> bool:
    """A bet left that named an archived market. Whether it was the last that did."""
    left = state.named[market_id] - 1
    if left:
        state.named[market_id] = left
    else:
        del state.named[market_id]
    return not left


def hold_event(state: ArchiveState, event_id: int, *, is_traded: bool) -> None:
    """An event has one more market: of the sportsbook, or of the exchange."""
    state.events.drop(event_id)
    if is_traded:
        state.traded[event_id] = state.traded.get(event_id, 0) + 1


def release_event(state: ArchiveState, event_id: int) -> None:
    """A market of the exchange let go of its event."""
    left = state.traded[event_id] - 1
    if left:
        state.traded[event_id] = left
    else:
        del state.traded[event_id]
