"""Orders of customers, told as stories: what they get, what is held, what is refused, and what becomes of them."""

import pytest
from tests.book.exchanging import BACK, LAY, Exchange
from tests.book.test_exchange_rules import market_for, rows

from overround.book.exchange import MarketTerms, Minimums, Refusal, RunnersResult, Share, Status, VoidResult
from overround.book.exposure import Side
from overround.book.limits import LimitKind
from overround.book.machine import Done, OrdersAnswer, decode_snapshot, encode_snapshot
from overround.book.machine.commands import (
    AnyCommand,
    CreateCompetition,
    CreateEvent,
    MoveFunds,
    RescheduleEvent,
    SelfExclude,
    SetLimit,
)
from overround.book.machine.desk_commands import RequireApproval, ResumeLevel, SuspendLevel
from overround.book.machine.exchange_commands import (
    CancelInstruction,
    CancelOrders,
    ChangeBetDelay,
    Heartbeat,
    OpenExchangeMarket,
    PlaceInstruction,
    PlaceOrders,
    RecordExchangeResult,
    ReinstateRunner,
    RemoveRunner,
    ReplaceInstruction,
    ReplaceOrders,
    RescheduleExchangeMarket,
    SetDiscount,
    SetMinimums,
    SuspendExchangeMarket,
    TurnInPlay,
    UpdateInstruction,
    UpdateOrders,
)
from overround.book.matching import Lapse, OrderStatus, OrderType, Persistence, Target, TimeInForce
from overround.kernel.instant import DAY_US, SECOND_US
from overround.kernel.level import Level
from overround.kernel.refusal import Refused

LIVE = MarketTerms("Match odds", turn_in_play=True, bet_delay_us=5 * SECOND_US)


def test_a_back_meets_a_lay_and_the_winner_is_paid_less_commission() -> None:
    house = Exchange()
    market, layer, backer = house.exchange_market(), house.trader(), house.trader()
    house.order(layer, market, LAY, 3_000, 1_000)
    assert house.held(layer) == 2_000
    taken = house.report(backer, market, BACK, 2_900, 600)
    assert (taken.matched_minor, taken.matched_value, taken.status) == (600, 600 * 3_000, OrderStatus.COMPLETE)
    assert (house.held(backer), house.held(layer)) == (600, 2_000)
    house.win(market, 0)
    assert house.pounds(backer) == 100_000 + 1_200 - 60
    assert house.pounds(layer) == 100_000 - 1_200
    assert house.trading("GBP") == 60
    assert (house.held(backer), house.held(layer)) == (0, 0)


def test_the_houses_own_maker_waits_for_nothing_and_may_be_small() -> None:
    """It has no delay and no minimum, takes only what stands at its own runner, and is told which orders it met."""
    house = Exchange()
    market, maker, other = house.exchange_market(terms=LIVE, crossing=True), house.trader(), house.trader()
    house.do(TurnInPlay(market))
    house.do(OpenExchangeMarket(market))
    for runner, price in ((1, 4_000), (2, 2_000)):
        house.order(other, market, BACK, price, 2_000, runner=runner)
    house.wait(LIVE.bet_delay_us)
    first = house.market_of(market).runners[0].selection_id

    def made(customer: int, side: Side, price_milli: int, size_minor: int) -> OrdersAnswer:
        asked = PlaceInstruction(first, side, price_milli, size_minor)
        answer = house.ask(PlaceOrders(customer, market, "GBP", (asked,), as_maker=True), actor=-1)
        assert isinstance(answer, OrdersAnswer)
        return answer

    resting = made(maker, LAY, 3_500, 7).reports[0]
    assert (resting.status, resting.remaining_minor) == (OrderStatus.EXECUTABLE, 7)
    taken = made(other, BACK, 3_500, 5)
    assert (taken.reports[0].matched_value, taken.met) == (5 * 3_500, ((resting.order_id, 5),))


KILLED = {"time_in_force": TimeInForce.FILL_OR_KILL, "min_fill_minor": 1}


def test_the_houses_own_maker_keeps_its_price_with_every_match_of_a_fill_or_kill() -> None:
    """A customer's average may be better than the limit and then get worse prices; the maker takes none of those."""
    for as_maker, matched in ((True, 100), (False, 350)):
        house = Exchange()
        market, other, taker = house.exchange_market(), house.trader(), house.trader()
        house.order(other, market, LAY, 3_050, 100)
        house.order(other, market, LAY, 2_980, 900)
        first = house.market_of(market).runners[0].selection_id
        asked = PlaceInstruction(first, BACK, 3_000, 500, **KILLED)  # type: ignore[arg-type]
        answer = house.ask(PlaceOrders(taker, market, "GBP", (asked,), as_maker=as_maker), actor=taker)
        assert isinstance(answer, OrdersAnswer)
        assert answer.reports[0].matched_minor == matched


def test_on_a_line_market_a_fill_or_kill_keeps_its_line_with_every_match() -> None:
    house = Exchange()
    market, other, seller = market_for(house, "runs, by half a run"), house.trader(), house.trader()
    house.order(other, market, LAY, 5_500, 100)
    house.order(other, market, LAY, 3_500, 900)
    assert house.report(seller, market, BACK, 4_500, 500, **KILLED).matched_minor == 100


