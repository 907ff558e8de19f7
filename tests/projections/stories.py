"""What the tests of the readers are told with: a house's days, played by the real machine into a real journal."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg
from tests.projections.exchanges import exchange_day
from tests.projections.slips import tickets

from overround import journal, projections
from overround.book.bets import BetStatus, OddsChange
from overround.book.catalogue import EachWay, MarketTerms, Moment
from overround.book.ledger import StakeKind
from overround.book.limits import LimitKind
from overround.book.machine import BetAnswer, Done, Machine, Pending, QuoteAnswer, TermBegan, decode_fact, request
from overround.book.machine.cash_commands import QuoteCashOut, SetCashOutRule, TakeCashOut
from overround.book.machine.commands import (
    AddSelections,
    AnyCommand,
    BetAsked,
    ChangeMarket,
    CloseMarket,
    CoolOff,
    CreateCompetition,
    CreateEvent,
    CreateMarket,
    CreateSport,
    EndEvent,
    FeedHeartbeat,
    HandOverMarket,
    LegAsked,
    MoveFunds,
    OpenCustomer,
    OpenWallet,
    PlaceBet,
    PlaceTicket,
    RecordEventResult,
    RecordResult,
    RescheduleEvent,
    ResumeEvent,
    ResumeMarket,
    RollbackResult,
    SelfExclude,
    SetHouseTerms,
    SetLimit,
    SetMoment,
    SetPlayerTerms,
    SetPrices,
    SilenceFeed,
    StartEvent,
    SuspendMarket,
    WithdrawSelection,
)
from overround.book.machine.desk_commands import (
    ApproveCompetition,
    BlockPlayer,
    LiftOverride,
    OverridePrice,
    RequireApproval,
    ResumeLevel,
    SetMargin,
    SuspendLevel,
    UnblockPlayer,
)
from overround.book.machine.grant_commands import GrantBonus, GrantBoost, GrantFreeBet, RevokeGrant
from overround.book.settlement import Finish, Score, Void, Winners
from overround.kernel.ids import make_key
from overround.kernel.instant import DAY_US, SECOND_US
from overround.kernel.level import Level
from overround.projections import Recorded

BEGAN_US = 1_763_900_000 * SECOND_US
OPERATOR = -1
CEILING_S = 60.0

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class House:
    """A machine with a clock and chance of its own. `facts` is everything it would put into the journal."""

    def __init__(self, seed: int = 7) -> None:
        self.machine = Machine()
        self.chance = random.Random(seed)
        self.now_us = BEGAN_US
        self.facts: list[Pending] = []
        self.keys: list[tuple[str, BetAnswer]] = []
        self.machine.record(TermBegan(epoch=1, holder="book-1"), self.now_us)
        self._collect()

    def ask(self, actor: int, command: AnyCommand) -> object:
        """Ask, a millisecond later than the last time, under a fresh key."""
        self.now_us += 1_000
        key = make_key(at_us=self.now_us, chance=self.chance.getrandbits(74))
        answer = self.machine.execute(request(actor=actor, key=key, command=command), self.now_us)
        if isinstance(answer, BetAnswer):
            self.keys.append((key, answer))
        self._collect()
        return answer

    def done(self, command: AnyCommand) -> int:
        """Ask as the operator for something that must be done; the id of it."""
        answer = self.ask(OPERATOR, command)
        assert isinstance(answer, Done), (command, answer)
        return answer.id

    def wait(self, span_us: int) -> None:
        """Let time pass, and do what falls due in it."""
        until_us = self.now_us + span_us
        while (due_us := self.machine.next_due_us()) is not None and due_us <= until_us:
            self.now_us = max(self.now_us, due_us)
            if not self.machine.advance(self.now_us):
                break
        self.now_us = until_us
        self._collect()

    def settle(self) -> None:
        """Settle what is to be settled."""
        while self.machine.state.settlement.settling:
            self.machine.advance(self.now_us)
        self._collect()

    def recorded(self) -> list[Recorded]:
        return [Recorded(fact.seq, fact.at_us, decode_fact(fact.body)) for fact in self.facts]

    def _collect(self) -> None:
        self.facts += self.machine.drain()


def play(seed: int = 7, *, customers: int = 8, bets: int = 40) -> House:
    """Days with nearly everything in them: a feed that falls silent, prices that move, bets in play, refusals, limits,
    results and corrections."""
    house = House(seed)
    people = [house.done(OpenCustomer("EUR" if number % 3 else "GBP")) for number in range(customers)]
    house.done(OpenWallet(people[0], "USD"))
    for person in people:
        for currency in list(house.machine.state.limits.players[person].purses):
            house.done(MoveFunds(person, currency, 200_000, "first deposit"))
    house.done(MoveFunds(people[0], "USD", -50_000, "withdrawal"))
    competition = house.done(CreateCompetition(house.done(CreateSport("Football")), "Premier League"))
    for number in range(3):
        _match(house, competition, people, bets, number)
    _race(house, competition, people)
    tickets(house, competition)
    _grants(house, competition, people)
    _limits(house, people)
    exchange_day(house, competition)
    return house


def _match(house: House, competition: int, people: Sequence[int], bets: int, number: int) -> None:
    event = house.done(CreateEvent(competition, f"Home {number} – Away {number}", house.now_us + DAY_US))
    house.done(RescheduleEvent(event, house.now_us + 2 * DAY_US))
    result = house.done(
        CreateMarket(event, "1x2", prices_milli=(2100, 3400, 3900), feed="odds", in_play=True, delay_us=5 * SECOND_US)
    )
    total = house.done(CreateMarket(event, "total", {"line_quarters": 9}, prices_milli=(1900, 1950)))
    scorer = house.done(
        CreateMarket(event, "winner", selections=("Ada", "Grace", "Joan"), prices_milli=(0, 4000, 9000))
    )
    house.done(SetPrices(scorer, ((1, 2500),)))
    house.done(
        ResumeEvent(
            event,
        )
    )
    _bettors(house, people, bets, {result: 3, total: 2, scorer: 3})
    _cash_outs(house)
    _desk(house, people, event, total)
    house.done(SuspendMarket(total, "team_news"))
    _bettors(house, people, 2, {total: 2})
    house.done(ResumeMarket(total))
    house.done(ChangeMarket(result, 3 * SECOND_US, 5_000_000))
    house.done(StartEvent(event))
    house.done(FeedHeartbeat("odds"))
    house.done(SetPrices(result, ((1, 1500), (2, 4100))))
    house.done(ResumeMarket(result))
    _bettors(house, people, 6, {result: 3})
    _cash_outs(house)
    house.wait(SECOND_US)
    house.done(SetPrices(result, ((1, 1300), (2, 3600), (3, 7000))))
    house.wait(10 * SECOND_US)
    _bettors(house, people, 2, {result: 3})
    house.wait(60 * SECOND_US)  # the feed falls silent
    _bettors(house, people, 2, {result: 3})
    house.done(FeedHeartbeat("odds"))
    house.done(SetPrices(result, ((1, 1400),)))
    house.done(SilenceFeed("odds"))
    house.done(HandOverMarket(total, "late odds"))
    house.done(HandOverMarket(result, ""))
    house.done(CloseMarket(result))
    house.done(EndEvent(event))
    house.done(RecordEventResult(event, Score(number, 1)))
    house.done(RecordResult(scorer, Winners((2,))))
    house.settle()
    for person in people[:2]:
        _withdraw_all(house, person)
    house.done(RecordResult(total, Score(3, number)))
    house.settle()
    house.done(RecordResult(result, Void("abandoned")))
    house.settle()


def _race(house: House, competition: int, people: Sequence[int]) -> None:
    """A race with each-way terms, a withdrawal, a late forecast, moments, and a result that is first only heard."""
    event = house.done(CreateEvent(competition, "Handicap", house.now_us + DAY_US))
    terms = MarketTerms(
        each_way=EachWay(1, 5, 3), starting_prices=True, moment_delays_us={Moment.DANGER: SECOND_US}, certainty=2
    )
    runners = ("Ayr", "Bob", "Cid", "Dot")
    win = house.done(CreateMarket(event, "race_win", {}, runners, (3000, 4000, 5000, 6000), in_play=True, terms=terms))
    forecast = house.done(CreateMarket(event, "forecast", {}, ("1-2", "2-1"), (9000, 9000)))
    house.done(ResumeEvent(event))
    _bettors(house, people, 4, {win: 4})
    house.done(AddSelections(forecast, ("1-3", "3-1"), (0, 15_000)))
    _bettors(house, people, 2, {forecast: 4})
    house.done(WithdrawSelection(win, 4, 6_000))
    house.done(SetPrices(win, ((1, 2500), (2, 3500))))
    house.done(ResumeMarket(win))
    _bettors(house, people, 2, {win: 3})
    house.done(ChangeMarket(win, 0, 0, MarketTerms(best_odds=True, rule_4=False)))
    house.done(StartEvent(event))
    house.done(SetMoment(event, Moment.DANGER))
    finish = Finish(((1,), (2, 3)), (), ((1, 2_600), (2, 3_300), (3, 5_500)))
    house.done(RecordEventResult(event, finish, 1))
    house.done(RecordResult(win, finish, 2))
    house.settle()


def _desk(house: House, people: Sequence[int], event: int, market: int) -> None:
    """An hour of a trading desk: every level once, some of it left standing at the end of the story."""
    levels = (
        (Level.PLATFORM, 0),
        (Level.SPORT, 1),
        (Level.COMPETITION, 1),
        (Level.EVENT, event),
        (Level.MARKET, market),
    )
    for level, number in levels:
        house.done(SuspendLevel(level, number, "floodlights"))
        _bettors(house, people, 1, {market: 2})
        house.done(SetMargin(level, number, 500 + event))
        house.done(ResumeLevel(level, number))
    house.done(SuspendLevel(Level.SELECTION, market, "injury", 1))
    house.done(SetPrices(market, ((1, 1850), (2, 2000))))
    house.done(ResumeLevel(Level.SELECTION, market, 1))
    house.done(OverridePrice(market, 1, 1700, house.now_us + 2 * SECOND_US))
    house.done(OverridePrice(market, 2, 2100, house.now_us + DAY_US))
    house.done(SetPrices(market, ((1, 1800), (2, 2050))))
    _bettors(house, people, 2, {market: 2})
    house.wait(3 * SECOND_US)
    house.done(LiftOverride(market, 2))
    house.done(SetMargin(Level.PLATFORM, 0, None))
    house.done(RequireApproval(True))
    _bettors(house, people, 1, {market: 2})
    house.done(ApproveCompetition(1, True))
    house.done(BlockPlayer(people[4], "chargeback"))
    house.done(UnblockPlayer(people[4]))
    if event == 3:
        house.done(SuspendLevel(Level.EVENT, event, "pitch"))
        house.done(OverridePrice(market, 1, 1600, house.now_us + 6 * DAY_US))


def _withdraw_all(house: House, person: int) -> None:
    for (owner, currency), wallet in house.machine.state.ledger.wallets.items():
        if owner == person and wallet.cash.available_minor:
            house.done(MoveFunds(person, currency, -wallet.cash.available_minor, "all of it"))


def _bettors(house: House, people: Sequence[int], bets: int, markets: dict[int, int]) -> None:
    """Bets at chance, some of which are refused."""
    for _ in range(bets):
        person = house.chance.choice(people)
        market, selections = house.chance.choice(sorted(markets.items()))
        selection = house.chance.randint(1, selections)
        price = house.machine.state.catalogue.markets[market].selections[selection].price_milli or 2000
        currency = house.chance.choice(sorted(house.machine.state.limits.players[person].purses))
        stake = house.chance.choice((5, 100, 250, 999, 1_001, 50_000))
        asked = price + house.chance.choice((0, 0, 0, -100, 100))
        policy = house.chance.choice(list(OddsChange))
        house.ask(person, PlaceBet(person, market, selection, currency, stake, asked, policy))


def _cash_outs(house: House) -> None:
    """Some open bets are cashed out, in part or whole, at once or after the delay, or get a rule that is fulfilled."""
    running = [bet for bet in house.machine.state.bets.bets.values() if bet.status is BetStatus.OPEN]
    for number, bet in enumerate(house.chance.sample(running, min(6, len(running)))):
        if number == 5:
            house.ask(bet.customer_id, SetCashOutRule(bet.customer_id, bet.id, 1, 5_000))
            house.wait(0)
            continue
        quote = house.ask(bet.customer_id, QuoteCashOut(bet.customer_id, bet.id, (10_000, 4_000)[number % 2]))
        if isinstance(quote, QuoteAnswer):
            house.ask(bet.customer_id, TakeCashOut(bet.customer_id, quote.quote_id))


def _grants(house: House, competition: int, people: Sequence[int]) -> None:
    """Free bets, boosts and bonuses: used, taken back, released, and one whose time is over."""
    until_us = house.now_us + DAY_US
    market = house.done(
        CreateMarket(house.done(CreateEvent(competition, "Derby", until_us)), "1x2", prices_milli=(2000, 3000, 4000))
    )
    house.done(ResumeMarket(market))
    own = [person for person in people if (person, "EUR") in house.machine.state.ledger.wallets]
    one, two = own[-1], own[-2]
    bet = BetAsked((LegAsked(market, 1, 2000),), (1,), 1_000)
    free = house.done(GrantFreeBet(one, "EUR", 1_000, until_us, note="welcome"))
    boost = house.done(GrantBoost(one, "EUR", 2_000, 1_000, until_us))
    bonus = house.done(GrantBonus(one, "EUR", 1_000, 1, until_us))
    house.ask(one, PlaceTicket(one, "EUR", (bet,), stake_kind=StakeKind.FREE_BET, grant_id=free))
    house.ask(one, PlaceTicket(one, "EUR", (bet,), grant_id=boost))
    house.ask(one, PlaceTicket(one, "EUR", (bet,), stake_kind=StakeKind.BONUS, grant_id=bonus))
    house.done(RevokeGrant(two, house.done(GrantFreeBet(two, "EUR", 500, until_us))))
    house.done(RevokeGrant(two, house.done(GrantBonus(two, "EUR", 500, 2, until_us))))
    house.done(GrantBonus(two, "EUR", 700, 2, house.now_us + SECOND_US))
    house.done(RecordResult(market, Score(1, 0)))
    house.wait(2 * SECOND_US)
    _wagering(house, competition, one)


def _wagering(house: House, competition: int, one: int) -> None:
    """A free bet that a void result gives back, and a bonus that runs on, while results come, change and go."""
    until_us = house.now_us + DAY_US
    market = house.done(
        CreateMarket(house.done(CreateEvent(competition, "Replay", until_us)), "1x2", prices_milli=(2000, 3000, 4000))
    )
    house.done(ResumeMarket(market))
    early = BetAsked((LegAsked(market, 1, 2000),), (1,), 300)
    house.ask(one, PlaceTicket(one, "EUR", (early,)))
    free = house.done(GrantFreeBet(one, "EUR", 1_000, until_us))
    house.done(GrantBonus(one, "EUR", 1_000, 100, until_us, 2_500, "long"))
    bet = BetAsked((LegAsked(market, 1, 2000),), (1,), 1_000)
    house.ask(one, PlaceTicket(one, "EUR", (bet,), stake_kind=StakeKind.FREE_BET, grant_id=free))
    house.ask(one, PlaceBet(one, market, 2, "EUR", 70, 3000, OddsChange.ANY))
    for selection, price, stake in ((1, 2000, 50), (3, 4000, 60)):
        asked = BetAsked((LegAsked(market, selection, price),), (1,), stake)
        house.ask(one, PlaceTicket(one, "EUR", (asked,)))
    for result in (Void("fog"), Score(1, 0), None, Score(0, 1), Void("fog"), Score(1, 1)):
        house.done(RecordResult(market, result) if result is not None else RollbackResult(market))
        house.wait(SECOND_US)


def _limits(house: House, people: Sequence[int]) -> None:
    state = house.machine.state
    house.done(SetLimit(people[1], "EUR", LimitKind.STAKE_DAY, 10_000))
    house.done(SetLimit(people[1], "EUR", LimitKind.STAKE_DAY, None))
    house.done(CoolOff(people[2], DAY_US))
    house.done(SelfExclude(people[3], 200 * DAY_US))
    house.done(SetPlayerTerms(people[1], "EUR", 5_000, 100_000))
    house.done(SetHouseTerms("EUR", state.limits.terms["EUR"]))


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Connection]:
    connection = await journal.connect(dsn)
    try:
        yield connection
    finally:
        connection.terminate()


@asynccontextmanager
async def pooled(dsn: str) -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=3)
    try:
        yield pool
    finally:
        pool.terminate()


async def fold_all(connection: Connection, facts: Sequence[Recorded], *, batch: int = 50) -> None:
    """Make the tables and fold facts into them, in batches."""
    await projections.migrate(connection)
    for first in range(0, len(facts), batch):
        await projections.advance(connection, facts[first : first + batch])


async def contents(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    """Every table, whole and in order."""
    return {table.name: await rows_of(connection, table.name, table.key) for table in projections.TABLES}


async def rows_of(connection: Connection, table: str, key: Iterable[str]) -> list[tuple[object, ...]]:
    rows = await connection.fetch(f"SELECT * FROM read.{table} ORDER BY {', '.join(key)}")  # noqa: S608
    return [tuple(row) for row in rows]


async def append(
    dsn: str, facts: Sequence[Pending], *, head: journal.Head | None = None, batch: int = 40
) -> journal.Head:
    """Append facts to the journal as the book does, in commits of `batch`; the journal's head."""
    async with connected(dsn) as connection:
        epoch = await journal.acquire(connection, "book-1", 60.0)
        assert epoch is not None
        found = await journal.head(connection)
    assert head in (None, found)
    writer = await journal.Journal.open(dsn, epoch=epoch, head=found)
    try:
        for first in range(0, len(facts), batch):
            await writer.append([(fact.at_us, fact.kind, fact.body.decode()) for fact in facts[first : first + batch]])
        return writer.head
    finally:
        await writer.close()


async def wait_until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Until `condition` holds, with a generous ceiling."""
    due_s = asyncio.get_running_loop().time() + CEILING_S
    while not await condition():
        assert asyncio.get_running_loop().time() < due_s, "waited too long"
        await asyncio.sleep(0.02)
