"""The exchange as the tables have it, for those who fold on from there: what is live, and what closed a while ago.

What no viewer asks for is not there: what positions may lose and hold, who waits in which order at one price, the
dead-man switches, the least sizes of orders.
"""

from operator import attrgetter
from typing import TYPE_CHECKING, Final

import msgspec

from overround.book import exchange
from overround.book.exchange import ExchangeMarket, ExchangeState, Kept, Rate
from overround.book.exposure import Position
from overround.book.matching import FORGET_AFTER_US, Order, OrderStatus, OrderType, Trade
from overround.projections import tables
from overround.projections.exchange_gather import markets_of
from overround.projections.exchange_rows import ExchangeOrder, order_row
from overround.projections.tables import VERSION

if TYPE_CHECKING:
    from asyncpg import Connection, Record


class OtherVersion(Exception):
    """The tables are of another version, and will be folded anew."""


class ExchangeOffer(msgspec.Struct, frozen=True, kw_only=True):
    """The exchange at `seq` and `at_us`. `stamps` are by market the last fact that changed it or an order on it,
    `touched` by customer and market the last that changed an order of theirs; `matched_at_us` when a market last saw a
    match."""

    seq: int
    at_us: int
    state: ExchangeState
    stamps: dict[int, int]
    touched: dict[int, dict[int, int]]
    matched_at_us: dict[int, int]


FETCH_ROWS: Final = 5_000
SHOWN: Final = "settled_at_us = 0 OR settled_at_us >= $1"
STAMPS: Final = f"SELECT id, changed_seq FROM read.exchange_market WHERE {SHOWN}"  # noqa: S608  # our words
LIVE_ORDERS: Final = (
    " WHERE market_id = ANY($1) AND (status IN ('pending', 'executable') OR matched_minor > 0 OR voided_minor > 0"
    " OR greatest(lapsed_at_us, cancelled_at_us) >= $2) ORDER BY id"
)


async def exchange_offer(connection: "Connection[Record]", *, closed_for_us: int) -> ExchangeOffer:
    """Every market that is not settled, or was less than so long before the last fact, all of one instant. Raises
    OtherVersion."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        version, seq, at_us = await connection.fetchrow("SELECT version, seq, at_us FROM read.checkpoint")  # type: ignore[misc]  # one row
        if version != VERSION:
            raise OtherVersion(f"the tables are of version {version}, not {VERSION}")
        markets = {market.id: market for market in await markets_of(connection, SHOWN, at_us - closed_for_us)}
        stamps = await _pairs(connection, STAMPS, at_us - closed_for_us)
        touched = await _positions(connection, markets)
        await _trades(connection, markets)
        orders = await _orders(connection, list(markets), at_us - FORGET_AFTER_US)
        matched = await _pairs(
            connection,
            "SELECT market_id, max(at_us) FROM read.exchange_trade WHERE market_id = ANY($1) GROUP BY market_id",
            list(markets),
        )
        kept = Kept(
            markets=markets,
            orders=orders,
            counts=(0, 0, 0, at_us, 0),
            rates={row[0]: Rate(row[1], row[2]) for row in await connection.fetch(tables.EXCHANGE_RATE.select)},
            discounts=await _pairs(connection, tables.EXCHANGE_DISCOUNT.select),
        )
    return ExchangeOffer(
        seq=seq,
        at_us=at_us,
        state=exchange.restore(kept),
        stamps=stamps,
        touched=touched,
        matched_at_us=matched,
    )


async def _pairs(connection: "Connection[Record]", query: str, *values: object) -> dict[int, int]:
    return {row[0]: row[1] for row in await connection.fetch(query, *values)}


async def _positions(connection: "Connection[Record]", markets: dict[int, ExchangeMarket]) -> dict[int, dict[int, int]]:
    """Put positions into markets; by customer and market, when an order of theirs last changed."""
    touched: dict[int, dict[int, int]] = {}
    query = tables.EXCHANGE_POSITION.select + " WHERE market_id = ANY($1) ORDER BY market_id, customer_id"
    for row in await connection.fetch(query, list(markets)):
        customer_id, market = row["customer_id"], markets[row["market_id"]]
        market.positions[customer_id] = Position(
            customer_id,
            row["currency"],
            row["rate_to"],
            row["rate_from"],
            {},
            net_minor=row["net_minor"],
            commission_minor=row["commission_minor"],
            settled=row["settled_revision"] > 0,
        )
        if customer_id:
            touched.setdefault(customer_id, {})[market.id] = row["changed_seq"]
    return touched


async def _trades(connection: "Connection[Record]", markets: dict[int, ExchangeMarket]) -> None:
    query = (
        "SELECT market_id, id, runner, price_milli, size_minor, back, lay, group_id FROM read.exchange_trade"
        " WHERE market_id = ANY($1) AND NOT voided ORDER BY id"
    )
    async for market_id, *made in connection.cursor(query, list(markets), prefetch=FETCH_ROWS):
        markets[market_id].trades.append(Trade(*made))


async def _orders(connection: "Connection[Record]", market_ids: list[int], since_us: int) -> list[Order]:
    query = tables.EXCHANGE_ORDER.select + LIVE_ORDERS
    found = connection.cursor(query, market_ids, since_us, prefetch=FETCH_ROWS)
    return [_order(order_row(row)) async for row in found]


_FIELDS: Final = Order.__struct_fields__
_BEFORE: Final = attrgetter(*_FIELDS[: _FIELDS.index("rank")])
_AFTER: Final = attrgetter(*_FIELDS[_FIELDS.index("rank") + 1 :])


def _order(row: ExchangeOrder) -> Order:
    """An order of a view. Its place in time is not in the row, but whatever rests has some."""
    rests = row.status is OrderStatus.EXECUTABLE and row.type is OrderType.LIMIT
    return Order(*_BEFORE(row), row.id if rests else 0, *_AFTER(row))  # type: ignore[call-arg]  # as many as it has
