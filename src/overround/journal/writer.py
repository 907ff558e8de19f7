"""The writer's side: one dedicated connection, one COPY a commit.

A single COPY is its own transaction, so a commit is atomic and one round trip. Nothing in this file cancels
or times out a commit (a test reads the file and holds it to that): the deadline cuts the socket.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import asyncpg

from overround.journal import partitions
from overround.journal.chain import Entry, seal
from overround.journal.connection import LOST, connect_uncancellable, cut_after
from overround.journal.reader import head as read_head
from overround.journal.types import Fenced, Forked, Head, NotDurable, OutcomeUnknown

if TYPE_CHECKING:
    from overround.journal.connection import Connection

COLUMNS = ("seq", "batch", "epoch", "at_us", "kind", "body", "chain")
PARTITIONS_AHEAD = 2
STALE_EPOCH = "OR001"
TAKEN = "23505"

_log = logging.getLogger(__name__)


class Journal:
    """Appends to the journal. After `append` raised `Fenced` or `OutcomeUnknown`, or was cancelled, it is
    dead: drop all memory, acquire a new epoch, read the journal again and open a new one."""

    def __init__(
        self,
        dsn: str,
        connection: "Connection",
        *,
        epoch: int,
        head: Head,
        shape: partitions.Shape,
        deadline_s: float,
    ) -> None:
        """Not for callers: use `open`."""
        self._dsn = dsn
        self._connection = connection
        self._epoch = epoch
        self._head = head
        self._shape = shape
        self._deadline_s = deadline_s
        self._alive = True
        self._warning: str | None = None
        self._commit_task: asyncio.Task[None] | None = None
        self._extending: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, dsn: str, *, epoch: int, head: Head, deadline_s: float = 5.0) -> "Journal":
        """A writer of `epoch` (from `acquire`) that continues after `head`.

        Raises `Fenced` when somebody wrote after `head`, `Forked` when the journal does not contain `head`,
        `NotDurable` when the server may lose commits, and one of `connection.LOST` when it cannot be reached.
        """
        connection = await connect_uncancellable(dsn, within_s=deadline_s)
        try:
            with cut_after(connection, 2 * deadline_s):
                await _prepare_session(connection, epoch)
                await _check_head(connection, head)
                shape = await partitions.extend(connection, ahead_of=head.seq, partitions=PARTITIONS_AHEAD)
        except BaseException:
            connection.terminate()
            raise
        journal = cls(dsn, connection, epoch=epoch, head=head, shape=shape, deadline_s=deadline_s)
        connection.add_log_listener(journal._hear)
        return journal

    @property
    def head(self) -> Head:
        """The end of the journal after the last acknowledged append."""
        return self._head

    @property
    def alive(self) -> bool:
        """Whether the next append may succeed."""
        return self._alive and not self._connection.is_closed()

    async def append(self, rows: Sequence[Entry]) -> Head:
        """Commit `rows` (at_us, kind, body) after the head, all or nothing; returns the new head.

        Nothing may be told to anybody before this returned. One call at a time.

        Raises `TooLarge` or `Disordered` (nothing was sent, go on), `Fenced` (nothing was written, stop), or
        `OutcomeUnknown` (anything else, the deadline and a full disk included).
        """
        if not rows:
            return self._head
        if not self.alive:
            raise OutcomeUnknown("this writer is dead or busy")
        data, head = seal(self._head, self._epoch, rows, self._shape.partition_rows)
        self._alive = False
        # The caller may be cancelled while it waits; the commit is a task of its own and goes on.
        self._commit_task = asyncio.get_running_loop().create_task(self._commit(data, len(rows), head.seq))
        await asyncio.shield(self._commit_task)
        self._alive = True
        self._head = head
        if head.seq + PARTITIONS_AHEAD * self._shape.partition_rows > self._shape.covered_seq:
            self._extend_soon()
        return head

    def cut(self) -> None:
        """Cut the connection at once, whatever is under way on it. A commit under way then has an unknown
        outcome."""
        self._connection.terminate()

    async def close(self) -> None:
        """Give the connection back. Waits for a commit or a partition under way; raises nothing of theirs."""
        self._alive = False
        for task in (self._commit_task, self._extending):
            if task is not None:
                await asyncio.wait({task})
        if not self._connection.is_closed():
            with cut_after(self._connection, self._deadline_s):
                await self._connection.close()

    async def _commit(self, data: bytes, rows: int, last_seq: int) -> None:
        done = False
        self._warning = None
        try:
            await self._ensure_partition(last_seq)
            with cut_after(self._connection, self._deadline_s):
                status = await self._connection.copy_to_table(
                    "event",
                    schema_name="journal",
                    # asyncpg also sends a buffer, in one piece; bytes it would take for a path
                    source=memoryview(data),  # type: ignore[arg-type]
                    columns=COLUMNS,
                    format="binary",
                )
            done = status == f"COPY {rows}" and self._warning is None
            if not done:
                raise OutcomeUnknown(f"the server said {status!r}, {self._warning}")
        except asyncpg.PostgresError as error:
            if error.sqlstate in {TAKEN, STALE_EPOCH}:
                raise Fenced(str(error)) from error
            raise OutcomeUnknown(f"{type(error).__name__}: {error}") from error
        except LOST as error:
            raise OutcomeUnknown(f"{type(error).__name__}: {error}") from error
        finally:
            if not done:
                self._connection.terminate()

    def _hear(self, _connection: object, message: asyncpg.PostgresLogMessage) -> None:
        """A warning during a commit may say that replication was not waited for. It runs before the commit's
        own reply is handed on, as it came before it on the wire."""
        self._warning = str(message)

    def _extend_soon(self) -> None:
        if self._extending is None or self._extending.done():
            self._extending = asyncio.get_running_loop().create_task(self._extend(self._head.seq))

    async def _extend(self, after_seq: int) -> None:
        """Make partitions ahead on a connection of its own, off the hot path. A failure is tried again after
        the next append, and matters only when the last partition is full."""
        try:
            self._shape = await partitions.extend_apart(self._dsn, after_seq, PARTITIONS_AHEAD, self._deadline_s)
        except LOST:
            _log.exception("partitions of the journal could not be made ahead")

    async def _ensure_partition(self, last_seq: int) -> None:
        """Nearly always there already; a burst that outruns `_extend` waits for it here."""
        if last_seq <= self._shape.covered_seq:
            return
        if self._extending is not None:
            await asyncio.wait({self._extending})
        if last_seq > self._shape.covered_seq:
            await self._extend(last_seq)


async def _prepare_session(connection: "Connection", epoch: int) -> None:
    """The session's settings; nothing that a role or database default could have weakened is left to
    chance."""
    await connection.execute(
        f"SET overround.epoch = '{epoch:d}'; SET client_min_messages = warning; SET statement_timeout = 0;"
        "SET lock_timeout = 0; SET idle_session_timeout = 0"
    )
    fsync, commit = await connection.fetchrow(
        "SELECT current_setting('fsync'), current_setting('synchronous_commit')"
    ) or ("", "")
    if fsync != "on" or commit in {"off", "local"}:
        raise NotDurable(f"fsync is {fsync}, synchronous_commit is {commit}")


async def _check_head(connection: "Connection", head: Head) -> None:
    actual = await read_head(connection)
    if actual.seq > head.seq:
        raise Fenced(f"the journal is at row {actual.seq}, not {head.seq}")
    if actual.seq < head.seq or actual.chain != head.chain:
        raise Forked(f"the journal ends at row {actual.seq} and does not contain row {head.seq} as it was read")
