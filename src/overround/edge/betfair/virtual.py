"""What cross matching offers beside the orders themselves, for display: prices that backs (or lays) on all other
runners make together. Who matches in the end is decided by the book alone."""

from collections.abc import Sequence

from overround.book.exposure import Side
from overround.book.matching import virtual_milli
from overround.edge.betfair.pictures import Levels
from overround.kernel.ladder import MAX_ODDS_MILLI, MIN_ODDS_MILLI, Ladder

MAX_STEPS = 64
"""How often a level of another runner is used up before the display ends."""


def any_price(side: Side) -> int:
    """The limit that an order which takes any starting price is shown at."""
    return MIN_ODDS_MILLI if side is Side.BACK else MAX_ODDS_MILLI


def levels_of(others: Sequence[Levels], side: Side, ladder: Ladder, levels: int) -> Levels:
    """The prices for an order of `side` on a runner, from the resting orders of that side on all others, best first."""
    if not others or not all(others):
        return ()
    left = [[size for _, size in own] for own in others]
    place = [0] * len(others)
    found: dict[int, int] = {}
    for _ in range(MAX_STEPS):
        if any(at >= len(own) for at, own in zip(place, others, strict=True)):
            break
        prices = [own[at][0] for at, own in zip(place, others, strict=True)]
        price = virtual_milli(prices, side, ladder)
        if not price or (price not in found and len(found) >= levels):
            break
        value = min(sizes[at] * each for sizes, at, each in zip(left, place, prices, strict=True))
        if value // price:
            found[price] = found.get(price, 0) + value // price
        for number, each in enumerate(prices):
            left[number][place[number]] -= -(-value // each)
            if left[number][place[number]] <= 0:
                place[number] += 1
    return tuple(found.items())


def merged(direct: Levels, crossed: Levels, sign: int, levels: int) -> Levels:
    """Both together, best first: `sign` is 1 where the highest price is the best, −1 where the lowest is."""
    both = dict(direct)
    for price, size in crossed:
        both[price] = both.get(price, 0) + size
    return tuple(sorted(both.items(), key=lambda level: -sign * level[0])[:levels])
