"""More of the exchange as stories: the starting price, a removal across runners, currencies, minimums, the heartbeat,
and a customer who would meet himself by a detour."""

import pytest
from tests.book.exchanging import BACK, LAY, Exchange
from tests.book.test_exchange_rules import milli, pence, rows

from overround.book import exchange
from overround.book.exchange import MarketTerms, Minimums, RunnerStatus
from overround.book.machine import OrdersAnswer
from overround.book.machine.exchange_commands import (
    ChangeBetDelay,
    Heartbeat,
    OpenExchangeMarket,
    PlaceInstruction,
    PlaceOrders,
    ReconcileStart,
    RemoveRunner,
    ReplaceInstruction,
    ReplaceOrders,
    SetCurrencyRate,
    SetMinimums,
    TurnInPlay,
)
from overround.book.matching import OrderStatus, OrderType, Persistence, TimeInForce
from overround.kernel.instant import SECOND_US

LIVE = MarketTerms("Match odds", turn_in_play=True, bet_delay_us=5 * SECOND_US)
AT_START = {"type": OrderType.MARKET_ON_CLOSE}

# ---------------------------------------------------------------- the starting price


def test_a_limit_on_close_order_is_matched_at_its_limit_or_not_at_all() -> None:
    """A backer from 10.00 against a liability of 6,000: 666.66 at 10.00, and the rest of the stake is free again."""
    house = Exchange()
    market = house.exchange_market(bsp=True, base_rate_bp=0)
    backer, low, layer = house.trader(), house.trader(), house.trader(1_000_000)
    limited = {"type": OrderType.LIMIT_ON_CLOSE}
    backed = house.order(backer, market, BACK, 10_000, 0, liability_minor=100_000, **limited)
    beyond = house.order(low, market, LAY, 9_800, 0, liability_minor=1_000, **limited)
    laid = house.order(layer, market, LAY, 0, 0, liability_minor=600_000, **AT_START)
    house.do(ReconcileStart(market))
    assert house.market_of(market).runners[0].sp_milli == 10_000
    found = [house.order_of(order) for order in (backed, laid, beyond)]
    assert [order.matched_minor for order in found] == [66_666, 66_666, 0]
    assert [order.size_minor for order in found] == [66_666, 66_666, 0]
    assert all(order.status is OrderStatus.COMPLETE for order in found)
    assert (house.held(backer), house.held(low), house.held(layer)) == (66_666, 0, 9 * 66_666)
    house.win(market, 0)
    assert house.pounds(backer) == 100_000 + 9 * 66_666


def test_a_lay_that_goes_to_the_starting_price_risks_what_it_risked() -> None:
    """A lay of 5.00 at 3.00 has a liability of 10.00, and at 6.00 lays 2.00."""
    house = Exchange()
    market = house.exchange_market(terms=LIVE, bsp=True)
    layer, backer = house.trader(), house.trader()
    lay = house.order(layer, market, LAY, 3_000, 500, persistence=Persistence.MARKET_ON_CLOSE)
    back = house.order(backer, market, BACK, 0, 0, liability_minor=200, **AT_START)
    held = house.held(layer)
    house.do(TurnInPlay(market))
    assert house.market_of(market).runners[0].sp_milli == 6_000
    assert [(house.order_of(order).matched_minor, house.order_of(order).matched_value) for order in (lay, back)] == [
        (200, 1_200_000),
        (200, 1_200_000),
    ]
    assert (held, house.held(layer), house.held(backer)) == (1_000, 1_000, 200)
    assert (house.order_of(lay).size_minor, house.order_of(lay).lapsed_minor) == (200, 0), "its size is what it came to"


def test_what_persists_takes_part_in_the_auction_at_its_own_price_and_stays() -> None:
    house = Exchange()
    market = house.exchange_market(terms=LIVE, bsp=True)
    backer, layer = house.trader(), house.trader()
    house.order(backer, market, BACK, 0, 0, liability_minor=400, **AT_START)
    stays = house.order(layer, market, LAY, 3_000, 1_000, persistence=Persistence.PERSIST)
    house.do(TurnInPlay(market))
    order = house.order_of(stays)
    assert (order.matched_minor, order.remaining_minor, order.status) == (400, 600, OrderStatus.EXECUTABLE)
    assert house.book(market) == "3×600 | "


# ---------------------------------------------------------------- removals


