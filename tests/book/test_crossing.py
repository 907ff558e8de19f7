"""Cross matching against its plain twin, what it leaves unmatched, and what an order sees of its own request."""

import random
import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.book.cross_twin import PASSES, STEPS, TRIES, CrossTwin, Rests
from tests.book.test_exchange_rules import milli, pence, rows

from overround.book import matching
from overround.book.exposure import Side
from overround.book.matching import Fill, Order, OrderType, RunnerBook, Target, Want
from overround.book.matching import rules as matching_rules
from overround.kernel.ladder import CLASSIC, Ladder

ME = 1


def books_of(orders: list[Rests], runners: int) -> list[RunnerBook]:
    books = [RunnerBook() for _ in range(runners)]
    for one in sorted(orders, key=lambda one: one.came):
        books[one.runner].half(one.side).rest(as_order(one))
    return books


def as_order(one: Rests) -> Order:
    return Order(
        one.id, one.customer, 1, one.runner, one.side, OrderType.LIMIT, one.price, one.left, 0, remaining_minor=one.left
    )


def told(fills: list[Fill]) -> list[tuple[int, int, tuple[tuple[int, int], ...]]]:
    return [
        (
            fill.price_milli,
            fill.size_minor,
            ((fill.maker.id, fill.size_minor),)
            if fill.maker is not None
            else tuple((order.id, size) for order, size in fill.others),
        )
        for fill in fills
    ]


def drawn_book(rng: random.Random, runners: int, *, joined: bool) -> tuple[list[Rests], list[Rests]]:
    """A book that is not crossed on any runner, and what the customer's own request put there before."""
    orders: list[Rests] = []
    dust = rng.random() < 0.4
    for runner in range(runners):
        middle = CLASSIC.index(Ladder().floor(1_000 * runners)) + rng.randint(-15, 15)
        for side in Side:
            for _ in range(rng.choice((0, 1, 2, 3, 5)) if rng.random() < 0.05 else rng.randint(1, 5)):
                away = rng.randint(1, 7)
                price = CLASSIC[middle + away if side is Side.BACK else middle - away]
                size = rng.choice((1, 2, 7, 40)) if dust and rng.random() < 0.5 else rng.randint(100, 4_000)
                orders.append(Rests(len(orders) + 1, rng.randint(1, 12), runner, side, price, size, len(orders)))
    own: list[Rests] = []
    for _ in range(rng.randint(1, 3) if joined else 0):
        number = len(orders) + len(own)
        runner, price = rng.randrange(runners), CLASSIC[CLASSIC.index(Ladder().floor(1_000 * runners)) + 5]
        own.append(Rests(number + 1, ME, runner, rng.choice(list(Side)), price, rng.randint(1, 900), number))
    return orders, own


@pytest.mark.parametrize("seed", range(6))
def test_the_plain_twin_of_cross_matching_agrees_to_the_penny(seed: int) -> None:
    rng, crossed = random.Random(seed), 0
    for number in range(150):
        runners = rng.choice((2, 3, 3, 3, 4, 6))
        orders, own = drawn_book(rng, runners, joined=number % 3 == 0)
        runner, side, size = rng.randrange(runners), rng.choice(list(Side)), rng.choice((1, 30, 250, 5_000))
        middle = CLASSIC.index(Ladder().floor(1_000 * runners))
        limit = CLASSIC[middle + rng.randint(-20, 20)]
        active = [each for each in range(runners) if each == runner or rng.random() < 0.97]
        if len(active) < 2:
            continue
        if rng.random() < 0.6:  # nobody is there directly
            orders = [one for one in orders if one.runner != runner or one.side is side]

        def joined(at: int, on: Side, own: list[Rests] = own) -> list[Order]:
            found = [as_order(one) for one in own if (one.runner, one.side) == (at, on)]
            return sorted(found, key=lambda order: order.price_milli if on is Side.BACK else -order.price_milli)

        fills = matching.match_across(
            books_of(orders, runners), active, Ladder(), ME, runner, side, limit, Want(Target.SIZE, size), {}, joined
        )
        twin = CrossTwin(CLASSIC, active, orders + own, ME, runner, side, limit, size)
        assert told(fills) == twin.run(), (seed, number)
        crossed += any(fill.maker is None for fill in fills)
    assert crossed > 15


def test_the_twin_has_the_numbers_of_the_page() -> None:
    assert (STEPS, TRIES, PASSES) == (
        matching_rules.CROSS_STEPS,
        matching_rules.CROSS_TRIES,
        matching_rules.CROSS_PASSES,
    )


@pytest.mark.parametrize("row", rows("Cross matching", "order"), ids=lambda row: f"{row['order']}; {row['others']}")
def test_what_a_cross_match_leaves_is_the_page(row: dict[str, str]) -> None:
    side, size, limit = re.fullmatch(r"(back|lay) (\S+) at (\S+)", row["order"]).groups()  # type: ignore[union-attr]
    books = [RunnerBook() for _ in range(3)]
    for runner, (part, price) in enumerate((each.split(" at ") for each in row["others"].split(", ")), 1):
        books[runner].half(Side(side)).rest(
            as_order(Rests(runner, 2, runner, Side(side), milli(price), pence(part), runner))
        )
    want = Want(Target.SIZE, pence(size))
    fills = matching.match_across(books, range(3), Ladder(), ME, 0, Side(side), milli(limit), want, {})
    met = ", ".join(f"{Decimal(fill.size_minor) / 100:g} at {Decimal(fill.price_milli) / 1000:.2f}" for fill in fills)
    assert (met or "–", want.left) == (row["matched"], pence(row["left"]))


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.sampled_from(CLASSIC[:250]), st.integers(1, 50_000)), min_size=1, max_size=5),
    st.sampled_from(list(Side)),
    st.sampled_from(CLASSIC),
    st.integers(1, 50_000),
)
def test_what_a_cross_match_leaves_is_less_than_a_penny_for_every_other_runner(
    others: list[tuple[int, int]], side: Side, limit: int, size: int
) -> None:
    """Of what could be had at the limit: its payout times the room that the limit leaves, or no whole penny of it."""
    books = [RunnerBook() for _ in range(len(others) + 1)]
    for runner, (price, amount) in enumerate(others, 1):
        books[runner].half(side).rest(as_order(Rests(runner, 2, runner, side, price, amount, runner)))
    fills = matching.match_across(books, range(len(books)), Ladder(), ME, 0, side, limit, Want(Target.SIZE, size), {})
    left = {
        order.id: order.remaining_minor
        for book in books
        for level in book.half(side).levels.values()
        for order in level.orders
    }
    for fill in fills:
        size -= fill.size_minor
        for order, part in fill.others:
            left[order.id] -= part
    chances = sum((Fraction(1_000, price) for price, _ in others), Fraction(1_000, limit))
    room = chances - 1 if side is Side.BACK else 1 - chances
    worth = min(size * limit, *(left[runner] * price for runner, (price, _) in enumerate(others, 1)))
    least = max(limit, *(price for price, _ in others)) if side is Side.BACK else 1
    whole = max(worth // price * price for price in (limit, *(price for price, _ in others)))
    endless = side is Side.BACK and chances - Fraction(1_000, limit) >= 1  # then there is no virtual price
    assert endless or room < 0 or whole < least or whole * room < 1_000 * len(others)
