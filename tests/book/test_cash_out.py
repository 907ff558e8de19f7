"""Cash-out: what an open bet is worth, quotes and their taking, parts, standing rules, and any evening with all."""

import random
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.book import cash_twin
from tests.book.house import House
from tests.book.tables import milli, number, table
from tests.book.test_ticketing import (
    AWAY_WINS,
    DRAW,
    HOME_WINS,
    Evening,
    built,
    leg,
    multiple,
    race,
    result,
    taken,
)

from overround.book import cashout, catalogue, ledger, tickets
from overround.book.bets import Bet, BetStatus
from overround.book.cashout import CashedOut, CashOutRefused, Refusal, Why
from overround.book.catalogue import EachWay
from overround.book.ledger import StakeKind
from overround.book.limits import HouseTerms
from overround.book.machine import (
    Answer,
    CashOutAnswer,
    CashOutValue,
    Machine,
    QuoteAnswer,
    decode_fact,
    decode_snapshot,
    encode_snapshot,
    fold,
    state_hash,
)
from overround.book.machine import cash_commands as cash
from overround.book.machine import commands as c
from overround.book.machine.commands import AnyCommand, BetAsked, LegAsked
from overround.book.machine.desk_commands import ApproveCompetition, RequireApproval, ResumeLevel, SuspendLevel
from overround.book.machine.grant_commands import GrantBonus, GrantFreeBet
from overround.book.machine.state import empty
from overround.book.settlement import Void
from overround.book.tickets import SYSTEMS, Leg, Outcome, Slip
from overround.kernel.instant import DAY_US, SECOND_US
from overround.kernel.level import Level
from overround.kernel.refusal import Refused

PAGE = "cash-out.md"


# ---------------------------------------------------------------- the tables of the page


def prices(cell: str) -> list[int]:
    return [0 if price == "–" else milli(price) for price in cell.split(", ")]


@pytest.mark.parametrize("row", table(PAGE, "The fair probability of a selection"), ids=lambda row: str(row["prices"]))
def test_the_overround_is_divided_out(row: dict[str, str]) -> None:
    house = House()
    offered = prices(row["prices"])
    names = tuple(f"runner {place}" for place, _ in enumerate(offered)) if "goalscorer" in row["market"] else ()
    market = house.machine.state.catalogue.markets[
        house.market(row["market"], prices_milli=tuple(offered), selections=names)
    ]
    book, winners = cashout.book(offered), catalogue.winners(market)
    own = offered[number(row["selection"]) - 1]
    assert Fraction(*book) == Fraction(row["book"])
    assert winners == cash_twin.WINNERS[market.type]
    fair = cashout.expected_factor((1, 1), price_milli=own, book=book, winners=winners)
    assert Fraction(*fair) == Fraction(row["fair"])


ENDS = {
    "won": tickets.settled(Outcome.WON),
    "lost": tickets.settled(Outcome.LOST),
    "void": tickets.settled(Outcome.VOID),
    "half lost": tickets.settled(Outcome.HALF_LOST),
}


def leg_of(cell: str) -> tuple[int, tuple[int, int]]:
    """The price taken, and the expected factor."""
    price, _, end = cell.partition(" ")
    leg = Leg(1, 1, milli(price))
    if not end.startswith("@"):
        return leg.price_milli, tickets.working(leg, ENDS[end]).win
    offered = prices(end[2:])
    won = tickets.working(leg, ENDS["won"]).win
    return leg.price_milli, cashout.expected_factor(won, price_milli=offered[0], book=cashout.book(offered), winners=1)


@pytest.mark.parametrize("row", table(PAGE, "The value of a bet"), ids=lambda row: f"{row['bet']} {row['legs']}")
def test_the_value_of_a_bet(row: dict[str, str]) -> None:
    legs = [leg_of(cell) for cell in row["legs"].split("; ")]
    slip = Slip(
        tuple(Leg(place, place, price) for place, (price, _) in enumerate(legs, 1)),
        SYSTEMS[row["bet"]].folds,
        number(row["stake"]),
    )
    factors = [factor for _, factor in legs]
    assert Fraction(*tickets.expected(slip, factors)) == Fraction(row["fair"])
    margin_bps = number(row["margin"].removesuffix(" %")) * 100
    amount = cashout.amount_minor(slip, factors, part_minor=slip.stake_minor, margin_bps=margin_bps)
    assert amount == number(row["pays"])


