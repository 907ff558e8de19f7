"""The trading desk: the tables of docs/rules/controls.md, cell by cell, and what its decisions leave behind."""

from collections.abc import Callable

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.book.exchanging import BACK, LAY, Exchange
from tests.book.house import House, code_of
from tests.book.tables import milli, number, table

from overround.book import control
from overround.book.bets import BetStatus, DelayedBetRefused
from overround.book.catalogue import Selection
from overround.book.control import LevelSuspended, OverrideEnded, PriceOverridden
from overround.book.exchange import MarketTerms
from overround.book.limits import PlayerBlocked
from overround.book.machine import (
    Machine,
    TicketAnswer,
    decode_fact,
    decode_snapshot,
    encode_snapshot,
    proposals,
    state_hash,
    supposing,
)
from overround.book.machine import commands as c
from overround.book.machine import desk_commands as d
from overround.book.machine.exchange_commands import OpenExchangeMarket, TurnInPlay
from overround.book.settlement import Score
from overround.kernel.fact import Fact
from overround.kernel.instant import DAY_US, SECOND_US
from overround.kernel.level import Level
from overround.kernel.refusal import Refused

HEAD = "How much of everything"


class Desk:
    """A house with one market on offer, and the id of each level that it lies in."""

    def __init__(self, *, in_play: bool = False) -> None:
        self.house = House()
        self.customer = self.house.customer(cash_minor=1_000_000)
        if in_play:
            self.market = self.house.in_play_market(delay_us=5 * SECOND_US)
        else:
            self.market = self.house.market()
        self.other_sport = self.house.do(c.CreateSport("Darts"))
        event = self.house.machine.state.catalogue.markets[self.market].event_id
        self.ids = {"platform": 0, "sport": 1, "competition": 1, "event": event, "market": self.market}

    def place(self, level: str) -> tuple[Level, int, int]:
        """A level, an id and a selection, as the page names them."""
        match level:
            case "selection":
                return Level.SELECTION, self.market, 1
            case "another selection":
                return Level.SELECTION, self.market, 2
            case "another sport":
                return Level.SPORT, self.other_sport, 0
            case _:
                return Level(level), self.ids[level], 0

    def suspend(self, level: str) -> None:
        at, number, selection = self.place(level)
        self.house.do(d.SuspendLevel(at, number, "floodlights", selection))

    def resume(self, level: str) -> None:
        at, number, selection = self.place(level)
        self.house.do(d.ResumeLevel(at, number, selection))

    def selection(self) -> Selection:
        return self.house.machine.state.catalogue.markets[self.market].selections[1]

    def facts(self) -> list[Fact]:
        return [decode_fact(pending.body) for pending in self.house.journal]

    def do(self, happening: str) -> None:
        """What a row of the page says."""
        if happening == "the feed resumes the market":
            self.house.do(c.ResumeMarket(self.market))
        elif happening == "the feed suspends the market":
            self.house.do(c.SuspendMarket(self.market, "goal"))
        elif happening == "the feed sets a price":
            self.house.do(c.SetPrices(self.market, ((1, 2_000),)))
        elif happening.startswith("suspend "):
            self.suspend(happening.removeprefix("suspend "))
        elif happening.startswith("resume "):
            self.resume(happening.removeprefix("resume "))
        else:
            assert happening == "nothing"


def test_suspensions_stand_side_by_side() -> None:
    desk = Desk()
    for row in table("controls.md", "The levels"):
        desk.do(row["what happens"])
        answer = desk.house.bet(desk.customer, desk.market, price_milli=2_000)
        assert code_of(answer) == row["bet"], row
        detail = answer.detail if isinstance(answer, Refused) else {}
        assert detail.get("level", "–") == row["level"], row


@pytest.mark.parametrize("row", table("controls.md", "A bet that waits"), ids=lambda row: " ".join(row.values()))
def test_a_bet_does_not_sleep_through_a_suspension(row: dict[str, str]) -> None:
    desk = Desk(in_play=True)
    house, began_at_us = desk.house, desk.house.at_us + 10 * SECOND_US
    steps: list[tuple[int, int, Callable[[], object]]] = [
        (number(row["suspended after s"]), 1, lambda: desk.suspend(row["level"])),
        (0, 0, lambda: house.taken(desk.customer, desk.market)),
    ]
    if row["resumed after s"] != "–":
        steps.append((number(row["resumed after s"]), 2, lambda: desk.resume(row["level"])))
    for second, _, step in sorted(steps, key=lambda each: each[:2]):
        house.at_us = began_at_us + second * SECOND_US
        step()
    house.at_us = began_at_us + 5 * SECOND_US
    house.wait()
    bet = house.machine.state.bets.bets[1]
    refusals = [fact.code for fact in desk.facts() if isinstance(fact, DelayedBetRefused)]
    assert (refusals or [bet.status.value]) == [row["decision"]]
    assert house.wallet(desk.customer).cash.held_minor == 0


