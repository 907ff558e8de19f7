"""The worker process: folds the journal into the tables that people query, and has snapshots taken."""

import asyncio
import contextlib
import gc
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from overround import journal, projections
from overround.apps import engines
from overround.apps.settings import Settings
from overround.projections import Recorded

if TYPE_CHECKING:
    from overround.journal.connection import Connection

log = logging.getLogger(__name__)

NICENESS: Final = 10
"""Placing bets goes before showing them."""

WORKER_LOCK: Final = 0x6F76_7277_6F72_6B72
"""The key of the advisory lock that the one folding worker holds: `ovrworkr` in ASCII. Others wait for it."""

STANDBY_S: Final = 1.0
RESTART_S: Final = 0.5
QUEUED_PORTIONS: Final = 8

PACE_S: Final = 0.1
"""How long facts gather after a batch that was not full: small transactions would cost the book more than they show."""

LATE_US: Final = 2_000_000
"""Facts this old are late: who was told of them has waited long enough to see them in lists."""

LEAST_PAUSE: Final = 0.6
"""What is left to the book even then, of the time that a batch took."""

BACKLOG_US: Final = 60_000_000
"""Facts older than this are a backlog: nobody is betting at the moment that they tell of."""


class SnapshotPlan(msgspec.Struct, frozen=True, kw_only=True):
    """When the next snapshot is due: after so many facts, or so long after the last one if there are any new facts."""

    every_facts: int = 250_000
    every_s: float = 600.0


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Be the worker until told to stop; what is being committed then is finished first."""
    os.nice(NICENESS)
    gc.set_threshold(100_000, 20, 100)  # a batch is many objects, none of which makes a ring
    async with _woken(settings, stop) as wake:
        await work(settings.dsn, stop, wake=wake)


async def work(
    dsn: str,
    stop: asyncio.Event,
    *,
    wake: asyncio.Event | None = None,
    plan: SnapshotPlan = SnapshotPlan(),  # noqa: B008  # frozen
) -> None:
    """Fold until `stop`. After any failure of the database everything in memory is dropped and the checkpoint asked."""
    snapshots = Snapshots(dsn, plan)
    try:
        while not stop.is_set():
            try:
                await _fold(dsn, stop, wake or asyncio.Event(), snapshots.consider)
            except (*journal.LOST, projections.OutOfStep) as lost:
                log.warning("folding was interrupted: %s: %s", type(lost).__name__, lost)
                await _pause(stop, RESTART_S)
    finally:
        await snapshots.close()


async def _fold(dsn: str, stop: asyncio.Event, wake: asyncio.Event, folded: Callable[[int], None]) -> None:
    """One connection's life: take the lock, find the checkpoint, and fold what follows it."""
    connection = await journal.connect_uncancellable(dsn)
    try:
        if not await _alone(connection, stop):
            return
        await projections.migrate(connection)
        seq = await projections.checkpoint(connection)
        carried = projections.Carried()
        async with _portions(dsn, seq, wake, stop) as queue:
            connection.add_termination_listener(partial(_say_lost, queue))
            while (batch := await _next_batch(queue)) is not None:
                began_s = time.monotonic()
                await projections.advance(connection, batch, carried=carried)
                folded(batch[-1].seq)
                await _give_way(stop, batch[-1].at_us, time.monotonic() - began_s, gather=queue.empty())
    finally:
        connection.terminate()


async def _give_way(stop: asyncio.Event, at_us: int, took_s: float, *, gather: bool) -> None:
    """Leave the machine and the disk to the book for as long as the batch had them, while the house is at work, and for
    less the later the tables are. A backlog of long ago is folded without a pause."""
    late_us = time.time_ns() // 1_000 - at_us
    if late_us > BACKLOG_US:
        return
    rest_s = took_s * max(1 - late_us / LATE_US, LEAST_PAUSE)
    await _pause(stop, max(rest_s, PACE_S if gather else 0.0))


async def _alone(connection: "Connection", stop: asyncio.Event) -> bool:
    """Wait until no other worker folds. False when told to stop first."""
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", WORKER_LOCK):
        await _pause(stop, STANDBY_S)
        if stop.is_set():
            return False
    return not stop.is_set()


Portions = asyncio.Queue[tuple[int, list[Recorded]] | BaseException | None]


