"""A whole house behind a provider on a real RabbitMQ: prices, stops, silences, a server that dies, results."""

import asyncio
import os
import random
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import make_folder
from tests.feeds.uof.provider import TOKEN, Provider, now_ms, serving
from tests.feeds.uof.rabbit import Rabbit, rabbit
from tests.feeds.uof.words import MATCH, SAMPLES

from overround.apps.house import Endpoints, running_house
from overround.apps.settings import Settings
from overround.feeds.bindings import Bindings
from overround.feeds.client import Door, open_door
from overround.feeds.planning import House
from overround.feeds.steward import Steward
from overround.feeds.uof.adapter import Adapter, Terms, describe
from overround.feeds.uof.amqp import Consumer, Source
from overround.feeds.uof.api import Api
from overround.infra.ports import free_port
from overround.kernel.instant import SECOND_US

pytestmark = [pytest.mark.engines, pytest.mark.xdist_group("house")]

PATIENCE_S = 120.0
FIXTURE = f"""<fixtures_fixture><fixture id="{MATCH}" start_time="2030-05-08T19:00:00+00:00">
<tournament id="sr:tournament:7" name="Champions League"><sport id="sr:sport:1" name="Soccer"/></tournament>
<competitors><competitor id="1" name="Ajax" qualifier="home"/><competitor id="2" name="Spurs" qualifier="away"/>
</competitors></fixture></fixtures_fixture>""".encode()
DOCUMENTS = {f"/sports/en/sport_events/{MATCH}/fixture.xml": FIXTURE}


def odds(*prices: str, product: int = 1, status: int = 1, live: bool = False) -> str:
    """An odds change of the match result."""
    outcomes = "".join(f'<outcome id="{number}" odds="{price}"/>' for number, price in enumerate(prices, 1))
    state = '<sport_event_status status="1"/>' if live else ""
    return (
        f'<odds_change product="{product}" event_id="{MATCH}" timestamp="{now_ms()}">{state}<odds>'
        f'<market id="1" status="{status}">{outcomes}</market><market id="9999"/></odds></odds_change>'
    )


def said(kind: str, inside: str = "", **attributes: object) -> str:
    pairs = {"product": 1, "event_id": MATCH, "timestamp": now_ms(), **attributes}
    written = " ".join(f'{name}="{value}"' for name, value in pairs.items())
    return f"<{kind} {written}>{inside}</{kind}>"


@pytest.fixture(scope="module")
def server() -> Iterator[Rabbit]:
    """One RabbitMQ for all stories of this file."""
    folder = make_folder()
    with rabbit(folder / "rabbit") as running:
        yield running
    shutil.rmtree(folder)


@pytest.fixture
def settings(data_folder: Path, postgres_dsn: str, nats_url: str) -> Settings:
    cell = f"uof{data_folder.name.replace('-', '')}"
    return Settings(data=data_folder, port=free_port(), database_url=postgres_dsn, nats_url=nats_url, cell=cell)


def now_us() -> int:
    return time.time_ns() // 1_000


def operator(endpoints: Endpoints) -> Door:
    return open_door(endpoints.http, token=endpoints.operator_token, now_us=now_us, chance=random.SystemRandom())


class Watch:
    """What the house shows of the match."""

    def __init__(self, door: Door) -> None:
        self.door = door

    async def market(self) -> dict[str, Any]:
        """The match result as the house shows it, {} before there is one."""
        events = await self.door.each("/v1/events", limit=50)
        if not events:
            return {}
        whole = await self.door.get(f"/v1/events/{events[0]['event_id']}")
        markets: list[dict[str, Any]] = whole["markets"]
        return markets[0] if markets else {}

    async def until(self, **wanted: Any) -> dict[str, Any]:
        """Until the market shows these."""

        async def shown() -> dict[str, Any] | None:
            market = await self.market()
            prices = [each["price_milli"] for each in market.get("selections", [])]
            now = {**market, "home": prices[0] if prices else 0}
            return market if all(now.get(name) == value for name, value in wanted.items()) else None

        found: dict[str, Any] = await until(shown)
        return found


