"""The catalogue for everyone, from the live view: in memory, as it is now, and marked when it may be old."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from overround.book.catalogue import MARKET_TYPES, EventStatus, Market, MarketStatus
from overround.book.catalogue import Event as CatalogueEvent
from overround.book.catalogue import Moment as GameMoment
from overround.edge.bodies import TermsBody, terms_body
from overround.edge.live import Live
from overround.edge.problems import Problem
from overround.edge.reading import Reading
from overround.edge.routes import Call, Reply
from overround.edge.values import AtText, Id, Limit, Natural, at_text
from overround.projections import DEFAULT_PAGE

STALE: Final = ((b"overround-stale", b"true"),)
MAX_LOOKED_AT: Final = 20_000
"""Events looked at for one page; a filter that leaves few of them gets shorter pages, never slower ones."""


class SelectionBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`price_milli` of 0 is no price. Bets on one that was withdrawn are void."""

    selection_id: int
    name: str
    price_milli: int
    withdrawn: bool


class MarketBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A market. `available` says whether it takes bets now, which its feed's silence ends too, and the suspension of a
    level that it lies in."""

    market_id: int
    event_id: int
    type: str
    title: str
    specifiers: dict[str, int]
    status: MarketStatus
    reason: str
    version: int
    available: bool
    in_play: bool
    delay_ms: int
    terms: TermsBody
    selections: tuple[SelectionBody, ...]


class EventBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A match or race."""

    event_id: int
    competition_id: int
    sport_id: int
    name: str
    starts_at: AtText
    status: EventStatus
    moment: GameMoment


class EventWhole(EventBody, frozen=True, kw_only=True, gc=False):
    """An event with its markets and their prices."""

    markets: list[MarketBody]


class SportBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    sport_id: int
    name: str


class CompetitionBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    competition_id: int
    sport_id: int
    name: str


class SportPage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    items: list[SportBody]
    next_cursor: str | None


class CompetitionPage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    items: list[CompetitionBody]
    next_cursor: str | None


class EventPage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Newest first. `next_cursor` leads to what is older, null at the end."""

    items: list[EventBody]
    next_cursor: str | None


class PriceItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """From `at` on the price was this; 0 is none."""

    seq: int
    at: AtText
    selection_id: int
    price_milli: int


class PricePage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Newest first. `next_cursor` leads to what is older, null at the end."""

    items: list[PriceItem]
    next_cursor: str | None


class SeqQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    min_seq: Natural = 0