def test_what_a_fill_or_kill_holds_while_it_waits_covers_what_it_gets() -> None:
    house = Exchange()
    market, other, layer = house.exchange_market(terms=LIVE), house.trader(), house.trader()
    house.order(other, market, BACK, 2_900, 300, persistence=Persistence.PERSIST)
    house.order(other, market, BACK, 3_050, 2_000, persistence=Persistence.PERSIST)
    house.do(TurnInPlay(market))
    house.do(OpenExchangeMarket(market))
    order = house.order(layer, market, LAY, 3_000, 900, time_in_force=TimeInForce.FILL_OR_KILL)
    assert house.held(layer) == 1_800
    house.wait(LIVE.bet_delay_us)
    assert (house.order_of(order).matched_minor, house.order_of(order).matched_value) == (900, 2_700_000)
    assert house.held(layer) == 1_800


def test_an_order_meets_what_came_earlier_in_its_own_request() -> None:
    """There it is the customer's own, and makes no virtual price, nor does what is behind it."""
    house = Exchange()
    market, other, customer = house.exchange_market(crossing=True), house.trader(), house.trader()
    for runner, price in ((1, 4_000), (2, 2_000)):
        house.order(other, market, BACK, price, 2_000, runner=runner)
    first = PlaceInstruction(1002, BACK, 3_900, 100)
    back = PlaceInstruction(1001, BACK, 3_500, 500)
    answer = house.ask(PlaceOrders(customer, market, "GBP", (first, back)))
    assert isinstance(answer, OrdersAnswer)
    assert [report.matched_minor for report in answer.reports] == [0, 0]
    house.cancel(customer, market)
    assert house.report(customer, market, BACK, 3_500, 500).matched_minor == 500


def test_a_discount_lowers_commission_where_the_market_allows_it() -> None:
    house = Exchange()
    for allowed, commission in ((True, 30), (False, 60)):
        market = house.exchange_market(discount_allowed=allowed)
        layer, backer = house.trader(), house.trader()
        house.do(SetDiscount(backer, 5_000))
        house.order(layer, market, LAY, 3_000, 600)
        house.order(backer, market, BACK, 3_000, 600)
        house.win(market, 0)
        assert house.pounds(backer) == 100_000 + 1_200 - commission


def test_orders_of_one_request_stand_together_or_not_at_all() -> None:
    house = Exchange()
    market, customer = house.exchange_market(), house.trader(1_000)
    good = PlaceInstruction(1001, BACK, 3_000, 400)
    answer = house.ask(PlaceOrders(customer, market, "GBP", (good, PlaceInstruction(1001, BACK, 3_010, 400))))
    assert answer == Refused(Refusal.BET_ACTION_ERROR, {"instruction": 1, "reason": "invalid_odds"})
    answer = house.ask(PlaceOrders(customer, market, "GBP", (good, good, good)))
    assert answer == Refused(Refusal.INSUFFICIENT_FUNDS, {"available_minor": 1_000, "needed_minor": 1_200})
    answer = house.ask(PlaceOrders(customer, market, "GBP", (good, good), strategy="twice"))
    assert isinstance(answer, OrdersAnswer)
    assert [report.remaining_minor for report in answer.reports] == [400, 400]
    assert house.held(customer) == 800
    assert house.order_of(2).strategy == "twice"


def test_what_would_meet_the_customers_own_is_refused() -> None:
    house = Exchange()
    market, customer, other = house.exchange_market(), house.trader(), house.trader()
    house.order(customer, market, LAY, 3_000, 500)
    assert house.why(customer, market, BACK, 2_900, 500) == "invalid_back_lay_combination"
    house.order(other, market, LAY, 3_050, 500)
    house.order(customer, market, BACK, 3_000, 500)
    lay, back = PlaceInstruction(1002, LAY, 3_000, 500), PlaceInstruction(1002, BACK, 3_000, 500)
    answer = house.ask(PlaceOrders(customer, market, "GBP", (lay, back)))
    assert answer == Refused(Refusal.BET_ACTION_ERROR, {"instruction": 1, "reason": "invalid_back_lay_combination"})


BAD: list[tuple[str, dict[str, object]]] = [
    ("invalid_odds", {"price_milli": 3_010}),
    ("invalid_odds", {"price_milli": -1}),
    ("invalid_bet_size", {"size_minor": 0}),
    ("invalid_bet_size", {"size_minor": -5}),
    ("invalid_bet_size", {"size_minor": 99}),
    ("invalid_bet_size", {"size_minor": 10**11 + 1}),
    ("invalid_bet_size", {"size_minor": -3, "target": Target.PAYOUT}),
    ("invalid_runner", {"selection_id": 9}),
    ("invalid_runner", {"handicap_quarters": 1}),
    ("invalid_customer_order_ref", {"ref": "x" * 33}),
    ("invalid_order_type", {"liability_minor": 5}),
    ("invalid_persistence_type", {"persistence": Persistence.MARKET_ON_CLOSE}),
    ("unexpected_min_fill_size", {"min_fill_minor": 5}),
    ("invalid_min_fill_size", {"min_fill_minor": 501, "time_in_force": TimeInForce.FILL_OR_KILL}),
    ("unexpected_persistence_type", {"persistence": Persistence.PERSIST, "time_in_force": TimeInForce.FILL_OR_KILL}),
    ("market_not_open_for_bsp_betting", {"type": OrderType.MARKET_ON_CLOSE}),
]


