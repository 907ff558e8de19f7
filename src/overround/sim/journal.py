"""The journal in memory: a server that commits, and connections to it that break at every wrong moment.

What the server has committed stays, whole and in order. Everything else may go wrong: a commit that happens though its
writer was told nothing, or long after its writer gave up; a disk that is full; a server that hears nobody for a while.
"""

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Final, TypeVar

import msgspec

from overround.book.machine import Pending
from overround.host import TermOver
from overround.sim.loop import OUTSIDE, Process, VirtualLoop
from overround.sim.trace import Trace
from overround.sim.weather import Weather

T = TypeVar("T")

DEADLINE_S: Final = 3.0
TRIP_S: Final = 0.0004
LEASE_S: Final = 1.0

Committed = Callable[[str, int, Sequence[Pending]], None]


class Lease(msgspec.Struct):
    epoch: int = 0
    holder: str = ""
    until_s: float = 0.0


class JournalServer:
    """All rows, the lease and the snapshots."""

    def __init__(
        self, loop: VirtualLoop, *, weather: Weather, chance: Random, trace: Trace, committed: Committed
    ) -> None:
        self.rows: list[Pending] = []
        self.lease = Lease()
        self.snapshots: list[tuple[int, bytes]] = []
        self.weather = weather
        self.chance, self.trace = chance, trace
        self.loop = loop
        self._committed = committed
        self._deaf_until_s = 0.0
        self._full_until_s = 0.0

    def change(self, weather: Weather) -> None:
        """Another weather from now on; whatever goes wrong by itself is over."""
        self.weather = weather
        self._deaf_until_s = self._full_until_s = 0.0

    def freeze(self, seconds: float) -> None:
        """Hear nobody for a while; then answer everything that was asked."""
        self._deaf_until_s = self._time() + seconds
        self.trace.note("journal", "journal_freezes", f"{seconds:.3f}")

    def fill(self, seconds: float) -> None:
        """Refuse writes for a while: the disk is full."""
        self._full_until_s = self._time() + seconds
        self.trace.note("journal", "journal_is_full", f"{seconds:.3f}")

    def submit(self, work: Callable[[], T], answer: "asyncio.Future[T]") -> None:
        """Handle one statement of a connection: it takes a trip to arrive and one to answer."""
        self.later(TRIP_S * (0.5 + self.chance.random()), self._handle, work, answer)

    def later(self, delay_s: float, function: Callable[..., object], *args: object) -> None:
        self.loop.call_later(delay_s, function, *args, context=OUTSIDE)

    def _handle(self, work: Callable[[], T], answer: "asyncio.Future[T]") -> None:
        if self._time() < self._deaf_until_s:
            self.later(self._deaf_until_s - self._time() + TRIP_S, self._handle, work, answer)
            return
        if self.chance.random() < self.weather.lost_connection:
            settle(answer, TermOver("connection lost"))
            return
        try:
            result = work()
        except TermOver as over:
            settle(answer, over)
            return
        self.later(TRIP_S * self.chance.random(), settle, answer, result)

    def acquire(self, holder: str) -> int | None:
        """A new epoch where the lease is free, has run out, or is the holder's own."""
        lease = self.lease
        if lease.holder not in ("", holder) and self._time() < lease.until_s:
            return None
        lease.epoch, lease.holder, lease.until_s = lease.epoch + 1, holder, self._time() + LEASE_S
        self.trace.note("journal", "lease", lease.epoch, holder)
        return lease.epoch

    def renew(self, epoch: int) -> bool:
        if self.lease.epoch != epoch:
            return False
        self.lease.until_s = self._time() + LEASE_S
        return True

    def release(self, epoch: int) -> None:
        if self.lease.epoch == epoch:
            self.lease.holder, self.lease.until_s = "", 0.0

    def newest_snapshot(self) -> bytes | None:
        return self.snapshots[-1][1] if self.snapshots else None

    def append(self, writer: str, epoch: int, facts: Sequence[Pending]) -> None:
        """Commit, or raise TermOver and change nothing."""
        if self._time() < self._full_until_s:
            raise TermOver("no space left on device")
        if not self.fits(epoch, facts):
            self.trace.note("journal", "fenced", writer, epoch, facts[0].seq, "after", len(self.rows))
            raise TermOver("fenced: the journal went on without this writer")
        self.store(writer, epoch, facts)

    def fits(self, epoch: int, facts: Sequence[Pending]) -> bool:
        """Whether these facts come right after the last, from the newest writer (some worlds check only the first)."""
        if self.weather.epochs_checked and epoch != self.lease.epoch:
            return False
        return [fact.seq for fact in facts] == list(range(len(self.rows) + 1, len(self.rows) + 1 + len(facts)))

    def store(self, writer: str, epoch: int, facts: Sequence[Pending]) -> None:
        self.rows.extend(facts)
        for fact in facts:
            self.trace.note("journal", "commit", epoch, fact.seq, fact.at_us, fact.body.decode())
        self._committed(writer, epoch, facts)

    def _time(self) -> float:
        return self.loop.time()


