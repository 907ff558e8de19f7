"""One wish, one effect, one answer: the table of docs/rules/keys.md, and what the memory holds."""

import pytest
from tests.book.house import NOON_US, House, code_of
from tests.book.tables import number, table

from overround.book.machine import Answer, BetAnswer, BetFound, Done
from overround.book.machine import commands as c
from overround.book.settlement import Score
from overround.kernel.ids import make_key
from overround.kernel.instant import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from overround.kernel.refusal import Refused


@pytest.mark.parametrize(
    "row", table("keys.md", "Keys: one wish, one effect, one answer"), ids=lambda row: " ".join(row.values())
)
def test_repeats(row: dict[str, str]) -> None:
    house = House()
    customer, market = house.customer(cash_minor=10_000), house.market()
    key = make_key(at_us=house.at_us + number(row["made"].removesuffix(" min")) * MINUTE_US, chance=1)
    first = house.bet(customer, market, key=key)
    assert code_of(first) == row["first use"]
    house.wait(number(row["repeated after"].removesuffix(" min")) * MINUTE_US)
    house.do(c.FeedHeartbeat("other"))
    bets = len(house.machine.state.bets.bets)
    again = house.bet(customer, market, key=key, stake_minor=2_000 if row["other content"] == "yes" else 1_000)
    assert code_of(again) == row["answer"] if row["answer"] != "first answer" else again == first
    assert len(house.machine.state.bets.bets) == bets + (row["answer"] == "taken")


@pytest.mark.parametrize(
    "text", ["", "x", "018f2d9a-7c31-4abc-8def-0123456789ab", "018f2d9a-7c31-7abc-cdef-0123456789ab"]
)
def test_keys_that_are_no_uuid_of_version_7(text: str) -> None:
    house = House()
    seq = house.machine.state.seq
    assert house.machine.execute(c.Request(1, text, 0, c.OpenCustomer("EUR")), house.at_us) == Refused("key_invalid")
    assert house.machine.state.seq == seq


@pytest.mark.parametrize("actor", [1 << 63, -(1 << 63) - 1, 1 << 80])
def test_an_actor_out_of_bounds_is_refused(actor: int) -> None:
    house = House()
    asked = c.Request(actor, house.key(), 0, c.OpenCustomer("EUR"))
    assert house.machine.execute(asked, house.at_us) == Refused("key_invalid")
    assert house.ask(c.FindBet(1 << 63, 0, house.key())) == Refused("key_invalid")


def test_the_first_answer_stands_whatever_has_happened_since() -> None:
    house = House()
    customer, market = house.customer(cash_minor=1_000), house.market()
    key = house.key()
    first = house.bet(customer, market, key=key)
    house.do(c.RecordResult(market, Score(1, 0)))
    house.wait()
    assert house.ask(c.PlaceBet(customer, market, 1, "EUR", 1_000, 2_000), key=key) == first
    assert house.cash(customer) == 2_000


def test_a_refusal_is_remembered_too() -> None:
    house = House()
    customer, market = house.customer(), house.market()
    key = house.key()
    first = house.bet(customer, market, key=key)
    assert first == Refused("insufficient_funds", {"available_minor": 0})
    house.do(c.MoveFunds(customer, "EUR", 5_000, "deposit"))
    assert house.bet(customer, market, key=key) == first
    assert code_of(house.bet(customer, market)) == "taken"


def test_a_delayed_bet_is_answered_as_it_was_at_first() -> None:
    house = House()
    customer = house.customer(cash_minor=1_000)
    market = house.in_play_market(delay_us=5 * SECOND_US)
    key = house.key()
    first = house.bet(customer, market, key=key)
    house.wait(5 * SECOND_US)
    assert house.bet(customer, market, key=key) == first
    found = house.ask(c.FindBet(customer, 0, key))
    assert isinstance(found, BetFound)
    assert found.status == "open"


def test_a_key_belongs_to_whoever_uses_it() -> None:
    house = House()
    key = house.key()
    first, second = house.customer(cash_minor=1_000), house.customer(cash_minor=1_000)
    market = house.market()
    assert code_of(house.bet(first, market, key=key)) == "taken"
    assert code_of(house.bet(second, market, key=key)) == "taken"
    assert code_of(house.bet(first, market, key=key.upper())) == "taken"
    assert len(house.machine.state.bets.bets) == 2


def test_other_commands_are_answered_once_as_well() -> None:
    house = House()
    key = house.key()
    first = house.ask(c.OpenCustomer("EUR"), key=key)
    assert first == Done(1, 3)
    assert house.ask(c.OpenCustomer("EUR"), key=key) == first
    assert house.ask(c.OpenCustomer("GBP"), key=key) == Refused("key_reused")
    assert house.machine.state.ledger.customers == 1


def test_the_memory_forgets() -> None:
    house = House()
    customer, market = house.customer(cash_minor=100_000), house.market()
    for _ in range(40):
        house.taken(customer, market, stake_minor=10)
        house.bet(customer, market, stake_minor=9)
        house.wait(HOUR_US)
    memory = house.machine.state.memory
    assert len(memory.entries) == len(memory.order) == 2 * 25
    assert len(house.machine.state.bets.bets) == 40


def find(house: House, customer: int, key: str, bet_id: int = 0) -> Answer:
    return house.ask(c.FindBet(customer, bet_id, key))


def test_a_bet_is_found_by_key_and_by_id_by_its_customer_alone() -> None:
    house = House()
    customer, other, market = house.customer(cash_minor=1_000), house.customer(), house.market()
    key, refused_key = house.key(), house.key()
    placed = house.bet(customer, market, key=key)
    assert isinstance(placed, BetAnswer)
    house.bet(customer, market, key=refused_key)
    by_key = find(house, customer, key)
    assert isinstance(by_key, BetFound)
    assert by_key == find(house, customer, "", placed.bet_id)
    assert find(house, customer, refused_key) == Refused("insufficient_funds", {"available_minor": 0})
    for stranger in ((other, key, 0), (other, "", placed.bet_id), (customer, house.key(), 0), (customer, "", 99)):
        assert find(house, *stranger) == Refused("bet_not_found")
    assert find(house, customer, "nonsense") == Refused("key_invalid")


def test_time_never_runs_backwards() -> None:
    house = House()
    customer, market = house.customer(cash_minor=1_000), house.market()
    house.wait(DAY_US)
    house.do(c.FeedHeartbeat("odds"))
    house.at_us = NOON_US
    key = make_key(at_us=NOON_US + DAY_US, chance=99)
    asked = c.Request(customer, key, 0, c.PlaceBet(customer, market, 1, "EUR", 10, 2_000))
    answer = house.machine.execute(asked, NOON_US)
    assert isinstance(answer, BetAnswer)
    assert answer.placed_at_us == NOON_US + DAY_US
