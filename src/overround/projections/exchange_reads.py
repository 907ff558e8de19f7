"""What the edges ask the exchange's tables: orders that were cleared, one by one or added up, and the lists of orders
and trades."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from overround.book.exchange import ExchangeMarket
from overround.book.exposure import Side
from overround.projections import cursor as cursors
from overround.projections import tables
from overround.projections.cursor import DEFAULT_PAGE, MAX_PAGE
from overround.projections.exchange_gather import markets_of
from overround.projections.exchange_rows import ExchangeOrder, ExchangeTrade, order_row
from overround.projections.query import Query

if TYPE_CHECKING:
    from asyncpg import Pool, Record

Entry = TypeVar("Entry", ExchangeOrder, ExchangeTrade)


class Ending(StrEnum):
    """How an order, or a part of it, came to its end."""

    SETTLED = "settled"
    VOIDED = "voided"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"


class Grouping(StrEnum):
    """What settled orders are added up by. All but event and sport are within one market."""

    SPORT = "sport"
    EVENT = "event"
    MARKET = "market"
    RUNNER = "runner"
    SIDE = "side"
    STRATEGY = "strategy"


class NamedRunner(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A runner by its names outside; a handicap of None is any."""

    market_id: int
    selection_id: int
    handicap_quarters: int | None


class Wanted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which cleared orders: of one customer, cleared in one way; None means any. Instants are included."""

    customer_id: int
    ending: Ending
    market_ids: tuple[int, ...] | None = None
    event_ids: tuple[int, ...] | None = None
    sport_ids: tuple[int, ...] | None = None
    runners: tuple[NamedRunner, ...] | None = None
    order_ids: tuple[int, ...] | None = None
    refs: tuple[str, ...] | None = None
    strategies: tuple[str, ...] | None = None
    side: Side | None = None
    from_us: int | None = None
    until_us: int | None = None


class ClearedOrder(msgspec.Struct, frozen=True, gc=False):
    """An order, of how much of it this is, since when, and the currency of its profit."""

    order: ExchangeOrder
    currency: str
    cleared_at_us: int
    cleared_minor: int


class ClearedSum(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Settled orders added up: what a row is not about is 0 or empty, the runner None. `matched_value` is the sum of
    size × price over their matches, `asked_value` the same at the prices asked for. `commission_minor` is of whole
    markets."""

    sport_id: int
    event_id: int = 0
    market_id: int = 0
    runner: int | None = None
    side: str = ""
    strategy: str = ""
    currency: str
    orders: int
    profit_minor: int
    commission_minor: int
    matched_minor: int
    matched_value: int
    asked_value: int
    settled_at_us: int
    matched_at_us: int


Cleared = TypeVar("Cleared", ClearedOrder, ClearedSum)
Markets = dict[int, ExchangeMarket]
"""By id, with runners, without positions and trades."""

OWN: Final = "FROM read.exchange_position AS own JOIN read.exchange_order AS it USING (market_id, customer_id) WHERE"
SOURCES: Final = {
    Ending.SETTLED: (
        "SELECT it.*, own.currency, own.commission_minor, own.settled_at_us AS cleared_at_us,"
        f" it.matched_minor AS cleared_minor {OWN} own.settled_at_us > 0 AND NOT own.void AND it.matched_minor > 0"
    ),
    Ending.VOIDED: (
        "SELECT it.*, own.currency, own.commission_minor, own.settled_at_us AS cleared_at_us,"
        f" it.matched_minor + it.voided_minor AS cleared_minor {OWN} own.void"
        " AND it.matched_minor + it.voided_minor > 0"
        " UNION ALL SELECT it.*, own.currency, own.commission_minor, it.voided_at_us, it.voided_minor"
        f" {OWN} NOT own.void AND it.voided_minor > 0"
    ),
    Ending.LAPSED: (
        "SELECT it.*, own.currency, own.commission_minor, it.lapsed_at_us AS cleared_at_us,"
        f" it.lapsed_minor AS cleared_minor {OWN} it.lapsed_minor > 0"
    ),
    Ending.CANCELLED: (
        "SELECT it.*, own.currency, own.commission_minor, it.cancelled_at_us AS cleared_at_us,"
        f" it.cancelled_minor AS cleared_minor {OWN} it.cancelled_minor > 0"
    ),
}
PLACED: Final = (
    " JOIN read.exchange_market AS market ON market.id = found.market_id JOIN read.event ON event.id = market.event_id"
    " JOIN read.competition ON competition.id = event.competition_id"
)
NAMED: Final = (
    "EXISTS (SELECT FROM unnest({}::bigint[], {}::bigint[], {}::integer[]) AS named (market_id, selection_id, handicap)"
    " JOIN read.exchange_runner AS runner USING (market_id, selection_id) WHERE runner.market_id = found.market_id"
    " AND runner.n = found.runner AND coalesce(named.handicap, runner.handicap_quarters) = runner.handicap_quarters)"
)
SUMS: Final = (
    "count(*) AS orders, sum(profit_minor)::bigint AS profit_minor, sum(matched_minor)::bigint AS matched_minor,"
    " sum(matched_value)::bigint AS matched_value, sum(matched_minor * price_milli)::bigint AS asked_value,"
    " max(cleared_at_us) AS settled_at_us, max(matched_at_us) AS matched_at_us, min(found.currency) AS currency,"
    " min(commission_minor) AS commission_minor"
)
SUMS_OF_SUMS: Final = (
    "sum(orders)::bigint AS orders, sum(profit_minor)::bigint AS profit_minor,"
    " sum(matched_minor)::bigint AS matched_minor, sum(matched_value)::bigint AS matched_value,"
    " sum(asked_value)::bigint AS asked_value, max(settled_at_us) AS settled_at_us,"
    " max(matched_at_us) AS matched_at_us, min(currency) AS currency, sum(commission_minor)::bigint AS commission_minor"
)
KEYS: Final = {
    Grouping.RUNNER: ", runner",
    Grouping.SIDE: ", runner, side",
    Grouping.STRATEGY: ", strategy",
}
"""By what orders of one market are told apart."""

