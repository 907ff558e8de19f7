"""Every order, the books in which they rest and the positions they make, and how trades and cuts change them."""

import heapq
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from overround.book.exposure import (
    Cells,
    Game,
    Position,
    Shape,
    Side,
    add,
    add_matched,
    add_unmatched,
    at_start,
    cell_of,
)
from overround.book.matching.types import (
    FORGET_AFTER_US,
    SWEEP_EVERY_US,
    Lapse,
    Order,
    OrderStatus,
    OrderType,
    Placed,
    RunnerBook,
    TimeInForce,
    Trade,
)

# Members found once: Python 3.11 takes longer to look one up in its enum than to compare it.
BACK: Final = Side.BACK
LAY: Final = Side.LAY
LIMIT: Final = OrderType.LIMIT
PENDING: Final = OrderStatus.PENDING
COMPLETE: Final = OrderStatus.COMPLETE
FILL_OR_KILL: Final = TimeInForce.FILL_OR_KILL
LINE: Final = Shape.LINE


class MarketBook:
    """One market: its `positions` by customer (0 is the house, between the legs of cross matches) and its `trades`,
    and what is found again from its orders and trades: books by runner, who waits for the in-play delay (`pending`),
    who for the starting price (`start`), each customer's orders (`own`), and on line markets each order's trades
    (`fills`).

    `places` are the runners' by (selection_id, handicap_quarters), the `names` that they have outside.
    `active` are the runners that may win, by their place; `live` counts orders with something unmatched."""

    __slots__ = (
        "active", "fills", "game", "handicaps", "id", "live", "own", "pending", "places", "positions", "runners",
        "start", "trades",
    )  # fmt: skip

    def __init__(
        self,
        *,
        id: int,
        game: Game,
        names: Sequence[tuple[int, int]],
        active: list[int],
        positions: dict[int, Position],
        trades: list[Trade],
    ) -> None:
        self.id, self.game, self.active = id, game, active
        self.places = {name: place_of for place_of, name in enumerate(names)}
        self.handicaps = tuple(handicap for _, handicap in names)
        self.positions, self.trades = positions, trades
        self.live = 0
        self.runners = [RunnerBook() for _ in names]
        self.pending: dict[int, Order] = {}
        self.start: dict[int, Order] = {}
        self.own: dict[int, list[Order]] = {}
        self.fills: dict[int, list[Trade]] = {}


Wait = tuple[int, int, int]


class OrdersState(msgspec.Struct):
    """`by_id` are orders by dense id, but for those that came to nothing an hour ago; `placed`, `traded` and `ranked`
    count orders, trades and arrivals in queues. `swept_us` is when orders were last forgotten.

    Found again from these: `books` by market; `live` by customer and market, orders with something unmatched by id;
    `due` by (due, market, customer), what waits for its in-play delay together, and `waits`, a heap of those whose
    first is due first; `gone`, what came to nothing, the oldest first.
    """

    by_id: dict[int, Order] = {}
    placed: int = 0
    traded: int = 0
    ranked: int = 0
    swept_us: int = 0
    books: dict[int, MarketBook] = {}
    live: dict[int, dict[int, dict[int, Order]]] = {}
    due: dict[Wait, dict[int, Order]] = {}
    waits: list[Wait] = []
    gone: deque[Order] = msgspec.field(default_factory=deque)

    def next_id(self) -> int:
        return self.placed + 1

    def live_on(self, customer_id: int, market_id: int) -> dict[int, Order]:
        """A customer's orders on a market with something unmatched, those for the starting price too."""
        by_market = self.live.get(customer_id)
        return by_market.get(market_id, NONE) if by_market else NONE


NONE: Final[dict[int, Order]] = {}


def index(state: OrdersState) -> None:
    """Find again what is found again: `books` are there, with nothing in them."""
    for book in state.books.values():
        for trade in book.trades:
            _print(book, trade)
    for order in state.by_id.values():
        state.books[order.market_id].own.setdefault(order.customer_id, []).append(order)
        if order.status in (PENDING, OrderStatus.EXECUTABLE):
            _enter(state, order)
    for order in sorted(state.by_id.values(), key=_rank):
        if order.rank and order.remaining_minor:
            state.books[order.market_id].runners[order.runner].half(order.side).rest(order)

    state.gone = deque(sorted(filter(_came_to_nothing, state.by_id.values()), key=_over_at_us))


def _rank(order: Order) -> int:
    return order.rank