@pytest.mark.parametrize("row", table(PAGE, "A part of it"), ids=lambda row: f"{row['portion']} of {row['runs']}")
def test_a_part_carries_a_minor_unit_a_line(row: dict[str, str]) -> None:
    portion_bps = int(Fraction(row["portion"].removesuffix(" %")) * 100)
    lines, runs = number(row["lines"]), number(row["runs"])
    sold = cashout.part_minor(running_minor=runs, portion_bps=portion_bps, lines=lines)
    assert sold == (None if row["sold"] == "–" else number(row["sold"]))
    assert sold == cash_twin.part_of(runs, portion_bps, lines)


@pytest.mark.parametrize("row", table(PAGE, "The money"), ids=lambda row: str(row["price"]))
def test_the_money(row: dict[str, str]) -> None:
    house = House()
    wallet = house.wallet(house.customer())
    accounts = house.machine.state.ledger.house["EUR"]
    moved = dict.fromkeys((accounts.open_stakes.id, wallet.cash.id, accounts.trading.id), 0)
    for transfer in ledger.cash_out(
        wallet, accounts, stake_minor=number(row["sold"]), amount_minor=number(row["price"]), owed_minor=0, ref=1
    ):
        moved[transfer.debit] -= transfer.amount_minor
        moved[transfer.credit] += transfer.amount_minor
    assert list(moved.values()) == [number(row[name]) for name in ("open stakes", "cash", "trading")]


def test_the_page_has_every_code_in_order() -> None:
    assert [row["code"] for row in table(PAGE, "Quote, take, wait")] == [code.value for code in Refusal]
    assert [row["why"] for row in table(PAGE, "Quote, take, wait", nth=2)] == [why.value for why in Why]


# ---------------------------------------------------------------- against fractions

milli_prices = st.integers(1_001, 30_000)
markets_of_prices = st.lists(milli_prices, min_size=2, max_size=6)


@given(
    st.lists(st.tuples(milli_prices, markets_of_prices, st.integers(0, 2)), min_size=1, max_size=7),
    st.randoms(use_true_random=False),
    st.integers(10_000, 10**9),
    st.integers(0, 10_000),
)
def test_it_is_what_fractions_say_line_by_line(
    legs: list[tuple[int, list[int], int]], rng: random.Random, stake: int, margin_bps: int
) -> None:
    folds = tuple(sorted(rng.sample(range(1, len(legs) + 1), rng.randint(1, len(legs)))))
    slip = Slip(tuple(Leg(place, place, price) for place, (price, _, _) in enumerate(legs)), folds, stake)
    factors, plain = [], []
    for price, offered, winners in legs:
        factors.append(
            cashout.expected_factor((price, 1_000), price_milli=offered[0], book=cashout.book(offered), winners=winners)
        )
        each = [Fraction(every, 1_000) for every in offered]
        plain.append(Fraction(price, 1_000) * cash_twin.fair(each, each[0], winners))
    fair = cash_twin.fair_returns(stake, folds, plain)
    assert Fraction(*tickets.expected(slip, factors)) == fair
    paid = cashout.amount_minor(slip, factors, part_minor=stake, margin_bps=margin_bps)
    assert paid == int(fair * (10_000 - margin_bps) / 10_000)


@given(st.lists(st.integers(1_001, 10_000_000), min_size=101, max_size=300))
def test_of_many_prices_the_sum_is_cut_in_the_customers_favour_by_next_to_nothing(offered: list[int]) -> None:
    exact = sum(Fraction(1_000, price) for price in offered)
    assert 0 <= exact - Fraction(*cashout.book(offered)) < Fraction(len(offered), 10**18)


# ---------------------------------------------------------------- quotes and their taking


def one(house: House, stake_minor: int = 1_000, markets: int = 1) -> tuple[int, Bet, list[int]]:
    """A customer with 10,000 and a bet on home at 2.000, with draw at 3.000 and away at 6.000, of as many legs."""
    customer = house.customer(cash_minor=10_000)
    chosen = [house.market(prices_milli=(2_000, 3_000, 6_000)) for _ in range(markets)]
    (bet,) = taken(house, customer, multiple(house, chosen, stake_minor))
    return customer, bet, chosen


def quoted(house: House, bet: Bet, portion_bps: int = 10_000) -> QuoteAnswer:
    answer = house.ask(cash.QuoteCashOut(bet.customer_id, bet.id, portion_bps), actor=bet.customer_id)
    assert isinstance(answer, QuoteAnswer), answer
    return answer


def take(house: House, customer: int, quote: QuoteAnswer) -> Answer:
    return house.ask(cash.TakeCashOut(customer, quote.quote_id), actor=customer)