class Feed(Watch):
    """An adapter that runs, and what the house shows of its match."""

    def __init__(self, door: Door, adapter: Adapter) -> None:
        super().__init__(door)
        self.adapter = adapter


async def until(question: Callable[[], Awaitable[Any]]) -> Any:
    """The first answer that is something."""
    deadline = time.monotonic() + PATIENCE_S
    while not (answer := await question()):
        assert time.monotonic() < deadline, "it never came"
        await asyncio.sleep(0.1)
    return answer


@asynccontextmanager
async def feed(door: Door, *, url: str, api: str, file: Path) -> AsyncIterator[Feed]:
    """An adapter between a provider and a house, for the length of a block."""
    terms = Terms(silence_us=3 * SECOND_US)
    provider = Api(api, token=TOKEN)
    with Bindings(file) as bindings:
        steward = Steward(
            operator=door, bindings=bindings, describe=lambda ref: describe(provider, ref), house=House(delay_ms=0)
        )
        adapter = Adapter(steward=steward, provider=provider, terms=terms, now_us=now_us)
        consumer = Consumer(Source(url=url), take=adapter.take, lost=adapter.lost, chance=random.Random(1))
        tasks = [asyncio.create_task(work) for work in (adapter.run(), consumer.run())]
        try:
            yield Feed(door, adapter)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            await provider.close()
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes), outcomes


@asynccontextmanager
async def process(settings: Settings, endpoints: Endpoints, *, url: str, api: str, folder: Path) -> AsyncIterator[Path]:
    """`overround feed uof` as an operator starts it and, with SIGTERM, ends it; its log."""
    log = folder / "feed.log"
    with log.open("wb") as out:
        running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "overround", "feed", "uof", "--api", api, "--silence", "3", "--delay-ms", "0"),
            *("--record", str(folder / "heard.jsonl")),
            env={
                **os.environ,
                "OVERROUND_DATA": str(settings.data),
                "OVERROUND_GATEWAY_URL": endpoints.http,
                "OVERROUND_OPERATOR_TOKEN": endpoints.operator_token,
                "OVERROUND_UOF_URL": url,
                "OVERROUND_UOF_TOKEN": TOKEN,
            },
            stderr=out,
        )
    try:
        yield log
        running.terminate()
        assert await asyncio.wait_for(running.wait(), PATIENCE_S) == 0, log.read_text()
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()


def asked_again(provider: Provider) -> Callable[[], Awaitable[bool]]:
    async def asked() -> bool:
        return len(provider.requests) >= 3

    return asked


def silent(running: Feed, product: int) -> Callable[[], Awaitable[bool]]:
    async def asked() -> bool:
        return not running.adapter.producers[product].is_up

    return asked


async def customer(door: Door) -> Door:
    made = await door.post("/v1/operator/customers", {"currency": "EUR"})
    path = f"/v1/operator/customers/{made['customer_id']}"
    await door.post(f"{path}/funds", {"currency": "EUR", "amount_minor": 10_000, "note": "deposit"})
    return door.to((await door.post(f"{path}/tokens", {"name": "bettor"}))["token"])


