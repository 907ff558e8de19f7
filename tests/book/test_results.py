"""Results, withdrawals, moments and late selections as the machine takes them."""

import pytest
from tests.book.house import House, code_of
from tests.book.tables import number, table
from tests.book.telling import score

from overround.book.bets import BetStatus
from overround.book.catalogue import Ending, MarketStatus, MarketTerms, Moment, Side, Withdrawn
from overround.book.machine import Answer, decode_fact, decode_snapshot, encode_snapshot, state_hash
from overround.book.machine import commands as c
from overround.book.settlement import Finish, Goal, Heard, Outcomes, Result, ResultHeard, Score, Void, Winners, fits
from overround.book.tickets import Outcome
from overround.kernel.instant import SECOND_US
from overround.kernel.refusal import Refused

PRICES = (3_000, 3_000, 3_000)


def again(house: House) -> None:
    """Whatever the state is, a snapshot of it is it."""
    state = house.machine.state
    assert state_hash(decode_snapshot(encode_snapshot(state))) == state_hash(state)


# ---------------------------------------------------------------- certainty


def told(house: House, market: int, cell: str) -> Answer:
    result, certainty = cell.split(" at ")
    return house.ask(c.RecordResult(market, score(result), int(certainty)))


@pytest.mark.parametrize("row", table("settlement.md", "Certainty"), ids=lambda row: " ".join(row.values()))
def test_results_of_any_certainty(row: dict[str, str]) -> None:
    house = House()
    customer = house.customer(cash_minor=2_000)
    market = house.market(prices_milli=PRICES, terms=MarketTerms(certainty=number(row["market wants"])))
    bets = {"1–0": house.taken(customer, market, 1), "0–1": house.taken(customer, market, 3)}
    answer: Answer | None = None
    for heard in row["heard"].split(", "):
        answer = told(house, market, heard)
        house.wait()
    again(house)
    state = house.machine.state
    if row["bet"].startswith("paid for"):
        paid = {result: state.bets.bets[bet].payout_minor for result, bet in bets.items()}
        winner = row["bet"].removeprefix("paid for ")
        assert paid == {result: 3_000 if result == winner else 0 for result in bets}
        return
    assert {state.bets.bets[bet].status for bet in bets.values()} == {BetStatus.OPEN}
    if row["bet"] != "open":
        assert isinstance(answer, Refused)
        assert answer.code == row["bet"]


def test_a_market_takes_no_more_bets_once_its_result_is_heard() -> None:
    house = House()
    customer = house.customer(cash_minor=2_000)
    market = house.market(prices_milli=PRICES)
    house.do(c.RecordResult(market, Score(1, 0), 1))
    found = house.machine.state.catalogue.markets[market]
    assert (found.status, found.reason, found.revision) == (MarketStatus.CLOSED, "result_heard", 0)
    assert code_of(house.bet(customer, market)) == "market_closed"
    assert house.machine.state.settlement.heard == {market: Heard(Score(1, 0), 1)}
    assert [fact for fact in map(decode_fact, (each.body for each in house.journal)) if type(fact) is ResultHeard]
    house.do(c.RecordResult(market, Score(1, 0)))
    assert house.machine.state.settlement.heard == {}


def test_an_events_result_settles_the_markets_for_which_it_is_certain_enough() -> None:
    house = House()
    event = house.event()
    sure = house.market(event_id=event, prices_milli=PRICES)
    quick = house.market(event_id=event, prices_milli=PRICES, terms=MarketTerms(certainty=1))
    next_goal = house.market("next_goal", event_id=event, prices_milli=PRICES, specifiers={"goal_number": 1})
    house.do(c.RecordEventResult(event, Score(0, 0), 1))
    house.wait()
    markets = house.machine.state.catalogue.markets
    assert [markets[each].status.value for each in (sure, quick, next_goal)] == ["closed", "resulted", "resulted"]
    assert house.refusal(c.RecordEventResult(event, Score(0, 0), 1)) == "result_unchanged"
    assert house.refusal(c.RecordEventResult(event, Score(0, 0), 0)) == "certainty_invalid"
    house.do(c.RecordEventResult(event, Score(0, 0), 2))
    assert markets[sure].status is MarketStatus.RESULTED
    assert markets[quick].revision == 1


def test_a_heard_result_pays_once_the_market_wants_no_more() -> None:
    house = House()
    customer = house.customer(cash_minor=1_000)
    market = house.market(prices_milli=PRICES)
    house.taken(customer, market)
    house.do(c.RecordResult(market, Score(1, 0), 1))
    house.do(c.ChangeMarket(market, 0, 0, MarketTerms(certainty=1)))
    house.do(c.RecordResult(market, Score(1, 0), 1))
    house.wait()
    assert house.cash(customer) == 3_000


