"""What changed between two pictures of a market, told so that a plain client of ours and betfairlightweight's own cache
arrive at the second picture from the first."""

import json
import time
from typing import Any

import msgspec
import pytest
from betfairlightweight.streaming.cache import MarketBookCache
from hypothesis import given
from hypothesis import strategies as st

from overround.edge.betfair.asked import Field
from overround.edge.betfair.figures import price, size
from overround.edge.betfair.pictures import Gallery, Ladder, Levels, Look, MarketPicture, delta, image
from overround.edge.betfair.subscribers import SEGMENT_BYTES, segments

EVERYTHING = Look(frozenset(Field), 3)
DEFINITION = {"status": "OPEN", "runners": [{"id": 7, "sortPriority": 1, "status": "ACTIVE"}], "version": 1}


class Runner:
    """A runner made by hand."""

    def __init__(self, ladders: dict[str, Ladder], *, stamp: int = 1, **figures: int) -> None:
        self.selection_id, self.handicap_milli, self.stamp = 7, 0, stamp
        self.ladders = ladders
        self.ltp_milli, self.tv_minor = figures.get("ltp", 0), figures.get("tv", 0)
        self.near_milli = self.far_milli = 0

    def ladder(self, name: str) -> Ladder:
        return self.ladders.get(name, {})

    def best(self, name: str, levels: int) -> Levels:
        ladder = self.ladders.get("atb" if name.endswith("tb") else "atl", {})
        return tuple(sorted(ladder.items(), reverse=name.endswith("tb"))[:levels])


class Market:
    id = 5

    def __init__(self, runner: Runner, definition: bytes) -> None:
        self.runners = [runner]
        self.tv_minor = runner.tv_minor
        self._definition = definition

    def definition(self) -> bytes:
        return self._definition


ladders = st.dictionaries(st.sampled_from([1_010, 1_500, 2_000, 2_020, 3_050, 1_000_000]), st.integers(1, 10**9))
states = st.fixed_dictionaries(
    {"atb": ladders, "atl": ladders, "trd": ladders},
    optional={"ltp": st.sampled_from([1_500, 2_000]), "tv": st.integers(1, 10**9)},
)
encoded = json.dumps(DEFINITION).encode()


def pictured(state: dict[str, Any], stamp: int, look: Look = EVERYTHING) -> MarketPicture:
    ladders: dict[str, Ladder] = {name: value for name, value in state.items() if isinstance(value, dict)}
    figures = {name: value for name, value in state.items() if isinstance(value, int)}
    return MarketPicture(Market(Runner(ladders, stamp=stamp, **figures), encoded), look, None)


def told(cache: MarketBookCache) -> dict[str, Any]:
    runner = cache.runners[0]
    return {
        "atb": {row[0]: row[1] for row in runner.available_to_back.order_book.values()},
        "atl": {row[0]: row[1] for row in runner.available_to_lay.order_book.values()},
        "trd": {row[0]: row[1] for row in runner.traded.order_book.values()},
        "batb": [(row[1], row[2]) for row in runner.best_available_to_back.order_book.values()],
    }


def wanted(state: dict[str, Any]) -> dict[str, Any]:
    named = {name: {price(at): size(minor) for at, minor in state[name].items()} for name in ("atb", "atl", "trd")}
    best = sorted(state["atb"].items(), reverse=True)[:3]
    return {**named, "batb": [(price(at), size(minor)) for at, minor in best]}


@given(states=st.lists(states, min_size=1, max_size=5))
def test_a_clients_cache_follows_from_picture_to_picture(states: list[dict[str, Any]]) -> None:
    cache = MarketBookCache("1.5", 0, True, False, False)
    before = None
    for stamp, state in enumerate(states):
        state["trd"] = {**(states[stamp - 1]["trd"] if stamp else {}), **state["trd"]}  # what was traded stays
        after = pictured(state, stamp)
        change = image(after) if before is None else delta(before, after)
        if change:
            cache.update_cache(json.loads(change), int(time.time() * 1_000), True)
        before = after
        assert told(cache) == wanted(state)


