"""What customers and operators of an exchange may ask, drawn from a seed: mostly what can be done, sometimes not."""

import random

from tests.book.exchanging import Exchange

from overround.book.exchange import (
    Betting,
    ExchangeMarket,
    ExchangeResult,
    MarketTerms,
    Minimums,
    NumberResult,
    RunnersResult,
    RunnerStatus,
    RunnerTerms,
    Share,
    Status,
    VoidResult,
    active,
)
from overround.book.exposure import Side
from overround.book.machine import State
from overround.book.machine.commands import AnyCommand, CreateCompetition, CreateEvent, CreateSport, MoveFunds
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
    ReconcileStart,
    RecordExchangeResult,
    ReinstateRunner,
    RemoveRunner,
    ReplaceInstruction,
    ReplaceOrders,
    RescheduleExchangeMarket,
    SetCurrencyRate,
    SetDiscount,
    SetMinimums,
    SuspendExchangeMarket,
    TurnInPlay,
    UpdateInstruction,
    UpdateOrders,
)
from overround.book.matching import OrderType, Persistence, Target, TimeInForce
from overround.kernel.ladder import Ladder, LadderKind

CASH = 6_000
NAMES = ("A", "B", "C", "D", "E", "F")
LINES = Ladder(LadderKind.LINE_RANGE, 500, 6_500, 500)


def _named(count: int) -> tuple[RunnerTerms, ...]:
    return tuple(RunnerTerms(number + 1, NAMES[number]) for number in range(count))


HANDICAPS = tuple(
    RunnerTerms(1 + place, NAMES[place], sign * q) for q in (-3, -2, 1) for place, sign in ((0, 1), (1, -1))
)
SINGLES = tuple(RunnerTerms(1 + place, NAMES[place], -4 * (1 + place)) for place in range(3))
MARKETS: tuple[tuple[MarketTerms, tuple[RunnerTerms, ...]], ...] = (
    (MarketTerms("Win", bsp=True, turn_in_play=True, bet_delay_us=3_000_000), _named(3)),
    (MarketTerms("Greyhounds", crossing=True, bsp=True), _named(3)),
    (MarketTerms("Place", winners=2, turn_in_play=True), _named(5)),
    (MarketTerms("Each way", winners=2, each_way_divisor=4), _named(4)),
    (MarketTerms("Handicap", betting=Betting.ASIAN, ladder=Ladder(LadderKind.FINEST)), HANDICAPS),
    (MarketTerms("Runs", betting=Betting.LINE, ladder=LINES), (RunnerTerms(9, "Runs"),)),
    (MarketTerms("Goals", betting=Betting.SINGLE, winners=0), SINGLES),
    (MarketTerms("Scorers", winners=0, currency="EUR"), _named(4)),
    (MarketTerms("Two", crossing=True, turn_in_play=True, bet_delay_us=2_000_000, passive=True), _named(2)),
)
CUSTOMERS = (1, 2, 3, 4)


def open_exchange(house: Exchange) -> None:
    """Customers in two currencies, rates, minimums, and a market of every kind."""
    for number in CUSTOMERS:
        house.customer(cash_minor=CASH, currency="EUR" if number == 4 else "GBP")
    competition = house.do(CreateCompetition(house.do(CreateSport("Racing")), "Ascot"))
    house.do(CreateEvent(competition, "14:30", house.at_us + 3_600_000_000))
    house.do(SetCurrencyRate("EUR", 117, 100))
    house.do(SetMinimums("GBP", Minimums(1, 0, 1, 1)))
    house.do(SetMinimums("EUR", Minimums(1, 0, 1, 1)))
    house.do(SetDiscount(2, 2_000))
    for terms, runners in MARKETS:
        house.do(OpenExchangeMarket(house.do(CreateExchangeMarket(1, terms, runners))))