@pytest.mark.parametrize(("code", "change"), BAD, ids=str)
def test_what_is_wrong_with_an_instruction_has_a_name(code: str, change: dict[str, object]) -> None:
    house = Exchange()
    market, customer = house.exchange_market(), house.trader()
    asked = {"price_milli": 3_000, "size_minor": 500} | change
    assert house.why(customer, market, BACK, **asked) == code  # type: ignore[arg-type]
    assert house.held(customer) == 0


STARTS: list[tuple[str, dict[str, object]]] = [
    ("", {}),
    ("", {"type": OrderType.LIMIT_ON_CLOSE, "price_milli": 3_000}),
    ("invalid_odds", {"type": OrderType.LIMIT_ON_CLOSE}),
    ("invalid_odds", {"price_milli": 3_000}),
    ("invalid_bet_size", {"liability_minor": 99}),
    ("invalid_order_type", {"size_minor": 5}),
    ("time_in_force_conflict", {"time_in_force": TimeInForce.FILL_OR_KILL}),
    ("unexpected_persistence_type", {"persistence": Persistence.PERSIST}),
    ("unexpected_min_fill_size", {"min_fill_minor": 5}),
]


@pytest.mark.parametrize(("code", "change"), STARTS, ids=str)
def test_what_is_wrong_with_an_order_for_the_starting_price_has_a_name(code: str, change: dict[str, object]) -> None:
    house = Exchange()
    market, customer = house.exchange_market(bsp=True), house.trader()
    asked = {"type": OrderType.MARKET_ON_CLOSE, "price_milli": 0, "size_minor": 0, "liability_minor": 1_000} | change
    if code:
        assert house.why(customer, market, BACK, **asked) == code  # type: ignore[arg-type]
    else:
        order = house.order(customer, market, BACK, **asked)  # type: ignore[arg-type]
        assert house.held(customer) == 1_000
        answer = house.cancel(customer, market, order)
        assert answer.reports[0].code == "bet_taken_or_lapsed"


def test_small_orders_are_taken_for_a_large_payout() -> None:
    house = Exchange()
    market, customer = house.exchange_market(), house.trader()
    house.order(customer, market, BACK, 100_000, 10)
    assert house.why(customer, market, BACK, 95_000, 10) == "invalid_bet_size"
    house.do(SetMinimums("GBP", Minimums(5, 0)))
    house.order(customer, market, BACK, 95_000, 5)


def test_a_market_that_is_not_open_takes_no_orders() -> None:
    house = Exchange()
    market, customer = house.exchange_market(resume=False), house.trader()
    assert house.why(customer, market, BACK, 3_000, 500) == "market_not_open_for_betting"
    house.do(OpenExchangeMarket(market))
    version = house.market_of(market).version
    assert house.report(customer, market, BACK, 3_000, 500, version=version - 1).code == "bet_taken_or_lapsed"
    house.order(customer, market, BACK, 3_000, 500, version=version)
    house.do(SuspendExchangeMarket(market, "goal"))
    assert house.why(customer, market, BACK, 3_000, 500) == "market_suspended"
    house.win(market, 0)
    assert house.why(customer, market, BACK, 3_000, 500) == "market_not_open_for_betting"
    assert house.market_of(market).status is Status.CLOSED


def test_who_is_shut_out_places_nothing_and_may_cancel() -> None:
    house = Exchange()
    market, customer = house.exchange_market(), house.trader()
    order = house.order(customer, market, BACK, 3_000, 500)
    house.do(SelfExclude(customer, 200 * DAY_US))
    assert house.why(customer, market, BACK, 3_000, 500) == "self_excluded"
    assert house.cancel(customer, market, order).reports[0].cancelled_minor == 500
    assert house.held(customer) == 0


def test_a_limit_of_stakes_counts_the_highest_hold_and_a_limit_of_losses_what_was_lost() -> None:
    house = Exchange()
    market, customer, other = house.exchange_market(), house.trader(), house.trader()
    house.do(SetLimit(customer, "GBP", LimitKind.STAKE_DAY, 1_000))
    for _ in range(5):
        order = house.order(customer, market, BACK, 3_000, 800)
        house.cancel(customer, market, order)
    assert house.why(customer, market, BACK, 3_000, 1_001) == "limit_stake_day"
    house.do(SetLimit(customer, "GBP", LimitKind.LOSS_DAY, 1_000))
    house.order(customer, market, BACK, 3_000, 800)
    house.order(other, market, LAY, 3_000, 800)
    house.win(market, 1)
    purse = house.machine.state.limits.players[customer].purses["GBP"]
    assert purse.day.staked_minor - purse.day.returned_minor == 800


