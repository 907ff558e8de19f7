"""A customer's orders as the order stream shows them: whole on each change, with what was matched on each runner.

An image has executable orders and matches; an order that is complete is told once, when it becomes so, and is in
images for `RECENT_US` after, so that whoever was cut off just then hears of it.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

import msgspec

from overround.book.exchange import ExchangeMarket, Status
from overround.book.matching import Order, OrderStatus, OrderType, Persistence, TimeInForce
from overround.edge.betfair.board import Board, Both, MarketView
from overround.edge.betfair.figures import market_name, millis, price, size
from overround.edge.betfair.pictures import ladder_rows
from overround.edge.betfair.subscribers import OrderHeard
from overround.edge.betfair.values import Shape
from overround.kernel.instant import SECOND_US
from overround.kernel.rounding import half_even
from overround.projections import ExchangeOrder

SIDES: Final = {"back": "B", "lay": "L"}
TYPES: Final = {OrderType.LIMIT: "L", OrderType.LIMIT_ON_CLOSE: "LOC", OrderType.MARKET_ON_CLOSE: "MOC"}
KEPT: Final = {Persistence.LAPSE: "L", Persistence.PERSIST: "P", Persistence.MARKET_ON_CLOSE: "MOC"}
NOTHING: Final[Both] = ({}, {})
RECENT_US: Final = 120 * SECOND_US

_encode = msgspec.json.Encoder().encode


class Lapse(StrEnum):
    """Every reason that is told for what lapsed."""

    MKT_UNKNOWN = "MKT_UNKNOWN"
    MKT_INVALID = "MKT_INVALID"
    MKT_SUSPENDED = "MKT_SUSPENDED"
    RNR_UNKNOWN = "RNR_UNKNOWN"
    MKT_VERSION = "MKT_VERSION"


class OrderShape(Shape, frozen=True):
    """An order in `uo`. What is never absent has no default."""

    id: str
    p: float
    s: float
    side: str
    status: str
    pt: str
    ot: str
    pd: int
    sm: float
    sr: float
    sl: float
    sc: float
    sv: float
    rfo: str
    rfs: str
    bsp: float | None = None
    md: int | None = None
    cd: int | None = None
    ld: int | None = None
    avp: float | None = None
    lsrc: Lapse | None = None


def average_milli(order: Order | ExchangeOrder) -> int:
    """The average price that an order was matched at, to the thousandth; 0 where it was not."""
    return half_even(order.matched_value, order.matched_minor) if order.matched_minor else 0


def lapse_reason(order: Order, market: ExchangeMarket) -> Lapse | None:
    """Why something of an order lapsed: what the book says of one that never came to it, or as the order and its market
    show it just then. Betfair has no word for an order to fill or kill that was killed."""
    if order.lapse:
        return Lapse(order.lapse.value.upper())
    at_us = order.lapsed_at_us
    if not order.lapsed_minor or order.time_in_force is TimeInForce.FILL_OR_KILL:
        return None
    if market.runners[order.runner].removed_at_us == at_us:
        return Lapse.RNR_UNKNOWN
    return Lapse.MKT_UNKNOWN if market.status is Status.CLOSED else Lapse.MKT_INVALID


def order_shape(order: Order, market: ExchangeMarket) -> OrderShape:
    is_limit = order.type is OrderType.LIMIT
    return OrderShape(
        id=str(order.id),
        p=price(order.price_milli) if order.type is not OrderType.MARKET_ON_CLOSE else 0.0,
        s=size(order.size_minor),
        side=SIDES[order.side.value],
        status="E" if order.status is OrderStatus.EXECUTABLE else "EC",
        pt=KEPT[order.persistence] if is_limit else "MOC",
        ot=TYPES[order.type],
        pd=millis(order.placed_at_us),
        sm=size(order.matched_minor),
        sr=size(order.remaining_minor),
        sl=size(order.lapsed_minor),
        sc=size(order.cancelled_minor),
        sv=size(order.voided_minor),
        rfo=order.ref,
        rfs=order.strategy,
        bsp=size(order.liability_minor) if not is_limit else None,
        md=millis(order.matched_at_us) or None,
        cd=millis(order.cancelled_at_us) or None,
        ld=millis(order.lapsed_at_us) or None,
        avp=price(average_milli(order)) or None,
        lsrc=lapse_reason(order, market),
    )


def is_shown(heard: OrderHeard, order: Order) -> bool:
    """Orders that wait for their in-play delay are not on the stream yet."""
    return order.status is not OrderStatus.PENDING and heard.hears(order.strategy)


def is_recent(order: Order, now_us: int) -> bool:
    """Whether an order is executable, or was until just now."""
    ended_us = max(order.matched_at_us, order.cancelled_at_us, order.lapsed_at_us)
    return order.status is OrderStatus.EXECUTABLE or ended_us >= now_us - RECENT_US


def order_image(heard: OrderHeard, board: Board, market_id: int, also: Iterable[int] = ()) -> bytes:
    """A customer's market, whole, as an element of `oc`; empty where there is nothing to show. `also` are orders that
    just became complete."""
    view = board.markets[market_id]
    shown: dict[int, list[OrderShape]] = {}
    told = set(also)
    for order in board.orders_of(heard.customer_id, market_id):
        if is_shown(heard, order) and (is_recent(order, board.at_us) or order.id in told):
            shown.setdefault(order.runner, []).append(order_shape(order, view.market))
    matched = view.matched.get(heard.customer_id, {})
    runners = [
        _runner(heard, view, runner, shown.get(runner, []), is_whole=True) for runner in sorted({*shown, *matched})
    ]
    if not runners:
        return b""
    return _encode({"id": market_name(market_id), "fullImage": True, "orc": runners})


def order_changes(heard: OrderHeard, board: Board) -> list[bytes]:
    """Everything that changed since the last time, as elements of `oc`. From then on it is told."""
    changed, heard.changed = heard.changed, {}
    whole, heard.whole = heard.whole, {}
    closed, heard.closed = heard.closed, {}
    changes = [
        order_image(heard, board, market_id, (bet for bets in changed.get(market_id, {}).values() for bet in bets))
        for market_id in whole
    ]
    for market_id, runners in changed.items():
        if market_id not in whole:
            changes.append(_market(heard, board, market_id, runners))
    changes += [_encode({"id": market_name(market_id), "closed": True}) for market_id in closed]
    for key in [key for key in heard.told if key[0] in closed]:
        del heard.told[key]
    return [change for change in changes if change]


def _market(heard: OrderHeard, board: Board, market_id: int, runners: dict[int, dict[int, None]]) -> bytes:
    view, rows = board.markets[market_id], []
    for runner, bets in runners.items():
        orders = [order for bet_id in bets if (order := board.state.orders.by_id.get(bet_id))]
        shown = [order_shape(order, view.market) for order in orders if is_shown(heard, order)]
        row = _runner(heard, view, runner, shown, is_whole=False)
        if len(row) > (2 if "hc" in row else 1):
            rows.append(row)
    return _encode({"id": market_name(market_id), "orc": rows}) if rows else b""


def _runner(
    heard: OrderHeard, view: MarketView, number: int, orders: list[OrderShape], *, is_whole: bool
) -> dict[str, Any]:
    """An element of `orc`: orders, and what was matched, or what of it is new."""
    runner = view.market.runners[number]
    row: dict[str, Any] = {"id": runner.selection_id}
    if runner.handicap_quarters:
        row["hc"] = runner.handicap_quarters / 4
    if is_whole:
        row["fullImage"] = True
    if orders:
        row["uo"] = orders
    now = view.matched.get(heard.customer_id, {}).get(number, {})
    had = {} if is_whole else heard.told.get((view.id, number), {})
    if heard.filter.include_overall_position is not False:
        row.update(_positions(had.get("", NOTHING), now.get("", NOTHING)))
    if heard.filter.partition_matched_by_strategy_ref:
        strategies = {
            name: rows
            for name, both in now.items()
            if name and heard.hears(name) and (rows := _positions(had.get(name, NOTHING), both))
        }
        if strategies:
            row["smc"] = strategies
    heard.told[view.id, number] = {name: (dict(backs), dict(lays)) for name, (backs, lays) in now.items()}
    return row


def _positions(had: Both, now: Both) -> dict[str, Any]:
    found = zip(("mb", "ml"), had, now, strict=True)
    return {name: rows for name, before, after in found if (rows := ladder_rows(before, after))}