@asynccontextmanager
async def _portions(dsn: str, after: int, wake: asyncio.Event, stop: asyncio.Event) -> AsyncIterator[Portions]:
    """The journal after a sequence, read and decoded ahead while the batch before is being written. Ends with None."""
    queue: Portions = asyncio.Queue(QUEUED_PORTIONS)
    reading = asyncio.create_task(_read(dsn, after, wake, queue))
    ending = asyncio.create_task(_end(stop, reading, queue))
    try:
        yield queue
    finally:
        for task in (reading, ending):
            task.cancel()  # they only read: no commit is cancelled
        await asyncio.gather(reading, ending, return_exceptions=True)


async def _read(dsn: str, after: int, wake: asyncio.Event, queue: Portions) -> None:
    try:
        async for rows in journal.follow(dsn, after, wake, limit=projections.READ_ROWS):
            for portion in projections.portions(rows):
                await queue.put(portion)
    except (journal.Archived, journal.Gap, journal.Forked, msgspec.DecodeError) as broken:
        await queue.put(broken)


def _say_lost(queue: Portions, _connection: object) -> None:
    """Whoever waits for facts hears that the connection ended; who has some finds out by itself."""
    with contextlib.suppress(asyncio.QueueFull):
        queue.put_nowait(ConnectionError("the connection ended"))


async def _end(stop: asyncio.Event, reading: asyncio.Task[None], queue: Portions) -> None:
    await stop.wait()
    reading.cancel()
    await queue.put(None)


async def _next_batch(queue: Portions) -> list[Recorded] | None:
    """What has been read, up to what one transaction takes; None at the end. Raises what reading the journal raised."""
    batch: list[Recorded] = []
    heavy = 0
    while not batch or (heavy < projections.BATCH_WEIGHT and not queue.empty()):
        portion = await queue.get()
        if portion is None:
            return None
        if isinstance(portion, BaseException):
            raise portion
        heavy += portion[0]
        batch += portion[1]
    return batch


class Snapshots:
    """Has a snapshot taken in a process of its own when one is due, so that its memory is freed at its end."""

    def __init__(self, dsn: str, plan: SnapshotPlan) -> None:
        self._dsn, self._plan = dsn, plan
        self._taken_seq: int | None = None
        self._taken_s = time.monotonic()
        self._taking: asyncio.Task[None] | None = None

    def consider(self, seq: int) -> None:
        """The tables show the journal up to `seq`: take a snapshot if one is due and none is being taken."""
        if self._taken_seq is None:
            self._taken_seq = seq if self._plan.every_facts > seq else 0
        due = seq - self._taken_seq >= self._plan.every_facts
        due = due or time.monotonic() - self._taken_s >= self._plan.every_s
        if due and (self._taking is None or self._taking.done()):
            self._taken_seq, self._taken_s = seq, time.monotonic()
            self._taking = asyncio.create_task(self._take())

    async def close(self) -> None:
        """End a snapshot under way: it is only a cache."""
        if self._taking is not None:
            self._taking.cancel()
            await asyncio.gather(self._taking, return_exceptions=True)

    async def _take(self) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "overround.apps.snapshot",
            env={**os.environ, "OVERROUND_DATABASE_URL": self._dsn},
            stdin=asyncio.subprocess.DEVNULL,
        )
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        if code:
            log.error("no snapshot was taken: its process ended with code %d", code)


@asynccontextmanager
async def _woken(settings: Settings, stop: asyncio.Event) -> AsyncIterator[asyncio.Event]:
    """An event that every commit of the book sets, as far as NATS carries word of it; polling does the rest."""
    wake = asyncio.Event()
    client = await engines.connect_bus(settings, stop)
    if client is None:
        yield wake
        return

    async def hear(_: object) -> None:
        wake.set()

    await client.subscribe(f"{settings.cell}.facts", cb=hear)
    try:
        yield wake
    finally:
        await client.close()


async def _pause(stop: asyncio.Event, within_s: float) -> None:
    """Wait, but not when told to stop."""
    timer = asyncio.get_running_loop().call_later(within_s, (woken := asyncio.Event()).set)
    stopping = asyncio.create_task(stop.wait())
    stopping.add_done_callback(lambda _: woken.set())
    await woken.wait()
    timer.cancel()
    stopping.cancel()
