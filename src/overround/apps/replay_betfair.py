"""`overround replay betfair`: recorded exchange streams on a running house, or on one started for the purpose."""

import asyncio
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import click
import httpx
import msgspec
import uvloop
from nats.aio.client import Client
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from overround.apps import engines
from overround.apps import settings as settings_door
from overround.apps.house import Endpoints, read_endpoints, running_house
from overround.apps.settings import InvalidSetting, Settings
from overround.feeds.betfair import abandoned
from overround.feeds.betfair.comparing import Observer, observer, summary
from overround.feeds.betfair.example import race
from overround.feeds.betfair.player import HouseRefused, Player, Tally
from overround.feeds.betfair.recording import RecordingRefused
from overround.feeds.betfair.scanning import Pace, Scan, scan
from overround.feeds.client import Door, Problem, Unreachable, open_door
from overround.host.desk import Desk
from overround.host.nats_bus import NatsBus
from overround.identity import OPERATOR_ACTOR
from overround.infra import telemetry
from overround.kernel.money import is_currency

DEFAULT_STEP_MS = 250
SAMPLES = 20
EXAMPLE_S = 600
MARKETS_NAMED = 20
STOPPED = 130
"""What a shell expects of a program that was ended by Ctrl-C."""

ANSWERS_WITHIN_S = 10.0


class Speed(click.ParamType[float]):
    """A number of times, or `max`, which is 0."""

    name = "number|max"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        if value == "max":
            return 0.0
        try:
            speed = float(value)
        except ValueError:
            self.fail(f"{value!r} is neither a number nor max", param, ctx)
        if not 0 < speed <= 1_000_000:
            self.fail("it must be above 0 and at most 1,000,000", param, ctx)
        return speed


class Currency(click.ParamType[str]):
    """One that the house knows."""

    name = "currency"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not is_currency(code := str(value).upper()):
            self.fail(f"{value!r} is no currency that the house knows, as GBP is", param, ctx)
        return code


class Report(msgspec.Struct, kw_only=True):
    """What was played, and how well it agrees. `times_real` is recorded time by time taken, for the longest file;
    `void` are the markets that got no result, `void_left` those that earlier replays left when they were killed."""

    files: list[dict[str, Any]]
    markets: int
    messages: int
    runner_changes: int
    coalesced: int
    recorded_s: float
    seconds: float
    times_real: float
    changes_per_s: float
    commands: int
    placed: int
    cancelled: int
    trades: int
    moved_aside: int
    refused: dict[str, int]
    stopped: bool = False
    void: int = 0
    void_left: int = 0
    compared_samples: int = 0
    fields: dict[str, dict[str, Any]] = {}