def wish(rng: random.Random, state: State) -> AnyCommand:
    """The next thing that somebody asks."""
    market = rng.choice(list(state.exchange.markets.values()))
    pick = rng.random()
    if pick < 0.62:
        return place(rng, market)
    if pick < 0.72:
        return _cancel(rng, state, market)
    if pick < 0.80:
        return _replace(rng, state, market)
    if pick < 0.82:
        return _update(rng, state, market)
    if pick < 0.86:
        return quote(rng, market)
    return _operate(rng, market)


def place(rng: random.Random, market: ExchangeMarket) -> PlaceOrders:
    customer = rng.choice(CUSTOMERS)
    many = rng.choice((1, 1, 1, 2, 4))
    version = market.version - rng.choice((0, 0, 1)) if rng.random() < 0.1 else 0
    currency = "EUR" if customer == 4 else "GBP"
    return PlaceOrders(customer, market.id, currency, tuple(_instruction(rng, market) for _ in range(many)), version)


def quote(rng: random.Random, market: ExchangeMarket) -> MassQuote:
    """Customers that quote as the house's market maker does."""
    customer = rng.choice(CUSTOMERS)
    entries = []
    for _ in range(rng.choice((1, 2, 5))):
        runner, side = rng.choice(market.runners), rng.choice(list(Side))
        size = rng.choice((0, 1, 250, rng.randint(1, 3_000)))
        entries.append(QuoteEntry(runner.selection_id, side, _price(rng, market), size, runner.handicap_quarters))
    return MassQuote(customer, market.id, "EUR" if customer == 4 else "GBP", tuple(entries))


