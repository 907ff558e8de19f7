"""Bets that wait for their in-play delay: held, then everything asked again."""

from collections.abc import Callable

import pytest
from tests.book.house import NOON_US, House, code_of
from tests.book.tables import milli, table

from overround.book.bets import BetStatus, DelayedBetRefused, OddsChange
from overround.book.limits import LimitKind
from overround.book.machine import BetAnswer, decide_due, decode_fact, next_due_us, state_hash
from overround.book.machine import commands as c
from overround.book.settlement import Score, Void
from overround.kernel.instant import DAY_US, HOUR_US, SECOND_US
from overround.kernel.refusal import Refused

ELEVEN_AT_NIGHT_US = NOON_US + 12 * HOUR_US - 2 * SECOND_US
"""Two seconds before midnight."""


def event_of(house: House, market: int) -> int:
    return house.machine.state.catalogue.markets[market].event_id


HAPPENINGS: dict[str, Callable[[House, int, int], list[c.AnyCommand]]] = {
    "nothing": lambda house, customer, market: [],
    "the price falls to 1.900": lambda house, customer, market: [c.SetPrices(market, ((1, 1_900),))],
    "the price rises to 2.100": lambda house, customer, market: [c.SetPrices(market, ((1, 2_100),))],
    "the price is taken away": lambda house, customer, market: [c.SetPrices(market, ((1, 0),))],
    "the market is suspended": lambda house, customer, market: [c.SuspendMarket(market, "goal")],
    "the market is suspended and resumed": lambda house, customer, market: [
        c.SuspendMarket(market, "goal"),
        c.ResumeMarket(market),
    ],
    "the market is closed": lambda house, customer, market: [c.CloseMarket(market)],
    "the event ends": lambda house, customer, market: [c.EndEvent(event_of(house, market))],
    "the result is in": lambda house, customer, market: [c.RecordEventResult(event_of(house, market), Score(1, 0))],
    "the market's delay is changed": lambda house, customer, market: [c.ChangeMarket(market, 0, 0)],
    "the house takes 999 at most": lambda house, customer, market: [c.SetPlayerTerms(customer, "EUR", 999, 0)],
    "the customer limits a day to 999": lambda house, customer, market: [
        c.SetLimit(customer, "EUR", LimitKind.STAKE_DAY, 999)
    ],
    "the customer limits a day to 1,000": lambda house, customer, market: [
        c.SetLimit(customer, "EUR", LimitKind.STAKE_DAY, 1_000)
    ],
    "the customer cools off": lambda house, customer, market: [c.CoolOff(customer, DAY_US)],
    "the customer excludes themselves": lambda house, customer, market: [c.SelfExclude(customer, 180 * DAY_US)],
}


@pytest.mark.parametrize("row", table("acceptance.md", "The in-play delay"), ids=lambda row: " ".join(row.values()))
def test_what_happens_within_the_delay(row: dict[str, str]) -> None:
    house = House()
    customer = house.customer(cash_minor=1_000)
    market = house.in_play_market(delay_us=5 * SECOND_US)
    answer = house.bet(customer, market, odds_change=OddsChange(row["policy"]))
    assert isinstance(answer, BetAnswer)
    assert (answer.status, answer.decide_at_us) == (BetStatus.DELAYED, house.at_us + 5 * SECOND_US)
    house.wait(2 * SECOND_US)
    for command in HAPPENINGS[row["after 2 s"]](house, customer, market):
        house.do(command)
    house.wait(3 * SECOND_US - 1)
    bet = house.machine.state.bets.bets[answer.bet_id]
    assert bet.status is BetStatus.DELAYED
    house.wait(1)
    if row["decision"].startswith("open at "):
        assert (bet.status, bet.price_milli) == (BetStatus.OPEN, milli(row["decision"].removeprefix("open at ")))
        assert (house.cash(customer), house.wallet(customer).cash.held_minor) == (0, 0)
    else:
        assert (bet.status, last_refusal(house)) == (BetStatus.REFUSED, row["decision"].removeprefix("refused `"))
        assert (house.cash(customer), house.wallet(customer).cash.held_minor) == (1_000, 0)


def last_refusal(house: House) -> str:
    facts = [decode_fact(pending.body) for pending in house.journal]
    return [fact.code for fact in facts if isinstance(fact, DelayedBetRefused)][-1]


def test_a_held_stake_is_not_spent_twice() -> None:
    house = House()
    customer = house.customer(cash_minor=1_500)
    market = house.in_play_market(delay_us=5 * SECOND_US)
    house.taken(customer, market, stake_minor=1_000)
    assert house.bet(customer, market, stake_minor=501) == Refused("insufficient_funds", {"available_minor": 500})
    assert house.refusal(c.MoveFunds(customer, "EUR", -501, "withdrawal")) == "insufficient_funds"
    house.taken(customer, market, stake_minor=500)
    house.wait(5 * SECOND_US)
    assert house.cash(customer) == 0
    assert house.machine.state.ledger.house["EUR"].open_stakes.balance_minor == 1_500