def sold(house: House, bet: Bet, portion_bps: int = 10_000) -> CashOutAnswer:
    answer = take(house, bet.customer_id, quoted(house, bet, portion_bps))
    assert isinstance(answer, CashOutAnswer), answer
    return answer


def why_not(answer: Answer) -> str:
    """The code of a refusal, with its reason."""
    assert isinstance(answer, Refused), answer
    return " ".join(str(word) for word in (answer.code, answer.detail.get("why", "")) if word)


def no_quote(house: House, bet: Bet, portion_bps: int = 10_000) -> str:
    return why_not(house.ask(cash.QuoteCashOut(bet.customer_id, bet.id, portion_bps), actor=bet.customer_id))


def test_a_bet_is_sold_whole() -> None:
    house = House()
    customer, bet, (market,) = one(house)
    house.do(c.SetPrices(market, ((1, 1_500), (2, 6_000), (3, 6_000))))  # a fair price: 2/3
    quote = quoted(house, bet)
    assert (quote.stake_minor, quote.amount_minor) == (1_000, 1_266)  # 2.000 × 2/3 × 0.95
    assert (house.cash(customer), house.trading()) == (9_000, 0)
    assert take(house, customer, quote) == CashOutAnswer(
        quote.quote_id, bet.id, 1_000, 1_266, 0, 0, house.machine.state.seq
    )
    assert (bet.status, house.cash(customer), house.trading()) == (BetStatus.CASHED_OUT, 10_266, -266)
    result(house, market, HOME_WINS)
    result(house, market, Void("abandoned"))
    assert (bet.status, bet.payout_minor, house.cash(customer)) == (BetStatus.CASHED_OUT, 0, 10_266)


def test_what_is_not_sold_runs_on() -> None:
    house = House()
    customer, bet, (market,) = one(house)
    assert sold(house, bet, 2_500).amount_minor == 237
    assert (bet.status, bet.running_minor, house.cash(customer)) == (BetStatus.OPEN, 750, 9_237)
    assert sold(house, bet, 2_000).amount_minor == 142
    result(house, market, HOME_WINS)
    assert (bet.status, bet.payout_minor, house.cash(customer)) == (BetStatus.SETTLED, 1_200, 9_237 + 142 + 1_200)
    house.do(c.RollbackResult(market))
    house.wait()
    assert (bet.status, bet.running_minor, house.cash(customer)) == (BetStatus.OPEN, 600, 9_379)
    result(house, market, Void("abandoned"))
    assert (bet.payout_minor, house.cash(customer)) == (600, 9_979)


def test_a_plain_single_is_sold_too() -> None:
    house = House()
    customer, market = house.customer(cash_minor=1_000), house.market(prices_milli=(2_000, 3_000, 6_000))
    bet = house.machine.state.bets.bets[house.taken(customer, market)]
    assert sold(house, bet, 5_000).amount_minor == 475
    assert sold(house, bet).amount_minor == 475
    assert (bet.status, house.cash(customer), house.trading()) == (BetStatus.CASHED_OUT, 950, 50)


def test_a_double_is_worth_more_once_its_first_leg_has_won() -> None:
    house = House()
    _, bet, markets = one(house, markets=2)
    assert quoted(house, bet).amount_minor == 950
    result(house, markets[0], HOME_WINS)
    assert quoted(house, bet).amount_minor == 1_900


def test_the_house_has_its_margin() -> None:
    house = House()
    _, bet, _ = one(house)
    house.terms(cash_out_margin_bps=0)
    assert quoted(house, bet).amount_minor == 1_000
    house.terms(cash_out_margin_bps=10_000)
    assert no_quote(house, bet) == "cash_out_unavailable worthless"
    too_much = c.SetHouseTerms("EUR", HouseTerms(cash_out_margin_bps=10_001))
    assert house.refusal(too_much) == "terms_invalid"


@pytest.mark.parametrize(("limit", "part", "pays"), [(1_800, 1_000, 1_800), (1_800, 500, 900), (10, 1_000, 1_000)])
def test_it_pays_no_more_than_the_payout_limit(limit: int, part: int, pays: int) -> None:
    slip = Slip((Leg(1, 1, 3_000),), (1,), 1_000, limit)
    assert cashout.amount_minor(slip, [(19, 10)], part_minor=part, margin_bps=0) == pays