@click.command("betfair")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--example", is_flag=True, help="Play a made-up race of ten minutes.")
@click.option("--speed", type=Speed(), default=1.0, show_default=True, help="Times faster than recorded, or max.")
@click.option(
    "--step",
    "step_ms",
    type=click.IntRange(0, 60_000),
    default=None,
    help=f"Put what was recorded within so many ms on the house together. Of itself {DEFAULT_STEP_MS} at max, else 0.",
)
@click.option("--lead", "lead_s", type=click.FloatRange(0), default=0.0, help="Begin so many seconds before the off.")
@click.option("--crossing/--no-crossing", default=True, help="Cross matching where the recording has it.")
@click.option(
    "--currency",
    type=Currency(),
    default="EUR",
    show_default=True,
    help="What markets trade in; demo customers have euros.",
)
@click.option("--compare", is_flag=True, help="Ask the house what its clients see, and count how it agrees.")
@click.option("--samples", type=click.IntRange(1, 1_000), default=SAMPLES, show_default=True, help="For --compare.")
@click.option("--void-left", is_flag=True, help="Only void what replays left that were killed, and play nothing.")
@click.option("--house", "url", default=None, help="A house's HTTP address; see below.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    files: tuple[Path, ...],
    example: bool,
    speed: float,
    step_ms: int | None,
    lead_s: float,
    crossing: bool,
    currency: str,
    compare: bool,
    samples: int,
    void_left: bool,
    url: str | None,
    as_json: bool,
) -> None:
    """Make recorded exchange streams live: markets, prices, trades, suspensions, removals, the off, results.

    Uses the house that <OVERROUND_DATA>/endpoints.json names, or starts one in a folder that is deleted afterwards.
    With --house, the one at that address: OVERROUND_OPERATOR_TOKEN and OVERROUND_NATS_URL must then be set, since
    orders go over the bus. Each market is numbered anew; the list says which is which.

    A replay that is killed leaves its markets open. The next one makes them void before it begins, and so does
    --void-left without playing anything.

    Example: overround replay betfair 1.197931750.gz --speed 60 --compare

    Example: overround replay betfair --void-left
    """
    telemetry.set_up(style="human", level="WARNING", role="replay")
    pace = Pace(speed=speed, step_ms=(0 if speed else DEFAULT_STEP_MS) if step_ms is None else step_ms, lead_s=lead_s)
    console = Console(stderr=True)
    asked = Asked(pace=pace, crossing=crossing, currency=currency, samples=samples if compare else 0, url=url)
    try:
        if void_left:
            if files or example:
                raise click.UsageError("--void-left plays nothing: name no recording beside it")
            uvloop.run(_void_left(url, console))
            return
        with example_file(wanted=example) as made:
            paths = (*dict.fromkeys(files), *made)
            if not paths:
                raise click.UsageError("name a recording, or say --example")
            report = uvloop.run(_run([scan(path) for path in paths], asked, console))
    except RecordingRefused as refused:
        raise click.UsageError(str(refused)) from None
    except (Problem, Unreachable, HouseRefused, httpx.HTTPError) as failed:
        raise click.ClickException(f"the house did not take it: {type(failed).__name__}: {failed}") from None
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report)).decode())
    else:
        show(Console(), report)
    sys.exit(STOPPED if report.stopped else 0)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for on the command line; no samples, no comparison."""

    pace: Pace
    crossing: bool
    currency: str
    samples: int
    url: str | None


@contextmanager
def example_file(*, wanted: bool) -> Iterator[tuple[Path, ...]]:
    """A made-up race that starts a few minutes from now, in a file that is deleted afterwards."""
    if not wanted:
        yield ()
        return
    with tempfile.TemporaryDirectory(prefix="overround-") as folder:
        path = Path(folder) / "example"
        path.write_bytes(b"".join(race(seed=1, seconds=EXAMPLE_S, starts_at_ms=time.time_ns() // 1_000_000)))
        yield (path,)


async def _run(scans: list[Scan], asked: Asked, console: Console) -> Report:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[line]}"),
        TimeElapsedColumn(),
    )
    stop = _told_to_stop()
    async with AsyncExitStack() as stack:
        progress = stack.enter_context(Progress(*columns, console=console))
        task = progress.add_task("finding a house", total=sum(seen.messages for seen in scans), line="")
        settings = await stack.enter_async_context(_house(asked.url, progress.console))
        operator = await stack.enter_async_context(door(settings))
        bus = await stack.enter_async_context(open_bus(settings))
        desk = await stack.enter_async_context(open_desk(bus, settings))
        watching: Observer | None = None
        if asked.samples:
            http = await stack.enter_async_context(
                httpx.AsyncClient(base_url=str(settings.gateway_url), trust_env=False, verify=False, timeout=15.0)  # noqa: S501
            )
            watching = await observer(operator, http)
        player = Player(
            desk=desk,
            operator=operator,
            actor=OPERATOR_ACTOR,
            now_us=_now_us,
            chance=random.Random(random.SystemRandom().getrandbits(64)),  # noqa: S311  # keys, and many of them
            pace=asked.pace,
            currency=asked.currency,
            crossing=asked.crossing,
            on_progress=lambda more: progress.update(task, advance=more, line=_line(player)),
            on_sample=watching.look if watching is not None else None,
            samples=asked.samples,
        )
        roll_call = abandoned.RollCall(bus, cell=settings.cell)
        await roll_call.answer(player.name)
        left = await _void_abandoned(operator, desk, roll_call, progress.console)
        await player.prepare(scans)
        _tell_markets(progress.console, player, scans)
        if not player.markets:
            raise RecordingRefused("none of these markets can be played")
        progress.update(task, description="replaying")
        began = time.monotonic()
        was_stopped = await _played(player, scans, stop)
        seconds = time.monotonic() - began
        if watching is not None:
            await watching.look_at_all(list(player.markets.values()))
        void = await player.abandon("the replay was stopped" if was_stopped else "its recording has no result")
        return _report(player, scans, seconds, watching, stopped=was_stopped, void=len(void), left=len(left))
    raise AssertionError


async def _void_left(url: str | None, console: Console) -> None:
    """Nothing but that."""
    settings = await _there(url)
    if settings is None:
        raise InvalidSetting(f"no house runs in {settings_door.read().data}; run `overround up`, or set OVERROUND_DATA")
    async with door(settings) as operator, open_bus(settings) as bus, open_desk(bus, settings) as desk:
        left = await _void_abandoned(operator, desk, abandoned.RollCall(bus, cell=settings.cell), console)
    if not left:
        console.print("  nothing is left of replays that were killed")


async def _void_abandoned(operator: Door, desk: Desk, roll_call: abandoned.RollCall, console: Console) -> list[int]:
    """Void what replays left that were killed, and say so."""
    chance = random.SystemRandom()
    left = await abandoned.abandoned(operator, roll_call)
    void = await abandoned.void(desk, left, actor=OPERATOR_ACTOR, now_us=_now_us, chance=chance)
    if void:
        named = ", ".join(f"1.{number}" for number in void[:MARKETS_NAMED])
        more = f" and {len(void) - MARKETS_NAMED} more" if len(void) > MARKETS_NAMED else ""
        console.print(f"  [yellow]void, since their replay was killed: {named}{more}[/]")
    return void


def _told_to_stop() -> asyncio.Event:
    """Set by Ctrl-C or SIGTERM; a second one ends everything at once."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def told() -> None:
        stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told)
    return stop


