"""What operators look at of the exchange: every order and every trade, of a market or of a customer."""

import msgspec

from overround.edge.listing import PageQuery
from overround.edge.reading import Reading
from overround.edge.routes import Call, Reply
from overround.edge.values import AtText, Id, at_text, at_text_or_none
from overround.projections import ExchangeOrder, ExchangeTrade


class OrderItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order as it is. Sizes are minor units of the market's currency and add up; `liability_minor` is of an order
    for the starting price; `matched_value` divided by what is matched is the average price. `profit_minor` is the
    wallet's, before commission. Instants are null for never."""

    order_id: int
    customer_id: int
    market_id: int
    runner: int
    side: str
    type: str
    price_milli: int
    size_minor: int
    liability_minor: int
    persistence: str
    status: str
    remaining_minor: int
    matched_minor: int
    matched_value: int
    lapsed_minor: int
    cancelled_minor: int
    voided_minor: int
    profit_minor: int
    ref: str
    strategy: str
    placed_at: AtText
    matched_at: str | None
    lapsed_at: str | None
    cancelled_at: str | None
    voided_at: str | None
    settled_at: str | None
    lapse_reason: str | None
    seq: int


class OrderPage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Newest first. `next_cursor` leads to what is older, null at the end."""

    items: list[OrderItem]
    next_cursor: str | None


class TradeItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A match. Order and customer 0 are the house between the legs of a cross match, which share `group_id`; that is 0
    for a direct match, −1 for one at the starting price."""

    trade_id: int
    market_id: int
    runner: int
    price_milli: int
    size_minor: int
    back_order_id: int
    lay_order_id: int
    back_customer_id: int
    lay_customer_id: int
    group_id: int
    voided: bool
    at: AtText
    seq: int


class TradePage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Newest first. `next_cursor` leads to what is older, null at the end."""

    items: list[TradeItem]
    next_cursor: str | None


class ExchangeQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    market_id: Id | None = None
    customer_id: Id | None = None


class ExchangeListing:
    """The handlers."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def orders(self, call: Call) -> Reply:
        query: ExchangeQuery = call.query
        rows, cursor = await self._reading.ask(
            lambda reads: reads.exchange.orders(
                market_id=query.market_id, customer_id=query.customer_id, cursor=query.cursor, limit=query.limit
            ),
            min_seq=query.min_seq,
        )
        return Reply(200, OrderPage(items=[_order(row) for row in rows], next_cursor=cursor))

    async def trades(self, call: Call) -> Reply:
        query: ExchangeQuery = call.query
        rows, cursor = await self._reading.ask(
            lambda reads: reads.exchange.trades(
                market_id=query.market_id, customer_id=query.customer_id, cursor=query.cursor, limit=query.limit
            ),
            min_seq=query.min_seq,
        )
        return Reply(200, TradePage(items=[_trade(row) for row in rows], next_cursor=cursor))


def _order(row: ExchangeOrder) -> OrderItem:
    return OrderItem(
        order_id=row.id,
        customer_id=row.customer_id,
        market_id=row.market_id,
        runner=row.runner,
        side=row.side,
        type=row.type,
        price_milli=row.price_milli,
        size_minor=row.size_minor,
        liability_minor=row.liability_minor,
        persistence=row.persistence,
        status=row.status,
        remaining_minor=row.remaining_minor,
        matched_minor=row.matched_minor,
        matched_value=row.matched_value,
        lapsed_minor=row.lapsed_minor,
        cancelled_minor=row.cancelled_minor,
        voided_minor=row.voided_minor,
        profit_minor=row.profit_minor,
        ref=row.ref,
        strategy=row.strategy,
        placed_at=at_text(row.placed_at_us),
        matched_at=at_text_or_none(row.matched_at_us),
        lapsed_at=at_text_or_none(row.lapsed_at_us),
        cancelled_at=at_text_or_none(row.cancelled_at_us),
        voided_at=at_text_or_none(row.voided_at_us),
        settled_at=at_text_or_none(row.settled_at_us),
        lapse_reason=row.lapse_reason,
        seq=row.seq,
    )


def _trade(row: ExchangeTrade) -> TradeItem:
    return TradeItem(
        trade_id=row.id,
        market_id=row.market_id,
        runner=row.runner,
        price_milli=row.price_milli,
        size_minor=row.size_minor,
        back_order_id=row.back,
        lay_order_id=row.lay,
        back_customer_id=row.back_customer_id,
        lay_customer_id=row.lay_customer_id,
        group_id=row.group_id,
        voided=row.voided,
        at=at_text(row.at_us),
        seq=row.seq,
    )