@pytest.mark.parametrize(
    ("prices_milli", "told"),
    [((1_900, 3_200, 6_400), 950), ((2_100, 2_900, 5_800), "cash_out_changed"), ((2_000, 3_000, 6_000), 950)],
)
def test_the_quote_is_paid_unless_the_bet_fell(prices_milli: tuple[int, ...], told: int | str) -> None:
    house = House()
    customer, bet, (market,) = one(house)
    quote = quoted(house, bet)
    house.do(c.SetPrices(market, tuple(enumerate(prices_milli, 1))))
    answer = take(house, customer, quote)
    if isinstance(answer, CashOutAnswer):
        assert answer.amount_minor == told
    else:
        worth = cash_twin.worth(house.machine.state, bet, 10_000)
        assert worth is not None
        assert answer == Refused(str(told), {"amount_minor": worth[1]})
        assert (bet.status, house.cash(customer)) == (BetStatus.OPEN, 9_000)


def test_a_quote_is_taken_once_by_its_customer_in_time() -> None:
    house = House()
    customer, bet, _ = one(house)
    first = quoted(house, bet)
    second = quoted(house, bet, 5_000)
    assert why_not(take(house, customer, first)) == "quote_not_found"
    assert why_not(take(house, house.customer(), second)) == "quote_not_found"
    house.wait(10 * SECOND_US)
    assert why_not(take(house, customer, second)) == "quote_expired"
    third = quoted(house, bet, 5_000)
    assert isinstance(take(house, customer, third), CashOutAnswer)
    assert why_not(take(house, customer, third)) == "quote_not_found"
    fourth = quoted(house, bet)
    assert isinstance(take(house, customer, fourth), CashOutAnswer)
    assert why_not(take(house, customer, fourth)) == "quote_not_found"
    assert no_quote(house, bet) == "bet_not_open"


def test_quotes_are_bounded_and_expired_ones_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("overround.book.cashout.state.MAX_QUOTES", 2)
    house = House()
    customer = house.customer(cash_minor=10_000)
    bets = [taken(house, customer, multiple(house, [house.market()]))[0] for _ in range(3)]
    for bet in bets[:2]:
        quoted(house, bet)
    assert no_quote(house, bets[2]) == "too_many_quotes"
    quoted(house, bets[1], 5_000)
    house.wait(10 * SECOND_US)
    quoted(house, bets[2])
    assert len(house.machine.state.cashout.quotes) == 1


def test_standing_rules_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("overround.book.cashout.MAX_RULES", 1)
    house = House()
    customer = house.customer(cash_minor=10_000)
    first, second = (taken(house, customer, multiple(house, [house.market()]))[0] for _ in range(2))
    set_rule(house, first, 1_900)
    set_rule(house, first, 1_800)
    assert why_not(house.ask(cash.SetCashOutRule(customer, second.id, 1))) == "too_many_cash_out_rules"


def test_a_debt_is_repaid_first() -> None:
    house = House()
    customer, bet, _ = one(house)
    other = house.market()
    house.taken(customer, other, stake_minor=9_000)
    result(house, other, HOME_WINS)
    house.do(c.MoveFunds(customer, "EUR", -18_000, "withdrawal"))
    result(house, other, AWAY_WINS)
    assert (house.cash(customer), house.owed(customer)) == (0, 18_000)
    sold(house, bet)
    assert (house.cash(customer), house.owed(customer)) == (0, 17_050)


def test_a_sale_counts_as_returned() -> None:
    house = House()
    customer, bet, _ = one(house)
    sold(house, bet)
    day = house.machine.state.limits.players[customer].purses["EUR"].day
    assert (day.staked_minor, day.returned_minor) == (1_000, 950)


# ---------------------------------------------------------------- what has no price


def test_others_bets_are_not_found_and_portions_are_bounded() -> None:
    house = House()
    _, bet, _ = one(house)
    assert why_not(house.ask(cash.QuoteCashOut(house.customer(), bet.id))) == "bet_not_found"
    for portion_bps in (-1, 0, 10_001):
        assert no_quote(house, bet, portion_bps) == "portion_invalid"
    assert no_quote(house, bet, 1) == "portion_invalid"


def test_no_price_without_a_market_that_takes_bets() -> None:
    house = House()
    _, bet, (market, other) = one(house, markets=2)
    house.do(c.SuspendMarket(market, "goal"))
    assert no_quote(house, bet) == "cash_out_unavailable suspended"
    house.do(c.ResumeMarket(market))
    house.do(c.SetPrices(market, ((1, 0),)))
    assert no_quote(house, bet) == "cash_out_unavailable no_price"
    house.do(c.SetPrices(market, ((1, 2_000),)))
    house.do(c.CloseMarket(other))
    assert no_quote(house, bet) == "cash_out_unavailable closed"
    result(house, other, AWAY_WINS)
    assert no_quote(house, bet) == "bet_not_open"


