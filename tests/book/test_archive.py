"""What is long settled leaves the book's memory: docs/rules/archive.md, and any life of a house with and without."""

import random
from collections.abc import Callable

import pytest
from tests.book.archiving import Shadowed, ShadowedExchange, archived, consistent, same_tables
from tests.book.exchange_wishes import open_exchange, wish
from tests.book.exchanging import BACK, LAY, Exchange
from tests.book.house import House
from tests.book.tables import number, table
from tests.book.test_promotions import Season
from tests.book.test_ticketing import AWAY_WINS, HOME_WINS, ask, multiple, taken

from overround.book import archive
from overround.book.exchange import RunnersResult, Share, VoidResult
from overround.book.limits import Cap
from overround.book.machine import (
    CashOutAnswer,
    Machine,
    QuoteAnswer,
    TicketAnswer,
    decode_fact,
    decode_snapshot,
    empty,
    encode_snapshot,
    fold,
    request,
    state_hash,
)
from overround.book.machine import commands as c
from overround.book.machine import desk_commands as d
from overround.book.machine.cash_commands import QuoteCashOut, TakeCashOut
from overround.book.machine.exchange_commands import PlaceInstruction, PlaceOrders, RecordExchangeResult
from overround.book.settlement import Void
from overround.kernel.instant import DAY_US, SECOND_US
from overround.kernel.level import Level
from overround.kernel.refusal import Refused

PAGE = "archive.md"
DAYS = 100


def days(cell: str) -> int | None:
    return None if cell == "–" else number(cell)


# ---------------------------------------------------------------- the page


class Calendar:
    """A house that is looked at once a day, and what is done on which day of it."""

    def __init__(self) -> None:
        self.house = Exchange()
        self.done: dict[int, list[c.AnyCommand]] = {}

    def on(self, cell: str, command: c.AnyCommand) -> None:
        if (day := days(cell)) is not None:
            self.done.setdefault(day, []).append(command)

    def live(self, there: Callable[[], bool], until: int = DAYS) -> int | None:
        """The first day on which something is there no more."""
        for day in range(until + 1):
            for command in self.done.get(day, ()):
                self.house.do(command)
            self.house.wait()
            if not there():
                return day
            self.house.wait(DAY_US)
        return None


def played(row: dict[str, str]) -> tuple[Calendar, int, int]:
    """The house of a row of the page, its bet and its first market."""
    calendar, kind = Calendar(), row["bet"]
    house = calendar.house
    customer, markets = house.customer(cash_minor=10_000), [house.market(), house.market()]
    lost, won = (AWAY_WINS, HOME_WINS) if "lost" in kind else (HOME_WINS, AWAY_WINS)
    if kind.startswith("double"):
        bet = taken(house, customer, multiple(house, markets))[0].id
    else:
        bet = house.taken(customer, markets[0])
    if "cashed out" in kind:
        quote = house.ask(QuoteCashOut(customer, bet, 10_000), actor=customer)
        assert isinstance(quote, QuoteAnswer)
        assert isinstance(house.ask(TakeCashOut(customer, quote.quote_id), actor=customer), CashOutAnswer)
    calendar.on(row["A settled"], c.RecordResult(markets[0], lost))
    calendar.on(row["A corrected"], c.RecordResult(markets[0], won))
    calendar.on(row["B settled"], c.RecordResult(markets[1], HOME_WINS))
    return calendar, bet, markets[0]


BETS = table(PAGE, "A market")


@pytest.mark.parametrize("row", BETS, ids=lambda row: " ".join(row.values()))
def test_when_a_bet_and_its_market_leave(row: dict[str, str]) -> None:
    calendar, bet, _ = played(row)
    assert calendar.live(lambda: bet in calendar.house.machine.state.bets.bets) == days(row["bet leaves"])
    calendar, _, market = played(row)
    assert calendar.live(lambda: market in calendar.house.machine.state.catalogue.markets) == days(row["A leaves"])
    calendar, _, market = played(row)
    calendar.live(lambda: True, until=30)
    told = calendar.house.ask(c.RecordResult(market, Void("off")))
    assert (told.code if isinstance(told, Refused) else "taken") == row["corrected again on day 31"]


