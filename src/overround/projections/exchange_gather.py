"""Which rows of the exchange a batch of facts reads, and reading them."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
from asyncpg import Connection, Record

from overround.book.exchange import (
    BetDelayChanged,
    Cut,
    ExchangeMarket,
    ExchangeMarketCreated,
    ExchangeMarketOpened,
    ExchangeMarketRescheduled,
    ExchangeMarketSuspended,
    ExchangeResult,
    ExchangeResultRecorded,
    ExchangeSettled,
    HeartbeatMissed,
    MarketTerms,
    OrdersActivated,
    OrdersCancelled,
    OrdersPlaced,
    OrdersReplaced,
    OrdersUpdated,
    Runner,
    RunnerReinstated,
    RunnerRemoved,
    RunnerStatus,
    StartReconciled,
    Status,
    TurnedInPlay,
)
from overround.book.matching import Trade
from overround.projections import tables
from overround.projections.changes import Known
from overround.projections.exchange_rows import ExchangeTrade, order_row

terms_of = msgspec.json.Decoder(MarketTerms).decode
result_of = msgspec.json.Decoder(ExchangeResult).decode
residues_of = msgspec.json.Decoder(dict[str, int]).decode


class ExchangeNeeds(msgspec.Struct):
    """Keys of rows. `events` are those of which every market that is not closed is read, and `everywhere` says that
    all of these are; `starts` are markets of which every order for the starting price is; `placed` the orders that the
    batch makes itself."""

    events: set[int] = set()
    everywhere: bool = False
    markets: set[int] = set()
    orders: set[int] = set()
    starts: set[int] = set()
    trades: set[int] = set()
    placed: set[int] = set()


def need_exchange(needs: ExchangeNeeds, fact: object) -> bool:
    """Note what a fact needs. False where it is none of those with needs here."""
    need = NEEDS.get(type(fact))
    if need is not None:
        need(needs, fact)
    return need is not None


def _cuts(needs: ExchangeNeeds, cuts: Iterable[Cut]) -> None:
    needs.orders.update(cut.order for cut in cuts)


def _trades(needs: ExchangeNeeds, trades: Iterable[Trade]) -> None:
    for made in trades:
        needs.orders.add(made.back)
        needs.orders.add(made.lay)


def _placed(needs: ExchangeNeeds, fact: OrdersPlaced | OrdersReplaced) -> None:
    needs.placed.update(order.id for order in fact.orders)
    _trades(needs, fact.trades)


def _replaced(needs: ExchangeNeeds, fact: OrdersReplaced) -> None:
    _cuts(needs, fact.cuts)
    _cuts(needs, fact.grown)
    _placed(needs, fact)


def _activated(needs: ExchangeNeeds, fact: OrdersActivated) -> None:
    needs.orders.update(fact.orders)
    _cuts(needs, fact.lapsed)
    _trades(needs, fact.trades)


def _cancelled(needs: ExchangeNeeds, fact: OrdersCancelled | HeartbeatMissed) -> None:
    _cuts(needs, fact.cuts)


def _updated(needs: ExchangeNeeds, fact: OrdersUpdated) -> None:
    needs.orders.update(number for number, _ in fact.updates)


def _market(
    needs: ExchangeNeeds,
    fact: ExchangeMarketCreated | ExchangeMarketOpened | BetDelayChanged | RunnerReinstated | ExchangeSettled,
) -> None:
    needs.markets.add(fact.market_id)


def _lapsed(
    needs: ExchangeNeeds, fact: ExchangeMarketSuspended | TurnedInPlay | RunnerRemoved | ExchangeResultRecorded
) -> None:
    needs.markets.add(fact.market_id)
    _cuts(needs, fact.lapsed)


def _reconciled(needs: ExchangeNeeds, fact: StartReconciled) -> None:
    needs.markets.add(fact.market_id)
    needs.starts.add(fact.market_id)
    needs.orders.update(fact.converted)
    _cuts(needs, fact.lapsed)
    _trades(needs, fact.trades)


def _removed(needs: ExchangeNeeds, fact: RunnerRemoved) -> None:
    _lapsed(needs, fact)
    needs.trades.update(fact.voided)
    needs.trades.update(number for number, _ in fact.reduced)


NEEDS: Final[dict[type, Callable[[ExchangeNeeds, Any], None]]] = {
    OrdersPlaced: _placed,
    OrdersReplaced: _replaced,
    OrdersActivated: _activated,
    OrdersCancelled: _cancelled,
    HeartbeatMissed: _cancelled,
    OrdersUpdated: _updated,
    ExchangeMarketCreated: _market,
    ExchangeMarketOpened: _market,
    BetDelayChanged: _market,
    ExchangeMarketRescheduled: _market,
    ExchangeSettled: _market,
    ExchangeMarketSuspended: _lapsed,
    TurnedInPlay: _lapsed,
    ExchangeResultRecorded: _lapsed,
    RunnerRemoved: _removed,
    RunnerReinstated: _market,
    StartReconciled: _reconciled,
}


async def load_exchange(connection: Connection, needs: ExchangeNeeds, known: Known) -> None:
    """Read what is needed and is there, but for orders that are known already."""
    markets = await markets_of(connection, "id = ANY($1)", list(needs.markets)) if needs.markets else []
    if needs.events:
        markets += await markets_of(connection, "status <> 'closed' AND event_id = ANY($1)", list(needs.events))
    known.exchange |= {market.id: market for market in markets}
    if needs.trades:
        await _load_trades(connection, needs, known)
    if needs.starts:
        await _load_orders(
            connection, known, "market_id = ANY($1) AND type <> 'limit' AND status = 'executable'", needs.starts
        )
    needs.orders -= needs.placed
    needs.orders -= known.orders.keys()
    needs.orders.discard(0)
    if needs.orders:
        await _load_orders(connection, known, "id = ANY($1)", needs.orders)


async def events_of_open(connection: Connection) -> list[int]:
    """The events with markets that are not closed."""
    rows = await connection.fetch("SELECT DISTINCT event_id FROM read.exchange_market WHERE status <> 'closed'")
    return [row["event_id"] for row in rows]


async def _load_trades(connection: Connection, needs: ExchangeNeeds, known: Known) -> None:
    rows = await connection.fetch(tables.EXCHANGE_TRADE.select + " WHERE id = ANY($1)", list(needs.trades))
    for row in rows:
        made = known.trades[row["id"]] = ExchangeTrade(*row)
        needs.orders.add(made.back)
        needs.orders.add(made.lay)


async def _load_orders(connection: Connection, known: Known, which: str, wanted: set[int]) -> None:
    """What is known already is newer than the tables say, or the same."""
    for row in await connection.fetch(f"{tables.EXCHANGE_ORDER.select} WHERE {which}", list(wanted)):
        known.orders.setdefault(row["id"], order_row(row))


async def markets_of(connection: Connection, which: str, wanted: list[int]) -> list[ExchangeMarket]:
    """Markets with their runners, without positions and trades."""
    rows = await connection.fetch(f"{tables.EXCHANGE_MARKET.select} WHERE {which} ORDER BY id", wanted)
    markets = {row["id"]: _market_of(row) for row in rows}
    runners = await connection.fetch(
        tables.EXCHANGE_RUNNER.select + " WHERE market_id = ANY($1) ORDER BY market_id, n", list(markets)
    )
    for market_id, _, selection_id, name, handicap, factor_bp, status, removed_at_us, sp_milli in runners:
        runner = Runner(selection_id, name, handicap, factor_bp, RunnerStatus(status), removed_at_us, sp_milli)
        markets[market_id].runners.append(runner)
    return list(markets.values())


def _market_of(row: Record) -> ExchangeMarket:
    return ExchangeMarket(
        id=row["id"],
        event_id=row["event_id"],
        terms=terms_of(row["terms"]),
        runners=[],
        bet_delay_us=row["bet_delay_us"],
        passive=row["passive"],
        status=Status(row["status"]),
        in_play=row["in_play"],
        reconciled=row["reconciled"],
        version=row["version"],
        created_at_us=row["created_at_us"],
        settled_at_us=row["settled_at_us"],
        revision=row["revision"],
        result=result_of(row["result"]) if row["result"] is not None else None,
        residues=residues_of(row["residues"]),
    )