# ---------------------------------------------------------------- cancel, update, replace


def test_cancelling_what_is_left_part_of_it_and_what_is_not_there() -> None:
    house = Exchange()
    market, customer, other = house.exchange_market(), house.trader(), house.trader()
    one = house.order(customer, market, BACK, 3_000, 500)
    two = house.order(customer, market, BACK, 3_050, 500)
    theirs = house.order(other, market, LAY, 3_000, 200)
    answer = house.cancel(customer, market, (one, 100), (two, 900), theirs, 77)
    assert [(report.cancelled_minor, report.code) for report in answer.reports] == [
        (100, ""), (500, ""), (0, "invalid_bet_id"), (0, "invalid_bet_id"),
    ]  # fmt: skip
    assert house.order_of(one).remaining_minor == 200
    assert house.cancel(customer, market, two).reports[0].code == "bet_taken_or_lapsed"
    assert len(house.cancel(customer, market).reports) == 1
    assert house.held(customer) == 200
    twice = CancelOrders(customer, market, (CancelInstruction(one), CancelInstruction(one)))
    assert house.ask(twice) == Refused(Refusal.DUPLICATE_BETIDS)


def test_replacing_goes_to_the_end_of_the_queue_with_a_new_number() -> None:
    house = Exchange()
    market, one, two, backer = house.exchange_market(), house.trader(), house.trader(), house.trader()
    first = house.order(one, market, LAY, 2_980, 500, ref="mine")
    house.order(two, market, LAY, 3_000, 500)
    answer = house.replace(one, market, (first, 3_000))
    placed = answer.placed[0]
    assert (answer.reports[0].cancelled_minor, placed.remaining_minor) == (500, 500)
    assert house.order_of(placed.order_id).ref == "mine"
    house.order(backer, market, BACK, 3_000, 600)
    assert house.order_of(placed.order_id).matched_minor == 100
    assert house.replace(one, market, (placed.order_id, 3_000)).reports[0].code == "invalid_price_edit"
    assert house.replace(one, market, (placed.order_id, 3_001)).reports[0].code == "invalid_odds"


def test_cancelled_and_not_placed_is_an_answer() -> None:
    house = Exchange()
    market, customer = house.exchange_market(), house.trader(1_000)
    order = house.order(customer, market, LAY, 2_000, 1_000)
    answer = house.replace(customer, market, (order, 2_500))
    assert (answer.reports[0].cancelled_minor, answer.placed[0].order_id) == (1_000, 0)
    assert answer.placed[0].code == "cancelled_not_placed"
    assert house.held(customer) == 0
    order = house.order(customer, market, LAY, 2_000, 1_000)
    stale = ReplaceOrders(customer, market, (ReplaceInstruction(order, 1_500),), 1)
    answer = house.ask(stale)  # type: ignore[assignment]
    assert answer.placed[0].code == "cancelled_not_placed"


def test_a_replaced_order_can_match_at_once() -> None:
    house = Exchange()
    market, customer, other = house.exchange_market(), house.trader(), house.trader()
    order = house.order(customer, market, BACK, 4_000, 500)
    house.order(other, market, LAY, 3_000, 200)
    answer = house.replace(customer, market, (order, 3_000))
    assert (answer.placed[0].matched_minor, answer.placed[0].remaining_minor) == (200, 300)


def test_updating_persistence() -> None:
    house = Exchange()
    market, customer = house.exchange_market(terms=LIVE), house.trader()
    order = house.order(customer, market, BACK, 4_000, 500)
    asked = UpdateInstruction(order, Persistence.PERSIST)
    answer = house.ask(UpdateOrders(customer, market, (asked,)))
    assert isinstance(answer, OrdersAnswer)
    assert (answer.reports[0].order_id, house.order_of(order).persistence) == (order, Persistence.PERSIST)
    answer = house.ask(UpdateOrders(customer, market, (asked,)))
    assert isinstance(answer, OrdersAnswer)
    assert answer.reports[0].code == "no_action_required"
    answer = house.ask(UpdateOrders(customer, market, (UpdateInstruction(order, Persistence.MARKET_ON_CLOSE),)))
    assert isinstance(answer, OrdersAnswer)
    assert answer.reports[0].code == "invalid_persistence_type"


# ---------------------------------------------------------------- in play


def in_play(house: Exchange, *, passive: bool = False) -> int:
    market = house.exchange_market(terms=LIVE, passive=passive)
    house.do(TurnInPlay(market))
    house.do(OpenExchangeMarket(market))
    return market


def test_the_off_keeps_what_persists_and_lapses_the_rest() -> None:
    house = Exchange()
    market, customer = house.exchange_market(terms=LIVE), house.trader()
    lapses = house.order(customer, market, BACK, 4_000, 500)
    stays = house.order(customer, market, BACK, 4_000, 300, persistence=Persistence.PERSIST)
    house.do(TurnInPlay(market))
    assert house.market_of(market).status is Status.SUSPENDED
    assert house.market_of(market).in_play
    assert (house.order_of(lapses).lapsed_minor, house.order_of(stays).remaining_minor) == (500, 300)
    assert house.held(customer) == 300
    assert house.refusal(TurnInPlay(market)) == "not_in_play_market"


