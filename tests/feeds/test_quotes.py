"""What a maker offers: on the ladder, on either side of the fair price, and never more than it would lose."""

from bisect import bisect_left

from hypothesis import given
from hypothesis import strategies as st

from overround.feeds.quotes import LEVELS, LONGEST_MILLI, MOST_LIABILITY, MOST_SIZE, quotes
from overround.kernel.ladder import CLASSIC

ANY_CHANCE = st.floats(0, 1, allow_nan=False)


@given(st.lists(ANY_CHANCE, max_size=4))
def test_every_order_is_one_that_an_exchange_takes_and_none_crosses_another(chances: list[float]) -> None:
    for quote in quotes(chances):
        fair_milli = 1_000 / chances[quote.runner]
        assert quote.price_milli in CLASSIC
        assert quote.price_milli <= LONGEST_MILLI
        assert quote.price_milli < fair_milli if quote.side == "LAY" else quote.price_milli > fair_milli
        assert 2 <= quote.size <= MOST_SIZE
        assert quote.size == int(quote.size)
        at_risk = quote.size * (quote.price_milli - 1_000) / 1_000
        assert at_risk <= max(MOST_LIABILITY, 2 * LONGEST_MILLI / 1_000)


@given(st.floats(0.01, 0.9))
def test_an_open_runner_has_every_level_on_both_sides(chance: float) -> None:
    offered = quotes([chance])
    for side in ("LAY", "BACK"):
        places = [bisect_left(CLASSIC, quote.price_milli) for quote in offered if quote.side == side]
        assert len(places) == LEVELS
        assert max(places) - min(places) == LEVELS - 1


def test_a_runner_that_is_in_or_out_has_none() -> None:
    assert quotes([0.0, 1.0, 0.001, 0.999]) == ()
