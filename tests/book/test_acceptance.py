"""Whether a bet is taken: the tables of docs/rules/acceptance.md, and what they leave out."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.book.house import House, code_of
from tests.book.tables import milli, number, table

from overround.book.bets import OddsChange
from overround.book.catalogue import MAX_SELECTIONS
from overround.book.limits import LimitKind
from overround.book.machine import BetAnswer
from overround.book.machine import commands as c
from overround.book.settlement import Score
from overround.kernel.instant import DAY_US
from overround.kernel.level import Level
from overround.kernel.money import MAX_MONEY_MINOR
from overround.kernel.price import MAX_PRICE_MILLI, MIN_PRICE_MILLI
from overround.kernel.refusal import Refused

SELECTIONS = {"home": 1, "draw": 2, "away": 3}


@pytest.mark.parametrize(
    "row", table("acceptance.md", "When the price has moved"), ids=lambda row: " ".join(row.values())
)
def test_a_price_that_has_moved(row: dict[str, str]) -> None:
    house = House()
    customer = house.customer(cash_minor=10_000)
    market = house.market(prices_milli=(milli(row["present"]), 3_000, 4_000))
    answer = house.bet(customer, market, price_milli=milli(row["asked"]), odds_change=OddsChange(row["policy"]))
    if isinstance(answer, BetAnswer):
        assert answer.price_milli == milli(row["answer"].removeprefix("taken at "))
    else:
        assert isinstance(answer, Refused)
        assert answer.code == row["answer"]
        assert answer.detail == {"price_milli": milli(row["present"]), "market_version": 2}


def test_each_check_in_its_order() -> None:
    """A bet in which everything is wrong, put right one thing at a time."""
    house = House()
    house.customer()
    event = house.event()
    market = house.market(event_id=event, prices_milli=(0, 3_000, 4_000), resume=False, feed="odds")
    house.terms(min_stake_minor=2_000, max_stake_minor=1_500)
    asked = c.PlaceBet(9, 8, 7, "GBP", 0, 1_000, OddsChange.NONE, 99)
    seen: list[str] = []

    def refused(**right: object) -> None:
        nonlocal asked
        asked = msgspec.structs.replace(asked, **right)
        seen.append(house.refusal(asked))

    refused()
    refused(customer_id=1)
    house.do(c.CoolOff(1, DAY_US))
    house.do(c.SelfExclude(1, 180 * DAY_US))
    refused(currency="EUR")
    house.wait(180 * DAY_US)
    house.do(c.CoolOff(1, DAY_US))
    refused()
    house.wait(DAY_US)
    refused()
    refused(stake_minor=1_000)
    refused(price_milli=2_900)
    refused(market_id=market)
    house.do(c.ResumeMarket(market))
    refused()
    house.do(c.FeedHeartbeat("odds"))
    house.do(c.SetPrices(market, ((2, 3_000),)))
    refused()
    refused(market_version=2)
    refused(selection_id=1)
    refused(selection_id=2)
    refused(odds_change=OddsChange.ANY)
    refused(stake_minor=2_000)
    house.terms(max_payout_minor=3_000)
    refused()
    house.do(c.ChangeMarket(market, 0, 10))
    refused(market_version=3)
    house.terms(house_liability_minor=9)
    refused()
    house.do(c.ChangeMarket(market, 0, 0))
    house.terms()
    for kind in LimitKind:
        house.do(c.SetLimit(1, "EUR", kind, 1_999))
    refused(market_version=4)
    for kind in LimitKind:
        house.do(c.SetLimit(1, "EUR", kind, None))
    house.wait(DAY_US)
    house.do(c.FeedHeartbeat("odds"))
    house.do(c.SetPrices(market, ()))
    refused()
    house.do(c.MoveFunds(1, "EUR", 2_000, "deposit"))
    assert code_of(house.ask(asked)) == "taken"
    assert seen == [
        "customer_not_found", "wallet_not_found", "self_excluded", "cooling_off", "stake_invalid", "price_invalid",
        "market_not_found", "market_suspended", "market_suspended", "market_changed", "selection_not_found", "no_price",
        "price_changed", "stake_below_minimum", "stake_limit", "payout_limit", "market_liability", "house_liability",
        "limit_stake_day", "insufficient_funds",
    ]  # fmt: skip
    told = [code for row in table("acceptance.md", "The order of the checks") for code in codes(row["refusal"])]
    order = [code for code in told if code in seen]
    assert sorted(set(seen), key=seen.index) == order


def codes(cell: str) -> list[str]:
    return [code.strip(" `") for code in cell.split(",")]


def test_exposure_bet_after_bet() -> None:
    house = House()
    customer = house.customer(cash_minor=10_000)
    market = house.market()
    for row in table("acceptance.md", "What the house may lose"):
        house.taken(customer, market, SELECTIONS[row["selection"]], stake_minor=number(row["stake"]))
        exposure = house.machine.state.bets.exposures[market]["EUR"]
        assert exposure.stakes_minor == number(row["stakes of the market"])
        for name, selection in SELECTIONS.items():
            assert exposure.payouts_minor.get(selection, 0) == number(row[f"payout if {name}"])
        assert exposure.worst_minor == number(row["worst case"])
        assert house.machine.state.bets.worst_minor(Level.PLATFORM, 0, "EUR") == number(row["worst case"])


@pytest.mark.parametrize("row", table("acceptance.md", "The largest stake"), ids=lambda row: " ".join(row.values()))
def test_the_largest_stake(row: dict[str, str]) -> None:
    house = House()
    customer = house.customer(cash_minor=1_000_000)
    market = house.market(prices_milli=(milli(row["price"].replace(",", "")), 3_000, 4_000))
    house.terms(
        max_stake_minor=number(row["largest stake allowed"]),
        max_payout_minor=number(row["largest payout allowed"]),
        market_liability_minor=number(row["market liability"]),
        house_liability_minor=5_000_000,
    )
    answer = house.bet(customer, market, stake_minor=number(row["stake"]))
    assert code_of(answer) == row["answer"]
    if isinstance(answer, Refused):
        assert answer.detail["max_stake_minor"] == number(row["max_stake_minor"])


amounts = st.integers(min_value=0, max_value=3_000) | st.integers(min_value=0, max_value=MAX_MONEY_MINOR)
prices = (
    st.integers(MIN_PRICE_MILLI, 1_010)
    | st.integers(MIN_PRICE_MILLI, 20_000)
    | st.integers(MIN_PRICE_MILLI, MAX_PRICE_MILLI)
)


@given(
    price_milli=prices,
    max_stake_minor=amounts,
    max_payout_minor=amounts,
    market_liability_minor=amounts,
    house_liability_minor=amounts,
    cash_minor=st.integers(1, MAX_MONEY_MINOR),
    own_minor=st.none() | amounts,
    before=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 5_000)), max_size=4),
    stake_minor=st.integers(1, MAX_MONEY_MINOR) | st.integers(1, 5_000),
)
def test_the_largest_stake_stands_and_one_unit_more_does_not(
    price_milli: int,
    max_stake_minor: int,
    max_payout_minor: int,
    market_liability_minor: int,
    house_liability_minor: int,
    cash_minor: int,
    own_minor: int | None,
    before: list[tuple[int, int]],
    stake_minor: int,
) -> None:
    house = House()
    market = house.market(prices_milli=(price_milli, 3_000, 4_000))
    other = house.customer(cash_minor=100_000)
    for selection, minor in before:
        house.bet(other, market, selection, stake_minor=minor)
    customer = house.customer(cash_minor=cash_minor)
    house.do(c.SetLimit(customer, "EUR", LimitKind.LOSS_WEEK, own_minor))
    house.terms(
        min_stake_minor=0,
        max_stake_minor=max_stake_minor,
        max_payout_minor=max_payout_minor,
        market_liability_minor=market_liability_minor,
        house_liability_minor=house_liability_minor,
    )
    answer = house.bet(customer, market, stake_minor=stake_minor)
    if not isinstance(answer, Refused):
        return
    largest = answer.detail.get("max_stake_minor", answer.detail.get("available_minor"))
    assert isinstance(largest, int)
    assert largest < stake_minor
    assert code_of(house.bet(customer, market, stake_minor=largest + 1)) != "taken"
    if largest:
        assert code_of(house.bet(customer, market, stake_minor=largest)) == "taken"


def test_an_operator_narrows_and_widens_one_customer() -> None:
    house = House()
    customer, market = house.customer(cash_minor=10_000), house.market()
    house.terms(max_stake_minor=1_000)
    house.do(c.SetPlayerTerms(customer, "EUR", 5_000, 8_000))
    assert house.bet(customer, market, stake_minor=5_000) == Refused(
        "payout_limit", {"max_stake_minor": 4_000, "level": "player", "level_id": customer}
    )
    assert code_of(house.bet(customer, market, stake_minor=4_000)) == "taken"
    house.do(c.SetPlayerTerms(customer, "EUR", 0, 0))
    assert house.bet(customer, market, stake_minor=4_000) == Refused(
        "stake_limit", {"max_stake_minor": 1_000, "level": "platform", "level_id": 0}
    )


def test_a_lower_liability_still_takes_what_lessens_it() -> None:
    house = House()
    customer, market = house.customer(cash_minor=10_000), house.market()
    house.taken(customer, market, 1, stake_minor=5_000)
    house.terms(house_liability_minor=100, market_liability_minor=100)
    assert code_of(house.bet(customer, market, 1, stake_minor=100)) == "market_liability"
    assert code_of(house.bet(customer, market, 2, stake_minor=100)) == "taken"


def test_currencies_do_not_share_a_limit() -> None:
    house = House()
    customer = house.customer(cash_minor=10_000)
    house.do(c.OpenWallet(customer, "GBP"))
    house.do(c.MoveFunds(customer, "GBP", 10_000, "deposit"))
    market = house.market(liability_minor=1_000)
    house.taken(customer, market, stake_minor=1_000)
    assert code_of(house.bet(customer, market, stake_minor=10)) == "market_liability"
    answer = house.bet(customer, market, stake_minor=1_000, currency="GBP")
    assert code_of(answer) == "taken"
    house.do(c.RecordResult(market, Score(2, 0)))
    house.wait()
    assert (house.cash(customer), house.cash(customer, "GBP")) == (11_000, 11_000)
    assert (house.trading(), house.trading("GBP")) == (-1_000, -1_000)


def test_a_market_of_ten_thousand_selections() -> None:
    house = House()
    customer = house.customer(cash_minor=100_000)
    names = tuple(f"Runner {number}" for number in range(1, 10_001))
    market = house.market("winner", selections=names, prices_milli=(5_000_000,) * 10_000)
    house.taken(customer, market, 10_000, stake_minor=10)
    house.taken(customer, market, 1, stake_minor=20)
    exposure = house.machine.state.bets.exposures[market]["EUR"]
    assert exposure.payouts_minor == {10_000: 50_000, 1: 100_000}
    assert exposure.worst_minor == 100_000 - 30
    assert MAX_SELECTIONS >= 10_000


@pytest.mark.parametrize("end", ["event ended", "result", "void"])
def test_nothing_is_taken_on_an_event_that_is_over(end: str) -> None:
    house = House()
    customer, market = house.customer(cash_minor=10_000), house.market()
    if end == "event ended":
        house.end(market)
    else:
        event = house.machine.state.catalogue.markets[market].event_id
        house.do(c.RecordEventResult(event, Score(1, 0)))
    assert code_of(house.bet(customer, market)) == "market_closed"
    assert house.refusal(c.ResumeMarket(market)) == "market_status"
    event = house.machine.state.catalogue.markets[market].event_id
    assert house.refusal(c.CreateMarket(event, "1x2", in_play=True)) == "event_status"


def test_amounts_at_their_bounds() -> None:
    """The largest stake at the largest price pays 10^19, which no limit lets stand; the largest payout is 10^15."""
    house = House()
    customer = house.customer(cash_minor=MAX_MONEY_MINOR)
    market = house.market(prices_milli=(MAX_PRICE_MILLI, 1_001, 4_000))
    most = MAX_MONEY_MINOR
    house.terms(max_stake_minor=most, max_payout_minor=most, market_liability_minor=most, house_liability_minor=most)
    answer = house.bet(customer, market, stake_minor=most)
    platform: dict[str, int | str] = {"level": "platform", "level_id": 0}
    assert answer == Refused("payout_limit", {"max_stake_minor": most // 10_000, **platform})
    assert code_of(house.bet(customer, market, stake_minor=most // 10_000)) == "taken"
    assert house.refusal(c.PlaceBet(customer, market, 1, "EUR", most + 1, MAX_PRICE_MILLI)) == "stake_invalid"
    house.do(c.RecordResult(market, Score(1, 0)))
    house.wait()
    assert house.cash(customer) == most + most - most // 10_000
