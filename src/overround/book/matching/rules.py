"""Who matches whom: best price first, then first come, and direct before virtual. docs/rules/exchange.md has the books.

Everything here reads and changes nothing. What orders of the same request have already taken is in `taken`, by order.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import merge
from typing import Final

import msgspec

from overround.book.exposure import Side
from overround.book.matching.types import Half, Order, RunnerBook, Target
from overround.kernel.ladder import MAX_ODDS_MILLI, MIN_ODDS_MILLI, Ladder
from overround.kernel.price import UNIT

# Members found once: Python 3.11 takes longer to look one up in its enum than to compare it.
BACK: Final = Side.BACK
SIZE: Final = Target.SIZE

CROSS_STEPS: Final = 3
"""How many prices are tried for a cross match, the virtual one and those next to it, before the one that is certain."""

CROSS_TRIES: Final = 16
"""How many payouts of a cross match are tried at one price, from the largest down."""

CROSS_PASSES: Final = 8
"""How many levels that are too small for whole minor units an order passes over."""


class Fill(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an order gets: `size_minor` of its own at a price, from one resting order, or with `others` from the first
    resting orders of every other runner at once, each with its own size."""

    price_milli: int
    size_minor: int
    maker: Order | None
    others: tuple[tuple[Order, int], ...] = ()


class Want:
    """What an order still wants: a size, or a target whose size depends on the prices it gets."""

    __slots__ = ("left", "target")
    averages = False

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

    def end(self) -> None:
        """Of a target less is left than one minor unit."""
        self.left = 0

    def _gain(self, price_milli: int) -> int:
        return price_milli - UNIT if self.target is Target.BACKERS_PROFIT else price_milli


class AverageWant(Want):
    """What an order wants whose price is a limit for the average of all that it gets, weighted by size. `spare` is how
    much the sizes so far have got beyond that limit, in minor units times thousandths: worse prices may use it up."""

    __slots__ = ("limit_milli", "sign", "spare")
    averages = True

    def __init__(self, target: Target, left: int, side: Side, limit_milli: int) -> None:
        super().__init__(target, left)
        self.limit_milli, self.sign, self.spare = limit_milli, 1 if side is BACK else -1, 0

    def size_at(self, price_milli: int) -> int:
        """As for any, but no more than leaves the average at the limit or better."""
        size, beyond = super().size_at(price_milli), (price_milli - self.limit_milli) * self.sign
        return size if beyond >= 0 else min(size, self.spare // -beyond)

    def take(self, size_minor: int, price_milli: int) -> None:
        super().take(size_minor, price_milli)
        self.spare += size_minor * (price_milli - self.limit_milli) * self.sign

    def end(self) -> None:
        """The average allows no more: what is left is still wanted."""


def any_price(side: Side) -> int:
    """The limit of an order that any price of a ladder of odds satisfies."""
    return MIN_ODDS_MILLI if side is BACK else MAX_ODDS_MILLI


Joined = Callable[[int, Side], Sequence[Order]]
"""Orders that come to rest on one side of a runner's book with the same request, best first, and then first come."""


def nobody(runner: int, side: Side) -> Sequence[Order]:
    """No orders came before in the same request."""
    return ()


def resting(half: Half, taken: Mapping[int, int], joined: Sequence[Order] = ()) -> Iterator[tuple[Order, int]]:
    """The orders of one side in the order in which they match, each with what is left of it. Those that `joined` are
    behind the others of their price."""
    if not joined:
        return _in_book(half, taken)
    left = ((order, order.remaining_minor - taken.get(order.id, 0)) for order in joined)
    return merge(_in_book(half, taken), (found for found in left if found[1] > 0), key=_worse_for(half))


def _worse_for(half: Half) -> Callable[[tuple[Order, int]], int]:
    sign = -half.sign
    return lambda found: found[0].price_milli * sign


def _in_book(half: Half, taken: Mapping[int, int]) -> Iterator[tuple[Order, int]]:
    levels, sign = half.levels, half.sign
    for key in reversed(half.keys):
        for order in levels[key * sign].orders:
            left = order.remaining_minor - taken.get(order.id, 0)
            if left > 0:
                yield order, left


def meets(book: RunnerBook, side: Side, price_milli: int) -> bool:
    """Whether anything rests that an order at this price would match directly."""
    half = book.against(side)
    return bool(half.keys) and half.keys[-1] >= price_milli * half.sign


def match(
    books: Sequence[RunnerBook],
    runner: int,
    side: Side,
    price_milli: int,
    want: Want,
    taken: Mapping[int, int],
    joined: Sequence[Order] = (),
) -> list[Fill]:
    """The fills of an order on a market without cross matching; `want` is used up by them."""
    half = books[runner].against(side)
    keys = half.keys
    limit = price_milli * half.sign
    if not joined and (not keys or keys[-1] < limit):
        return []
    fills = []
    for maker, left in resting(half, taken, joined):
        price = maker.price_milli
        if price * half.sign < limit:
            break
        size = min(left, want.size_at(price))
        if size <= 0:
            want.end()
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
    joined: Joined = nobody,
) -> list[Fill]:
    """As `match`, where orders on all other runners may stand in for one on this: at each step the better of the direct
    and the virtual price, the direct one where they are equal. A customer's own orders make no virtual price."""
    half = books[runner].against(side)
    mine = joined(runner, half.side)
    others = [(books[number].half(side), joined(number, side)) for number in active if number != runner]
    crossing = Crossing(others, side, ladder, customer_id, dict(taken))
    limit, fills = price_milli * half.sign, list[Fill]()
    while True:
        direct = next(resting(half, crossing.used, mine), None)
        best = direct[0].price_milli * half.sign if direct is not None else limit - 1
        fill = crossing.fill(max(limit, best + 1) * half.sign, want)
        if fill is None and direct is not None and best >= limit:
            maker, left = direct
            fill = Fill(maker.price_milli, min(left, want.size_at(maker.price_milli)), maker)
        if fill is None:
            return fills
        if fill.size_minor <= 0:
            want.end()
            return fills
        want.take(fill.size_minor, fill.price_milli)
        fills.append(fill)
        for order, size in ((fill.maker, fill.size_minor),) if fill.maker else fill.others:
            crossing.use(order, size)


