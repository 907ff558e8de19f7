"""One price for all: where backers' stakes meet layers' liabilities. Worked numbers: docs/rules/exchange.md.

Sizes wanted by backers never fall as the price rises and those of layers never rise, so the two cross once. The price
is the thousandth at which most is matched, then the one that leaves least over, then the lowest.
"""

from collections.abc import Sequence
from typing import Final

from overround.book.auction.types import HIGHEST_MILLI, LOWEST_MILLI, PARTS, Bid, Matched
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
    crossing = _lowest_like(bids, low)
    before = _lowest_like(bids, low - 1) if low > LOWEST_MILLI else crossing
    best = min((crossing, before), key=lambda found: (-min(found[1]), abs(found[1][0] - found[1][1]), found[0]))
    return best[0] if min(best[1]) >= PARTS else 0


def _lowest_like(bids: Sequence[Bid], price_milli: int) -> tuple[int, tuple[int, int]]:
    """The lowest price at which just as much is wanted on both sides as at this one."""
    sizes = sizes_at(bids, price_milli)
    low, high = LOWEST_MILLI, price_milli
    while low < high:
        middle = (low + high) // 2
        if sizes_at(bids, middle) == sizes:
            high = middle
        else:
            low = middle + 1
    return low, sizes


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
