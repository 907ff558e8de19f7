"""The live view: everything on offer as it is now, folded from the facts that the book publishes.

Invariants: facts are folded in their order and none is left out; while that is in doubt the view says that it is stale,
and nobody is shown a price as live; it is live again only when it has read the journal to its end.

    bootstrap (tables, then the journal) ─► live ◄──────── caught up with the journal
                                             │                    ▲
                  a gap, NATS lost, silence  ▼                    │
                                           stale ──────────► catching up
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import msgspec

from overround.book.catalogue import CatalogueState
from overround.book.machine import Pending
from overround.edge.changes import CATALOGUE_KINDS, Change, Changes
from overround.host import Clock
from overround.projections import ExchangeOffer

SILENCE_S: Final = 3.0
"""How long the view may be unconfirmed: by facts heard in order, or by a look at the journal's end."""

LOOK_EVERY_S: Final = 1.0
READ_ROWS: Final = 5_000
MAX_HEARD: Final = 50_000
"""Facts kept while catching up; should there be more, all are dropped and read from the journal."""

AGAIN_S: Final = 0.5
LOOK_AGAIN_S: Final = 0.005
MAX_AHEAD: Final = 100_000
"""Nobody was told of a fact further ahead of the view than this: there is no waiting for one."""

log = logging.getLogger(__name__)


class Lost(Exception):
    """The journal cannot be read now."""


class Forked(Exception):
    """The journal ends before what was heard: a failover lost facts that nobody was told of. What the view folded may
    never have been, so the gateway ends and begins again from the journal as it is."""


class Fact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A row of the journal."""

    seq: int
    at_us: int
    kind: str
    body: str | bytes


class JournalPort(Protocol):
    """Where the view reads what it missed."""

    async def base(self) -> tuple[int, CatalogueState]:
        """The catalogue as the tables have it, and the sequence that they show. Raises Lost."""

    async def read(self, after: int, limit: int) -> Sequence[Fact]:
        """The next facts after a sequence. Raises Lost."""

    async def exchange(self, *, closed_for_us: int) -> ExchangeOffer:
        """The exchange as the tables have it, with markets settled less long ago than that. Raises Lost."""

    async def before(self, at_us: int) -> int:
        """The sequence of the last fact before an instant, or of one not long before it. Raises Lost."""

    async def read_kinds(self, kinds: Sequence[str], after: int, upto: int, limit: int) -> Sequence[Fact]:
        """The next facts of some kinds after a sequence and up to another. Raises Lost."""

    async def head(self) -> int:
        """The last sequence. Raises Lost."""

    async def identity(self) -> str:
        """Which journal it is: no other house's is the same. Raises Lost."""


class Listener(Protocol):
    """Whoever wants to know what changes."""

    def changed(self, changes: Sequence[Change]) -> None: ...

    def event_changed(self, seq: int, event_id: int) -> None: ...

    def fact(self, seq: int, at_us: int, kind: str, body: str | bytes) -> None:
        """A fact of one of the kinds in `kinds`, in its order."""

    def stale(self) -> None: ...

    def live(self) -> None: ...

    kinds: frozenset[str]


class Follower(Protocol):
    """Another view that is folded beside this one, from the facts of its own kinds."""

    kinds: frozenset[str]

    async def begin(self, journal: JournalPort, seq: int) -> None:
        """Be as of a sequence: read what there was up to it. Raises Lost."""

    def fact(self, seq: int, at_us: int, kind: str, body: str | bytes) -> None:
        """A fact of one of its kinds, in its order."""

    def told(self, seq: int) -> None:
        """All its facts up to here were told."""

    def stale(self) -> None: ...

    def live(self) -> None: ...