# ---------------------------------------------------------------- cross matches

Level = list[tuple[Order, int]]
"""The first orders of one side of a runner, all at one price, each with what is left of it."""


class Crossing:
    """What orders on all other runners (`sides`: where they rest, and those that joined) make together for an order
    on this one. The parts of a cross match are the order and, on every other runner, what rests at the best price.

    If every part were worth the same payout whoever wins, the house would pay what it takes. Sizes are whole minor
    units, so parts are worth a little less (backs: at most that payout) or more (lays: at least that); the house never
    pays more than it takes, for which the price may have to leave room. `used` is what of orders is already taken."""

    def __init__(
        self,
        sides: Sequence[tuple[Half, Sequence[Order]]],
        side: Side,
        ladder: Ladder,
        customer_id: int,
        used: dict[int, int],
    ) -> None:
        self._sides, self._side, self._ladder, self._customer_id = sides, side, ladder, customer_id
        self.used = used
        self._passes = CROSS_PASSES
        self._is_possible = all(half.keys or joined for half, joined in sides)

    def use(self, order: Order, size_minor: int) -> None:
        """So much of an order is taken."""
        self.used[order.id] = self.used.get(order.id, 0) + size_minor

    def fill(self, least_milli: int, want: Want) -> Fill | None:
        """The next cross match at `least_milli` or better. A level too small to take part in one is passed over."""
        while self._is_possible:
            prices = self._prices()
            virtual = virtual_milli(prices, self._side, self._ladder) if prices else 0
            if not virtual or self._is_worse(virtual, least_milli):
                return None
            ends = (virtual, least_milli)
            levels = [self._level(place, max(want.size_at(end) * end for end in ends)) for place in range(len(prices))]
            parts = Parts(self._side, prices, [sum(left for _, left in level) for level in levels], want)
            fill = self._at_steps(parts, virtual, least_milli)
            if fill is None and not want.averages:  # a worse price for the rest would be one for the average
                fill = self._at_certain(parts, virtual, least_milli)
            if fill is not None:
                own, *sizes = fill[1]
                return Fill(fill[0], own, None, tuple(_shared(levels, sizes)))
            if not self._pass_over(levels, parts, least_milli):
                return None
        return None

    def _is_worse(self, price_milli: int, least_milli: int) -> bool:
        return price_milli < least_milli if self._side is BACK else price_milli > least_milli

    def _prices(self) -> list[int]:
        """The best price of every other runner; none where one has nobody, or the customer's own order first."""
        prices = []
        for half, joined in self._sides:
            first = next(resting(half, self.used, joined), None)
            if first is None or first[0].customer_id == self._customer_id:
                return []
            prices.append(first[0].price_milli)
        return prices

    def _level(self, place: int, enough: int) -> Level:
        """The first orders of a runner, all at one price, until they are worth a payout of `enough`, or until the
        customer's own comes."""
        level: Level = []
        for order, left in resting(self._sides[place][0], self.used, self._sides[place][1]):
            if order.customer_id == self._customer_id or (level and order.price_milli != level[0][0].price_milli):
                break
            level.append((order, left))
            enough -= left * order.price_milli
            if enough <= 0:
                break
        return level

    def _at_steps(self, parts: "Parts", virtual: int, least_milli: int) -> tuple[int, list[int]] | None:
        """Price and sizes at the virtual price or the next ones of the ladder, ever worse."""
        price = virtual
        for _ in range(CROSS_STEPS):
            if not price or self._is_worse(price, least_milli):
                return None
            sizes = parts.whole(price)
            if sizes:
                return price, sizes
            price = self._next(price)
        return None

    def _next(self, price_milli: int) -> int:
        """The next worse price of the ladder, 0 where there is none."""
        backs = self._side is BACK
        return self._ladder.floor(price_milli - 1) if backs else self._ladder.ceiling(price_milli + 1)

    def _at_certain(self, parts: "Parts", virtual: int, least_milli: int) -> tuple[int, list[int]] | None:
        """Price and sizes at the best price that leaves room for whole minor units whatever they are."""
        ladder, backs = self._ladder, self._side is BACK
        good = ladder.ceiling(least_milli) if backs else ladder.floor(least_milli)
        if not good or self._is_worse(virtual, good) or not parts.are_certain(good):
            return None
        bad, edge = virtual, good
        while abs(bad - edge) > 1:
            between = (edge + bad) // 2
            price = ladder.floor(between) if backs else ladder.ceiling(between)
            if price == good or parts.are_certain(price):
                good, edge = price, between  # no price of the ladder lies between these
            else:
                bad = price
        return good, parts.whole(good)

    def _pass_over(self, levels: list[Level], parts: "Parts", least_milli: int) -> bool:
        """Whether it is a level that is too small, rather than what the order still wants; it then counts as used."""
        place = parts.smallest(least_milli)
        if place < 0 or not self._passes:
            return False
        self._passes -= 1
        for order, left in levels[place]:
            self.use(order, left)
        return True