async def _played(player: Player, scans: list[Scan], stop: asyncio.Event) -> bool:
    """Play to the end, or until told to stop; whether it was. Raises HouseRefused, RecordingRefused."""
    playing, stopping = asyncio.create_task(player.play(scans)), asyncio.create_task(stop.wait())
    await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
    for task in (playing, stopping):
        task.cancel()
    if playing.done():
        await playing
        return False
    await asyncio.gather(playing, return_exceptions=True)
    return True


def _line(player: Player) -> str:
    counts, tally = player.counts, player.tally
    return f"{tally.changes:,} changes, {counts.placed + counts.cancelled:,} orders, {counts.trades:,} trades"


def _tell_markets(console: Console, player: Player, scans: list[Scan]) -> None:
    for market in list(player.markets.values())[:MARKETS_NAMED]:
        first = market.outline.first
        named = " ".join(word for word in (first.event_name or first.venue, first.name or first.market_type) if word)
        console.print(f"  {market.recorded_id} is [bold]1.{market.stage.market_id}[/]  {named}")
    more = len(player.markets) - MARKETS_NAMED
    if more > 0:
        console.print(f"  and {more} more")
    if any(market.outline.first.betting_type == "LINE" for market in player.markets.values()):
        console.print("  [yellow]line markets are settled at the last line traded: no recording has their number[/]")
    for seen in scans:
        for market_id, why in seen.left_out.items():
            console.print(f"  [yellow]{market_id} is left out: {why}[/]")


@asynccontextmanager
async def _house(url: str | None, console: Console) -> AsyncIterator[Settings]:
    """Settings that name a house's gateway, bus and operator: the one asked for, the one that runs, or our own."""
    settings = await _there(url)
    if settings is not None:
        yield settings
        return
    settings = settings_door.read()
    console.print(f"  [yellow]no house runs in {settings.data}; one is started for this replay alone[/]")
    async with running_house() as own:
        yield _told(msgspec.structs.replace(settings, nats_ca=None), own)


async def _there(url: str | None) -> Settings | None:
    """The same of the house that is asked for, or of the one that runs here, if one does. Raises InvalidSetting."""
    settings = settings_door.read()
    if url is not None:
        if settings.operator_token is None or settings.nats_url is None:
            raise InvalidSetting("--house needs OVERROUND_OPERATOR_TOKEN and OVERROUND_NATS_URL")
        if not await _answers(url):
            raise InvalidSetting(f"no house answers at {url}/health/ready")
        return msgspec.structs.replace(settings, gateway_url=url)
    endpoints = read_endpoints(settings.endpoints_file)
    if endpoints is None or not await _answers(endpoints.http):
        return None
    return _told(settings, endpoints)


def _told(settings: Settings, endpoints: Endpoints) -> Settings:
    return msgspec.structs.replace(
        settings,
        gateway_url=endpoints.http,
        operator_token=endpoints.operator_token,
        nats_url=settings.nats_url or endpoints.nats_url,
    )


