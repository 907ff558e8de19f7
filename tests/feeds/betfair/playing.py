"""A player on a running house, and clients that watch it."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
from tests.edge.running import Running, until

from overround.feeds.betfair.comparing import Observer, credentials, observer
from overround.feeds.betfair.example import race
from overround.feeds.betfair.player import Player
from overround.feeds.betfair.recorder import Recorder, open_out
from overround.feeds.betfair.scanning import Pace
from overround.feeds.client import Door, open_door
from overround.host.desk import Desk
from overround.host.nats_bus import NatsBus
from overround.infra import nats


class Studio(msgspec.Struct, frozen=True, kw_only=True):
    """A house's doors, open."""

    house: Running
    operator: Door
    desk: Desk
    http: httpx.AsyncClient

    def player(self, **more: Any) -> Player:
        return Player(
            desk=self.desk,
            operator=self.operator,
            actor=-1,
            now_us=_now_us,
            chance=random.Random(),
            **{"pace": Pace(speed=0.0), "currency": "GBP", **more},
        )

    async def observer(self) -> Observer:
        return await observer(self.operator, self.http)

    async def recorder(self, markets: list[str], path: Path) -> Recorder:
        session, app_key = await credentials(self.operator, self.http)
        return Recorder(
            host="127.0.0.1",
            port=self.house.settings.stream_port or 0,
            session=session,
            app_key=app_key,
            markets=markets,
            out=open_out(path),
        )


def _now_us() -> int:
    return time.time_ns() // 1_000


@asynccontextmanager
async def studio(house: Running) -> AsyncIterator[Studio]:
    client = await nats.connect(house.settings.bus_url, name="replay", tls=None)
    desk = Desk(NatsBus(client, cell=house.settings.cell))
    await desk.open()
    operator = open_door(house.url, token=house.operator, now_us=_now_us, chance=random.Random())
    http = httpx.AsyncClient(base_url=house.url, timeout=15.0)
    try:
        async with operator, http:
            yield Studio(house=house, operator=operator, desk=desk, http=http)
    finally:
        await desk.close()
        await client.close()


def example(path: Path, *, seconds: int, seed: int = 1) -> Path:
    """A made-up race of that length that starts soon."""
    path.write_bytes(b"".join(race(seed=seed, seconds=seconds, starts_at_ms=time.time_ns() // 1_000_000)))
    return path


async def beside(recorder: Recorder, work: Any) -> None:
    """Record until the markets are closed, while something else happens."""
    recording = asyncio.create_task(recorder.run(asyncio.Event()))
    await until(lambda: recorder.written.messages)
    await work
    await asyncio.wait_for(recording, 30.0)
    recorder._out.close()
