"""What a result pays: the tables of docs/rules/settlement.md, every row worked out again with fractions."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.book import plain, verdicts
from tests.book.house import House
from tests.book.tables import milli, number, quarters, table

from overround.book.bets import Outcome
from overround.book.catalogue import Market
from overround.book.machine import commands as c
from overround.book.settlement import SETTLE_STEP, Result, Score, Void, Winners, outcome, payout
from overround.book.settlement.types import MAX_NOTE_LENGTH, MAX_WINNERS
from overround.kernel.price import MAX_PRICE_MILLI, MIN_PRICE_MILLI


def named(outcome: str) -> Outcome:
    return Outcome(outcome.replace(" ", "_"))


def score(cell: str) -> Score:
    home, away = cell.split("–")
    return Score(int(home), int(away))


def result(cell: str) -> Result:
    return Void("abandoned") if cell == "void" else score(cell)


def exact(outcome: Outcome, stake: Fraction, price: Fraction) -> Fraction:
    return {
        Outcome.WON: stake * price,
        Outcome.LOST: Fraction(0),
        Outcome.VOID: stake,
        Outcome.HALF_WON: stake / 2 * price + stake / 2,
        Outcome.HALF_LOST: stake / 2,
    }[outcome]


@pytest.mark.parametrize("row", table("settlement.md", "Outcomes and payouts"), ids=lambda row: " ".join(row.values()))
def test_payouts(row: dict[str, str]) -> None:
    stake, price = number(row["stake"]), milli(row["price"].replace(",", ""))
    assert exact(named(row["outcome"]), Fraction(stake), Fraction(price, 1_000)) == Fraction(row["exact"])
    assert payout(named(row["outcome"]), stake_minor=stake, price_milli=price) == number(row["payout"])


@given(
    st.sampled_from(Outcome),
    st.integers(1, 10**15) | st.integers(1, 2_000),
    st.integers(MIN_PRICE_MILLI, MAX_PRICE_MILLI) | st.integers(MIN_PRICE_MILLI, 3_000),
)
def test_payouts_are_the_exact_return_rounded_half_to_even(outcome: Outcome, stake: int, price: int) -> None:
    returned = exact(outcome, Fraction(stake), Fraction(price, 1_000))
    assert payout(outcome, stake_minor=stake, price_milli=price) == round(returned)


def market_of(type: str, **specifiers: int) -> Market:
    house = House()
    count = 3 if type == "1x2" else 2
    market = house.market(type, prices_milli=(2_000,) * count, specifiers=specifiers)
    return house.machine.state.catalogue.markets[market]


@pytest.mark.parametrize("row", table("settlement.md", "Match result"), ids=lambda row: row["score"])
def test_match_results(row: dict[str, str]) -> None:
    market = market_of("1x2")
    for selection, name in enumerate(("home", "draw", "away"), 1):
        assert outcome(market, selection, score(row["score"])) == named(row[name])


@pytest.mark.parametrize("row", table("settlement.md", "Totals"), ids=lambda row: row["line"] + " " + row["score"])
def test_totals(row: dict[str, str]) -> None:
    market = market_of("total", line_quarters=quarters(row["line"]))
    for selection, name in enumerate(("over", "under"), 1):
        assert outcome(market, selection, score(row["score"])) == named(row[name])


@pytest.mark.parametrize(
    "row", table("settlement.md", "Asian handicaps"), ids=lambda row: row["line"] + " " + row["score"]
)
def test_asian_handicaps(row: dict[str, str]) -> None:
    market = market_of("asian_handicap", line_quarters=quarters(row["line"]))
    for selection, name in enumerate(("home", "away"), 1):
        assert outcome(market, selection, score(row["score"])) == named(row[name])


@given(
    st.sampled_from(("total", "asian_handicap")),
    st.integers(-40, 40),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(1, 10**6),
    st.integers(MIN_PRICE_MILLI, 50_000),
    st.integers(1, 2),
)
def test_a_line_is_two_halves_of_the_stake(
    type: str, line: int, home: int, away: int, stake: int, price: int, selection: int
) -> None:
    """The twin bets each half of the stake on its own line, and knows nothing of margins."""
    made = c.CreateMarket(1, type, {"line_quarters": line})
    book = plain.Market(1, made, ("a", "b"), {}, 0, 0, 0)
    bet = plain.Bet(1, c.PlaceBet(1, 1, selection, "EUR", stake, price), 0, 1, price, "open")
    verdict, returned = verdicts.verdict(book, bet, Score(home, away))
    found = outcome(market_of(type, line_quarters=line), selection, Score(home, away))
    assert found == verdict
    assert payout(found, stake_minor=stake, price_milli=price) == round(returned)


@pytest.mark.parametrize(
    "given_result",
    [
        Winners(()),
        Winners((3, 1)),
        Winners((2, 2)),
        Winners((0,)),
        Winners((5,)),
        Winners(tuple(range(1, MAX_WINNERS + 2))),
        Score(1, 0),
        Void("x" * (MAX_NOTE_LENGTH + 1)),
        Void("two\nlines"),
    ],
    ids=str,
)
def test_results_that_a_winner_market_cannot_read(given_result: Result) -> None:
    house = House()
    market = house.market("winner", selections=("A", "B", "C", "D"), prices_milli=(2_000,) * 4)
    assert house.refusal(c.RecordResult(market, given_result)) == "result_invalid"


@pytest.mark.parametrize("given_result", [Score(-1, 0), Score(0, 1_000), Winners((1,))], ids=str)
def test_results_that_a_match_cannot_read(given_result: Result) -> None:
    house = House()
    assert house.refusal(c.RecordResult(house.market(), given_result)) == "result_invalid"


def test_winners_are_paid_in_full_each() -> None:
    house = House()
    customer = house.customer(cash_minor=3_000)
    market = house.market("winner", selections=("A", "B", "C"), prices_milli=(2_000, 3_000, 4_000))
    for selection in (1, 2, 3):
        house.taken(customer, market, selection)
    house.do(c.RecordResult(market, Winners((1, 3))))
    house.wait()
    assert house.cash(customer) == 6_000


def test_corrections_of_one_bet() -> None:
    house = House()
    customer = house.customer(cash_minor=1_000)
    market = house.market(prices_milli=(3_000, 3_000, 3_000))
    house.taken(customer, market)
    for revision, row in enumerate(table("settlement.md", "Corrections"), 1):
        before = house.cash(customer)
        house.do(c.RecordResult(market, result(row["result"])))
        house.wait()
        bet = house.machine.state.bets.bets[1]
        assert bet.payout_minor == number(row["payout"])
        assert house.cash(customer) - before == number(row["cash moves by"])
        assert house.machine.state.catalogue.markets[market].revision == revision
    assert house.refusal(c.RecordResult(market, Score(2, 1))) == "result_unchanged"


def crowd(house: House, market: int, *, bets: int) -> list[int]:
    """Ten customers who bet in turn on home and away."""
    customers = [house.customer(cash_minor=100 * bets) for _ in range(10)]
    for turn in range(bets):
        house.taken(customers[turn % 10], market, 1 + 2 * (turn % 2), stake_minor=100)
    return customers


def test_a_large_market_is_settled_in_steps() -> None:
    house = House()
    market = house.market()
    crowd(house, market, bets=2 * SETTLE_STEP + 1)
    house.do(c.RecordResult(market, Score(1, 0)))
    steps = 0
    while house.step():
        steps += 1
    assert steps == 3
    assert house.step() == 0


@pytest.mark.parametrize("done", [0, 1, 2, 3])
def test_a_correction_in_the_middle_of_a_settlement(done: int) -> None:
    """However far the settlement had come, the end is the one of the last result alone."""
    corrected, plain = House(), House()
    for house in (corrected, plain):
        crowd(house, house.market(), bets=2 * SETTLE_STEP + 1)
    corrected.do(c.RecordResult(1, Score(1, 0)))
    for _ in range(done):
        corrected.step()
    corrected.do(c.RecordResult(1, Void("abandoned")))
    corrected.step()
    corrected.do(c.RecordResult(1, Score(0, 1)))
    corrected.wait()
    plain.do(c.RecordResult(1, Score(0, 1)))
    plain.wait()
    for customer in range(1, 11):
        assert corrected.cash(customer) == plain.cash(customer)
    assert corrected.trading() == plain.trading()
    assert corrected.owed(1) == 0


def test_customers_may_spend_in_the_middle_of_a_settlement() -> None:
    house = House()
    market, other = house.market(), house.market()
    customers = crowd(house, market, bets=SETTLE_STEP + 10)
    house.do(c.RecordResult(market, Score(1, 0)))
    house.step()
    house.do(c.MoveFunds(customers[0], "EUR", -house.cash(customers[0]), "withdrawal"))
    house.taken(customers[2], other)
    house.do(c.RecordResult(market, Score(0, 1)))
    house.wait()
    assert house.cash(customers[0]) == 0
    assert house.owed(customers[0]) == 20 * 200


def test_markets_in_an_event_share_one_result() -> None:
    house = House()
    event = house.event()
    markets = [
        house.market(event_id=event),
        house.market("total", event_id=event, specifiers={"line_quarters": 9}, prices_milli=(1_900, 1_900)),
        house.market("winner", event_id=event, selections=("A", "B"), prices_milli=(1_900, 1_900)),
    ]
    house.do(c.RecordEventResult(event, Score(1, 1)))
    house.wait()
    statuses = [house.machine.state.catalogue.markets[market].status for market in markets]
    assert statuses == ["resulted", "resulted", "closed"]
    assert house.refusal(c.RecordEventResult(event, Score(1, 1))) == "result_unchanged"
    house.do(c.RecordEventResult(event, Void("abandoned")))
    house.wait()
    assert house.machine.state.catalogue.markets[markets[2]].status == "resulted"


def test_a_small_market_does_not_wait_for_a_huge_one() -> None:
    """Markets take turns, a step each."""
    house = House()
    customer = house.customer(cash_minor=1_000_000)
    huge, small = house.market(), house.market()
    for _ in range(2 * SETTLE_STEP + 1):
        house.taken(customer, huge, stake_minor=10)
    house.taken(customer, small, stake_minor=10)
    house.do(c.RecordResult(huge, Score(1, 0)))
    house.do(c.RecordResult(small, Score(1, 0)))
    house.step()
    house.step()
    assert list(house.machine.state.settlement.settling) == [huge]
    house.wait()
    assert not house.machine.state.settlement.settling
