"""What must be true of the exchange after every command, worked out again from its orders and trades alone: every
outcome gone through one by one, with fractions, and every book put together anew from lists."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import combinations

from overround.book.exchange import ExchangeMarket, RunnerStatus, Status
from overround.book.exposure import Position, Shape, Side
from overround.book.machine import State
from overround.book.matching import MarketBook, Order, OrderStatus, OrderType, Trade

MOST_OUTCOMES = 400
Profit = Callable[[int, Side, int, int], Fraction]
"""What (runner, side, price in thousandths, size) brings in one outcome, in minor units of the market's currency."""


def audit_exchange(state: State, *, outcomes: bool = True) -> None:
    """Raises AssertionError where a size is lost, a book is not its orders, or an exposure not the worst outcome."""
    for market in state.exchange.markets.values():
        book = state.exchange.orders.books[market.id]
        orders = [order for order in state.exchange.orders.by_id.values() if order.market_id == market.id]
        _sizes_add_up(orders, market.trades)
        _books_are_their_orders(state, book, orders)
        if outcomes:
            _worst_cases(market, orders)
    if not state.exchange.settling:
        for house in state.ledger.house.values():
            assert house.exchange is None or not house.exchange.balance_minor


def _sizes_add_up(orders: list[Order], trades: list[Trade]) -> None:
    by_order: dict[int, list[Trade]] = defaultdict(list)
    for trade in trades:
        assert trade.size_minor > 0
        for number in {trade.back, trade.lay} - {0}:
            by_order[number].append(trade)
    for order in orders:
        mine = by_order[order.id]
        parts = (
            order.matched_minor,
            order.remaining_minor,
            order.lapsed_minor,
            order.cancelled_minor,
            order.voided_minor,
        )
        assert order.size_minor == sum(parts), order
        assert min(parts) >= 0
        assert order.matched_minor == sum(trade.size_minor for trade in mine), order
        assert order.matched_value == sum(trade.size_minor * trade.price_milli for trade in mine), order
        live = order.status in (OrderStatus.PENDING, OrderStatus.EXECUTABLE)
        assert live == bool(order.remaining_minor or (live and order.type is not OrderType.LIMIT)), order


def _books_are_their_orders(state: State, book: MarketBook, orders: list[Order]) -> None:
    resting = [order for order in orders if order.status is OrderStatus.EXECUTABLE and order.type is OrderType.LIMIT]
    for number, runner in enumerate(book.runners):
        for half in (runner.backs, runner.lays):
            mine = sorted((o for o in resting if (o.runner, o.side) == (number, half.side)), key=lambda o: o.rank)
            best_first = sorted({order.price_milli for order in mine}, reverse=half.side is Side.LAY)
            assert [key * half.sign for key in reversed(half.keys)] == best_first
            for price in best_first:
                level = half.levels[price]
                queue = [order for order in mine if order.price_milli == price]
                assert [order for order in level.orders if order.remaining_minor] == queue
                assert level.size_minor == sum(order.remaining_minor for order in queue)
                assert level.gone == len(level.orders) - len(queue)
        if runner.backs.keys and runner.lays.keys:
            assert -runner.backs.keys[-1] > runner.lays.keys[-1], "the book is crossed"
    waiting = {order.id for order in orders if order.status is OrderStatus.PENDING}
    assert set(book.pending) == waiting
    live = {order.id for order in orders if order.status in (OrderStatus.PENDING, OrderStatus.EXECUTABLE)}
    found = {number for by in state.exchange.orders.live.values() for number in by.get(book.id, ())}
    assert found == live
    assert all(market for by in state.exchange.orders.live.values() for market in by.values())


