"""Exchange markets on the stand, and the people who trade on them through the dialect."""

import time
from typing import Final

from bench.stage import Failed
from bench.stand import Stand
from bench.traders import RUNNERS
from bench.wagers import CURRENCY
from overround import identity, journal
from overround.book.exchange import MarketTerms, Minimums, RunnerTerms
from overround.book.machine.exchange_commands import CreateExchangeMarket, OpenExchangeMarket, SetMinimums

ORDERS: Final = (
    "SELECT coalesce(sum(jsonb_array_length(body::jsonb->'orders')), 0)::bigint FROM journal.event"
    " WHERE kind = 'orders_placed' AND seq > $1"
)


async def open_floor(stand: Stand, *, markets: int) -> tuple[str, ...]:
    """Open a market on each of the first events; their ids."""
    runners = tuple(RunnerTerms(number + 1, f"Runner {number + 1}") for number in range(RUNNERS))
    await stand.ask(SetMinimums(CURRENCY, Minimums(1, 0, 1, 1)))
    for market_id in range(1, markets + 1):
        await stand.ask(CreateExchangeMarket(market_id, MarketTerms("Win", currency=CURRENCY), runners))
        await stand.ask(OpenExchangeMarket(market_id))
    return tuple(f"1.{market_id}" for market_id in range(1, markets + 1))


async def sessions(stand: Stand) -> tuple[tuple[str, str], ...]:
    """An application key and a token for each customer that has one."""
    connection = await journal.connect(stand.dsn)
    try:
        keys = [
            await identity.make_app_keys(connection, customer_id=number, name="bench", now_us=time.time_ns() // 1_000)
            for number in range(1, len(stand.tokens) + 1)
        ]
    finally:
        await connection.close()
    return tuple((made.live, token) for made, token in zip(keys, stand.tokens, strict=True))


async def prove(stand: Stand, *, after: int, taken: int) -> str:
    """Raises Failed unless the journal has as many orders as were acknowledged."""
    connection = await journal.connect(stand.dsn)
    try:
        placed: int = await connection.fetchval(ORDERS, after)
    finally:
        await connection.close()
    if placed != taken:
        raise Failed(f"{taken} orders were acknowledged, the journal has {placed}")
    return f"{taken:,} orders acknowledged, all in the journal"
