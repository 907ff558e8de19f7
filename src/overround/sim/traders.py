"""Those who make the offer: an operator who opens and settles events, and a feed that prices them and falls silent."""

import asyncio
from random import Random
from typing import Any

from overround.book.catalogue import Ending, MarketTerms, Moment
from overround.book.limits import HouseTerms
from overround.book.machine import Done
from overround.book.machine.commands import (
    AcceptReferral,
    BetOffered,
    CancelMarketBets,
    ChangeMarket,
    CloseMarket,
    Command,
    CreateCompetition,
    CreateEvent,
    CreateMarket,
    CreateSport,
    DeclineReferral,
    EndEvent,
    FeedHeartbeat,
    MoveFunds,
    OfferReferral,
    OpenCustomer,
    RecordEventResult,
    RecordResult,
    RestoreMarketBets,
    ResumeEvent,
    ResumeMarket,
    RollbackResult,
    SetHouseTerms,
    SetMoment,
    SetPlayerTerms,
    SetPrices,
    StartEvent,
    SuspendEvent,
    SuspendMarket,
    WithdrawSelection,
)
from overround.book.settlement import Finish, Result, Score, Void, Winners
from overround.sim.audit import Auditor
from overround.sim.audit.offer import Market
from overround.sim.gateways import Caller

OPERATOR, FEED = -1, -2
FEED_NAME = "alpha"
HEARTBEAT_S = 5.0
STALL_S = 32.0
CURRENCIES = ("EUR", "EUR", "EUR", "GBP", "JPY")


RUNNERS = ("Ann", "Ben", "Cid", "Dot")
OWN_NAMES = {
    "winner": RUNNERS,
    "race_win": RUNNERS,
    "race_place": RUNNERS,
    "correct_score": ("0-0", "1-1", "2-1", "any_other"),
}
COUNTS = {"1x2": 3, "double_chance": 3, "half_time_full_time": 9}
RACES = ("race_win", "race_place")
KINDS = (
    *("1x2", "1x2", "total", "total", "asian_handicap", "asian_handicap", "winner"),
    *("double_chance", "draw_no_bet", "half_time_full_time", "correct_score", "race_win", "race_win", "race_place"),
)
DELAYS_US = {Moment.DANGER: 3_000_000, Moment.VAR: 0}