def test_no_price_after_the_result_though_nothing_is_settled_yet() -> None:
    house = House()
    _, bet, (market,) = one(house)
    quote = quoted(house, bet)
    house.do(c.RecordResult(market, HOME_WINS))
    assert no_quote(house, bet) == "cash_out_unavailable decided"
    assert why_not(take(house, bet.customer_id, quote)) == "cash_out_unavailable decided"
    house.wait()
    assert why_not(take(house, bet.customer_id, quote)) == "bet_not_open"


def test_a_heard_result_closes_it() -> None:
    house = House()
    _, bet, (market,) = one(house)
    quote = quoted(house, bet)
    house.do(c.RecordResult(market, HOME_WINS, certainty=1))
    assert why_not(take(house, bet.customer_id, quote)) == "cash_out_unavailable closed"


def test_each_way_starting_prices_and_builders_are_not_cashed_out() -> None:
    house = House()
    customer = house.customer(cash_minor=10_000)
    market = race(house, each_way=EachWay(1, 5, 3), starting_prices=True)
    (bet,) = taken(house, customer, BetAsked((leg(house, market, 1),), (1,), 2_000, each_way=True))
    assert no_quote(house, bet) == "cash_out_unavailable each_way"
    (bet,) = taken(house, customer, BetAsked((leg(house, market, 1, price=0),), (1,), 1_000))
    assert no_quote(house, bet) == "cash_out_unavailable starting_price"
    customer, _, builder = built(house)
    (bet,) = taken(house, customer, BetAsked((LegAsked(0, 0, 4_500, builder_id=builder),), (1,), 1_000))
    assert no_quote(house, bet) == "cash_out_unavailable builder"


def test_rule_4_comes_off_the_value() -> None:
    house = House()
    customer, market = house.customer(cash_minor=10_000), race(house)
    (bet,) = taken(house, customer, BetAsked((leg(house, market, 1),), (1,), 1_000))
    house.wait(SECOND_US)
    house.do(c.WithdrawSelection(market, 8, 4_000))
    house.do(c.ResumeMarket(market))
    # 9.000 less 25 pence in the pound of winnings is 7.000; seven runners at 9.000 are no full book, so 1/9.
    assert quoted(house, bet).amount_minor == int(Fraction(7_000, 9) * Fraction(95, 100))


def test_the_indicative_value_promises_nothing_and_says_why_not() -> None:
    house = House()
    customer, bet, (market,) = one(house)
    seq = house.machine.state.seq
    found = house.ask(cash.ValueCashOut(customer, bet.id, 5_000), actor=customer)
    assert found == CashOutValue(bet.id, 1_000, 500, 475, "", {}, 0, 0, 0, seq)
    house.do(c.SuspendMarket(market, "goal"))
    found = house.ask(cash.ValueCashOut(customer, bet.id), actor=customer)
    assert isinstance(found, CashOutValue)
    assert (found.amount_minor, found.code, found.detail) == (0, "cash_out_unavailable", {"why": "suspended", "leg": 1})


# ---------------------------------------------------------------- in play


def in_play(house: House, delay_us: int = 5 * SECOND_US) -> tuple[int, Bet, list[int]]:
    """A double that stands, of one leg in play with a delay and one not."""
    customer = house.customer(cash_minor=10_000)
    markets = [
        house.in_play_market(delay_us=delay_us, prices_milli=(2_000, 3_000, 6_000)),
        house.market(prices_milli=(2_000, 3_000, 6_000)),
    ]
    (bet,) = taken(house, customer, multiple(house, markets))
    house.wait(delay_us)
    assert bet.status is BetStatus.OPEN
    return customer, bet, markets


def test_in_play_it_waits_and_nothing_has_moved() -> None:
    house = House()
    customer, bet, _ = in_play(house)
    told = sold(house, bet)
    assert (told.decide_at_us, house.cash(customer)) == (house.at_us + 5 * SECOND_US, 9_000)
    assert no_quote(house, bet) == "cash_out_under_way"
    house.wait(5 * SECOND_US)
    assert (bet.status, house.cash(customer)) == (BetStatus.CASHED_OUT, 9_950)


