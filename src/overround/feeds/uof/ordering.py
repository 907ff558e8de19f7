"""Messages out of order, repeated, contradictory and late: which of them count. Pure; docs/feeds.md has the rules.

Each market of an event has a memory of a few instants, all of them the provider's own. A message is cut down to the
markets for which it counts; what was dropped is told with the reason.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final, TypeVar

import msgspec

from overround.feeds.uof.messages import (
    BetCancel,
    BetSettlement,
    BetStop,
    EventMessage,
    FixtureChange,
    MarketName,
    MarketOdds,
    MarketResult,
    MarketStatus,
    OddsChange,
    RollbackBetCancel,
    RollbackBetSettlement,
)

MAX_EVENTS: Final = 20_000
"""Events remembered; those that were spoken of longest ago are forgotten first, and then judged as new."""

MAX_MARKETS: Final = 5_000
"""Markets remembered of one event, likewise."""

MAX_WINDOWS: Final = 100
"""Windows of cancellations remembered of one market, and kinds of bet stop of one event; likewise."""

PREMATCH: Final = 3
"""The producer that makes way for any other and never takes a market back that was not handed over to it."""

T = TypeVar("T", bound=EventMessage)
K = TypeVar("K")


class Judgement(StrEnum):
    """What becomes of a message, for one market."""

    COUNTS = "counts"
    LATE = "late"
    STOPPED = "stopped"
    FOREIGN = "foreign"
    SETTLED = "settled"
    LESS_CERTAIN = "less certain"
    REPEATED = "repeated"


class Dropped(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What did not count. `market` is None for what concerns the event."""

    market: MarketName | None
    judgement: Judgement