@pytest.mark.parametrize("row", rows("Removed runners", "factor of C"), ids=lambda row: row["factor of C"])
def test_a_cross_match_of_a_removed_runner_is_off_as_a_whole(row: dict[str, str]) -> None:
    """Kept on the other runners at reduced prices it would not balance: a factor is not a price."""
    house = Exchange()
    market = house.exchange_market(crossing=True)
    house.do(SetMinimums("GBP", Minimums(1, 0, 1, 1)))
    makers = [house.trader(), house.trader()]
    parts = [house.order(makers[0], market, BACK, 4_000, 500, runner=1)]
    parts.append(house.order(makers[1], market, BACK, 2_000, 1_000, runner=2))
    taker = house.trader()
    parts.append(house.order(taker, market, BACK, 4_000, 500, runner=0))
    direct = house.order(makers[0], market, LAY, 3_000, 100, runner=0)
    house.order(taker, market, BACK, 3_000, 100, runner=0)
    assert [house.order_of(order).matched_minor for order in parts] == [500, 1_000, 500]
    factor_bp = int(row["factor of C"].removesuffix(" %")) * 100
    house.do(RemoveRunner(market, 1003, factor_bp))
    assert [house.order_of(order).voided_minor for order in parts] == [500, 1_000, 500]
    assert house.order_of(direct).voided_minor == 0
    assert not any(map(any, house.position(0, market).cells.values())), "the house stands between nobody"
    price = exchange.reduced_milli(4_000, factor_bp=factor_bp, whole=True) if exchange.reduces(factor_bp) else 4_000
    assert (pence(row["stakes of A and B"]), pence(row["A or B would be paid"])) == (1_000, 500 * price // 1_000)
    assert price == milli(row["at"])
    house.win(market, 1)
    assert house.pounds(makers[1]) == 100_000


# ---------------------------------------------------------------- currencies and minimums


def test_each_currency_has_its_own_smallest_orders_and_the_market_names_it() -> None:
    house = Exchange()
    pounds, customer = house.exchange_market(), house.trader()
    house.customer(currency="EUR")
    euros = house.exchange_market(currency="EUR")
    house.do(SetCurrencyRate("EUR", 117, 100))
    house.do(SetMinimums("EUR", Minimums(300, 10**9, 500, 700)))
    assert house.why(customer, euros, BACK, 3_000, 299) == "invalid_bet_size"
    house.order(customer, euros, BACK, 3_000, 300)
    house.order(customer, pounds, BACK, 3_000, 100)
    assert house.why(customer, pounds, BACK, 3_000, 99) == "invalid_bet_size"


def test_the_smallest_orders_for_the_starting_price() -> None:
    house = Exchange()
    market, customer = house.exchange_market(bsp=True), house.trader()
    house.do(SetMinimums("GBP", Minimums(1, 0, 500, 700)))
    for side, least in ((BACK, 500), (LAY, 700)):
        assert house.why(customer, market, side, 0, 0, liability_minor=least - 1, **AT_START) == "invalid_bet_size"
        house.order(customer, market, side, 0, 0, liability_minor=least, **AT_START)


def test_customers_of_two_currencies_meet_and_each_is_paid_in_their_own() -> None:
    """117 euros for 100 pounds: 10.01 backed at 3.00 wins 20.02 pounds, which are 23.42 euros and a part that stays."""
    house = Exchange()
    market = house.exchange_market(base_rate_bp=0)
    layer, backer = house.trader(), house.trader(currency="EUR")
    house.do(SetCurrencyRate("EUR", 117, 100))
    house.order(layer, market, LAY, 3_000, 1_001)
    house.order(backer, market, BACK, 3_000, 1_001, currency="EUR")
    assert house.held(backer, "EUR") == 1_172
    house.do(SetCurrencyRate("EUR", 200, 100))
    house.win(market, 0)
    assert house.cash(backer, "EUR") == 100_000 + 2_342
    assert house.pounds(layer) == 100_000 - 2_002
    assert (house.trading("EUR"), house.trading("GBP")) == (-2_342, 2_002)


# ---------------------------------------------------------------- in play


def test_what_waits_meets_the_customers_own_when_its_delay_is_over_and_lapses() -> None:
    house = Exchange()
    market = house.exchange_market(terms=LIVE)
    house.do(TurnInPlay(market))
    house.do(OpenExchangeMarket(market))
    customer = house.trader()
    first = house.order(customer, market, LAY, 3_000, 500)
    house.wait(SECOND_US)
    second = house.order(customer, market, BACK, 3_000, 500)
    house.wait(10 * SECOND_US)
    assert (house.order_of(first).remaining_minor, house.order_of(second).lapsed_minor) == (500, 500)
    assert not house.market_of(market).trades


def test_a_replacement_that_would_meet_the_customers_own_is_not_placed() -> None:
    house = Exchange()
    market, customer = house.exchange_market(), house.trader()
    back = house.order(customer, market, BACK, 3_500, 500)
    lay = house.order(customer, market, LAY, 3_000, 500)
    answer = house.replace(customer, market, (back, 3_000))
    assert (answer.reports[0].cancelled_minor, answer.placed[0].code) == (500, "invalid_back_lay_combination")
    assert house.book(market) == "3×500 | "
    both = (ReplaceInstruction(lay, 2_900), ReplaceInstruction(house.order(customer, market, BACK, 3_500, 500), 2_880))
    answer = house.ask(ReplaceOrders(customer, market, both))  # type: ignore[assignment]
    assert [report.code for report in answer.placed] == ["", "invalid_back_lay_combination"]


def test_passive_mode_lets_what_rests_in_at_once_and_kills_at_once_what_could_not_match() -> None:
    """An order that would match in part waits whole, with its whole size held."""
    house = Exchange()
    market = house.exchange_market(terms=LIVE, passive=True)
    house.do(TurnInPlay(market))
    house.do(OpenExchangeMarket(market))
    layer, backer = house.trader(), house.trader()
    killed = house.order(backer, market, BACK, 3_000, 200, time_in_force=TimeInForce.FILL_OR_KILL)
    assert house.order_of(killed).status is OrderStatus.EXPIRED
    house.order(layer, market, LAY, 3_000, 100)
    waits = house.order(backer, market, BACK, 2_900, 200)
    assert (house.order_of(waits).status, house.held(backer)) == (OrderStatus.PENDING, 200)
    rests = house.order(backer, market, BACK, 3_500, 200)
    assert house.order_of(rests).status is OrderStatus.EXECUTABLE
    house.do(ChangeBetDelay(market, 5 * SECOND_US, passive=False))
    assert house.order_of(waits).lapsed_minor == 200
    assert house.order_of(rests).remaining_minor == 200, "what rests stays through another delay"
    house.order(layer, market, LAY, 2_800, 100)
    assert house.book(market) == "3×100 | 3.5×200", "now everything waits"


# ---------------------------------------------------------------- the heartbeat


def test_a_missed_heartbeat_leaves_what_waits_and_what_is_for_the_starting_price() -> None:
    house = Exchange()
    customer = house.trader()
    starts, live = house.exchange_market(bsp=True), house.exchange_market(terms=LIVE)
    house.do(TurnInPlay(live))
    house.do(OpenExchangeMarket(live))
    at_start = house.order(customer, starts, BACK, 0, 0, liability_minor=500, **AT_START)
    rests = house.order(customer, starts, BACK, 3_000, 500)
    house.do(Heartbeat(customer, 10 * SECOND_US))
    house.wait(6 * SECOND_US)
    waits = house.order(customer, live, BACK, 3_000, 500)
    house.wait(4 * SECOND_US)
    assert house.journal[-1].kind == "heartbeat_missed"
    assert house.order_of(rests).cancelled_minor == 500
    assert (house.order_of(waits).status, house.order_of(at_start).liability_minor) == (OrderStatus.PENDING, 500)
    assert house.held(customer) == 1_000
    house.do(Heartbeat(customer, 10 * SECOND_US))
    house.do(Heartbeat(customer, 0))
    house.wait(60 * SECOND_US)
    assert house.order_of(waits).remaining_minor == 500


# ---------------------------------------------------------------- runners


def test_a_market_of_as_many_runners_as_may_be_is_cross_matched() -> None:
    """Sixty runners: fifty-nine backed at 60.00 are a lay of the last."""
    house = Exchange(audited=False)
    most = exchange.MAX_CROSSING_RUNNERS
    market = house.exchange_market(runners=most, crossing=True)
    maker, taker = house.trader(), house.trader()
    asked = tuple(PlaceInstruction(1001 + runner, BACK, 60_000, 100) for runner in range(1, most))
    assert isinstance(house.ask(PlaceOrders(maker, market, "GBP", asked)), OrdersAnswer)
    assert house.report(taker, market, BACK, 55_000, 100).matched_value == 100 * 60_000
    assert len(house.market_of(market).trades) == most
    with pytest.raises(AssertionError):
        house.exchange_market(runners=most + 1, crossing=True)
    house.win(market, 7)
    assert house.market_of(market).runners[7].status is RunnerStatus.WINNER
