"""Exchange markets on the match day, on the real engines: prices on both sides, a turn in play, trades, a result,
also of matches that ended while nobody traded."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.feeds.test_house import now_us, operator, until

from overround.apps.house import running_house
from overround.apps.settings import Settings
from overround.feeds.client import Door
from overround.feeds.maker import Exchange
from overround.feeds.matchday import House
from overround.feeds.simulator import MatchDay, Simulator
from overround.infra.ports import free_port

pytestmark = [pytest.mark.engines, pytest.mark.xdist_group("house")]

PLAN = MatchDay(
    seed=11,
    secret=b"the same traders",
    matches=2,
    ahead=2,
    match_s=6.0,
    first_kick_off_s=4.0,
    bettors=2,
    bets_per_s=1.0,
    punters=1,
    tickets_per_s=0.2,
    house=House(feed="simulator", suspension_us=400_000, delay_ms=200),
)


async def test_markets_of_the_match_day_are_offered_traded_and_settled(
    data_folder: Path, postgres_dsn: str, nats_url: str
) -> None:
    cell = f"maker{data_folder.name.replace('-', '')}"
    settings = Settings(data=data_folder, port=free_port(), database_url=postgres_dsn, nats_url=nats_url, cell=cell)
    async with running_house(settings) as endpoints, operator(endpoints) as door:
        reader = await trader(door)
        async with played_day(door, trades=True):
            offered = await until(lambda: priced(reader))
            played = await until(lambda: in_play(reader))
            closed = await until(lambda: settled(reader, played["marketId"]))
        left = [book["marketId"] for book in await everywhere(reader)]
        assert left
        async with played_day(door, trades=False):
            await until(lambda: all_over(door, reader, left))
        async with played_day(door, trades=True):
            await until(lambda: all_closed(reader, left))
    for runner in offered["runners"]:
        back, lay = (runner["ex"][side][0]["price"] for side in ("availableToBack", "availableToLay"))
        assert back < lay
    assert played["betDelay"] == 2
    assert sorted(runner["status"] for runner in closed["runners"]) == ["LOSER", "LOSER", "WINNER"]


@asynccontextmanager
async def played_day(door: Door, *, trades: bool) -> AsyncIterator[None]:
    """The match day goes on until the block ends, with or without those who trade on it."""
    stop = asyncio.Event()
    simulator = Simulator(operator=door, plan=PLAN, now_us=now_us, chance=random.Random(3))
    exchange = Exchange(operator=door, plan=PLAN, now_us=now_us, chance=random.Random(4), step_s=0.5)
    async with asyncio.TaskGroup() as playing:
        playing.create_task(simulator.run(stop))
        if trades:
            playing.create_task(exchange.run(stop))
        try:
            yield
        finally:
            stop.set()


async def all_closed(reader: Door, market_ids: list[str]) -> bool:
    return {book["status"] for book in await books(reader, market_ids)} == {"CLOSED"}


async def all_over(door: Door, reader: Door, market_ids: list[str]) -> bool:
    """Whether the matches of these markets have ended."""
    asked = {"filter": {"marketIds": market_ids}, "maxResults": 100, "marketProjection": ["EVENT"]}
    listed = await reader.call("betting", "listMarketCatalogue", **asked)
    events = [await door.get(f"/v1/events/{market['event']['id']}") for market in listed]
    return all(event["status"] == "ended" for event in events)


async def trader(door: Door) -> Door:
    """Somebody who only looks."""
    made = await door.post("/v1/operator/customers", {"currency": "EUR", "username": "looks-on", "password": "p" * 24})
    assert made["customer_id"]
    session = await door.to("").post("/v1/sessions", {"username": "looks-on", "password": "p" * 24})
    app = await door.trading(session["token"], app_key="").call("account", "createDeveloperAppKeys", appName="looks on")
    (key,) = [version["applicationKey"] for version in app["appVersions"] if not version["delayData"]]
    return door.trading(session["token"], app_key=key)


async def books(reader: Door, market_ids: list[str]) -> list[Any]:
    shown: list[Any] = await reader.call(
        "betting", "listMarketBook", marketIds=market_ids, priceProjection={"priceData": ["EX_BEST_OFFERS"]}
    )
    return shown


async def everywhere(reader: Door) -> list[Any]:
    found = await reader.call("betting", "listMarketCatalogue", filter={}, maxResults=100, marketProjection=[])
    return await books(reader, [market["marketId"] for market in found]) if found else []


async def priced(reader: Door) -> Any:
    """A market with something on both sides of all its runners."""
    sides = ("availableToBack", "availableToLay")
    return next(
        (
            book
            for book in await everywhere(reader)
            if all(runner.get("ex", {}).get(side) for runner in book["runners"] for side in sides)
        ),
        None,
    )


async def in_play(reader: Door) -> Any:
    """A market in play in which something was matched."""
    return next((book for book in await everywhere(reader) if book["inplay"] and book["totalMatched"]), None)


async def settled(reader: Door, market_id: str) -> Any:
    (book,) = await books(reader, [market_id])
    return book if book["status"] == "CLOSED" else None
