"""`overround record`: a house's exchange stream into a file that historical readers of Betfair's streams read."""

import asyncio
import random
import signal
import time
from pathlib import Path

import click
import httpx
import uvloop
from rich.console import Console

from overround.apps import settings as settings_door
from overround.apps.house import Endpoints, read_endpoints
from overround.apps.settings import InvalidSetting
from overround.feeds.betfair.comparing import credentials
from overround.feeds.betfair.recorder import NotRecorded, Recorder, Written, open_out
from overround.feeds.client import Problem, Unreachable, open_door
from overround.infra import telemetry

MAX_MARKETS = 200


@click.command("record")
@click.option("--markets", required=True, help="Market ids with commas between: 1.7,1.8.")
@click.option("--for", "seconds", type=click.FloatRange(0), default=0.0, help="End after so many seconds.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def command(markets: str, seconds: float, file: Path) -> None:
    """Write the stream of some markets to FILE: one message a line, bz2 or gzip where its name ends so.

    Ends when all markets are closed, after --for, or with Ctrl-C. A file that is there already is left alone. Records
    the house whose data folder is OVERROUND_DATA; any reader of Betfair's historical files, and `overround replay
    betfair`, reads what it wrote.

    Example: overround record --markets 1.1,1.2 card.bz2
    """
    telemetry.set_up(style="human", level="WARNING", role="record")
    asked = tuple(dict.fromkeys(name for each in markets.split(",") if (name := each.strip())))
    if not 0 < len(asked) <= MAX_MARKETS:
        raise click.UsageError(f"--markets must name 1 to {MAX_MARKETS} markets")
    settings = settings_door.read()
    endpoints = read_endpoints(settings.endpoints_file)
    if endpoints is None or not endpoints.exchange_stream:
        raise InvalidSetting(
            f"no house has written {settings.endpoints_file}; run `overround up`, or set OVERROUND_DATA"
        )
    console = Console(stderr=True)
    try:
        written = uvloop.run(_record(endpoints, asked, file, seconds, console))
    except NotRecorded as refused:
        raise click.UsageError(str(refused)) from None
    except OSError as failed:  # the house's are others
        raise click.UsageError(f"{file} cannot be written: {failed.strerror or failed}") from None
    except (Problem, Unreachable, httpx.HTTPError) as failed:
        raise click.ClickException(f"{type(failed).__name__}: {failed}") from None
    click.echo(f"{written.messages:,} messages, {written.runner_changes:,} changes of runners in {file}")


async def _record(
    endpoints: Endpoints, markets: tuple[str, ...], file: Path, seconds: float, console: Console
) -> Written:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if seconds:
        loop.call_later(seconds, stop.set)
    door = open_door(
        endpoints.http,
        token=endpoints.operator_token,
        now_us=lambda: time.time_ns() // 1_000,
        chance=random.SystemRandom(),
        verify=False,
    )
    async with door, httpx.AsyncClient(base_url=endpoints.http, trust_env=False, verify=False) as http:  # noqa: S501
        session, app_key = await credentials(door, http)
    host, _, port = endpoints.exchange_stream.rpartition(":")
    with open_out(file) as out, console.status("recording") as status:

        def tell(written: Written) -> None:
            status.update(
                f"recording: {written.messages:,} messages, {written.runner_changes:,} changes, "
                f"{written.closed} of {len(markets)} markets closed"
            )

        recorder = Recorder(
            host=host.strip("[]"),
            port=int(port),
            session=session,
            app_key=app_key,
            markets=markets,
            out=out,
            on_progress=tell,
        )
        try:
            await recorder.run(stop)
        except NotRecorded:
            if not recorder.written.messages:
                _leave_nothing(file)
            raise
    return recorder.written


def _leave_nothing(file: Path) -> None:
    file.unlink()
