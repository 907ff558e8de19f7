"""The gateways of a world: real Desks in processes that die, and callers outside who never take silence for a no."""

import asyncio
from random import Random

from overround.book.machine import Answer, Pending
from overround.book.machine.commands import Command
from overround.host import Desk, NoAnswer, Overloaded
from overround.kernel.ids import make_key
from overround.kernel.refusal import Refused
from overround.sim.audit import NOT_DECIDED, Auditor
from overround.sim.bus import Network
from overround.sim.clock import SimClock
from overround.sim.loop import Process
from overround.sim.trace import Trace

UNSETTLED = NOT_DECIDED - {"key_reused"}


class Gateway:
    """One gateway's seat. It also hears what is published, as the live views do."""

    def __init__(self, name: str, *, network: Network, auditor: Auditor, trace: Trace) -> None:
        self.name = name
        self._network, self._auditor, self._trace = network, auditor, trace
        self._starts = 0
        self.process = Process(name)
        self.process.dead = True
        self.desk: Desk | None = None

    @property
    def end(self) -> str:
        return self.process.name

    async def start(self) -> None:
        """A new process, where there is none."""
        if not self.process.dead:
            return
        self._starts += 1
        self.process = Process(f"{self.name}#{self._starts}")
        self._trace.note(self.end, "gateway_started")
        bus = self._network.attach(self.end, self.process)
        desk = Desk(bus, deadline_s=4.0, capacity=200)
        await self.process.spawn(desk.open())
        await bus.listen(self._hear)
        self.desk = desk

    def kill(self) -> None:
        self._trace.note(self.end, "gateway_killed")
        self.desk = None
        self.process.kill()

    def ask(self, command: Command, *, actor: int, key: str) -> "asyncio.Future[Answer]":
        """As a request that arrives here. Raises Overloaded; NoAnswer where nobody is home."""
        desk = self.desk
        if desk is None:
            raise NoAnswer
        return self.process.call(lambda: desk.ask(command, actor=actor, key=key))

    def ask_many(self, slips: list[tuple[Command, str]], *, actor: int) -> "asyncio.Future[list[Answer | None]]":
        """As `ask`, many at once."""
        desk = self.desk
        if desk is None:
            raise NoAnswer
        return self.process.call(lambda: desk.ask_many(slips, actor=actor))

    def _hear(self, facts: list[Pending]) -> None:
        self._auditor.published(facts)


class Caller:
    """Whoever is outside: a customer's phone, a feed, an operator. Knows its own clock and its own patience."""

    def __init__(
        self, name: str, *, gateways: list[Gateway], auditor: Auditor, clock: SimClock, chance: Random, trace: Trace
    ) -> None:
        self.name = name
        self.known_seq = 0
        self._gateways, self._auditor, self._clock = gateways, auditor, clock
        self._chance, self._trace = chance, trace

    def new_key(self) -> str:
        return make_key(at_us=self._clock.now_us(), chance=self._chance.getrandbits(74))

    @property
    def now_us(self) -> int:
        """By its own clock."""
        return self._clock.now_us()

    async def insist(
        self, command: Command, *, actor: int, key: str = "", patience_s: float = 2.0, tries: int = 10_000
    ) -> Answer | None:
        """Ask with one key until there is a decision; None after so many tries without one."""
        key = key or self.new_key()
        asked = self._auditor.requests.ask(actor=actor, key=key, command=command)
        for attempt in range(tries):
            answer = await self._once(command, actor=actor, key=key, patience_s=patience_s)
            if answer is not None:
                self._auditor.told(asked, answer)
                if not (isinstance(answer, Refused) and answer.code in UNSETTLED):
                    self._heard(command, answer)
                    return answer
                self._trace.note(self.name, f"undecided_{answer.code}", key)
            await asyncio.sleep(self._chance.random() * min(0.2 * 2**attempt, 2.0))
        self._trace.note(self.name, "gave_up", key)
        return None

    async def try_many(self, slips: list[tuple[Command, str]], *, actor: int, patience_s: float) -> None:
        """Ask many at once, one time. Whoever wants to know what became of the others asks again with their keys."""
        all_asked = [self._auditor.requests.ask(actor=actor, key=key, command=command) for command, key in slips]
        try:
            future = self._chance.choice(self._gateways).ask_many(slips, actor=actor)
            answers = await asyncio.wait_for(future, patience_s)
        except (Overloaded, NoAnswer, TimeoutError) as nothing:
            self._trace.note(self.name, "batch_failed", type(nothing).__name__)
            return
        for asked, (command, _), answer in zip(all_asked, slips, answers, strict=True):
            if answer is not None:
                self._auditor.told(asked, answer)
                self._heard(command, answer)

    async def look(self, query: Command, *, patience_s: float = 2.0) -> Answer | None:
        """Ask a question once."""
        known_seq = self.known_seq
        answer = await self._once(query, actor=0, key="", patience_s=patience_s)
        if answer is not None:
            self._auditor.shown(answer, known_seq=known_seq)
            self._heard(query, answer)
        return answer

    async def _once(self, command: Command, *, actor: int, key: str, patience_s: float) -> Answer | None:
        """One attempt through any gateway. None: no answer, so nothing is known."""
        try:
            future = self._chance.choice(self._gateways).ask(command, actor=actor, key=key)
            return await asyncio.wait_for(future, patience_s)
        except Overloaded:
            self._trace.note(self.name, "desk_overloaded")
        except (NoAnswer, TimeoutError):
            self._trace.note(self.name, "no_answer", type(command).__name__, key)
        return None

    def _heard(self, command: Command, answer: Answer) -> None:
        seq = getattr(answer, "seq", 0)
        self.known_seq = max(self.known_seq, seq)
        code = f"refused_{answer.code}" if isinstance(answer, Refused) else type(answer).__name__.lower()
        self._trace.note(self.name, f"{type(command).__name__}:{code}", answer)
