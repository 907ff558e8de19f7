"""The exchange in plain code: one list of orders and one of trades, gone through whole for every fact."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain, combinations, takewhile

from overround.sim.audit.crossing import Level, better_than, is_due
from overround.sim.audit.money import Money
from overround.sim.audit.requests import Requests
from overround.sim.audit.words import Plain, hold

NO_REDUCTION_BP = 250
SINGLES = "asian_handicap_single_line"
Row = list[int]


@dataclass
class Order:
    """What is left of an order, and when it came to rest (0: it never did). One that `crosses` may meet orders on all
    other runners; `met` is the first price at which it met one on its own, as it came."""

    id: int
    customer: int
    market: int
    runner: int
    backs: bool
    price: int
    left: int
    persists: bool
    kills: bool
    waits: bool
    crosses: bool
    met: int = 0
    came: int = 0

    def agrees(self, price: int | Fraction) -> bool:
        return price >= self.price if self.backs else price <= self.price


@dataclass
class Trade:
    id: int
    runner: int
    price: int
    size: int
    back: int
    lay: int
    group: int = 0


@dataclass
class Market:
    """A market of one winner, or (`singles`) of runners that each win or lose by themselves. `net` and `paid` are what
    each customer was settled at: net, and commission. `short` are those of whom less is held than the worst case."""

    id: int
    currency: str
    base_rate_bp: int
    runners: int
    crosses: bool
    singles: bool
    removed: set[int] = field(default_factory=set)
    trades: list[Trade] = field(default_factory=list)
    held: Counter[int] = field(default_factory=Counter)
    short: set[int] = field(default_factory=set)
    net: Counter[int] = field(default_factory=Counter)
    paid: Counter[int] = field(default_factory=Counter)
    residue: int = 0
    result: list[object] = field(default_factory=list)
    settles: bool = False
    done: int = 0

    @property
    def standing(self) -> list[int]:
        return [runner for runner in range(self.runners) if runner not in self.removed]

    @property
    def outcomes(self) -> list[tuple[int, ...]]:
        """Who may have won together."""
        standing = self.standing
        sizes = range(len(standing) + 1) if self.singles else (1,)
        return list(chain.from_iterable(combinations(standing, size) for size in sizes))


class Exchange:
    """Knows the journal's facts about the exchange, and works everything out from them again."""

    def __init__(self, money: Money, requests: Requests) -> None:
        self._money, self._requests = money, requests
        self.orders: dict[int, Order] = {}
        self.markets: dict[int, Market] = {}
        self._came = 0
        self.steps: dict[str, Callable[[Plain, int], None]] = {
            "exchange_account_opened": lambda fact, _: self._money.open_exchange(fact),
            "exchange_market_created": self._created,
            "orders_placed": self._placed,
            "orders_replaced": self._replaced,
            "orders_activated": self._activated,
            "orders_cancelled": self._cancelled,
            "heartbeat_missed": self._cancelled,
            "exchange_market_suspended": self._suspended,
            "turned_in_play": self._in_play,
            "runner_removed": self._removed,
            "runner_reinstated": self._reinstated,
            "exchange_result_recorded": self._result,
            "exchange_settled": self._settled,
        }

    @property
    def unfinished(self) -> str:
        """What the house still has to do by itself."""
        waiting = [order.id for order in self.orders.values() if order.waits]
        if waiting:
            return f"orders {waiting} still wait"
        settling = [market.id for market in self.markets.values() if market.settles]
        return f"exchange markets {settling} are not settled" if settling else ""

    def _created(self, fact: Plain, _: int) -> None:
        terms = fact["terms"]
        self.markets[fact["market_id"]] = Market(
            id=fact["market_id"],
            currency=terms[3],
            base_rate_bp=terms[13],
            runners=len(fact["runners"]),
            crosses=terms[10],
            singles=terms[2] == SINGLES,
        )

    # ------------------------------------------------------------ orders

    def _placed(self, fact: Plain, _: int) -> None:
        made = self._new(fact)
        if fact.get("stale"):
            hold(not fact.get("trades") and not fact.get("holds"), "a stale order trades", fact)
            for order in made:
                order.left = 0
            return
        self._enter(fact, made)
        self._held(fact)

    def _replaced(self, fact: Plain, _: int) -> None:
        self._cut(fact["cuts"])
        self._grow(fact)
        self._enter(fact, self._new(fact))
        self._held(fact)

    def _new(self, fact: Plain) -> list[Order]:
        made, market = [], self.markets[fact["market_id"]]
        crosses = market.crosses and self._requests.name(fact) != "MassQuote"
        for row in fact["orders"]:
            number, runner, side, price, size, persistence, *rest = row
            hold(number == len(self.orders) + 1, "an order's id is not the next", fact)
            hold(size > 0 and runner in market.standing, "an order of nothing", fact)
            order = Order(
                id=number,
                customer=fact["customer_id"],
                market=fact["market_id"],
                runner=runner,
                backs=side == "back",
                price=price,
                left=size,
                persists=persistence == "persist",
                kills=rest[4] == "fill_or_kill",
                waits=number in fact.get("waiting", ()),
                crosses=crosses,
            )
            self.orders[number] = order
            made.append(order)
        return made

    def _activated(self, fact: Plain, _: int) -> None:
        self._cut(fact.get("lapsed", ()))
        due = [self.orders[number] for number in fact["orders"]]
        for order in due:
            hold(order.waits, "an order that does not wait is active", fact)
            order.waits = False
        self._enter(fact, due)
        self._held(fact)

    def _enter(self, fact: Plain, orders: list[Order]) -> None:
        """They trade, each with who is first, and what is left rests and could have met nobody."""
        market = self.markets[fact["market_id"]]
        trades = [Trade(*row[:7]) for row in fact.get("trades", ())]
        for order in orders:
            own = [trade for trade in trades if order.id in (trade.back, trade.lay)]
            for trade in own:
                if trade.group:
                    legs = [leg for leg in trades if leg.group == trade.group]
                    self._cross(market, order, trade, legs, fact)
                    trades = [leg for leg in trades if leg not in legs]
                else:
                    self._trade(market, order, trade, fact)
                    trades.remove(trade)
            if order.kills:
                self._average(order, own, fact)
            if order.kills and not order.waits:
                order.left = 0
            if order.left and not order.waits:
                first = self._first(order)
                hold(first is None or not order.agrees(first.price), "an order rests that could match", fact, first)
                hold(not self._crosses_at(order, order.price), "an order rests that could cross match", fact, order)
                self._came += 1
                order.came = self._came
        hold(not trades, "a trade of an order that is not of this fact", trades, fact)

    def _average(self, order: Order, own: list[Trade], fact: Plain) -> None:
        """Of an order that is filled or killed the average keeps the limit, and one more of the next price would
        not."""
        size, value = sum(trade.size for trade in own), sum(trade.size * trade.price for trade in own)
        hold(not own or order.agrees(Fraction(value, size)), "an average beyond its limit", order, own, fact)
        first = self._first(order) if own and order.left else None
        more = first is not None and order.agrees(Fraction(value + first.price, size + 1))
        hold(not more, "an order is killed of which more could be filled", order, own, fact)

    def _first(self, order: Order) -> Order | None:
        """Whoever an order would meet first: the best price, then the first to come."""
        others = self._resting(order.market, order.runner, backs=not order.backs)
        return min(others, key=lambda other: (other.price if other.backs else -other.price, other.came), default=None)

    def _trade(self, market: Market, order: Order, trade: Trade, fact: Plain) -> None:
        first = self._first(order)
        hold(first is not None, "a trade with nobody", trade, fact)
        assert first is not None
        hold({trade.back, trade.lay} == {order.id, first.id}, "a trade with who was not first", trade, first, fact)
        hold((trade.back == order.id) == order.backs, "a trade the wrong way round", trade, fact)
        kept = order.kills or order.agrees(trade.price)
        hold(trade.price == first.price and kept, "a trade at another price", trade, fact)
        hold(not self._crosses_better(order, trade.price), "a trade though a cross match was better", trade, fact)
        hold(trade.size == min(order.left, first.left), "a trade of another size", trade, order, first)
        hold(order.customer != first.customer, "a trade of a customer with themselves", trade, fact)
        order.met = order.met or trade.price
        order.left -= trade.size
        first.left -= trade.size
        market.trades.append(trade)

    def _cross(self, market: Market, order: Order, own: Trade, legs: list[Trade], fact: Plain) -> None:
        """An order and orders on all other runners, each with the house, which pays no more than it takes whoever wins;
        at a better price than any that is there directly."""
        first = self._first(order)
        better = first is None or (own.price > first.price if order.backs else own.price < first.price)
        hold(better, "a cross match that is no better than a direct one", own, first, fact)
        hold(order.kills or order.agrees(own.price), "a cross match at another price", own, order, fact)
        hold(not self._crosses_better(order, own.price), "a cross match at a worse price than was due", own, fact)
        hold({leg.runner for leg in legs} == set(market.standing), "a cross match of some runners", legs, fact)
        stakes, paid = sum(leg.size for leg in legs) * 1_000, Counter[int]()
        for leg in legs:
            number, house = (leg.back, leg.lay) if order.backs else (leg.lay, leg.back)
            hold(not house and number > 0, "a leg of a cross match with somebody", leg, fact)
            paid[leg.runner] += leg.size * leg.price
            self._leg(order, self.orders[number], leg, fact)
            market.trades.append(leg)
        balances = max(paid.values()) <= stakes if order.backs else min(paid.values()) >= stakes
        hold(balances, "the house pays more than it takes for a cross match", legs, fact)

    def _leg(self, order: Order, maker: Order, leg: Trade, fact: Plain) -> None:
        """One part of a cross match: the order's own, or that of who came first at a price."""
        if maker is not order:
            alike = (maker.backs, maker.price, maker.runner) == (order.backs, leg.price, leg.runner)
            hold(alike and maker.customer != order.customer, "a leg with the wrong order", leg, maker, fact)
            queue = self._resting(maker.market, maker.runner, backs=maker.backs)
            before = [other for other in queue if other.price == maker.price and other.came < maker.came]
            hold(not before, "a leg with who was not first at its price", leg, before, fact)
        hold(0 < leg.size <= maker.left, "a leg of more than was left", leg, maker, fact)
        maker.left -= leg.size

    def _crosses_better(self, order: Order, price: int) -> bool:
        """Whether a cross match was due at a better price than an order got."""
        return self._crosses_at(order, better_than(price, backs=order.backs))

    def _crosses_at(self, order: Order, price: int) -> bool:
        """Whether a cross match is due at a price or a better one. Of an order to fill or kill the price is a limit for
        its average, and nothing is. Once an order met somebody directly, only what beats that is: the house passes over
        for good what is too small to beat it, also where it would do at a worse price."""
        market = self.markets[order.market]
        if order.kills or not order.crosses:
            return False
        if order.met:
            bounds = price, better_than(order.met, backs=order.backs)
            price = max(bounds) if order.backs and all(bounds) else min(bounds)
        if not price:
            return False
        found = [self._level(order, runner) for runner in market.standing if runner != order.runner]
        levels = [level for level in found if level is not None]
        whole = len(levels) == len(found)
        return whole and is_due(backs=order.backs, price=price, left=order.left, levels=levels)

    def _level(self, order: Order, runner: int) -> Level | None:
        """What an order may meet of another runner: the best price, up to the first order of the same customer."""
        rests = self._resting(order.market, runner, backs=order.backs)
        rests.sort(key=lambda other: (other.price if other.backs else -other.price, other.came))
        best = list(takewhile(lambda other: other.price == rests[0].price and other.customer != order.customer, rests))
        return (best[0].price, sum(other.left for other in best)) if best else None

    def _resting(self, market: int, runner: int, *, backs: bool) -> list[Order]:
        """What rests on one side of a runner, in no order."""
        place = market, runner, backs
        others = self.orders.values()
        return [each for each in others if (each.market, each.runner, each.backs) == place and each.left and each.came]

    def _cut(self, cuts: Iterable[Row]) -> None:
        for number, size in cuts:
            order = self.orders[number]
            hold(0 < size <= order.left, "more is cut than was left", number, size, order)
            order.left -= size
            if not order.left:
                order.waits = False

    def _grow(self, fact: Plain) -> None:
        """Only the last in a queue may become larger, as nobody is behind it."""
        for number, size in fact.get("grown", ()):
            order = self.orders[number]
            behind = [
                other.id
                for other in self.orders.values()
                if (other.market, other.runner, other.backs, other.price)
                == (order.market, order.runner, order.backs, order.price)
                and other.left
                and other.came > order.came
            ]
            hold(order.customer == fact["customer_id"], "another's order grows", fact)
            hold(
                size > 0 and order.left > 0 and order.came > 0 and not behind,
                "an order grows before others",
                fact,
                behind,
            )
            order.left += size

    def _cancelled(self, fact: Plain, _: int) -> None:
        for number, _size in fact["cuts"]:
            hold(self.orders[number].customer == fact["customer_id"], "another's order is cancelled", fact)
        self._cut(fact["cuts"])
        self._held(fact)

    # ------------------------------------------------------------ the market

    def _lapse(self, fact: Plain, lapses: Callable[[Order], bool], why: str) -> None:
        """Just these lapse, whole."""
        mine = [order for order in self.orders.values() if order.market == fact["market_id"] and order.left]
        expected = [[order.id, order.left] for order in mine if lapses(order)]
        hold(list(fact.get("lapsed", ())) == expected, f"others lapse {why} than should", fact, expected)
        self._cut(expected)
        self._held(fact)

    def _suspended(self, fact: Plain, _: int) -> None:
        self._lapse(fact, lambda order: order.waits, "with a suspension")

    def _in_play(self, fact: Plain, _: int) -> None:
        self._lapse(fact, lambda order: not order.persists, "at the off")

    def _removed(self, fact: Plain, _: int) -> None:
        market, runner, factor = self.markets[fact["market_id"]], fact["runner"], fact["factor_bp"]
        reduces = factor >= NO_REDUCTION_BP
        market.removed.add(runner)
        groups = {trade.group for trade in market.trades if trade.runner == runner} - {0}
        off = [trade.id for trade in market.trades if trade.runner == runner or trade.group in groups]
        hold(list(fact.get("voided", ())) == off, "others are void than should be", fact, off)
        market.trades = [trade for trade in market.trades if trade.id not in off]
        if reduces:
            for trade in market.trades:
                trade.price = max(1_010, round(Fraction(trade.price * (10_000 - factor), 10_000)))
        self._lapse(fact, lambda o: o.runner == runner or (reduces and not o.backs), "with a removal")

    def _reinstated(self, fact: Plain, _: int) -> None:
        """It may win again. Nothing else comes back: what was void is in no position, and pays nobody."""
        market = self.markets[fact["market_id"]]
        hold(fact["runner"] in market.removed and not market.result, "a runner comes back that was not out", fact)
        market.removed.discard(fact["runner"])
        self._held(fact)

    def _result(self, fact: Plain, _: int) -> None:
        market = self.markets[fact["market_id"]]
        market.result, market.settles, market.done = fact["result"], True, 0
        self._lapse(fact, lambda _: True, "with a result")

    # ------------------------------------------------------------ money

    def _held(self, fact: Plain) -> None:
        """What is held of everybody on a market is the worst case over every winner, or all that is there."""
        for number, customer, account, change in fact.get("holds", ()):
            market = self.markets[number]
            wallet = (customer, market.currency)
            hold(self._money.purses[wallet].cash == account, "another account holds", fact)
            market.held[customer] += change
            self._money.set_aside(wallet, change)
        numbers = [fact["market_id"]] if fact.get("market_id") else list(self.markets)
        for market in (self.markets[number] for number in numbers):
            for customer in {order.customer for order in self.orders.values() if order.market == market.id}:
                self._is_worst_case(market, customer, fact)

    def _is_worst_case(self, market: Market, customer: int, fact: Plain) -> None:
        """Only who had no more when a runner was out or back may have less held, until it is enough again."""
        worst = max(self._loss(market, customer, won) for won in market.outcomes)
        held, needed = market.held[customer], max(0, -(-worst.numerator // worst.denominator))
        if held < needed and fact["kind"] in ("runner_removed", "runner_reinstated"):
            if not self._money.available_minor((customer, market.currency)):
                market.short.add(customer)
        elif held == needed:
            market.short.discard(customer)
        fits = held == needed or (held < needed and customer in market.short) or (market.result and not held)
        hold(bool(fits), "what is held is not the worst case", customer, held, needed, fact)

    def _loss(self, market: Market, customer: int, won: Collection[int]) -> Fraction:
        """What a customer would lose if just these won, unmatched orders at their worst."""
        lost = Fraction()
        for trade in market.trades:
            lost += self._share(trade, customer) * _backed(trade.runner in won, trade.price, trade.size)
        for order in self.orders.values():
            if (order.customer, order.market) == (customer, market.id) and order.left:
                backed = _backed(order.runner in won, order.price, order.left)
                lost += max(Fraction(), backed if order.backs else -backed)
        return lost

    def _share(self, trade: Trade, customer: int) -> int:
        """1 for who backed, −1 for who laid, 0 for others."""
        backed, laid = (bool(number) and self.orders[number].customer == customer for number in (trade.back, trade.lay))
        return backed - laid

    def _profit(self, market: Market, customer: int) -> int:
        """What the result makes of a position, rounded down once; a runner that shares its place wins in part."""
        if market.result[0] == "void_market":
            return 0
        winners = market.result[1]
        assert isinstance(winners, list)
        parts = {runner: Fraction(places, tied) for runner, places, tied in winners}
        lost = Fraction()
        for trade in market.trades:
            part = parts.get(trade.runner, Fraction())
            backed = part * _backed(True, trade.price, trade.size) + (1 - part) * trade.size
            lost += self._share(trade, customer) * backed
        return -lost.numerator // lost.denominator

    def _settled(self, fact: Plain, _: int) -> None:
        market = self.markets[fact["market_id"]]
        house = self._money.house[market.currency]
        for number, customer, _account, change in fact.get("holds", ()):
            self.markets[number].held[customer] += change
            self._money.set_aside((customer, market.currency), change)
        expected: Counter[int] = Counter()
        for customer, net, commission, *_ in fact["positions"]:
            profit = self._profit(market, customer)
            cut = round(Fraction(max(0, profit) * market.base_rate_bp, 10_000))
            hold((net, commission) == (profit, cut), "a position settled wrongly", fact, customer, profit, cut)
            hold(not market.held[customer], "a settled position still holds", fact)
            self._pay(market, customer, net, commission, expected)
        market.done += len(fact["positions"])
        if fact["last"]:
            residue = -sum(market.net.values())
            hold(residue >= 0, "the house pays for what customers win", fact, residue)
            expected[house["exchange"]] -= residue - market.residue
            expected[house["trading"]] += residue - market.residue
            market.residue, market.settles = residue, False
        self._money.post(fact, expected)

    def _pay(self, market: Market, customer: int, net: int, commission: int, expected: Counter[int]) -> None:
        wallet, house = (customer, market.currency), self._money.house[market.currency]
        purse = self._money.purses[wallet]
        change = (net - commission) - (market.net[customer] - market.paid[customer])
        advanced = max(0, -change - self._money.available_minor(wallet))
        repaid = max(0, min(change, self._money.owed_minor(wallet)))
        expected[purse.cash] += change + advanced - repaid
        expected[purse.debt] += repaid - advanced
        expected[house["exchange"]] -= net - market.net[customer]
        expected[house["trading"]] += commission - market.paid[customer]
        market.net[customer], market.paid[customer] = net, commission


def _backed(won: bool, price: int, size: int) -> Fraction:
    """What a back loses, gains below zero."""
    return Fraction(size * (1_000 - price), 1_000) if won else Fraction(size)
