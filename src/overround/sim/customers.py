"""Customers of several temperaments. They bet, lose patience, ask again, ask otherwise, and look what became of it."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import msgspec

from overround.book.bets import OddsChange
from overround.book.ledger import StakeKind
from overround.book.limits import LimitKind
from overround.book.machine.commands import (
    AnswerOffer,
    BetAsked,
    Command,
    CoolOff,
    FindBet,
    GetBalances,
    GetLimits,
    LegAsked,
    MoveFunds,
    PlaceBet,
    PlaceTicket,
    SelfExclude,
    SetLimit,
)
from overround.book.machine.grant_commands import GetGrants
from overround.sim.audit import Auditor
from overround.sim.audit.offer import Market
from overround.sim.audit.promotions import Grant
from overround.sim.gateways import Caller
from overround.sim.sellers import Seller

OPERATOR = -1
DAY_US = 86_400_000_000
RECKONED = 5

Slip = PlaceBet | PlaceTicket


class Temper(msgspec.Struct, frozen=True, kw_only=True):
    """How a customer behaves: probabilities by action, seconds of patience and between two sales, and minor
    units of stake."""

    patience_s: float = 2.0
    tries: int = 10_000
    think_s: float = 1.2
    stake_minor: int = 2_000
    repeats: float = 0.1
    doubles: float = 0.0
    reuses: float = 0.0
    careless: float = 0.03
    protects: float = 0.02
    curious: float = 0.15
    banks: float = 0.1
    batches: float = 0.05
    tickets: float = 0.25
    sells_s: float = 6.0


TEMPERS = {
    "steady": Temper(),
    "hasty": Temper(patience_s=0.05, think_s=0.7, doubles=0.3, sells_s=2.0),
    "fickle": Temper(patience_s=0.3, tries=2, repeats=0.3),
    "sloppy": Temper(reuses=0.3, careless=0.2, doubles=0.2),
    "gambler": Temper(stake_minor=60_000, think_s=0.8, sells_s=15.0),
    "careful": Temper(stake_minor=5_000, protects=0.25, sells_s=3.0),
    "banker": Temper(banks=0.5, stake_minor=20_000),
    "systematic": Temper(batches=0.6, stake_minor=800, patience_s=0.4),
    "reader": Temper(curious=0.6, repeats=0.3),
}


class Customer:
    """One customer for the length of a world."""

    def __init__(
        self,
        *,
        customer_id: int,
        currency: str,
        temper: Temper,
        caller: Caller,
        auditor: Auditor,
        chance: Random,
        seller: Seller,
    ) -> None:
        self._seller = seller
        self.id, self.currency, self.temper = customer_id, currency, temper
        self._caller, self._auditor, self._chance = caller, auditor, chance
        self._sent: list[tuple[str, Slip]] = []
        self._given_up: list[tuple[str, Slip]] = []
        self._later: list[asyncio.Task[None]] = []

    async def live(self, until_s: float) -> None:
        """Bet and sell until the time is over, and wait until everything asked for has an answer."""
        selling = asyncio.create_task(self._seller.live(until_s))
        time = asyncio.get_running_loop().time
        while time() < until_s:
            await asyncio.sleep(self._chance.expovariate(1 / self.temper.think_s))
            await self._act()
        await asyncio.gather(selling, *self._later)

    async def reckon(self) -> None:
        """In the end everything is known: each key asked for by name is a bet, a refusal, or never was anything."""
        for key, _ in self._sent[-RECKONED:]:
            await self._caller.look(FindBet(customer_id=self.id, key=key), patience_s=30.0)
        for key, bet in self._given_up:
            await self._caller.insist(bet, actor=self.id, key=key)
            await self._caller.look(FindBet(customer_id=self.id, key=key), patience_s=30.0)
        await self._caller.look(GetBalances(customer_id=self.id), patience_s=30.0)

    async def _act(self) -> None:
        temper, chance = self.temper, self._chance
        actions: tuple[tuple[float, Callable[[], Awaitable[object]]], ...] = (
            (temper.curious, self._look),
            (temper.banks, self._move_funds),
            (temper.protects, self._protect),
            (temper.batches, self._bet_on_many),
            (temper.tickets + 0.3 * bool(self._grants()), self._bet_on_a_ticket),
            (1.0, self._bet),
        )
        await next(act for share, act in actions if chance.random() < share)()

    async def _bet(self) -> None:
        chance, temper = self._chance, self.temper
        bet = self._slip()
        if chance.random() < temper.careless:
            bet = self._mistake(bet)
        key = self._caller.new_key()
        self._sent.append((key, bet))
        asks = [self._insist(bet, key)]
        if chance.random() < temper.doubles:
            asks.append(self._insist(bet, key))
        if chance.random() < temper.reuses:
            asks.append(self._insist(msgspec.structs.replace(bet, stake_minor=bet.stake_minor + 1), key))
        await asyncio.gather(*asks)
        if chance.random() < temper.repeats:
            self._later.append(asyncio.create_task(self._again(bet, key, chance.random() * 15)))

    async def _bet_on_many(self) -> None:
        """A batch, and then each of its bets once more by itself: what was known stays so, the rest is found out."""
        slips = [(self._slip(), self._caller.new_key()) for _ in range(self._chance.randint(1, 6))]
        self._sent += [(key, bet) for bet, key in slips]
        await self._caller.try_many(list(slips), actor=self.id, patience_s=self.temper.patience_s)
        for bet, key in slips:
            await self._insist(bet, key)

    async def _bet_on_a_ticket(self) -> None:
        """Bets on several events together, sent as often as it takes; what a trader offers is taken or left."""
        ticket = self._ticket()
        if ticket is None:
            return await self._bet()
        key, chance = self._caller.new_key(), self._chance
        self._sent.append((key, ticket))
        asks = [self._insist(ticket, key)]
        if chance.random() < self.temper.doubles:
            asks.append(self._insist(ticket, key))
        await asyncio.gather(*asks)
        mine = [bet for bet in self._auditor.bets.tickets.bets.values() if bet.wallet[0] == self.id]
        for bet in mine:
            if bet.status == "offered" and bet.id == bet.ticket:
                answer = AnswerOffer(customer_id=self.id, ticket_id=bet.ticket, accept=chance.random() < 0.6)
                await self._caller.insist(answer, actor=self.id, patience_s=self.temper.patience_s, tries=3)
        return None

    def _ticket(self) -> PlaceTicket | None:
        """One or two bets of up to three legs, each on another event, with any folds. None where nothing is open."""
        chance = self._chance
        by_event: dict[int, list[Market]] = {}
        for market in self._auditor.offer.markets.values():
            if market.status == "open":
                by_event.setdefault(market.event, []).append(market)
        if not by_event:
            return None
        bets = []
        for _ in range(chance.choice((1, 1, 2))):
            events = chance.sample(list(by_event), chance.randint(1, len(by_event)))
            legs = tuple(self._leg(chance.choice(by_event[event])) for event in events)
            folds = tuple(sorted(chance.sample(range(1, len(legs) + 1), chance.randint(1, len(legs)))))
            stake_minor = max(len(legs), round(self.temper.stake_minor * chance.expovariate(1)))
            bets.append(BetAsked(legs, folds, stake_minor))
        ticket = PlaceTicket(
            customer_id=self.id,
            currency=self.currency,
            bets=tuple(bets),
            odds_change=chance.choice(list(OddsChange)),
            refer=chance.random() < 0.5,
        )
        return self._with_grant(ticket)

    def _grants(self) -> list[Grant]:
        """What the customer was given and may use."""
        given, at_us = self._auditor.promotions.grants.values(), self._auditor.at_us
        return [grant for grant in given if grant.wallet[0] == self.id and grant.is_free(at_us)]

    def _with_grant(self, ticket: PlaceTicket) -> PlaceTicket:
        """The ticket, on something that the customer was given: mostly as its terms want it."""
        chance = self._chance
        among = self._grants() if chance.random() < 0.9 else list(self._auditor.promotions.grants.values())
        if not among or chance.random() < 0.2:
            return ticket
        grant, kind = chance.choice(among), chance.choice(list(StakeKind))
        if chance.random() < 0.95:
            kind = StakeKind.CASH if grant.kind == "boost" else StakeKind(grant.kind)
        bets = ticket.bets
        if grant.is_token and chance.random() < 0.9:
            single = bets[0].legs[:1], (1,), min(grant.amount_minor, bets[0].stake_minor)
            bets = (
                BetAsked(*single)
                if grant.kind == "boost"
                else msgspec.structs.replace(bets[0], stake_minor=grant.amount_minor),
            )
        return msgspec.structs.replace(ticket, bets=bets, stake_kind=kind, grant_id=grant.id)

    def _leg(self, market: Market) -> LegAsked:
        selection = self._chance.choice(list(market.prices))
        price_milli = (market.prices[selection] or 2_000) + self._chance.choice((0, 0, 0, 0, 0, -50, 130))
        return LegAsked(market.id, selection, price_milli)

    async def _insist(self, bet: Slip, key: str) -> None:
        temper = self.temper
        answer = await self._caller.insist(
            bet, actor=self.id, key=key, patience_s=temper.patience_s, tries=temper.tries
        )
        if answer is None:
            self._given_up.append((key, bet))

    async def _again(self, bet: Slip, key: str, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await self._insist(bet, key)

    def _slip(self) -> PlaceBet:
        """A bet as the customer sees the market: usually as it is, now and then as it was."""
        chance = self._chance
        markets = list(self._auditor.offer.markets.values())
        open_ones = [market for market in markets if market.status == "open"]
        market = chance.choice(open_ones if open_ones and chance.random() < 0.9 else markets)
        selection = chance.choice(list(market.prices))
        seen = market.prices[selection] or 2_000
        return PlaceBet(
            customer_id=self.id,
            market_id=market.id,
            selection_id=selection,
            currency=self.currency,
            stake_minor=max(1, round(self.temper.stake_minor * chance.expovariate(1))),
            price_milli=seen + chance.choice((0, 0, 0, 0, 0, 0, 0, -50, 50, 130)),
            odds_change=chance.choice(list(OddsChange)),
            market_version=chance.choice((0, 0, market.version)),
        )

    def _mistake(self, bet: PlaceBet) -> PlaceBet:
        wrong = self._chance.choice(
            (
                {"stake_minor": self._chance.choice((0, -5, 1, 3_000_000, 10**15, 10**15 + 1, 2**62))},
                {"price_milli": self._chance.choice((0, 1000, -1, 10_000_001))},
                {"market_id": self._chance.choice((0, 999, -1))},
                {"selection_id": self._chance.choice((0, 99, -1))},
                {"currency": self._chance.choice(("XXX", "", "TND"))},
                {"market_version": 7_777},
            )
        )
        return msgspec.structs.replace(bet, **wrong)

    async def _look(self) -> None:
        query: Command = self._chance.choice((GetBalances, GetLimits, GetGrants))(customer_id=self.id)
        if self._sent and self._chance.random() < 0.5:
            query = FindBet(customer_id=self.id, key=self._chance.choice(self._sent)[0])
        await self._caller.look(query, patience_s=self.temper.patience_s)

    async def _move_funds(self) -> None:
        amount = round(self._chance.expovariate(1 / 30_000)) * self._chance.choice((1, 1, -1, -2))
        command = MoveFunds(customer_id=self.id, currency=self.currency, amount_minor=amount, note="by card")
        await self._caller.insist(command, actor=OPERATOR)

    async def _protect(self) -> None:
        """Limits, mostly; a time-out now and then; for good, hardly ever."""
        chance, dice = self._chance, self._chance.random()
        command: Command = SetLimit(
            customer_id=self.id,
            currency=self.currency,
            limit=chance.choice(list(LimitKind)),
            amount_minor=chance.choice((None, 0, 500, 10_000, 30_000, 100_000, -1)),
        )
        if dice < 0.04:
            command = SelfExclude(customer_id=self.id, duration_us=180 * DAY_US)
        elif dice < 0.15:
            command = CoolOff(customer_id=self.id, duration_us=DAY_US * chance.choice((0, 1, 2)))
        await self._caller.insist(command, actor=self.id)
