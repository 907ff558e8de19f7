"""The fast exchange and the plain one, given the same requests, come to the same orders, trades and holds."""

import random

import pytest
from tests.book.exchange_twin import TwinMarket
from tests.book.exchange_wishes import CASH, MARKETS, open_exchange, place, quote, result, wish
from tests.book.exchanging import Exchange

from overround.book.exchange import Betting
from overround.book.machine import Machine, decode_fact, decode_snapshot, empty, encode_snapshot, fold
from overround.book.machine.exchange_commands import (
    CancelInstruction,
    CancelOrders,
    PlaceOrders,
    RecordExchangeResult,
    ReplaceInstruction,
    ReplaceOrders,
)
from overround.book.matching import OrderType, Persistence, Target
from overround.kernel.refusal import Refused

PLAIN = [n for n, (terms, _) in enumerate(MARKETS, 1) if terms.currency == "GBP"]


def fit(command: PlaceOrders) -> bool:
    """Whether the twin knows what is asked: sizes, no starting price, and one currency."""
    return (
        command.customer_id != 4
        and not command.market_version
        and all(
            asked.type is OrderType.LIMIT and asked.target is Target.SIZE and asked.persistence is Persistence.LAPSE
            for asked in command.instructions
        )
    )


@pytest.mark.parametrize("market_id", PLAIN)
@pytest.mark.parametrize("seed", range(2))
def test_the_plain_twin_agrees(market_id: int, seed: int) -> None:
    house, rng = Exchange(audited=False), random.Random(seed * 100 + market_id)
    open_exchange(house)
    market = house.market_of(market_id)
    twin = TwinMarket(market, dict.fromkeys((1, 2, 3), CASH))
    for _ in range(80):
        _ask_both(house, twin, rng, market_id)
        orders = house.machine.state.exchange.orders
        assert [(o.id, o.remaining_minor) for o in orders.by_id.values()] == [(o.id, o.left) for o in twin.orders]
        assert [(t.runner, t.price_milli, t.size_minor, t.back, t.lay) for t in market.trades] == twin.trades
        for customer, position in list(market.positions.items())[1:]:
            assert position.held_minor == twin.needed(customer)
    assert len(market.trades) > 3


def _ask_both(house: Exchange, twin: TwinMarket, rng: random.Random, market_id: int) -> None:
    market = house.market_of(market_id)
    customer = rng.choice((1, 2, 3))
    live = list(house.machine.state.exchange.orders.live_on(customer, market_id))
    pick = rng.random()
    if pick < 0.12 and live:
        cancel = CancelOrders(customer, market_id, (CancelInstruction(rng.choice(live), rng.choice((0, 0, 5))),))
        house.ask(cancel)
        twin.cancel(cancel)
    elif pick < 0.24 and live:
        asked = place(rng, market).instructions[0].price_milli or 2_000
        replace = ReplaceOrders(customer, market_id, (ReplaceInstruction(rng.choice(live), asked),))
        house.ask(replace)
        twin.replace(replace)
    elif pick < 0.4:
        asked_levels = quote(rng, market)
        if asked_levels.customer_id in (1, 2, 3):
            answer = house.ask(asked_levels)
            code = str(answer.detail.get("reason", answer.code)) if isinstance(answer, Refused) else "taken"
            assert code == twin.quote(asked_levels), asked_levels
    else:
        command = place(rng, market)
        while not fit(command):
            command = place(rng, market)
        answer = house.ask(command)
        code = str(answer.detail.get("reason", answer.code)) if isinstance(answer, Refused) else "taken"
        assert code == twin.place(command), command


@pytest.mark.parametrize("seed", range(4))
def test_any_life_of_an_exchange_keeps_its_books(seed: int) -> None:
    """Every command is audited by going through every outcome; the journal folds, and a snapshot is the state."""
    house, rng = Exchange(), random.Random(seed)
    open_exchange(house)
    for _ in range(90):
        house.ask(wish(rng, house.machine.state))
        if rng.random() < 0.1:
            house.wait(rng.choice((1, 1_000_000, 4_000_000, 20_000_000, 3_000_000_000)))
    body = encode_snapshot(house.machine.state)
    assert encode_snapshot(decode_snapshot(body)) == body
    again = empty()
    for pending in house.journal:
        fold(again, decode_fact(pending.body), pending.at_us)
    assert encode_snapshot(again) == body


@pytest.mark.parametrize("seed", range(3))
def test_a_restored_exchange_goes_on_as_the_one_that_was_not(seed: int) -> None:
    whole, rng = Exchange(audited=False), random.Random(seed)
    open_exchange(whole)
    for _ in range(300):
        whole.ask(wish(rng, whole.machine.state))
    again = Exchange(Machine(decode_snapshot(encode_snapshot(whole.machine.state))), at_us=whole.at_us, audited=False)
    again._keys = whole._keys
    for house in (whole, again):
        house.journal.clear()
        rng = random.Random(seed + 50)
        for _ in range(300):
            house.ask(wish(rng, house.machine.state))
            house.wait(rng.choice((0, 0, 2_000_000, 60_000_000)))
    assert again.journal == whole.journal
    assert encode_snapshot(again.machine.state) == encode_snapshot(whole.machine.state)


@pytest.mark.parametrize("seed", range(2))
def test_settlement_gives_what_the_outcome_says_and_a_correction_gives_the_other(seed: int) -> None:
    house, rng = Exchange(), random.Random(seed)
    open_exchange(house)
    for _ in range(60):
        house.ask(place(rng, rng.choice(list(house.machine.state.exchange.markets.values()))))
    for market in list(house.machine.state.exchange.markets.values()):
        for _ in range(2):
            house.ask(RecordExchangeResult(market.id, result(rng, market)))
            house.wait()
        for position in list(market.positions.values())[1:]:
            profits = [
                o.profit_minor for o in house.machine.state.exchange.orders.books[market.id].own[position.customer_id]
            ]
            assert sum(profits) == position.net_minor
        assert market.terms.betting is not Betting.LINE or market.settled_at_us