def test_an_image_has_everything_that_was_asked_for() -> None:
    shown = json.loads(image(pictured({"atb": {2_000: 5_000}, "atl": {}, "trd": {}, "ltp": 2_000, "tv": 100}, 1)))
    assert shown == {
        "id": "1.5",
        "img": True,
        "marketDefinition": DEFINITION,
        "tv": 1.0,
        "rc": [
            {
                "id": 7,
                "atb": [[2.0, 50.0]],
                "batb": [[0, 2.0, 50.0]],
                "bdatb": [[0, 2.0, 50.0]],
                "ltp": 2.0,
                "tv": 1.0,
            }
        ],
    }


@pytest.mark.parametrize(
    ("field", "names"),
    [
        (Field.EX_ALL_OFFERS, {"atb", "atl"}),
        (Field.EX_BEST_OFFERS, {"batb", "batl"}),
        (Field.EX_BEST_OFFERS_DISP, {"bdatb", "bdatl"}),
        (Field.EX_TRADED, {"trd"}),
        (Field.EX_LTP, {"ltp"}),
        (Field.EX_TRADED_VOL, {"tv"}),
        (Field.SP_TRADED, {"spb", "spl"}),
        (Field.EX_MARKET_DEF, set()),
    ],
)
def test_each_field_shows_its_own_and_nothing_else(field: Field, names: set[str]) -> None:
    full = {name: {2_000: 100} for name in ("atb", "atl", "trd", "spb", "spl")}
    shown = json.loads(image(pictured({**full, "ltp": 2_000, "tv": 5}, 1, Look(frozenset({field}), 3))))
    assert ("marketDefinition" in shown) == (field is Field.EX_MARKET_DEF)
    assert ("tv" in shown) == (field is Field.EX_TRADED_VOL)
    assert {name for row in shown.get("rc", []) for name in row} - {"id"} == names


def test_levels_that_went_are_emptied_from_the_end() -> None:
    look = Look(frozenset({Field.EX_BEST_OFFERS}), 3)
    before = pictured({"atb": {2_000: 100, 1_500: 200, 1_010: 300}}, 1, look)
    after = pictured({"atb": {1_500: 200}}, 2, look)
    assert json.loads(delta(before, after))["rc"] == [{"id": 7, "batb": [[0, 1.5, 2.0], [1, 0, 0], [2, 0, 0]]}]


def test_nothing_changed_is_nothing_told() -> None:
    state = {"atb": {2_000: 100}, "atl": {}, "trd": {}}
    assert delta(pictured(state, 1), pictured(state, 2)) == b""


def test_conflation_says_so() -> None:
    before, after = pictured({"atb": {2_000: 100}}, 1), pictured({"atb": {2_000: 200}}, 2)
    assert json.loads(delta(before, after, is_conflated=True))["con"] is True
    assert "con" not in json.loads(delta(before, after))


def test_a_gallery_makes_each_picture_and_difference_once() -> None:
    gallery, runner = Gallery(), Runner({"atb": {2_000: 100}})
    market = Market(runner, encoded)
    first = gallery.picture(market, EVERYTHING, 1)
    assert gallery.picture(market, EVERYTHING, 1) is first
    runner.ladders, runner.stamp = {"atb": {2_000: 300}}, 2
    second = gallery.picture(market, EVERYTHING, 2)
    assert gallery.delta(first, second) is gallery.delta(first, second)
    gallery.tidy()
    gallery.forget(market.id)
    assert gallery.picture(market, EVERYTHING, 2) is not second


def test_a_runner_that_did_not_change_keeps_its_picture() -> None:
    runner = Runner({"atb": {2_000: 100}})
    first = MarketPicture(Market(runner, encoded), EVERYTHING, None)
    second = MarketPicture(Market(runner, encoded), EVERYTHING, first)
    assert second.runners[7, 0] is first.runners[7, 0]


@given(lengths=st.lists(st.integers(1, SEGMENT_BYTES), max_size=30))
def test_segments_hold_everything_in_order_and_are_not_long(lengths: list[int]) -> None:
    changes = [bytes(length) for length in lengths]
    parts = segments(changes)
    assert [change for part in parts for change in part] == changes
    assert all(sum(map(len, part)) <= SEGMENT_BYTES for part in parts)


def test_nothing_in_an_image_is_not_json() -> None:
    msgspec.json.decode(image(pictured({"atb": {}, "atl": {}, "trd": {}}, 1)))
