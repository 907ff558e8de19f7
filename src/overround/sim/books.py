"""The books of a world: real Terms, each in a process that is killed, frozen and started again."""

import asyncio
from typing import Final

from overround.book.machine import Machine
from overround.host import Limits, Term
from overround.sim.audit import Broken
from overround.sim.bus import Network
from overround.sim.clock import SimClock
from overround.sim.journal import LEASE_S, JournalServer, SimJournal
from overround.sim.loop import OUTSIDE, Process, VirtualLoop
from overround.sim.trace import Trace
from overround.sim.weather import Weather

RESTARTED_AFTER_S: Final = 0.5
"""How soon whoever watches over a book that was told to stop starts its successor."""


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
        self._told_to_stop = False
        self.process = Process(name)
        self.process.dead = True
        self.term: Term | None = None

    @property
    def end(self) -> str:
        """The name of its end of the bus; every process has its own."""
        return self.process.name

    def start(self) -> None:
        """A new process with empty memory, where there is none."""
        if not self.process.dead:
            return
        self._starts += 1
        self._told_to_stop = False
        self.process = Process(f"{self.name}#{self._starts}")
        self._trace.note(self.end, "started")
        self.term = self.process.call(self._new_term)
        process = self.process
        process.spawn(self.term.run()).add_done_callback(lambda task: self._ended(task, process))

    def _new_term(self) -> Term:
        return Term(
            name=self.name,
            journal=SimJournal(self._server, self.process),
            bus=self._network.attach(self.end, self.process),
            clock=self.clock,
            limits=Limits(
                lease_s=LEASE_S,
                poll_s=self._weather.poll_s,
                waiting_facts=self._weather.waiting_facts,
                waiting_steps=self._weather.waiting_steps,
            ),
            machine=self._machine,
        )

    def _ended(self, task: "asyncio.Task[None]", process: Process) -> None:
        """A book ends when it is told to, or killed; never by itself."""
        if task.cancelled():
            return
        self._trace.note(process.name, "ended")
        if task.exception() is not None or not self._told_to_stop:
            self._loop.fail(task.exception() or Broken(f"{process.name} ended by itself"))
        process.dead = True
        self._loop.call_later(RESTARTED_AFTER_S, self.start, context=OUTSIDE)

    def stop(self) -> None:
        """Ask it to end (SIGTERM). A frozen book hears that when it thaws."""
        if self.term is not None and not self.process.frozen:
            self._trace.note(self.end, "told_to_stop", "leading" if self.term.active else "")
            self._told_to_stop = True
            self.process.call(self.term.stop)

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