def _came_to_nothing(order: Order) -> bool:
    over = order.status in (COMPLETE, OrderStatus.EXPIRED)
    return over and not order.matched_minor and not order.voided_minor


def _over_at_us(order: Order) -> int:
    """When the last of an order lapsed or was cancelled."""
    return max(order.lapsed_at_us, order.cancelled_at_us)


def forget(state: OrdersState, now_us: int) -> None:
    """Drop orders that came to nothing long enough ago, all that are due at once and not too often."""
    if now_us - state.swept_us < SWEEP_EVERY_US:
        return
    state.swept_us = now_us
    touched: dict[tuple[int, int], None] = {}
    gone, horizon_us = state.gone, now_us - FORGET_AFTER_US
    while gone and _over_at_us(gone[0]) < horizon_us:
        order = gone.popleft()
        if state.by_id.pop(order.id, None) is not None:
            touched[order.market_id, order.customer_id] = None
    for market_id, customer_id in touched:
        own = state.books[market_id].own
        own[customer_id] = [order for order in own[customer_id] if order.id in state.by_id]


def drop(state: OrdersState, market_id: int) -> None:
    """Let a market go on which nothing is unmatched, with all its orders. Views do; the machine archives it."""
    for own in state.books.pop(market_id).own.values():
        for order in own:
            del state.by_id[order.id]
    state.gone = deque(order for order in state.gone if order.market_id != market_id)


def clear(state: OrdersState, market_id: int, orders: Iterable[int], customers: Iterable[int], *, trades: int) -> None:
    """Let orders of an archived market go, each the newest of its customer's, then the positions of some customers, and
    the newest trades."""
    book = state.books[market_id]
    for number in orders:
        order = state.by_id.pop(number)
        book.own[order.customer_id].pop()
        book.fills.pop(number, None)
    for customer_id in customers:
        book.own.pop(customer_id, None)
        del book.positions[customer_id]
    del book.trades[len(book.trades) - trades :]


def _enter(state: OrdersState, order: Order) -> None:
    """An order with something unmatched is found by its customer, and among those that wait where it waits."""
    by_market = state.live.get(order.customer_id)
    if by_market is None:
        by_market = state.live[order.customer_id] = {}
    live = by_market.get(order.market_id)
    if live is None:
        live = by_market[order.market_id] = {}
    live[order.id] = order
    book = state.books[order.market_id]
    book.live += 1
    if order.status is PENDING:
        book.pending[order.id] = order
        due = _wait_of(order)
        together = state.due.get(due)
        if together is None:
            together = state.due[due] = {}
            heapq.heappush(state.waits, due)
        together[order.id] = order
    elif order.type is not LIMIT:
        book.start[order.id] = order


def _leave(state: OrdersState, order: Order, status: OrderStatus = OrderStatus.COMPLETE) -> None:
    """Nothing is left of an order."""
    order.status = status
    if status is COMPLETE and not order.matched_minor and not order.voided_minor:
        state.gone.append(order)
    state.books[order.market_id].live -= 1
    by_market = state.live[order.customer_id]
    live = by_market[order.market_id]
    del live[order.id]
    if not live:
        del by_market[order.market_id]
        if not by_market:
            del state.live[order.customer_id]


# ---------------------------------------------------------------- risk


def rest_of(order: Order) -> int:
    """How much of an order is unmatched: its size, or its liability while the starting price is not known."""
    return order.remaining_minor if order.type is LIMIT else order.liability_minor


def join(cells: Cells, game: Game, trade: Trade, side: Side, sign: int = 1) -> None:
    """One side of a trade joins a position, or (`sign` −1) leaves it."""
    add_matched(cells, game, trade.runner, side, trade.price_milli, sign * trade.size_minor)


def wait(cells: Cells, game: Game, order: Order | Placed, size_minor: int) -> None:
    """A part of an order waits to be matched, or (below zero) waits no more."""
    if order.type is LIMIT:
        add_unmatched(cells, game, order.runner, order.side, order.price_milli, size_minor)
    else:
        add(cells, game, cell_of(game, order.runner, order.price_milli), at_start(order.side), size_minor)


# ---------------------------------------------------------------- trades and cuts


def _print(book: MarketBook, trade: Trade) -> None:
    """A trade is seen on its runner's ladder, but for one at the starting price."""
    if trade.group >= 0:
        runner = book.runners[trade.runner]
        runner.traded[trade.price_milli] = runner.traded.get(trade.price_milli, 0) + trade.size_minor
        runner.last_milli = trade.price_milli
    if book.game.shape is LINE:
        for number in (trade.back, trade.lay):
            book.fills.setdefault(number, []).append(trade)


