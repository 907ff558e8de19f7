"""Cross matching's plain twin: every order in one list, every price of the ladder gone through, every sum a fraction.

It says the same as docs/rules/exchange.md, and has no line in common with what the exchange runs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from overround.book.exposure import Side

STEPS, TRIES, PASSES = 3, 16, 8
"""As the page has them: prices tried before the certain one, payouts tried at a price, levels passed over."""


@dataclass
class Rests:
    """An order that rests; `came` is its place in time."""

    id: int
    customer: int
    runner: int
    side: Side
    price: int
    left: int
    came: int


Met = tuple[int, int, tuple[tuple[int, int], ...]]
"""Price, size, and whom with how much of theirs: one order on the same runner, or some on every other."""


@dataclass
class CrossTwin:
    """The book of one market, and whoever comes to it next."""

    ladder: Sequence[int]
    active: Sequence[int]
    orders: list[Rests]
    customer: int
    runner: int
    side: Side
    limit: int
    wanted: int
    average: int = 0
    """Of an order to fill or kill, whose `limit` is then any price at all: the limit of its average."""
    passes: int = PASSES
    met: list[Met] = field(default_factory=list)

    def run(self) -> list[Met]:
        while self.wanted:
            met = self._next()
            if met is None:
                break
            _price, size, others = met
            self.met.append(met)
            self.wanted -= size
            for number, part in others:
                self._order(number).left -= part
        return self.met

    def _order(self, number: int) -> Rests:
        return next(order for order in self.orders if order.id == number)

    def _next(self) -> Met | None:
        other = Side.LAY if self.side is Side.BACK else Side.BACK
        direct = next(iter(self._queue(self.runner, other)), None)
        if direct is not None and not self._as_good(direct.price, self.limit):
            direct = None
        least = self.limit if direct is None else direct.price + (1 if self.side is Side.BACK else -1)
        while True:
            crossed, too_small = self._cross(least)
            if crossed is not None:
                return crossed
            if too_small is None or not self.passes:
                break
            self.passes -= 1
            for order in too_small:
                order.left = 0
        if direct is None:
            return None
        size = min(self._wanted_at(direct.price), direct.left)
        return (direct.price, size, ((direct.id, size),)) if size else None

    def _wanted_at(self, price: int) -> int:
        """As many pence as leave the average at its limit."""
        if not self.average or self._as_good(price, self.average):
            return self.wanted
        spare = 0
        for got, size, _ in self.met:
            spare += size * abs(got - self.average) * (1 if self._as_good(got, self.average) else -1)
        return min(self.wanted, int(Fraction(spare, abs(price - self.average))))

    def _as_good(self, price: int, limit: int) -> bool:
        return price >= limit if self.side is Side.BACK else price <= limit

    def _queue(self, runner: int, side: Side) -> list[Rests]:
        """Best first for whoever comes, then first come."""
        found = [one for one in self.orders if (one.runner, one.side) == (runner, side) and one.left]
        return sorted(found, key=lambda one: (-one.price if side is Side.LAY else one.price, one.came))

    def _level(self, runner: int) -> list[Rests]:
        level: list[Rests] = []
        for one in self._queue(runner, self.side):
            if one.customer == self.customer or one.price != (level or [one])[0].price:
                break
            level.append(one)
        return level

    def _cross(self, least: int) -> tuple[Met | None, list[Rests] | None]:
        """A cross match at `least` or better; or else a level that is too small for one."""
        levels = [self._level(runner) for runner in self.active if runner != self.runner]
        if not all(levels):
            return None, None
        others = [level[0].price for level in levels]
        worths = [sum(one.left for one in level) * level[0].price for level in levels]
        prices = [price for price in self._offered(others) if self._as_good(price, least)]
        if not prices:
            return None, None
        for price in prices[:STEPS]:
            sizes = self._whole(price, others, worths)
            if sizes:
                return self._made(price, sizes, levels), None
        for price in prices if not self.average else ():
            if self._is_certain(price, others, worths):
                return self._made(price, self._whole(price, others, worths), levels), None
        if self._wanted_at(least) * least <= min(worths):
            return None, None
        return None, levels[worths.index(min(worths))]

    def _offered(self, others: list[int]) -> list[int]:
        """Every price of the ladder, best first, at which all together cost the house nothing."""
        chances = sum(Fraction(1_000, price) for price in others)
        if chances >= 1:
            return []
        if self.side is Side.BACK:
            return [p for p in reversed(self.ladder) if chances + Fraction(1_000, p) >= 1]
        return [p for p in self.ladder if chances + Fraction(1_000, p) <= 1]

    def _payouts(self, prices: list[int], worths: list[int]) -> list[int]:
        """What a part may pay in all: whole pence of one part, and no more than any part has, the largest first."""
        most = min(self._wanted_at(prices[0]) * prices[0], *worths)
        return sorted({pence * price for price in prices for pence in range(1, most // price + 1)}, reverse=True)

    def _whole(self, price: int, others: list[int], worths: list[int]) -> list[int]:
        prices = [price, *others]
        for payout in self._payouts(prices, worths)[:TRIES]:
            if self.side is Side.BACK:
                sizes = [int(Fraction(payout, each)) for each in prices]
                pays, takes = max(map(_product, zip(sizes, prices, strict=True))), 1_000 * sum(sizes)
            else:
                sizes = [int(-(Fraction(-payout, each) // 1)) for each in prices]
                pays, takes = 1_000 * sum(sizes), min(map(_product, zip(sizes, prices, strict=True)))
            if all(sizes) and pays <= takes:
                return sizes
        return []

    def _is_certain(self, price: int, others: list[int], worths: list[int]) -> bool:
        prices = [price, *others]
        payouts = self._payouts(prices, worths)
        if not payouts or (self.side is Side.BACK and payouts[0] < max(prices)):
            return False
        chances = sum((Fraction(1_000, each) for each in prices), Fraction())
        return payouts[0] * abs(chances - 1) >= 1_000 * len(others)

    def _made(self, price: int, sizes: list[int], levels: list[list[Rests]]) -> Met:
        own, *others = sizes
        return (
            price,
            own,
            tuple(part for level, size in zip(levels, others, strict=True) for part in _split(level, size)),
        )


def _product(pair: tuple[int, int]) -> int:
    return pair[0] * pair[1]


def _split(level: Iterable[Rests], size: int) -> list[tuple[int, int]]:
    parts = []
    for one in level:
        part = min(one.left, size)
        size -= part
        if part:
            parts.append((one.id, part))
    return parts
