"""What a fact of the exchange changed: which runners of which markets, and whose orders."""

from collections.abc import Iterable
from functools import singledispatch
from typing import Any

import msgspec

from overround.book.exchange import (
    APPLY,
    BetDelayChanged,
    Cut,
    ExchangeMarketOpened,
    ExchangeMarketRescheduled,
    ExchangeMarketSuspended,
    ExchangeResultRecorded,
    ExchangeSettled,
    ExchangeState,
    HeartbeatMissed,
    OrdersActivated,
    OrdersCancelled,
    OrdersPlaced,
    OrdersReplaced,
    OrdersUpdated,
    RunnerReinstated,
    RunnerRemoved,
    StartReconciled,
    TurnedInPlay,
)
from overround.book.machine.exchange_above import ABOVE
from overround.book.matching import OrderType, Trade
from overround.kernel.fact import Fact

EXCHANGE_KINDS = tuple(str(kind.__struct_config__.tag) for kind in (*APPLY, *ABOVE))
"""The kinds of facts that change the exchange's markets."""


class Touched(msgspec.Struct):
    """`markets` has the runners that changed, None where the market itself and so all of them did. `orders` are
    (customer, market, runner, order)."""

    markets: dict[int, dict[int, None] | None] = {}
    orders: dict[tuple[int, int, int, int], None] = {}
    whole: dict[tuple[int, int], None] = {}
    closed: dict[tuple[int, int], None] = {}

    def runner(self, market_id: int, runner: int) -> None:
        runners = self.markets.setdefault(market_id, {})
        if runners is not None:
            runners[runner] = None

    def order(self, state: ExchangeState, order_id: int) -> None:
        """An order and its runner changed."""
        order = state.orders.by_id[order_id]
        self.runner(order.market_id, order.runner)
        self.orders[order.customer_id, order.market_id, order.runner, order_id] = None

    def all(self, state: ExchangeState, order_ids: Iterable[int]) -> None:
        for order_id in order_ids:
            self.order(state, order_id)

    def cuts(self, state: ExchangeState, cuts: Iterable[Cut]) -> None:
        for cut in cuts:
            self.order(state, cut.order)

    def trades(self, state: ExchangeState, trades: Iterable[Trade]) -> None:
        for trade in trades:
            for order_id in (trade.back, trade.lay):
                if order_id:
                    self.order(state, order_id)


def touched_by(fact: Fact, state: ExchangeState) -> Touched:
    """What changed, in a state that has the fact already."""
    touched = Touched()
    _touch(fact, state, touched)
    return touched


def customers_of(fact: Fact, touched: Touched) -> Iterable[int]:
    """Whose orders changed, or whose position was settled."""
    customers = {customer_id: None for customer_id, _, _, _ in touched.orders}
    customers.update(dict.fromkeys(customer_id for customer_id, _ in (*touched.whole, *touched.closed)))
    if isinstance(fact, ExchangeSettled):
        customers.update(dict.fromkeys(position.customer_id for position in fact.positions))
    return customers


@singledispatch
def _touch(fact: Any, state: ExchangeState, touched: Touched) -> None:
    """Facts that no viewer sees."""


@_touch.register
def _placed(fact: OrdersPlaced, state: ExchangeState, touched: Touched) -> None:
    touched.all(state, (order.id for order in fact.orders))
    touched.trades(state, fact.trades)


@_touch.register
def _replaced(fact: OrdersReplaced, state: ExchangeState, touched: Touched) -> None:
    touched.cuts(state, (*fact.cuts, *fact.grown))
    touched.all(state, (order.id for order in fact.orders))
    touched.trades(state, fact.trades)


@_touch.register
def _activated(fact: OrdersActivated, state: ExchangeState, touched: Touched) -> None:
    touched.all(state, fact.orders)
    touched.cuts(state, fact.lapsed)
    touched.trades(state, fact.trades)


@_touch.register(OrdersCancelled)
@_touch.register(HeartbeatMissed)
def _cancelled(fact: OrdersCancelled | HeartbeatMissed, state: ExchangeState, touched: Touched) -> None:
    touched.cuts(state, fact.cuts)


@_touch.register
def _updated(fact: OrdersUpdated, state: ExchangeState, touched: Touched) -> None:
    touched.all(state, (order_id for order_id, _ in fact.updates))


@_touch.register(ExchangeMarketOpened)
@_touch.register(BetDelayChanged)
@_touch.register(ExchangeMarketRescheduled)
def _defined(
    fact: ExchangeMarketOpened | BetDelayChanged | ExchangeMarketRescheduled, _state: ExchangeState, touched: Touched
) -> None:
    touched.markets[fact.market_id] = None


@_touch.register(ExchangeMarketSuspended)
@_touch.register(TurnedInPlay)
def _lapsed(fact: ExchangeMarketSuspended | TurnedInPlay, state: ExchangeState, touched: Touched) -> None:
    touched.markets[fact.market_id] = None
    touched.cuts(state, fact.lapsed)


@_touch.register
def _reconciled(fact: StartReconciled, state: ExchangeState, touched: Touched) -> None:
    """Whatever waited for the starting price is over, matched or not."""
    touched.markets[fact.market_id] = None
    touched.cuts(state, fact.lapsed)
    touched.trades(state, fact.trades)
    touched.all(state, fact.converted)
    for own in state.orders.books[fact.market_id].own.values():
        touched.all(state, (order.id for order in own if order.type is not OrderType.LIMIT))


@_touch.register
def _removed(fact: RunnerRemoved, state: ExchangeState, touched: Touched) -> None:
    """Anybody's matches may be off or at another price."""
    touched.markets[fact.market_id] = None
    touched.cuts(state, fact.lapsed)
    touched.whole.update(
        dict.fromkeys((customer, fact.market_id) for customer in state.orders.books[fact.market_id].own)
    )


@_touch.register
def _reinstated(fact: RunnerReinstated, state: ExchangeState, touched: Touched) -> None:  # noqa: ARG001  # as the others
    touched.markets[fact.market_id] = None


@_touch.register
def _resulted(fact: ExchangeResultRecorded, state: ExchangeState, touched: Touched) -> None:
    touched.markets[fact.market_id] = None
    touched.cuts(state, fact.lapsed)
    touched.closed.update(
        dict.fromkeys((customer, fact.market_id) for customer in state.orders.books[fact.market_id].own)
    )


@_touch.register
def _settled(fact: ExchangeSettled, _state: ExchangeState, touched: Touched) -> None:
    if fact.last:
        touched.markets[fact.market_id] = None