DURING: dict[str, tuple[list[Callable[[int], AnyCommand]], str]] = {
    "suspended": ([lambda m: c.SuspendMarket(m, "goal")], "cash_out_unavailable suspended"),
    "a moment": ([lambda m: c.SuspendMarket(m, "goal"), c.ResumeMarket], "cash_out_unavailable changed"),
    "result": ([lambda m: c.RecordResult(m, HOME_WINS)], "cash_out_unavailable changed"),
    "lost": ([lambda m: c.RecordResult(m, DRAW)], "cash_out_unavailable decided"),
    "fell": ([lambda m: c.SetPrices(m, ((1, 2_500),))], "cash_out_changed"),
    "rose": ([lambda m: c.SetPrices(m, ((1, 1_500),))], ""),
}


@pytest.mark.parametrize("name", DURING)
def test_it_is_asked_again_when_the_delay_is_over(name: str) -> None:
    house = House()
    customer, bet, markets = in_play(house)
    sold(house, bet)
    commands, code = DURING[name]
    for command in commands:
        house.do(command(markets[0]))
    house.wait(5 * SECOND_US)
    facts = [decode_fact(pending.body) for pending in house.journal]
    refused = [fact for fact in facts if isinstance(fact, CashOutRefused)]
    assert [why_not(Refused(fact.code, fact.detail)) for fact in refused] == ([code] if code else [])
    assert house.cash(customer) == (9_000 if code else 9_950)
    assert not house.machine.state.cashout.waiting


# ---------------------------------------------------------------- standing rules


def set_rule(house: House, bet: Bet, at_least_minor: int, portion_bps: int = 10_000) -> None:
    answer = house.ask(cash.SetCashOutRule(bet.customer_id, bet.id, at_least_minor, portion_bps), actor=bet.customer_id)
    assert not isinstance(answer, Refused), answer
    house.wait()


def test_a_rule_sells_when_the_price_is_there() -> None:
    house = House()
    customer, bet, (market,) = one(house)
    set_rule(house, bet, 1_200)
    assert bet.status is BetStatus.OPEN
    house.do(c.SetPrices(market, ((1, 1_700),)))
    house.wait()
    assert bet.status is BetStatus.OPEN
    house.do(c.SetPrices(market, ((1, 1_400), (2, 7_000), (3, 7_000))))
    house.wait()
    assert (bet.status, house.cash(customer)) == (BetStatus.CASHED_OUT, 10_357)
    assert not house.machine.state.cashout.rules


def test_a_rule_that_is_fulfilled_already_sells_at_once() -> None:
    house = House()
    _, bet, _ = one(house)
    set_rule(house, bet, 475, 5_000)
    assert (bet.running_minor, bet.status) == (500, BetStatus.OPEN)
    assert not house.machine.state.cashout.rules


def test_a_rule_sells_when_a_leg_has_won() -> None:
    house = House()
    _, bet, markets = one(house, markets=2)
    set_rule(house, bet, 1_900)
    result(house, markets[1], HOME_WINS)
    assert bet.status is BetStatus.CASHED_OUT


def test_a_rule_waits_like_everybody_and_tries_again() -> None:
    house = House()
    customer, bet, (market, _) = in_play(house)
    set_rule(house, bet, 1_300)
    house.do(c.SetPrices(market, ((1, 1_400), (2, 7_000), (3, 7_000))))
    house.wait()
    assert house.cash(customer) == 9_000
    house.do(c.SuspendMarket(market, "goal"))
    house.wait(5 * SECOND_US)
    assert (bet.status, len(house.machine.state.cashout.rules)) == (BetStatus.OPEN, 1)
    house.do(c.ResumeMarket(market))
    house.wait()
    house.wait(5 * SECOND_US)
    assert (bet.status, house.cash(customer)) == (BetStatus.CASHED_OUT, 10_357)


LEVELS = (Level.PLATFORM, Level.SPORT, Level.COMPETITION, Level.EVENT, Level.MARKET, Level.SELECTION)


@pytest.mark.parametrize("level", LEVELS)
def test_a_rule_sells_when_the_level_that_was_suspended_resumes(level: Level) -> None:
    """Whatever its prices do. Found by the simulation."""
    house = House()
    _, bet, (market,) = one(house)
    event = house.machine.state.catalogue.markets[market].event_id
    place = {Level.PLATFORM: 0, Level.EVENT: event, Level.MARKET: market, Level.SELECTION: market}.get(level, 1)
    selection = int(level is Level.SELECTION)
    house.do(SuspendLevel(level, place, "goal", selection))
    house.ask(cash.SetCashOutRule(bet.customer_id, bet.id, 475, 5_000), actor=bet.customer_id)
    house.wait()
    assert bet.running_minor == 1_000
    house.do(ResumeLevel(level, place, selection))
    house.wait()
    assert bet.running_minor == 500


