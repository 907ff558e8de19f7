"""A recorded ladder as a market maker's orders: what is placed, cut and traded, and what a bot in between gets."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.feeds.betfair.words import RED, Ring, definition

from overround.book.exposure import Side
from overround.feeds.betfair.mirror import milli, minor
from overround.feeds.betfair.recording import RunnerNamed


@pytest.fixture
def ring() -> Ring:
    return Ring().open()


def test_a_ladder_is_placed_and_kept_in_step(ring: Ring) -> None:
    ring.recorded(atb=[[3.0, 10], [2.98, 5]], atl=[[3.05, 4]])
    assert ring.drawn == "3×10 2.98×5 / 3.05×4"
    ring.recorded(atb=[[3.0, 12], [2.98, 0]], atl=[[3.05, 1.5], [3.1, 0.01]])
    assert ring.drawn == "3×12 / 3.05×1.5 3.1×0.01"
    ring.recorded(atb=[[3.0, 0]], atl=[[3.05, 0], [3.1, 0]])
    assert ring.drawn == "/"


def test_a_recorded_trade_takes_what_was_there(ring: Ring) -> None:
    ring.recorded(atb=[[3.0, 10]], atl=[[3.05, 4]])
    ring.recorded(atb=[[3.0, 6]], trd=[[3.0, 8]], ltp=3.0)
    assert (ring.drawn, ring.traded, ring.last) == ("3×6 / 3.05×4", {3.0: 8.0}, 3.0)
    assert ring.maker.counts.cancelled == 0


def test_a_trade_between_the_prices_and_one_beyond_them(ring: Ring) -> None:
    ring.recorded(atb=[[3.0, 10]], atl=[[3.2, 4]])
    ring.recorded(trd=[[3.1, 2]], ltp=3.1)
    assert (ring.drawn, ring.last) == ("3×10 / 3.2×4", 3.1)
    ring.recorded(trd=[[2.9, 2]], ltp=2.9)
    assert (ring.drawn, ring.traded, ring.last) == ("3×10 / 3.2×4", {2.9: 2.0, 3.1: 2.0}, 2.9)
    assert ring.maker.counts.moved_aside == 1


def test_a_line_market_is_kept_in_step() -> None:
    """A back sells a line, a lay buys one: who waits is met as on any other ladder."""
    units = {"line_min_unit": 0.5, "line_max_unit": 400.5, "line_interval": 1.0}
    runs = definition(betting_type="LINE", bsp_market=False, runners=(RunnerNamed(id=RED),), **units)
    ring = Ring(runs).open()
    ring.recorded(atb=[[140.5, 10]], atl=[[143.5, 4]])
    bot = ring.bot(Side.LAY, 141.5, 5)
    ring.recorded(trd=[[141.5, 4]], ltp=141.5)
    assert (ring.drawn, ring.matched(bot), ring.last) == ("141.5×3 140.5×10 / 143.5×4", 2.0, 141.5)


def test_a_bot_waits_behind_what_was_there_before_it(ring: Ring) -> None:
    ring.recorded(atb=[[3.0, 10]])
    bot = ring.bot(Side.LAY, 3.0, 5)
    ring.recorded(atb=[[3.0, 14]])
    ring.recorded(atb=[[3.0, 4]], trd=[[3.0, 20]], ltp=3.0)
    assert ring.matched(bot) == 0.0
    ring.recorded(trd=[[3.0, 26]])
    assert ring.matched(bot) == 3.0
    assert ring.traded == {3.0: 26.0}
    assert ring.drawn == "3×6 /"


def test_what_is_withdrawn_was_behind_the_bot(ring: Ring) -> None:
    """The newest orders leave first: nothing is given to a bot that the recording does not prove."""
    ring.recorded(atb=[[3.0, 10]])
    bot = ring.bot(Side.LAY, 3.0, 5)
    ring.recorded(atb=[[3.0, 20]])
    ring.recorded(atb=[[3.0, 10]])
    ring.recorded(trd=[[3.0, 20]], atb=[[3.0, 0]])
    assert ring.matched(bot) == 0.0


def test_a_better_price_of_a_bots_is_met_first(ring: Ring) -> None:
    ring.recorded(atb=[[3.0, 10]], atl=[[3.2, 4]])
    bot = ring.bot(Side.LAY, 3.1, 5)
    ring.recorded(trd=[[3.0, 4]], ltp=3.0)
    assert ring.matched(bot) == 2.0
    assert ring.drawn == "3.1×3 3×10 / 3.2×4"


def test_what_a_bot_took_stays_taken_until_the_recording_moves(ring: Ring) -> None:
    ring.recorded(atb=[[3.0, 10]])
    ring.bot(Side.BACK, 3.0, 4)
    assert ring.drawn == "3×6 /"
    ring.recorded(atl=[[3.1, 5]])
    assert ring.drawn == "3×6 / 3.1×5"
    ring.recorded(atb=[[3.0, 11]], atl=[[3.1, 0]])
    assert ring.drawn == "3×11 /"
    ring.recorded(atb=[[3.0, 0]])
    assert ring.drawn == "/"


def test_a_recording_without_volumes_trades_a_pound_at_each_last_price(ring: Ring) -> None:
    ring.maker.trades_told = False
    ring.recorded(ltp=3.0).recorded(ltp=3.0).recorded(ltp=3.1)
    assert (ring.drawn, ring.traded, ring.last) == ("/", {3.0: 2.0, 3.1: 2.0}, 3.1)


def test_volumes_without_prices_are_traded_at_the_last(ring: Ring) -> None:
    ring.maker.trades_told = False
    ring.recorded(ltp=3.0, tv=100.0).recorded(ltp=3.05, tv=130.0)
    assert ring.traded == {3.0: 100.0, 3.05: 30.0}


def test_only_best_offers_are_a_ladder_too(ring: Ring) -> None:
    ring.recorded(batb=[[0, 3.0, 10], [1, 2.98, 4]])
    ring.recorded(batb=[[0, 3.05, 2], [1, 3.0, 10]])
    assert ring.drawn == "3.05×2 3×10 /"


def test_where_both_sides_cross_the_layers_give_way(ring: Ring) -> None:
    ring.recorded(atb=[[3.0, 10], [3.1, 2]], atl=[[3.05, 4]])
    assert ring.drawn == "3×10 / 3.05×4"


def test_prices_off_the_ladder_are_left_out(ring: Ring) -> None:
    ring.recorded(atb=[[3.01, 10], [3.0, 1]], trd=[[3.017, 4]], ltp=3.017)
    assert (ring.drawn, ring.traded) == ("3×1 /", {})


def test_a_market_that_is_not_open_only_loses_orders(ring: Ring) -> None:
    ring.recorded(atb=[[3.0, 10]])
    ring.stage.status = "SUSPENDED"
    ring.recorded(atb=[[3.0, 2], [2.9, 7]])
    assert ring.drawn == "3×2 /"
    ring.stage.status = "OPEN"
    ring.recorded()
    assert ring.drawn == "3×2 2.9×7 /"


PRICES = (2.96, 2.98, 3.0, 3.05, 3.1, 3.15)
SIZES = st.sampled_from((0, 0.01, 1, 2.5, 40))
ROWS = st.dictionaries(st.sampled_from(PRICES), SIZES, max_size=4)


STORY = st.lists(st.tuples(ROWS, ROWS, st.sampled_from(PRICES), st.integers(0, 3)), min_size=1, max_size=8)


@settings(max_examples=30)
@given(STORY)
def test_whatever_is_recorded_our_book_is_the_same(story: list[tuple[dict[float, float], ...]]) -> None:
    """Ladders and traded volumes after every message, whatever order they change in; nothing of it is refused."""
    ring = Ring().open()
    volumes: dict[float, float] = {}
    for atb, atl, price, more in story:
        volumes[price] = volumes.get(price, 0) + 2 * more  # type: ignore[index,call-overload,operator]
        rows = {"atb": list(atb.items()), "atl": list(atl.items())}
        trades = [[at, size] for at, size in volumes.items() if size]
        ring.recorded(**rows, trd=trades, ltp=price)
        wanted_back, wanted_lay = ring.mirror.runners[RED, 0].offers()
        book = ring.machine.state.exchange.orders.books[ring.market].runners[0]
        assert {at: level.size_minor for at, level in book.lays.levels.items()} == wanted_back
        assert {at: level.size_minor for at, level in book.backs.levels.items()} == wanted_lay
        assert {at: 2 * size for at, size in book.traded.items()} == {
            milli(at): minor(size) for at, size in volumes.items() if size
        }
