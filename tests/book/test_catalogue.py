"""What is on offer: the tables of docs/rules/catalogue.md, cell by cell, and everything that has a limit."""

from collections.abc import Callable

import pytest
from tests.book.house import House, code_of
from tests.book.tables import number, table

from overround.book.catalogue import (
    EVENT_LIFE,
    MARKET_LIFE,
    MARKET_TYPES,
    EventAction,
    EventStatus,
    MarketAction,
    MarketStatus,
    Names,
    types,
)
from overround.book.machine import commands as c
from overround.book.settlement import Score
from overround.kernel.instant import DAY_US, HOUR_US, SECOND_US
from overround.kernel.money import MAX_MONEY_MINOR
from overround.kernel.refusal import Refused


def test_the_life_of_an_event_is_the_page() -> None:
    rows = {row["status"]: row for row in table("catalogue.md", "The life of an event")}
    for status in EventStatus:
        for action in EventAction:
            assert EVENT_LIFE.get((status, action), "–") == rows[status][action]


def test_the_life_of_a_market_is_the_page() -> None:
    rows = {row["status"]: row for row in table("catalogue.md", "The life of a market")}
    for status in MarketStatus:
        for action in MarketAction:
            assert MARKET_LIFE.get((status, action), "–") == rows[status][action.value.replace("_", " ")]


STEPS: dict[MarketAction, Callable[[int], c.AnyCommand]] = {
    MarketAction.RESUME: c.ResumeMarket,
    MarketAction.SUSPEND: lambda market: c.SuspendMarket(market, "goal"),
    MarketAction.CLOSE: c.CloseMarket,
    MarketAction.RESULT: lambda market: c.RecordResult(market, Score(1, 0)),
    MarketAction.ROLL_BACK: c.RollbackResult,
}


@pytest.mark.parametrize("action", MarketAction)
@pytest.mark.parametrize("status", MarketStatus)
def test_every_step_from_every_status(status: MarketStatus, action: MarketAction) -> None:
    house = House()
    market = house.market(resume=status is not MarketStatus.SUSPENDED)
    if status is MarketStatus.CLOSED:
        house.do(c.CloseMarket(market))
    if status is MarketStatus.RESULTED:
        house.do(c.RecordResult(market, Score(0, 0)))
    before = house.machine.state.catalogue.markets[market].version
    answer = house.ask(STEPS[action](market))
    state = house.machine.state.catalogue.markets[market]
    following = MARKET_LIFE.get((status, action))
    if following is None:
        assert answer == Refused("market_status", {"status": status.value})
        assert (state.status, state.version) == (status, before)
    else:
        assert (state.status, state.version) == (following, before + 1)


@pytest.mark.parametrize("in_play", [True, False])
@pytest.mark.parametrize("status", MarketStatus)
def test_what_the_start_and_the_end_do_to_a_market(status: MarketStatus, in_play: bool) -> None:
    house = House()
    market = house.market(resume=status is not MarketStatus.SUSPENDED, in_play=in_play)
    if status is MarketStatus.CLOSED:
        house.do(c.CloseMarket(market))
    if status is MarketStatus.RESULTED:
        house.do(c.RecordResult(market, Score(0, 0)))
    state = house.machine.state.catalogue.markets[market]
    lives = status in (MarketStatus.OPEN, MarketStatus.SUSPENDED)
    house.do(c.StartEvent(state.event_id))
    assert state.status == ((MarketStatus.SUSPENDED if in_play else MarketStatus.CLOSED) if lives else status)
    house.do(c.EndEvent(state.event_id))
    assert state.status == (MarketStatus.CLOSED if lives else status)


def test_events_refuse_what_their_life_does_not_have() -> None:
    house = House()
    event = house.event()
    house.do(c.RescheduleEvent(event, house.at_us + HOUR_US))
    house.do(c.StartEvent(event))
    assert house.ask(c.StartEvent(event)) == Refused("event_status", {"status": "in_play"})
    assert house.refusal(c.RescheduleEvent(event, 0)) == "event_status"
    assert house.refusal(c.CreateMarket(event, "1x2")) == "event_status"
    house.do(c.CreateMarket(event, "1x2", in_play=True))
    house.do(c.EndEvent(event))
    assert house.ask(c.EndEvent(event)) == Refused("event_status", {"status": "ended"})
    assert house.refusal(c.CreateMarket(event, "1x2", in_play=True)) == "event_status"


