"""A book's term: follow the journal, take the lease, write, answer; until the first doubt, then from the beginning."""

import asyncio
import logging
from bisect import bisect_left
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from overround.book.machine import (
    Answer,
    Machine,
    Parcel,
    Reply,
    State,
    TermBegan,
    decode_fact,
    decode_snapshot,
    empty,
    fold,
    open_parcel,
)
from overround.host.ports import Bus, Clock, JournalPort, TermOver, WriterPort
from overround.host.watch import Watch
from overround.kernel.refusal import Refused

log = logging.getLogger(__name__)

READ_LIMIT: Final = 10_000
OVERLOADED = Refused("overloaded")
REQUEST_INVALID = Refused("request_invalid")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much may wait, and how long. Times in seconds."""

    waiting_facts: int = 10_000
    waiting_steps: int = 2
    lease_s: float = 1.0
    renew_s: float = 0.25
    poll_s: float = 0.1


INSIDE_MS: Final = (0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30, 50, 75, 100, 200, 500, 1_000)
"""Upper bounds of the buckets in which the time inside the book is counted, in milliseconds; one more for the rest."""


class TermStats(msgspec.Struct):
    """Counters since the process began; the process turns them into metrics. `inside` counts requests by the time from
    their arrival to the commit of what they led to, in the buckets of INSIDE_MS."""

    requests: int = 0
    facts: int = 0
    commits: int = 0
    overloaded: int = 0
    terms: int = 0
    commit_s: float = 0.0
    inside: list[int] = msgspec.field(default_factory=lambda: [0] * (len(INSIDE_MS) + 1))


class Term:
    """One book process, active or following. `run` goes from term to term until `stop` is called."""

    def __init__(
        self,
        *,
        name: str,
        journal: JournalPort,
        bus: Bus,
        clock: Clock,
        limits: Limits | None = None,
        prepare: Callable[[], None] = lambda: None,
        machine: type[Machine] = Machine,
    ) -> None:
        self.name = name
        self.stats = TermStats()
        self.active = False
        self.machine = machine()
        self._journal, self._bus, self._clock = journal, bus, clock
        self._limits = limits or Limits()
        self._prepare = prepare
        self._new_machine = machine
        self._stopping = False
        self._over = asyncio.Event()
        self._arrived, self._work = asyncio.Event(), asyncio.Event()
        self._inbox: deque[tuple[str, list[Parcel], float]] = deque()
        self._answers: list[tuple[str, list[Reply], float]] = []
        self._lease_until = 0.0
        self._writer: WriterPort | None = None
        self._watch = Watch(clock, not_before_us=0)

    def stop(self) -> None:
        """End the present term after its commit, release the lease, and return from `run`."""
        self._stopping = True
        self._end()

    async def run(self) -> None:
        """Follow and serve, term after term. What ends many terms in a row is said once."""
        said = ("", 0)
        while not self._stopping:
            self._over, self._arrived, self._work = asyncio.Event(), asyncio.Event(), asyncio.Event()
            self._inbox.clear()
            self._answers = []
            try:
                await self._one_term()
            except TermOver as over:
                if said != (said := (str(over), self.stats.terms)):
                    log.warning("term over: %s", over, extra={"holder": self.name})
                await asyncio.sleep(self._limits.poll_s)

    async def _one_term(self) -> None:
        state = await self._recover()
        epoch = await self._follow(state)
        if epoch is None:
            return
        self._writer = await self._journal.open_writer(epoch, after=state.seq)
        if self._writer is None:
            raise TermOver("the journal went on while the lease was taken")
        self.machine = self._new_machine(state)
        self._watch = Watch(self._clock, not_before_us=state.at_us)
        self.stats.terms += 1
        try:
            await self._serve(epoch, self._writer)
        finally:
            self.active = False
            await self._writer.close()
            await self._journal.release(epoch)

    async def _recover(self) -> State:
        """The newest snapshot and what came after it."""
        body = await self._journal.snapshot()
        state = decode_snapshot(body) if body is not None else empty()
        await self._catch_up(state)
        self._prepare()
        return state

    async def _catch_up(self, state: State) -> None:
        rows = await self._journal.read(state.seq, READ_LIMIT)
        while rows:
            ahead = asyncio.create_task(self._journal.read(state.seq + len(rows), READ_LIMIT))
            await asyncio.sleep(0)  # what comes next is on its way while this is folded
            try:
                for seq, at_us, body in rows:
                    if seq != state.seq + 1:
                        raise TermOver(f"the journal has {seq} after {state.seq}")
                    fold(state, decode_fact(body), at_us)
                rows = await ahead
            finally:
                ahead.cancel()  # where this has failed; it only reads

    async def _follow(self, state: State) -> int | None:
        """Fold what others write until the lease is ours; None when told to stop first."""
        while not self._stopping:
            asked_at = self._clock.monotonic()
            epoch = await self._journal.acquire(self.name)
            await self._catch_up(state)
            if epoch is not None:
                self._lease_until = asked_at + self._limits.lease_s
                return epoch
            await asyncio.sleep(self._limits.poll_s)
        return None

    async def _serve(self, epoch: int, writer: WriterPort) -> None:
        """Write that the term began (which fences every earlier writer), then take requests until it is over."""
        self._check_lease()
        self.machine.record(TermBegan(epoch=epoch, holder=self.name), self._watch.now_us())
        began = self.machine.drain()
        await writer.append(began)
        await self._bus.publish(began)
        self.active = True
        log.info("term began", extra={"epoch": epoch, "seq": self.machine.state.seq, "holder": self.name})
        unserve = await self._bus.serve(self._take)
        loops = [
            asyncio.create_task(self._guard(loop))
            for loop in (self._decide, lambda: self._commit(writer), self._advance, lambda: self._renew(epoch))
        ]
        await self._over.wait()
        await unserve()
        endings = await asyncio.gather(*loops)
        for ending in endings:
            if ending is not None:
                raise ending

    async def _guard(self, loop: Callable[[], Awaitable[None]]) -> TermOver | None:
        """Run a loop of the term; when it ends, for whatever reason, the others end too.

        After a surprise (a bug, a fact that the ledger refuses) memory is not to be trusted: the pen is taken away
        before anything more is written, and the process ends with the surprise.
        """
        surprised = True
        try:
            await loop()
            surprised = False
        except TermOver as over:
            surprised = False
            return over
        finally:
            if surprised and self._writer is not None:
                self._writer.cut()
            self._end()
        return None

    def _end(self) -> None:
        self._over.set()
        self._arrived.set()
        self._work.set()

    def _take(self, reply_to: str, parcels: list[Parcel]) -> None:
        """Requests arrived. They are decided in a loop of the term, where a surprise ends it."""
        if not self._over.is_set():
            self._inbox.append((reply_to, parcels, self._clock.monotonic()))
            self._arrived.set()

    async def _decide(self) -> None:
        """Decide what arrived, also while a commit is under way. Answers wait for the commit of what they stand on."""
        while not self._over.is_set():
            await self._arrived.wait()
            self._arrived.clear()
            while self._inbox:
                reply_to, parcels, arrived_at = self._inbox.popleft()
                now_us = self._watch.now_us()
                self.stats.requests += len(parcels)
                replies = [Reply(parcel.number, self._answer(parcel, now_us)) for parcel in parcels]
                self._answers.append((reply_to, replies, arrived_at))
            self._work.set()

    def _answer(self, parcel: Parcel, now_us: int) -> Answer:
        if len(self.machine.outbox) >= self._limits.waiting_facts:
            self.stats.overloaded += 1
            return OVERLOADED
        try:
            request = open_parcel(parcel)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return REQUEST_INVALID
        return self.machine.execute(request, now_us)

    async def _commit(self, writer: WriterPort) -> None:
        """Group commit: whatever was decided while the last commit was under way is the next one. Then tell."""
        while True:
            await self._work.wait()
            self._work.clear()
            facts, answers = self.machine.drain(), self._answers
            self._answers = []
            self._check_lease()
            if facts:
                began = self._clock.monotonic()
                await writer.append(facts)
                self.stats.commit_s += self._clock.monotonic() - began
                self.stats.commits += 1
                self.stats.facts += len(facts)
            committed_at = self._clock.monotonic()
            for reply_to, replies, arrived_at in answers:
                self.stats.inside[bisect_left(INSIDE_MS, 1_000 * (committed_at - arrived_at))] += len(replies)
                await self._bus.reply(reply_to, replies)
            if facts:
                await self._bus.publish(facts)
            if self._over.is_set():
                return

    def _check_lease(self) -> None:
        """Nothing is written or said once another may hold the lease."""
        if self._clock.monotonic() >= self._lease_until:
            raise TermOver("the lease ran out")

    async def _advance(self) -> None:
        """What is due by itself: delays that end and feeds that fall silent, however much there is to do; settlement
        step by step, as the commits keep up, and with as much time between steps as they take."""
        while not self._over.is_set():
            now_us = self._watch.now_us()
            if self.machine.run_timers(now_us):
                self._work.set()
            due_us = self.machine.next_due_us()
            if due_us is None or due_us > now_us:
                wait_s = self._limits.poll_s if due_us is None else (due_us - now_us) / 1e6
                await asyncio.sleep(min(wait_s, self._limits.poll_s))
            elif len(self.machine.outbox) >= self._limits.waiting_steps:
                await asyncio.sleep(0.001)
            else:
                began = self._clock.monotonic()
                self.machine.advance(now_us)
                self._work.set()
                await asyncio.sleep(self._clock.monotonic() - began)

    async def _renew(self, epoch: int) -> None:
        """Keep the lease. In doubt the connection is cut, so that nothing more is written under it."""
        while not self._over.is_set():
            asked_at = self._clock.monotonic()
            if not await self._journal.renew(epoch):
                if self._writer is not None:
                    self._writer.cut()
                raise TermOver("the lease is lost")
            self._lease_until = asked_at + self._limits.lease_s
            await asyncio.sleep(self._limits.renew_s)
