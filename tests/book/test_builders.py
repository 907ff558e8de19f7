"""Bet builders whose parts end in any way: the table of docs/rules/settlement.md, played by the machine."""

import pytest
from tests.book.house import House
from tests.book.tables import milli, table
from tests.book.test_ticketing import taken

from overround.book.bets import BetStatus
from overround.book.machine import commands as c
from overround.book.machine import decode_snapshot, encode_snapshot, state_hash
from overround.book.machine.commands import BetAsked, LegAsked
from overround.book.settlement import Outcomes
from overround.book.tickets import Outcome
from overround.kernel.instant import SECOND_US

ORDER = ("first", "second", "third")
WITHOUT = (4_000, 3_500, 0)


def priced(house: House, without: tuple[int, ...], *, price_milli: int = 6_000) -> tuple[list[int], c.PriceBuilder]:
    """Three markets of one event, and a builder on the first selection of each."""
    event = house.event()
    line = {"line_quarters": 10}
    markets = [house.market("total", event_id=event, specifiers=line, prices_milli=(2_000, 1_800)) for _ in ORDER]
    parts = tuple((market, 1) for market in markets)
    return markets, c.PriceBuilder(event, parts, price_milli, 60 * SECOND_US, without)


def end(house: House, market: int, outcome: str) -> None:
    found = Outcome(outcome.replace(" ", "_"))
    house.do(c.RecordResult(market, Outcomes(((1, found, 1, 1), (2, Outcome.LOST, 1, 1)))))
    house.wait()


@pytest.mark.parametrize("row", table("settlement.md", "Bet builders"), ids=lambda row: " ".join(row.values()))
def test_parts_that_end_in_any_way(row: dict[str, str]) -> None:
    house = House()
    customer = house.customer(cash_minor=1_000)
    markets, asked = priced(house, WITHOUT)
    builder = house.do(asked)
    (bet,) = taken(house, customer, BetAsked((LegAsked(0, 0, 6_000, builder_id=builder),), (1,), 1_000))
    for market, name in zip(markets, ORDER, strict=True):
        if row[name] != "–":
            end(house, market, row[name])
    state = house.machine.state
    assert state_hash(decode_snapshot(encode_snapshot(state))) == state_hash(state)
    bet = state.bets.bets[bet.id]
    if row["leg"] == "open":
        assert bet.status is BetStatus.OPEN
        return
    paid = {"lost": 0, "void": 1_000}.get(row["leg"])
    assert bet.payout_minor == (milli(row["leg"]) if paid is None else paid)


def test_without_other_prices_a_void_part_makes_all_of_it_void() -> None:
    house = House()
    customer = house.customer(cash_minor=1_000)
    markets, asked = priced(house, ())
    builder = house.do(asked)
    (bet,) = taken(house, customer, BetAsked((LegAsked(0, 0, 6_000, builder_id=builder),), (1,), 1_000))
    for market, outcome in zip(markets, ("won", "void", "won"), strict=True):
        end(house, market, outcome)
    assert house.machine.state.bets.bets[bet.id].payout_minor == 1_000


def test_a_builder_priced_again_goes_on_in_a_double_and_can_be_corrected() -> None:
    house = House()
    customer = house.customer(cash_minor=1_000)
    other = house.market(prices_milli=(2_000, 3_000, 4_000))
    markets, asked = priced(house, WITHOUT)
    builder = house.do(asked)
    legs = (LegAsked(0, 0, 6_000, builder_id=builder), LegAsked(other, 1, 2_000))
    (bet,) = taken(house, customer, BetAsked(legs, (2,), 1_000))
    house.do(c.RecordResult(other, Outcomes(_home_wins())))
    for market, outcome in zip(markets, ("void", "won", "won"), strict=True):
        end(house, market, outcome)
    assert house.cash(customer) == 8_000
    end(house, markets[0], "won")
    assert house.cash(customer) == 12_000
    end(house, markets[2], "void")
    assert house.machine.state.bets.bets[bet.id].payout_minor == 2_000


def _home_wins() -> tuple[tuple[int, Outcome, int, int], ...]:
    return ((1, Outcome.WON, 1, 1), (2, Outcome.LOST, 1, 1), (3, Outcome.LOST, 1, 1))


@pytest.mark.parametrize("without", [(4_000,), (4_000, 3_500), (4_000, 3_500, 6_001), (1_000, 0, 0), (-1, 0, 0)])
def test_prices_that_are_none(without: tuple[int, ...]) -> None:
    house = House()
    _, asked = priced(house, without)
    assert house.refusal(asked) == "price_invalid"
