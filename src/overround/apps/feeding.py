"""`overround feed`: a provider's odds, fixtures and results into a house, over its HTTP API."""

import asyncio
import logging
import random
import re
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, Literal

import click
import uvloop

from overround.apps import settings as settings_door
from overround.apps.feed import door_of
from overround.apps.settings import InvalidSetting, Settings
from overround.feeds import odds_api
from overround.feeds.bindings import Bindings, InUse, Unreadable
from overround.feeds.changes import Details
from overround.feeds.client import Door
from overround.feeds.files import Player
from overround.feeds.odds_api_poll import Plan, Poller, Source
from overround.feeds.planning import House
from overround.feeds.recorded import FileRefused, Recorded, Recorder
from overround.feeds.steward import Steward
from overround.feeds.uof import amqp
from overround.feeds.uof.adapter import Adapter, Terms, describe
from overround.feeds.uof.amqp import Consumer
from overround.feeds.uof.api import Api
from overround.infra import telemetry
from overround.kernel.instant import SECOND_US

DELAY_MS: Final = 5_000
NAME: Final = re.compile(r"[A-Za-z0-9-]{1,40}")

delay = click.option(
    "--delay-ms", type=click.IntRange(0, 12_000), default=DELAY_MS, show_default=True, help="In-play delay of markets."
)
record = click.option(
    "--record", type=click.Path(dir_okay=False, path_type=Path), help="Append everything heard to this file."
)


@click.group("feed")
def command() -> None:
    """Bring a provider's odds, fixtures and results into a house.

    The house is the one that OVERROUND_GATEWAY_URL and OVERROUND_OPERATOR_TOKEN name, or the one that runs in
    OVERROUND_DATA. Secrets are better given by the environment than as options, which others on the machine can see.

    Example: overround feed files day.jsonl --speed 10
    """


@command.command("uof")
@click.option("--url", help="The provider's AMQP server [OVERROUND_UOF_URL].")
@click.option("--api", help="Its HTTP API, up to the version [OVERROUND_UOF_API_URL].")
@click.option("--token", help="The token for its API [OVERROUND_UOF_TOKEN].")
@click.option("--exchange", default=amqp.EXCHANGE, show_default=True, help="Where messages are published.")
@click.option("--node", type=click.IntRange(0, 1_000_000), default=0, help="Our node, where there are several.")
@click.option("--producer", "producers", type=int, multiple=True, default=(1, 3), show_default=True, help="Heard.")
@click.option("--silence", type=click.FloatRange(1, 600), default=20.0, show_default=True, help="Seconds.")
@click.option("--name", default="uof", show_default=True, help="What the feeds are called in the house.")
@delay
@record
def uof(
    url: str | None,
    api: str | None,
    token: str | None,
    exchange: str,
    node: int,
    producers: tuple[int, ...],
    silence: float,
    name: str,
    delay_ms: int,
    record: Path | None,
) -> None:
    """A provider of the Unified Odds Feed shape: XML over AMQP, recovery over HTTP.

    Example: OVERROUND_UOF_TOKEN=… overround feed uof --url amqps://…/unifiedfeed --api https://…/v1
    """
    settings = settings_door.read()
    url, api = url or settings.uof_url, api or settings.uof_api_url
    if url is None or api is None:
        raise InvalidSetting("--url and --api, or OVERROUND_UOF_URL and OVERROUND_UOF_API_URL, are needed")
    source = amqp.Source(url=url, exchange=exchange, node=node)
    provider = Api(api, token=token or settings.uof_token or "", node=node)
    terms = Terms(producers=producers, feed=name, silence_us=round(silence * SECOND_US), node=node)
    house = House(delay_ms=delay_ms)
    _run(settings, name, house, partial(_uof, source=source, provider=provider, terms=terms, record=record))


async def _uof(kept: "Kept", *, source: amqp.Source, provider: Api, terms: Terms, record: Path | None) -> None:
    steward = kept.steward(partial(describe, provider))
    adapter = Adapter(steward=steward, provider=provider, terms=terms, now_us=_now_us)

    with _recording(record, "uof") as note:

        async def take(key: str, body: bytes) -> None:
            note(key, body)
            await adapter.take(key, body)

        consumer = Consumer(source, take=take, lost=adapter.lost, chance=random.SystemRandom())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(adapter.run())
                group.create_task(consumer.run())
        finally:
            await provider.close()