def test_a_rule_sells_when_another_selection_is_suspended() -> None:
    """Its price leaves the book, so that the others have less of the overround. Found by the simulation."""
    house = House()
    customer = house.customer(cash_minor=10_000)
    market = house.market(prices_milli=(2_000, 2_000, 2_000))
    (bet,) = taken(house, customer, multiple(house, [market], 1_000))
    set_rule(house, bet, 900)
    assert bet.running_minor == 1_000
    house.do(SuspendLevel(Level.SELECTION, market, "floodlights", 2))
    house.wait()
    assert bet.running_minor == 0


def test_a_rule_sells_when_what_it_is_in_is_approved() -> None:
    house = House()
    _, bet, _ = one(house)
    house.do(RequireApproval(True))
    set_rule(house, bet, 475, 5_000)
    assert bet.running_minor == 1_000
    house.do(ApproveCompetition(1, True))
    house.wait()
    assert bet.running_minor == 500


def test_a_rule_sells_when_the_house_takes_less() -> None:
    house = House()
    _, bet, _ = one(house)
    set_rule(house, bet, 1_000)
    assert bet.running_minor == 1_000
    house.do(c.SetHouseTerms("EUR", HouseTerms(cash_out_margin_bps=0)))
    house.wait()
    assert bet.status is BetStatus.CASHED_OUT


def test_a_rule_sells_the_rest_of_a_bet_when_a_part_of_it_was_sold() -> None:
    """The price came while the part waited for its delay."""
    house = House()
    customer, bet, (market, _) = in_play(house)
    set_rule(house, bet, 1_000)
    take(house, customer, quoted(house, bet, 1_000))
    house.do(c.SetPrices(market, ((1, 1_400), (2, 7_000), (3, 7_000))))
    house.wait()
    house.wait(5 * SECOND_US)
    assert bet.running_minor == 900
    house.wait(5 * SECOND_US)
    assert bet.status is BetStatus.CASHED_OUT


def test_rules_end_with_their_bet_or_when_taken_back() -> None:
    house = House()
    customer, bet, (market,) = one(house)
    set_rule(house, bet, 1_999)
    assert why_not(house.ask(cash.RemoveCashOutRule(house.customer(), bet.id))) == "bet_not_found"
    house.do(cash.RemoveCashOutRule(customer, bet.id))
    assert why_not(house.ask(cash.RemoveCashOutRule(customer, bet.id))) == "cash_out_rule_not_found"
    set_rule(house, bet, 1_999)
    result(house, market, DRAW)
    assert not house.machine.state.cashout.rules
    assert why_not(house.ask(cash.SetCashOutRule(customer, bet.id, 1))) == "bet_not_open"


def test_a_rule_is_for_something() -> None:
    house = House()
    customer, bet, _ = one(house)
    assert why_not(house.ask(cash.SetCashOutRule(customer, bet.id, 0))) == "amount_invalid"
    assert why_not(house.ask(cash.SetCashOutRule(customer, bet.id, 1, 0))) == "portion_invalid"


def test_many_rules_are_seen_in_steps_however_the_prices_move() -> None:
    """Prices that move before a round is over begin it again where it stands: everybody's turn comes."""
    house = House()
    market = house.market(prices_milli=(2_000, 3_000, 6_000))
    customer = house.customer(cash_minor=1_000_000)
    bets = [taken(house, customer, multiple(house, [market], 10))[0] for _ in range(250)]
    for bet in bets:
        house.ask(cash.SetCashOutRule(customer, bet.id, 18), actor=customer)
    house.wait()
    seen = set()
    for price in range(1_990, 1_980, -1):
        house.do(c.SetPrices(market, ((1, price),)))
        house.step()
        seen.add(house.machine.state.cashout.scans[market].after)
    assert len(seen) > 1
    house.do(c.SetPrices(market, ((1, 1_010), (2, 900_000), (3, 900_000))))
    house.wait()
    assert {bet.status for bet in bets} == {BetStatus.CASHED_OUT}


# ---------------------------------------------------------------- any life


