"""Writing what a batch changed of the exchange."""

from collections.abc import Iterable, Iterator
from typing import Final

from asyncpg import Connection
from msgspec.structs import astuple

from overround.book.exchange import ExchangeMarket
from overround.projections import tables
from overround.projections.changes import Row
from overround.projections.exchange_rows import ExchangeChanges, ExchangeOrder
from overround.projections.tables import Table
from overround.projections.underway import as_json

Rows = list[Row]


def new_rows(changes: ExchangeChanges) -> Iterable[tuple[Table, Rows]]:
    """Rows that were not there before."""
    yield tables.EXCHANGE_ORDER, [astuple(row) for row in changes.orders.values()]
    yield tables.EXCHANGE_TRADE, [astuple(row) for row in changes.trades.values()]
    touched = changes.touched
    yield (
        tables.EXCHANGE_POSITION,
        [(*row[:-1], max(row[-1], touched.get(place, 0))) for place, row in changes.positions.items()],
    )


def upserted_rows(known: dict[int, ExchangeMarket], changes: ExchangeChanges) -> Iterable[tuple[Table, Rows]]:
    """Markets, runners of those whose runners changed, rates and discounts."""
    markets = [known[market_id] for market_id in sorted(changes.markets)]
    yield tables.EXCHANGE_MARKET, [market_row(market, changes.stamps[market.id]) for market in markets]
    changed = (known[market_id] for market_id in sorted(changes.runners))
    yield tables.EXCHANGE_RUNNER, [row for market in changed for row in runner_rows(market)]
    yield tables.EXCHANGE_RATE, [changes.rates[currency] for currency in sorted(changes.rates)]
    yield tables.EXCHANGE_DISCOUNT, [changes.discounts[customer_id] for customer_id in sorted(changes.discounts)]


def market_row(market: ExchangeMarket, changed_seq: int) -> tuple[object, ...]:
    """A row of `exchange_market`."""
    terms = market.terms
    return (
        market.id,
        market.event_id,
        terms.name,
        terms.market_type,
        terms.currency,
        as_json(terms),
        market.bet_delay_us,
        market.passive,
        market.status,
        market.in_play,
        market.reconciled,
        market.version,
        market.created_at_us,
        market.settled_at_us,
        market.revision,
        as_json(market.result) if market.result is not None else None,
        as_json(market.residues),
        changed_seq,
    )


def runner_rows(market: ExchangeMarket) -> Iterator[tuple[object, ...]]:
    """A row of `exchange_runner` for each runner."""
    for n, runner in enumerate(market.runners):
        yield (market.id, n, *astuple(runner))


async def write_exchange(connection: Connection, changes: ExchangeChanges) -> None:
    """Rows that were there before: one statement for each way in which they change."""
    if changes.changed:
        rows = [_later(changes.changed[number]) for number in sorted(changes.changed)]
        await connection.execute(CHANGE_ORDERS, sorted(changes.changed), *zip(*rows, strict=True))
    if changes.profits:
        numbers = sorted(changes.profits)
        profits, times = zip(*(changes.profits[number] for number in numbers), strict=True)
        await connection.execute(SET_PROFITS, numbers, profits, times)
    if changes.retraded:
        made = [changes.retraded[number] for number in sorted(changes.retraded)]
        prices, voided = [row.price_milli for row in made], [row.voided for row in made]
        await connection.execute(CHANGE_TRADES, [row.id for row in made], prices, voided)
    await _write_positions(connection, changes)
    stamps = {market_id: seq for market_id, seq in changes.stamps.items() if market_id not in changes.markets}
    if stamps:
        await connection.execute(STAMP_MARKETS, list(stamps), list(stamps.values()))


async def _write_positions(connection: Connection, changes: ExchangeChanges) -> None:
    places = sorted(changes.touched.keys() - changes.positions.keys())
    if places:
        markets, customers = zip(*places, strict=True)
        await connection.execute(STAMP_POSITIONS, markets, customers, [changes.touched[place] for place in places])
    if changes.settled:
        places = sorted(changes.settled)
        markets, customers = zip(*places, strict=True)
        values = zip(*(changes.settled[place] for place in places), strict=True)
        await connection.execute(SETTLE_POSITIONS, markets, customers, *values)


LATER: Final = (
    "size_minor",
    "persistence",
    "status",
    "remaining_minor",
    "matched_minor",
    "matched_value",
    "lapsed_minor",
    "cancelled_minor",
    "voided_minor",
    "profit_minor",
    "matched_at_us",
    "lapsed_at_us",
    "cancelled_at_us",
    "voided_at_us",
    "settled_at_us",
    "lapse_reason",
    "lapse",
)
"""The columns of an order that later facts change."""

_KINDS: Final = dict(zip(tables.EXCHANGE_ORDER.columns, tables.EXCHANGE_ORDER.types, strict=True))
CHANGE_ORDERS: Final = (
    f"UPDATE read.exchange_order SET {', '.join(f'{name} = changed.{name}' for name in LATER)}"  # noqa: S608 - our words
    f" FROM unnest($1::bigint[], {', '.join(f'${n}::{_KINDS[name]}[]' for n, name in enumerate(LATER, 2))})"
    f" AS changed (id, {', '.join(LATER)}) WHERE exchange_order.id = changed.id"
)
SET_PROFITS: Final = (
    "UPDATE read.exchange_order SET profit_minor = settled.profit_minor, settled_at_us = settled.at_us"
    " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS settled (id, profit_minor, at_us)"
    " WHERE exchange_order.id = settled.id"
)
CHANGE_TRADES: Final = (
    "UPDATE read.exchange_trade SET price_milli = changed.price_milli, voided = changed.voided"
    " FROM unnest($1::bigint[], $2::bigint[], $3::boolean[]) AS changed (id, price_milli, voided)"
    " WHERE exchange_trade.id = changed.id"
)
STAMP_MARKETS: Final = (
    "UPDATE read.exchange_market SET changed_seq = touched.seq FROM unnest($1::bigint[], $2::bigint[])"
    " AS touched (id, seq) WHERE exchange_market.id = touched.id"
)
STAMP_POSITIONS: Final = (
    "UPDATE read.exchange_position AS position SET changed_seq = touched.seq"
    " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS touched (market_id, customer_id, seq)"
    " WHERE position.market_id = touched.market_id AND position.customer_id = touched.customer_id"
)
SETTLE_POSITIONS: Final = (
    "UPDATE read.exchange_position AS position SET net_minor = settled.net_minor,"
    " commission_minor = settled.commission_minor, void = settled.void, settled_revision = settled.revision,"
    " settled_at_us = settled.at_us FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::boolean[],"
    " $6::integer[], $7::bigint[]) AS settled (market_id, customer_id, net_minor, commission_minor, void, revision,"
    " at_us) WHERE position.market_id = settled.market_id AND position.customer_id = settled.customer_id"
)


def _later(row: ExchangeOrder) -> tuple[object, ...]:
    return (
        row.size_minor,
        row.persistence,
        row.status,
        row.remaining_minor,
        row.matched_minor,
        row.matched_value,
        row.lapsed_minor,
        row.cancelled_minor,
        row.voided_minor,
        row.profit_minor,
        row.matched_at_us,
        row.lapsed_at_us,
        row.cancelled_at_us,
        row.voided_at_us,
        row.settled_at_us,
        row.lapse_reason,
        row.lapse,
    )