@command.command("odds-api")
@click.option("--url", help="The API's address [OVERROUND_ODDS_API_URL].")
@click.option("--key", help="The key [OVERROUND_ODDS_API_KEY].")
@click.option("--sport", "sports", multiple=True, required=True, help="A sport's key: soccer_epl.")
@click.option("--regions", default="uk,eu", show_default=True, help="Whose bookmakers.")
@click.option("--markets", default="h2h,spreads,totals", show_default=True, help="Which markets.")
@click.option("--every", type=click.FloatRange(1, 3_600), default=60.0, show_default=True, help="Seconds a round.")
@click.option("--reserve", type=click.IntRange(0), default=10, show_default=True, help="Requests left alone.")
@click.option("--bookmakers", type=click.IntRange(1), default=3, show_default=True, help="The fewest for a market.")
@click.option("--in-play", is_flag=True, help="Offer after the start too.")
@click.option("--name", default="odds-api", show_default=True, help="What the feeds are called in the house.")
@delay
@record
def the_odds_api(
    url: str | None,
    key: str | None,
    sports: tuple[str, ...],
    regions: str,
    markets: str,
    every: float,
    reserve: int,
    bookmakers: int,
    in_play: bool,
    name: str,
    delay_ms: int,
    record: Path | None,
) -> None:
    """The Odds API, version 4, or what has its shape: polled, the median of its bookmakers.

    Example: OVERROUND_ODDS_API_KEY=… overround feed odds-api --sport soccer_epl --every 120
    """
    settings = settings_door.read()
    key = key or settings.odds_api_key
    if key is None:
        raise InvalidSetting("--key or OVERROUND_ODDS_API_KEY is needed")
    plan = Plan(
        sports=sports,
        regions=regions,
        markets=markets,
        every_s=every,
        reserve=reserve,
        feed=name,
        terms=odds_api.Terms(bookmakers=bookmakers, in_play=in_play),
    )
    source = Source(url or settings.odds_api_url, key=key)
    house = House(in_play=in_play, delay_ms=delay_ms)
    _run(settings, name, house, partial(_odds_api, source=source, plan=plan, record=record))


async def _odds_api(kept: "Kept", *, source: Source, plan: Plan, record: Path | None) -> None:
    poller = Poller(source=source, plan=plan, now_us=_now_us)
    poller.serve(kept.steward(poller.describe))
    with _recording(record, "odds_api") as note:
        poller.heard = note
        try:
            await poller.run()
        finally:
            await source.close()


@command.command("files")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--speed", type=click.FloatRange(min=0), default=0.0, help="Times faster; 0: flat out.")
@click.option("--bookmakers", type=click.IntRange(1), default=1, show_default=True, help="The fewest for a market.")
@click.option("--name", default="files", show_default=True, help="What the feeds are called in the house.")
@click.option("--stay", is_flag=True, help="Keep the feeds alive after the last line, until Ctrl-C.")
@delay
def files(files: tuple[Path, ...], speed: float, bookmakers: int, name: str, stay: bool, delay_ms: int) -> None:
    """Recorded messages (JSON lines as --record writes them, or single .xml messages) in their order.

    Example: overround feed files fixture-0.xml odds_change.xml day.jsonl --speed 10
    """
    house = House(delay_ms=delay_ms)
    _run(
        settings_door.read(),
        name,
        house,
        partial(_files, files=files, speed=speed, bookmakers=bookmakers, name=name, stay=stay),
    )


async def _files(
    kept: "Kept", *, files: tuple[Path, ...], speed: float, bookmakers: int, name: str, stay: bool
) -> None:
    player = Player(
        files=files,
        name=name,
        terms=odds_api.Terms(bookmakers=bookmakers, in_play=True),
        steward_for=kept.steward,
        now_us=_now_us,
    )
    click.echo(await player.play(speed=speed, stay=stay))


# ------------------------------------------------------------------ what all of them share


class Kept:
    """A house that is kept: its door, the feed's bindings, and how markets are offered."""

    def __init__(self, operator: Door, bindings: Bindings, house: House) -> None:
        self._operator, self._bindings, self._house = operator, bindings, house

    def steward(self, describe: Callable[[str], Awaitable[Details | None]]) -> Steward:
        return Steward(operator=self._operator, bindings=self._bindings, describe=describe, house=self._house)


def _run(settings: Settings, name: str, house: House, work: Callable[[Kept], Awaitable[None]]) -> None:
    """Until the work ends or somebody ends it. A name is a file of bindings, which one process may have at a time."""
    if not NAME.fullmatch(name):
        raise InvalidSetting(f"--name is {name!r}; it must be letters, digits and hyphens, at most 40")
    telemetry.set_up(style=settings.log_style, level=settings.log_level, role="feed")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log a line, with secrets, for every request
    try:
        uvloop.run(_until_told(settings, name, house, work))
    except (FileRefused, Unreadable, InUse) as wrong:
        raise InvalidSetting(str(wrong)) from None


async def _until_told(settings: Settings, name: str, house: House, work: Callable[[Kept], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with Bindings(settings.data / "feeds" / f"{name}.jsonl") as bindings:
        async with door_of(settings) as operator:
            tasks = {asyncio.ensure_future(work(Kept(operator, bindings, house))), asyncio.create_task(stop.wait())}
            done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
            for task in done:
                task.result()


@contextmanager
def _recording(file: Path | None, source: Literal["uof", "odds_api"]) -> Iterator[Callable[[str, bytes], None]]:
    """What writes down each message that is heard; nothing without a file."""
    if file is None:
        yield lambda _key, _body: None
        return
    with file.open("ab", buffering=0) as out:
        recorder = Recorder(out)
        yield lambda key, body: recorder.write(
            Recorded(at_ms=_now_us() // 1_000, source=source, key=key, body=body.decode(errors="replace"))
        )


def _now_us() -> int:
    return time.time_ns() // 1_000