def settle(answer: "asyncio.Future[T]", result: T | TermOver) -> None:
    """Give a connection its answer, if it still waits for one."""
    if answer.done():
        return
    if isinstance(result, TermOver):
        answer.set_exception(result)
    else:
        answer.set_result(result)


class Connection:
    """One process's way to the server. A deadline cuts it; what was asked may still happen."""

    def __init__(self, server: JournalServer, process: Process) -> None:
        self._server, self._process = server, process

    async def ask(self, work: Callable[[], T]) -> T:
        """Raises TermOver when the answer is lost or late; nothing leaves a dead process."""
        if self._process.dead:
            raise asyncio.CancelledError
        loop = self._server.loop
        answer: asyncio.Future[T] = loop.create_future()
        self._server.submit(work, answer)
        deadline = loop.call_later(DEADLINE_S, settle, answer, TermOver("deadline"))
        try:
            return await answer
        finally:
            deadline.cancel()


class SimJournal(Connection):
    """`host.JournalPort` for one process."""

    def __init__(self, server: JournalServer, process: Process) -> None:
        super().__init__(server, process)
        self._holder = process.name

    async def acquire(self, holder: str) -> int | None:
        return await self.ask(lambda: self._server.acquire(holder))

    async def renew(self, epoch: int) -> bool:
        return await self.ask(lambda: self._server.renew(epoch))

    async def release(self, epoch: int) -> None:
        await self.ask(lambda: self._server.release(epoch))

    async def snapshot(self) -> bytes | None:
        return await self.ask(self._server.newest_snapshot)

    async def read(self, after: int, limit: int) -> list[tuple[int, int, bytes]]:
        rows = await self.ask(lambda: self._server.rows[after : after + limit])
        return [(row.seq, row.at_us, row.body) for row in rows]

    async def open_writer(self, epoch: int, *, after: int) -> "SimWriter | None":
        if await self.ask(lambda: len(self._server.rows)) != after:
            return None
        return SimWriter(self._server, self._process, epoch)


class SimWriter(Connection):
    """`host.WriterPort`: dead after the first doubt."""

    def __init__(self, server: JournalServer, process: Process, epoch: int) -> None:
        super().__init__(server, process)
        self._epoch = epoch
        self._dead = False
        self._cut: asyncio.Future[None] | None = None

    async def append(self, facts: Sequence[Pending]) -> None:
        """Commit on the server, which goes on even when this process is dead or has given up."""
        if self._dead:
            raise TermOver("this writer is dead")
        self._dead = True
        server, facts = self._server, tuple(facts)
        if server.chance.random() < server.weather.slow_commit:
            await asyncio.sleep(server.weather.slow_s * server.chance.random())
        await self.ask(lambda: self._commit(facts))
        self._dead = False

    def _commit(self, facts: Sequence[Pending]) -> None:
        """On the server: a crash on either side of the commit looks the same to the writer."""
        server, chance = self._server, self._server.chance
        if chance.random() < server.weather.crashed_before_commit:
            server.trace.note("journal", "crashed_before_commit", self._epoch, facts[0].seq)
            if chance.random() < server.weather.committed_in_limbo:
                server.later(3 * chance.random() ** 3, self._commit_in_limbo, facts)
            raise TermOver("server crashed: outcome unknown")
        server.append(self._process.name, self._epoch, facts)
        if chance.random() < server.weather.crashed_after_commit:
            server.trace.note("journal", "crashed_after_commit", self._epoch, facts[-1].seq)
            raise TermOver("server crashed: outcome unknown")

    def _commit_in_limbo(self, facts: Sequence[Pending]) -> None:
        """The server had it all when the connection broke, and commits it now if it still fits."""
        fits = self._server.fits(self._epoch, facts)
        self._server.trace.note("journal", "committed_in_limbo" if fits else "fenced", self._epoch, facts[0].seq)
        if fits:
            self._server.store(self._process.name, self._epoch, facts)

    def cut(self) -> None:
        self._dead = True

    async def close(self) -> None:
        self._dead = True