def test_suspending_an_event_twice_changes_nothing_more() -> None:
    house = House()
    event = house.event()
    markets = [house.market(event_id=event) for _ in range(3)]
    house.do(c.CloseMarket(markets[2]))
    house.do(c.SuspendEvent(event, "var"))
    versions = [market.version for market in house.machine.state.catalogue.markets.values()]
    assert house.do(c.SuspendEvent(event, "var")) == 0
    assert [market.version for market in house.machine.state.catalogue.markets.values()] == versions
    house.do(c.ResumeEvent(event))
    statuses = [house.machine.state.catalogue.markets[market].status.value for market in markets]
    assert statuses == ["open", "open", "closed"]


@pytest.mark.parametrize("looked", [True, False], ids=["silence noticed", "nobody looked"])
def test_the_silence_of_a_feed(looked: bool) -> None:
    """Whether or not the machine has been woken since, a bet finds the silence at its very instant."""
    house = House()
    customer = house.customer(cash_minor=100_000)
    market = house.market(feed="odds")
    began_at_us = house.at_us
    for row in table("catalogue.md", "The silence of a feed"):
        house.at_us = began_at_us + number(row["seconds"]) * SECOND_US
        if looked:
            house.wait()
        match row["what happens"]:
            case "heartbeat":
                house.do(c.FeedHeartbeat("odds"))
            case "silenced":
                house.do(c.SilenceFeed("odds"))
            case "prices set":
                house.do(c.SetPrices(market, ((1, 2_000),)))
            case "market resumed":
                house.do(c.ResumeMarket(market))
            case _:
                pass
        assert code_of(house.bet(customer, market)) == row["bet"], row


def test_a_silence_is_one_fact_for_any_number_of_markets() -> None:
    house = House()
    markets = [house.market(feed="odds") for _ in range(20)]
    other = house.market(feed="other")
    house.wait(10 * SECOND_US)
    house.do(c.FeedHeartbeat("other"))
    assert house.machine.next_due_us() == house.at_us + 10 * SECOND_US
    before = house.machine.state.seq
    house.wait(10 * SECOND_US)
    catalogue = house.machine.state.catalogue
    assert house.machine.state.seq == before + 1
    assert not any(catalogue.is_available(catalogue.markets[market]) for market in markets)
    assert catalogue.is_available(catalogue.markets[other])


def test_a_market_is_as_silent_as_the_feed_that_keeps_it() -> None:
    house = House()
    market = house.market(feed="before the match")
    house.do(c.SilenceFeed("in play"))
    catalogue = house.machine.state.catalogue
    assert catalogue.is_available(catalogue.markets[market])
    assert house.do(c.HandOverMarket(market, "in play")) == market
    assert not catalogue.is_available(catalogue.markets[market])
    house.do(c.FeedHeartbeat("in play"))
    house.do(c.ResumeMarket(market))
    house.do(c.SilenceFeed("before the match"))
    assert catalogue.is_available(catalogue.markets[market])
    assert house.do(c.HandOverMarket(market, "in play")) == 0
    assert house.refusal(c.HandOverMarket(99, "in play")) == "market_not_found"
    assert house.refusal(c.HandOverMarket(market, "\n")) == "feed_invalid"
    assert house.refusal(c.SilenceFeed("")) == "feed_invalid"


def test_the_page_names_every_limit() -> None:
    for row in table("catalogue.md", "How much of everything"):
        assert getattr(types, row["limit"]) == number(row["value"])


def test_feeds_and_markets_are_few_enough() -> None:
    house = House()
    for name in range(types.MAX_FEEDS):
        house.do(c.FeedHeartbeat(f"feed {name}"))
    full = Refused("catalogue_full", {"max_feeds": types.MAX_FEEDS})
    assert house.ask(c.FeedHeartbeat("one more")) == full
    event = house.event()
    assert house.ask(c.CreateMarket(event, "1x2", feed="one more")) == full
    house.do(c.FeedHeartbeat("feed 7"))
    assert house.refusal(c.FeedHeartbeat("")) == "feed_invalid"
    for _ in range(types.MAX_MARKETS_PER_EVENT):
        house.machine.execute(request_of(house, c.CreateMarket(event, "1x2")), house.at_us)
    assert house.refusal(c.CreateMarket(event, "1x2")) == "too_many_markets"


def request_of(house: House, command: c.AnyCommand) -> c.Request:
    return c.Request(-1, house.key(), 0, command)


def test_sports_are_few_enough() -> None:
    house = House()
    for _ in range(types.MAX_SPORTS):
        house.machine.execute(request_of(house, c.CreateSport("Football")), house.at_us)
    answer = house.ask(c.CreateSport("Curling"))
    assert answer == Refused("catalogue_full", {"max_sports": types.MAX_SPORTS})