def test_a_price_set_by_hand_stands_until_its_end() -> None:
    desk = Desk()
    house, began_at_us = desk.house, desk.house.at_us
    for row in table("controls.md", "A price set by hand"):
        house.wait(began_at_us + number(row["second"]) * SECOND_US - house.at_us)
        _happen(desk, row["what happens"])
        found = desk.selection()
        assert found.feed_price_milli == _milli(row["the feed's price"]), row
        assert found.price_milli == _milli(row["on offer"]), row
        answer = house.bet(desk.customer, desk.market, price_milli=found.price_milli or 2_000)
        assert (code_of(answer) == "taken") == bool(found.price_milli), row


def _milli(cell: str) -> int:
    return 0 if cell == "–" else milli(cell)


def _happen(desk: Desk, happening: str) -> None:
    word, _, cell = happening.partition(" ")
    match word:
        case "feed":
            desk.house.do(c.SetPrices(desk.market, ((1, _milli(cell)),)))
        case "override":
            desk.house.do(d.OverridePrice(desk.market, 1, milli(cell), desk.house.at_us + 60 * SECOND_US))
        case "lift":
            desk.house.do(d.LiftOverride(desk.market, 1))
        case _:
            desk.do(happening)


@pytest.mark.parametrize("row", table("controls.md", "Margins"), ids=lambda row: " ".join(row.values()))
def test_the_narrowest_margin_holds(row: dict[str, str]) -> None:
    desk = Desk()
    for level in ("platform", "sport", "competition", "event", "market"):
        at, number_, _ = desk.place(level)
        desk.house.do(d.SetMargin(at, number_, 999))
        desk.house.do(d.SetMargin(at, number_, None if row[level] == "–" else number(row[level])))
    catalogue = desk.house.machine.state.catalogue
    found = catalogue.control.narrowest_margin(catalogue.path_of(catalogue.markets[desk.market]))
    expected = None if row["from"] == "–" else (Level(row["from"]), number(row["margin of the market"]))
    assert found == expected


@pytest.mark.parametrize("row", table("controls.md", "Approval"), ids=lambda row: " ".join(row.values()))
@pytest.mark.parametrize("in_play", [False, True])
def test_what_is_not_approved_is_refused(row: dict[str, str], in_play: bool) -> None:
    desk = Desk(in_play=in_play)
    house, market = desk.house, desk.house.machine.state.catalogue.markets[desk.market]
    if in_play:
        house.taken(desk.customer, desk.market)
    house.do(d.RequireApproval(row["approval required"] == "yes"))
    house.do(d.ApproveCompetition(1, row["competition approved"] == "yes"))
    if in_play:
        house.wait(5 * SECOND_US)
        stands = house.machine.state.bets.bets[1].status is BetStatus.OPEN
        assert stands == (row["bet"] == "taken")
    else:
        assert code_of(house.bet(desk.customer, desk.market)) == row["bet"]
    assert house.machine.state.catalogue.is_available(market) == (row["bet"] == "taken")


@pytest.mark.parametrize("row", table("controls.md", "A customer's switch"), ids=lambda row: " ".join(row.values()))
def test_a_blocked_customer_places_no_bets(row: dict[str, str]) -> None:
    desk = Desk()
    if row["blocked"] == "yes":
        desk.house.do(d.BlockPlayer(desk.customer, "chargeback"))
    if row["cooling off"] == "yes":
        desk.house.do(c.CoolOff(desk.customer, DAY_US))
    assert code_of(desk.house.bet(desk.customer, desk.market)) == row["bet"]
    desk.house.do(c.MoveFunds(desk.customer, "EUR", -1_000, "withdrawal"))