# ---------------------------------------------------------------- results of many markets


def test_one_score_settles_what_it_says_enough_for() -> None:
    house = House()
    event = house.event()
    two = (1_900, 1_900)
    markets = {
        "1x2": house.market(event_id=event),
        "half_time_result": house.market("half_time_result", event_id=event),
        "next_goal": house.market("next_goal", event_id=event, specifiers={"goal_number": 2}),
        "first_goalscorer": house.market(
            "first_goalscorer", event_id=event, selections=("Kane", "Saka"), prices_milli=two
        ),
        "to_qualify": house.market("to_qualify", event_id=event, prices_milli=two),
    }

    def resulted() -> set[str]:
        found = house.machine.state.catalogue.markets
        return {name for name, each in markets.items() if found[each].status is MarketStatus.RESULTED}

    house.do(c.RecordEventResult(event, Score(2, 0)))
    assert resulted() == {"1x2"}
    house.do(c.RecordEventResult(event, Score(2, 0, (1, 0))))
    assert resulted() == {"1x2", "half_time_result"}
    goals = (Goal(Side.HOME), Goal(Side.HOME))
    house.do(c.RecordEventResult(event, Score(2, 0, (1, 0), goals)))
    assert resulted() == {"1x2", "half_time_result", "next_goal"}
    goals = (Goal(Side.HOME, "Kane"), Goal(Side.HOME, own=True))
    house.do(c.RecordEventResult(event, Score(2, 0, (1, 0), goals)))
    assert resulted() == {"1x2", "half_time_result", "next_goal", "first_goalscorer"}
    house.do(c.RecordResult(markets["to_qualify"], Winners((2,))))
    assert resulted() == set(markets)
    found = house.machine.state.catalogue.markets
    assert {name: found[each].revision for name, each in markets.items()} == {
        **dict.fromkeys(markets, 1),
        "next_goal": 2,
    }


def test_one_finish_settles_all_markets_of_a_race() -> None:
    house = House()
    event = house.event()
    runners = ("Ayr", "Bob", "Cid", "Dot")
    four = (4_000,) * 4
    win = house.market("race_win", event_id=event, selections=runners, prices_milli=four)
    place = house.market("race_place", event_id=event, selections=runners, prices_milli=four, specifiers={"places": 2})
    forecast = house.market("forecast", event_id=event, selections=("1-2", "2-1"), prices_milli=(9_000, 9_000))
    tricast = house.market("tricast", event_id=event, selections=("1-2-3", "2-1-3"), prices_milli=(9_000, 9_000))
    house.do(c.RecordEventResult(event, Finish(((1,), (2,)))))
    markets = house.machine.state.catalogue.markets
    statuses = [markets[each].status.value for each in (win, place, forecast, tricast)]
    assert statuses == ["resulted", "resulted", "resulted", "closed"]
    assert house.refusal(c.RecordResult(tricast, Finish(((1,), (2,))))) == "result_invalid"
    house.do(c.RecordResult(tricast, Void("two finished")))


@pytest.mark.parametrize(
    "given",
    [
        Score(1, 0, (2, 0)),
        Score(1, 0, (0, 1)),
        Score(1, 0, (-1, 0)),
        Score(1, 0, None, ()),
        Score(1, 0, None, (Goal(Side.AWAY),)),
        Score(1, 0, None, (Goal(Side.HOME, "\n"),)),
        Score(1, 0, absent=("",)),
        Score(1, 0, absent=("x",) * 101),
        Finish(((1,),)),
        Winners((1,)),
        Outcomes(((1, Outcome.WON, 1, 1), (2, Outcome.LOST, 1, 1))),
        Outcomes(((1, Outcome.WON, 1, 1), (3, Outcome.LOST, 1, 1), (2, Outcome.LOST, 1, 1))),
        Outcomes(((1, Outcome.WON, 2, 1), (2, Outcome.LOST, 1, 1), (3, Outcome.LOST, 1, 1))),
        Outcomes(((1, Outcome.WON, 0, 1), (2, Outcome.LOST, 1, 1), (3, Outcome.LOST, 1, 1))),
    ],
    ids=str,
)
def test_results_that_are_none(given: Result) -> None:
    house = House()
    assert house.refusal(c.RecordResult(house.market(), given)) == "result_invalid"


