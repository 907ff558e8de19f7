"""The exchange's part of the readers' stories: a day on which everything happens to orders, and days drawn by lot."""

import random
from typing import TYPE_CHECKING

from tests.book.exchange_wishes import CASH, CUSTOMERS, MARKETS, wish

from overround.book.exchange import MarketTerms, Minimums, RunnersResult, RunnerTerms, Share, VoidResult
from overround.book.exposure import Side
from overround.book.machine.commands import (
    AnyCommand,
    CreateCompetition,
    CreateEvent,
    CreateSport,
    MoveFunds,
    OpenCustomer,
    RescheduleEvent,
)
from overround.book.machine.desk_commands import ApproveCompetition, ResumeLevel, SuspendLevel
from overround.book.machine.exchange_commands import (
    CancelInstruction,
    CancelOrders,
    CreateExchangeMarket,
    Heartbeat,
    OpenExchangeMarket,
    PlaceInstruction,
    PlaceOrders,
    ReconcileStart,
    RecordExchangeResult,
    ReinstateRunner,
    RemoveRunner,
    ReplaceInstruction,
    ReplaceOrders,
    SetCurrencyRate,
    SetDiscount,
    SetMinimums,
    SuspendExchangeMarket,
    TurnInPlay,
    UpdateInstruction,
    UpdateOrders,
)
from overround.book.matching import OrderType, Persistence, TimeInForce
from overround.kernel.instant import SECOND_US
from overround.kernel.level import Level

if TYPE_CHECKING:
    from tests.projections.stories import House

BACK, LAY = Side.BACK, Side.LAY
OPERATOR = -1


def exchange_day(house: "House", competition: int) -> None:
    """Two people on four markets: matched, killed, cancelled, replaced, lapsed, removed, at the starting price, in
    play, settled, void and corrected."""
    event = house.done(CreateEvent(competition, "Cup", house.now_us + 3_600 * SECOND_US))
    ann, bob = (_trader(house) for _ in range(2))
    house.done(SetDiscount(ann, 1_000))
    house.done(SetCurrencyRate("EUR", 118, 100))
    won, void = (_market(house, event, MarketTerms(name, turn_in_play=True)) for name in ("Won", "Void"))
    race = _market(house, event, MarketTerms("Race", bsp=True))
    for market in (won, void):
        _orders(house, ann, bob, market)
    _race(house, ann, bob, race)
    live = _market(house, event, MarketTerms("Live", turn_in_play=True, bet_delay_us=5 * SECOND_US))
    house.done(TurnInPlay(live))
    house.done(OpenExchangeMarket(live))
    for kind in (PlaceInstruction(1, LAY, 2_000, 700), PlaceInstruction(1, BACK, 2_000, 500)):
        house.ask(ann if kind.side is LAY else bob, PlaceOrders(ann if kind.side is LAY else bob, live, "GBP", (kind,)))
        house.wait(6 * SECOND_US)
    house.ask(ann, PlaceOrders(ann, live, "GBP", (PlaceInstruction(2, BACK, 3_000, 400),)))
    house.done(SuspendExchangeMarket(live, "goal"))
    house.done(RecordExchangeResult(won, RunnersResult((Share(0),))))
    house.done(RecordExchangeResult(void, VoidResult("abandoned")))
    house.done(RecordExchangeResult(race, RunnersResult((Share(2),))))
    house.wait(0)
    house.done(RecordExchangeResult(won, RunnersResult((Share(1),))))
    house.wait(0)


def _trader(house: "House") -> int:
    person = house.done(OpenCustomer("GBP"))
    house.done(MoveFunds(person, "GBP", 100_000, "to trade with"))
    return person


def _market(house: "House", event: int, terms: MarketTerms) -> int:
    runners = tuple(RunnerTerms(number, f"Runner {number}") for number in (1, 2, 3))
    market = house.done(CreateExchangeMarket(event, terms, runners))
    house.done(OpenExchangeMarket(market))
    return market


