"""A customer's orders on markets that are not settled: the rows of market books, and listCurrentOrders."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

from overround.book.exchange import ExchangeMarket
from overround.book.matching import Order, OrderStatus, OrderType
from overround.edge.betfair.bettingparams import CurrentOrdersParams, OrderBy, OrderProjection, SortDir
from overround.edge.betfair.board import Board
from overround.edge.betfair.calls import Ask
from overround.edge.betfair.definitions import handicap
from overround.edge.betfair.figures import date, date_or_none, market_name, market_number, price, size
from overround.edge.betfair.listing import check_ids
from overround.edge.betfair.ordering import average_milli
from overround.edge.betfair.selecting import fits, is_between
from overround.edge.betfair.values import Shape
from overround.projections import ExchangeOrder

MAX_RECORDS: Final = 1_000

STATUSES: Final = {
    OrderStatus.PENDING: "PENDING",
    OrderStatus.EXECUTABLE: "EXECUTABLE",
    OrderStatus.COMPLETE: "EXECUTION_COMPLETE",
    OrderStatus.EXPIRED: "EXECUTION_COMPLETE",
}


class OrderRow(Shape, frozen=True):
    """An order in a market book."""

    bet_id: str
    order_type: str
    status: str
    persistence_type: str
    side: str
    price: float
    size: float
    bsp_liability: float
    placed_date: str
    avg_price_matched: float
    size_matched: float
    size_remaining: float
    size_lapsed: float
    size_cancelled: float
    size_voided: float
    customer_order_ref: str | None = None
    customer_strategy_ref: str | None = None


class CurrentOrder(Shape, frozen=True):
    bet_id: str
    market_id: str
    selection_id: int
    handicap: float
    price_size: dict[str, float]
    bsp_liability: float
    side: str
    status: str
    persistence_type: str
    order_type: str
    placed_date: str
    average_price_matched: float
    size_matched: float
    size_remaining: float
    size_lapsed: float
    size_cancelled: float
    size_voided: float
    matched_date: str | None = None
    customer_order_ref: str | None = None
    customer_strategy_ref: str | None = None
    current_item_description: dict[str, Any] | None = None


class CurrentOrders(Shape, frozen=True, omit_defaults=False):
    current_orders: list[CurrentOrder]
    more_available: bool


def order_type(order: Order | ExchangeOrder) -> str:
    return order.type.value.upper()


def persistence_type(order: Order | ExchangeOrder) -> str:
    """An order for the starting price persists in no other way."""
    return order.persistence.value.upper() if order.type is OrderType.LIMIT else "MARKET_ON_CLOSE"


def price_of(order: Order | ExchangeOrder) -> float:
    return price(order.price_milli) if order.type is not OrderType.MARKET_ON_CLOSE else 0.0


def is_projected(order: Order, projection: OrderProjection) -> bool:
    return projection is OrderProjection.ALL or STATUSES[order.status] == projection.value


def order_row(order: Order) -> OrderRow:
    return OrderRow(
        bet_id=str(order.id),
        order_type=order_type(order),
        status=STATUSES[order.status],
        persistence_type=persistence_type(order),
        side=order.side.value.upper(),
        price=price_of(order),
        size=size(order.size_minor),
        bsp_liability=size(order.liability_minor),
        placed_date=date(order.placed_at_us),
        avg_price_matched=price(average_milli(order)),
        size_matched=size(order.matched_minor),
        size_remaining=size(order.remaining_minor),
        size_lapsed=size(order.lapsed_minor),
        size_cancelled=size(order.cancelled_minor),
        size_voided=size(order.voided_minor),
        customer_order_ref=order.ref or None,
        customer_strategy_ref=order.strategy or None,
    )


def current_order(order: Order, market: ExchangeMarket, *, is_described: bool) -> CurrentOrder:
    runner = market.runners[order.runner]
    return CurrentOrder(
        bet_id=str(order.id),
        market_id=market_name(market.id),
        selection_id=runner.selection_id,
        handicap=handicap(runner),
        price_size={"price": price_of(order), "size": size(order.size_minor)},
        bsp_liability=size(order.liability_minor),
        side=order.side.value.upper(),
        status=STATUSES[order.status],
        persistence_type=persistence_type(order),
        order_type=order_type(order),
        placed_date=date(order.placed_at_us),
        average_price_matched=price(average_milli(order)),
        size_matched=size(order.matched_minor),
        size_remaining=size(order.remaining_minor),
        size_lapsed=size(order.lapsed_minor),
        size_cancelled=size(order.cancelled_minor),
        size_voided=size(order.voided_minor),
        matched_date=date_or_none(order.matched_at_us),
        customer_order_ref=order.ref or None,
        customer_strategy_ref=order.strategy or None,
        current_item_description={"marketVersion": {"version": market.version}} if is_described else None,
    )


SORTS: Final[dict[OrderBy, Callable[[Order], tuple[int, ...]]]] = {
    OrderBy.BY_BET: lambda order: (order.placed_at_us, order.id),
    OrderBy.BY_PLACE_TIME: lambda order: (order.placed_at_us, order.id),
    OrderBy.BY_MARKET: lambda order: (order.market_id, order.placed_at_us, order.id),
    OrderBy.BY_MATCH_TIME: lambda order: (order.matched_at_us, order.placed_at_us, order.id),
    OrderBy.BY_SETTLED_TIME: lambda order: (order.placed_at_us, order.id),
    OrderBy.BY_VOID_TIME: lambda order: (order.placed_at_us, order.id),
}


class Current:
    """The handler."""

    def __init__(self, board: Board, wait_for: Callable[[int], Awaitable[bool]]) -> None:
        self._board, self._wait_for = board, wait_for

    async def orders(self, ask: Ask) -> CurrentOrders:
        asked: CurrentOrdersParams = ask.params
        await self._wait_for(self._board.expected(ask.customer_id))
        check_ids(asked.bet_ids, asked.market_ids)
        by = asked.order_by or OrderBy.BY_BET
        found = [order for order in self._open(ask.customer_id, asked) if _is_asked(order, asked, by)]
        found.sort(key=SORTS[by], reverse=asked.sort_dir is SortDir.LATEST_TO_EARLIEST)
        first = asked.from_record or 0
        count = min(asked.record_count or MAX_RECORDS, MAX_RECORDS)
        markets = self._board.state.markets
        rows = [
            current_order(order, markets[order.market_id], is_described=bool(asked.include_item_description))
            for order in found[first : first + count]
        ]
        return CurrentOrders(current_orders=rows, more_available=len(found) > first + count)

    def _open(self, customer_id: int, asked: CurrentOrdersParams) -> Iterator[Order]:
        """The orders on markets that were asked for and are not settled."""
        wanted = {market_number(text) for text in asked.market_ids} if asked.market_ids else None
        for market_id in self._board.of_customer.get(customer_id, ()):
            if (wanted is None or market_id in wanted) and not self._board.state.markets[market_id].settled_at_us:
                yield from self._board.orders_of(customer_id, market_id)


def _is_asked(order: Order, asked: CurrentOrdersParams, by: OrderBy) -> bool:
    if by is OrderBy.BY_MATCH_TIME and not order.matched_at_us:
        return False
    if by is OrderBy.BY_SETTLED_TIME or (by is OrderBy.BY_VOID_TIME and not order.voided_minor):
        return False
    at_us = order.matched_at_us if by is OrderBy.BY_MATCH_TIME else order.placed_at_us
    return (
        fits(asked.bet_ids, order.id)
        and is_projected(order, asked.order_projection or OrderProjection.ALL)
        and fits(asked.customer_order_refs, order.ref)
        and fits(asked.customer_strategy_refs, order.strategy)
        and is_between(asked.date_range, at_us)
    )
