"""The journal's tables: made by migrations, grown by partitions ahead of the writer, shortened by
archiving."""

import importlib.resources
import logging
from typing import TYPE_CHECKING

import msgspec

from overround.journal.connection import connect_uncancellable, cut_after
from overround.journal.types import Archived

if TYPE_CHECKING:
    from overround.journal.connection import Connection

PARTITION_ROWS = 5_000_000
ARCHIVE_SCHEMA = "journal_archive"
_LOCK = "7071, 3"

_log = logging.getLogger(__name__)


class Shape(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How many rows a partition holds, and the last row that has one."""

    partition_rows: int
    covered_seq: int


class StillNeeded(Exception):
    """No snapshot covers the rows to be archived; without them the house could not be recovered."""


async def migrate(connection: "Connection", *, partition_rows: int = PARTITION_ROWS) -> int:
    """Bring the schema `journal` up to date; returns its version. Harmless when it is, safe when several do
    it at once.

    `partition_rows` counts only when the journal is made.
    """
    async with connection.transaction():
        await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        await connection.execute(
            "CREATE SCHEMA IF NOT EXISTS journal;"
            "CREATE TABLE IF NOT EXISTS journal.migration (version integer PRIMARY KEY, name text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
        )
        done = {row["version"] for row in await connection.fetch("SELECT version FROM journal.migration")}
        for version, name, script in _migrations():
            if version not in done:
                await connection.execute(script)
                await connection.execute("INSERT INTO journal.migration VALUES ($1, $2)", version, name)
        if not done:
            await connection.execute("UPDATE journal.shape SET partition_rows = $1", partition_rows)
            await connection.execute("SELECT journal.extend(1)")
    return max(version for version, _, _ in _migrations())


def _migrations() -> list[tuple[int, str, str]]:
    """Version, name and text of each numbered script, in order."""
    folder = importlib.resources.files("overround.journal") / "migrations"
    scripts = sorted((each for each in folder.iterdir() if each.name.endswith(".sql")), key=lambda each: each.name)
    return [(int(each.name[:4]), each.name, each.read_text()) for each in scripts]


async def extend(connection: "Connection", *, ahead_of: int, partitions: int) -> Shape:
    """Make sure that the row `ahead_of` and `partitions` whole partitions after it have room."""
    size: int = await connection.fetchval("SELECT partition_rows FROM journal.shape")
    covered: int = await connection.fetchval("SELECT journal.extend($1)", ahead_of + partitions * size + 1)
    return Shape(partition_rows=size, covered_seq=covered)


async def extend_apart(dsn: str, ahead_of: int, partitions: int, deadline_s: float) -> Shape:
    """`extend` on a connection of its own."""
    connection = await connect_uncancellable(dsn, within_s=deadline_s)
    try:
        with cut_after(connection, deadline_s):
            return await extend(connection, ahead_of=ahead_of, partitions=partitions)
    finally:
        connection.terminate()


async def archive(connection: "Connection", *, below_seq: int) -> tuple[str, ...]:
    """Take the partitions that lie wholly below `below_seq` out of the journal, oldest first; returns their
    names.

    They become plain tables in the schema `journal_archive`, to be dumped and dropped by the operator; their
    last chain stays known, so the rest can still be verified. Appends go on meanwhile. Harmless to repeat
    after a crash. Raises `StillNeeded` when a row to be archived is newer than the newest snapshot.
    """
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {ARCHIVE_SCHEMA}")
    newest: int = await connection.fetchval("SELECT coalesce(max(seq), 0) FROM journal.snapshot")
    names = []
    query = "SELECT last_seq, name FROM journal.partition WHERE last_seq < $1 ORDER BY last_seq"
    for last_seq, name in await connection.fetch(query, below_seq):
        if last_seq > newest:
            raise StillNeeded(f"row {last_seq} is not in a snapshot yet, the newest ends at row {newest}")
        await _archive_one(connection, last_seq, name)
        names.append(f"{ARCHIVE_SCHEMA}.{name}")
    return tuple(names)


async def _archive_one(connection: "Connection", last_seq: int, name: str) -> None:
    """Say it, detach, move: each step can be repeated. The concurrent detach blocks neither appends nor
    readers."""
    await connection.execute(
        "UPDATE journal.shape SET archived_seq = seq, archived_chain = chain FROM journal.event"
        " WHERE seq = $1 AND seq > archived_seq AND chain IS NOT NULL",
        last_seq,
    )
    if await connection.fetchval("SELECT archived_seq FROM journal.shape") < last_seq:
        raise Archived(f"row {last_seq} is not the sealed end of a partition")
    pending = await connection.fetchval(
        "SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = to_regclass($1)", f"journal.{name}"
    )
    if pending is not None:
        how = "FINALIZE" if pending else "CONCURRENTLY"
        await connection.execute(f'ALTER TABLE journal.event DETACH PARTITION journal."{name}" {how}')
    async with connection.transaction():
        await connection.execute(f'ALTER TABLE journal."{name}" SET SCHEMA {ARCHIVE_SCHEMA}')
        await connection.execute("DELETE FROM journal.partition WHERE name = $1", name)
    _log.info("archived the journal up to row %d", last_seq)
