"""A real house fed by The Odds API's shape over HTTP and by recorded messages, and the commands that do it."""

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from tests.feeds.test_odds_api import event, h2h, market

from overround.apps import feeding
from overround.apps.cli import cli
from overround.apps.house import Endpoints, running_house
from overround.apps.settings import Settings
from overround.feeds import odds_api
from overround.feeds.bindings import Bindings
from overround.feeds.client import Door, open_door
from overround.feeds.odds_api_poll import Asked, Plan, Poller, Source
from overround.feeds.planning import House
from overround.feeds.steward import Steward
from overround.infra.ports import free_port

PATIENCE_S = 60.0
SPORT = "soccer_epl"


def now_us() -> int:
    return time.time_ns() // 1_000


def iso(from_now_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + from_now_s))


class Shop:
    """The provider's HTTP side: what it answers, and what it was asked."""

    def __init__(self) -> None:
        self.odds: list[Any] = []
        self.scores: list[Any] = []
        self.status = 200
        self.remaining = 100
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.url.path == "/v4/sports":
            return httpx.Response(200, json=[], headers={"x-requests-remaining": str(self.remaining)})
        self.remaining -= 1
        body = json.dumps(self.scores if request.url.path.endswith("scores") else self.odds).encode()
        headers = {"x-requests-remaining": str(self.remaining), "etag": f'"{hash(body)}"'}
        if self.status != 200:
            return httpx.Response(self.status, headers=headers)
        if request.headers.get("if-none-match") == headers["etag"]:
            return httpx.Response(304, headers=headers)
        return httpx.Response(200, content=body, headers=headers)

    def source(self) -> Source:
        made = Source("http://odds", key="the key")
        made._http = httpx.AsyncClient(base_url="http://odds", transport=httpx.MockTransport(self))
        return made


# ------------------------------------------------------------------ asking


def test_what_has_not_changed_is_asked_for_with_its_tag() -> None:
    shop = Shop()

    async def story() -> list[Asked]:
        source = shop.source()
        answers = [await source.ask("/v4/sports/x/odds", markets="h2h") for _ in range(2)]
        shop.status = 500
        answers.append(await source.ask("/v4/sports/x/odds", markets="h2h"))
        assert source.remaining == 97
        await source.close()
        return answers

    first, second, third = asyncio.run(story())
    assert first == Asked(body=b"[]")
    assert second == Asked(body=None, unchanged=True)
    assert third == Asked(body=None, trouble="500")
    assert shop.asked[0].url.params["apiKey"] == "the key"


# ------------------------------------------------------------------ a house


@pytest.fixture
def settings(data_folder: Path, postgres_dsn: str, nats_url: str) -> Settings:
    cell = f"shop{data_folder.name.replace('-', '')}"
    return Settings(data=data_folder, port=free_port(), database_url=postgres_dsn, nats_url=nats_url, cell=cell)


def operator(endpoints: Endpoints) -> Door:
    return open_door(endpoints.http, token=endpoints.operator_token, now_us=now_us, chance=random.SystemRandom())


@asynccontextmanager
async def polling(door: Door, shop: Shop, file: Path) -> AsyncIterator[Poller]:
    """A poller with a round whenever it is told, and its feeds' life signs."""
    plan = Plan(sports=(SPORT,), every_s=0.001, reserve=5, terms=odds_api.Terms(bookmakers=2))
    source = shop.source()
    poller = Poller(source=source, plan=plan, now_us=now_us)
    with Bindings(file) as bindings:
        poller.serve(
            Steward(operator=door, bindings=bindings, describe=poller.describe, house=House(in_play=False, delay_ms=0))
        )
        keeping = asyncio.create_task(poller.keep())
        try:
            yield poller
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await source.close()


async def shown(door: Door) -> dict[str, dict[str, Any]]:
    """The newest event's markets by their types."""
    events = await door.each("/v1/events", limit=50)
    whole = await door.get(f"/v1/events/{events[0]['event_id']}")
    return {each["type"]: each for each in whole["markets"]}


