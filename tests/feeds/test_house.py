"""A whole house on the real engines: seasons replayed and counted again, and a short simulated match day."""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from overround.apps import replay as replay_command
from overround.apps.house import Endpoints, running_house
from overround.apps.replay import read_files
from overround.apps.settings import Settings
from overround.feeds.client import Door, open_door
from overround.feeds.matchday import House
from overround.feeds.replay import CURRENCY, Replay
from overround.feeds.replay_report import Report, make_report
from overround.feeds.simulator import COMPETITION, MatchDay, Simulator
from overround.host.builders import BuilderOffered, BuilderWanted
from overround.infra.ports import free_port
from overround.trading import Shade, overround

pytestmark = [pytest.mark.engines, pytest.mark.xdist_group("house")]

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("OVERROUND_SHARED_DATA") or ROOT.parent / "shared" / "data")
SEASONS = SHARED / "football" / "odds_mit"

PATIENCE_S = 120.0
LOGIN = {"username": "one-sided", "password": "everything-on-home"}


@pytest.fixture
def settings(data_folder: Path, postgres_dsn: str, nats_url: str) -> Settings:
    cell = f"feeds{data_folder.name.replace('-', '')}"
    return Settings(data=data_folder, port=free_port(), database_url=postgres_dsn, nats_url=nats_url, cell=cell)


def now_us() -> int:
    return time.time_ns() // 1_000


def operator(endpoints: Endpoints) -> Door:
    return open_door(endpoints.http, token=endpoints.operator_token, now_us=now_us, chance=random.SystemRandom())


async def replayed(endpoints: Endpoints, *files: Path, bettors: int, bookmaker: str = "B365") -> Report:
    matches, notes = read_files(files, bookmaker=bookmaker, limit=None)
    async with operator(endpoints) as door:
        played = await Replay(operator=door, chance=random.Random(5)).play(matches, bettors=bettors)
    return make_report(
        played,
        paths=files,
        matches=matches,
        notes=notes,
        bookmaker=bookmaker,
        seed=5,
        currency=CURRENCY,
    )


HEADER = (
    "Div,Date,Time,HomeTeam,AwayTeam,FTHG,FTAG,B365H,B365D,B365A,B365>2.5,B365<2.5,AHh,B365AHH,B365AHA,"
    "B365CH,B365CD,B365CA,AHCh,B365CAHH,B365CAHA"
)
ODD_SEASON = f"""{HEADER}
X1,01/02/2020,15:00,Moved,Line,1,0,2.1,3.4,3.6,1.95,1.9,-0.75,2.02,1.88,2.05,3.4,3.75,-0.25,1.87,2.03
X1,01/02/2020,15:00,Half,Lost,0,0,1.5,4.2,7,1.8,2,-0.25,1.925,1.985,1.51,4.1,6.9,-0.25,1.9,2
X1,02/02/20,,Push,Málaga,2,1,1.3,5.5,11,1.61,2.3,-1,1.855,2.055,,,,-1,1.86,2.04
X1,02/02/20,12:30,No,Closing,4,4,3.1,3.3,2.4,,,0,2.1,1.8,,,,,,
X1,03/02/2020,20:00,Only,Closing,0,3,,,,,,,,,6,4,1.571,1.25,1.9,2
X1,04/02/2020,20:00,Not,Played,,,2,3,4
,,,,,,,,,,,,,,,,,,,,
"""


async def test_an_odd_season_is_paid_to_the_penny(settings: Settings, tmp_path: Path) -> None:
    """Quarter lines won and lost by half, pushes, a line that moved, gaps: everything that a file may bring."""
    file = tmp_path / "odd.csv"
    file.write_text(ODD_SEASON, encoding="latin-1")
    async with running_house(settings) as endpoints:
        report = await replayed(endpoints, file, bettors=60)
    assert report.first_differences == ()
    assert report.is_clean
    assert (report.matches, report.accounts) == (5, 60)
    assert report.recounted_bets == report.bets > 50
    assert report.slips > 0
    assert [line.kind for line in report.hold] == ["1x2", "total", "asian_handicap", "all"]
    assert report.notes["asian_handicap: no opening odds"] == 1
    assert report.notes["matches without a result, left out"] == 1


@pytest.mark.skipif(not SEASONS.is_dir(), reason=f"no recorded seasons in {SEASONS}")
async def test_two_real_seasons_replay_clean(settings: Settings) -> None:
    files = sorted(SEASONS.glob("*.csv"))
    async with running_house(settings) as endpoints:
        report = await replayed(endpoints, *files, bettors=12, bookmaker="PS")
    assert report.is_clean
    assert report.matches == 932
    assert all(abs(line.errors_apart) < 5 for line in report.hold)