def _instruction(rng: random.Random, market: ExchangeMarket) -> PlaceInstruction:
    runner = rng.choice(market.runners)
    side = rng.choice(list(Side))
    price = _price(rng, market)
    named = (runner.selection_id, side)
    kind = rng.random()
    persistence = rng.choice(list(Persistence)) if rng.random() < 0.3 else Persistence.LAPSE
    if market.terms.bsp and kind < 0.15:
        limited = rng.random() < 0.5
        return PlaceInstruction(
            *named,
            price if limited else 0,
            0,
            type=OrderType.LIMIT_ON_CLOSE if limited else OrderType.MARKET_ON_CLOSE,
            liability_minor=rng.randint(1, 2_000),
        )
    size = rng.choice((1, 7, 100, 250, 999, rng.randint(1, 3_000)))
    if kind < 0.25:
        least = rng.choice((0, 0, size // 2))
        return PlaceInstruction(
            *named,
            price,
            size,
            handicap_quarters=runner.handicap_quarters,
            time_in_force=TimeInForce.FILL_OR_KILL,
            min_fill_minor=least,
        )
    target = rng.choice(list(Target)) if kind > 0.9 and market.terms.betting is not Betting.LINE else Target.SIZE
    return PlaceInstruction(
        *named, price, size, persistence, rng.choice(("", "ref")), runner.handicap_quarters, target=target
    )


def _price(rng: random.Random, market: ExchangeMarket) -> int:
    if market.terms.betting is Betting.LINE:
        return rng.randrange(LINES.low, LINES.high + 1, LINES.step)
    around = {2: 2_000, 3: 3_000}.get(len(market.runners), 2_500)
    price = market.terms.ladder.floor(around + rng.randint(-700, 900))
    return price + 1 if rng.random() < 0.01 else price


def _some(rng: random.Random, state: State, market: ExchangeMarket) -> tuple[int, list[int]]:
    """A customer and some orders on a market: mostly theirs and alive."""
    customer = rng.choice(CUSTOMERS)
    live = list(state.exchange.orders.live_on(customer, market.id))
    chosen = rng.sample(live, min(len(live), rng.choice((1, 1, 2, 3))))
    if rng.random() < 0.1 or not chosen:
        chosen.append(rng.randint(1, len(state.exchange.orders.by_id) + 1))
    return customer, list(dict.fromkeys(chosen))


def _cancel(rng: random.Random, state: State, market: ExchangeMarket) -> CancelOrders:
    customer, orders = _some(rng, state, market)
    if rng.random() < 0.1:
        return CancelOrders(customer, rng.choice((0, market.id)))
    asked = tuple(CancelInstruction(order, rng.choice((0, 0, 1, 50, 10_000))) for order in orders)
    return CancelOrders(customer, market.id, asked)


def _replace(rng: random.Random, state: State, market: ExchangeMarket) -> ReplaceOrders:
    customer, orders = _some(rng, state, market)
    asked = tuple(ReplaceInstruction(order, _price(rng, market)) for order in orders)
    return ReplaceOrders(customer, market.id, asked, market.version - rng.choice((0, 0, 1)))


def _update(rng: random.Random, state: State, market: ExchangeMarket) -> UpdateOrders:
    customer, orders = _some(rng, state, market)
    asked = tuple(UpdateInstruction(order, rng.choice(list(Persistence))) for order in orders)
    return UpdateOrders(customer, market.id, asked)


def _operate(rng: random.Random, market: ExchangeMarket) -> AnyCommand:
    pick = rng.random()
    if market.status in (Status.SUSPENDED, Status.INACTIVE) and pick < 0.9:
        return OpenExchangeMarket(market.id)
    if pick < 0.15:
        return SuspendExchangeMarket(market.id, "var")
    if pick < 0.2:
        return OpenExchangeMarket(market.id)
    if pick < 0.4 and market.terms.turn_in_play:
        return TurnInPlay(market.id)
    if pick < 0.3:
        return ReconcileStart(market.id)
    if pick < 0.5:
        return ChangeBetDelay(market.id, rng.choice((0, 1_000_000, 5_000_000)), rng.random() < 0.5)
    if pick < 0.53:
        return RescheduleExchangeMarket(market.id, rng.choice((0, 1_900_000_000_000_000, -1)))
    if pick < 0.60:
        runner = rng.choice(market.runners)
        if runner.status is RunnerStatus.REMOVED or rng.random() < 0.1:
            return ReinstateRunner(market.id, runner.selection_id, runner.handicap_quarters)
        return RemoveRunner(market.id, runner.selection_id, rng.choice((100, 1_000, 3_333)), runner.handicap_quarters)
    if pick < 0.66:
        return RecordExchangeResult(market.id, result(rng, market))
    if pick < 0.80:
        return Heartbeat(rng.choice(CUSTOMERS), rng.choice((0, 10_000_000, 60_000_000)))
    if pick < 0.9:
        customer = rng.choice(CUSTOMERS)
        return MoveFunds(customer, "EUR" if customer == 4 else "GBP", rng.choice((5_000, 5_000, -3_000)), "note")
    if pick < 0.95:
        return SetDiscount(rng.choice(CUSTOMERS), rng.randint(0, 6_000))
    terms, runners = rng.choice(MARKETS)
    return CreateExchangeMarket(1, terms, runners)


def result(rng: random.Random, market: ExchangeMarket) -> ExchangeResult:
    """Mostly one that the market can have, dead heats among them."""
    if rng.random() < 0.1:
        return VoidResult("abandoned")
    if market.terms.betting is Betting.ASIAN:
        return NumberResult(rng.randint(-3, 3))
    if market.terms.betting is Betting.LINE:
        return NumberResult(rng.randrange(0, 7_001, 500))
    standing = active(market) or list(range(len(market.runners)))
    rng.shuffle(standing)
    places = min(market.terms.winners or rng.randint(0, len(standing)), len(standing))
    if market.terms.each_way_divisor:
        return RunnersResult((Share(standing[0]),), _shared(rng, standing, places))
    return RunnersResult(_shared(rng, standing, places))


def _shared(rng: random.Random, runners: list[int], places: int) -> tuple[Share, ...]:
    """So many places, the last perhaps shared by one more than there is room for."""
    if 0 < places < len(runners) and rng.random() < 0.3:
        return (
            *(Share(n) for n in runners[: places - 1]),
            Share(runners[places - 1], 1, 2),
            Share(runners[places], 1, 2),
        )
    return tuple(Share(number) for number in runners[:places])
