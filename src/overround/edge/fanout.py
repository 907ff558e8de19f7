"""From one change to a thousand readers: clients that ask for the same conflation are told at the same moment, so a
change is merged, encoded and framed once; for each of them there is a list append and one write.

A client that does not read is written nothing more: its markets are remembered as dirty, a set that cannot grow beyond
what it subscribed to, and when there is room again it gets the newest image of each.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from overround.edge.changes import Change, merged
from overround.edge.wire import frame

MERGE_AT: Final = 64
"""Changes of one market that may wait unmerged."""


class Reader(Protocol):
    """A client as the fan-out sees it."""

    @property
    def is_full(self) -> bool: ...

    dirty: set[int]
    out: list[bytes]

    def send(self, frames: bytes) -> None: ...


class Group:
    """All clients of one conflation interval, by market."""

    def __init__(self, interval_s: float, *, held: Callable[[], bool]) -> None:
        self.watchers: dict[int, dict[Reader, None]] = {}
        self._interval_s = interval_s
        self._held = held
        self._pending: dict[int, list[Change]] = {}
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        self._flushed_s = 0.0

    def watch(self, market_id: int, reader: Reader) -> None:
        self.watchers.setdefault(market_id, {})[reader] = None

    def forget(self, market_id: int, reader: Reader) -> None:
        watching = self.watchers.get(market_id)
        if watching is not None:
            watching.pop(reader, None)
            if not watching:
                del self.watchers[market_id]
                self._pending.pop(market_id, None)

    def changed(self, change: Change) -> None:
        """Something to tell, at the next flush: at once after a quiet interval, else when the interval is over."""
        if change.market_id not in self.watchers:
            return
        waiting = self._pending.setdefault(change.market_id, [])
        waiting.append(change)
        if len(waiting) >= MERGE_AT:
            waiting[:] = [merged(waiting)]
        if self._timer is None:
            loop = asyncio.get_running_loop()
            left_s = self._flushed_s + self._interval_s - loop.time()
            self._timer = loop.call_later(left_s, self.flush) if left_s > 0 else loop.call_soon(self.flush)

    def flush(self) -> None:
        """Tell everybody what waits, in the order of the changes: whatever part of it arrives, everything up to the
        last sequence received was told. Nothing is told while the view is stale."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._pending or self._held():
            return
        self._flushed_s = asyncio.get_running_loop().time()
        pending, self._pending = self._pending, {}
        told: dict[Reader, None] = {}
        for change in sorted(map(merged, pending.values()), key=_seq):
            frames = frame(change.json)
            for reader in self.watchers.get(change.market_id, ()):
                if reader.is_full:
                    reader.dirty.add(change.market_id)
                else:
                    reader.out.append(frames)
                    told[reader] = None
        write(told)


def write(readers: Iterable[Reader]) -> None:
    """One write for each."""
    for reader in readers:
        out = reader.out
        reader.send(out[0] if len(out) == 1 else b"".join(out))
        out.clear()


def _seq(change: Change) -> int:
    return change.seq