@pytest.mark.parametrize(
    "given",
    [
        Finish(()),
        Finish(((),)),
        Finish(((1, 1),)),
        Finish(((2, 1),)),
        Finish(((1,), (1,))),
        Finish(((1,),), (1,)),
        Finish(((0,),)),
        Finish(((5,),)),
        Finish(((1,),), (5,)),
        Finish(((1,),), (3, 2)),
        Finish(((1,),), (), ((1, 1_000),)),
        Finish(((1,),), (), ((2, 2_000), (1, 2_000))),
        Finish(((1,),), (), ((1, 2_000), (1, 2_000))),
        Finish(((1,),), (), ((5, 2_000),)),
        Score(1, 0),
        Winners((1,)),
    ],
    ids=str,
)
def test_finishes_that_are_none(given: Result) -> None:
    house = House()
    market = house.market("race_win", selections=("A", "B", "C", "D"), prices_milli=(4_000,) * 4)
    assert house.refusal(c.RecordResult(market, given)) == "result_invalid"


def test_a_feed_may_say_what_became_of_each_selection() -> None:
    house = House()
    customer = house.customer(cash_minor=3_000)
    market = house.market(prices_milli=PRICES)
    bets = [house.taken(customer, market, selection) for selection in (1, 2, 3)]
    rows = ((1, Outcome.HALF_WON, 1, 1), (2, Outcome.VOID, 1, 1), (3, Outcome.LOST, 1, 1))
    house.do(c.RecordResult(market, Outcomes(rows)))
    house.wait()
    assert [house.machine.state.bets.bets[bet].payout_minor for bet in bets] == [2_000, 1_000, 0]


def test_winners_and_void_selections() -> None:
    house = House()
    customer = house.customer(cash_minor=3_000)
    market = house.market("winner", selections=("A", "B", "C"), prices_milli=PRICES)
    bets = [house.taken(customer, market, selection) for selection in (1, 2, 3)]
    for wrong in (Winners((1,), (1,)), Winners((1,), (3, 2)), Winners((1,), (4,)), Winners((), (1,))):
        assert house.refusal(c.RecordResult(market, wrong)) == "result_invalid"
    house.do(c.RecordResult(market, Winners((1,), (3,))))
    house.wait()
    assert [house.machine.state.bets.bets[bet].payout_minor for bet in bets] == [3_000, 0, 1_000]


def test_an_abandoned_match_settles_each_market_by_its_rule() -> None:
    house = House()
    customer = house.customer(cash_minor=3_000)
    event = house.event()
    result = house.market(event_id=event, prices_milli=PRICES)
    total = house.market("total", event_id=event, specifiers={"line_quarters": 10}, prices_milli=(2_000, 1_800))
    strict = MarketTerms(rule_set="void_unfinished")
    other = house.market(
        "total", event_id=event, specifiers={"line_quarters": 10}, prices_milli=(2_000, 1_800), terms=strict
    )
    bets = [house.taken(customer, market) for market in (result, total, other)]
    house.do(c.RecordEventResult(event, Score(3, 0, ending=Ending.ABANDONED)))
    house.wait()
    assert [house.machine.state.bets.bets[bet].payout_minor for bet in bets] == [1_000, 2_000, 1_000]


# ---------------------------------------------------------------- withdrawals


def test_a_withdrawn_runner_takes_no_bets_and_its_market_waits() -> None:
    house = House()
    customer = house.customer(cash_minor=5_000)
    market = house.market("race_win", selections=("A", "B", "C"), prices_milli=PRICES)
    before = house.taken(customer, market, 2)
    version = house.machine.state.catalogue.markets[market].version
    house.at_us += SECOND_US
    house.do(c.WithdrawSelection(market, 2, 3_000))
    found = house.machine.state.catalogue.markets[market]
    assert (found.status, found.reason, found.version) == (MarketStatus.SUSPENDED, "withdrawal", version + 1)
    assert found.withdrawals == [Withdrawn(2, house.at_us, 3_000)]
    assert house.refusal(c.WithdrawSelection(market, 2, 3_000)) == "selection_withdrawn"
    assert house.refusal(c.SetPrices(market, ((2, 2_000),))) == "selection_withdrawn"
    house.do(c.SetPrices(market, ((1, 2_000), (2, 0), (3, 2_100))))
    house.do(c.ResumeMarket(market))
    assert code_of(house.bet(customer, market, 2, price_milli=3_000)) == "no_price"
    again(house)
    assert house.refusal(c.RecordResult(market, Finish(((2,),)))) == "result_invalid"
    house.do(c.RecordResult(market, Finish(((1,), (3,)))))
    house.wait()
    assert house.machine.state.bets.bets[before].payout_minor == 1_000
    assert house.refusal(c.WithdrawSelection(market, 1, 3_000)) == "market_status"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (c.WithdrawSelection(9, 1, 0), "market_not_found"),
        (c.WithdrawSelection(1, 9, 0), "selection_not_found"),
        (c.WithdrawSelection(1, 1, 1_000), "price_invalid"),
        (c.WithdrawSelection(1, 1, -1), "price_invalid"),
        (c.AddSelections(9, ("D",)), "market_not_found"),
        (c.AddSelections(1, ()), "selections_invalid"),
        (c.AddSelections(1, ("A",)), "selections_invalid"),
        (c.AddSelections(1, ("D", "D")), "selections_invalid"),
        (c.AddSelections(1, ("",)), "selections_invalid"),
        (c.AddSelections(1, ("D",), (2_000, 2_000)), "price_invalid"),
        (c.AddSelections(1, ("D",), (1_000,)), "price_invalid"),
        (c.AddSelections(2, ("D",)), "selections_invalid"),
        (c.SetMoment(9, Moment.VAR), "event_not_found"),
        (c.ChangeMarket(2, 0, 0, MarketTerms(best_odds=True)), "market_terms_invalid"),
        (c.CreateMarket(1, "1x2", terms=MarketTerms(best_odds=True)), "market_terms_invalid"),
    ],
    ids=str,
)
def test_what_is_refused(command: c.AnyCommand, code: str) -> None:
    house = House()
    house.market("race_win", selections=("A", "B", "C"), prices_milli=PRICES)
    house.market()
    before = str(house.machine.state.catalogue)
    assert house.refusal(command) == code
    assert str(house.machine.state.catalogue) == before


