"""The desk: where edges and feeds ask the book.

Messages are gathered as commits are: while something is under way, what is asked waits for the next answer (or for
`GATHER_S`) and goes out together; when nothing is, it goes at once. So one message carries one request when it is calm
and many when it is not.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from overround.book.machine import Answer, Parcel, Reply, pack
from overround.book.machine.commands import Command
from overround.host.ports import Bus

RETRY_S: Final = 0.5
GATHER_S: Final = 0.002
PARCELS_PER_MESSAGE: Final = 200


class NoAnswer(Exception):
    """No answer within the deadline. The outcome is unknown: ask again with the same key."""


class Overloaded(Exception):
    """Too much waits already. Nothing was sent."""


class _Waiter(Protocol):
    """Whoever waits for one answer."""

    def done(self) -> bool: ...

    def set_result(self, answer: Answer, /) -> None: ...

    def set_exception(self, failure: NoAnswer, /) -> None: ...


class _Batch:
    """Waits for many answers at once; one that never comes is None in its place."""

    __slots__ = ("answers", "future", "left")

    def __init__(self, size: int, future: "asyncio.Future[list[Answer | None]]") -> None:
        self.answers: list[Answer | None] = [None] * size
        self.left = size
        self.future = future

    def took(self) -> None:
        self.left -= 1
        if not self.left and not self.future.done():
            self.future.set_result(self.answers)


class _Place:
    """One place in a batch."""

    __slots__ = ("_batch", "_index")

    def __init__(self, batch: _Batch, index: int) -> None:
        self._batch, self._index = batch, index

    def done(self) -> bool:
        return self._batch.future.done()

    def set_result(self, answer: Answer) -> None:
        self._batch.answers[self._index] = answer
        self._batch.took()

    def set_exception(self, failure: NoAnswer) -> None:  # noqa: ARG002  # the place stays None
        self._batch.took()


class Desk:
    """Ask and wait. A request that is not answered is sent again, the same in every byte, so it has one effect."""

    def __init__(self, bus: Bus, *, deadline_s: float = 10.0, capacity: int = 8_192) -> None:
        self._bus = bus
        self._deadline_s = deadline_s
        self._capacity = capacity
        self._waiting: dict[int, tuple[_Waiter, Parcel, float]] = {}
        self._outgoing: list[Parcel] = []
        self._number = 0
        self._gathering: asyncio.TimerHandle | None = None
        self._sending: asyncio.Task[None] | None = None
        self._retrying: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to hear answers."""
        self._loop = asyncio.get_running_loop()
        self._close = await self._bus.answers(self._hear)
        self._retrying = asyncio.create_task(self._retry())

    async def close(self) -> None:
        """Stop. Whoever still waits gets NoAnswer, whoever comes now Overloaded."""
        self._capacity = 0
        if self._retrying is not None:
            self._retrying.cancel()
        if self._gathering is not None:
            self._gathering.cancel()
        await self._close()
        for number in list(self._waiting):
            self._fail(number)

    @property
    def waiting(self) -> int:
        """How many requests have no answer yet."""
        return len(self._waiting)

    def ask(self, command: Command, *, actor: int, key: str = "") -> "asyncio.Future[Answer]":
        """Send a command (with its key) or a query. Raises Overloaded; the future may raise NoAnswer."""
        if len(self._waiting) >= self._capacity:
            raise Overloaded
        self._number += 1
        parcel = pack(self._number, actor=actor, key=key, command=command)
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting[parcel.number] = (answer, parcel, self._loop.time())
        self._send(parcel)
        return answer

    def ask_many(self, requests: Sequence[tuple[Command, str]], *, actor: int) -> "asyncio.Future[list[Answer | None]]":
        """Send commands with their keys, all or none. None stands where no answer came within the deadline: that
        outcome is unknown. Raises Overloaded."""
        if len(self._waiting) + len(requests) > self._capacity:
            raise Overloaded
        future: asyncio.Future[list[Answer | None]] = self._loop.create_future()
        batch, now = _Batch(len(requests), future), self._loop.time()
        for index, (command, key) in enumerate(requests):
            self._number += 1
            parcel = pack(self._number, actor=actor, key=key, command=command)
            self._waiting[parcel.number] = (_Place(batch, index), parcel, now)
            self._send(parcel)
        if not requests:
            future.set_result([])
        return future

    def _send(self, parcel: Parcel) -> None:
        self._outgoing.append(parcel)
        if len(self._outgoing) == len(self._waiting):
            self._flush_soon()
        elif self._gathering is None:
            self._gathering = self._loop.call_later(GATHER_S, self._flush_soon)

    def _flush_soon(self) -> None:
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        if self._outgoing and (self._sending is None or self._sending.done()):
            self._sending = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        while self._outgoing:
            parcels = self._outgoing[:PARCELS_PER_MESSAGE]
            del self._outgoing[:PARCELS_PER_MESSAGE]
            await self._bus.ask(parcels)

    def _hear(self, replies: list[Reply]) -> None:
        waiting = self._waiting
        for reply in replies:
            entry = waiting.pop(reply.number, None)
            if entry is not None and not entry[0].done():
                entry[0].set_result(reply.answer)
        self._flush_soon()

    async def _retry(self) -> None:
        """Send again what has no answer; give up on what is past its deadline or abandoned."""
        while True:
            await asyncio.sleep(RETRY_S)
            now = self._loop.time()
            for number, (answer, parcel, asked_at) in list(self._waiting.items()):
                if answer.done() or now - asked_at >= self._deadline_s:
                    self._fail(number)
                elif now - asked_at >= RETRY_S:
                    self._send(parcel)

    def _fail(self, number: int) -> None:
        answer, _, _ = self._waiting.pop(number)
        if not answer.done():
            answer.set_exception(NoAnswer())