def trade(state: OrdersState, book: MarketBook, made: Trade, at_us: int) -> None:
    """A trade: both positions have it, and the orders that rested have less left."""
    book.trades.append(made)
    state.traded = made.id
    _print(book, made)
    for side, number in ((BACK, made.back), (LAY, made.lay)):
        if number:
            _fill(state, book, state.by_id[number], made, at_us)
        else:
            join(book.positions[0].cells, book.game, made, side)


def _fill(state: OrdersState, book: MarketBook, order: Order, made: Trade, at_us: int) -> None:
    size = made.size_minor
    cells = book.positions[order.customer_id].cells
    join(cells, book.game, made, order.side)
    order.matched_minor += size
    order.matched_value += size * made.price_milli
    order.matched_at_us = at_us
    if not order.remaining_minor:  # at the starting price: the size is what was matched
        order.size_minor += size
        return
    order.remaining_minor -= size
    if order.rank:
        wait(cells, book.game, order, -size)
        book.runners[order.runner].half(order.side).reduce(order, size)
        if not order.remaining_minor:
            _leave(state, order)


def cut(state: OrdersState, number: int, size_minor: int, at_us: int, *, lapses: bool) -> None:
    """A part of an order, or all that is left of it, lapses or is cancelled."""
    order = state.by_id[number]
    book = state.books[order.market_id]
    cells = book.positions[order.customer_id].cells
    if order.type is LIMIT:  # `wait` written out
        add_unmatched(cells, book.game, order.runner, order.side, order.price_milli, -size_minor)
        order.remaining_minor -= size_minor
        if lapses:
            order.lapsed_minor += size_minor
        else:
            order.cancelled_minor += size_minor
        if order.rank:
            book.runners[order.runner].half(order.side).reduce(order, size_minor)
    else:
        wait(cells, book.game, order, -size_minor)
    if lapses:
        order.lapsed_at_us = at_us
    else:
        order.cancelled_at_us = at_us
    if not order.remaining_minor:
        if number in book.pending:
            _wait_no_more(state, book, order)
        book.start.pop(number, None)
        _leave(state, order)


def grow(state: OrdersState, number: int, size_minor: int) -> None:
    """An order that is the last in its queue becomes larger, as if another had joined behind it."""
    order = state.by_id[number]
    book = state.books[order.market_id]
    order.size_minor += size_minor
    order.remaining_minor += size_minor
    book.runners[order.runner].half(order.side).levels[order.price_milli].size_minor += size_minor
    cells = book.positions[order.customer_id].cells
    add_unmatched(cells, book.game, order.runner, order.side, order.price_milli, size_minor)


# ---------------------------------------------------------------- orders come and go


def place(state: OrdersState, book: MarketBook, orders: list[Order], trades: tuple[Trade, ...], at_us: int) -> None:
    """New orders come: those that wait for their delay wait, the others trade, and then rest or are killed."""
    own = book.own.setdefault(orders[0].customer_id, []) if orders else []
    for order in orders:
        state.by_id[order.id] = order
        state.placed = order.id
        own.append(order)
    for made in trades:
        trade(state, book, made, at_us)
    for order in orders:
        _land(state, book, order, at_us)


def turn_away(state: OrdersState, book: MarketBook, orders: list[Order], why: Lapse, at_us: int) -> None:
    """New orders come, and lapse whole before anybody sees them."""
    own = book.own.setdefault(orders[0].customer_id, [])
    for order in orders:
        state.by_id[order.id] = order
        state.placed = order.id
        own.append(order)
        order.lapsed_minor, order.remaining_minor = order.remaining_minor, 0
        order.lapsed_at_us, order.lapse, order.status = at_us, why, COMPLETE
        state.gone.append(order)


def activate(
    state: OrdersState,
    book: MarketBook,
    numbers: tuple[int, ...],
    sizes: tuple[tuple[int, int], ...],
    trades: tuple[Trade, ...],
    at_us: int,
) -> None:
    """A delay is over: these orders, of the sizes that their targets came to, trade, and then rest or are killed."""
    orders = [state.by_id[number] for number in numbers]
    for order in orders:
        wait(book.positions[order.customer_id].cells, book.game, order, -rest_of(order))
        _wait_no_more(state, book, order)
        _leave(state, order, OrderStatus.EXECUTABLE)
    for number, size_minor in sizes:
        order = state.by_id[number]
        order.size_minor = order.remaining_minor = size_minor
    for made in trades:
        trade(state, book, made, at_us)
    for order in orders:
        _land(state, book, order, at_us)


