"""Customers sell what they have bet: they ask what it is worth, take it in time or too late, and leave rules."""

import asyncio
from random import Random

from overround.book.machine import QuoteAnswer
from overround.book.machine.cash_commands import (
    QuoteCashOut,
    RemoveCashOutRule,
    SetCashOutRule,
    TakeCashOut,
    ValueCashOut,
)
from overround.book.machine.command import Command
from overround.sim.audit import Auditor
from overround.sim.audit.cashouts import AnyBet
from overround.sim.gateways import Caller

PORTIONS_BPS = (*(10_000,) * 6, 5_000, 5_000, 2_500, 9_999, 100, 0, 10_001)


class Seller:
    """The other hand of a customer."""

    def __init__(
        self,
        *,
        customer_id: int,
        caller: Caller,
        auditor: Auditor,
        chance: Random,
        think_s: float,
        patience_s: float,
    ) -> None:
        self._id, self._caller, self._auditor, self._chance = customer_id, caller, auditor, chance
        self._think_s, self._patience_s = think_s, patience_s
        self._quotes: list[int] = []

    async def live(self, until_s: float) -> None:
        time = asyncio.get_running_loop().time
        while time() < until_s:
            await asyncio.sleep(self._chance.expovariate(1 / self._think_s))
            await self._act()

    async def _act(self) -> None:
        chance, bet = self._chance, self._choose()
        if bet is None:
            return
        dice = chance.random()
        if dice < 0.1:
            query = ValueCashOut(customer_id=self._id, bet_id=bet.id)
            await self._caller.look(query, patience_s=self._patience_s)
        elif dice < 0.35:
            await self._set_rule(bet)
        elif dice < 0.4:
            await self._insist(RemoveCashOutRule(customer_id=self._id, bet_id=bet.id))
        else:
            await self._sell(bet)

    def _choose(self) -> AnyBet | None:
        """Mostly a bet of their own that runs; now and then any at all."""
        bets = self._auditor.bets
        every: list[AnyBet] = [*bets.bets.values(), *bets.tickets.bets.values()]
        running = [bet for bet in every if bet.wallet[0] == self._id and bet.status == "open"]
        among = running if self._chance.random() < 0.9 else every
        return self._chance.choice(among) if among else None

    async def _sell(self, bet: AnyBet) -> None:
        """Ask for a price, think about it, perhaps ask again, and take it: once, twice at once, or one of long ago."""
        chance = self._chance
        portion_bps = chance.choice(PORTIONS_BPS)
        quote = await self._insist(QuoteCashOut(customer_id=self._id, bet_id=bet.id, portion_bps=portion_bps))
        if not isinstance(quote, QuoteAnswer):
            return
        self._quotes.append(quote.quote_id)
        await asyncio.sleep(chance.choice((0.0, 0.0, 0.0, 0.5, 2.0, 9.9, 11.0)))
        if chance.random() < 0.1:
            await self._insist(QuoteCashOut(customer_id=self._id, bet_id=bet.id))
        dice = chance.random()
        taken = [quote.quote_id] * (2 if dice < 0.2 else 1)
        if dice > 0.9:
            taken.append(chance.choice((*self._quotes, *range(1, quote.quote_id + 2))))
        await asyncio.gather(*(self._insist(TakeCashOut(customer_id=self._id, quote_id=each)) for each in taken))

    async def _set_rule(self, bet: AnyBet) -> None:
        """From what is there already to what will never be."""
        chance, cashouts = self._chance, self._auditor.cashouts
        portion_bps, worth_minor = chance.choice(PORTIONS_BPS), bet.running_minor
        if not cashouts.why_not(bet, self._auditor.at_us):
            worth_minor = cashouts.worth_minor(bet, cashouts.part_minor(bet, portion_bps))
        at_least_minor = round(worth_minor * chance.choice((0.5, 0.9, 1.0, 1.02, 1.1, 1.3, 2.0, 40.0)))
        rule = SetCashOutRule(
            customer_id=self._id,
            bet_id=bet.id,
            at_least_minor=at_least_minor if chance.random() < 0.95 else chance.choice((0, -1, 10**15 + 1)),
            portion_bps=portion_bps,
        )
        await self._insist(rule)

    async def _insist(self, command: Command) -> object:
        return await self._caller.insist(command, actor=self._id, patience_s=self._patience_s, tries=20)
