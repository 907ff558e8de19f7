"""What the host needs from outside: a journal, a bus, a clock. The simulation has its own of each."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from overround.book.machine import Parcel, Pending, Reply


class TermOver(Exception):
    """This term has ended: the lease is lost, a writer with a newer epoch was here, or a commit's outcome is unknown.

    Whatever is in memory may not be what is in the journal, so it is dropped.
    """


class WriterPort(Protocol):
    """The only pen. Dead after the first exception."""

    async def append(self, facts: Sequence[Pending]) -> None:
        """Commit these facts, whole, right after the last. Raises TermOver when that failed or cannot be known."""

    def cut(self) -> None:
        """Cut the connection now. A commit under way is then unknown; it is never cancelled."""

    async def close(self) -> None: ...


class JournalPort(Protocol):
    """The journal as a book sees it."""

    async def acquire(self, holder: str) -> int | None:
        """Take the lease if it is free: the new epoch, or None."""

    async def renew(self, epoch: int) -> bool:
        """Keep the lease for another `lease_us`. False where it is not ours any more."""

    async def release(self, epoch: int) -> None: ...

    async def snapshot(self) -> bytes | None:
        """The newest snapshot of the machine's format, if there is one."""

    async def read(self, after: int, limit: int) -> Sequence[tuple[int, int, bytes | str]]:
        """The next facts after a sequence number, as (seq, at_us, body). Empty at the end."""

    async def open_writer(self, epoch: int, *, after: int) -> WriterPort | None:
        """The pen, to write after this sequence number. None where the journal already goes further."""


Serve = Callable[[str, list[Parcel]], None]


class Bus(Protocol):
    """Messages that may be lost, repeated or late. What must not be lost is in the journal."""

    async def serve(self, handler: Serve) -> Callable[[], Awaitable[None]]:
        """Hand requests to `handler(reply_to, parcels)` from now on. Call what is returned to stop."""

    async def reply(self, reply_to: str, replies: list[Reply]) -> None: ...

    async def publish(self, facts: Sequence[Pending]) -> None:
        """Tell everyone what was committed."""

    async def listen(self, handler: Callable[[list[Pending]], None]) -> Callable[[], Awaitable[None]]:
        """Hear what is committed from now on. Call what is returned to stop."""

    async def ask(self, parcels: list[Parcel]) -> None:
        """Send requests to whichever book is active. Answers come to the handler of `answers`."""

    async def answers(self, handler: Callable[[list[Reply]], None]) -> Callable[[], Awaitable[None]]:
        """Hear the answers to what this end asks."""


class Clock(Protocol):
    """Time, from outside."""

    def now_us(self) -> int:
        """Microseconds since the Unix epoch."""

    def monotonic(self) -> float:
        """Seconds that never run backwards and go on while the process is frozen."""
