"""What each temperament looks for, and what they leave alone."""

import random

import pytest

from overround.feeds.bettors import TEMPERAMENTS, Pick, Temperament, crowd

ROUNDS = 300


def pick(market_id: int, selection_id: int, price_milli: int, *, in_play: bool = False, chance: float = 0.0) -> Pick:
    return Pick(
        event_id=1,
        market_id=market_id,
        market_version=4,
        kind="1x2",
        in_play=in_play,
        selection_id=selection_id,
        price_milli=price_milli,
        chance=chance,
    )


BOARD = (
    pick(1, 1, 1_500, chance=0.62),
    pick(1, 2, 4_200, chance=0.23),
    pick(1, 3, 7_000, chance=0.15),
    pick(2, 1, 2_500, in_play=True, chance=0.39),
    pick(2, 2, 3_200, in_play=True, chance=0.30),
    pick(2, 3, 12_000, in_play=True, chance=0.31),
)


def temperament(name: str) -> Temperament:
    return next(each for each in TEMPERAMENTS if each.name == name)


def prices_taken(name: str) -> set[int]:
    chance = random.Random(1)
    wishes = [temperament(name).wish(BOARD, chance) for _ in range(ROUNDS)]
    return {wish.pick.price_milli for wish in wishes if wish is not None}


@pytest.mark.parametrize(
    ("name", "prices"),
    [
        ("casual", {1_500, 2_500, 3_200, 4_200, 7_000}),
        ("favourite", {1_500, 2_500}),
        ("long-shot", {7_000, 12_000}),
        ("chaser", {2_500}),
    ],
)
def test_what_they_look_for(name: str, prices: set[int]) -> None:
    assert prices_taken(name) == prices


def test_a_hunter_finds_the_price_that_is_far_above_its_chance() -> None:
    assert prices_taken("hunter") == {12_000}


@pytest.mark.parametrize("each", TEMPERAMENTS, ids=lambda each: each.name)
def test_an_empty_board_makes_nobody_bet(each: Temperament) -> None:
    assert each.wish((), random.Random(1)) is None


@pytest.mark.parametrize("each", TEMPERAMENTS, ids=lambda each: each.name)
def test_stakes_are_whole_and_modest(each: Temperament) -> None:
    chance = random.Random(1)
    for _ in range(ROUNDS):
        wish = each.wish(BOARD, chance)
        assert wish is None or 50 <= wish.stake_minor <= 20_000


def test_a_hunter_takes_the_very_price_and_version_seen() -> None:
    wishes = [temperament("hunter").wish(BOARD, random.Random(seed)) for seed in range(9)]
    assert {(wish.odds_change, wish.market_version) for wish in wishes if wish} == {("none", 4)}


def test_a_crowd_has_all_temperaments_even_when_small() -> None:
    assert {each.name for each in crowd(10)} == {each.name for each in TEMPERAMENTS}
    assert len(crowd(45)) == 45
