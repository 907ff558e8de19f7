"""What the trading desk has decided, for the desk and for whoever makes prices: from the live view, and from the tables
what was decided by whom."""

from itertools import islice
from typing import Any, Final

import msgspec

from overround.book.catalogue import Market, MarketStatus, Selection
from overround.edge.catalogue import STALE
from overround.edge.listing import PageQuery
from overround.edge.live import Live
from overround.edge.problems import Problem
from overround.edge.reading import Reading
from overround.edge.routes import Call, Reply
from overround.edge.values import AtText, Text, Whole, at_text, at_text_or_none
from overround.kernel.level import Level

MAX_SHOWN: Final = 1_000
"""Suspensions and margins shown at a time."""


class SuspensionItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    level: Level
    id: int
    reason: str
    since: AtText


class MarginItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    level: Level
    id: int
    margin_bps: int


class ControlsBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Up to 1,000 of each. Suspensions and overrides of selections are with their markets."""

    approval_required: bool
    suspensions: list[SuspensionItem]
    margins: list[MarginItem]


class LevelItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A level that a market lies in. `suspended` is the reason, null where it is not; `margin_bps` its own margin."""

    level: Level
    id: int
    suspended: str | None
    margin_bps: int | None


class SelectionItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`price_milli` is on offer, `feed_price_milli` is what the feed said last; 0 is none."""

    selection_id: int
    name: str
    price_milli: int
    feed_price_milli: int
    override_milli: int | None
    override_until: AtText | None
    suspended: str | None


class MarketControls(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A market with everything that the desk decided about it. `margin_bps` is what holds for it, set at
    `margin_from`; `suspended_at` the widest level that is suspended."""

    market_id: int
    status: MarketStatus
    available: bool
    suspended_at: Level | None
    approved: bool
    margin_bps: int | None
    margin_from: Level | None
    levels: list[LevelItem]
    selections: list[SelectionItem]


class ActionItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Somebody's decision. `actor` is below zero for an operator, and 0 for the house itself: a time that was over, or
    a part of a request whose last fact has the actor."""

    seq: int
    at: AtText
    actor: int
    kind: str
    subject: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]


class ActionPage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Newest first. `next_cursor` leads to what is older, null at the end."""

    items: list[ActionItem]
    next_cursor: str | None


class ActionsQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`kind` is a fact's, such as level_suspended."""

    actor: Whole | None = None
    kind: Text | None = None


class Controls:
    """The handlers."""

    def __init__(self, live: Live, reading: Reading) -> None:
        self._live, self._reading = live, reading

    def _reply(self, body: object) -> Reply:
        return Reply(200, body, STALE if self._live.is_stale else ())

    async def _reach(self, call: Call) -> None:
        """Raises Problem: not_ready, projection_behind."""
        if not self._live.built:
            raise Problem("not_ready")
        if call.query.min_seq > self._live.seq and not await self._live.wait_for(call.query.min_seq):
            raise Problem("projection_behind", seq=self._live.seq)

    async def controls(self, call: Call) -> Reply:
        await self._reach(call)
        control = self._live.state.control
        stopped = (
            SuspensionItem(level=level, id=number, reason=stop.reason, since=at_text(stop.since_us))
            for level, stops in control.stops.items()
            for number, stop in stops.items()
            if stop.is_active
        )
        margins = (
            MarginItem(level=level, id=number, margin_bps=margin_bps)
            for level, own in control.margins.items()
            for number, margin_bps in own.items()
        )
        return self._reply(
            ControlsBody(
                approval_required=control.approval_required,
                suspensions=list(islice(stopped, MAX_SHOWN)),
                margins=list(islice(margins, MAX_SHOWN)),
            )
        )

    async def market(self, call: Call) -> Reply:
        await self._reach(call)
        market = self._live.state.markets.get(call.number("market_id"))
        if market is None:
            raise Problem("market_not_found")
        return self._reply(self._controls(market))

    def _controls(self, market: Market) -> MarketControls:
        state = self._live.state
        path = state.path_of(market)
        margin = state.control.narrowest_margin(path)
        return MarketControls(
            market_id=market.id,
            status=market.status,
            available=state.is_available(market),
            suspended_at=state.stopped_at(market, asked_at_us=0, now_us=0),
            approved=state.is_approved(market),
            margin_bps=margin[1] if margin else None,
            margin_from=margin[0] if margin else None,
            levels=[self._level(level, number) for level, number in path],
            selections=[_selection(each) for each in market.selections.values()],
        )

    def _level(self, level: Level, number: int) -> LevelItem:
        control = self._live.state.control
        stop = control.stop(level, number)
        return LevelItem(
            level=level,
            id=number,
            suspended=stop.reason if stop is not None else None,
            margin_bps=control.margin(level, number),
        )

    async def actions(self, call: Call) -> Reply:
        query = call.query
        page = await self._reading.ask(
            lambda reads: reads.actions(actor=query.actor, kind=query.kind, cursor=query.cursor, limit=query.limit),
            min_seq=query.min_seq,
        )
        items = [
            ActionItem(
                seq=row.seq,
                at=at_text(row.at_us),
                actor=row.actor,
                kind=row.kind,
                subject=row.subject,
                before=row.before,
                after=row.after,
            )
            for row in page.rows
        ]
        return Reply(200, ActionPage(items=items, next_cursor=page.next))


def _selection(each: Selection) -> SelectionItem:
    return SelectionItem(
        selection_id=each.id,
        name=each.name,
        price_milli=each.price_milli,
        feed_price_milli=each.feed_price_milli,
        override_milli=each.override_milli or None,
        override_until=at_text_or_none(each.override_until_us),
        suspended=each.stopped or None,
    )