async def test_a_day_with_a_provider(settings: Settings, server: Rabbit, tmp_path: Path) -> None:
    """Prices, a bet stop, a silence, RabbitMQ killed, the adapter started again, results and their correction."""
    provider = Provider(server.url, DOCUMENTS)
    provider.refuses = 1
    file = settings.data / "feeds" / "uof.jsonl"
    async with running_house(settings) as endpoints, operator(endpoints) as door, serving(provider) as api:
        provider.snapshot = [odds("2.08", "3.31", "3.37", product=3)]
        async with feed(door, url=server.url, api=api, file=file) as running:
            # The first request is not taken; markets come with the recovery, and open when it is complete.
            market = await running.until(status="open", available=True, home=2_080)
            (event,) = await door.each("/v1/events")
            assert event["name"] == "Ajax – Spurs"
            assert event["starts_at"] == "2030-05-08T19:00:00.000Z"
            await until(asked_again(provider))
            assert {"/v1/pre/recovery/initiate_request", "/v1/liveodds/recovery/initiate_request"} == {
                each["path"] for each in provider.requests
            }
            bettor = await customer(door)
            stake = {"stake_minor": 1_000, "currency": "EUR", "price_milli": 2_080}
            bet = await bettor.post("/v1/bets", {"market_id": market["market_id"], "selection_id": 1, **stake})
            assert bet["status"] == "open"

            # A bet stop, and odds older than it, which do not count; then newer ones.
            old = odds("9.00", "9.00", "9.00", product=3)
            await asyncio.sleep(0.01)
            await provider.publish(said("bet_stop", groups="all", product=3))
            await running.until(status="suspended", reason="feed: bet stop")
            await provider.publish(old)
            await provider.publish(odds("1.90", "3.50", "4.00", live=True))
            await running.until(status="open", available=True, home=1_900)
            assert running.adapter.counts["dropped stopped"] == 2  # of each market in it

            # An operator's suspension stays, whatever the feed says.
            await door.post(f"/v1/operator/markets/{market['market_id']}/suspend", {"reason": "by hand"})
            await provider.publish(odds("1.95", "3.40", "3.90"))
            await running.until(status="suspended", reason="by hand", home=1_950)
            await door.post(f"/v1/operator/markets/{market['market_id']}/resume", {})

            # The producer in play keeps the market now: the other's silence is nothing to it, its own takes it along.
            provider.alive = (1,)
            await until(silent(running, 3))
            assert (await running.market())["available"]
            provider.alive = (3,)
            await running.until(available=False)
            provider.snapshot = [odds("1.97", "3.40", "3.90")]
            provider.alive = (1, 3)
            await running.until(available=True, home=1_970)

            # The server dies. Nothing that was said meanwhile is missing after the next recovery.
            await asyncio.to_thread(server.kill)
            await running.until(available=False)
            provider.snapshot = [odds("2.50", "3.10", "2.90")]
            server.begin()
            await asyncio.to_thread(server.wait)
            await running.until(available=True, home=2_500)
            assert any("after" in each for each in provider.requests)

        # Another life of the adapter, as a process of its own: the same event, nothing twice.
        provider.snapshot = [odds("2.60", "3.10", "2.90")]
        async with process(settings, endpoints, url=server.url, api=api, folder=tmp_path) as log:
            watch = Watch(door)
            await watch.until(available=True, home=2_600)
            assert len(await door.each("/v1/events")) == 1

            async def cash(minor: int) -> None:
                async def shown() -> bool:
                    return bool((await bettor.get("/v1/balance"))["wallets"][0]["cash_minor"] == minor)

                await until(shown)

            await provider.publish(settlement(won=1, certainty=2))
            await watch.until(status="resulted")
            await cash(9_000 + 2_080)
            await provider.publish(settlement(won=3, certainty=1))  # less certain than what is known
            await provider.publish(said("rollback_bet_settlement", '<market id="1"/>'))
            await watch.until(status="closed", reason="rolled_back")
            await provider.publish(settlement(won=2, certainty=2))
            await watch.until(status="resulted")
            await cash(9_000)
            if SAMPLES.is_dir():
                await every_sample(provider)
            struck = now_ms()
            window = {"start_time": struck - 3_600_000, "end_time": struck}
            await provider.publish(said("bet_cancel", '<market id="1" void_reason="12"/>', **window))
            await cash(10_000)
            await provider.publish(said("rollback_bet_cancel", '<market id="1"/>', **window))
            await cash(9_000)
        assert TOKEN not in log.read_text()
        assert "guest" not in log.read_text()
        assert (tmp_path / "heard.jsonl").read_bytes().count(b"bet_settlement") >= 2


def settlement(*, won: int, certainty: int) -> str:
    """A result of the match result."""
    outcomes = "".join(f'<outcome id="{number}" result="{int(number == won)}"/>' for number in (1, 2, 3))
    return said("bet_settlement", f'<outcomes><market id="1">{outcomes}</market></outcomes>', certainty=certainty)


async def every_sample(provider: Provider) -> None:
    """All that was recorded, as it was recorded: years old, and about other matches too."""
    for file in sorted(SAMPLES.rglob("*.xml")):
        body = file.read_text()
        if 'event_id="' in body:
            await provider.publish(body)