def test_liability_is_not_reserved_while_a_bet_waits() -> None:
    house = House()
    customer = house.customer(cash_minor=2_000)
    market = house.in_play_market(delay_us=5 * SECOND_US)
    house.terms(market_liability_minor=1_000)
    first = house.taken(customer, market, stake_minor=1_000)
    second = house.taken(customer, market, stake_minor=1_000)
    house.wait(5 * SECOND_US)
    bets = house.machine.state.bets.bets
    assert (bets[first].status, bets[second].status) == (BetStatus.OPEN, BetStatus.REFUSED)


def test_bets_are_decided_in_the_order_in_which_their_delays_are_over() -> None:
    house = House()
    customer = house.customer(cash_minor=3_000)
    slow = house.in_play_market(delay_us=9 * SECOND_US)
    quick = house.in_play_market(delay_us=2 * SECOND_US)
    for market in (slow, quick, quick):
        house.taken(customer, market)
    assert house.machine.next_due_us() == house.at_us + 2 * SECOND_US
    house.at_us += 20 * SECOND_US
    house.wait()
    bets = house.machine.state.bets.bets
    assert sorted(bets, key=lambda bet_id: bets[bet_id].seq) == [2, 3, 1]
    assert house.machine.next_due_us() is None


def test_deciding_what_is_due_changes_nothing_until_it_is_folded() -> None:
    house = House()
    customer = house.customer(cash_minor=1_000)
    market = house.in_play_market(delay_us=SECOND_US)
    house.taken(customer, market)
    state, due_us = house.machine.state, house.at_us + SECOND_US
    before = state_hash(state), list(state.delays)
    assert decide_due(state, due_us) == decide_due(state, due_us)
    assert (state_hash(state), list(state.delays)) == before
    assert next_due_us(state) == due_us


def test_a_stake_refused_after_midnight_leaves_yesterday_and_not_today() -> None:
    """It was counted before midnight, so the new day starts from nothing, not from below nothing."""
    house = House(at_us=ELEVEN_AT_NIGHT_US)
    customer = house.customer(cash_minor=10_000)
    market = house.in_play_market(delay_us=5 * SECOND_US)
    other = house.market()
    house.do(c.SetLimit(customer, "EUR", LimitKind.STAKE_DAY, 1_000))
    house.do(c.SetLimit(customer, "EUR", LimitKind.STAKE_WEEK, 2_000))
    house.taken(customer, market, stake_minor=1_000)
    house.do(c.SuspendMarket(market, "goal"))
    house.wait(4 * SECOND_US)
    house.taken(customer, other, stake_minor=400)
    house.wait(SECOND_US)
    purse = house.machine.state.limits.players[customer].purses["EUR"]
    assert (purse.day.staked_minor, purse.week.staked_minor) == (400, 400)
    assert house.bet(customer, other, stake_minor=601) == Refused("limit_stake_day", {"max_stake_minor": 600})
    house.taken(customer, other, stake_minor=600)


def test_a_bet_that_waits_over_midnight_counts_where_it_was_asked_for() -> None:
    house = House(at_us=ELEVEN_AT_NIGHT_US)
    customer = house.customer(cash_minor=10_000)
    market = house.in_play_market(delay_us=5 * SECOND_US)
    other = house.market()
    house.do(c.SetLimit(customer, "EUR", LimitKind.STAKE_DAY, 1_000))
    bet = house.taken(customer, market, stake_minor=1_000)
    house.wait(4 * SECOND_US)
    house.taken(customer, other, stake_minor=10)
    house.wait(SECOND_US)
    assert house.machine.state.bets.bets[bet].status is BetStatus.REFUSED
    assert last_refusal(house) == "limit_stake_day"
    assert house.bet(customer, other, stake_minor=1_000) == Refused("limit_stake_day", {"max_stake_minor": 990})


def test_a_silence_within_the_delay_refuses_the_bet() -> None:
    house = House()
    customer = house.customer(cash_minor=1_000)
    event = house.event()
    market = house.market(event_id=event, in_play=True, delay_us=5 * SECOND_US, feed="odds")
    house.do(c.StartEvent(event))
    house.do(c.ResumeMarket(market))
    house.wait(19 * SECOND_US)
    bet = house.taken(customer, market)
    house.wait(2 * SECOND_US)
    house.do(c.FeedHeartbeat("odds"))
    house.do(c.SetPrices(market, ((1, 2_000),)))
    assert code_of(house.bet(customer, market, 2, stake_minor=10)) == "insufficient_funds"
    house.wait(3 * SECOND_US)
    assert house.machine.state.bets.bets[bet].status is BetStatus.REFUSED
    assert last_refusal(house) == "market_suspended"


def test_a_market_resulted_and_corrected_while_a_bet_waits_owes_nothing_on_it() -> None:
    house = House()
    customer = house.customer(cash_minor=5_000)
    market = house.in_play_market(delay_us=5 * SECOND_US)
    house.taken(customer, market, stake_minor=1_000)
    house.wait(SECOND_US)
    waiting = house.taken(customer, market, stake_minor=2_000)
    house.wait(4 * SECOND_US)
    house.do(c.RecordResult(market, Score(1, 0)))
    house.wait()
    house.do(c.RecordResult(market, Void("abandoned")))
    house.wait(SECOND_US)
    assert house.machine.state.bets.bets[waiting].status is BetStatus.REFUSED
    assert house.machine.state.bets.exposures == {}
    assert (house.cash(customer), house.trading()) == (5_000, 0)