# ---------------------------------------------------------------- late selections, terms, moments


def test_selections_may_be_added_while_a_market_lives() -> None:
    house = House()
    customer = house.customer(cash_minor=1_000)
    market = house.market("forecast", selections=("1-2", "2-1"), prices_milli=(9_000, 9_000))
    house.do(c.AddSelections(market, ("1-3", "3-1"), (0, 21_000)))
    found = house.machine.state.catalogue.markets[market]
    assert [(each.id, each.name, each.price_milli) for each in found.selections.values()] == [
        (1, "1-2", 9_000), (2, "2-1", 9_000), (3, "1-3", 0), (4, "3-1", 21_000),
    ]  # fmt: skip
    bet = house.taken(customer, market, 4)
    again(house)
    house.do(c.RecordResult(market, Finish(((3,), (1,), (2,)))))
    house.wait()
    assert house.machine.state.bets.bets[bet].payout_minor == 21_000
    assert house.refusal(c.AddSelections(market, ("2-3",))) == "market_status"


def test_terms_stay_until_others_are_given() -> None:
    house = House()
    market = house.market(
        "race_win", selections=("A", "B"), prices_milli=(2_000, 2_000), terms=MarketTerms(best_odds=True)
    )
    found = house.machine.state.catalogue.markets[market]
    house.do(c.ChangeMarket(market, SECOND_US, 0))
    assert (found.delay_us, found.best_odds, found.owes_starting_prices) == (SECOND_US, True, False)
    house.do(c.ChangeMarket(market, SECOND_US, 0, MarketTerms(starting_prices=True)))
    assert (found.best_odds, found.starting_prices, found.owes_starting_prices) == (False, True, True)
    house.do(c.ChangeMarket(market, SECOND_US, 0, MarketTerms()))
    assert (found.starting_prices, found.owes_starting_prices) == (False, True)
    assert not fits(found, Finish(((1,), (2,))))
    assert fits(found, Finish(((1,), (2,)), (), ((1, 2_000), (2, 3_000))))
    again(house)


def test_a_bet_waits_as_long_as_the_moment_says() -> None:
    house = House()
    customer = house.customer(cash_minor=3_000)
    event = house.event()
    terms = MarketTerms(moment_delays_us={Moment.DANGER: 8 * SECOND_US})
    market = house.market(event_id=event, prices_milli=PRICES, in_play=True, delay_us=5 * SECOND_US, terms=terms)
    house.do(c.StartEvent(event))
    house.do(c.ResumeMarket(market))
    bets = house.machine.state.bets.bets
    assert bets[house.taken(customer, market)].decide_at_us == house.at_us + 5 * SECOND_US
    version = house.machine.state.catalogue.markets[market].version
    house.do(c.SetMoment(event, Moment.DANGER))
    assert house.do(c.SetMoment(event, Moment.DANGER)) == 0
    assert house.machine.state.catalogue.markets[market].version == version
    assert bets[house.taken(customer, market)].decide_at_us == house.at_us + 8 * SECOND_US
    again(house)
    house.do(c.SetMoment(event, Moment.NORMAL))
    assert bets[house.taken(customer, market)].decide_at_us == house.at_us + 5 * SECOND_US
    house.do(c.EndEvent(event))
    assert house.refusal(c.SetMoment(event, Moment.VAR)) == "event_status"
