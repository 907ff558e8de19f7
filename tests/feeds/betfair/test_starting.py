"""Recorded orders for the starting price: what waits before the off, and the price that is made at it."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.feeds.betfair.words import STREAMS, Ring

from overround.book import auction
from overround.book.auction import LOWEST_MILLI, NEAR_STEP_MILLI, Bid
from overround.book.exposure import Side
from overround.feeds.betfair.mirror import MarketMirror, RunnerMirror, key_of
from overround.feeds.betfair.recording import read


@pytest.fixture
def ring() -> Ring:
    return Ring().open()


def test_recorded_orders_for_the_starting_price_wait_as_recorded(ring: Ring) -> None:
    backs, lays = ring.at_start(spl=[[1.01, 40], [3.0, 5]], spb=[[1000, 90], [4.0, 12.5]]).waiting
    assert backs == {1.01: 40, 3.0: 5}
    assert lays == {1000: 90, 4.0: 12.5}
    assert ring.at_start(spl=[[1.01, 41.5]]).waiting[0] == {1.01: 41.5, 3.0: 5}


def test_nothing_for_the_starting_price_is_taken_back(ring: Ring) -> None:
    """What rates of exchange take off a recorded ladder stays, and does not come twice."""
    ring.at_start(spl=[[1.01, 40]]).at_start(spl=[[1.01, 39.5]]).at_start(spl=[[1.01, 0]]).at_start(spl=[[1.01, 40]])
    assert ring.waiting == ({1.01: 40}, {})


def test_prices_off_the_ladder_are_left_out(ring: Ring) -> None:
    ring.at_start(spl=[[16.178, 40], [3.0, 5]])
    assert ring.waiting == ({3.0: 5}, {})


def test_the_starting_price_is_the_recorded_one_where_one_side_has_more(ring: Ring) -> None:
    ring.at_start(spl=[[1.01, 40_000], [6.0, 700]], spb=[[1000, 90], [4.0, 12_000]])
    assert ring.off(4.347) == 4.347


def test_a_bot_at_the_starting_price_gets_it(ring: Ring) -> None:
    ring.at_start(spl=[[1.01, 400]], spb=[[1000, 900]])
    backer = ring.bot_at_start(Side.BACK, 5)
    price = ring.off(4.347)
    assert ring.matched(backer) == 5.0
    assert 4.3 < price <= 4.347


PRICES = st.sampled_from((1.01, 1.5, 3.0, 12.5, 240, 1000))
ROWS = st.dictionaries(PRICES, st.sampled_from((0.01, 0.07, 5, 333.33, 40_000)), max_size=4)


@settings(max_examples=60)
@given(st.lists(st.tuples(ROWS, ROWS), max_size=3), st.sampled_from((1.011, 1.5, 2.0, 3.333, 12.5, 244.721, 999.999)))
def test_whatever_waits_the_starting_price_is_the_recorded_one(
    story: list[tuple[dict[float, float], dict[float, float]]], price: float
) -> None:
    ring = Ring().open()
    highest: tuple[dict[float, float], dict[float, float]] = {}, {}
    for spl, spb in story:
        ring.at_start(spl=list(spl.items()), spb=list(spb.items()))
        for most, rows in zip(highest, (spl, spb), strict=True):
            most.update({at: max(size, most.get(at, 0)) for at, size in rows.items()})
        assert ring.waiting == highest
    assert ring.off(price) == price


RECORDING = STREAMS / "limx0-betfair_parser__1.205822330.bz2"


@pytest.mark.skipif(not RECORDING.exists(), reason=f"no recorded streams in {STREAMS}")
def test_the_near_and_far_prices_of_a_recording_follow_from_what_else_it_says() -> None:
    """As docs/sandbox.md counts them. Recorded sizes were changed from another currency and so are pence off."""
    counted = Counter[str]()
    market = MarketMirror("1.205822330")
    for message in read(RECORDING):
        for change in message.mc:
            market.definition = change.definition or market.definition
            assert market.definition is not None
            market.apply(change)
            for row in change.rc if not market.definition.in_play else ():
                if row.spn is not None or row.spf is not None:
                    runner = market.runners[key_of(row.id, row.hc)]
                    near, far = projected(runner)
                    counted["told"] += 1
                    counted["near"] += near == told(runner.near_milli)
                    counted["far"] += far == told(runner.far_milli)
    assert counted == {"told": 980, "near": 966, "far": 978}


def told(price_milli: int) -> int:
    """It says 1.0 where one side has nobody."""
    return price_milli if price_milli > 1_000 else 0


def projected(runner: RunnerMirror) -> tuple[int, int]:
    backs = [Bid(n, Side.BACK, max(price, LOWEST_MILLI), size) for n, (price, size) in enumerate(runner.spl.items())]
    lays = [Bid(-n, Side.LAY, price, size, by_liability=True) for n, (price, size) in enumerate(runner.spb.items(), 1)]
    start = backs + lays
    near = auction.near(start, sorted(runner.atl.items()), sorted(runner.atb.items(), reverse=True))
    return near, auction.price(start) // NEAR_STEP_MILLI * NEAR_STEP_MILLI
