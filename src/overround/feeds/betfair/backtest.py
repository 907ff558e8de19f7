"""A recording played in memory against a bot: the machine itself where a house would be, with no bus and no journal.

Time is the recording's, so a run is the same each time, and as fast as the machine. A runner's recorded orders are put
in the book once the bot has an order on it, where the market is cross matched on all of them; until then nobody could
meet them. What the bot sees of a market is what the recording says of it.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from overround.book.exchange import ExchangeMarket
from overround.book.exposure import Position
from overround.book.machine import Machine
from overround.book.machine.answers import Answer, Done
from overround.book.machine.commands import (
    Command,
    CreateCompetition,
    CreateEvent,
    CreateSport,
    MoveFunds,
    OpenCustomer,
    Request,
)
from overround.book.machine.exchange_commands import CancelInstruction, CancelOrders, PlaceInstruction, PlaceOrders
from overround.book.matching import Order
from overround.feeds.betfair.making import Counts
from overround.feeds.betfair.mirror import Key, RunnerMirror
from overround.feeds.betfair.player import HouseRefused, PlayedMarket, Player, Tally
from overround.feeds.betfair.scanning import Pace, scan
from overround.kernel.ids import make_key

OPERATOR: Final = -1
FUNDS_MINOR: Final = 10**10


class Seat:
    """One market for a bot: what the recording says of it, and the bot's orders in our book."""

    def __init__(self, house: "House", player: Player, market: PlayedMarket, bot: int, currency: str) -> None:
        self._house, self._player, self._played, self._bot, self._currency = house, player, market, bot, currency
        self.recorded_id, self._id = market.recorded_id, market.stage.market_id
        self._names = {place: key for key, place in market.stage.places.items()}

    @property
    def at_ms(self) -> int:
        """When what is seen was recorded, since the Unix epoch."""
        return self._player.at_ms

    @property
    def is_open(self) -> bool:
        return self._played.stage.is_open

    @property
    def in_play(self) -> bool:
        return self._played.stage.in_play

    @property
    def runners(self) -> dict[Key, RunnerMirror]:
        """The runners that are not out, with what may be backed (`atb`) and laid (`atl`), what was traded, the last
        price."""
        return {key: runner for key, runner in self._played.mirror.runners.items() if self._played.stage.has(key)}

    @property
    def orders(self) -> Sequence[Order]:
        """All of the bot's, in the order in which they were placed."""
        return self._house.machine.state.exchange.orders.books[self._id].own.get(self._bot, ())

    @property
    def position(self) -> Position | None:
        """What the bot stands to lose, and once the market is settled what it won; None without an order."""
        return self._market.positions.get(self._bot)

    async def place(self, *asked: PlaceInstruction) -> Answer:
        """Place these orders, all or none; an answer of the machine, or why not."""
        keys: Sequence[Key] = [(each.selection_id, each.handicap_quarters) for each in asked]
        await self._player.want(self._played, self.runners if self._market.terms.crossing else keys)
        return self._house.ask(PlaceOrders(self._bot, self._id, self._currency, asked))

    async def cancel(self, *asked: CancelInstruction) -> Answer:
        """Cancel these orders, without any named all on this market."""
        return self._house.ask(CancelOrders(self._bot, self._id, asked))

    def rest(self) -> None:
        """Keep in the book only what the bot's unmatched orders could meet."""
        wanted = self._played.wanted
        if wanted:
            orders = self._house.machine.state.exchange.orders
            live, names = orders.live_on(self._bot, self._id).values(), self._names
            if not live or not self._market.terms.crossing:
                self._player.want_only(self._played, {names[order.runner] for order in live})

    @property
    def _market(self) -> ExchangeMarket:
        return self._house.machine.state.exchange.markets[self._id]


Bot = Callable[[Seat], Awaitable[None]]
"""Called for each market at each step in which something was recorded of it."""


class Report(msgspec.Struct, kw_only=True):
    """What was played, what of it was put in the book, and what the bot has in the end of each market."""

    tally: Tally
    counts: Counts
    seats: list[Seat]


class House:
    """The machine, to whoever expects a house: a desk that takes commands and an operator's door."""

    def __init__(self, now_us: Callable[[], int]) -> None:
        self.machine = Machine()
        self._now_us, self._number = now_us, 0

    def ask(self, command: Command, key: str = "") -> Answer:
        """No key comes twice, so what a command says need not be told apart."""
        self._number += 1
        now_us = max(self._now_us(), self.machine.state.at_us)
        key = key or make_key(at_us=now_us, chance=self._number)
        answer: Answer = self.machine.execute(Request(OPERATOR, key, 0, command), now_us)  # type: ignore[arg-type]
        self.machine.forgo()
        return answer

    def made(self, command: Command) -> int:
        answer = self.ask(command)
        if not isinstance(answer, Done):
            raise HouseRefused(type(command).__name__, str(getattr(answer, "code", answer)))
        return answer.id

    async def ask_many(self, requests: Sequence[tuple[Command, str]], *, actor: int) -> list[Answer | None]:  # noqa: ARG002  # it is all the operator's
        now_us = self._now_us()
        self.machine.run_timers(now_us)
        answers: list[Answer | None] = [self.ask(command, key) for command, key in requests]
        while self.machine.advance(now_us):
            pass
        return answers

    async def get(self, path: str) -> Any:  # noqa: ARG002  # there is nothing yet, whatever is asked for
        return {"items": []}

    async def post(self, path: str, body: Any) -> Any:
        match path.rpartition("/")[2]:
            case "sports":
                return {"sport_id": self.made(CreateSport(body["name"]))}
            case "competitions":
                return {"competition_id": self.made(CreateCompetition(body["sport_id"], body["name"]))}
            case _:
                return {"event_id": self.made(CreateEvent(body["competition_id"], body["name"], self._now_us()))}


def backtest(
    path: Path, bot: Bot, *, step_ms: int = 0, currency: str = "GBP", crossing: bool = True, whole: bool = False
) -> Report:
    """Play a file against a bot. With `whole`, every recorded order is put in the book, wanted or not. Raises
    RecordingRefused, HouseRefused."""
    return asyncio.run(_backtest(path, bot, step_ms=step_ms, currency=currency, crossing=crossing, whole=whole))


async def _backtest(path: Path, bot: Bot, *, step_ms: int, currency: str, crossing: bool, whole: bool) -> Report:
    seen = scan(path)
    seats: dict[str, Seat] = {}

    def now_us() -> int:
        return (player.at_ms or seen.first_ms) * 1_000

    async def step(markets: Sequence[PlayedMarket]) -> None:
        house.machine.run_timers(now_us())
        for market in markets:
            seat = seats[market.recorded_id]
            await bot(seat)
            seat.rest()

    house = House(now_us)
    player = Player(
        desk=house,
        operator=house,
        actor=OPERATOR,
        now_us=now_us,
        chance=random.Random(1),  # keys of a machine that nobody else reaches
        pace=Pace(speed=0.0, step_ms=step_ms),
        currency=currency,
        crossing=crossing,
        on_step=step,
        sparing=not whole,
    )
    await player.prepare([seen])
    customer = house.made(OpenCustomer(currency))
    house.made(MoveFunds(customer, currency, FUNDS_MINOR, "a bot"))
    for market in player.markets.values():
        seats[market.recorded_id] = Seat(house, player, market, customer, currency)
    await player.play([seen])
    return Report(tally=player.tally, counts=player.counts, seats=list(seats.values()))
