"""Those who use the exchange: an operator with a race to run, and traders who place, cancel, replace and disappear."""

import asyncio
from random import Random

import msgspec

from overround.book.exchange import MarketTerms, RunnersResult, RunnerTerms, Share, VoidResult
from overround.book.exposure import Side
from overround.book.machine import Done
from overround.book.machine.command import Command
from overround.book.machine.commands import CreateEvent, GetBalances, MoveFunds, OpenCustomer
from overround.book.machine.exchange_commands import (
    CancelInstruction,
    CancelOrders,
    ChangeBetDelay,
    CreateExchangeMarket,
    Heartbeat,
    MassQuote,
    OpenExchangeMarket,
    PlaceInstruction,
    PlaceOrders,
    QuoteEntry,
    RecordExchangeResult,
    RemoveRunner,
    ReplaceInstruction,
    ReplaceOrders,
    SuspendExchangeMarket,
    TurnInPlay,
)
from overround.book.matching import Persistence, TimeInForce
from overround.kernel.ladder import CLASSIC
from overround.sim.audit import Auditor
from overround.sim.gateways import Caller

OPERATOR = -1
CURRENCY = "GBP"
RUNNERS = 3
PRICES = CLASSIC[110:150]
TERMS = MarketTerms("Race", turn_in_play=True, bet_delay_us=2_000_000)


class Steward:
    """Opens a race for the exchange, suspends it now and then, sends it off, and says who won, sometimes wrongly."""

    def __init__(self, *, caller: Caller, chance: Random) -> None:
        self._caller, self._chance = caller, chance

    async def _do(self, command: Command) -> int:
        answer = await self._caller.insist(command, actor=OPERATOR, patience_s=1.0)
        return answer.id if isinstance(answer, Done) else 0

    async def open_trader(self) -> int:
        customer = await self._do(OpenCustomer(currency=CURRENCY))
        await self._do(MoveFunds(customer_id=customer, currency=CURRENCY, amount_minor=20_000, note="welcome"))
        return customer

    async def open_race(self, competition: int, *, base_us: int) -> int:
        """A market of three runners, every other one cross matched; 0 where the house would not."""
        event = await self._do(CreateEvent(competition_id=competition, name="A race", starts_at_us=base_us))
        runners = tuple(RunnerTerms(number + 1, name) for number, name in enumerate("ABC"))
        terms = msgspec.structs.replace(TERMS, crossing=bool(event % 2))
        market = await self._do(CreateExchangeMarket(event, terms, runners))
        await self._do(OpenExchangeMarket(market))
        return market

    async def run_race(self, market: int, *, until_s: float) -> None:
        """From the first order to the last correction."""
        chance, now = self._chance, asyncio.get_running_loop().time
        off_s = now() + (until_s - now()) * chance.uniform(0.2, 0.7)
        await self._disturb(market, until_s=off_s)
        if chance.random() < 0.7:
            await self._do(TurnInPlay(market))
            await self._do(OpenExchangeMarket(market))
            await self._disturb(market, until_s=until_s)
        for _ in range(chance.choice((1, 1, 2))):
            await self._do(RecordExchangeResult(market, self._result()))
            await asyncio.sleep(chance.choice((0.0, 0.5)))

    def _result(self) -> RunnersResult | VoidResult:
        chance = self._chance
        if chance.random() < 0.1:
            return VoidResult("abandoned")
        winners = chance.sample(range(RUNNERS), chance.choice((1, 1, 1, 2)))
        return RunnersResult(tuple(Share(winner, 1, len(winners)) for winner in winners))

    async def _disturb(self, market: int, *, until_s: float) -> None:
        chance, now = self._chance, asyncio.get_running_loop().time
        while now() < until_s:
            await asyncio.sleep(chance.uniform(0.5, 4.0))
            pick = chance.random()
            if pick < 0.3:
                await self._do(SuspendExchangeMarket(market, "check"))
                await self._do(OpenExchangeMarket(market))
            elif pick < 0.4:
                await self._do(ChangeBetDelay(market, chance.choice((1_000_000, 3_000_000)), chance.random() < 0.5))
            elif pick < 0.45:
                await self._do(RemoveRunner(market, chance.randint(1, RUNNERS), chance.choice((100, 1_500))))


class Trader:
    """Places small orders around one price, and changes its mind."""

    def __init__(self, *, customer: int, market: int, caller: Caller, auditor: Auditor, chance: Random) -> None:
        self.customer, self._market = customer, market
        self._caller, self._auditor, self._chance = caller, auditor, chance

    async def live(self, until_s: float) -> None:
        now = asyncio.get_running_loop().time
        while now() < until_s:
            await asyncio.sleep(self._chance.expovariate(1.5))
            await self._caller.insist(self._wish(), actor=self.customer, patience_s=self._chance.choice((0.2, 2.0)))
        await self._caller.look(GetBalances(customer_id=self.customer), patience_s=30.0)

    def _wish(self) -> Command:
        chance, mine = self._chance, self._mine()
        pick = chance.random()
        if pick < 0.65 or not mine:
            asked = tuple(self._instruction() for _ in range(chance.choice((1, 1, 1, 3))))
            version = chance.choice((0, 0, 0, 0, 0, 1))  # the first is stale once the market is open
            return PlaceOrders(self.customer, self._market, CURRENCY, asked, version)
        if pick < 0.8:
            return CancelOrders(
                self.customer, self._market, (CancelInstruction(chance.choice(mine), chance.choice((0, 7))),)
            )
        if pick < 0.93:
            asked_price = ReplaceInstruction(chance.choice(mine), chance.choice(PRICES))
            return ReplaceOrders(self.customer, self._market, (asked_price,))
        if pick < 0.95:
            return CancelOrders(self.customer)
        if pick < 0.98:
            return MassQuote(self.customer, self._market, CURRENCY, (self._entry(), self._entry()))
        return Heartbeat(self.customer, chance.choice((0, 10_000_000)))

    def _mine(self) -> list[int]:
        orders = self._auditor.exchange.orders.values()
        return [order.id for order in orders if order.customer == self.customer and order.left]

    def _entry(self) -> QuoteEntry:
        """Traders quote as the house's own market maker does."""
        chance = self._chance
        place = chance.randint(1, RUNNERS), chance.choice(list(Side)), chance.choice(PRICES)
        return QuoteEntry(*place, chance.choice((0, 250, 3_000)))

    def _instruction(self) -> PlaceInstruction:
        chance = self._chance
        kills = chance.random() < 0.1
        return PlaceInstruction(
            chance.randint(1, RUNNERS),
            chance.choice(list(Side)),
            chance.choice(PRICES),
            chance.choice((100, 250, 999, 3_000)),
            Persistence.PERSIST if not kills and chance.random() < 0.3 else Persistence.LAPSE,
            time_in_force=TimeInForce.FILL_OR_KILL if kills else TimeInForce.REST,
        )
