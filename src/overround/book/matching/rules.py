"""Who matches whom: best price first, then first come, and direct before virtual. docs/rules/exchange.md has the books.

Everything here reads and changes nothing. What orders of the same request have already taken is in `taken`, by order.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from overround.book.exposure import Side
from overround.book.matching.types import Half, Order, Placed, RunnerBook, Target
from overround.kernel.ladder import Ladder
from overround.kernel.price import UNIT

# Members found once: Python 3.11 takes longer to look one up in its enum than to compare it.
BACK: Final = Side.BACK
SIZE: Final = Target.SIZE

CROSS_ROUNDS: Final = 12
"""How often the sizes of a cross match are trimmed before that price is given up for it."""

CROSS_STEPS: Final = 3
"""How many prices are tried for a cross match: the virtual one and the next ones of the ladder, ever worse."""


class Fill(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an order gets: `size_minor` of its own at a price, from one resting order, or with `others` from the first
    resting order of every other runner at once, each with its own size."""

    price_milli: int
    size_minor: int
    maker: Order | None
    others: tuple[tuple[Order, int], ...] = ()


class Want:
    """What an order still wants: a size, or a target whose size depends on the prices it gets."""

    __slots__ = ("left", "target")

    def __init__(self, target: Target, left: int) -> None:
        self.target = target
        self.left = left

    def size_at(self, price_milli: int) -> int:
        """The size that would complete it at this price, rounded down."""
        if self.target is SIZE:
            return self.left
        return self.left * UNIT // self._gain(price_milli)

    def take(self, size_minor: int, price_milli: int) -> None:
        """Matched: that much less is wanted. A target is used up by what was reached, rounded up."""
        if self.target is SIZE:
            self.left -= size_minor
        else:
            self.left -= -(-size_minor * self._gain(price_milli) // UNIT)

    def _gain(self, price_milli: int) -> int:
        return price_milli - UNIT if self.target is Target.BACKERS_PROFIT else price_milli


def resting(half: Half, taken: Mapping[int, int]) -> Iterator[tuple[Order, int]]:
    """The orders of one side in the order in which they match, each with what is left of it."""
    levels, sign = half.levels, half.sign
    for key in reversed(half.keys):
        for order in levels[key * sign].orders:
            left = order.remaining_minor - taken.get(order.id, 0)
            if left > 0:
                yield order, left


def meets(books: Sequence[RunnerBook], placed: Placed) -> bool:
    """Whether anything rests that an order would match directly."""
    half = books[placed.runner].against(placed.side)
    return bool(half.keys) and half.keys[-1] >= placed.price_milli * half.sign


def match(
    books: Sequence[RunnerBook], runner: int, side: Side, price_milli: int, want: Want, taken: Mapping[int, int]
) -> list[Fill]:
    """The fills of an order on a market without cross matching; `want` is used up by them."""
    half = books[runner].against(side)
    keys = half.keys
    limit = price_milli * half.sign
    if not keys or keys[-1] < limit:
        return []
    fills = []
    for maker, left in resting(half, taken):
        price = maker.price_milli
        if price * half.sign < limit:
            break
        size = min(left, want.size_at(price))
        if size <= 0:
            want.left = 0  # of a target less is left than one minor unit at this price
            break
        want.take(size, price)
        fills.append(Fill(price, size, maker))
    return fills


def match_across(
    books: Sequence[RunnerBook],
    active: Sequence[int],
    ladder: Ladder,
    customer_id: int,
    runner: int,
    side: Side,
    price_milli: int,
    want: Want,
    taken: Mapping[int, int],
) -> list[Fill]:
    """As `match`, where orders on all other runners may stand in for one on this: at each step the better of the direct
    and the virtual price, the direct one where they are equal. A customer's own orders make no virtual price."""
    half = books[runner].against(side)
    limit = price_milli * half.sign
    others = [number for number in active if number != runner]
    used = dict(taken)
    fills: list[Fill] = []
    while True:
        direct = next(resting(half, used), None)
        fronts = _fronts(books, others, side, used, customer_id)
        virtual = virtual_milli([order.price_milli for order, _ in fronts], side, ladder) if fronts else 0
        least = limit if direct is None else max(limit, direct[0].price_milli * half.sign + 1)
        fill = _at_virtual(fronts, side, ladder, virtual, least * half.sign, want)
        if fill is None and direct is not None and direct[0].price_milli * half.sign >= limit:
            maker, left = direct
            fill = Fill(maker.price_milli, min(left, want.size_at(maker.price_milli)), maker)
        if fill is None:
            return fills
        if fill.size_minor <= 0:
            want.left = 0
            return fills
        want.take(fill.size_minor, fill.price_milli)
        fills.append(fill)
        for order, size in ((fill.maker, fill.size_minor),) if fill.maker else fill.others:
            used[order.id] = used.get(order.id, 0) + size


Fronts = list[tuple[Order, int]]


def _fronts(
    books: Sequence[RunnerBook], others: Sequence[int], side: Side, taken: Mapping[int, int], customer_id: int
) -> Fronts:
    """The first resting order of the same side on every other runner; none at all where one runner has none."""
    fronts: Fronts = []
    for number in others:
        front = next(resting(books[number].half(side), taken), None)
        if front is None or front[0].customer_id == customer_id:
            return []
        fronts.append(front)
    return fronts


def virtual_milli(prices_milli: Sequence[int], side: Side, ladder: Ladder) -> int:
    """The price at which backs (or lays) of all other runners together are the other side of a back (or lay) of this
    one: 1 / (1 − Σ 1/price), rounded on the ladder so that no more is paid than comes in; 0 where there is none.

    >>> virtual_milli([4_000, 2_000], Side.BACK, Ladder())
    4000
    """
    product = 1
    for price in prices_milli:
        product *= price
    rest = product - sum(UNIT * (product // price) for price in prices_milli)  # whole: each price divides the product
    if rest <= 0:
        return 0
    if side is BACK:
        return ladder.floor(UNIT * product // rest)
    return ladder.ceiling(-(-UNIT * product // rest))


def _at_virtual(fronts: Fronts, side: Side, ladder: Ladder, virtual: int, least_milli: int, want: Want) -> Fill | None:
    """A cross match at the virtual price or, where there are no whole minor units for it, one or two steps of the
    ladder worse, as long as that is `least_milli` or better."""
    price = virtual
    for _ in range(CROSS_STEPS):
        if not price or (price < least_milli if side is BACK else price > least_milli):
            return None
        fill = _cross(fronts, side, price, want.size_at(price))
        if fill is not None:
            return fill
        price = ladder.floor(price - 1) if side is BACK else ladder.ceiling(price + 1)
    return None


def _cross(fronts: Fronts, side: Side, price_milli: int, size_minor: int) -> Fill | None:
    """One cross match, as large as its smallest part allows, in whole minor units of which the house never pays more
    than it takes, whichever runner wins. None where that leaves nothing."""
    prices = [price_milli, *(order.price_milli for order, _ in fronts)]
    value = min(size_minor * price_milli, *(left * order.price_milli for order, left in fronts))
    own, *sizes = _whole_backs(prices, value) if side is BACK else _whole_lays(prices, value)
    if not own or not all(sizes):
        return None
    return Fill(price_milli, own, None, tuple((order, size) for (order, _), size in zip(fronts, sizes, strict=True)))


def _whole_backs(prices: list[int], value: int) -> list[int]:
    """Sizes of backs on every runner, each of at most `value`, of which none pays more than all stakes together."""
    for _ in range(CROSS_ROUNDS):
        sizes = [value // price for price in prices]
        pot = sum(sizes) * UNIT
        if all(size * price <= pot for size, price in zip(sizes, prices, strict=True)):
            return sizes
        value = min(value - 1, pot)
    return [0]


def _whole_lays(prices: list[int], value: int) -> list[int]:
    """Sizes of lays on every runner, of at most `value`, of which each pays at least all stakes together."""
    for _ in range(CROSS_ROUNDS):
        sizes = [-(-value // price) for price in prices]
        if sum(sizes) * UNIT <= min(size * price for size, price in zip(sizes, prices, strict=True)):
            return sizes
        value = max((size - 1) * price for size, price in zip(sizes, prices, strict=True))
    return [0]
