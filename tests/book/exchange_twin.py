"""The exchange's plain twin: one list of orders and one of trades, and everything worked out again from them each time.

It has the same commands and ids as the machine, and no rule in common: who comes next is found by sorting every order,
the worst case by going through every outcome, the starting price by trying prices one after another.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from tests.book.cross_twin import CrossTwin, Met, Rests
from tests.book.exchange_audit import outcomes_of

from overround.book.exchange import Betting, ExchangeMarket
from overround.book.exposure import Side
from overround.book.machine.exchange_commands import (
    CancelInstruction,
    CancelOrders,
    MassQuote,
    PlaceInstruction,
    PlaceOrders,
    ReplaceOrders,
)
from overround.book.matching import Target, TimeInForce
from overround.kernel.ladder import CLASSIC


@dataclass
class Plain:
    """An order: what of it is left, and when it came to rest."""

    id: int
    customer: int
    runner: int
    side: Side
    price: int
    size: int
    left: int
    kill: bool
    came: int = 0


Match = tuple[int, int, int, int, int]
"""Runner, price, size, backer's order, layer's order (0 the house)."""


@dataclass
class TwinMarket:
    """An open market before its off, all in one currency, with money for everybody as `cash` says."""

    market: ExchangeMarket
    cash: dict[int, int]
    orders: list[Plain] = field(default_factory=list)
    trades: list[Match] = field(default_factory=list)
    came: int = 0
    next_order: int = 1

    # ------------------------------------------------------------ requests

    def place(self, command: PlaceOrders) -> str:
        """`taken`, or why not; then everything is as before."""
        before = [Plain(**vars(order)) for order in self.orders], self.trades[:], self.came, self.next_order
        why = ""
        for asked in command.instructions:
            why = why or self._one(command.customer_id, asked)
        if not why and self.needed(command.customer_id) > self.cash[command.customer_id]:
            why = "insufficient_funds"
        if why:
            self.orders, self.trades, self.came, self.next_order = before
        return why or "taken"

    def _one(self, customer: int, asked: PlaceInstruction) -> str:
        runner = next(
            number
            for number, found in enumerate(self.market.runners)
            if (found.selection_id, found.handicap_quarters) == (asked.selection_id, asked.handicap_quarters)
        )
        if not self.market.terms.ladder.has(asked.price_milli):
            return "invalid_odds"
        size = asked.size_minor if asked.target is Target.SIZE else 0
        order = Plain(self.next_order, customer, runner, asked.side, asked.price_milli, size, size, False)
        order.kill = asked.time_in_force is TimeInForce.FILL_OR_KILL
        return self._enter(order, asked.min_fill_minor)

    def _enter(self, order: Plain, least: int = 0, *, is_maker: bool = False) -> str:
        crosses = self.market.terms.crossing and not is_maker
        found = self._crossed(order) if crosses else self._directly(order)
        got = sum(size for _, size, _ in found)
        if any(self._meets_own(order, met) for met in found):
            return "invalid_back_lay_combination"
        if order.kill and got < (least or order.size):
            found, got = [], 0
        self.orders.append(order)
        self.next_order += 1
        for met in found:
            self._trade(order, met)
        order.left -= got
        if order.kill:
            order.left = 0
        if order.left:
            self.came += 1
            order.came = self.came
        return ""

    def cancel(self, command: CancelOrders) -> None:
        asked = command.instructions or tuple(
            CancelInstruction(order.id) for order in self.orders if order.customer == command.customer_id and order.left
        )
        for instruction in asked:
            order = self._live(instruction.order_id, command.customer_id)
            if order is not None:
                order.left -= min(instruction.reduction_minor or order.left, order.left)

    def quote(self, command: MassQuote) -> str:
        """Each level as large as is wanted, all or none: first what is too much goes, then comes what is missing."""
        before = [Plain(**vars(one)) for one in self.orders], self.trades[:], self.came, self.next_order
        why = self._quote(command)
        if not why and self.needed(command.customer_id) > self.cash[command.customer_id]:
            why = "insufficient_funds"
        if why:
            self.orders, self.trades, self.came, self.next_order = before
        return why or "taken"

    def _quote(self, command: MassQuote) -> str:
        places = [
            (entry.selection_id, entry.handicap_quarters, entry.side, entry.price_milli) for entry in command.entries
        ]
        if len(dict.fromkeys(places)) < len(places):
            return "duplicate_betids"
        names = [(runner.selection_id, runner.handicap_quarters) for runner in self.market.runners]
        missing = []
        for entry in command.entries:
            if not self.market.terms.ladder.has(entry.price_milli):
                return "invalid_odds"
            runner = names.index((entry.selection_id, entry.handicap_quarters))
            there = [one for one in self._queue(runner, entry.side is Side.BACK, {}) if one.price == entry.price_milli]
            own = [one for one in there if one.customer == command.customer_id]
            more = entry.size_minor - sum(one.left for one in own)
            for one in reversed(own):
                cut = min(one.left, max(0, -more))
                one.left -= cut
                more += cut
            if more:
                last = there[-1] if there and there[-1] in own else None
                missing.append(
                    (Plain(0, command.customer_id, runner, entry.side, entry.price_milli, more, more, False), last)
                )
        for order, last in missing:
            if last is not None and not list(self._matches(order)):
                last.size, last.left = last.size + order.size, last.left + order.size
                continue
            order.id = self.next_order
            why = self._enter(order, is_maker=True)
            if why:
                return why
        return ""

    def replace(self, command: ReplaceOrders) -> None:
        asked = []
        for instruction in command.instructions:
            order = self._live(instruction.order_id, command.customer_id)
            if order is None or order.price == instruction.price_milli:
                continue
            if not self.market.terms.ladder.has(instruction.price_milli):
                continue
            asked.append((order, instruction.price_milli, order.left))
            order.left = 0
        for order, price, left in asked:
            before = [Plain(**vars(one)) for one in self.orders], self.trades[:], self.came, self.next_order
            why = self._enter(
                Plain(self.next_order, order.customer, order.runner, order.side, price, left, left, False)
            )
            if why or self.needed(order.customer) > self.cash[order.customer]:
                self.orders, self.trades, self.came, self.next_order = before

    def _live(self, number: int, customer: int) -> Plain | None:
        return next((o for o in self.orders if o.id == number and o.customer == customer and o.left), None)

    # ------------------------------------------------------------ who meets whom

    def _directly(self, order: Plain) -> list[Met]:
        found = self._average(order) if self._averages(order) else self._matches(order)
        return [(price, size, ((number, size),)) for size, price, number in found]

    def _crossed(self, order: Plain) -> list[Met]:
        """What the plain twin of cross matching says."""
        rests = [
            Rests(one.id, one.customer, one.runner, one.side, one.price, one.left, one.came)
            for one in self.orders
            if one.left
        ]
        limit = order.price if not order.kill else CLASSIC[0] if order.side is Side.BACK else CLASSIC[-1]
        places = range(len(self.market.runners))
        comes = (order.customer, order.runner, order.side, limit, order.left)
        return CrossTwin(CLASSIC, places, rests, *comes, average=order.price if order.kill else 0).run()

    def _meets_own(self, order: Plain, met: Met) -> bool:
        """A direct match is with one order on the same runner."""
        makers = [next(one for one in self.orders if one.id == number) for number, _ in met[2]]
        return any(one.runner == order.runner and one.customer == order.customer for one in makers)

    def _matches(self, order: Plain) -> Iterator[tuple[int, int, int]]:
        """Size, price and order of whoever an order meets, one after the other."""
        gone: dict[int, int] = {}
        wanted = order.left
        while wanted:
            queue = self._queue(order.runner, order.side is Side.LAY, gone)
            best = next((one for one in queue if self._agree(order, one.price)), None)
            if best is None:
                return
            size = min(wanted, best.left - gone.get(best.id, 0))
            yield size, best.price, best.id
            gone[best.id] = gone.get(best.id, 0) + size
            wanted -= size

    def _averages(self, order: Plain) -> bool:
        return order.kill and self.market.terms.betting is not Betting.LINE

    def _average(self, order: Plain) -> list[tuple[int, int, int]]:
        """All that is there penny by penny, best first, and of that as many as keep the average at the limit."""
        pennies = [one for one in self._queue(order.runner, order.side is Side.LAY, {}) for _ in range(one.left)]
        most = next(n for n in range(min(order.size, len(pennies)), -1, -1) if self._keeps(order, pennies[:n]))
        met = Counter(one.id for one in pennies[:most])
        prices = {one.id: one.price for one in pennies}
        return [(size, prices[number], number) for number, size in met.items()]

    def _keeps(self, order: Plain, pennies: list[Plain]) -> bool:
        return not pennies or self._agree(order, Fraction(sum(one.price for one in pennies), len(pennies)))

    def _queue(self, runner: int, backs: bool, gone: dict[int, int]) -> list[Plain]:
        side = Side.BACK if backs else Side.LAY
        waiting = [o for o in self.orders if o.runner == runner and o.side is side and o.left > gone.get(o.id, 0)]
        return sorted(waiting, key=lambda o: (o.price if backs else -o.price, o.came))

    def _agree(self, order: Plain, price: int | Fraction) -> bool:
        return price >= order.price if order.side is Side.BACK else price <= order.price

    def _trade(self, order: Plain, met: Met) -> None:
        """One trade with an order on the same runner, or one a runner with the house in between."""
        price, size, others = met
        makers = [(next(one for one in self.orders if one.id == number), part) for number, part in others]
        backs = order.side is Side.BACK
        for maker, part in makers:
            maker.left -= part
        if makers[0][0].runner == order.runner:
            number = makers[0][0].id
            self.trades.append((order.runner, price, size, *((order.id, number) if backs else (number, order.id))))
            return
        for one, at, part in ((order, price, size), *((maker, maker.price, part) for maker, part in makers)):
            self.trades.append((one.runner, at, part, *((one.id, 0) if backs else (0, one.id))))

    # ------------------------------------------------------------ money

    def needed(self, customer: int) -> int:
        """The most that a customer can lose, over every outcome, in pence rounded up."""
        mine = {order.id for order in self.orders if order.customer == customer}
        worst = Fraction()
        for profit in outcomes_of(self.market):
            total = Fraction()
            for runner, price, size, back, lay in self.trades:
                total += profit(runner, Side.BACK, price, size) if back in mine else 0
                total += profit(runner, Side.LAY, price, size) if lay in mine else 0
            for order in self.orders:
                if order.customer == customer and order.left:
                    total += min(Fraction(), profit(order.runner, order.side, order.price, order.left))
            worst = max(worst, -total)
        return -(-worst.numerator // worst.denominator)