async def until(question: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not await question():
        assert time.monotonic() < deadline, "it never came"
        await asyncio.sleep(0.05)


@pytest.mark.engines
@pytest.mark.xdist_group("house")
async def test_a_house_on_polled_odds(settings: Settings, tmp_path: Path) -> None:
    shop = Shop()
    fresh = {"updated": iso(0)}
    totals = market("totals", ("Over", 1.9, 2.5), ("Under", 1.95, 2.5), **fresh)
    later = {"commence_time": iso(3_600)}
    async with running_house(settings) as endpoints, operator(endpoints) as door:
        async with polling(door, shop, tmp_path / "odds.jsonl") as poller:
            books = [h2h(2.1, 3.4, 3.6, **fresh), totals]
            shop.odds = [event(books, books, **later)]
            await poller.round(scores=False)
            markets = await shown(door)
            assert {kind: each["available"] for kind, each in markets.items()} == {"1x2": True, "total": True}
            assert [each["price_milli"] for each in markets["1x2"]["selections"]] == [2_100, 3_400, 3_600]

            # The line is not quoted any more; then the provider fails for longer than three rounds.
            shop.odds = [event(books[:1], books[:1], **later)]
            await poller.round(scores=False)
            assert (await shown(door))["total"]["reason"] == "feed: withdrawn"
            shop.status = 500
            await asyncio.sleep(0.01)
            await poller.round(scores=False)
            assert not (await shown(door))["1x2"]["available"]
            shop.status = 200
            await poller.round(scores=False)
            assert (await shown(door))["1x2"]["available"]

            # The reserve is not touched; a new budget is noticed without spending any.
            shop.remaining = 4
            await poller.round(scores=False)
            asked = len(shop.asked)
            assert await poller.round(scores=False)
            assert [request.url.path for request in shop.asked[asked:]] == ["/v4/sports"]
            shop.remaining = 100
            assert not await poller.round(scores=False)

            # The match begins, which closes what is not offered in play, and ends.
            shop.odds = [event(books, books, commence_time=iso(-60))]
            await poller.round(scores=False)
            assert (await shown(door))["1x2"]["status"] == "closed"
            scores = [{"name": "Arsenal", "score": "2"}, {"name": "Chelsea", "score": "2"}]
            shop.scores = [{**event(commence_time=iso(-60)), "completed": True, "scores": scores}]
            await poller.round(scores=True)
            assert {each["status"] for each in (await shown(door)).values()} == {"resulted"}
            brought = poller.summary()
            await poller.round(scores=True)
            assert "RecordEventResult" in brought
            assert "refused" not in poller.summary()

            # By itself: round after round, until it is ended.
            shop.odds = [event(books, books, id="the next", **later)]
            shop.remaining = 1_000_000
            polled = asyncio.create_task(poller.run())

            async def offered() -> bool:
                found = await shown(door)
                return found.get("1x2", {}).get("available") is True

            await until(offered)
            polled.cancel()
            await asyncio.gather(polled, return_exceptions=True)

        await files_go_in(settings, endpoints, door, tmp_path)


def line(at_ms: int, body: str, *, source: str = "uof", key: str = "") -> str:
    return json.dumps({"at_ms": at_ms, "source": source, "key": key, "body": body}) + "\n"


FIXTURE = """<fixtures_fixture><fixture id="sr:match:77" start_time="2030-05-08T19:00:00+00:00">
<tournament id="1" name="Cup"><sport id="1" name="Soccer"/></tournament><competitors>
<competitor id="1" name="A" qualifier="home"/><competitor id="2" name="B" qualifier="away"/>
</competitors></fixture></fixtures_fixture>"""
ODDS = """<odds_change product="3" event_id="sr:match:77" timestamp="{}"><odds><market id="1" status="1">
<outcome id="1" odds="{}"/><outcome id="2" odds="3.3"/><outcome id="3" odds="3.4"/></market></odds></odds_change>"""


async def files_go_in(settings: Settings, endpoints: Endpoints, door: Door, folder: Path) -> None:
    """`overround feed files` as it is called: a fixture in a file of its own, a recording of two providers."""
    (folder / "fixture.xml").write_text(FIXTURE)
    quoted = json.dumps([event([h2h(2.5, 3.1, 2.9)], id="another", sport_title="Recorded league")])
    recording = folder / "day.jsonl"
    recording.write_text(
        line(1_000, ODDS.format(1_000, "2.20"))
        + line(2_000, "<hello/>")
        + line(3_000, quoted, source="odds_api", key="/v4/sports/soccer_epl/odds")
        + line(4_000, ODDS.format(4_000, "2.35"))
        + line(5_000, ODDS.format(3_500, "9.99"))
    )
    told = await ran(settings, endpoints, "files", str(folder / "fixture.xml"), str(recording), "--speed", "100")
    assert "1 malformed unknown_kind" in told
    assert "1 dropped late" in told
    names = {each["name"]: each["event_id"] for each in await door.each("/v1/events", limit=50)}
    match = await door.get(f"/v1/events/{names['A – B']}")
    assert match["markets"][0]["available"]
    assert match["markets"][0]["selections"][0]["price_milli"] == 2_350
    assert len(names) == 2  # the recorded league's match has the polled one's name


async def ran(settings: Settings, endpoints: Endpoints, *words: str) -> str:
    """What `overround feed …` printed, run beside this house."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "overround", "feed", *words),
        env={
            **os.environ,
            "OVERROUND_DATA": str(settings.data),
            "OVERROUND_GATEWAY_URL": endpoints.http,
            "OVERROUND_OPERATOR_TOKEN": endpoints.operator_token,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 0, errors.decode()
    return out.decode()


# ------------------------------------------------------------------ the commands


@pytest.mark.parametrize("command", ["uof", "odds-api", "files"])
def test_every_command_has_help_with_an_example(command: str) -> None:
    outcome = CliRunner().invoke(cli, ["feed", command, "--help"])
    assert outcome.exit_code == 0
    assert "Example:" in outcome.output


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["uof"], "OVERROUND_UOF_URL"),
        (["odds-api", "--sport", SPORT], "OVERROUND_ODDS_API_KEY"),
        (["odds-api"], "Missing option"),
        (["files", "no-such-file"], "does not exist"),
        (["uof", "--url", "amqp://a:secret@b/", "--api", "http://c", "--name", "../x"], "--name"),
    ],
)
def test_what_is_missing_is_said(words: list[str], why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UOF_URL", "UOF_API_URL", "ODDS_API_KEY"):
        monkeypatch.delenv(f"OVERROUND_{name}", raising=False)
    outcome = CliRunner().invoke(feeding.command, words)
    assert outcome.exit_code != 0
    assert why in outcome.output + str(outcome.exception)
    assert "secret" not in outcome.output + str(outcome.exception)
