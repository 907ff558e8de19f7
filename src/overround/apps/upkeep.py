"""`overround journal` and `overround projections`: how the house's two stores are looked at and looked after."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click
import msgspec

from overround import journal, projections
from overround.apps import settings as settings_door
from overround.apps.engines import EngineTrouble, database
from overround.apps.house import known_dsn
from overround.apps.worker import WORKER_LOCK

if TYPE_CHECKING:
    from overround.journal.connection import Connection

Answer = TypeVar("Answer")


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How the stores stand. Sequences are of the last fact; `tables_seq` is None where there are no tables."""

    seq: int
    chain: str
    archived_seq: int
    snapshots: tuple[int, ...]
    tables_seq: int | None
    epoch: int
    holder: str
    lease_left_ms: int | None


@click.group(name="journal")
def journal_group() -> None:
    """Look at the journal, and take old parts out of it.

    Example: overround journal show
    """


@journal_group.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def show(as_json: bool) -> None:
    """Say how far the journal, its snapshots and the tables are, and which book has the lease.

    Note the sequence and the chain elsewhere now and then: a journal that was cut at its end cannot tell by itself.

    Example: overround journal show --json
    """
    standing = _ask(_look)
    if as_json:
        click.echo(msgspec.json.encode(standing))
        return
    left = "" if standing.lease_left_ms is None else f", {standing.lease_left_ms} ms left"
    for name, value in (
        ("journal", f"{standing.seq:,} facts, archived up to {standing.archived_seq:,}"),
        ("chain", standing.chain),
        ("snapshots", ", ".join(f"{seq:,}" for seq in standing.snapshots) or "none"),
        ("tables", "none" if standing.tables_seq is None else f"at {standing.tables_seq:,}"),
        ("lease", f"epoch {standing.epoch}, {standing.holder or 'nobody'}{left}"),
    ):
        click.echo(f"{name:<10} {value}")


@journal_group.command()
@click.option("--before", "before_seq", type=click.IntRange(1), required=True, help="Keep this fact and what follows.")
def archive(before_seq: int) -> None:
    """Take partitions that lie wholly before a sequence out of the journal, while the house runs.

    They become tables of the schema journal_archive, to be dumped and dropped. A snapshot must cover them and the
    tables that people query must show them. From then on `overround audit verify` and `overround projections rebuild`,
    which begin at the first fact, are not possible on this database.

    Example: overround journal archive --before 5000001
    """
    names = _ask(lambda connection: _archive(connection, before_seq))
    for name in names:
        click.echo(name)
    if not names:
        click.echo(f"no partition lies wholly before {before_seq:,}")


@click.group(name="projections")
def projections_group() -> None:
    """The tables that people query.

    Example: overround projections rebuild
    """


@projections_group.command()
def rebuild() -> None:
    """Empty the tables that people query; the worker folds them again from the first fact.

    Bets go on meanwhile, but lists, statements and balances show the past until the worker has caught up.

    Example: overround projections rebuild
    """
    _ask(_rebuild)
    click.echo("emptied; the worker folds them again")


async def _look(connection: "Connection") -> Standing:
    head, lease = await journal.head(connection), await journal.lease(connection)
    rows = await connection.fetch("SELECT seq FROM journal.snapshot ORDER BY seq")
    return Standing(
        seq=head.seq,
        chain=head.chain.hex(),
        archived_seq=await _archived_seq(connection),
        snapshots=tuple(row["seq"] for row in rows),
        tables_seq=await connection.fetchval("SELECT seq FROM read.checkpoint"),
        epoch=lease.epoch,
        holder=lease.holder,
        lease_left_ms=lease.left_us // 1_000 if lease.holder else None,
    )


async def _archive(connection: "Connection", before_seq: int) -> tuple[str, ...]:
    shown_seq = await projections.checkpoint(connection)
    if shown_seq < before_seq - 1:
        raise EngineTrouble(f"the tables that people query are only at {shown_seq}; let the worker go on first")
    try:
        return await journal.archive(connection, below_seq=before_seq)
    except journal.StillNeeded as needed:
        raise EngineTrouble(str(needed)) from needed


async def _rebuild(connection: "Connection") -> None:
    if archived_seq := await _archived_seq(connection):
        raise EngineTrouble(f"facts up to {archived_seq} are archived; the tables could not be folded without them")
    await projections.drop(connection)
    # Whoever folds notices when its connection ends, also while no bet is placed, and asks how far the tables are.
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND (classid::bigint << 32 | objid::bigint) = $1 AND objsubid = 1",
        WORKER_LOCK,
    )


async def _archived_seq(connection: "Connection") -> int:
    seq: int = await connection.fetchval("SELECT archived_seq FROM journal.shape")
    return seq


def _ask(question: "Callable[[Connection], Awaitable[Answer]]") -> Answer:
    async def ask() -> Answer:
        async with database(known_dsn(settings_door.read())) as connection:
            return await question(connection)
        raise AssertionError

    return asyncio.run(ask())