class ListQuery(SeqQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    cursor: str | None = None
    limit: Limit = DEFAULT_PAGE


class CompetitionsQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    sport_id: Id | None = None


class EventsQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    competition_id: Id | None = None
    status: EventStatus | None = None


class PricesQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    selection_id: Id


class Catalogue:
    """The handlers."""

    def __init__(self, live: Live, reading: Reading) -> None:
        self._live, self._reading = live, reading

    async def _reach(self, call: Call) -> None:
        """Wait until the view shows what the request must see. Raises Problem: not_ready, projection_behind."""
        if not self._live.built:
            raise Problem("not_ready")
        if call.query.min_seq > self._live.seq and not await self._live.wait_for(call.query.min_seq):
            raise Problem("projection_behind", seq=self._live.seq)

    def _reply(self, body: object) -> Reply:
        return Reply(200, body, STALE if self._live.is_stale else ())

    async def sports(self, call: Call) -> Reply:
        await self._reach(call)
        found, following = _page(sorted(self._live.state.sports, reverse=True), call.query)
        sports = self._live.state.sports
        items = [SportBody(sport_id=number, name=sports[number].name) for number in found]
        return self._reply(SportPage(items=items, next_cursor=following))

    async def competitions(self, call: Call) -> Reply:
        await self._reach(call)
        competitions, wanted = self._live.state.competitions, call.query.sport_id
        fitting = (
            number for number in sorted(competitions, reverse=True) if wanted in (None, competitions[number].sport_id)
        )
        found, following = _page(fitting, call.query)
        items = [
            CompetitionBody(competition_id=each.id, sport_id=each.sport_id, name=each.name)
            for each in map(competitions.__getitem__, found)
        ]
        return self._reply(CompetitionPage(items=items, next_cursor=following))

    async def events(self, call: Call) -> Reply:
        await self._reach(call)
        found, following = self._events(call.query)
        events = self._live.state.events
        items = [event_body(self._live, events[number]) for number in found]
        return self._reply(EventPage(items=items, next_cursor=following))

    def _events(self, query: EventsQuery) -> tuple[list[int], str | None]:
        """Ids in order, newest first, from the smallest index that fits."""
        events = self._live.state.events
        below = _below(query.cursor)
        found: list[int] = []
        for looked, number in enumerate(_descending(self._candidates(query), below), 1):
            event = events[number]
            if query.status in (None, event.status) and query.competition_id in (None, event.competition_id):
                if len(found) == query.limit:
                    return found, str(found[-1])
                found.append(number)
            if looked >= MAX_LOOKED_AT:
                return found, str(number)
        return found, None

    def _candidates(self, query: EventsQuery) -> Iterable[int]:
        changes = self._live.changes
        if query.competition_id is not None:
            return changes.by_competition.get(query.competition_id, ())
        if query.status is not None:
            return changes.by_status[query.status]
        return range(1, len(self._live.state.events) + 1)

    async def event(self, call: Call) -> Reply:
        await self._reach(call)
        state = self._live.state
        event = state.events.get(call.number("event_id"))
        if event is None:
            raise Problem("event_not_found")
        shown = event_body(self._live, event)
        markets = [market_body(self._live, state.markets[number]) for number in event.markets]
        return self._reply(EventWhole(**msgspec.structs.asdict(shown), markets=markets))

    async def market(self, call: Call) -> Reply:
        await self._reach(call)
        return self._reply(market_body(self._live, self._market(call)))

    def _market(self, call: Call) -> Market:
        market = self._live.state.markets.get(call.number("market_id"))
        if market is None:
            raise Problem("market_not_found")
        return market

    async def prices(self, call: Call) -> Reply:
        await self._reach(call)
        query, market = call.query, self._market(call)
        if query.selection_id not in market.selections:
            raise Problem("selection_not_found")
        page = await self._reading.ask(
            lambda reads: reads.price_history(market.id, query.selection_id, cursor=query.cursor, limit=query.limit),
            min_seq=query.min_seq,
        )
        items = [
            PriceItem(seq=row.seq, at=at_text(row.at_us), selection_id=query.selection_id, price_milli=row.price_milli)
            for row in page.rows
        ]
        return Reply(200, PricePage(items=items, next_cursor=page.next))


def market_body(live: Live, market: Market) -> MarketBody:
    return MarketBody(
        market_id=market.id,
        event_id=market.event_id,
        type=market.type,
        title=MARKET_TYPES[market.type].title,
        specifiers=market.specifiers,
        status=market.status,
        reason=market.reason,
        version=market.version,
        available=live.state.is_available(market),
        in_play=market.in_play,
        delay_ms=market.delay_us // 1_000,
        terms=terms_body(market),
        selections=tuple(
            SelectionBody(
                selection_id=each.id,
                name=each.name,
                price_milli=each.price_milli,
                withdrawn=each.withdrawn_at_us > 0,
            )
            for each in market.selections.values()
        ),
    )


def event_body(live: Live, event: CatalogueEvent) -> EventBody:
    return EventBody(
        event_id=event.id,
        competition_id=event.competition_id,
        sport_id=live.state.competitions[event.competition_id].sport_id,
        name=event.name,
        starts_at=at_text(event.starts_at_us),
        status=event.status,
        moment=event.moment,
    )


def _below(cursor: str | None) -> int | None:
    """The id that the next ones are below. Raises Problem: cursor_invalid."""
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 16):
        raise Problem("cursor_invalid")
    return int(cursor)


def _descending(numbers: Iterable[int], below: int | None) -> Iterator[int]:
    """Ids below one, from the highest down."""
    if isinstance(numbers, range):
        top = len(numbers) if below is None else min(below - 1, len(numbers))
        return iter(range(top, 0, -1))
    ordered = sorted(numbers, reverse=True)
    return iter(ordered) if below is None else (number for number in ordered if number < below)


def _page(numbers: Iterable[int], query: ListQuery) -> tuple[list[int], str | None]:
    """One page of ids that come highest first."""
    below = _below(query.cursor)
    found = [number for number in numbers if below is None or number < below]
    if len(found) <= query.limit:
        return found, None
    return found[: query.limit], str(found[query.limit - 1])
