"""What a catalogue fact changes in the markets that people watch: the state is folded by the room itself, and what is
different after it becomes one delta a market, encoded at most once whoever receives it."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from overround.book import catalogue
from overround.book.catalogue import (
    APPLY,
    CatalogueState,
    CompetitionCreated,
    Event,
    EventCreated,
    EventEnded,
    EventRescheduled,
    EventStarted,
    EventStatus,
    FeedSeen,
    FeedSilenced,
    Market,
    MarketChanged,
    MarketClosed,
    MarketCreated,
    MarketHandedOver,
    MarketResumed,
    MarketSuspended,
    MomentSet,
    PricesSet,
    SelectionsAdded,
    SelectionWithdrawn,
    SportCreated,
)
from overround.book.control import (
    ApprovalRequired,
    CompetitionApproved,
    LevelResumed,
    LevelSuspended,
    MarginSet,
    OverrideEnded,
    PriceOverridden,
)
from overround.book.settlement import (
    MarketBetsCancelled,
    MarketBetsRestored,
    ResultHeard,
    ResultRecorded,
    ResultRolledBack,
)
from overround.edge.bodies import TermsBody, terms_body
from overround.kernel.level import Level

_Fact = (
    SportCreated
    | CompetitionCreated
    | EventCreated
    | EventRescheduled
    | EventStarted
    | EventEnded
    | MomentSet
    | MarketCreated
    | MarketChanged
    | SelectionsAdded
    | SelectionWithdrawn
    | PricesSet
    | MarketSuspended
    | MarketResumed
    | MarketClosed
    | MarketHandedOver
    | FeedSeen
    | FeedSilenced
    | ResultHeard
    | ResultRecorded
    | ResultRolledBack
    | MarketBetsCancelled
    | MarketBetsRestored
    | LevelSuspended
    | LevelResumed
    | PriceOverridden
    | OverrideEnded
    | MarginSet
    | CompetitionApproved
    | ApprovalRequired
)
CATALOGUE_KINDS: Final = frozenset(str(kind.__struct_config__.tag) for kind in _Fact.__args__)

_decode = msgspec.json.Decoder(_Fact).decode
_encode = msgspec.json.Encoder().encode


class Delta(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="delta", tag_field="op"):
    """What is different on one market since the sequence before. Absent is as it was; a price of 0 is none. `added` are
    new selections with their names, `withdrawn` those that are out."""

    seq: int
    at_ms: int
    market_id: int
    version: int | None = None
    status: catalogue.MarketStatus | None = None
    reason: str | None = None
    available: bool | None = None
    prices: tuple[tuple[int, int], ...] | None = None
    terms: TermsBody | None = None
    added: tuple[tuple[int, str], ...] | None = None
    withdrawn: tuple[int, ...] | None = None


class Change:
    """A delta, and its JSON once somebody wants it. `is_new` markets go out as images."""

    __slots__ = ("_json", "delta", "event_id", "is_new", "market_id", "seq")

    def __init__(self, delta: Delta, *, event_id: int, is_new: bool = False) -> None:
        self.delta, self.market_id, self.seq = delta, delta.market_id, delta.seq
        self.event_id, self.is_new = event_id, is_new
        self._json: bytes | None = None

    @property
    def json(self) -> bytes:
        if self._json is None:
            self._json = _encode(self.delta)
        return self._json


def merged(changes: Sequence[Change]) -> Change:
    """Several changes of one market, in their order, as one: the newest of everything."""
    if len(changes) == 1:
        return changes[0]
    newest: dict[str, Any] = dict.fromkeys(("version", "status", "reason", "available", "terms"))
    prices: dict[int, int] = {}
    added: list[tuple[int, str]] = []
    withdrawn: list[int] = []
    for change in changes:
        delta = change.delta
        for name in newest:
            value = getattr(delta, name)
            if value is not None:
                newest[name] = value
        prices.update(delta.prices or ())
        added += delta.added or ()
        withdrawn += delta.withdrawn or ()
    last = changes[-1].delta
    delta = Delta(
        seq=last.seq,
        at_ms=last.at_ms,
        market_id=last.market_id,
        prices=tuple(prices.items()) or None,
        added=tuple(added) or None,
        withdrawn=tuple(withdrawn) or None,
        **newest,
    )
    return Change(delta, event_id=changes[-1].event_id)


def _more(market: Market, fact: _Fact) -> dict[str, Any]:
    """What a fact changed of a market beside its life."""
    match fact:
        case PricesSet(prices=prices):
            return {"prices": _on_offer(market, [selection_id for selection_id, _ in prices])}
        case PriceOverridden() | OverrideEnded():
            return {"prices": _on_offer(market, [fact.selection_id])}
        case LevelSuspended(level=Level.SELECTION) | LevelResumed(level=Level.SELECTION):
            return {"prices": _on_offer(market, [fact.selection_id])}
        case MarketChanged(terms=terms) if terms is not None:
            return {"terms": terms_body(market)}
        case SelectionsAdded():
            ids = range(fact.first_id, fact.first_id + len(fact.selections))
            return {
                "added": tuple(zip(ids, fact.selections, strict=True)),
                "prices": tuple(zip(ids, fact.prices_milli, strict=True)),
            }
        case SelectionWithdrawn():
            return {"withdrawn": (fact.selection_id,), "prices": ((fact.selection_id, 0),)}
        case _:
            return {}


def _on_offer(market: Market, selection_ids: Iterable[int]) -> tuple[tuple[int, int], ...]:
    return tuple((selection_id, market.selections[selection_id].price_milli) for selection_id in selection_ids)


Seen = tuple[int, catalogue.MarketStatus, str, bool]


class Changes:
    """Folds facts into the state, and keeps what is needed to find things in it fast."""

    def __init__(self, state: CatalogueState, base_seq: int = 0) -> None:
        self.state, self.base_seq = state, base_seq
        self.changed_seq: dict[int, int] = {}
        self.by_feed: dict[str, list[int]] = {}
        self.by_competition: dict[int, list[int]] = {}
        self.by_status: dict[EventStatus, dict[int, None]] = {status: {} for status in EventStatus}
        for market in state.markets.values():
            self._place_market(market)
        for event in state.events.values():
            self._place_event(event)

    def _place_market(self, market: Market) -> None:
        if market.feed:
            self.by_feed.setdefault(market.feed, []).append(market.id)

    def _place_event(self, event: Event) -> None:
        self.by_competition.setdefault(event.competition_id, []).append(event.id)
        self.by_status[event.status][event.id] = None

    def fold(self, seq: int, at_us: int, body: str | bytes) -> tuple[list[Change], int]:
        """Fold one fact: what changed for those who watch markets, and the event that is another one now, or 0."""
        fact = _decode(body)
        affected = self._affected(fact)
        before = [(market, self._seen(market)) for market in affected]
        self._apply(fact, at_us)
        changes = []
        for market, seen in before:
            change = self._change(seq, at_us, market, seen, fact)
            if change is not None:
                changes.append(change)
        if type(fact) is MarketCreated:
            changes.append(self._created(seq, at_us, self.state.markets[fact.market_id]))
        event_id = fact.event_id if isinstance(fact, EventStarted | EventEnded | EventRescheduled | MomentSet) else 0
        return changes, event_id

    def _affected(self, fact: _Fact) -> Iterable[Market]:
        """The markets that a fact may change, in no way that costs more than there are of them."""
        markets = self.state.markets
        match fact:
            case PricesSet() | MarketSuspended() | MarketResumed() | MarketClosed() | MarketChanged():
                return (markets[fact.market_id],)
            case ResultRecorded() | ResultHeard() | SelectionsAdded() | SelectionWithdrawn() | MarketHandedOver():
                return (markets[fact.market_id],)
            case EventStarted() | EventEnded():
                return [markets[market_id] for market_id in self.state.events[fact.event_id].markets]
            case FeedSilenced():
                return [markets[market_id] for market_id in self.by_feed.get(fact.feed, ())]
            case ResultRolledBack() | MarketBetsCancelled() | MarketBetsRestored():
                return (markets[fact.market_id],)
            case PriceOverridden() | OverrideEnded():
                return (markets[fact.market_id],)
            case LevelSuspended() | LevelResumed():
                return self._below(fact.level, fact.id)
            case CompetitionApproved():
                return self._below(Level.COMPETITION, fact.competition_id)
            case ApprovalRequired():
                return list(markets.values())
            case _:
                return ()

    def _below(self, level: Level, number: int) -> list[Market]:
        """The markets at or below a level."""
        state = self.state
        match level:
            case Level.PLATFORM:
                return list(state.markets.values())
            case Level.MARKET | Level.SELECTION:
                return [state.markets[number]]
            case Level.EVENT:
                events = [number]
            case Level.COMPETITION:
                events = self.by_competition.get(number, [])
            case _:
                own = [each.id for each in state.competitions.values() if each.sport_id == number]
                events = [event_id for each in own for event_id in self.by_competition.get(each, ())]
        return [state.markets[market_id] for event_id in events for market_id in state.events[event_id].markets]

    def _seen(self, market: Market) -> Seen:
        return market.version, market.status, market.reason, self.state.is_available(market)

    def _apply(self, fact: _Fact, at_us: int) -> None:
        state = self.state
        match fact:
            case ResultRecorded():
                catalogue.result_market(state.markets[fact.market_id])
            case ResultRolledBack():
                catalogue.roll_market_back(state.markets[fact.market_id])
            case MarketBetsCancelled(from_us=from_us, until_us=until_us):
                catalogue.cancel_window(state.markets[fact.market_id], from_us, until_us)
            case MarketBetsRestored(from_us=from_us, until_us=until_us):
                catalogue.restore_window(state.markets[fact.market_id], from_us, until_us)
            case ResultHeard():
                catalogue.hear_result(state.markets[fact.market_id])
            case EventStarted() | EventEnded():
                del self.by_status[state.events[fact.event_id].status][fact.event_id]
                APPLY[type(fact)](state, fact, at_us)
                self.by_status[state.events[fact.event_id].status][fact.event_id] = None
            case MarketHandedOver():
                market = state.markets[fact.market_id]
                if market.feed:
                    self.by_feed[market.feed].remove(market.id)
                APPLY[type(fact)](state, fact, at_us)
                self._place_market(market)
            case _:
                APPLY[type(fact)](state, fact, at_us)
                if isinstance(fact, EventCreated):
                    self._place_event(state.events[fact.event_id])
                elif isinstance(fact, MarketCreated):
                    self._place_market(state.markets[fact.market_id])

    def _change(self, seq: int, at_us: int, market: Market, seen: Seen, fact: _Fact) -> Change | None:
        now = self._seen(market)
        more = _more(market, fact)
        if now == seen and not more:
            return None
        version, status, reason, available = (new if new != old else None for new, old in zip(now, seen, strict=True))
        delta = Delta(
            seq=seq,
            at_ms=at_us // 1_000,
            market_id=market.id,
            version=version,  # type: ignore[arg-type]  # in the order of Seen
            status=status,  # type: ignore[arg-type]
            reason=reason,  # type: ignore[arg-type]
            available=available,  # type: ignore[arg-type]
            **more,
        )
        return self._keep(Change(delta, event_id=market.event_id))

    def _created(self, seq: int, at_us: int, market: Market) -> Change:
        delta = Delta(seq=seq, at_ms=at_us // 1_000, market_id=market.id)
        return self._keep(Change(delta, event_id=market.event_id, is_new=True))

    def _keep(self, change: Change) -> Change:
        self.changed_seq[change.market_id] = change.seq
        return change

    def last_change(self, market_id: int) -> int:
        """The sequence of a market's last change, or that from which this view began."""
        return self.changed_seq.get(market_id, self.base_seq)