def test_the_off_sends_what_asked_for_it_to_the_starting_price() -> None:
    house = Exchange()
    market = house.exchange_market(terms=LIVE, bsp=True)
    backer, layer = house.trader(), house.trader()
    converts = house.order(backer, market, BACK, 10_000, 500, persistence=Persistence.MARKET_ON_CLOSE)
    for_start = house.order(layer, market, LAY, 0, 0, type=OrderType.MARKET_ON_CLOSE, liability_minor=1_500)
    house.do(TurnInPlay(market))
    assert house.market_of(market).runners[0].sp_milli == 4_000
    assert (house.order_of(converts).matched_minor, house.order_of(for_start).matched_minor) == (500, 500)
    assert house.order_of(converts).status is OrderStatus.COMPLETE
    assert (
        house.why(layer, market, LAY, 0, 0, type=OrderType.MARKET_ON_CLOSE, liability_minor=1_500) == "market_suspended"
    )


def test_an_order_in_play_waits_and_then_matches_as_if_it_came_then() -> None:
    house = Exchange()
    market = in_play(house)
    layer, backer = house.trader(), house.trader()
    slow = house.order(backer, market, BACK, 3_000, 500)
    assert house.order_of(slow).status is OrderStatus.PENDING
    assert house.held(backer) == 500
    assert house.cancel(backer, market, slow).reports[0].code == "bet_in_progress"
    house.wait(2 * SECOND_US)
    quick = house.order(layer, market, LAY, 3_000, 300)
    house.wait(3 * SECOND_US)
    assert (house.order_of(slow).status, house.book(market)) == (OrderStatus.EXECUTABLE, " | 3×500")
    house.wait(2 * SECOND_US)
    assert (house.order_of(slow).matched_minor, house.order_of(quick).matched_minor) == (300, 300)


def test_a_suspension_lapses_what_waits() -> None:
    house = Exchange()
    market = in_play(house)
    backer = house.trader()
    order = house.order(backer, market, BACK, 3_000, 500)
    house.do(SuspendExchangeMarket(market, "goal"))
    assert (house.order_of(order).lapsed_minor, house.held(backer)) == (500, 0)
    house.wait(10 * SECOND_US)
    assert house.book(market) == " | "


def test_in_passive_mode_only_what_would_match_waits() -> None:
    house = Exchange()
    market = in_play(house, passive=True)
    layer, backer = house.trader(), house.trader()
    house.order(layer, market, LAY, 3_000, 500)
    assert house.book(market) == "3×500 | "
    order = house.order(backer, market, BACK, 3_000, 200)
    assert house.order_of(order).status is OrderStatus.PENDING
    house.wait(5 * SECOND_US)
    assert house.order_of(order).matched_minor == 200


def test_another_delay_in_play_suspends_lapses_changes_and_opens() -> None:
    house = Exchange()
    market = in_play(house)
    backer = house.trader()
    order = house.order(backer, market, BACK, 3_000, 500)
    before = house.market_of(market).version
    house.do(ChangeBetDelay(market, 8 * SECOND_US))
    assert [fact.kind for fact in house.journal[-3:]] == [
        "exchange_market_suspended", "bet_delay_changed", "exchange_market_opened",
    ]  # fmt: skip
    assert (house.order_of(order).lapsed_minor, house.market_of(market).status) == (500, Status.OPEN)
    assert house.market_of(market).version == before + 3
    assert house.refusal(ChangeBetDelay(market, 13 * SECOND_US)) == "delay_invalid"


@pytest.mark.parametrize(
    ("level", "number"), [(Level.PLATFORM, 0), (Level.SPORT, 1), (Level.COMPETITION, 1), (Level.EVENT, 1)]
)
def test_a_suspension_above_a_market_and_its_end_give_it_another_version(level: Level, number: int) -> None:
    """An order that names the version from before is for a market that has moved on, and lapses."""
    house = Exchange()
    market, over, backer = house.exchange_market(), house.exchange_market(), house.trader()
    house.win(over, 0)
    before, closed = house.market_of(market).version, house.market_of(over).version
    house.do(SuspendLevel(level, number, "floodlights"))
    refused = house.place(backer, market, BACK, 3_000, 500, version=before)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.detail["level"]) == (Refusal.MARKET_SUSPENDED, level)
    house.do(ResumeLevel(level, number))
    assert (house.market_of(market).version, house.market_of(over).version) == (before + 2, closed)
    assert house.report(backer, market, BACK, 3_000, 500, version=before).code == "bet_taken_or_lapsed"
    house.order(backer, market, BACK, 3_000, 500, version=before + 2)