def _land(state: OrdersState, book: MarketBook, order: Order, at_us: int) -> None:
    """After its trades, what is left of an order waits, rests or is killed."""
    if order.status is PENDING or order.type is not LIMIT:
        _enter(state, order)
    elif not order.remaining_minor:
        order.status = COMPLETE
        return
    elif order.time_in_force is FILL_OR_KILL:
        _kill(state, order, at_us)
        return
    else:
        _enter(state, order)
        order.rank = state.ranked = state.ranked + 1
        book.runners[order.runner].half(order.side).rest(order)
    wait(book.positions[order.customer_id].cells, book.game, order, rest_of(order))


def _kill(state: OrdersState, order: Order, at_us: int) -> None:
    order.lapsed_minor += order.remaining_minor
    order.remaining_minor, order.lapsed_at_us = 0, at_us
    order.status = COMPLETE if order.matched_minor else OrderStatus.EXPIRED
    if not order.matched_minor:
        state.gone.append(order)


def start(
    state: OrdersState, book: MarketBook, converted: tuple[int, ...], trades: tuple[Trade, ...], at_us: int
) -> None:
    """The starting price is known: orders for it, and those that are `converted` to it with their whole rest, have what
    their trades say and no more. Other orders that take part lose from what rests."""
    at_price = [*book.start.values(), *(state.by_id[number] for number in converted)]
    for order in at_price:
        wait(book.positions[order.customer_id].cells, book.game, order, -rest_of(order))
        size, order.remaining_minor = order.remaining_minor, 0
        if order.rank:
            order.size_minor -= size
            book.runners[order.runner].half(order.side).reduce(order, size)
    for made in trades:
        trade(state, book, made, at_us)
    for order in at_price:
        if not order.matched_minor:
            order.lapsed_at_us = at_us
        _leave(state, order)
    book.start.clear()


def _wait_of(order: Order) -> Wait:
    return order.decide_at_us, order.market_id, order.customer_id


def _wait_no_more(state: OrdersState, book: MarketBook, order: Order) -> None:
    """An order waits for its in-play delay no more."""
    del book.pending[order.id]
    due = _wait_of(order)
    together = state.due[due]
    del together[order.id]
    if not together:
        del state.due[due]


def waits_over(state: OrdersState) -> None:
    """What is first in `waits` is again one for which something waits."""
    while state.waits and state.waits[0] not in state.due:
        heapq.heappop(state.waits)


# ---------------------------------------------------------------- a runner is removed


def remove(
    state: OrdersState, book: MarketBook, runner: int, voided: tuple[int, ...], reduced: tuple[tuple[int, int], ...]
) -> None:
    """A runner cannot win any more: trades in `voided` are off, those in `reduced` are at another price. What was
    traded is printed anew."""
    off, prices = frozenset(voided), dict(reduced)
    before = book.trades[:]
    book.trades.clear()
    for made in before:
        price_milli = 0 if made.id in off else prices.get(made.id, made.price_milli)
        if price_milli:
            book.trades.append(made if price_milli == made.price_milli else _at(made, price_milli))
        if price_milli != made.price_milli:
            _restate(state, book, made, price_milli)
    for position in book.positions.values():
        position.cells.pop(runner, None)
    book.active.remove(runner)
    book.fills.clear()
    for printed in book.runners:
        printed.traded, printed.last_milli = {}, 0
    for made in book.trades:
        _print(book, made)


def _at(made: Trade, price_milli: int) -> Trade:
    return msgspec.structs.replace(made, price_milli=price_milli)


def _restate(state: OrdersState, book: MarketBook, made: Trade, price_milli: int) -> None:
    """A trade is at another price, or with 0 off: on both positions and both orders."""
    for side, number in ((BACK, made.back), (LAY, made.lay)):
        order = state.by_id[number] if number else None
        cells = book.positions[order.customer_id if order else 0].cells
        join(cells, book.game, made, side, -1)
        if price_milli:
            join(cells, book.game, _at(made, price_milli), side)
        if order is not None:
            order.matched_value += made.size_minor * (price_milli - made.price_milli)
            if not price_milli:
                order.matched_minor -= made.size_minor
                order.voided_minor += made.size_minor
