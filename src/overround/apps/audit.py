"""`overround audit verify`: what the auditor found, for people or as JSON."""

import asyncio
import gc
import sys

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from overround import journal
from overround.apps import settings as settings_door
from overround.apps.auditor import OnProgress, Report, verify
from overround.apps.engines import EngineTrouble
from overround.apps.house import known_dsn


@click.group(name="audit")
def command() -> None:
    """Prove that the journal and everything folded from it agree.

    Example: overround audit verify
    """


@command.command(name="verify")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of words.")
def verify_command(as_json: bool) -> None:
    """Walk the chain, replay every fact from zero, compare snapshots and tables; name the first difference.

    Reads OVERROUND_DATABASE_URL, or else the address that a house on this machine wrote into OVERROUND_DATA. It may
    run while the house does. Exit code 0: all agrees; 1: a difference; 2: it could not be looked at.

    Example: overround audit verify --json
    """
    gc.freeze()
    gc.disable()
    try:
        with _watched(quiet=as_json) as on_progress:
            report = asyncio.run(verify(known_dsn(settings_door.read()), on_progress))
    except (*journal.LOST, journal.Archived) as lost:
        raise EngineTrouble(f"the house could not be audited: {type(lost).__name__}: {lost}") from lost
    click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2) if as_json else words(report))
    sys.exit(0 if report.ok else 1)


def words(report: Report) -> str:
    """The report for people."""
    counted = f"{report.facts:,} facts, {report.bets:,} bets, {report.accounts:,} accounts"
    if report.finding is not None:
        wrong = report.finding
        return "\n".join(
            (
                f"DIFFERENCE at {wrong.place} ({wrong.what})",
                f"  expected: {wrong.expected}",
                f"  found:    {wrong.found}",
                f"Replayed up to there: {counted}.",
            )
        )
    sums = ", ".join(f"{currency} {minor}" for currency, minor in sorted(report.sums_minor.items())) or "no currency"
    snapshots = ", ".join(f"{seq:,}" for seq in report.snapshots) or "none"
    tables = f"agree at {report.tables_seq:,}" if report.tables_seq is not None else "none to compare"
    return "\n".join(
        (
            f"ALL AGREES: {counted}.",
            f"  chain      {report.chain}",
            f"  state      {report.state_hash}",
            f"  ledger sum {sums}",
            f"  snapshots  {snapshots}",
            f"  tables     {tables}",
        )
    )


class _watched:  # noqa: N801  # used as a function
    """A progress bar on stderr, where a person sees it."""

    def __init__(self, *, quiet: bool) -> None:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal)
        self._task = self._bar.add_task("chain", total=None)

    def __enter__(self) -> OnProgress:
        self._bar.start()
        return self._tell

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def _tell(self, what: str, done: int, of: int) -> None:
        self._bar.update(self._task, description=what, completed=done, total=max(of, done))