@pytest.mark.parametrize(
    "content", [b"", b"not,a\nseason,\n", b"\x00\x01\x02", ODD_SEASON.encode().replace(b",1,0,", b",1,x,", 1)]
)
def test_a_file_that_is_none_is_one_line_and_starts_nothing(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.csv"
    file.write_bytes(content)
    outcome = CliRunner().invoke(replay_command.command, ["football", str(file)])
    assert outcome.exit_code == 2
    assert "bad.csv" in outcome.output
    assert "Traceback" not in outcome.output


# ------------------------------------------------------------------ the match day

EXCHANGE_TRADERS = 2
"""The maker of the exchange markets, and who trades with it."""

QUICK = MatchDay(
    seed=11,
    secret=b"the same bettors",
    matches=3,
    ahead=2,
    match_s=6.0,
    first_kick_off_s=2.0,
    refresh_s=0.25,
    bettors=10,
    bets_per_s=40.0,
    house=House(feed="simulator", suspension_us=400_000, delay_ms=200),
)


async def until(question: Callable[[], Awaitable[Any]]) -> Any:
    """The first true answer."""
    deadline = time.monotonic() + PATIENCE_S
    while not (answer := await question()):
        assert time.monotonic() < deadline, "it never came"
        await asyncio.sleep(0.2)
    return answer


async def play_until(door: Door, question: Callable[[], Awaitable[Any]]) -> Any:
    """A feed, from its start to its stop."""
    stop = asyncio.Event()
    simulator = Simulator(operator=door, plan=QUICK, now_us=now_us, chance=random.Random(3))
    playing = asyncio.create_task(simulator.run(stop))
    try:
        return await until(question)
    finally:
        stop.set()
        await playing


async def test_a_match_day_goes_on_after_a_restart(settings: Settings) -> None:
    async with running_house(settings) as endpoints, operator(endpoints) as door:

        async def settled() -> list[Any]:
            bets = await door.get("/v1/operator/bets", status="settled", limit=50)
            return [bet for bet in bets["items"] if bet["outcome"] == "won"]

        won = await play_until(door, settled)
        assert all(bet["payout_minor"] > bet["stake_minor"] for bet in won)
        customers = len(await door.each("/v1/operator/customers", limit=200))

        pending = await events(door, "in_play")

        async def over() -> bool:
            return {event["event_id"] for event in pending} <= {
                event["event_id"] for event in await events(door, "ended")
            }

        await play_until(door, over)
        # They come a few at a time, so that some may be new on the second evening; nobody comes twice.
        everybody = QUICK.bettors + QUICK.punters + EXCHANGE_TRADERS
        assert customers <= len(await door.each("/v1/operator/customers", limit=200)) <= everybody
        for event in pending:
            whole = await door.get(f"/v1/events/{event['event_id']}")
            assert {market["status"] for market in whole["markets"]} == {"resulted"}


async def test_slips_are_written_settled_and_referred(settings: Settings) -> None:
    """Doubles and systems on the match day, a trader at the desk, and bet builders from the match's own table."""
    busy = msgspec.structs.replace(QUICK, tickets_per_s=30.0, punters=4)
    async with running_house(settings) as endpoints, operator(endpoints) as door:
        stop = asyncio.Event()
        simulator = Simulator(operator=door, plan=busy, now_us=now_us, chance=random.Random(3))
        playing = asyncio.create_task(simulator.run(stop))
        try:
            builder = await until(lambda: priced(door, simulator))
            decided = await until(lambda: referrals(door, "accepted"))
            slips = await until(lambda: settled_slips(door))
        finally:
            stop.set()
            await playing
        assert builder.price_milli > 1_000
        assert decided[0]["code"] == "stake_limit"
        assert all(bet["why"]["rule"] for bet in slips)
        made = await door.post("/v1/operator/customers", {"currency": CURRENCY})
        nobodys = await door.post(f"/v1/operator/customers/{made['customer_id']}/tokens", {"name": "late"})
        leg = {"builder_id": builder.builder_id, "price_milli": builder.price_milli}
        asked = {"currency": CURRENCY, "bets": [{"legs": [leg], "stake_minor": 100}]}
        seen = await door.to(nobodys["token"]).post("/v1/tickets/preview", asked)
        assert seen["code"] != "builder_not_found"


async def priced(door: Door, simulator: Simulator) -> BuilderOffered | None:
    """A builder of the home side and both teams to score, on a match before its kick-off."""
    for event in await events(door, "scheduled"):
        markets = {
            market["type"]: market["market_id"]
            for market in (await door.get(f"/v1/events/{event['event_id']}"))["markets"]
            if market["available"]
        }
        if {"1x2", "both_teams_to_score"} <= markets.keys():
            parts = tuple(sorted((markets[kind], 1) for kind in ("1x2", "both_teams_to_score")))
            offered = await simulator.offer_builder(BuilderWanted(event_id=event["event_id"], parts=parts))
            if offered.builder_id:
                return offered
    return None


async def referrals(door: Door, status: str) -> list[Any]:
    page = await door.get("/v1/operator/referrals", waiting="false", limit=100)
    return [item for item in page["items"] if item["status"] == status]


async def settled_slips(door: Door) -> list[Any]:
    page = await door.get("/v1/operator/bets", status="settled", limit=200)
    slips = [bet for bet in page["items"] if bet["slip"] is not None]
    return slips if any(bet["slip"]["lines"] > 1 for bet in slips) else []


async def events(door: Door, status: str) -> list[Any]:
    competitions = await door.each("/v1/competitions")
    ours = next((each["competition_id"] for each in competitions if each["name"] == COMPETITION), 0)
    return [] if not ours else await door.each("/v1/events", competition_id=ours, status=status, limit=200)


async def test_the_desks_margin_is_in_the_prices_of_a_match_day(settings: Settings) -> None:
    """Set for the competition, and taken away again: the usual margin of the market's kind is back."""
    slow: dict[str, Any] = {"bettors": 0, "punters": 0, "match_s": 3_600.0, "first_kick_off_s": 600.0}
    async with running_house(settings) as endpoints, operator(endpoints) as door:
        stop = asyncio.Event()
        plan = msgspec.structs.replace(QUICK, **slow)
        simulator = Simulator(operator=door, plan=plan, now_us=now_us, chance=random.Random(3))
        playing = asyncio.create_task(simulator.run(stop))

        async def within(least: float, most: float) -> bool:
            coming = await events(door, "scheduled")
            shown = await door.get(f"/v1/events/{coming[0]['event_id']}") if coming else {"markets": []}
            prices = [[each["price_milli"] for each in market["selections"]] for market in shown["markets"][:1]]
            return bool(prices) and least <= overround(prices[0]) < most

        try:
            await until(partial(within, 0.055, 0.09))
            (event, *_) = await events(door, "scheduled")
            level = {"level": "competition", "id": event["competition_id"]}
            await door.put("/v1/operator/margins", {**level, "margin_bps": 2_000})
            await until(partial(within, 0.2, 0.24))
            await door.put("/v1/operator/margins", {**level, "margin_bps": None})
            await until(partial(within, 0.055, 0.09))
        finally:
            stop.set()
            await playing


async def test_one_sided_money_moves_the_prices_of_a_match_day(settings: Settings) -> None:
    """Everybody backs home in one match: the feed sees it on the field sheet, and home gets shorter than it was."""
    house = House(feed="simulator", shade=Shade(elasticity=0.3, scale_minor=10_000))
    slow: dict[str, Any] = {"bettors": 1, "bets_per_s": 0.001, "match_s": 3_600.0, "first_kick_off_s": 600.0}
    plan = msgspec.structs.replace(QUICK, house=house, **slow)
    async with running_house(settings) as endpoints, operator(endpoints) as door:
        stop = asyncio.Event()
        simulator = Simulator(operator=door, plan=plan, now_us=now_us, chance=random.Random(3))
        playing = asyncio.create_task(simulator.run(stop))

        async def offered() -> Any:
            coming = await events(door, "scheduled")
            shown = await door.get(f"/v1/events/{coming[0]['event_id']}") if coming else {"markets": []}
            return next((market for market in shown["markets"] if market["available"]), None)

        try:
            market = await until(offered)
            before = [selection["price_milli"] for selection in market["selections"]]
            customer = await door.post("/v1/operator/customers", {"currency": "EUR", **LOGIN})
            await door.post(
                f"/v1/operator/customers/{customer['customer_id']}/funds",
                {"currency": "EUR", "amount_minor": 100_000, "note": "test"},
            )
            session = await door.to("").post("/v1/sessions", LOGIN)
            bet = {
                "market_id": market["market_id"],
                "selection_id": 1,
                "stake_minor": 20_000,
                "currency": "EUR",
                "price_milli": before[0],
                "odds_change": "any",
            }
            await door.to(session["token"]).post("/v1/bets", bet)

            async def moved() -> bool:
                now = await door.get(f"/v1/markets/{market['market_id']}")
                home, draw, away = (selection["price_milli"] for selection in now["selections"])
                return bool(home < 0.9 * before[0] and draw > before[1] and away > before[2])

            assert market["type"] == "1x2"
            assert await until(moved)
        finally:
            stop.set()
            await playing