async def _answers(url: str) -> bool:
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=2.0) as client:  # noqa: S501  # our own gateway
        try:
            return (await client.get(f"{url}/health/ready")).status_code == httpx.codes.OK
        except (httpx.TransportError, httpx.InvalidURL):
            return False


def door(settings: Settings) -> Door:
    """The operator's way in."""
    return open_door(
        str(settings.gateway_url),
        token=str(settings.operator_token),
        now_us=_now_us,
        chance=random.SystemRandom(),
        verify=False,
    )


@asynccontextmanager
async def open_bus(settings: Settings) -> AsyncIterator[Client]:
    """The house's bus. Raises InvalidSetting."""
    late = asyncio.Event()
    timer = asyncio.get_running_loop().call_later(ANSWERS_WITHIN_S, late.set)
    client = await engines.connect_bus(settings, late)
    timer.cancel()
    if client is None:
        raise InvalidSetting(f"no NATS answers at {settings.nats_url}, where the house's orders go")
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def open_desk(bus: Client, settings: Settings) -> AsyncIterator[Desk]:
    """A desk on it."""
    desk = Desk(NatsBus(bus, cell=settings.cell), deadline_s=30.0)
    await desk.open()
    try:
        yield desk
    finally:
        await desk.close()


def _now_us() -> int:
    return time.time_ns() // 1_000


# ------------------------------------------------------------------ the report


def _report(
    player: Player, scans: list[Scan], seconds: float, watching: Observer | None, *, stopped: bool, void: int, left: int
) -> Report:
    tally: Tally = player.tally
    counts = player.counts
    recorded_s = max((seen.last_ms - seen.first_ms) / 1_000 for seen in scans)
    return Report(
        files=[
            {
                "file": seen.path.name,
                "markets": len(seen.outlines) - len(seen.left_out),
                "messages": seen.messages,
                "runner_changes": seen.changes,
                "recorded_s": (seen.last_ms - seen.first_ms) / 1_000,
                "left_out": seen.left_out,
            }
            for seen in scans
        ],
        markets=len(player.markets),
        messages=tally.messages,
        runner_changes=tally.changes,
        coalesced=tally.coalesced,
        recorded_s=recorded_s,
        seconds=seconds,
        times_real=recorded_s / seconds,
        changes_per_s=tally.changes / seconds,
        commands=tally.commands,
        placed=counts.placed,
        cancelled=counts.cancelled,
        trades=counts.trades,
        moved_aside=counts.moved_aside,
        refused=dict(tally.refused),
        stopped=stopped,
        void=void,
        void_left=left,
        compared_samples=watching.samples if watching is not None else 0,
        fields=summary(watching.fields) if watching is not None else {},
    )


def show(console: Console, report: Report) -> None:
    """The tables."""
    table = Table(show_header=False, box=SIMPLE_HEAD)
    for name, value in (
        ("markets", f"{report.markets:,}"),
        ("messages", f"{report.messages:,}, {report.coalesced:,} of them together with a later one"),
        ("changes of runners", f"{report.runner_changes:,}, {report.changes_per_s:,.0f} a second"),
        (
            "stopped after" if report.stopped else "recorded",
            f"{report.seconds:,.1f} s"
            if report.stopped
            else f"{report.recorded_s:,.0f} s in {report.seconds:,.1f} s: {report.times_real:,.0f} times real time",
        ),
        ("orders placed", f"{report.placed:,}"),
        ("cancelled or cut", f"{report.cancelled:,}"),
        ("trades", f"{report.trades:,}; {report.moved_aside:,} levels were moved aside for them"),
    ):
        table.add_row(name, value)
    if report.void:
        why = "the replay was stopped" if report.stopped else "the recording ends before their result"
        table.add_row("[yellow]markets made void[/]", f"{report.void:,}: {why}")
    for code, count in report.refused.items():
        table.add_row(f"[red]refused: {code}[/]", f"{count:,}")
    console.print(table)
    if report.fields:
        console.print(_agreement(report))


def _agreement(report: Report) -> Table:
    table = Table("what a client sees", "compared", "agrees", "why not", box=SIMPLE_HEAD)
    table.title = f"{report.compared_samples:,} market books beside the recording"
    for name, entry in report.fields.items():
        share = entry["agreed"] / entry["compared"]
        reasons = "; ".join(f"{count:,} {why}" for why, count in entry["reasons"].items())
        table.add_row(name, f"{entry['compared']:,}", f"{share:.2%}", reasons)
    return table
