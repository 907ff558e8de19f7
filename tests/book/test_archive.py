"""What is long settled leaves the book's memory: docs/rules/archive.md, and any life of a house with and without."""

import random

import pytest
from tests.book.archiving import Shadowed, ShadowedExchange, archived, consistent, same_tables
from tests.book.exchange_wishes import open_exchange, wish
from tests.book.test_promotions import Season
from tests.book.test_ticketing import HOME_WINS

from overround.book.exchange import VoidResult
from overround.book.machine import (
    Machine,
    decode_fact,
    decode_snapshot,
    empty,
    encode_snapshot,
    fold,
    state_hash,
)
from overround.book.machine import commands as c
from overround.book.machine.exchange_commands import RecordExchangeResult
from overround.kernel.instant import DAY_US, SECOND_US


def season(seed: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Season, Shadowed]:
    house = Shadowed(after_us=random.Random(seed).choice((1, 5, 30)) * SECOND_US, seed=seed)
    monkeypatch.setattr("tests.book.test_ticketing.House", lambda: house)
    return Season(seed), house


def everything_ends(house: Shadowed) -> None:
    """Every market has a result, every event is over, and all is long settled."""
    offer = house.machine.state.catalogue
    for market in list(offer.markets.values()):
        if not market.resulted:
            house.ask(c.RecordResult(market.id, HOME_WINS))
    for event in list(offer.events.values()):
        house.ask(c.EndEvent(event.id))
    for _ in range(3):  # settled, then archived, then its event
        house.wait(8 * DAY_US)
        house.archive(100_000)


@pytest.mark.parametrize("seed", range(8))
def test_a_life_with_archiving_is_the_same_life(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lived, house = season(seed, monkeypatch)
    for _ in range(250):
        lived.act()
    everything_ends(house)
    same_tables(house.journal, house.written)
    bets, _ = archived([decode_fact(pending.body) for pending in house.written])
    assert len(bets) == len(set(bets)) > 20
    assert house.refused
    state = house.shadow.state
    assert not state.bets.bets
    assert not state.catalogue.markets
    assert not state.catalogue.events
    assert not state.archive.named


@pytest.mark.parametrize("seed", range(8))
def test_an_exchange_with_archiving_is_the_same_exchange(seed: int) -> None:
    house, rng = ShadowedExchange(after_us=SECOND_US, seed=seed, audited=False), random.Random(seed)
    open_exchange(house)
    for _ in range(250):
        house.at_us += rng.choice((0, 0, 300_000, 2_000_000, 30_000_000))
        house.wait()
        house.ask(wish(rng, house.machine.state))
    for market in list(house.machine.state.exchange.markets):
        house.ask(RecordExchangeResult(market, VoidResult("over")))
    house.wait(DAY_US)
    house.wait(DAY_US)
    house.archive(100_000)
    same_tables(house.journal, house.written)
    _, orders = archived([decode_fact(pending.body) for pending in house.written])
    assert len(orders) == len(set(orders))
    assert not house.shadow.state.exchange.markets
    assert not house.shadow.state.exchange.orders.by_id
    assert not house.shadow.state.exchange.orders.books


@pytest.mark.parametrize("seed", range(20, 24))
def test_the_journal_and_any_snapshot_make_the_same_house(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lived, house = season(seed, monkeypatch)
    bodies: list[tuple[int, bytes]] = []
    for number in range(200):
        lived.act()
        if number % 9 == 0:
            bodies.append((house.shadow.state.seq, encode_snapshot(house.shadow.state)))
    everything_ends(house)
    live = state_hash(house.shadow.state)
    for seq, body in [(0, encode_snapshot(empty())), *bodies]:
        state = decode_snapshot(body)
        assert encode_snapshot(state) == body
        consistent(state)
        for pending in house.written[seq:]:
            fold(state, decode_fact(pending.body), pending.at_us)
        assert state_hash(state) == live


@pytest.mark.parametrize("seed", range(20, 26))
def test_a_house_from_a_snapshot_archives_as_the_one_that_was_not(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of a market, too: whoever takes over decides the same steps."""
    monkeypatch.setattr("overround.book.machine.archiving.ARCHIVE_STEP", 3)
    lived, house = season(seed, monkeypatch)
    for _ in range(120):
        lived.act()
        twin = Machine(decode_snapshot(encode_snapshot(house.shadow.state)))
        ahead = Machine(decode_snapshot(encode_snapshot(house.shadow.state)))
        for _ in range(8):  # one goes on, the other is taken down and up again at each step
            assert ahead.advance(house.at_us) == twin.advance(house.at_us)
            twin = Machine(decode_snapshot(encode_snapshot(twin.state)))
            assert state_hash(ahead.state) == state_hash(twin.state)
