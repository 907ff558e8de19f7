"""Slips that bettors write, and what they come to in a request."""

import random

import msgspec
import pytest
from tests.feeds.test_bettors import pick

from overround.book.tickets import SYSTEMS
from overround.edge.tickets import TicketBody
from overround.feeds.bettors import Pick
from overround.feeds.punters import PUNTERS, Punter, crowd

BOARD = tuple(
    msgspec.structs.replace(pick(10 * event + market, selection, price_milli), event_id=event)
    for event in range(1, 9)
    for market in (1, 2)
    for selection, price_milli in ((1, 1_800), (2, 3_500), (3, 5_500))
)


def punter(name: str) -> Punter:
    return next(each for each in PUNTERS if each.name == name)


@pytest.mark.parametrize("each", PUNTERS, ids=lambda each: each.name)
def test_slips_are_of_different_matches_and_are_tickets_to_the_house(each: Punter) -> None:
    chance = random.Random(1)
    for _ in range(200):
        wish = each.wish(BOARD, chance)
        assert wish is not None
        events = [one.event_id for one in wish.picks]
        assert len(set(events)) == len(events)
        body = msgspec.convert(wish.body("EUR"), TicketBody)
        if wish.system:
            assert SYSTEMS[wish.system].legs == len(body.bets[0].legs)
        assert body.refer == (each.name == "high-roller")


@pytest.mark.parametrize("each", PUNTERS, ids=lambda each: each.name)
def test_a_board_that_is_too_small_makes_no_slip(each: Punter) -> None:
    nothing: tuple[Pick, ...] = ()
    assert each.wish(nothing, random.Random(1)) is None


def test_a_small_crowd_has_every_kind() -> None:
    assert {each.name for each in crowd(4)} == {each.name for each in PUNTERS}
    assert len(crowd(30)) == 30