def test_a_block_refuses_a_bet_that_waits_and_is_lifted_again() -> None:
    desk = Desk(in_play=True)
    desk.house.taken(desk.customer, desk.market)
    desk.house.do(d.BlockPlayer(desk.customer, "chargeback"))
    desk.house.do(d.BlockPlayer(desk.customer, "collusion"))
    desk.house.wait(5 * SECOND_US)
    assert desk.house.machine.state.bets.bets[1].status is BetStatus.REFUSED
    befores = [fact.before for fact in desk.facts() if isinstance(fact, PlayerBlocked)]
    assert befores == ["", "chargeback"]
    desk.house.do(d.UnblockPlayer(desk.customer))
    assert desk.house.refusal(d.UnblockPlayer(desk.customer)) == "not_blocked"
    desk.house.taken(desk.customer, desk.market)


def test_the_page_names_every_limit() -> None:
    for row in table("controls.md", HEAD):
        owner = next(each for each in (control, proposals, supposing) if hasattr(each, row["limit"]))
        assert getattr(owner, row["limit"]) == number(row["value"])


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (d.SuspendLevel(Level.PLATFORM, 1, "x"), "level_invalid"),
        (d.SuspendLevel(Level.SPORT, 9, "x"), "sport_not_found"),
        (d.SuspendLevel(Level.COMPETITION, 9, "x"), "competition_not_found"),
        (d.SuspendLevel(Level.EVENT, 9, "x"), "event_not_found"),
        (d.SuspendLevel(Level.MARKET, 9, "x"), "market_not_found"),
        (d.SuspendLevel(Level.MARKET, 1, "x", 1), "level_invalid"),
        (d.SuspendLevel(Level.SELECTION, 9, "x", 1), "market_not_found"),
        (d.SuspendLevel(Level.SELECTION, 1, "x"), "selection_not_found"),
        (d.SuspendLevel(Level.PLATFORM, 0, ""), "name_invalid"),
        (d.ResumeLevel(Level.PLATFORM, 0), "not_suspended"),
        (d.ResumeLevel(Level.SELECTION, 1, 2), "not_suspended"),
        (d.ResumeLevel(Level.SPORT, 9), "sport_not_found"),
        (d.OverridePrice(9, 1, 2_000, 1), "market_not_found"),
        (d.OverridePrice(1, 9, 2_000, 1), "selection_not_found"),
        (d.OverridePrice(1, 1, 0, 1), "price_invalid"),
        (d.OverridePrice(1, 1, 2_000, 1), "expiry_invalid"),
        (d.OverridePrice(1, 1, 2_000, 1 << 62), "expiry_invalid"),
        (d.LiftOverride(1, 1), "not_overridden"),
        (d.LiftOverride(9, 1), "market_not_found"),
        (d.SetMargin(Level.SELECTION, 1, 5), "level_invalid"),
        (d.SetMargin(Level.EVENT, 9, 5), "event_not_found"),
        (d.SetMargin(Level.EVENT, 1, -1), "margin_invalid"),
        (d.SetMargin(Level.EVENT, 1, control.MAX_MARGIN_BPS + 1), "margin_invalid"),
        (d.ApproveCompetition(9, True), "competition_not_found"),
        (d.BlockPlayer(9, "x"), "customer_not_found"),
        (d.BlockPlayer(1, ""), "name_invalid"),
        (d.UnblockPlayer(1), "not_blocked"),
        (d.UnblockPlayer(9), "customer_not_found"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(made: c.AnyCommand, code: str) -> None:
    desk = Desk()
    before = str(desk.house.machine.state.catalogue), str(desk.house.machine.state.limits)
    assert desk.house.refusal(made) == code
    assert (str(desk.house.machine.state.catalogue), str(desk.house.machine.state.limits)) == before


def test_a_market_that_is_over_takes_no_override() -> None:
    desk = Desk()
    desk.house.do(d.OverridePrice(desk.market, 1, 1_800, desk.house.at_us + SECOND_US))
    desk.house.do(c.CloseMarket(desk.market))
    assert desk.house.refusal(d.OverridePrice(desk.market, 1, 1_800, desk.house.at_us + SECOND_US)) == "market_status"
    desk.house.wait(SECOND_US)
    assert desk.house.machine.next_due_us() is None


def test_suspending_a_sport_is_one_fact_for_any_number_of_markets() -> None:
    desk = Desk()
    event = desk.ids["event"]
    markets = [desk.market, *(desk.house.market(event_id=event) for _ in range(30))]
    before = desk.house.machine.state.seq
    desk.suspend("sport")
    assert desk.house.machine.state.seq == before + 1
    catalogue = desk.house.machine.state.catalogue
    assert not any(catalogue.is_available(catalogue.markets[market]) for market in markets)
    desk.resume("sport")
    assert all(catalogue.is_available(catalogue.markets[market]) for market in markets)


def test_a_fact_says_what_was_before() -> None:
    desk = Desk()
    for reason in ("floodlights", "crowd"):
        desk.house.do(d.SuspendLevel(Level.EVENT, 1, reason))
    desk.resume("event")
    desk.house.do(d.OverridePrice(desk.market, 1, 1_800, desk.house.at_us + SECOND_US))
    desk.house.do(d.OverridePrice(desk.market, 1, 1_700, desk.house.at_us + SECOND_US))
    desk.house.wait(SECOND_US)
    facts = desk.facts()
    assert [fact.before for fact in facts if isinstance(fact, LevelSuspended)] == ["", "floodlights"]
    assert [fact.before_milli for fact in facts if isinstance(fact, PriceOverridden)] == [2_000, 1_800]
    ended = [(fact.before_milli, fact.price_milli, fact.expired) for fact in facts if isinstance(fact, OverrideEnded)]
    assert ended == [(1_700, 2_000, True)]


def test_an_override_that_is_over_is_over_for_a_bet_that_waited() -> None:
    """Both are due when the house comes back: the price goes first, or a bet would stand at one that is no more."""
    desk = Desk(in_play=True)
    house = desk.house
    house.do(d.OverridePrice(desk.market, 1, 9_000, house.at_us + 6 * SECOND_US))
    house.wait(3 * SECOND_US)
    house.taken(desk.customer, desk.market)
    house.wait(60 * SECOND_US)
    assert house.machine.state.bets.bets[1].status is BetStatus.REFUSED


def double(house: House, customer: int, *markets: int) -> object:
    """A double on the first selections of two markets."""
    legs = tuple(c.LegAsked(market, 1, 2_000) for market in markets)
    return house.ask(c.PlaceTicket(customer, "EUR", (c.BetAsked(legs, (2,), 1_000),)), actor=customer)


def test_a_ticket_falls_with_any_of_its_legs() -> None:
    desk = Desk(in_play=True)
    house, other = desk.house, desk.house.market()
    desk.suspend("event")
    refused = double(house, desk.customer, desk.market, other)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.detail["level"]) == ("market_suspended", "event")
    desk.resume("event")
    house.wait(1)
    waiting = double(house, desk.customer, desk.market, other)
    assert isinstance(waiting, TicketAnswer)
    house.wait(SECOND_US)
    desk.suspend("event")
    desk.resume("event")
    house.wait(10 * SECOND_US)
    assert house.machine.state.bets.bets[waiting.ticket_id].status is BetStatus.REFUSED
    assert house.wallet(desk.customer).cash.held_minor == 0


