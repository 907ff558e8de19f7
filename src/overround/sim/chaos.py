"""Everything that goes wrong, when and for how long, until it is told to stop."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import msgspec

from overround.book.machine import Parcel
from overround.book.machine.commands import PlaceBet
from overround.sim.audit import Auditor
from overround.sim.books import Book
from overround.sim.bus import Network
from overround.sim.gateways import Gateway
from overround.sim.journal import JournalServer
from overround.sim.loop import Process
from overround.sim.trace import Trace
from overround.sim.weather import Weather

SNAPSHOTS_KEPT = 3


class Chaos:
    """Draws faults as the world's weather says. After `heal` there are none, and nothing is broken any more."""

    def __init__(
        self,
        *,
        weather: Weather,
        chance: Random,
        books: list[Book],
        gateways: list[Gateway],
        server: JournalServer,
        network: Network,
        auditor: Auditor,
        trace: Trace,
    ) -> None:
        self._weather, self._chance = weather, chance
        self._books, self._gateways = books, gateways
        self._server, self._network, self._auditor, self._trace = server, network, auditor, trace
        self._faults: list[asyncio.Task[None]] = []
        self._healed = False

    def begin(self) -> None:
        """From now on things go wrong."""
        weather = self._weather
        self._server.change(weather)
        self._network.change(weather)
        for every_s, fault in (
            (weather.killed_every_s, self._kill),
            (weather.frozen_every_s, self._freeze),
            (weather.stopped_every_s, self._stop),
            (weather.gateway_killed_every_s, self._kill_gateway),
            (weather.cut_every_s, self._cut),
            (weather.journal_freezes_every_s, self._freeze_journal),
            (weather.journal_fills_every_s, self._fill_journal),
            (weather.jump_every_s, self._jump),
            (weather.snapshot_every_s, self._snapshot),
            (0.1 if weather.rubbish else 0.0, self._rubbish),
            (2.0, self._look),
        ):
            if every_s:
                self._faults.append(asyncio.create_task(self._again_and_again(every_s, fault)))

    async def _again_and_again(self, every_s: float, fault: Callable[[], Awaitable[None]]) -> None:
        while not self._healed:
            await asyncio.sleep(self._chance.expovariate(1 / every_s))
            if not self._healed:
                await fault()

    async def heal(self) -> None:
        """Everything is well from now on."""
        self._healed = True
        self._server.change(self._weather.calmed)
        self._network.change(self._weather.calmed)
        self._trace.note("chaos", "healed")
        for book in self._books:
            book.clock.wrong_us = 0
            book.thaw()
            book.start()
        for gateway in self._gateways:
            await gateway.start()

    async def _kill(self) -> None:
        book = self._chance.choice(self._books)
        book.kill()
        await asyncio.sleep(self._chance.random() * 3)
        book.start()

    async def _freeze(self) -> None:
        """Mostly the book that leads: it wakes up and does not know that it does not lead any more."""
        leading = [book for book in self._books if book.term is not None and book.term.active]
        book = self._chance.choice(leading if leading and self._chance.random() < 0.8 else self._books)
        book.freeze()
        await asyncio.sleep(self._weather.frozen_s * (0.5 + self._chance.random()))
        book.thaw()

    async def _stop(self) -> None:
        """As for an upgrade: told to stop, it does so in its own time, unless it is killed first."""
        self._chance.choice(self._books).stop()

    async def _kill_gateway(self) -> None:
        gateway = self._chance.choice(self._gateways)
        gateway.kill()
        await asyncio.sleep(self._chance.random())
        await gateway.start()

    async def _cut(self) -> None:
        end = self._chance.choice([*(book.end for book in self._books), *(gateway.end for gateway in self._gateways)])
        self._network.cut(end)
        await asyncio.sleep(self._chance.random() * 4)
        self._network.join(end)

    async def _freeze_journal(self) -> None:
        self._server.freeze(self._chance.choice((0.2, 1.0, 5.0)) * self._chance.random())

    async def _fill_journal(self) -> None:
        self._server.fill(self._chance.random() * 3)

    async def _jump(self) -> None:
        """A clock is set to a time that is wrong by another amount."""
        book = self._chance.choice(self._books)
        book.clock.wrong_us = round(self._chance.uniform(-1, 1) * self._weather.jump_s * 1e6)
        self._trace.note(book.end, "clock_jumped", book.clock.wrong_us)

    async def _snapshot(self) -> None:
        seq, body = self._auditor.saved()
        self._server.snapshots = [*self._server.snapshots[1 - SNAPSHOTS_KEPT :], (seq, body)]
        self._trace.note("snapshotter", "snapshot", seq, len(body))

    async def _look(self) -> None:
        for book in self._books:
            if book.term is not None and book.term.active and not book.process.frozen:
                self._auditor.looked_at(book.term.machine)

    async def _rubbish(self) -> None:
        """Something that no end of ours would send."""
        if self._chance.random() < 10 * self._weather.rubbish:
            await self._network.attach("stranger", Process("stranger")).ask([self._nonsense()])

    def _nonsense(self) -> Parcel:
        chance = self._chance
        bet = PlaceBet(chance.randint(-5, 2**62), chance.randint(-5, 40), 1, "EUR", chance.randint(-9, 2**62), 2_000)
        body = bytearray(msgspec.msgpack.encode(bet))
        for _ in range(chance.choice((0, 1, 3))):
            body[chance.randrange(len(body))] = chance.randrange(256)
        key = chance.choice(("", "x", "0" * 36, "018f2d9a-7c31-7abc-8def-0123456789ab"))
        return Parcel(chance.randint(-(2**62), 2**62), chance.randint(-9, 9), key, msgspec.Raw(bytes(body)))
