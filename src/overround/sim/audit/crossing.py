"""Which cross match was due: the one price at which nobody can say that it does not work, from the page alone."""

from collections.abc import Sequence
from fractions import Fraction

from overround.kernel.ladder import CLASSIC

EVENS = 1_000
Level = tuple[int, int]
"""A price, and how much rests there that an order may meet."""


def is_due(*, backs: bool, price: int, left: int, levels: Sequence[Level]) -> bool:
    """Whether an order of this size surely meets the best level of every other runner at this price or a better one.

    All parts pay the same, as much as the smallest can. That costs the house nothing where backs of all of them are a
    certainty, or lays of all less than one; and whole pence cost less than a penny on every other runner. Below that
    a cross match may be found or not, which is not looked at here.
    """
    chances = [Fraction(EVENS, other) for other, _ in levels]
    if not levels or sum(chances) >= 1:
        return False
    payout = min(left * price, *(size * other for other, size in levels))
    room = sum(chances) + Fraction(EVENS, price) - 1
    if backs:
        return payout >= max(price, *(other for other, _ in levels)) and payout * room >= EVENS * len(levels)
    return payout * -room >= EVENS * len(levels)


def better_than(price: int, *, backs: bool) -> int:
    """The next price that an order would rather have; 0 where there is none."""
    prices = CLASSIC if backs else reversed(CLASSIC)
    return next((each for each in prices if (each > price if backs else each < price)), 0)
