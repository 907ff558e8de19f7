"""Recorded orders for the starting price: what waits before the off, and the price that is made at it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.feeds.betfair.words import Ring

from overround.book.exposure import Side


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
