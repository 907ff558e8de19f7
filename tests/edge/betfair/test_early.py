"""Whoever comes before a gateway has read what is on offer waits or is told so, and is never shown an empty house."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import msgspec
import pytest
from betfairlightweight.exceptions import APIError
from tests.edge.betfair.conftest import wait_for
from tests.edge.betfair.house import Market, Trader, limit
from tests.edge.betfair.raw import Raw
from tests.edge.betfair.wire import Line, markets
from tests.edge.running import PATIENCE_S, Running

from overround.apps import gateway
from overround.edge.live import Live
from overround.infra.ports import free_port

Make = Callable[..., Any]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Until it is set, gateways that start have not read the house."""
    go_on, build = threading.Event(), Live.build

    async def later(live: Live) -> None:
        while not go_on.is_set():  # noqa: ASYNC110  # it is set in another thread
            await asyncio.sleep(0.01)
        await build(live)

    monkeypatch.setattr(Live, "build", later)
    return go_on


@pytest.fixture
def early(shop: Running, held: threading.Event) -> Iterator[Running]:
    """A second gateway of the house, which has just started."""
    with another_gateway(shop) as running:
        yield running
        held.set()


@contextmanager
def another_gateway(shop: Running) -> Iterator[Running]:
    settings = msgspec.structs.replace(shop.settings, port=free_port(), stream_port=free_port())
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(gateway.run(settings, stop),), daemon=True)
    thread.start()
    wait_for(settings.port)
    yield Running(settings=settings, operator=shop.operator)
    loop.call_soon_threadsafe(stop.set)
    thread.join(PATIENCE_S)
    loop.close()


def test_an_early_client_is_told_to_wait_and_then_hears_everything(
    early: Running, held: threading.Event, trader: Trader, new_trader: Make, market: Market
) -> None:
    here = msgspec.structs.replace(trader, house=early)
    client = here.client()
    for ask in (client.betting.list_event_types, client.account.get_account_funds, client.scores.list_race_details):
        with pytest.raises(APIError, match="SERVICE_BUSY"):
            ask()
    threading.Timer(0.3, held.set).start()
    line = Line(early)  # its handshake waits until there is something to show
    assert line.read()["op"] == "connection"
    line.ask("authentication", appKey=trader.live_key, session=trader.token)
    line.ask("marketSubscription", **markets(market.id))
    image = line.until(lambda message: message.get("ct") == "SUB_IMAGE")
    assert [change["id"] for change in image["mc"]] == [market.id]
    new_trader().client().betting.place_orders(market.id, [limit(market.selections[0], "BACK", 3.0, 5.0)])
    assert line.change("mcm")["mc"][0]["rc"][0]["atl"] == [[3.0, 5.0]]
    line.close()
    assert here.client().betting.list_market_book([market.id])[0].market_id == market.id


def test_a_heartbeat_that_was_missed_is_told_by_a_gateway_that_started_since(
    shop: Running, new_trader: Make, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And by none that starts after the next was heard."""
    for room in ("overround.edge.betfair.placing", "overround.book.machine.exchange_markets"):
        monkeypatch.setattr(f"{room}.MIN_HEARTBEAT_US", 1_000_000)
    trader = new_trader()
    there = Raw(trader)
    assert beat(there, 1) == "NONE"
    there.call("placeOrders", marketId=market.id, instructions=[limit(market.selections[0], "BACK", 3.0, 5.0)])
    until_cancelled(there)
    for told in ("ALL_BETS_CANCELLED", "NONE"):
        with another_gateway(shop) as here:
            raw = Raw(msgspec.structs.replace(trader, house=here))
            until_ready(raw)
            assert beat(raw, 60) == told


def test_a_missed_heartbeat_is_told_once_by_several_gateways(
    shop: Running, new_trader: Make, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever is asked first; and the book decided it once."""
    for room in ("overround.edge.betfair.placing", "overround.book.machine.exchange_markets"):
        monkeypatch.setattr(f"{room}.MIN_HEARTBEAT_US", 1_000_000)
    trader = new_trader()
    with another_gateway(shop) as other:
        here, there = Raw(trader), Raw(msgspec.structs.replace(trader, house=other))
        until_ready(there)
        for first, second in ((here, there), (there, here)):
            first.call("placeOrders", marketId=market.id, instructions=[limit(market.selections[0], "BACK", 3.0, 5.0)])
            assert beat(first, 1) == "NONE"
            until_cancelled(second)
            assert [beat(raw, 0) for raw in (first, second, first, second)] == ["ALL_BETS_CANCELLED", *3 * ["NONE"]]
    assert asyncio.run(missed_in_the_journal(shop, trader)) == 2


def until_cancelled(raw: Raw) -> None:
    due = time.monotonic() + PATIENCE_S
    while raw.call("listCurrentOrders", orderProjection="EXECUTABLE")["result"]["currentOrders"]:
        assert time.monotonic() < due, "never cancelled"
        time.sleep(0.05)


def until_ready(raw: Raw) -> None:
    due = time.monotonic() + PATIENCE_S
    while "error" in raw.call("listEventTypes", filter={}):
        assert time.monotonic() < due, "never ready"


async def missed_in_the_journal(shop: Running, trader: Trader) -> Any:
    connection = await asyncpg.connect(shop.settings.dsn)
    try:
        return await connection.fetchval(
            "SELECT count(*) FROM journal.event WHERE kind = 'heartbeat_missed' AND body::jsonb->>'customer_id' = $1",
            str(trader.customer_id),
        )
    finally:
        await connection.close()


def beat(raw: Raw, seconds: int) -> Any:
    asked: dict[str, Any] = {"preferredTimeoutSeconds": seconds}
    return raw.call("heartbeat", service="heartbeat", **asked)["result"]["actionPerformed"]
