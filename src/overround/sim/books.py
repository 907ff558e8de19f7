"""The books of a world: real Terms, each in a process that is killed, frozen and started again."""

import asyncio

from overround.book.machine import Machine
from overround.host import Limits, Term
from overround.sim.audit import Broken
from overround.sim.bus import Network
from overround.sim.clock import SimClock
from overround.sim.journal import LEASE_S, JournalServer, SimJournal
from overround.sim.loop import Process, VirtualLoop
from overround.sim.trace import Trace
from overround.sim.weather import Weather


class Book:
    """One book's seat: whichever process sits in it now."""

    def __init__(
        self,
        name: str,
        *,
        loop: VirtualLoop,
        server: JournalServer,
        network: Network,
        clock: SimClock,
        weather: Weather,
        machine: type[Machine],
        trace: Trace,
    ) -> None:
        self.name, self.clock = name, clock
        self._loop, self._server, self._network = loop, server, network
        self._weather, self._machine, self._trace = weather, machine, trace
        self._starts = 0
        self.process = Process(name)
        self.process.dead = True
        self.term: Term | None = None

    @property
    def end(self) -> str:
        """The name of its end of the bus; every process has its own."""
        return self.process.name

    def start(self) -> None:
        """A new process with empty memory."""
        if not self.process.dead:
            return
        self._starts += 1
        self.process = Process(f"{self.name}#{self._starts}")
        self._trace.note(self.end, "started")
        self.term = self.process.call(self._new_term)
        task = self.process.spawn(self.term.run())
        task.add_done_callback(self._ended)

    def _new_term(self) -> Term:
        return Term(
            name=self.name,
            journal=SimJournal(self._server, self.process),
            bus=self._network.attach(self.end, self.process),
            clock=self.clock,
            limits=Limits(lease_s=LEASE_S, poll_s=self._weather.poll_s, waiting_facts=self._weather.waiting_facts),
            machine=self._machine,
        )

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """A book ends when it is told to, or killed; never by itself."""
        if not task.cancelled():
            self._loop.fail(task.exception() or Broken(f"{self.end} ended by itself"))

    def kill(self) -> None:
        if not self.process.dead:
            self._trace.note(self.end, "killed")
            self.process.kill()
            self.term = None

    def freeze(self) -> None:
        if not self.process.dead and not self.process.frozen:
            self._trace.note(self.end, "frozen", "leading" if self.term and self.term.active else "")
            self.process.freeze()

    def thaw(self) -> None:
        if not self.process.dead and self.process.frozen:
            self._trace.note(self.end, "thawed")
            self.process.thaw()
