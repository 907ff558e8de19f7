"""Mass quotes: the page's story, what refuses one, and a plain book of queues beside whatever hypothesis quotes."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.book.exchanging import BACK, FIRST_SELECTION, LAY, Exchange
from tests.book.tables import table

from overround.book.exchange import MAX_ORDER_MINOR, MAX_QUOTE_ENTRIES, Minimums, VoidResult
from overround.book.exposure import Side
from overround.book.machine import Answer, decode_fact, decode_snapshot, empty, encode_snapshot, fold, state_hash
from overround.book.machine.exchange_commands import (
    MassQuote,
    QuoteEntry,
    RemoveRunner,
    SetMinimums,
    SuspendExchangeMarket,
)
from overround.kernel.refusal import Refused

PRICES = (2_900, 2_920, 2_940, 3_000, 3_050, 3_100)


class Quoted(Exchange):
    """One market, its maker, and traders by name."""

    def __init__(self) -> None:
        super().__init__()
        self.on = self.exchange_market()
        self.do(SetMinimums("GBP", Minimums(1, 0, 1, 1)))
        self.maker = self.trader(10**12)
        self.names = {"M": self.maker}

    def quote(self, *entries: tuple[Side, int, int], runner: int = 0) -> Answer:
        asked = tuple(QuoteEntry(FIRST_SELECTION + runner, *entry) for entry in entries)
        return self.ask(MassQuote(self.maker, self.on, "GBP", asked))

    def person(self, name: str) -> int:
        if name not in self.names:
            self.names[name] = self.trader(10**9)
        return self.names[name]

    def queue(self, side: Side, price: int) -> list[tuple[int, int]]:
        """Who waits at a price with how much, the first first; neighbours of one customer together."""
        book = self.machine.state.exchange.orders.books[self.on].runners[0]
        level = book.half(side).levels.get(price)
        return together([(order.customer_id, order.remaining_minor) for order in level.orders] if level else [])


def together(queue: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for customer, size in queue:
        if size and found and found[-1][0] == customer:
            found[-1] = customer, found[-1][1] + size
        elif size:
            found.append((customer, size))
    return found


def test_the_story_of_the_page() -> None:
    house = Quoted()
    for row in table("exchange.md", "Mass quotes"):
        who, does, size, price = re.fullmatch(
            r"(\w) (wants|lays|backs) (\d+) at ([\d.]+)", row["what happens"]
        ).groups()  # type: ignore[union-attr]
        before = len(house.market_of(house.on).trades)
        milli = round(float(price) * 1_000)
        if does == "wants":
            assert not isinstance(house.quote((LAY, milli, int(size) * 100)), Refused)
        else:
            house.order(house.person(who), house.on, BACK if does == "backs" else LAY, milli, int(size) * 100)
        trades = house.market_of(house.on).trades[before:]
        matched = ", ".join(f"{made.size_minor // 100} at {made.price_milli / 1000:.2f}" for made in trades) or "–"
        names = {number: name for name, number in house.names.items()}
        queue = ", ".join(f"{names[who]} {left // 100}" for who, left in house.queue(LAY, 3_000))
        assert (matched, queue) == (row["matched"], row["queue at 3.00"]), row


def test_a_quote_that_cannot_be_taken_changes_nothing() -> None:
    house = Quoted()
    house.quote((LAY, 3_000, 500), (BACK, 3_100, 500))
    house.do(RemoveRunner(house.on, FIRST_SELECTION + 2, 100))
    seq = house.machine.state.exchange.orders.placed
    fine = QuoteEntry(FIRST_SELECTION, LAY, 2_900, 700)
    for wrong, reason in (
        (QuoteEntry(999, LAY, 3_000, 1), "invalid_runner"),
        (QuoteEntry(FIRST_SELECTION + 2, LAY, 3_000, 1), "runner_removed"),
        (QuoteEntry(FIRST_SELECTION, LAY, 3_001, 1), "invalid_odds"),
        (QuoteEntry(FIRST_SELECTION, LAY, 3_000, -1), "invalid_bet_size"),
        (QuoteEntry(FIRST_SELECTION, LAY, 3_000, MAX_ORDER_MINOR + 1), "invalid_bet_size"),
        (QuoteEntry(FIRST_SELECTION, LAY, 3_100, 1), "invalid_back_lay_combination"),
        (fine, "duplicate_betids"),
    ):
        answer = house.ask(MassQuote(house.maker, house.on, "GBP", (fine, wrong)))
        assert isinstance(answer, Refused)
        assert str(answer.detail.get("reason", answer.code)) == reason
    for command, code in (
        (MassQuote(house.maker, house.on, "GBP", ()), "too_many_instructions"),
        (MassQuote(house.maker, house.on, "GBP", (fine,) * (MAX_QUOTE_ENTRIES + 1)), "too_many_instructions"),
        (MassQuote(house.maker, 99, "GBP", (fine,)), "invalid_market_id"),
        (MassQuote(9_999, house.on, "GBP", (fine,)), "customer_not_found"),
        (MassQuote(house.maker, house.on, "USD", (fine,)), "wallet_not_found"),
    ):
        answer = house.ask(command)
        assert isinstance(answer, Refused)
        assert answer.code == code
    assert house.machine.state.exchange.orders.placed == seq
    assert house.queue(LAY, 2_900) == []


def test_what_cuts_make_room_for_is_not_the_makers_own() -> None:
    house = Quoted()
    house.quote((LAY, 3_000, 500))
    assert not isinstance(house.quote((BACK, 2_940, 300), (LAY, 3_000, 0)), Refused)
    assert (house.queue(LAY, 3_000), house.queue(BACK, 2_940)) == ([], [(house.maker, 300)])


def test_while_no_orders_are_taken_levels_only_shrink() -> None:
    house = Quoted()
    house.quote((LAY, 3_000, 500), (LAY, 2_900, 500))
    house.do(SuspendExchangeMarket(house.on, "a moment"))
    house.quote((LAY, 3_000, 700), (LAY, 2_900, 200), (LAY, 2_920, 100))
    assert [house.queue(LAY, price) for price in (3_000, 2_920, 2_900)] == [
        [(house.maker, 500)],
        [],
        [(house.maker, 200)],
    ]
    house.result(house.on, VoidResult("off"))
    answer = house.quote((LAY, 3_000, 1))
    assert isinstance(answer, Refused)
    assert answer.code == "market_not_open_for_betting"


def test_money_that_is_not_there_refuses_the_whole() -> None:
    house = Quoted()
    house.maker = house.trader(10_000)
    answer = house.quote((LAY, 3_000, 4_000), (LAY, 2_900, 2_000))
    assert isinstance(answer, Refused)
    assert answer.code == "insufficient_funds"
    assert not isinstance(house.quote((LAY, 3_000, 4_000), (LAY, 2_900, 1_000)), Refused)
    assert house.held(house.maker) == 9_900


ENTRIES = st.dictionaries(st.sampled_from(PRICES), st.integers(0, 900), min_size=1, max_size=4)
STEPS = st.lists(st.tuples(st.booleans(), ENTRIES), min_size=1, max_size=10)


@settings(max_examples=60)
@given(STEPS)
def test_queues_are_those_of_a_plain_book(steps: list[tuple[bool, dict[int, int]]]) -> None:
    """The maker quotes and a bot joins, backs above and lays below, so that nobody meets; the snapshot has it, too."""
    house, plain = Quoted(), dict[int, list[tuple[int, int]]]()
    bot = house.person("X")
    for quotes, entries in steps:
        if quotes:
            asked = [(LAY if price < 3_000 else BACK, price, size) for price, size in entries.items()]
            assert not isinstance(house.quote(*asked), Refused)
            for price, size in entries.items():
                plain[price] = plainly(plain.get(price, []), house.maker, size)
        else:
            for price, size in entries.items():
                house.order(bot, house.on, LAY if price < 3_000 else BACK, price, size + 1)
                plain[price] = together([*plain.get(price, []), (bot, size + 1)])
        for price in PRICES:
            assert house.queue(LAY if price < 3_000 else BACK, price) == plain.get(price, [])
    state = house.machine.state
    folded = empty()
    for pending in house.journal:
        fold(folded, decode_fact(pending.body), pending.at_us)
    house.machine.state = decode_snapshot(encode_snapshot(state))
    for price in PRICES:
        assert house.queue(LAY if price < 3_000 else BACK, price) == plain.get(price, [])
    assert state_hash(folded) == state_hash(house.machine.state) == state_hash(state)


def plainly(queue: list[tuple[int, int]], maker: int, size: int) -> list[tuple[int, int]]:
    """A queue in which the maker has just `size`: from its back, or at its end."""
    missing = size - sum(left for who, left in queue if who == maker)
    if missing > 0:
        return together([*queue, (maker, missing)])
    kept = []
    for who, left in reversed(queue):
        cut = min(left, -missing) if who == maker else 0
        missing += cut
        kept.append((who, left - cut))
    return together(kept[::-1])
