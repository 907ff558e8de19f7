"""`overround replay`: recorded matches through a running house, or through one started for the purpose."""

import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click
import httpx
import msgspec
import uvloop
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from overround.apps import replay_betfair
from overround.apps import settings as settings_door
from overround.apps.house import Endpoints, read_endpoints, running_house
from overround.feeds.client import Door, Problem, Unreachable, open_door
from overround.feeds.football_csv import BOOKMAKERS, FileRefused, Match, read
from overround.feeds.replay import CURRENCY, CommandRefused, NotSettled, Played, Replay
from overround.feeds.replay_report import HoldLine, Report, make_report
from overround.infra import telemetry

MAX_BETTORS = 10_000
COLUMNS = ("bets", "turnover", "paid", "margin", "expected", "realised", "s.e.", "apart")
NAMES = {"1x2": "1X2", "total": "goals 2.5", "asian_handicap": "handicap", "all": "all"}


@click.group("replay")
def command() -> None:
    """Play recorded matches, or recorded exchange streams, through a house.

    Example: overround replay football E0_2019-2020.csv
    """


command.add_command(replay_betfair.command)


@command.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--speed", type=click.FloatRange(min=0), default=0.0, help="Times faster than the calendar; 0: flat out.")
@click.option(
    "--bettors", type=click.IntRange(1, MAX_BETTORS), default=200, show_default=True, help="Customers who bet."
)
@click.option("--bookmaker", type=click.Choice(BOOKMAKERS), default="B365", show_default=True, help="Whose prices.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same bets.")
@click.option("--limit", type=click.IntRange(1), default=None, help="Play only the first matches.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def football(
    files: tuple[Path, ...],
    speed: float,
    bettors: int,
    bookmaker: str,
    seed: int,
    limit: int | None,
    as_json: bool,
) -> None:
    """Replay seasons with bookmakers' odds (football-data.co.uk's columns): price, bet, settle, and prove every penny.

    Uses the house that <OVERROUND_DATA>/endpoints.json names, or starts one in a folder that is deleted afterwards.
    Ends with 1 when a payout differs from the file, with 2 when a file or an option is refused.

    Example: overround replay football E0_2019-2020.csv E1_2019-2020.csv --bettors 200
    """
    telemetry.set_up(style="human", level="WARNING", role="replay")
    console = Console(stderr=as_json)
    try:
        matches, notes = read_files(files, bookmaker=bookmaker, limit=limit)
        played = uvloop.run(_play(matches, speed=speed, bettors=bettors, seed=seed, console=console))
    except FileRefused as refused:
        raise click.UsageError(str(refused)) from None
    except (Problem, Unreachable, CommandRefused, NotSettled) as failed:
        raise click.ClickException(f"the house did not take it: {type(failed).__name__}: {failed}") from None
    report = make_report(
        played,
        paths=tuple(dict.fromkeys(files)),
        matches=matches,
        notes=notes,
        bookmaker=bookmaker,
        seed=seed,
        currency=CURRENCY,
    )
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report)).decode())
    else:
        show(console, report)
    sys.exit(0 if report.is_clean else 1)


def read_files(files: tuple[Path, ...], *, bookmaker: str, limit: int | None) -> tuple[list[Match], dict[str, int]]:
    """All files whole, before anything else happens; a match that comes twice counts once. Raises FileRefused."""
    matches: dict[tuple[str, int, str, str], Match] = {}
    notes: Counter[str] = Counter()
    for path in dict.fromkeys(files):
        season = read(path.read_bytes(), name=str(path), bookmaker=bookmaker)
        notes.update(season.notes)
        for match in season.matches:
            known = matches.setdefault((match.division, match.starts_at_us, match.home, match.away), match)
            notes["matches that came twice, left out"] += known is not match
    chosen = sorted(matches.values(), key=lambda match: match.starts_at_us)[:limit]
    return chosen, {note: count for note, count in notes.items() if count}