def test_the_exchange_is_stopped_too() -> None:
    house = Exchange()
    market, layer, backer = house.exchange_market(), house.trader(), house.trader()
    resting = house.order(layer, market, LAY, 3_000, 1_000)
    for level, number_ in ((Level.PLATFORM, 0), (Level.SPORT, 1), (Level.COMPETITION, 1), (Level.EVENT, 1)):
        house.do(d.SuspendLevel(level, number_, "floodlights"))
        refused = house.place(backer, market, BACK, 3_000, 100)
        assert isinstance(refused, Refused)
        assert (refused.code, refused.detail["level"]) == ("market_suspended", level.value)
        house.do(d.ResumeLevel(level, number_))
    house.do(d.RequireApproval(True))
    assert house.why(backer, market, BACK, 3_000, 100) == "market_not_open_for_betting"
    house.do(d.ApproveCompetition(1, True))
    assert house.report(backer, market, BACK, 3_000, 100).matched_minor == 100
    house.do(d.SuspendLevel(Level.EVENT, 1, "floodlights"))
    (report,) = house.replace(layer, market, (resting, 3_100)).placed
    assert report.code == "cancelled_not_placed"
    assert house.held(layer) == 200


def test_an_order_does_not_sleep_through_a_suspension() -> None:
    house = Exchange()
    market = house.exchange_market(terms=MarketTerms("Match odds", turn_in_play=True, bet_delay_us=5 * SECOND_US))
    backer = house.trader()
    house.do(TurnInPlay(market))
    house.do(OpenExchangeMarket(market))
    house.order(backer, market, BACK, 3_000, 100)
    house.wait(SECOND_US)
    house.do(d.SuspendLevel(Level.SPORT, 1, "floodlights"))
    house.do(d.ResumeLevel(Level.SPORT, 1))
    house.wait(1)
    later = house.order(backer, market, BACK, 3_000, 200)
    house.wait(10 * SECOND_US)
    assert list(house.machine.state.exchange.orders.live_on(backer, market)) == [later]
    assert house.held(backer) == 200