class Live:
    """The view and how far it is. `connected` says whether facts can be heard at all."""

    def __init__(self, journal: JournalPort, *, clock: Clock, connected: Callable[[], bool]) -> None:
        self.state = CatalogueState()
        self.changes = Changes(self.state)
        self.seq = 0
        self.is_stale = True
        self.stale_since_us = clock.now_us()
        self.built = False
        self.listener: Listener | None = None
        self._followers: list[Follower] = []
        self._followed: dict[str, Follower] = {}
        self._journal, self._clock, self._connected = journal, clock, connected
        self._confirmed_s = clock.monotonic()
        self._seen_head = 0
        self._heard: list[Pending] = []
        self._catching_up = True
        self._wake = asyncio.Event()

    def follow(self, follower: Follower) -> None:
        """Before anything is heard: fold another view beside this one."""
        self._followers.append(follower)
        self._followed.update(dict.fromkeys(follower.kinds, follower))

    # What the bus says.

    def hear(self, facts: list[Pending]) -> None:
        """Facts from the bus, in the order of the book that sent them."""
        if self._catching_up:
            self._heard += facts
            if len(self._heard) > MAX_HEARD:
                self._heard.clear()
        elif facts[0].seq == self.seq + 1 and facts[-1].seq == self.seq + len(facts):
            self._fold(facts)
        else:
            self._hear_out_of_order(facts)

    def _hear_out_of_order(self, facts: list[Pending]) -> None:
        """Some are known already, or some are missing: then the journal is read."""
        fresh = [fact for fact in facts if fact.seq > self.seq]
        if not fresh:
            return
        if fresh[0].seq == self.seq + 1 and fresh[-1].seq == self.seq + len(fresh):
            self._fold(fresh)
            return
        self._heard += fresh
        self.doubt(f"facts {self.seq + 1} to {fresh[0].seq - 1} were not heard")

    def doubt(self, why: str) -> None:
        """From now on the view is stale, until the journal was read to its end."""
        if not self._catching_up:
            log.warning("live view is stale: %s", why, extra={"seq": self.seq})
            self._catching_up = True
            self._wake.set()
        if not self.is_stale:
            self.is_stale = True
            self.stale_since_us = self._clock.now_us()
            if self.listener is not None:
                self.listener.stale()
            for follower in self._followers:
                follower.stale()

    def _fold(self, facts: Sequence[Pending | Fact]) -> None:
        listener = self.listener
        kinds = listener.kinds if listener is not None else NO_KINDS
        for fact in facts:
            if fact.kind in CATALOGUE_KINDS:
                changes, event_id = self.changes.fold(fact.seq, fact.at_us, fact.body)
                if listener is not None and (changes or event_id):
                    self._tell(listener, fact.seq, changes, event_id)
            if fact.kind in self._followed:
                self._followed[fact.kind].fact(fact.seq, fact.at_us, fact.kind, fact.body)
            if fact.kind in kinds and listener is not None:
                listener.fact(fact.seq, fact.at_us, fact.kind, fact.body)
        self.seq = facts[-1].seq
        for follower in self._followers:
            follower.told(self.seq)
        self._confirmed_s = self._clock.monotonic()

    def _tell(self, listener: Listener, seq: int, changes: Sequence[Change], event_id: int) -> None:
        if changes:
            listener.changed(changes)
        if event_id:
            listener.event_changed(seq, event_id)

    async def wait_for(self, seq: int, *, within_s: float = 2.0) -> bool:
        """Until the view has a sequence; False where that takes longer, or cannot be."""
        if seq > self.seq + MAX_AHEAD:
            return False
        due_s = self._clock.monotonic() + within_s
        while self.seq < seq:
            if self._clock.monotonic() >= due_s:
                return False
            await asyncio.sleep(LOOK_AGAIN_S)
        return True

    # Staying true.

    async def build(self) -> None:
        """The first picture: the tables, then the journal to its end. Tries until it succeeds."""
        while not self.built:
            try:
                self.seq, self.state = await self._journal.base()
                self.changes = Changes(self.state, self.seq)
                for follower in self._followers:
                    await follower.begin(self._journal, self.seq)
                await self._catch_up()
                self.built = True
            except Lost as lost:
                log.warning("the live view cannot be built yet: %s", lost)
                await asyncio.sleep(AGAIN_S)

    async def keep(self) -> None:
        """For ever: look at the journal's end, notice silence, and catch up when in doubt. Raises Forked."""
        await self.build()
        while True:
            if self._catching_up:
                await self._try(self._catch_up)
            else:
                await self._try(self._look)
            await self._pause(AGAIN_S if self._catching_up else LOOK_EVERY_S)

    async def _try(self, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except Lost as lost:
            log.info("the journal cannot be read: %s", lost)
        if not self._connected():
            self.doubt("NATS is not connected")
        elif self._clock.monotonic() - self._confirmed_s > SILENCE_S:
            self.doubt("nothing was confirmed for too long")

    async def _look(self) -> None:
        """What the journal had at the last look must have been heard by now."""
        known = self.seq
        head = await self._journal.head()
        if head < known:
            raise Forked(f"the journal ends at {head}, heard up to {known}")
        if self.seq < self._seen_head:
            self.doubt(f"the journal had {self._seen_head}, heard up to {self.seq}")
        else:
            self._confirmed_s = self._clock.monotonic()
        self._seen_head = head

    async def _catch_up(self) -> None:
        """Read the journal to its end, then fold what was heard meanwhile; live when nothing is missing between."""
        while True:
            before = self.seq
            while rows := await self._journal.read(self.seq, READ_ROWS):
                self._fold(rows)
                await asyncio.sleep(0)
            if self._fold_heard():
                break
            if self.seq == before:
                return  # what was heard is not in the journal yet: look again in a while
        self._confirmed_s, self._seen_head = self._clock.monotonic(), self.seq
        if self._connected():
            self._catching_up = self.is_stale = False
            log.info("live view is live", extra={"seq": self.seq})
            if self.listener is not None:
                self.listener.live()
            for follower in self._followers:
                follower.live()

    def _fold_heard(self) -> bool:
        """Whether what was heard while catching up goes on where the journal ended."""
        heard, self._heard = [fact for fact in self._heard if fact.seq > self.seq], []
        if not heard:
            return True
        if heard[0].seq != self.seq + 1 or heard[-1].seq != self.seq + len(heard):
            return False
        self._fold(heard)
        return True

    async def _pause(self, seconds: float) -> None:
        timer = asyncio.get_running_loop().call_later(seconds, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()
            self._wake.clear()


NO_KINDS: Final[frozenset[str]] = frozenset()