LINE = {"line_quarters": 9}


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (c.CreateMarket(99, "1x2"), "event_not_found"),
        (c.CreateMarket(1, "2x2"), "market_type_unknown"),
        (c.CreateMarket(1, "1x2", LINE), "specifiers_invalid"),
        (c.CreateMarket(1, "total"), "specifiers_invalid"),
        (c.CreateMarket(1, "total", {"line": 9}), "specifiers_invalid"),
        (c.CreateMarket(1, "total", {"line_quarters": 10_001}), "specifiers_invalid"),
        (c.CreateMarket(1, "total", {**LINE, "more": 1}), "specifiers_invalid"),
        (c.CreateMarket(1, "1x2", selections=("A", "B", "C")), "selections_invalid"),
        (c.CreateMarket(1, "winner"), "selections_invalid"),
        (c.CreateMarket(1, "winner", selections=("A",)), "selections_invalid"),
        (c.CreateMarket(1, "winner", selections=("A", "A")), "selections_invalid"),
        (c.CreateMarket(1, "winner", selections=("A", "")), "selections_invalid"),
        (c.CreateMarket(1, "winner", selections=("A", "x" * 201)), "selections_invalid"),
        (c.CreateMarket(1, "1x2", prices_milli=(2_000, 2_000)), "price_invalid"),
        (c.CreateMarket(1, "1x2", prices_milli=(2_000, 2_000, 1_000)), "price_invalid"),
        (c.CreateMarket(1, "1x2", prices_milli=(2_000, 2_000, 10_000_001)), "price_invalid"),
        (c.CreateMarket(1, "1x2", delay_us=-1), "delay_invalid"),
        (c.CreateMarket(1, "1x2", delay_us=types.MAX_DELAY_US + 1), "delay_invalid"),
        (c.CreateMarket(1, "1x2", liability_minor=-1), "liability_invalid"),
        (c.CreateMarket(1, "1x2", liability_minor=MAX_MONEY_MINOR + 1), "liability_invalid"),
        (c.CreateMarket(1, "1x2", feed="\n"), "feed_invalid"),
        (c.CreateEvent(1, "", 0), "name_invalid"),
        (c.CreateEvent(1, "A – B", -1), "starts_at_invalid"),
        (c.CreateEvent(1, "A – B", 40_000 * DAY_US), "starts_at_invalid"),
        (c.CreateEvent(2, "A – B", 0), "competition_not_found"),
        (c.CreateCompetition(2, "League"), "sport_not_found"),
        (c.CreateCompetition(1, "\0"), "name_invalid"),
        (c.CreateSport("x" * 201), "name_invalid"),
        (c.SuspendMarket(1, ""), "name_invalid"),
        (c.ChangeMarket(1, types.MAX_DELAY_US + 1, 0), "delay_invalid"),
        (c.SetPrices(1, ((1, 2_000), (1, 2_100))), "price_invalid"),
        (c.SetPrices(1, ((4, 2_000),)), "selection_not_found"),
        (c.SetPrices(1, ((1, 1_000),)), "price_invalid"),
        (c.SetPrices(2, ()), "market_not_found"),
    ],
    ids=str,
)
def test_what_is_malformed_is_refused_and_changes_nothing(made: c.AnyCommand, code: str) -> None:
    house = House()
    house.market()
    before = str(house.machine.state.catalogue)
    assert house.refusal(made) == code
    assert str(house.machine.state.catalogue) == before


OWN_NAMES = {
    (Names.FREE, 1): ("A", "B"),
    (Names.SCORES, 1): ("1-0", "any_other"),
    (Names.RUNNERS, 2): ("1-2", "1-3"),
    (Names.RUNNERS, 3): ("3-1-2", "2-1-3"),
}


@pytest.mark.parametrize("kind", MARKET_TYPES.values(), ids=lambda kind: kind.name)
def test_every_type_of_market_can_be_made(kind: types.MarketType) -> None:
    house = House()
    own = () if kind.outcomes else OWN_NAMES[kind.names, kind.picks]
    made = c.CreateMarket(house.event(), kind.name, dict.fromkeys(kind.specifiers, 2), own)
    market = house.machine.state.catalogue.markets[house.do(made)]
    assert tuple(selection.name for selection in market.selections.values()) == (kind.outcomes or own)
    assert (market.status, market.version, market.reason) == (MarketStatus.SUSPENDED, 1, "new")