@pytest.mark.parametrize("row", table(PAGE, "An event"), ids=lambda row: " ".join(row.values()))
def test_when_an_event_leaves(row: dict[str, str]) -> None:
    calendar, event, market = planned(row)
    markets = calendar.house.machine.state.catalogue.markets
    assert not market or calendar.live(lambda: market in markets) == days(row["market leaves"])
    calendar, event, market = planned(row)
    house, events = calendar.house, calendar.house.machine.state.catalogue.events
    assert calendar.live(lambda: event in events) == days(row["event leaves"])
    assert house.refusal(c.StartEvent(event)) == "event_archived"
    assert house.refusal(c.StartEvent(99)) == "event_not_found"


def planned(row: dict[str, str]) -> tuple[Calendar, int, int]:
    """The house of a row of the page, its event and its market, 0 where it has none."""
    calendar = Calendar()
    house = calendar.house
    event = house.event()
    house.do(c.RescheduleEvent(event, house.at_us + number(row["starts"]) * DAY_US))
    market = house.market(event_id=event) if row["market settled"] != "–" else 0
    calendar.on(row["market settled"], c.RecordResult(market, HOME_WINS))
    calendar.on(row["ended"], c.EndEvent(event))
    return calendar, event, market


@pytest.mark.parametrize("row", table(PAGE, "The exchange"), ids=lambda row: " ".join(row.values()))
def test_when_an_exchange_market_leaves(row: dict[str, str]) -> None:
    calendar = Calendar()
    house = calendar.house
    market, one, other = house.exchange_market(), house.trader(), house.trader()
    order = house.order(one, market, BACK, 2_000, 1_000)
    house.order(other, market, LAY, 2_000, 1_000)
    calendar.on(row["settled"], RecordExchangeResult(market, RunnersResult((Share(0),))))
    calendar.on(row["corrected"], RecordExchangeResult(market, RunnersResult((Share(1),))))
    orders = house.machine.state.exchange.orders
    assert calendar.live(lambda: order in orders.by_id) == days(row["market leaves"])
    assert market not in orders.books
    assert house.refusal(RecordExchangeResult(market, VoidResult("off"))) == "market_archived"
    assert house.refusal(RecordExchangeResult(99, VoidResult("off"))) == "invalid_market_id"
    asked = PlaceInstruction(1001, BACK, 2_000, 1_000)
    assert house.refusal(PlaceOrders(one, market, "GBP", (asked,))) == "market_archived"


def test_how_much_of_everything() -> None:
    for row in table(PAGE, "In steps"):
        assert getattr(archive, row["limit"]) == number(row["value"]), row["limit"]


# ---------------------------------------------------------------- stories


def long_ago(house: House, market: int) -> None:
    """A market is settled, and that is more than a month ago."""
    house.do(c.RecordResult(market, HOME_WINS))
    house.wait()
    house.wait(31 * DAY_US)


def test_what_is_archived_and_what_never_was_are_told_apart() -> None:
    house = House()
    customer, market = house.customer(cash_minor=1_000), house.market()
    bet = house.taken(customer, market)
    long_ago(house, market)
    for number_of, code in ((market, "market_archived"), (market + 1, "market_not_found")):
        for command in (
            c.RecordResult(number_of, AWAY_WINS),
            c.RollbackResult(number_of),
            c.CancelMarketBets(number_of, 0, house.at_us, "late"),
            c.RestoreMarketBets(number_of, 0, house.at_us),
            c.SetPrices(number_of, ((1, 2_000),)),
            c.ChangeMarket(number_of, 0, 0),
            c.HandOverMarket(number_of, ""),
            c.PlaceBet(customer, number_of, 1, "EUR", 100, 2_000),
            c.PlaceTicket(customer, "EUR", (c.BetAsked((c.LegAsked(number_of, 1, 2_000),), (1,), 100),)),
            c.SetCap(Level.MARKET, number_of, "EUR", Cap(1)),
            d.SuspendLevel(Level.MARKET, number_of, "late"),
            d.PreviewResult(number_of, AWAY_WINS),
        ):
            assert house.refusal(command) == code, command
    for asked, code in ((bet, "bet_archived"), (bet + 1, "bet_not_found")):
        assert house.refusal(c.FindBet(customer, asked)) == code
        assert house.refusal(QuoteCashOut(customer, asked, 10_000)) == code
        assert house.refusal(c.GetWorking(customer, asked)) == code
    assert house.refusal(c.RecordEventResult(1, AWAY_WINS)) == "market_archived"
    assert house.taken(customer, house.market()) == bet + 1