class Night(Evening):
    """An evening on which bets are cashed out, too: quotes, parts, rules, prices that move, markets that stop."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.quotes: list[QuoteAnswer] = []

    def act(self) -> None:
        if self.rng.random() < 0.5:
            super().act()
            return
        rng, house = self.rng, self.house
        roll = rng.random()
        if roll < 0.25:
            prices = tuple((each, rng.choice((1_300, 1_900, 2_000, 3_500, 7_000))) for each in (1, 2, 3))
            house.ask(c.SetPrices(rng.choice(self.markets), prices))
        elif roll < 0.3:
            house.ask(c.SuspendMarket(rng.choice(self.markets), "goal"))
        elif roll < 0.38:
            house.ask(c.ResumeMarket(rng.choice(self.markets)))
        else:
            self.cash_out()
        house.at_us += rng.randint(0, 2) * SECOND_US
        if rng.random() < 0.5:
            house.step()

    def cash_out(self) -> None:
        rng, house = self.rng, self.house
        running = [bet for bet in house.machine.state.bets.bets.values() if bet.status is BetStatus.OPEN]
        if not running:
            return
        bet, portion_bps = rng.choice(running), rng.choice((10_000, 5_000, 3_333, 1))
        actor = bet.customer_id
        if rng.random() < 0.4:
            command = cash.SetCashOutRule(
                actor, bet.id, max(1, bet.running_minor * rng.randint(1, 20) // 10), portion_bps
            )
            house.ask(command, actor=actor)
            return
        self.check(bet, portion_bps)
        quote = house.ask(cash.QuoteCashOut(actor, bet.id, portion_bps), actor=actor)
        if isinstance(quote, QuoteAnswer):
            self.quotes.append(quote)
        if self.quotes and rng.random() < 0.8:
            chosen = rng.choice(self.quotes[-3:])
            owner = house.machine.state.bets.bets[chosen.bet_id].customer_id
            house.ask(cash.TakeCashOut(owner, chosen.quote_id), actor=owner)

    def check(self, bet: Bet, portion_bps: int) -> None:
        """The value is what the plain twin says."""
        house = self.house
        if bet.id in house.machine.state.cashout.waiting:
            return
        told = house.ask(cash.ValueCashOut(bet.customer_id, bet.id, portion_bps))
        assert isinstance(told, CashOutValue)
        expected = cash_twin.worth(house.machine.state, bet, portion_bps)
        assert (told.stake_minor, told.amount_minor) == (expected or (0, 0)), told


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_the_books_are_right(seed: int) -> None:
    night = Night(seed)
    for _ in range(200):
        night.act()
    house = night.house
    house.wait(20 * SECOND_US)
    state = house.machine.state
    facts = [decode_fact(pending.body) for pending in house.journal]
    paid: dict[int, list[tuple[int, int]]] = {}
    for fact in facts:
        if isinstance(fact, CashedOut):
            paid.setdefault(fact.bet_id, []).append((fact.stake_minor, fact.amount_minor))
    assert len(paid) > 3
    for bet in state.bets.bets.values():
        rows = paid.get(bet.id, [])
        summed = (sum(stake for stake, _ in rows), sum(amount for _, amount in rows))
        assert (bet.cashed is not None) == bool(rows)
        assert bet.cashed is None or (bet.cashed.stake_minor, bet.cashed.paid_minor) == summed
        assert (bet.status is BetStatus.CASHED_OUT) == (summed[0] == bet.stake_minor)
    assert all(state.bets.bets[bet_id].status is BetStatus.OPEN for bet_id in state.cashout.rules)
    assert not state.cashout.scans


@pytest.mark.parametrize("seed", range(20, 24))
def test_the_journal_and_a_snapshot_make_the_same_night(seed: int) -> None:
    night = Night(seed)
    for _ in range(150):
        night.act()
    machine = night.house.machine
    folded = empty()
    for pending in night.house.journal:
        fold(folded, decode_fact(pending.body), pending.at_us)
    assert state_hash(folded) == state_hash(machine.state)
    again = Machine(decode_snapshot(encode_snapshot(machine.state)))
    assert state_hash(again.state) == state_hash(machine.state)
    assert again.state.cashout.ruled == machine.state.cashout.ruled
    night.house.machine = again
    for _ in range(60):
        night.act()


def test_free_bets_and_bonus_bets_are_not_offered() -> None:
    house = House()
    customer, market = house.customer(), house.market()
    until_us = house.at_us + DAY_US
    free = house.do(GrantFreeBet(customer, "EUR", 1_000, until_us))
    bonus = house.do(GrantBonus(customer, "EUR", 1_000, 5, until_us))
    for kind, grant in ((StakeKind.FREE_BET, free), (StakeKind.BONUS, bonus)):
        (bet,) = taken(house, customer, multiple(house, [market]), stake_kind=kind, grant_id=grant)
        assert no_quote(house, bet) == "cash_out_unavailable stake_kind"
