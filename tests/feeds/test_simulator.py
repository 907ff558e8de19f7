"""A match day to which nobody comes."""

import asyncio
import random
from typing import Any

import httpx
import pytest

from overround.feeds.client import Door
from overround.feeds.simulator import MatchDay, Simulator

NOW_US = 1_790_000_000_000_000


async def nobody_home(_scope: Any, _receive: Any, _send: Any) -> None:
    raise httpx.ConnectError("nobody is there")


@pytest.mark.parametrize("crowd", [{"bettors": 0, "punters": 0}, {"bets_per_s": 0.0, "tickets_per_s": 0.0}])
async def test_a_match_day_without_a_crowd_stops_when_it_is_told_to(crowd: dict[str, Any]) -> None:
    """It once began an empty crowd again and again, and let nothing else run."""
    transport = httpx.ASGITransport(app=nobody_home)
    http = httpx.AsyncClient(transport=transport, base_url="http://house")
    plan = MatchDay(seed=1, secret=b"nobody", **crowd)
    stop = asyncio.Event()
    async with Door(http, token="t", now_us=lambda: NOW_US, chance=random.Random(1), patience_s=0.0) as door:
        simulator = Simulator(operator=door, plan=plan, now_us=lambda: NOW_US, chance=random.Random(1))
        playing = asyncio.create_task(simulator.run(stop))
        for _ in range(10):
            await asyncio.sleep(0)
        stop.set()
        await asyncio.wait_for(playing, 5.0)
