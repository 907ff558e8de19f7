"""Reading the journal: its head, ranges of rows, and everything from a row on, for ever."""

import asyncio
import logging
from collections.abc import AsyncIterator
from itertools import starmap
from typing import TYPE_CHECKING

from overround.journal.connection import LOST, connect, cut_after
from overround.journal.types import GENESIS, READ_ROWS, Archived, Forked, Gap, Head, Row, WholeRow

if TYPE_CHECKING:
    from overround.journal.connection import Connection, Reader

POLL_S = 0.05
READ_WITHIN_S = 10.0
FIRST_WAIT_S = 0.05
LONGEST_WAIT_S = 1.0

_log = logging.getLogger(__name__)


async def head(connection: "Reader") -> Head:
    """The end of the journal. Definitive only for who holds the newest epoch: others may see it move on.

    Raises `Gap` when the last row has no chain.
    """
    last = await connection.fetchrow("SELECT seq, chain, at_us FROM journal.event ORDER BY seq DESC LIMIT 1")
    if last is None:
        archived = await connection.fetchrow("SELECT archived_seq, archived_chain FROM journal.shape")
        return Head(*archived) if archived is not None else Head(0, GENESIS)
    if last["chain"] is None:
        raise Gap(f"the last row, {last['seq']}, carries no chain: rows after it are missing")
    return Head(*last)


async def identity(connection: "Reader") -> str:
    """Which journal this is, as 32 hexadecimal digits: no other house's is the same, nor this one's made anew."""
    found = await connection.fetchval("SELECT identity FROM journal.shape")
    return str(found.hex)


async def read(connection: "Reader", after: int, limit: int = READ_ROWS) -> list[Row]:
    """The rows `after` + 1 to `after` + `limit`, as far as they exist. Dense, in order.

    Raises `Archived` or `Gap` when rows before the last one are not there.
    """
    records = await connection.fetch(
        "SELECT seq, at_us, kind, body FROM journal.event WHERE seq > $1 AND seq <= $2 ORDER BY seq",
        after,
        after + limit,
    )
    if not records:
        await _none_archived(connection, after)
        return []
    if records[0][0] != after + 1 or records[-1][0] != after + len(records):
        await _none_archived(connection, after)
        raise Gap(f"rows {after + 1} to {records[-1][0]} should be {records[-1][0] - after}, found {len(records)}")
    return list(starmap(Row, records))


async def read_whole(connection: "Reader", after: int, limit: int = READ_ROWS) -> list[WholeRow]:
    """As `read`, with every column, and as they are: a gap is the caller's to find."""
    records = await connection.fetch(
        "SELECT seq, batch, epoch, at_us, kind, body, chain FROM journal.event"
        " WHERE seq > $1 AND seq <= $2 ORDER BY seq",
        after,
        after + limit,
    )
    return list(starmap(WholeRow, records))


async def _none_archived(connection: "Reader", after: int) -> None:
    archived: int = await connection.fetchval("SELECT archived_seq FROM journal.shape")
    if after < archived:
        raise Archived(f"rows up to {archived} are archived, asked for row {after + 1}")


async def follow(
    dsn: str,
    after: int,
    wake: asyncio.Event | None = None,
    poll_s: float = POLL_S,
    *,
    limit: int = READ_ROWS,
    deadline_s: float = READ_WITHIN_S,
) -> AsyncIterator[list[Row]]:
    """All rows after `after`, as they are committed, for ever: never a gap, never a row twice.

    It looks every `poll_s`, and at once when `wake` is set (which it clears). A lost or hung server is asked
    again, with a back-off, until it answers. Raises `Archived`, `Gap`, or `Forked` when the journal no longer
    reaches `after`.
    """
    alarm = wake or asyncio.Event()
    connection: Connection | None = None
    wait_s = FIRST_WAIT_S
    try:
        while True:
            alarm.clear()
            try:
                if connection is None:
                    connection = await _reopen(dsn, after, deadline_s)
                with cut_after(connection, deadline_s):
                    rows = await read(connection, after, limit)
            except LOST as error:
                _log.warning("following the journal was interrupted after row %d: %s", after, error)
                _drop(connection)
                connection = None
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
                continue
            wait_s = FIRST_WAIT_S
            if rows:
                after = rows[-1].seq
                yield rows
            if len(rows) < limit:
                await _woken(alarm, poll_s)
    finally:
        _drop(connection)


async def _reopen(dsn: str, after: int, deadline_s: float) -> "Connection":
    """A connection to a journal that still contains the row `after`."""
    connection = await connect(dsn, within_s=deadline_s)
    try:
        with cut_after(connection, deadline_s):
            end = await head(connection)
    except BaseException:
        connection.terminate()
        raise
    if end.seq < after:
        connection.terminate()
        raise Forked(f"the journal ends at row {end.seq}, row {after} was read before")
    return connection


def _drop(connection: "Connection | None") -> None:
    if connection is not None:
        connection.terminate()


async def _woken(alarm: asyncio.Event, within_s: float) -> None:
    timer = asyncio.get_running_loop().call_later(within_s, alarm.set)
    try:
        await alarm.wait()
    finally:
        timer.cancel()