def test_the_period_is_the_operators() -> None:
    house = House()
    assert house.refusal(d.SetArchiveAfter(0)) == "archive_after_invalid"
    assert house.refusal(d.SetArchiveAfter(archive.MAX_ARCHIVE_AFTER_US + 1)) == "archive_after_invalid"
    market = house.market()
    house.do(c.RecordResult(market, HOME_WINS))
    house.wait()
    house.do(d.SetArchiveAfter(DAY_US))
    house.wait(DAY_US - 1)
    assert market in house.machine.state.catalogue.markets
    house.wait(1)
    assert market not in house.machine.state.catalogue.markets


def test_a_key_has_its_answer_when_its_bet_has_left() -> None:
    house = House()
    house.do(d.SetArchiveAfter(SECOND_US))
    customer, market = house.customer(cash_minor=1_000), house.market()
    key = house.key()
    first = house.bet(customer, market, key=key)
    house.do(c.RecordResult(market, HOME_WINS))
    house.wait()
    house.wait(SECOND_US)
    assert not house.machine.state.bets.bets
    again = Machine(decode_snapshot(encode_snapshot(house.machine.state)))
    asked = c.PlaceBet(customer, market, 1, "EUR", 1_000, 2_000)
    assert house.ask(asked, key=key) == first
    assert again.execute(request(actor=customer, key=key, command=asked), house.at_us) == first
    assert house.refusal(c.FindBet(customer, 0, key)) == "bet_archived"
    house.wait(25 * 3_600 * SECOND_US)
    house.do(c.FeedHeartbeat("odds"))
    assert house.ask(asked, key=key) == Refused("key_expired")


def test_an_override_ends_with_its_market() -> None:
    house = House()
    house.do(d.SetArchiveAfter(SECOND_US))
    market = house.market()
    house.do(d.OverridePrice(market, 1, 1_500, house.at_us + 7 * DAY_US))
    house.do(c.RecordResult(market, HOME_WINS))
    house.wait()
    house.wait(SECOND_US)
    assert not house.machine.state.overrides
    house.wait(8 * DAY_US)


def test_what_waits_keeps_its_market() -> None:
    """A trader is asked about a ticket while one of its markets is settled: with a period of seconds it is not archived
    before the trader has spoken."""
    house = House()
    house.do(d.SetArchiveAfter(SECOND_US))
    customer, markets = house.customer(cash_minor=10_000_000), [house.market(), house.market()]
    house.do(c.SetCap(Level.SPORT, 1, "EUR", Cap(max_stake_minor=500)))
    told = ask(house, customer, multiple(house, markets), refer=True)
    assert isinstance(told, TicketAnswer)
    house.do(c.RecordResult(markets[0], HOME_WINS))
    house.wait()
    house.wait(30 * SECOND_US)
    assert markets[0] in house.machine.state.catalogue.markets
    house.do(c.DeclineReferral(told.ticket_id))
    house.wait(SECOND_US)
    assert markets[0] not in house.machine.state.catalogue.markets
    house.wait(60 * SECOND_US)
    assert told.ticket_id not in house.machine.state.bets.bets


def test_what_was_decided_early_leaves_when_its_time_is_over() -> None:
    """A trader takes a ticket at once: until the minute is over that the trader had, it is still among what waits."""
    house = House()
    house.do(d.SetArchiveAfter(SECOND_US))
    customer, markets = house.customer(cash_minor=10_000_000), [house.market() for _ in range(3)]
    for sport in (1, 2, 3):
        house.do(c.SetCap(Level.SPORT, sport, "EUR", Cap(max_stake_minor=500)))
    tickets = [ask(house, customer, multiple(house, [market]), refer=True) for market in markets]
    referred = [each.ticket_id for each in tickets if isinstance(each, TicketAnswer)]
    house.do(c.AcceptReferral(referred[1]))
    house.do(c.RecordResult(markets[1], HOME_WINS))
    house.wait()
    house.wait(SECOND_US)
    assert referred[1] in house.machine.state.bets.bets
    house.do(c.DeclineReferral(referred[0]))
    house.wait(60 * SECOND_US)
    assert referred[1] not in house.machine.state.bets.bets
    assert house.machine.state.delays == []