def _orders(house: "House", ann: int, bob: int, market: int) -> None:
    lays = tuple(PlaceInstruction(number, LAY, 3_000, 1_000, ref=f"l{number}") for number in (1, 2, 3))
    house.ask(ann, PlaceOrders(ann, market, "GBP", lays, 0, "maker"))
    backs = (PlaceInstruction(1, BACK, 3_000, 1_500), PlaceInstruction(2, BACK, 2_900, 400, Persistence.PERSIST))
    house.ask(bob, PlaceOrders(bob, market, "GBP", backs))
    killed = PlaceInstruction(3, BACK, 3_500, 200, time_in_force=TimeInForce.FILL_OR_KILL)
    house.ask(bob, PlaceOrders(bob, market, "GBP", (killed,)))
    own = [order.id for order in house.machine.state.exchange.orders.live_on(ann, market).values()]
    house.ask(ann, CancelOrders(ann, market, (CancelInstruction(own[0], 100),)))
    house.ask(ann, ReplaceOrders(ann, market, (ReplaceInstruction(own[1], 3_200),)))
    house.ask(ann, UpdateOrders(ann, market, (UpdateInstruction(own[0], Persistence.PERSIST),)))
    house.ask(bob, PlaceOrders(bob, market, "GBP", (PlaceInstruction(3, BACK, 3_200, 300),)))
    house.done(TurnInPlay(market))
    house.done(OpenExchangeMarket(market))
    house.ask(bob, Heartbeat(bob, 10 * SECOND_US))
    house.ask(bob, PlaceOrders(bob, market, "GBP", (PlaceInstruction(1, LAY, 1_500, 300),)))
    house.wait(11 * SECOND_US)


def _race(house: "House", ann: int, bob: int, market: int) -> None:
    for number in (1, 2, 3):
        house.ask(ann, PlaceOrders(ann, market, "GBP", (PlaceInstruction(number, LAY, 4_000, 600),)))
        house.ask(bob, PlaceOrders(bob, market, "GBP", (PlaceInstruction(number, BACK, 4_000, 500),)))
    house.done(RemoveRunner(market, 1, 2_500))
    start = (
        PlaceInstruction(2, BACK, 0, 0, type=OrderType.MARKET_ON_CLOSE, liability_minor=400),
        PlaceInstruction(3, BACK, 9_000, 0, type=OrderType.LIMIT_ON_CLOSE, liability_minor=400),
    )
    house.ask(bob, PlaceOrders(bob, market, "GBP", start))
    layer = PlaceInstruction(2, LAY, 0, 0, type=OrderType.MARKET_ON_CLOSE, liability_minor=2_000)
    house.ask(ann, PlaceOrders(ann, market, "GBP", (layer,)))
    house.done(ReconcileStart(market))
    house.done(ReinstateRunner(market, 1))


def drawn(seed: int, asks: int) -> "House":
    """A house of its own, where people ask whatever comes out of the hat."""
    from tests.projections.stories import House  # it tells this story among its own

    house, rng = House(seed), random.Random(seed)
    for number in CUSTOMERS:
        person = house.done(OpenCustomer("EUR" if number == 4 else "GBP"))
        house.done(MoveFunds(person, "EUR" if number == 4 else "GBP", CASH, "to trade with"))
    competition = house.done(CreateCompetition(house.done(CreateSport("Racing")), "Ascot"))
    house.done(CreateEvent(competition, "14:30", house.now_us + 3_600 * SECOND_US))
    house.done(SetCurrencyRate("EUR", 117, 100))
    for currency in ("GBP", "EUR"):
        house.done(SetMinimums(currency, Minimums(1, 0, 1, 1)))
    for terms, runners in MARKETS:
        house.done(OpenExchangeMarket(house.done(CreateExchangeMarket(1, terms, runners))))
    for _ in range(asks):
        if rng.random() < 0.03:
            _from_above(house, rng)
        command = wish(rng, house.machine.state)
        house.ask(_actor(command), command)
        house.wait(rng.choice((0, 0, 5 * SECOND_US, 500 * SECOND_US)))
    exchange_day(house, competition)
    return house


def _from_above(house: "House", rng: random.Random) -> None:
    """What the desk decides of the event, or of all, and takes back."""
    level, number = rng.choice(((Level.PLATFORM, 0), (Level.SPORT, 1), (Level.COMPETITION, 1), (Level.EVENT, 1)))
    house.done(SuspendLevel(level, number, "storm"))
    house.ask(OPERATOR, RescheduleEvent(1, rng.randint(1_800, 1_900) * 10**12))
    if rng.random() < 0.5:
        house.ask(OPERATOR, ApproveCompetition(1, True))
    house.done(ResumeLevel(level, number))


def _actor(command: AnyCommand) -> int:
    return OPERATOR if isinstance(command, MoveFunds | SetDiscount) else getattr(command, "customer_id", OPERATOR)