WIDER: Final = {Grouping.EVENT: "sport_id, event_id", Grouping.SPORT: "sport_id"}


class ExchangeReads:
    """The questions, on a pool of connections."""

    def __init__(self, pool: "Pool[Record]") -> None:
        self._pool = pool

    async def cleared(self, wanted: Wanted, *, first: int, count: int) -> tuple[list[ClearedOrder], Markets]:
        """Some of a customer's cleared orders, the last cleared first, and their markets."""
        query = _found("found.*", wanted)
        query.order("found.cleared_at_us DESC, found.id DESC").limit(count).offset(first)
        rows = [_cleared(row) for row in await self._pool.fetch(query.text, *query.values)]
        return rows, await self.markets(row.order.market_id for row in rows)

    async def added_up(
        self, wanted: Wanted, by: Grouping, *, first: int, count: int
    ) -> tuple[list[ClearedSum], Markets]:
        """Settled orders added up, the last settled first, and the markets of rows about one."""
        key = "competition.sport_id, market.event_id, market_id" + KEYS.get(by, "")
        query = _found(f"{key}, {SUMS}", wanted).group(key)
        if by in WIDER:
            query = query.around(f"SELECT {WIDER[by]}, {SUMS_OF_SUMS} FROM", "market").group(WIDER[by])
        last = "sport_id" if by is Grouping.SPORT else "event_id" if by is Grouping.EVENT else "market_id"
        query.order(f"settled_at_us DESC, {last} DESC" + KEYS.get(by, "")).limit(count).offset(first)
        rows = [ClearedSum(**dict(row.items())) for row in await self._pool.fetch(query.text, *query.values)]
        return rows, await self.markets(row.market_id for row in rows)

    async def markets(self, market_ids: Iterable[int]) -> Markets:
        """Those that there are of some markets."""
        wanted = list(dict.fromkeys(market_id for market_id in market_ids if market_id))
        async with self._pool.acquire() as connection:
            found = await markets_of(connection, "id = ANY($1)", wanted) if wanted else []  # type: ignore[arg-type]  # a pool's does as well
        return {market.id: market for market in found}

    async def orders(
        self,
        *,
        customer_id: int | None = None,
        market_id: int | None = None,
        cursor: str | None = None,
        limit: int = DEFAULT_PAGE,
    ) -> tuple[list[ExchangeOrder], str | None]:
        """Orders, newest first, and the cursor to those after. Raises InvalidCursor."""
        query = Query(tables.EXCHANGE_ORDER.select).where("customer_id = {}", customer_id)
        query.where("market_id = {}", market_id)
        return await self._page(query, "exchange_orders", cursor, limit, order_row)

    async def trades(
        self,
        *,
        customer_id: int | None = None,
        market_id: int | None = None,
        cursor: str | None = None,
        limit: int = DEFAULT_PAGE,
    ) -> tuple[list[ExchangeTrade], str | None]:
        """Trades, newest first, and the cursor to those after. Raises InvalidCursor."""
        query = Query(tables.EXCHANGE_TRADE.select).where("market_id = {}", market_id)
        query.where("(back_customer_id = {0} OR lay_customer_id = {0})", customer_id)
        return await self._page(query, "exchange_trades", cursor, limit, lambda row: ExchangeTrade(*row))

    async def _page(
        self, query: Query, of: str, cursor: str | None, limit: int, shape: Callable[["Record"], Entry]
    ) -> tuple[list[Entry], str | None]:
        limit = max(1, min(limit, MAX_PAGE))
        query.where("id < {}", *cursors.before(cursor, of, width=1)).order("id DESC").limit(limit + 1)
        rows = [shape(row) for row in await self._pool.fetch(query.text, *query.values)]
        return rows[:limit], cursors.encode(of, rows[limit - 1].id) if len(rows) > limit else None


def _found(columns: str, wanted: Wanted) -> Query:
    query = Query(f"SELECT {columns} FROM ({SOURCES[wanted.ending]}) AS found{PLACED}")  # noqa: S608  # our words
    query.where("found.customer_id = {}", wanted.customer_id)
    for column, values in (
        ("found.market_id", wanted.market_ids),
        ("market.event_id", wanted.event_ids),
        ("competition.sport_id", wanted.sport_ids),
        ("found.id", wanted.order_ids),
        ("found.ref", wanted.refs),
        ("found.strategy", wanted.strategies),
    ):
        query.where(f"{column} = ANY({{}})", values)
    if wanted.runners is not None:
        named = list(zip(*map(msgspec.structs.astuple, wanted.runners), strict=True)) or [(), (), ()]
        query.where(NAMED, *named)
    query.where("found.side = {}", wanted.side)
    query.where("found.cleared_at_us >= {}", wanted.from_us)
    return query.where("found.cleared_at_us <= {}", wanted.until_us)


def _cleared(row: "Record") -> ClearedOrder:
    order = order_row(row[: len(tables.EXCHANGE_ORDER.columns)])
    return ClearedOrder(order, row["currency"], row["cleared_at_us"], row["cleared_minor"])