def _worst_cases(market: ExchangeMarket, orders: list[Order]) -> None:
    by_customer: dict[int, list[Order]] = defaultdict(list)
    owner = {0: 0} | {order.id: order.customer_id for order in orders}
    for order in orders:
        by_customer[order.customer_id].append(order)
    worst: dict[int, Fraction] = defaultdict(Fraction)
    for profit in outcomes_of(market):
        matched: dict[int, Fraction] = defaultdict(Fraction)
        for trade in market.trades:
            for side, number in ((Side.BACK, trade.back), (Side.LAY, trade.lay)):
                matched[owner[number]] += profit(trade.runner, side, trade.price_milli, trade.size_minor)
        assert not sum(matched.values()), "what some win is not what others lose"
        assert matched[0] >= 0, "the house loses on a cross match"
        for customer, own in by_customer.items():
            waiting = sum((min(Fraction(), _unmatched(order, profit)) for order in own), Fraction())
            worst[customer] = max(worst[customer], -matched[customer] - waiting)
    for customer in by_customer:
        position = market.positions[customer]
        needed = _needed(position, worst[customer])
        removed = any(runner.removed_at_us for runner in market.runners)
        settled = market.status is Status.CLOSED and not position.held_minor
        short = removed and position.held_minor < needed  # then what is there is held
        assert position.held_minor == needed or settled or short, (position, needed)


def _needed(position: Position, loss: Fraction) -> int:
    money = loss * position.rate_to / position.rate_from
    return -(-money.numerator // money.denominator)


def _unmatched(order: Order, profit: Profit) -> Fraction:
    if order.status not in (OrderStatus.PENDING, OrderStatus.EXECUTABLE):
        return Fraction()
    if order.type is OrderType.LIMIT:
        return profit(order.runner, order.side, order.price_milli, order.remaining_minor)
    if order.side is Side.BACK:  # at any price: either the stake is lost or something is won
        return profit(order.runner, Side.BACK, 1_000, order.liability_minor)
    lost = profit(order.runner, Side.LAY, 2_000, order.liability_minor)  # at evens stake and liability are the same
    return min(lost, Fraction())


def outcomes_of(market: ExchangeMarket) -> Iterator[Profit]:
    """Every way in which the market can end, or a part of them where there are too many."""
    game = market.terms.game
    active = [number for number, runner in enumerate(market.runners) if runner.status is not RunnerStatus.REMOVED]
    match game.shape:
        case Shape.WINNERS:
            for winners in _winners(active, game.winners):
                yield lambda runner, side, price, size, won=frozenset(winners): _signed(  # type: ignore[misc]
                    side, _plain(runner in won, price, size)
                )
        case Shape.EACH_WAY:
            for placed in combinations(active, min(game.winners, len(active))):
                for winner in placed:
                    yield lambda runner, side, price, size, w=winner, p=frozenset(placed): _signed(  # type: ignore[misc]
                        side, _each_way(runner == w, runner in p, price, size, game.divisor)
                    )
        case Shape.ASIAN:
            for goals in range(-15, 16):
                yield lambda runner, side, price, size, g=goals: _signed(  # type: ignore[misc]
                    side, _asian(market.runners[runner].handicap_quarters, g if runner % 2 == 0 else -g, price, size)
                )
        case Shape.LINE:
            ladder = market.terms.ladder
            for number in range(2 * ladder.low - ladder.step, 2 * ladder.high + 2 * ladder.step, ladder.step):
                yield lambda runner, side, price, size, n=number: _signed(side, _line(n, 2 * price, size))  # type: ignore[misc]


def _winners(active: list[int], winners: int) -> Iterator[tuple[int, ...]]:
    sizes = [min(winners, len(active))] if winners else range(len(active) + 1)
    for size in sizes:
        for n, chosen in enumerate(combinations(active, size)):
            if n < MOST_OUTCOMES:
                yield chosen


def _signed(side: Side, backed: Fraction) -> Fraction:
    return backed if side is Side.BACK else -backed


def _plain(won: bool, price: int, size: int) -> Fraction:
    return Fraction(size * (price - 1_000), 1_000) if won else Fraction(-size)


def _each_way(won: bool, placed: bool, price: int, size: int, divisor: int) -> Fraction:
    place = Fraction(size * (price - 1_000), 1_000 * divisor) if placed else Fraction(-size)
    return _plain(won, price, size) + place


def _asian(quarters: int, goals: int, price: int, size: int) -> Fraction:
    """A quarter line is half the stake on each neighbouring half line."""
    lines = (quarters - 1, quarters + 1) if quarters % 2 else (quarters, quarters)
    halves = [4 * goals + line for line in lines]
    return sum(((_plain(margin > 0, price, size) / 2) if margin else Fraction() for margin in halves), Fraction())


def _line(number: int, line: int, size: int) -> Fraction:
    return Fraction((number < line) * size - (number > line) * size)