class ControlModel(RuleBasedStateMachine):
    """Two sports with two events each, of two markets; anything is suspended, resumed, overridden; time passes. The
    model keeps a set of what is suspended and a dictionary of prices, and every machine is a snapshot's, too."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.customer = self.house.customer(cash_minor=10**9)
        self.parents: dict[int, tuple[tuple[str, int], ...]] = {}
        for sport in (1, 2):
            self.house.do(c.CreateSport("Sport"))
            for _ in range(2):
                competition = self.house.do(c.CreateCompetition(sport, "League"))
                event = self.house.do(c.CreateEvent(competition, "A – B", 0))
                for _ in range(2):
                    market = self.house.market(event_id=event)
                    self.parents[market] = (
                        ("platform", 0), ("sport", sport), ("competition", competition),
                        ("event", event), ("market", market),
                    )  # fmt: skip
        self.stopped: set[tuple[str, int, int]] = set()
        self.feed = dict.fromkeys(self.parents, 2_000)
        self.overrides: dict[int, tuple[int, int]] = {}

    places = st.one_of(
        st.just(("platform", 0, 0)),
        st.tuples(st.just("sport"), st.integers(1, 2), st.just(0)),
        st.tuples(st.sampled_from(("competition", "event")), st.integers(1, 4), st.just(0)),
        st.tuples(st.just("market"), st.integers(1, 8), st.just(0)),
        st.tuples(st.just("selection"), st.integers(1, 8), st.just(1)),
    )
    markets = st.integers(1, 8)

    @rule(place=places)
    def suspend(self, place: tuple[str, int, int]) -> None:
        self.house.do(d.SuspendLevel(Level(place[0]), place[1], "why", place[2]))
        self.stopped.add(place)

    @rule(place=places)
    def resume(self, place: tuple[str, int, int]) -> None:
        answer = self.house.ask(d.ResumeLevel(Level(place[0]), place[1], place[2]))
        assert isinstance(answer, Refused) == (place not in self.stopped)
        self.stopped.discard(place)

    @rule(market=markets, price=st.sampled_from((0, 1_500, 2_500)))
    def feed_says(self, market: int, price: int) -> None:
        self.house.do(c.SetPrices(market, ((1, price),)))
        self.feed[market] = price

    @rule(market=markets, seconds=st.integers(1, 20))
    def override(self, market: int, seconds: int) -> None:
        until_us = self.house.at_us + seconds * SECOND_US
        self.house.do(d.OverridePrice(market, 1, 1_700, until_us))
        self.overrides[market] = (1_700, until_us)

    @rule(market=markets)
    def lift(self, market: int) -> None:
        answer = self.house.ask(d.LiftOverride(market, 1))
        assert isinstance(answer, Refused) == (market not in self.overrides)
        self.overrides.pop(market, None)

    @rule(seconds=st.sampled_from((0, 1, 5, 30)))
    def time_passes(self, seconds: int) -> None:
        self.house.wait(seconds * SECOND_US)
        self.overrides = {market: held for market, held in self.overrides.items() if held[1] > self.house.at_us}

    @rule()
    def restart(self) -> None:
        state = self.house.machine.state
        restored = decode_snapshot(encode_snapshot(state))
        assert (restored.overrides, state_hash(restored)) == (state.overrides, state_hash(state))
        self.house.machine = Machine(restored)

    @invariant()
    def bets_are_taken_where_nothing_is_stopped(self) -> None:
        catalogue = self.house.machine.state.catalogue
        for market, path in self.parents.items():
            found = catalogue.markets[market]
            stopped = any((level, number, 0) in self.stopped for level, number in path)
            assert catalogue.is_available(found) == (not stopped)
            on_offer = self.overrides.get(market, (self.feed[market], 0))[0]
            silenced = ("selection", market, 1) in self.stopped
            assert found.selections[1].price_milli == (0 if silenced else on_offer)


TestControlModel = ControlModel.TestCase


def test_a_result_frees_no_market_that_the_desk_suspended() -> None:
    desk = Desk()
    desk.suspend("market")
    desk.house.do(c.RecordResult(desk.market, Score(1, 0)))
    assert code_of(desk.house.bet(desk.customer, desk.market)) == "market_closed"
