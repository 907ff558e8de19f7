"""A gateway that is cut off says so, and never shows an old price as live; a book that is gone is no hung request."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from tests.edge.cable import cable_to
from tests.edge.conftest import make_market
from tests.edge.running import Api, Running, new_key, running, until
from tests.edge.test_stream import listening

from overround.apps.settings import Settings
from overround.book.machine import Done
from overround.book.machine.commands import Command, SetPrices
from overround.host import Desk
from overround.host.nats_bus import NatsBus
from overround.infra import nats as nats_server


@asynccontextmanager
async def desk_beside(settings: Settings) -> AsyncIterator[Desk]:
    """Another way to the book than through the gateway."""
    client = await nats_server.connect(settings.bus_url, name="beside")
    desk = Desk(NatsBus(client, cell=settings.cell))
    await desk.open()
    try:
        yield desk
    finally:
        await desk.close()
        await client.close()


async def done(desk: Desk, command: Command) -> Done:
    answer = await desk.ask(command, actor=-1, key=new_key())
    assert isinstance(answer, Done), answer
    return answer


async def offered(house: Running) -> dict[str, int]:
    operator = Api(house, house.operator)
    try:
        return await asyncio.to_thread(make_market, operator)
    finally:
        operator.close()


async def test_a_gateway_cut_off_from_nats_is_stale_and_catches_up_from_the_journal(
    postgres_dsn: str, nats_url: str
) -> None:
    async with (
        cable_to(nats_url) as (cable, other_end),
        running(postgres_dsn, nats_url, gateway_nats_url=other_end) as house,
        desk_beside(house.settings) as desk,
        httpx.AsyncClient(base_url=house.url) as http,
    ):
        market = await offered(house)
        path = f"/v1/markets/{market['market_id']}"
        async with listening(house) as listener:
            await listener.say("subscribe", markets=[market["market_id"]], conflate_ms=0)
            await listener.hear("image")
            assert "overround-stale" not in (await http.get(path)).headers
            cable.cut()
            await listener.hear("stale")
            assert (await http.get(path)).headers["overround-stale"] == "true"
            assert (await http.get("/health/ready")).json()["waiting_for"] == "nats"
            changed = await done(desk, SetPrices(market["market_id"], ((1, 2_222),)))
            await cable.mend()
            delta = await listener.hear("delta")
            assert (delta["seq"], delta["prices"]) == (changed.seq, [[1, 2_222]])
            live = await listener.hear("live")
            assert live["seq"] >= changed.seq
            reply = await http.get(path)
            assert "overround-stale" not in reply.headers
            assert reply.json()["selections"][0]["price_milli"] == 2_222
            told = [message["op"] for message in listener.seen if message["op"] != "heartbeat"]
            assert told == ["subscribed", "image", "stale", "delta", "live"]
            await until(lambda: _ready(http))


async def _ready(http: httpx.AsyncClient) -> bool:
    return (await http.get("/health/ready")).status_code == httpx.codes.OK


async def test_a_request_without_an_answer_ends_with_outcome_unknown_and_its_key_tells_the_truth(
    postgres_dsn: str, nats_url: str
) -> None:
    async with (
        cable_to(nats_url) as (cable, other_end),
        running(postgres_dsn, nats_url, gateway_nats_url=other_end) as house,
        httpx.AsyncClient(
            base_url=house.url, headers={"authorization": f"Bearer {house.operator}"}, timeout=60
        ) as http,
    ):
        key = new_key()
        cable.cut()
        began = time.monotonic()
        lost = await http.post("/v1/operator/sports", json={"name": "Darts"}, headers={"idempotency-key": key})
        assert (lost.status_code, lost.json()["code"]) == (503, "outcome_unknown")
        assert lost.headers["retry-after"] == "1"
        assert time.monotonic() - began < 30
        await cable.mend()
        await until(lambda: _ready(http))
        answered = await http.post("/v1/operator/sports", json={"name": "Darts"}, headers={"idempotency-key": key})
        assert answered.status_code == 201
        sports = await http.get("/v1/sports", params={"min_seq": answered.json()["seq"]})
        assert sports.json()["items"] == [{"sport_id": 1, "name": "Darts"}]


def small_socket(house: Running) -> socket.socket:
    """A connection that holds little of what its reader does not read."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    made.connect(("127.0.0.1", house.settings.port))
    return made


async def test_a_client_that_does_not_read_gets_the_newest_state_and_not_the_whole_past(
    postgres_dsn: str, nats_url: str
) -> None:
    changes, runners = 600, 1_000
    async with running(postgres_dsn, nats_url) as house, desk_beside(house.settings) as desk:
        operator = Api(house, house.operator)
        names = [f"Runner {number}" for number in range(runners)]
        market = await asyncio.to_thread(make_market, operator, type="winner", selections=names, prices_milli=[])
        operator.close()
        async with listening(house) as reader, listening(house, sock=small_socket(house), max_queue=1) as lazy:
            for listener in (reader, lazy):
                await listener.say("subscribe", markets=[market["market_id"]], conflate_ms=0)
            await reader.hear("image")
            seq = 0
            for price in range(2_001, 2_001 + changes):
                pairs = tuple((selection, price) for selection in range(1, runners + 1))
                seq = (await done(desk, SetPrices(market["market_id"], pairs))).seq
                await reader.hear("delta", seq=seq)
            heard = 0
            while (await lazy.hear_any())["seq"] < seq:
                heard += 1
            assert heard < changes
            assert price_in(lazy.seen[-1]) == 2_000 + changes


def price_in(message: dict[str, Any]) -> int:
    """The first selection's price in an image or a delta."""
    if message["op"] == "image":
        return int(message["market"]["selections"][0]["price_milli"])
    return int(message["prices"][0][1])
