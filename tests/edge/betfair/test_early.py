"""Whoever comes before a gateway has read what is on offer waits or is told so, and is never shown an empty house."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from betfairlightweight.exceptions import APIError
from tests.edge.betfair.conftest import wait_for
from tests.edge.betfair.house import Market, Trader, limit
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
    settings = msgspec.structs.replace(shop.settings, port=free_port(), stream_port=free_port())
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(gateway.run(settings, stop),), daemon=True)
    thread.start()
    wait_for(settings.port)
    yield Running(settings=settings, operator=shop.operator)
    held.set()
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
