"""The bus in memory: messages as bytes, that are lost, repeated, late, overtaken, or stopped at a cut."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context, copy_context
from random import Random
from typing import Any

import msgspec

from overround.book.machine import (
    Parcel,
    Pending,
    Reply,
    decode_parcels,
    decode_replies,
    encode_parcels,
    encode_replies,
)
from overround.host.ports import Serve
from overround.sim.loop import OUTSIDE, Process, VirtualLoop
from overround.sim.trace import Trace
from overround.sim.weather import Weather

TRIP_S = 0.0003

Handler = Callable[[Any], None]


class Network:
    """Carries messages between the ends that are attached to it."""

    def __init__(self, loop: VirtualLoop, *, weather: Weather, chance: Random, trace: Trace) -> None:
        self.loop = loop
        self.ends: dict[str, SimBus] = {}
        self._weather, self._chance, self._trace = weather, chance, trace
        self._cut: dict[str, None] = {}

    def change(self, weather: Weather) -> None:
        """Another weather from now on; every cut is joined."""
        self._weather = weather
        self._cut.clear()

    def attach(self, name: str, process: Process) -> "SimBus":
        """An end of the bus for a process; a name is used once."""
        end = self.ends[name] = SimBus(self, name, process)
        return end

    def cut(self, name: str) -> None:
        """Nothing reaches or leaves this end until it is joined again."""
        self._cut[name] = None
        self._trace.note("bus", "cut_off", name)

    def join(self, name: str) -> None:
        self._cut.pop(name, None)

    def carry(self, source: str, target: "SimBus", topic: str, message: Any) -> None:
        """One message on its way: to arrive once, not at all, or several times, each copy when it likes."""
        chance, weather = self._chance, self._weather
        if source in self._cut or chance.random() < weather.lost:
            self._trace.note("bus", "lost", source, target.name, topic)
            return
        copies = 1
        while copies < 4 and chance.random() < weather.repeated:
            copies += 1
            self._trace.note("bus", "repeated", source, target.name, topic)
        for _ in range(copies):
            delay_s = TRIP_S * (0.5 + chance.random())
            if chance.random() < weather.late:
                delay_s += weather.late_s * chance.random() ** 2
            self.loop.call_later(delay_s, self._arrive, target, topic, message, context=OUTSIDE)

    def _arrive(self, target: "SimBus", topic: str, message: Any) -> None:
        if target.name not in self._cut:
            target.arrive(topic, message)


class SimBus:
    """`host.Bus` for one process. Handlers run in that process, so they wait while it is frozen."""

    def __init__(self, network: Network, name: str, process: Process) -> None:
        self.name = name
        self._network, self._process = network, process
        self._handlers: dict[str, tuple[Handler, Context]] = {}

    def arrive(self, topic: str, message: Any) -> None:
        entry = self._handlers.get(topic)
        if entry is not None and not self._process.dead:
            self._network.loop.call_soon(entry[0], message, context=entry[1])

    async def serve(self, handler: Serve) -> Callable[[], Awaitable[None]]:
        def take(message: tuple[str, bytes]) -> None:
            try:
                parcels = decode_parcels(message[1])
            except (msgspec.DecodeError, UnicodeDecodeError):
                return
            handler(message[0], parcels)

        return self._on("requests", take)

    async def reply(self, reply_to: str, replies: list[Reply]) -> None:
        self._send_to(self._network.ends.get(reply_to), "answers", encode_replies(replies))

    async def publish(self, facts: Sequence[Pending]) -> None:
        self._send("facts", tuple(facts))

    async def listen(self, handler: Callable[[list[Pending]], None]) -> Callable[[], Awaitable[None]]:
        return self._on("facts", lambda facts: handler(list(facts)))

    async def ask(self, parcels: list[Parcel]) -> None:
        self._send("requests", (self.name, encode_parcels(parcels)))

    async def answers(self, handler: Callable[[list[Reply]], None]) -> Callable[[], Awaitable[None]]:
        return self._on("answers", lambda message: handler(decode_replies(message)))

    def _on(self, topic: str, handler: Handler) -> Callable[[], Awaitable[None]]:
        async def stop() -> None:
            self._handlers.pop(topic, None)

        context = self._process.call(copy_context)
        self._handlers[topic] = (handler, context)
        return stop

    def _send(self, topic: str, message: Any) -> None:
        for end in self._network.ends.values():
            if end.hears(topic):
                self._send_to(end, topic, message)

    def _send_to(self, target: "SimBus | None", topic: str, message: Any) -> None:
        if self._process.dead:
            raise asyncio.CancelledError
        if target is not None:
            self._network.carry(self.name, target, topic, message)

    def hears(self, topic: str) -> bool:
        return topic in self._handlers and not self._process.dead