def test_a_ticket_that_runs_keeps_the_record_of_an_archived_market() -> None:
    house = House()
    customer, markets = house.customer(cash_minor=10_000), [house.market(), house.market()]
    bet = taken(house, customer, multiple(house, markets))[0]
    single = house.taken(customer, markets[0])
    long_ago(house, markets[0])
    state = house.machine.state
    assert single not in state.bets.bets
    assert state.archive.named == {markets[0]: 1}
    assert house.refusal(c.RecordResult(markets[0], AWAY_WINS)) == "market_archived"
    house.do(c.RecordResult(markets[1], HOME_WINS))
    house.wait()
    assert bet.payout_minor == 4_000
    house.wait(30 * DAY_US)
    assert not state.bets.bets
    assert not state.catalogue.markets


# ---------------------------------------------------------------- any life


def season(seed: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Season, Shadowed]:
    house = Shadowed(after_us=random.Random(seed).choice((1, 5, 30)) * SECOND_US, seed=seed)
    monkeypatch.setattr("tests.book.test_ticketing.House", lambda: house)
    return Season(seed), house


def everything_ends(house: Shadowed) -> None:
    """Every market has a result, every event is over, and all is long settled."""
    offer = house.machine.state.catalogue
    for market in list(offer.markets.values()):
        if not market.resulted:
            house.ask(c.RecordResult(market.id, HOME_WINS))
    for event in list(offer.events.values()):
        house.ask(c.EndEvent(event.id))
    for _ in range(3):  # settled, then archived, then its event
        house.wait(8 * DAY_US)
        house.archive(100_000)


@pytest.mark.parametrize("seed", range(8))
def test_a_life_with_archiving_is_the_same_life(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lived, house = season(seed, monkeypatch)
    for _ in range(250):
        lived.act()
    everything_ends(house)
    same_tables(house.journal, house.written)
    bets, _ = archived([decode_fact(pending.body) for pending in house.written])
    assert len(bets) == len(set(bets)) > 20
    assert house.refused
    state = house.shadow.state
    assert not state.bets.bets
    assert not state.catalogue.markets
    assert not state.catalogue.events
    assert not state.archive.named


@pytest.mark.parametrize("seed", range(8))
def test_an_exchange_with_archiving_is_the_same_exchange(seed: int) -> None:
    house, rng = ShadowedExchange(after_us=SECOND_US, seed=seed, audited=False), random.Random(seed)
    open_exchange(house)
    for _ in range(250):
        house.at_us += rng.choice((0, 0, 300_000, 2_000_000, 30_000_000))
        house.wait()
        house.ask(wish(rng, house.machine.state))
    for market in list(house.machine.state.exchange.markets):
        house.ask(RecordExchangeResult(market, VoidResult("over")))
    house.wait(DAY_US)
    house.wait(DAY_US)
    house.archive(100_000)
    same_tables(house.journal, house.written)
    _, orders = archived([decode_fact(pending.body) for pending in house.written])
    assert len(orders) == len(set(orders))
    assert not house.shadow.state.exchange.markets
    assert not house.shadow.state.exchange.orders.by_id
    assert not house.shadow.state.exchange.orders.books


@pytest.mark.parametrize("seed", range(20, 24))
def test_the_journal_and_any_snapshot_make_the_same_house(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lived, house = season(seed, monkeypatch)
    bodies: list[tuple[int, bytes]] = []
    for act in range(200):
        lived.act()
        if act % 9 == 0:
            bodies.append((house.shadow.state.seq, encode_snapshot(house.shadow.state)))
    everything_ends(house)
    live = state_hash(house.shadow.state)
    for seq, body in [(0, encode_snapshot(empty())), *bodies]:
        state = decode_snapshot(body)
        assert encode_snapshot(state) == body
        consistent(state)
        for pending in house.written[seq:]:
            fold(state, decode_fact(pending.body), pending.at_us)
        assert state_hash(state) == live


@pytest.mark.parametrize("seed", range(20, 26))
def test_a_house_from_a_snapshot_archives_as_the_one_that_was_not(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of a market, too: whoever takes over decides the same steps."""
    monkeypatch.setattr("overround.book.machine.archiving.ARCHIVE_STEP", 3)
    lived, house = season(seed, monkeypatch)
    for _ in range(120):
        lived.act()
        twin = Machine(decode_snapshot(encode_snapshot(house.shadow.state)))
        ahead = Machine(decode_snapshot(encode_snapshot(house.shadow.state)))
        for _ in range(8):  # one goes on, the other is taken down and up again at each step
            assert ahead.advance(house.at_us) == twin.advance(house.at_us)
            twin = Machine(decode_snapshot(encode_snapshot(twin.state)))
            assert state_hash(ahead.state) == state_hash(twin.state)