def test_a_suspension_elsewhere_leaves_a_market_as_it_is() -> None:
    house = Exchange()
    market = house.exchange_market()
    elsewhere = house.do(CreateEvent(house.do(CreateCompetition(1, "York")), "15:00", house.at_us))
    before = house.market_of(market).version
    house.do(SuspendLevel(Level.EVENT, elsewhere, "floodlights"))
    house.do(SuspendLevel(Level.COMPETITION, 2, "floodlights"))
    assert house.market_of(market).version == before


def test_a_start_is_moved_until_the_market_is_closed() -> None:
    house = Exchange()
    market = house.exchange_market(terms=LIVE)
    before, later_us = house.market_of(market).version, house.at_us + DAY_US
    house.do(RescheduleExchangeMarket(market, later_us))
    assert (house.market_of(market).terms.starts_at_us, house.market_of(market).version) == (later_us, before + 1)
    house.do(RescheduleEvent(1, later_us))
    assert house.market_of(market).version == before + 2
    assert house.refusal(RescheduleExchangeMarket(market, -1)) == "starts_at_invalid"
    assert house.refusal(RescheduleExchangeMarket(99, later_us)) == "invalid_market_id"
    house.do(TurnInPlay(market))
    house.do(RescheduleExchangeMarket(market, 0))
    house.win(market, 0)
    assert house.refusal(RescheduleExchangeMarket(market, later_us)) == "market_status"


def test_an_order_for_a_market_that_has_moved_on_lapses_as_it_comes() -> None:
    """It has a number and is seen to have lapsed; nothing is held, and nobody meets it."""
    house = Exchange()
    market, customer, other = house.exchange_market(bsp=True), house.trader(), house.trader()
    version = house.market_of(market).version
    house.do(RemoveRunner(market, 1003, 0))
    asked = PlaceInstruction(1001, BACK, 3_000, 500)
    at_start = PlaceInstruction(1001, BACK, 0, 0, type=OrderType.MARKET_ON_CLOSE, liability_minor=500)
    answer = house.ask(PlaceOrders(customer, market, "GBP", (asked, at_start), version))
    assert isinstance(answer, OrdersAnswer)
    assert [report.code for report in answer.reports] == ["bet_taken_or_lapsed"] * 2
    for report in answer.reports:
        order = house.order_of(report.order_id)
        assert (order.status, order.lapse) == (OrderStatus.COMPLETE, Lapse.MARKET_VERSION)
        assert (order.remaining_minor, order.lapsed_at_us) == (0, house.at_us)
    assert (house.order_of(answer.reports[0].order_id).lapsed_minor, house.held(customer)) == (500, 0)
    house.order(other, market, LAY, 3_000, 500)
    assert house.book(market) == "3×500 | "
    assert house.why(customer, market, BACK, 3_010, 500, version=version) == "invalid_odds"
    again = decode_snapshot(encode_snapshot(house.machine.state)).exchange.orders
    assert (again.by_id, again.gone) == (
        house.machine.state.exchange.orders.by_id,
        house.machine.state.exchange.orders.gone,
    )
    house.wait(3_700 * SECOND_US)
    house.order(other, market, LAY, 2_900, 500)
    assert answer.reports[0].order_id not in house.machine.state.exchange.orders.by_id


def test_a_version_is_the_last_one_that_an_order_may_meet() -> None:
    """One that the market does not have yet is met by this one, and another start is no change to an order."""
    house = Exchange()
    market, customer = house.exchange_market(), house.trader()
    version = house.market_of(market).version
    house.do(RescheduleExchangeMarket(market, house.at_us + DAY_US))
    for named in (version, version + 1, version + 9):
        assert house.report(customer, market, BACK, 3_000, 500, version=named).remaining_minor == 500


def test_reasons_are_those_of_the_page() -> None:
    told = {row["`lsrc`"] if "`lsrc`" in row else row["lsrc"] for row in rows("In play", "an order that")}
    assert told - {"–"} == {why.upper() for why in Lapse if why}


LAPSES: list[tuple[Lapse, str]] = [
    (Lapse.MARKET_VERSION, "remove another runner"),
    (Lapse.RUNNER_UNKNOWN, "remove the runner"),
    (Lapse.MARKET_SUSPENDED, "suspend"),
    (Lapse.MARKET_SUSPENDED, "another delay"),
    (Lapse.MARKET_SUSPENDED, "the desk suspends and resumes"),
    (Lapse.MARKET_INVALID, "the desk approves no more"),
    (Lapse.MARKET_UNKNOWN, "a result"),
    (Lapse.NONE, "the customer is shut out"),
]


