"""The book process: a term over the journal in PostgreSQL and the bus on NATS."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
from nats.aio.client import Client

from overround import journal
from overround.apps import engines
from overround.apps.roles import settle_memory
from overround.apps.settings import Settings
from overround.book.catalogue import EventStatus
from overround.book.machine import FORMAT, Pending
from overround.host import Limits, Term, TermOver
from overround.host.nats_bus import NatsBus

if TYPE_CHECKING:
    from overround.journal.connection import Connection

log = logging.getLogger(__name__)

STATUS_EVERY_S = 1.0


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What a book says of itself each second on `<cell>.status`. Times in milliseconds; `inside` as in TermStats."""

    name: str
    active: bool
    seq: int
    bets: int
    customers: int
    in_play: int
    settling: int
    requests: int
    facts: int
    commits: int
    commit_ms: float
    overloaded: int
    terms: int
    inside: tuple[int, ...] = ()


class SystemClock:
    """Time from the kernel. CLOCK_MONOTONIC goes on while a process is frozen."""

    def now_us(self) -> int:
        return time.time_ns() // 1_000

    def monotonic(self) -> float:
        return time.monotonic()


class PostgresWriter:
    """The pen of one epoch."""

    def __init__(self, writer: journal.Journal) -> None:
        self._writer = writer

    async def append(self, facts: Sequence[Pending]) -> None:
        try:
            await self._writer.append([(fact.at_us, fact.kind, fact.body) for fact in facts])
        except (journal.Fenced, journal.OutcomeUnknown) as over:
            raise TermOver(f"{type(over).__name__}: {over}") from over

    def cut(self) -> None:
        self._writer.cut()

    async def close(self) -> None:
        await self._writer.close()


class PostgresJournal:
    """The journal as a book sees it: a connection for the lease, one for reading, and one for each pen."""

    def __init__(self, dsn: str, *, lease_s: float) -> None:
        self._dsn, self._lease_s = dsn, lease_s
        self._lease: Connection | None = None
        self._reader: Connection | None = None

    async def acquire(self, holder: str) -> int | None:
        async with self._on_lease() as connection:
            return await journal.acquire(connection, holder, self._lease_s)
        raise AssertionError

    async def renew(self, epoch: int) -> bool:
        try:
            async with self._on_lease() as connection:
                return await journal.renew(connection, epoch, self._lease_s)
        except TermOver:
            return False
        raise AssertionError

    async def release(self, epoch: int) -> None:
        try:
            async with self._on_lease() as connection:
                await journal.release(connection, epoch)
        except TermOver:
            log.warning("the lease could not be released; it will run out")

    async def snapshot(self) -> bytes | None:
        async with self._on_reader(afresh=True) as connection:
            found = await journal.latest(connection, format=FORMAT)
            return found.body if found is not None else None
        raise AssertionError

    async def read(self, after: int, limit: int) -> Sequence[tuple[int, int, bytes | str]]:
        async with self._on_reader() as connection:
            rows = await journal.read(connection, after, limit)
            return [(row.seq, row.at_us, row.body) for row in rows]
        raise AssertionError

    async def open_writer(self, epoch: int, *, after: int) -> PostgresWriter | None:
        async with self._on_reader() as connection:
            head = await journal.head(connection)
            if head.seq != after:
                return None
            return PostgresWriter(await journal.Journal.open(self._dsn, epoch=epoch, head=head))
        raise AssertionError

    async def close(self) -> None:
        for connection in (self._lease, self._reader):
            if connection is not None:
                connection.terminate()

    @asynccontextmanager
    async def _on_lease(self) -> AsyncIterator["Connection"]:
        """A connection whose statements get an answer within the lease, or are cut off."""
        try:
            if self._lease is None or self._lease.is_closed():
                self._lease = await journal.connect_for_lease(self._dsn, lease_s=self._lease_s)
            with journal.cut_after(self._lease, self._lease_s):
                yield self._lease
        except journal.LOST as lost:
            raise TermOver(f"the lease cannot be asked for: {type(lost).__name__}: {lost}") from lost

    @asynccontextmanager
    async def _on_reader(self, *, afresh: bool = False) -> AsyncIterator["Connection"]:
        """A new connection may lead to another server, whose journal need not contain what was read from the last one.
        So it may only begin a recovery (`afresh`), never go on with one."""
        try:
            if self._reader is None or self._reader.is_closed():
                if not afresh:
                    raise TermOver("the connection to the journal was lost")
                self._reader = await journal.connect(self._dsn)
            yield self._reader
        except (*journal.LOST, journal.Fenced, journal.Forked, journal.NotDurable) as lost:
            raise TermOver(f"the journal cannot be read: {type(lost).__name__}: {lost}") from lost


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Be a book, following or active, until told to stop."""
    client = await engines.connect_bus(settings, stop)
    if client is None:
        return
    events = PostgresJournal(settings.dsn, lease_s=settings.lease_s)
    term = Term(
        name=settings.name,
        journal=events,
        bus=NatsBus(client, cell=settings.cell),
        clock=SystemClock(),
        limits=Limits(lease_s=settings.lease_s, renew_s=settings.lease_s / 4),
        prepare=settle_memory,
    )
    telling = asyncio.create_task(_tell(term, client, settings.cell))
    ending = asyncio.create_task(_end_with(term, stop))
    try:
        await term.run()
    finally:
        telling.cancel()
        ending.cancel()
        await events.close()
        await client.close()


async def _end_with(term: Term, stop: asyncio.Event) -> None:
    await stop.wait()
    term.stop()


async def _tell(term: Term, client: Client, cell: str) -> None:
    """Say how it goes, once a second, to whoever listens."""
    while True:
        await asyncio.sleep(STATUS_EVERY_S)
        if client.is_connected:
            await client.publish(f"{cell}.status", msgspec.json.encode(status_of(term)))


def status_of(term: Term) -> Status:
    """How a term stands now."""
    state, stats = term.machine.state, term.stats
    in_play = sum(event.status is EventStatus.IN_PLAY for event in state.catalogue.events.values())
    return Status(
        name=term.name,
        active=term.active,
        seq=state.seq,
        bets=len(state.bets.bets),
        customers=state.ledger.customers,
        in_play=in_play,
        settling=len(state.settlement.settling),
        requests=stats.requests,
        facts=stats.facts,
        commits=stats.commits,
        commit_ms=1_000 * stats.commit_s / stats.commits if stats.commits else 0.0,
        overloaded=stats.overloaded,
        terms=stats.terms,
        inside=tuple(stats.inside),
    )
