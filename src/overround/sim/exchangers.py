"""Those who use the exchange: an operator with a race to run, and traders who place, cancel, replace and disappear."""

import asyncio
from random import Random

import msgspec

from overround.book.exchange import Betting, MarketTerms, RunnersResult, RunnerTerms, Share, VoidResult
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
    ReinstateRunner,
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
PRICES = CLASSIC[110:150]
WHOLE = MarketTerms("Race", turn_in_play=True, bet_delay_us=2_000_000)
CROSSED = msgspec.structs.replace(WHOLE, crossing=True)
SINGLES = msgspec.structs.replace(WHOLE, name="Goals", betting=Betting.SINGLE, winners=0)
RUNNERS = tuple(RunnerTerms(number, name) for number, name in enumerate("ABC", 1))
LINES = (RunnerTerms(1, "A", -4), RunnerTerms(1, "A", -8), RunnerTerms(2, "B", -8))
"""Only the line tells the first two apart."""


class Race(msgspec.Struct, frozen=True):
    """A market that the steward opened; its id is 0 where the house would not."""

    market: int
    terms: MarketTerms
    runners: tuple[RunnerTerms, ...]


class Steward:
    """Opens a race for the exchange, suspends it now and then, sends it off, and says who won, sometimes wrongly."""

    def __init__(self, *, caller: Caller, auditor: Auditor, chance: Random) -> None:
        self._caller, self._auditor, self._chance = caller, auditor, chance

    async def _do(self, command: Command) -> int:
        answer = await self._caller.insist(command, actor=OPERATOR, patience_s=1.0)
        return answer.id if isinstance(answer, Done) else 0

    async def open_trader(self) -> int:
        customer = await self._do(OpenCustomer(currency=CURRENCY))
        await self._do(MoveFunds(customer_id=customer, currency=CURRENCY, amount_minor=20_000, note="welcome"))
        return customer

    async def open_race(self, competition: int, *, base_us: int) -> Race:
        """A market of three runners: one wins, in two of three such races cross matched, or each is by itself."""
        event = await self._do(CreateEvent(competition_id=competition, name="A race", starts_at_us=base_us))
        terms = self._chance.choice((WHOLE, CROSSED, CROSSED, SINGLES))
        runners = LINES if terms is SINGLES else RUNNERS
        market = await self._do(CreateExchangeMarket(event, terms, runners))
        await self._do(OpenExchangeMarket(market))
        return Race(market, terms, runners)

    async def run_race(self, race: Race, *, until_s: float) -> None:
        """From the first order to the last correction."""
        chance, now = self._chance, asyncio.get_running_loop().time
        off_s = now() + (until_s - now()) * chance.uniform(0.2, 0.7)
        await self._disturb(race, until_s=off_s)
        if chance.random() < 0.7:
            await self._do(TurnInPlay(race.market))
            await self._do(OpenExchangeMarket(race.market))
            await self._disturb(race, until_s=until_s)
        for _ in range(chance.choice((1, 1, 2))):
            await self._do(RecordExchangeResult(race.market, self._result(race)))
            await asyncio.sleep(chance.choice((0.0, 0.5)))

    def _result(self, race: Race) -> RunnersResult | VoidResult:
        """Of those that stand, as far as the steward knows."""
        chance = self._chance
        if chance.random() < 0.1:
            return VoidResult("abandoned")
        runners = self._standing(race)
        if race.terms is SINGLES:
            won = [runner for runner in runners if chance.random() < 0.5]
            return RunnersResult(tuple(Share(runner, 1, chance.choice((1, 1, 2))) for runner in won))
        winners = chance.sample(runners, min(len(runners), chance.choice((1, 1, 1, 2))))
        return RunnersResult(tuple(Share(winner, 1, len(winners)) for winner in winners))

    def _standing(self, race: Race) -> list[int]:
        """By their place in the market."""
        found = self._auditor.exchange.markets.get(race.market)
        unsure = found is None or self._chance.random() < 0.1
        return list(range(len(race.runners))) if found is None or unsure else found.standing

    async def _disturb(self, race: Race, *, until_s: float) -> None:
        chance, market, now = self._chance, race.market, asyncio.get_running_loop().time
        while now() < until_s:
            await asyncio.sleep(chance.uniform(0.5, 4.0))
            pick = chance.random()
            if pick < 0.3:
                await self._do(SuspendExchangeMarket(market, "check"))
                await self._do(OpenExchangeMarket(market))
            elif pick < 0.4:
                await self._do(ChangeBetDelay(market, chance.choice((1_000_000, 3_000_000)), chance.random() < 0.5))
            elif pick < 0.5:
                await self._remove(race)

    async def _remove(self, race: Race) -> None:
        """A runner is out, the others' prices reduced or not; and often it was a mistake."""
        chance, runner = self._chance, self._chance.choice(race.runners)
        named = runner.selection_id, runner.handicap_quarters
        await self._do(RemoveRunner(race.market, named[0], chance.choice((100, 1_500)), named[1]))
        if chance.random() < 0.6:
            await asyncio.sleep(chance.choice((0.0, 1.0, 4.0)))
            await self._do(ReinstateRunner(race.market, *named))


class Trader:
    """Places small orders around one price, and changes its mind."""

    def __init__(self, *, customer: int, race: Race, caller: Caller, auditor: Auditor, chance: Random) -> None:
        self.customer, self._race, self._market = customer, race, race.market
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
        runner, side, price_milli = chance.choice(self._race.runners), chance.choice(list(Side)), chance.choice(PRICES)
        size_minor = chance.choice((0, 250, 3_000))
        return QuoteEntry(runner.selection_id, side, price_milli, size_minor, runner.handicap_quarters)

    def _instruction(self) -> PlaceInstruction:
        chance, runner = self._chance, self._chance.choice(self._race.runners)
        kills = chance.random() < 0.1
        return PlaceInstruction(
            runner.selection_id,
            chance.choice(list(Side)),
            chance.choice(PRICES),
            chance.choice((100, 250, 999, 3_000)),
            Persistence.PERSIST if not kills and chance.random() < 0.3 else Persistence.LAPSE,
            handicap_quarters=runner.handicap_quarters,
            time_in_force=TimeInForce.FILL_OR_KILL if kills else TimeInForce.REST,
        )