@pytest.mark.parametrize(("why", "what"), LAPSES, ids=[what for _, what in LAPSES])
def test_why_an_order_lapsed_that_waited(why: Lapse, what: str) -> None:
    house = Exchange()
    market, backer = in_play(house), house.trader()
    version = house.market_of(market).version if why is Lapse.MARKET_VERSION else 0
    order = house.order(backer, market, BACK, 3_000, 500, version=version)
    happens: dict[str, list[AnyCommand]] = {
        "remove another runner": [RemoveRunner(market, 1003, 0)],
        "remove the runner": [RemoveRunner(market, 1001, 0)],
        "suspend": [SuspendExchangeMarket(market, "goal")],
        "another delay": [ChangeBetDelay(market, 8 * SECOND_US)],
        "the desk suspends and resumes": [SuspendLevel(Level.EVENT, 1, "goal"), ResumeLevel(Level.EVENT, 1)],
        "the desk approves no more": [RequireApproval(True)],
        "a result": [RecordExchangeResult(market, VoidResult("abandoned"))],
        "the customer is shut out": [SelfExclude(backer, 200 * DAY_US)],
    }
    for command in happens[what]:
        house.do(command)
    house.wait(10 * SECOND_US)
    found = house.order_of(order)
    assert (found.lapse, found.lapsed_minor, found.status) == (why, 500, OrderStatus.COMPLETE)
    assert house.held(backer) == 0


def test_what_lapses_by_its_own_terms_has_no_reason() -> None:
    """The off, the starting price and a fill-or-kill order: the customer knew."""
    house = Exchange()
    market, customer = house.exchange_market(terms=LIVE, bsp=True), house.trader()
    killed = house.order(customer, market, BACK, 3_000, 500, time_in_force=TimeInForce.FILL_OR_KILL)
    rests = house.order(customer, market, BACK, 3_000, 500, runner=1)
    at_start = house.order(customer, market, LAY, 0, 0, type=OrderType.MARKET_ON_CLOSE, liability_minor=1_000)
    house.do(TurnInPlay(market))
    for order in map(house.order_of, (killed, rests, at_start)):
        assert order.lapsed_at_us
        assert (order.lapse, order.remaining_minor) == (Lapse.NONE, 0)


def test_who_was_shut_out_meanwhile_gets_nothing_after_the_delay() -> None:
    house = Exchange()
    market = in_play(house)
    layer, backer = house.trader(), house.trader()
    order = house.order(backer, market, BACK, 3_000, 500)
    house.do(SelfExclude(backer, 200 * DAY_US))
    house.wait(5 * SECOND_US)
    assert (house.order_of(order).lapsed_minor, house.held(backer), house.held(layer)) == (500, 0, 0)


# ---------------------------------------------------------------- removals, corrections, heartbeat


def test_a_removed_runner_takes_its_matches_and_reduces_the_others() -> None:
    house = Exchange()
    market, layer, backer = house.exchange_market(), house.trader(), house.trader()
    for runner in (0, 1):
        house.order(layer, market, LAY, 6_000, 1_000, runner=runner)
        house.order(backer, market, BACK, 6_000, 800, runner=runner)
    back = house.order(backer, market, BACK, 8_000, 500, runner=0)
    house.do(RemoveRunner(market, 1002, 2_500))
    assert (house.order_of(2).matched_value, house.order_of(4).voided_minor) == (800 * 4_500, 800)
    assert (house.order_of(1).lapsed_minor, house.order_of(back).remaining_minor) == (200, 500)
    assert house.held(backer) == 1_300
    house.win(market, 0)
    assert house.pounds(backer) == 100_000 + 2_800 * 95 // 100
    assert house.refusal(RemoveRunner(market, 1002, 2_500)) == "market_status"


def test_a_runner_that_is_back_takes_orders_and_has_to_be_covered_again() -> None:
    """With B out, whoever backed A and C at 3.00 lost nothing whatever came; with B back, both may lose."""
    house = Exchange()
    market, backer, layer = house.exchange_market(), house.trader(), house.trader()
    house.order(layer, market, LAY, 3_000, 1_000, runner=1)
    void = house.order(backer, market, BACK, 3_000, 1_000, runner=1)
    house.do(RemoveRunner(market, 1002, 0))
    for runner in (0, 2):
        house.order(layer, market, LAY, 3_000, 1_000, runner=runner)
        house.order(backer, market, BACK, 3_000, 1_000, runner=runner)
    version = house.market_of(market).version
    assert (house.held(backer), house.refusal(ReinstateRunner(market, 1001))) == (0, "runner_not_removed")
    assert house.refusal(ReinstateRunner(market, 9_999)) == "invalid_runner"
    house.do(ReinstateRunner(market, 1002))
    assert (house.held(backer), house.market_of(market).version) == (2_000, version + 1)
    assert house.order_of(void).voided_minor == 1_000
    house.order(layer, market, LAY, 5_000, 1_000, runner=1)
    house.order(backer, market, BACK, 5_000, 1_000, runner=1)
    assert house.held(backer) == 0
    house.win(market, 1)
    assert house.pounds(backer) == 100_000 + (4_000 - 2_000) * 95 // 100
    assert house.refusal(ReinstateRunner(market, 1002)) == "market_status"


def test_where_a_removal_leaves_too_little_the_loss_becomes_a_debt() -> None:
    house = Exchange()
    market, trader, other = house.exchange_market(), house.trader(1_000), house.trader()
    for runner in (0, 1):
        house.order(other, market, BACK, 3_000, 1_000, runner=runner)
    both = tuple(PlaceInstruction(number, LAY, 3_000, 1_000) for number in (1001, 1002))
    assert isinstance(house.ask(PlaceOrders(trader, market, "GBP", both)), OrdersAnswer)
    assert house.held(trader) == 1_000
    house.do(RemoveRunner(market, 1001, 0))
    assert house.held(trader) == 1_000
    house.win(market, 1)
    assert (house.pounds(trader), house.owed(trader, "GBP")) == (0, 1_000)


