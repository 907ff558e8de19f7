"""A stage for stories about books and desks: the simulation's journal, bus and virtual time, with nothing going wrong
but what the story says."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

from overround.book.machine import Answer, Done, Machine
from overround.book.machine.commands import (
    Command,
    CreateCompetition,
    CreateEvent,
    CreateMarket,
    CreateSport,
    MoveFunds,
    OpenCustomer,
    PlaceBet,
    ResumeMarket,
)
from overround.host import Desk, Limits, Term
from overround.kernel.ids import make_key
from overround.sim.bus import Network
from overround.sim.clock import SimClock
from overround.sim.journal import JournalServer, SimJournal
from overround.sim.loop import OUTSIDE, Process, VirtualLoop
from overround.sim.trace import Trace
from overround.sim.weather import Weather

NOON_US = 1_795_003_200_000_000
OPERATOR = -1
CEILING_S = 300.0


class Stage:
    """One journal and one bus; as many books and desks as the story wants."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        trace = Trace(loop)
        self.server = JournalServer(loop, weather=Weather(), chance=Random(1), trace=trace, committed=lambda *_: None)
        self.network = Network(loop, weather=Weather(), chance=Random(2), trace=trace)
        self.running: dict[str, asyncio.Task[None]] = {}
        self.processes: dict[str, Process] = {}
        self._chance = Random(3)

    def book(
        self, name: str = "book", *, limits: Limits | None = None, wrong_us: int = 0, machine: type[Machine] = Machine
    ) -> Term:
        """A book process, running."""
        process = self.processes[name] = Process(name)
        term = Term(
            name=name,
            journal=SimJournal(self.server, process),
            bus=self.network.attach(name, process),
            clock=SimClock(self.loop, base_us=NOON_US, wrong_us=wrong_us),
            limits=limits,
            machine=machine,
        )
        self.running[name] = process.spawn(term.run())
        return term

    async def desk(self, name: str = "desk", *, deadline_s: float = 10.0, capacity: int = 100) -> Desk:
        desk = Desk(self.network.attach(name, Process(name)), deadline_s=deadline_s, capacity=capacity)
        await desk.open()
        return desk

    def key(self) -> str:
        return make_key(at_us=NOON_US + self.loop.at_us, chance=self._chance.getrandbits(74))

    async def ask(self, desk: Desk, command: Command, *, key: str = "") -> Answer:
        return await desk.ask(command, actor=OPERATOR, key=key or self.key())

    async def do(self, desk: Desk, command: Command) -> int:
        """The id that a command which must succeed answers with."""
        answer = await self.ask(desk, command)
        assert isinstance(answer, Done), answer
        return answer.id

    async def customer(self, desk: Desk) -> int:
        """A customer with 100.00 EUR."""
        customer_id = await self.do(desk, OpenCustomer("EUR"))
        await self.do(desk, MoveFunds(customer_id, "EUR", 10_000, "deposit"))
        return customer_id

    async def event(self, desk: Desk) -> int:
        sport_id = await self.do(desk, CreateSport("Football"))
        competition_id = await self.do(desk, CreateCompetition(sport_id, "Premier League"))
        return await self.do(desk, CreateEvent(competition_id, "Arsenal – Chelsea", NOON_US))

    async def market(self, desk: Desk, event_id: int = 0, **terms: object) -> int:
        """A market that takes bets at 2.00, 3.00 and 4.00."""
        event_id = event_id or await self.event(desk)
        made = CreateMarket(event_id, "1x2", prices_milli=(2_000, 3_000, 4_000), **terms)  # type: ignore[arg-type]
        market_id = await self.do(desk, made)
        await self.do(desk, ResumeMarket(market_id))
        return market_id

    def bet(self, customer_id: int, market_id: int) -> PlaceBet:
        """10.00 EUR on the first selection."""
        return PlaceBet(customer_id, market_id, 1, "EUR", 1_000, 2_000)

    def kinds(self) -> list[str]:
        """What the journal holds, by kind."""
        return [row.kind for row in self.server.rows]

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        self.loop.call_later(seconds, act, context=OUTSIDE)

    async def until(self, true: Callable[[], bool]) -> None:
        while not true():  # noqa: ASYNC110  virtual time, and no event to wait for
            await asyncio.sleep(0.01)


def play(story: Callable[[Stage], Awaitable[None]]) -> None:
    """Tell a story on a stage of its own."""
    loop = VirtualLoop(ceiling_s=CEILING_S)

    async def told() -> None:
        await story(Stage(loop))

    try:
        loop.run(told())
    finally:
        loop.close()