class Operator:
    """Opens the house and each event, plays it, records its result, and now and then a better one."""

    def __init__(self, *, caller: Caller, auditor: Auditor, chance: Random) -> None:
        self._caller, self._auditor, self._chance = caller, auditor, chance

    async def _do(self, command: Command) -> int:
        """The id that it answers with; 0 where it was refused."""
        answer = await self._caller.insist(command, actor=OPERATOR, patience_s=1.0)
        return answer.id if isinstance(answer, Done) else 0

    async def open_customer(self) -> tuple[int, str]:
        """A customer with money, and sometimes with terms of their own."""
        chance = self._chance
        currency = chance.choice(CURRENCIES)
        customer = await self._do(OpenCustomer(currency=currency))
        await self._do(MoveFunds(customer_id=customer, currency=currency, amount_minor=50_000, note="welcome"))
        if chance.random() < 0.2:
            terms = SetPlayerTerms(
                customer_id=customer, currency=currency, max_stake_minor=3_000, max_payout_minor=20_000
            )
            await self._do(terms)
        return customer, currency

    async def open_competition(self) -> int:
        sport = await self._do(CreateSport(name="Football"))
        return await self._do(CreateCompetition(sport_id=sport, name="Premier League"))

    async def narrow_terms(self) -> None:
        """A house that cannot afford much: its liability limits are reached."""
        terms = HouseTerms(
            min_stake_minor=50,
            market_liability_minor=120_000,
            house_liability_minor=self._chance.randint(50, 400) * 1000,
            cash_out_margin_bps=self._chance.choice((0, 250, 1_000)),
        )
        for currency in dict.fromkeys(CURRENCIES):
            await self._do(SetHouseTerms(currency=currency, terms=terms))

    async def play(self, competition: int, *, base_us: int, until_s: float) -> None:
        """One event from its first price to its last correction; now and then the night is over before the match."""
        chance, now = self._chance, asyncio.get_running_loop().time
        event = await self._do(CreateEvent(competition_id=competition, name="A v B", starts_at_us=base_us))
        for _ in range(chance.randint(1, 3)):
            await self._do(self._new_market(event))
        await self._do(ResumeEvent(event_id=event))
        await self._trade(event, until_s=now() + (until_s - now()) * chance.random())
        if chance.random() < 0.8:
            await self._do(StartEvent(event_id=event))
            await self._do(ResumeEvent(event_id=event))
            await self._trade(event, until_s=until_s)
        if chance.random() < 0.5:
            await self._do(EndEvent(event_id=event))
        if chance.random() < 0.2 and not any(market.withdrawn for market in self._markets(event)):
            return
        for _ in range(chance.choice((1, 1, 2, 4))):
            await self._record(event)
            await asyncio.sleep(chance.choice((0.0, 0.0, 0.01, 1.0)))
            if chance.random() < 0.4:
                await self._take_back(event)

    def _new_market(self, event: int) -> CreateMarket:
        chance = self._chance
        kind = chance.choice(KINDS)
        names = OWN_NAMES.get(kind, ())
        count = len(names) or COUNTS.get(kind, 2)
        specifiers = {
            "total": {"line_quarters": chance.randint(2, 14)},
            "asian_handicap": {"line_quarters": chance.randint(-8, 8)},
            "race_place": {"places": 2},
        }
        return CreateMarket(
            event_id=event,
            type=kind,
            specifiers=specifiers.get(kind, {}),
            selections=names,
            prices_milli=tuple(chance.randint(1_050, 5_000) for _ in range(count)),
            feed=chance.choice(("", FEED_NAME, FEED_NAME)),
            in_play=chance.random() < 0.8,
            delay_us=chance.choice((0, 1_000_000, 5_000_000)),
            liability_minor=chance.choice((0, 0, 80_000)),
            terms=chance.choice((None, MarketTerms(certainty=1), MarketTerms(moment_delays_us=DELAYS_US))),
        )

    async def _trade(self, event: int, *, until_s: float) -> None:
        """What an operator does to an event by hand while it is on offer."""
        chance, now = self._chance, asyncio.get_running_loop().time
        while now() < until_s:
            await asyncio.sleep(chance.expovariate(1 / 3))
            markets = self._markets(event)
            if not markets:
                continue
            market = chance.choice(markets)
            dice = chance.random()
            if dice < 0.3:
                await self._do(SuspendMarket(market_id=market.id, reason="goal"))
                await asyncio.sleep(chance.random() * 2)
                await self._do(ResumeMarket(market_id=market.id))
            elif dice < 0.4:
                await self._do(SuspendEvent(event_id=event, reason="red card"))
                await self._do(ResumeEvent(event_id=event))
            elif dice < 0.5:
                delay_us, liability = chance.choice((0, 2_000_000)), chance.choice((0, 60_000))
                await self._do(ChangeMarket(market_id=market.id, delay_us=delay_us, liability_minor=liability))
            elif dice < 0.53:
                await self._do(CloseMarket(market_id=market.id))
            elif dice < 0.6:
                await self._do(SetMoment(event_id=event, moment=chance.choice(tuple(Moment))))
            elif dice < 0.75 and market.type in RACES:
                await self._withdraw(market)
            elif not market.feed:
                await self._do(SetPrices(market_id=market.id, prices=moved(market, chance)))

    async def _take_back(self, event: int) -> None:
        """A result, or the bets of some seconds, are taken back on a market; and perhaps that as well."""
        chance = self._chance
        market = chance.choice(self._markets(event) or list(self._auditor.offer.markets.values()))
        if chance.random() < 0.5:
            await self._do(RollbackResult(market_id=market.id))
            return
        now_us = self._auditor.at_us
        start, length = now_us - chance.randint(1, 40) * 1_000_000, chance.randint(1, 30) * 1_000_000
        window = CancelMarketBets(market_id=market.id, from_us=start, until_us=start + length, reason="late")
        await self._do(window)
        if chance.random() < 0.5:
            await self._do(RestoreMarketBets(market_id=market.id, from_us=start, until_us=start + length))

    async def look_at_referrals(self, until_s: float) -> None:
        """A trader who is not always at the desk."""
        chance, now = self._chance, asyncio.get_running_loop().time
        while now() < until_s:
            await asyncio.sleep(chance.expovariate(1 / 5))
            waiting = [bet for bet in self._auditor.bets.tickets.bets.values() if bet.status == "referred"]
            if not waiting or chance.random() < 0.3:
                continue
            ticket = chance.choice(waiting).ticket
            stakes = [bet.stake_minor for bet in self._auditor.bets.tickets.of(ticket)]
            offer = tuple(BetOffered(max(1, stake // 2)) for stake in stakes)
            act = (AcceptReferral(ticket), DeclineReferral(ticket), OfferReferral(ticket, offer))
            await self._do(chance.choice(act))

    async def _withdraw(self, market: Market) -> None:
        """A runner is out; the others get shorter."""
        runner = self._chance.choice(list(market.prices))
        price_milli = market.prices[runner] or 0
        await self._do(WithdrawSelection(market_id=market.id, selection_id=runner, price_milli=price_milli))
        await self._do(SetPrices(market_id=market.id, prices=moved(market, self._chance)))
        await self._do(ResumeMarket(market_id=market.id))

    def _markets(self, event: int) -> list[Market]:
        return [market for market in self._auditor.offer.markets.values() if market.event == event]

    async def _record(self, event: int) -> None:
        """A result for the event's scored markets, and for each of the others its own; scouts may be first."""
        chance = self._chance
        void = chance.random() < 0.15
        result: Result = Void(note="abandoned") if void else _score(chance)
        if chance.random() < 0.3:
            await self._do(RecordEventResult(event_id=event, result=_score(chance), certainty=1))
        await self._do(RecordEventResult(event_id=event, result=result))
        for market in self._markets(event):
            if void:
                continue
            if market.type == "winner":
                won = tuple(sorted(chance.sample(list(market.prices), chance.choice((1, 1, 2)))))
                await self._do(RecordResult(market_id=market.id, result=Winners(selections=won)))
            elif market.type in RACES:
                await self._do(RecordResult(market_id=market.id, result=_finish(market, chance)))


class FeedProvider:
    """Prices from outside: a heartbeat, and prices that move; now and then neither, for longer than is allowed."""

    def __init__(self, *, caller: Caller, auditor: Auditor, chance: Random, stalls: float) -> None:
        self._caller, self._auditor, self._chance = caller, auditor, chance
        self._stalls = stalls
        self._stalled_until_s = 0.0

    async def beat(self, until_s: float) -> None:
        """Say that it is there; a heartbeat that finds nobody is not sent again."""
        now = asyncio.get_running_loop().time
        while now() < until_s:
            if now() >= self._stalled_until_s and self._chance.random() < self._stalls:
                self._stalled_until_s = now() + STALL_S
            if now() >= self._stalled_until_s:
                await self._caller.insist(FeedHeartbeat(feed=FEED_NAME), actor=FEED, patience_s=1.0, tries=2)
            await asyncio.sleep(HEARTBEAT_S)

    async def move(self, until_s: float) -> None:
        now = asyncio.get_running_loop().time
        while now() < until_s:
            await asyncio.sleep(self._chance.expovariate(1 / 0.7))
            markets = [market for market in self._auditor.offer.markets.values() if market.feed == FEED_NAME]
            if markets and now() >= self._stalled_until_s:
                market = self._chance.choice(markets)
                command = SetPrices(market_id=market.id, prices=moved(market, self._chance))
                await self._caller.insist(command, actor=FEED, patience_s=0.5, tries=5)


def _score(chance: Random) -> Score:
    home, away = chance.randint(0, 4), chance.randint(0, 4)
    half_time = chance.randint(0, home), chance.randint(0, away)
    ending = Ending.ABANDONED if chance.random() < 0.1 else Ending.FINISHED
    return Score(home=home, away=away, half_time=half_time, ending=ending)


def _finish(market: Market, chance: Random) -> Result:
    """Those that ran, in any order, some of them level, one perhaps a non-runner; void where nobody ran."""
    runners = [runner for runner in market.prices if runner not in market.withdrawn]
    chance.shuffle(runners)
    out = (runners.pop(),) if len(runners) > 1 and chance.random() < 0.2 else ()
    levels = []
    while runners:
        tied = min(len(runners), chance.choice((1, 1, 1, 2, 3)))
        levels.append(tuple(sorted(runners.pop() for _ in range(tied))))
    return Finish(positions=tuple(levels), non_runners=out) if levels else Void(note="no runners")


def moved(market: Market, chance: Random) -> Any:
    """New prices for some selections; now and then none."""
    there = [selection for selection in market.prices if selection not in market.withdrawn]
    some = [selection for selection in there if chance.random() < 0.7] or there[:1]
    return tuple((selection, 0 if chance.random() < 0.04 else chance.randint(1_050, 5_000)) for selection in some)