def test_a_correction_takes_back_and_pays_and_leaves_a_debt_where_the_money_is_gone() -> None:
    house = Exchange()
    market, layer, backer = house.exchange_market(base_rate_bp=0), house.trader(1_000), house.trader(1_000)
    house.order(layer, market, LAY, 2_000, 1_000)
    house.order(backer, market, BACK, 2_000, 1_000)
    house.win(market, 0)
    assert (house.pounds(layer), house.pounds(backer)) == (0, 2_000)
    house.do(MoveFunds(backer, "GBP", -1_500, "withdrawal"))
    house.win(market, 1)
    assert (house.pounds(layer), house.pounds(backer), house.owed(backer, "GBP")) == (2_000, 0, 1_500)
    house.result(market, VoidResult("abandoned"))
    assert (house.pounds(layer), house.pounds(backer), house.owed(backer, "GBP")) == (1_000, 0, 500)
    assert house.machine.state.ledger.house["GBP"].exchange.balance_minor == 0  # type: ignore[union-attr]


def test_a_result_must_be_one_that_the_market_can_have() -> None:
    house = Exchange()
    market = house.exchange_market(winners=2, runners=4)
    house.trader()
    for winners in ((Share(0),), (Share(0), Share(0)), (Share(0), Share(9)), (Share(0), Share(1), Share(2))):
        with pytest.raises(AssertionError):
            house.result(market, RunnersResult(winners))
    house.result(market, RunnersResult((Share(0), Share(1, 1, 2), Share(2, 1, 2))))


def test_a_missed_heartbeat_cancels_what_rests() -> None:
    house = Exchange()
    market, other, customer = house.exchange_market(), house.exchange_market(), house.trader()
    house.order(customer, market, BACK, 3_000, 500)
    house.order(customer, other, LAY, 3_000, 500)
    house.do(Heartbeat(customer, 10 * SECOND_US))
    house.wait(9 * SECOND_US)
    house.do(Heartbeat(customer, 10 * SECOND_US))
    house.wait(9 * SECOND_US)
    assert house.held(customer) == 1_500
    house.wait(1 * SECOND_US)
    assert house.held(customer) == 0
    assert house.journal[-1].kind == "heartbeat_missed"
    house.wait(60 * SECOND_US)
    assert house.journal[-1].kind == "heartbeat_missed"
    assert house.refusal(Heartbeat(customer, 1)) == "heartbeat_invalid"


def test_the_same_key_is_the_same_orders() -> None:
    house = Exchange()
    market, customer = house.exchange_market(), house.trader()
    asked, key = PlaceOrders(customer, market, "GBP", (PlaceInstruction(1001, BACK, 3_000, 500),)), house.key()
    first = house.ask(asked, key=key)
    assert house.ask(asked, key=key) == first
    assert house.held(customer) == 500
    assert not isinstance(first, Done)


def test_a_customer_keeps_one_currency_on_a_market() -> None:
    house = Exchange()
    market, customer = house.exchange_market(), house.trader(currency="EUR")
    assert house.why(customer, market, BACK, 3_000, 500, currency="EUR") == "no_rate"
    assert house.why(customer, market, BACK, 3_000, 500) == "wallet_not_found"


def test_what_came_to_nothing_is_forgotten_after_an_hour() -> None:
    house = Exchange()
    market, customer, other = house.exchange_market(), house.trader(), house.trader()
    nothing = house.order(customer, market, BACK, 3_000, 500)
    house.cancel(customer, market, nothing)
    something = house.order(customer, market, BACK, 3_000, 500)
    house.order(other, market, LAY, 3_000, 200)
    house.cancel(customer, market, something)
    house.wait(3_601 * SECOND_US)
    last = house.order(customer, market, BACK, 3_000, 500)
    known = house.machine.state.exchange.orders.by_id
    assert (nothing in known, something in known, last) == (False, True, something + 2)
    answer = house.cancel(customer, market, nothing, 99)
    assert [report.code for report in answer.reports] == ["bet_taken_or_lapsed", "invalid_bet_id"]
    house.win(market, 0)
    assert house.pounds(customer) == 100_000 + 380


def test_positions_never_grow_beyond_what_can_be_counted() -> None:
    """A hundred layers with ten trillion each, and one backer at 1000."""
    house = Exchange(audited=False)
    market, backer = house.exchange_market(), house.trader(10**15)
    refused = ""
    for _ in range(100):
        layer = house.trader(10**15)
        house.order(layer, market, LAY, 1_000_000, 10**11)
        answer = house.place(backer, market, BACK, 1_000_000, 10**11)
        refused = refused or (answer.code if isinstance(answer, Refused) else "")
    assert refused == "invalid_bet_size"
    assert decode_snapshot(encode_snapshot(house.machine.state)).seq == house.machine.state.seq
