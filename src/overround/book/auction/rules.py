"""One price for all: where backers' stakes meet layers' liabilities. Worked numbers: docs/rules/exchange.md.

Sizes wanted by backers never fall as the price rises and those of layers never rise, so the two cross once. The price
is the thousandth at which most is matched, then the one that leaves least over, then the highest, so that whoever takes
any price gets what is on offer.
"""

from collections.abc import Sequence
from typing import Final

from overround.book.auction.types import HIGHEST_MILLI, LOWEST_MILLI, NEAR_STEP_MILLI, PARTS, Bid, Levels, Matched
from overround.book.exposure import Side

BACK: Final = Side.BACK


def sizes_at(bids: Sequence[Bid], price_milli: int) -> tuple[int, int]:
    """What backers and what layers want at a price, in thousandths of a minor unit."""
    backs = lays = 0
    for bid in bids:
        size = bid.size_at(price_milli, PARTS)
        if bid.side is BACK:
            backs += size
        else:
            lays += size
    return backs, lays


def price(bids: Sequence[Bid]) -> int:
    """The starting price in thousandths; 0 where nothing would be matched at any."""
    low, high = LOWEST_MILLI, HIGHEST_MILLI
    while low < high:
        middle = (low + high) // 2
        backs, lays = sizes_at(bids, middle)
        if backs >= lays:
            high = middle
        else:
            low = middle + 1
    found = [_highest_like(bids, low)]
    if low > LOWEST_MILLI:
        found.append((low - 1, sizes_at(bids, low - 1)))
    best = min(found, key=lambda each: (-min(each[1]), abs(each[1][0] - each[1][1]), -each[0]))
    return best[0] if min(best[1]) >= PARTS else 0


def _highest_like(bids: Sequence[Bid], price_milli: int) -> tuple[int, tuple[int, int]]:
    """The highest price at which just as much is wanted on both sides as at this one."""
    sizes = sizes_at(bids, price_milli)
    low, high = price_milli, HIGHEST_MILLI
    while low < high:
        middle = (low + high + 1) // 2
        if sizes_at(bids, middle) == sizes:
            low = middle
        else:
            high = middle - 1
    return low, sizes


def near(start: Sequence[Bid], backs: Levels, lays: Levels) -> int:
    """Betfair's near price, in thousandths, rounded down to hundredths; 0 where there is none.

    Orders for the starting price meet each other at it; what one side of them wants more is met by what rests (levels,
    best first), each at its own price, and the near price is the one that the average of these is. Where nobody wants
    the starting price it is half-way between the best offers.
    """
    if not start:
        return (backs[0][0] + lays[0][0]) // 2 // NEAR_STEP_MILLI * NEAR_STEP_MILLI if backs and lays else 0
    low, high = LOWEST_MILLI // NEAR_STEP_MILLI - 1, HIGHEST_MILLI // NEAR_STEP_MILLI
    while low < high:  # the last price that the average does not lie below
        middle = (low + high + 1) // 2
        if _leans(start, backs, lays, middle * NEAR_STEP_MILLI)[0] >= 0:
            low = middle
        else:
            high = middle - 1
    prices = [at * NEAR_STEP_MILLI for at in (low, low + 1)]
    within = [at for at in prices if LOWEST_MILLI <= at <= HIGHEST_MILLI]
    best = max(within, key=lambda at: (_leans(start, backs, lays, at)[1], -at))
    return best if _leans(start, backs, lays, best)[1] >= PARTS else 0


def _leans(start: Sequence[Bid], backs: Levels, lays: Levels, price_milli: int) -> tuple[int, int]:
    """Whether the average of what rests and is needed at a price lies above it (or at it, 0) or below, and how much is
    matched there."""
    wanted, offered = sizes_at(start, price_milli)
    left = abs(wanted - offered)
    if not left:  # what rests is not needed here, and is where there is a better price for one side
        return bool(lays and lays[0][0] > price_milli) - bool(backs and backs[0][0] < price_milli), wanted
    lean = matched = 0
    for at_milli, size_minor in lays if wanted > offered else backs:
        size = min(size_minor * PARTS, left - matched)
        matched += size
        lean += size * (at_milli - price_milli)
        if matched == left:
            break
    if not matched:  # nobody is there to meet them: the price goes where they do not want more
        lean = offered - wanted
    return lean, min(wanted, offered) + matched


def allot(bids: Sequence[Bid], price_milli: int) -> tuple[Matched, ...]:
    """Who meets whom at the price: those who would have taken a worse one first, then first come."""
    backs = _queue([bid for bid in bids if bid.side is Side.BACK], price_milli)
    lays = _queue([bid for bid in bids if bid.side is Side.LAY], price_milli)
    matched: list[Matched] = []
    while backs and lays:
        size = min(backs[-1][1], lays[-1][1])
        matched.append(Matched(backs[-1][0], lays[-1][0], size))
        for queue in (backs, lays):
            queue[-1][1] -= size
            if not queue[-1][1]:
                queue.pop()
    return tuple(matched)


def _queue(bids: list[Bid], price_milli: int) -> list[list[int]]:
    """Orders and their sizes at the price, the first one last."""
    sign = 1 if bids and bids[0].side is Side.BACK else -1
    ranked = sorted(bids, key=lambda bid: (sign * bid.limit_milli, bid.order), reverse=True)
    return [[bid.order, size] for bid in ranked if (size := bid.size_at(price_milli))]