async def _play(matches: list[Match], *, speed: float, bettors: int, seed: int, console: Console) -> Played:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[bets]:,} bets"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("starting a house", total=len(matches), bets=0)
        bets = 0

        def advance(more_matches: int, more_bets: int) -> None:
            nonlocal bets
            bets += more_bets
            progress.update(task, advance=more_matches, bets=bets)

        async with _house() as endpoints, _door(endpoints) as operator:
            progress.update(task, description="replaying")
            replay = Replay(operator=operator, chance=random.Random(seed), speed=speed, on_progress=advance)  # noqa: S311
            return await replay.play(matches, bettors=bettors)


@asynccontextmanager
async def _house() -> AsyncIterator[Endpoints]:
    """The house that runs, or one of our own."""
    endpoints = read_endpoints(settings_door.read().endpoints_file)
    if endpoints is not None and await _answers(endpoints):
        yield endpoints
    else:
        async with running_house() as own:
            yield own


async def _answers(endpoints: Endpoints) -> bool:
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=2.0) as client:  # noqa: S501  # our own gateway
        try:
            return (await client.get(f"{endpoints.http}/health/ready")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


def _door(endpoints: Endpoints) -> Door:
    return open_door(
        endpoints.http,
        token=endpoints.operator_token,
        now_us=lambda: time.time_ns() // 1_000,
        chance=random.SystemRandom(),
        verify=False,
    )


# ------------------------------------------------------------------ the report for people


def show(console: Console, report: Report) -> None:
    """The tables."""
    console.print(_summary(report))
    console.print(_holds(report))
    for note, count in report.notes.items():
        console.print(f"[dim]{count:>6,}  {note}[/]")
    for code, count in report.refused.items():
        console.print(f"[red]{count:>6,}  bets refused: {code}[/]")
    for difference in report.first_differences:
        console.print(f"[red]{difference}[/]")
    verdict = (
        f"[green]difference 0[/]: {report.recounted_bets:,} payouts counted again from the files, "
        f"{report.accounts:,} accounts against their bets"
        if report.is_clean
        else f"[bold red]NOT CLEAN[/]: {report.differences:,} differences, {sum(report.refused.values()):,} refused"
    )
    console.print(verdict)


def _summary(report: Report) -> Table:
    table = Table(show_header=False, box=SIMPLE_HEAD)
    table.add_column(style="dim")
    table.add_column(justify="right")
    for name, value in (
        ("files", ", ".join(report.files)),
        ("odds of", f"{report.bookmaker}, seed {report.seed}"),
        ("matches", f"{report.matches:,}"),
        ("bettors", f"{report.bettors:,}"),
        ("bets", f"{report.bets:,}"),
        (f"turnover, {report.currency}", _money(report.turnover_minor)),
        (f"paid, {report.currency}", _money(report.paid_minor)),
        ("bets/s while placing", f"{report.bets_per_s:,.0f}"),
        ("seconds in all", f"{report.seconds:,.1f}"),
    ):
        table.add_row(name, value)
    return table


def _holds(report: Report) -> Table:
    table = Table(
        "market",
        *COLUMNS,
        title="Hold on the stakes at risk, against the odds that were taken",
        caption="margin: mean overround of these bets; expected: the hold that it implies; s.e.: standard error of the "
        "realised hold; apart: realised less expected, in standard errors",
        box=SIMPLE_HEAD,
        padding=0,
    )
    for column in table.columns[1:]:
        column.justify, column.no_wrap = "right", True
    for line in report.hold:
        table.add_row(*_hold_cells(line), end_section=line.kind == "asian_handicap")
    return table


def _hold_cells(line: HoldLine) -> tuple[str, ...]:
    return (
        NAMES[line.kind],
        f"{line.bets:,}",
        f"{line.turnover_minor // 100:,}",
        f"{line.paid_minor // 100:,}",
        f"{line.overround:.2%}",
        f"{line.expected:.2%}",
        f"{line.realised:.2%}",
        f"{line.standard_error:.2%}",
        f"{line.errors_apart:+.2f}",
    )


def _money(minor: int) -> str:
    whole, part = divmod(minor, 100)
    return f"{whole:,}.{part:02d}"