class Sifted(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a message that counts (None: nothing does). `spared` are markets that a bet stop leaves alone."""

    message: EventMessage | None
    dropped: tuple[Dropped, ...] = ()
    spared: tuple[MarketName, ...] = ()


Window = tuple[int, int]


class _MarketMemory(msgspec.Struct):
    """All in the provider's milliseconds, 0 for never. `owner` is the producer that keeps the market."""

    owner: int = 0
    handed_over: bool = False
    odds_ms: int = 0
    stop_ms: int = 0
    settled_ms: int = 0
    settlement: MarketResult | None = None
    certainty: int = 0
    rolled_back_ms: int = 0
    cancelled: dict[Window, int] = {}
    restored: dict[Window, int] = {}

    @property
    def is_settled(self) -> bool:
        return self.settled_ms > self.rolled_back_ms


class _EventMemory(msgspec.Struct):
    """`stops` has the last bet stop of each producer's groups; `status_ms` the last status that counted."""

    markets: dict[MarketName, _MarketMemory] = {}
    stops: dict[tuple[int, tuple[str, ...]], int] = {}
    status_ms: int = 0
    fixture_ms: int = 0

    def market(self, name: MarketName) -> _MarketMemory:
        memory = self.markets.pop(name, None)
        self.markets[name] = memory = _MarketMemory() if memory is None else memory
        if len(self.markets) > MAX_MARKETS:
            del self.markets[next(iter(self.markets))]
        return memory


class Sieve:
    """What counts, message after message. `groups_of` says in which groups a market of that number is."""

    def __init__(self, *, groups_of: Callable[[int], tuple[str, ...]]) -> None:
        self._events: dict[str, _EventMemory] = {}
        self._groups_of = groups_of

    def sift(self, message: EventMessage) -> Sifted:
        """The part of the message that counts, which is remembered."""
        event = self._remembered(message.event)
        match message:
            case OddsChange():
                return self._odds_change(event, message)
            case BetStop():
                return self._bet_stop(event, message)
            case BetSettlement():
                return _cut(
                    message, [(each.market, each, _settlement(event, message, each)) for each in message.markets]
                )
            case RollbackBetSettlement():
                return _cut(message, [(each, each, _rollback(event, message, each)) for each in message.markets])
            case BetCancel():
                return _cut(message, [(each, each, _cancel(event, message, each)) for each in message.markets])
            case RollbackBetCancel():
                return _cut(message, [(each, each, _restore(event, message, each)) for each in message.markets])
            case FixtureChange():
                return _fixture_change(event, message)
            case _:
                return Sifted(message=message)

    def _remembered(self, urn: str) -> _EventMemory:
        memory = self._events.pop(urn, None)
        self._events[urn] = memory = _EventMemory() if memory is None else memory
        if len(self._events) > MAX_EVENTS:
            del self._events[next(iter(self._events))]
        return memory

    # -------------------------------------------------------------- odds

    def _odds_change(self, event: _EventMemory, message: OddsChange) -> Sifted:
        judged = [(odds, self._odds(event, message, odds)) for odds in message.markets]
        kept = tuple(odds for odds, judgement in judged if judgement is Judgement.COUNTS)
        dropped = [Dropped(market=odds.market, judgement=what) for odds, what in judged if what is not Judgement.COUNTS]
        status = message.status
        if status is not None and message.timestamp_ms < event.status_ms:
            status = None
            dropped.append(Dropped(market=None, judgement=Judgement.LATE))
        elif status is not None:
            event.status_ms = message.timestamp_ms
        cut = msgspec.structs.replace(message, markets=kept, status=status)
        return Sifted(message=cut if kept or status is not None else None, dropped=tuple(dropped))

    def _odds(self, event: _EventMemory, message: OddsChange, odds: MarketOdds) -> Judgement:
        memory, at_ms = event.market(odds.market), message.timestamp_ms
        if memory.is_settled:
            return Judgement.SETTLED
        foreign = _is_foreign(memory, message.product)
        if foreign and (memory.odds_ms or memory.handed_over):
            return Judgement.FOREIGN
        if at_ms < memory.odds_ms:
            return Judgement.LATE
        if at_ms <= self._stopped_ms(event, message.product, odds.market):
            return Judgement.STOPPED
        memory.owner, memory.odds_ms = message.product, at_ms
        memory.handed_over = odds.status is MarketStatus.HANDED_OVER
        return Judgement.COUNTS

    def _stopped_ms(self, event: _EventMemory, product: int, market: MarketName) -> int:
        """The last bet stop that reached this market, known then or not."""
        groups = self._groups_of(market.id)
        return max(
            (
                at_ms
                for (producer, named), at_ms in event.stops.items()
                if producer == product and reaches(named, groups)
            ),
            default=0,
        )

    # -------------------------------------------------------------- bet stops

    def _bet_stop(self, event: _EventMemory, message: BetStop) -> Sifted:
        stopped = (message.product, message.groups)
        if message.timestamp_ms <= event.stops.get(stopped, 0):
            late = message.timestamp_ms < event.stops[stopped]
            return _all_dropped(Judgement.LATE if late else Judgement.REPEATED)
        _keep(event.stops, stopped, message.timestamp_ms)
        spared = tuple(self._spared(event, message))
        dropped = tuple(Dropped(market=market, judgement=what) for market, what in spared)
        return Sifted(message=message, dropped=dropped, spared=tuple(market for market, _ in spared))

    def _spared(self, event: _EventMemory, message: BetStop) -> Iterator[tuple[MarketName, Judgement]]:
        """Markets that were priced after the stop, or that another producer keeps."""
        for name, memory in event.markets.items():
            if not reaches(message.groups, self._groups_of(name.id)):
                continue
            if memory.owner not in (0, message.product):
                yield name, Judgement.FOREIGN
            elif memory.odds_ms > message.timestamp_ms:
                yield name, Judgement.LATE
            elif memory.is_settled:
                yield name, Judgement.SETTLED


def reaches(named: tuple[str, ...], groups: tuple[str, ...]) -> bool:
    """Whether a bet stop of these groups is about a market in those."""
    return "all" in named or any(group in groups for group in named)


def _is_foreign(memory: _MarketMemory, product: int) -> bool:
    """Whether another producer keeps the market and does not make way for this one."""
    if memory.owner in (0, product) or memory.handed_over:
        return False
    return product == PREMATCH or memory.owner != PREMATCH


# ------------------------------------------------------------------ results and cancellations


def _settlement(event: _EventMemory, message: BetSettlement, result: MarketResult) -> Judgement:
    memory, at_ms = event.market(result.market), message.timestamp_ms
    if at_ms < memory.settled_ms or at_ms <= memory.rolled_back_ms:
        return Judgement.LATE
    if memory.is_settled and message.certainty < memory.certainty:
        return Judgement.LESS_CERTAIN
    if memory.is_settled and (result, message.certainty) == (memory.settlement, memory.certainty):
        return Judgement.REPEATED
    memory.settled_ms, memory.certainty, memory.settlement = at_ms, message.certainty, result
    return Judgement.COUNTS


def _rollback(event: _EventMemory, message: RollbackBetSettlement, market: MarketName) -> Judgement:
    memory, at_ms = event.market(market), message.timestamp_ms
    if at_ms < memory.settled_ms or at_ms < memory.rolled_back_ms:
        return Judgement.LATE
    if memory.rolled_back_ms and not memory.is_settled:
        return Judgement.REPEATED
    memory.rolled_back_ms, memory.settlement, memory.certainty = at_ms, None, 0
    return Judgement.COUNTS


def _cancel(event: _EventMemory, message: BetCancel, market: MarketName) -> Judgement:
    memory, window = event.market(market), (message.start_ms, message.end_ms)
    judgement = _against(
        message.timestamp_ms, own=memory.cancelled.get(window, 0), other=memory.restored.get(window, 0)
    )
    if judgement is Judgement.COUNTS:
        _keep(memory.cancelled, window, message.timestamp_ms)
    return judgement


def _restore(event: _EventMemory, message: RollbackBetCancel, market: MarketName) -> Judgement:
    memory, window = event.market(market), (message.start_ms, message.end_ms)
    judgement = _against(
        message.timestamp_ms, own=memory.restored.get(window, 0), other=memory.cancelled.get(window, 0)
    )
    if judgement is Judgement.COUNTS:
        _keep(memory.restored, window, message.timestamp_ms)
    return judgement


def _keep(memory: dict[K, int], key: K, at_ms: int) -> None:
    memory.pop(key, None)
    memory[key] = at_ms
    if len(memory) > MAX_WINDOWS:
        del memory[next(iter(memory))]


def _against(at_ms: int, *, own: int, other: int) -> Judgement:
    """One of two that take each other back: late before either, repeated while the same one holds."""
    if at_ms < max(own, other):
        return Judgement.LATE
    return Judgement.REPEATED if own > other else Judgement.COUNTS


def _fixture_change(event: _EventMemory, message: FixtureChange) -> Sifted:
    if message.timestamp_ms < event.fixture_ms:
        return _all_dropped(Judgement.LATE)
    event.fixture_ms = message.timestamp_ms
    return Sifted(message=message)


def _all_dropped(judgement: Judgement) -> Sifted:
    return Sifted(message=None, dropped=(Dropped(market=None, judgement=judgement),))


def _cut(message: T, judged: "list[tuple[MarketName, object, Judgement]]") -> Sifted:
    """The message with those of its markets that count."""
    kept = tuple(part for _, part, judgement in judged if judgement is Judgement.COUNTS)
    dropped = tuple(
        Dropped(market=market, judgement=judgement)
        for market, _, judgement in judged
        if judgement is not Judgement.COUNTS
    )
    cut = msgspec.structs.replace(message, markets=kept)
    return Sifted(message=cut if kept else None, dropped=dropped)