class Parts:
    """The parts of a cross match: what an order wants, and how much there is on each other runner at what price."""

    def __init__(self, side: Side, prices: list[int], sizes: list[int], want: Want) -> None:
        self._backs, self._prices, self._want = side is BACK, prices, want
        self._worths = [size * price for size, price in zip(sizes, prices, strict=True)]
        self._product = 1
        for price in prices:
            self._product *= price
        self._chances = sum(self._product // price for price in prices)

    def _payout(self, price_milli: int) -> int:
        """The payout that the smallest part allows, the largest that is whole minor units of one of them."""
        most = min(self._want.size_at(price_milli) * price_milli, *self._worths)
        return max(most // price * price for price in (price_milli, *self._prices))

    def whole(self, price_milli: int) -> list[int]:
        """Sizes at this price, the order's own first, for the largest payout that works; none where none does."""
        prices, payout = (price_milli, *self._prices), self._payout(price_milli)
        for _ in range(CROSS_TRIES):
            sizes = [payout // price if self._backs else -(-payout // price) for price in prices]
            if payout <= 0 or not all(sizes):
                break
            taken = sum(sizes) * UNIT
            if taken >= payout if self._backs else taken <= payout:
                return sizes
            payout = max((payout - 1) // price * price for price in prices)
        return []

    def are_certain(self, price_milli: int) -> bool:
        """Whether whole sizes are certain to work: what all parts but one lose to rounding is less than one minor unit
        each, and the price leaves room for so many."""
        payout, whole = self._payout(price_milli), price_milli * self._product
        if payout < (max(price_milli, *self._prices) if self._backs else 1):
            return False
        room = UNIT * (self._product + price_milli * self._chances) - whole
        return payout * (room if self._backs else -room) >= len(self._prices) * UNIT * whole

    def smallest(self, price_milli: int) -> int:
        """Which other runner's part is the smallest, −1 where the order's own is."""
        own, least = self._want.size_at(price_milli) * price_milli, min(self._worths)
        return -1 if own <= least else self._worths.index(least)


def _shared(levels: list[Level], sizes: list[int]) -> Iterator[tuple[Order, int]]:
    """The size of each runner's part, given to its orders in turn."""
    for level, size in zip(levels, sizes, strict=True):
        missing = size
        for order, left in level:
            part = min(left, missing)
            if part:
                yield order, part
            missing -= part


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
