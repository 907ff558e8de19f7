"""How the facts of the exchange change its tables. Nothing is matched here: facts carry their trades and cuts."""

from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any, Final

import msgspec

from overround.book.exchange import (
    LIFE,
    Action,
    BetDelayChanged,
    CurrencyRateSet,
    Cut,
    DiscountSet,
    ExchangeMarket,
    ExchangeMarketCreated,
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
    Runner,
    RunnerReinstated,
    RunnerRemoved,
    RunnerStatus,
    StartReconciled,
    TurnedInPlay,
    VoidResult,
    runner_outcome,
)
from overround.book.machine.exchange_above import fold_above
from overround.book.matching import Lapse, OrderStatus, OrderType, TimeInForce, Trade
from overround.kernel.fact import Fact
from overround.projections.exchange_rows import SETTLED, ExchangeOrder, ExchangeTrade, LapseReason
from overround.projections.underway import Folding, post

NOT_SETTLED: Final = (0, 0, False, 0, 0)


# ---------------------------------------------------------------- orders


def _orders_placed(at: Folding, fact: OrdersPlaced) -> None:
    if fact.rate is not None:
        place = fact.market_id, fact.customer_id
        at.changes.exchange.positions[place] = [*place, fact.currency, *fact.rate, *NOT_SETTLED, at.seq]
    _place(at, fact)


def _orders_replaced(at: Folding, fact: OrdersReplaced) -> None:
    _cancel(at, fact.cuts)
    for more in fact.grown:
        row = _changed(at, more.order)
        row.size_minor += more.size_minor
        row.remaining_minor += more.size_minor
    _place(at, fact)


def _place(at: Folding, fact: OrdersPlaced | OrdersReplaced) -> None:
    """New orders trade, and rest, wait or are killed."""
    rows = _new(at, fact)
    for row in rows:
        at.known.orders[row.id] = at.changes.exchange.orders[row.id] = row
    if rows:
        _touch(at, fact.market_id, fact.customer_id)
    if isinstance(fact, OrdersPlaced) and fact.stale:
        for row in rows:
            row.lapsed_minor, row.remaining_minor, row.status = row.remaining_minor, 0, OrderStatus.COMPLETE
            row.lapsed_at_us, row.lapse_reason, row.lapse = at.at_us, LapseReason.VERSION, Lapse.MARKET_VERSION
        return
    _trade(at, fact.market_id, fact.trades)
    for row in rows:
        _land(at, row)


def _new(at: Folding, fact: OrdersPlaced | OrdersReplaced) -> list[ExchangeOrder]:
    """The orders of a request as they begin, in the order of the columns."""
    rows = []
    for placed in fact.orders:
        waits = placed.id in fact.waiting
        rows.append(
            ExchangeOrder(
                placed.id,
                fact.customer_id,
                fact.market_id,
                placed.runner,
                placed.side,
                placed.type,
                placed.price_milli,
                placed.size_minor,
                placed.liability_minor,
                placed.persistence,
                placed.time_in_force,
                placed.min_fill_minor,
                placed.target,
                placed.target_minor,
                placed.ref,
                placed.strategy,
                OrderStatus.PENDING if waits else OrderStatus.EXECUTABLE,
                placed.size_minor,
                *(0,) * 6,
                at.at_us,
                fact.decide_at_us if waits else 0,
                *(0,) * 5,
                None,
                Lapse.NONE,
                fact.market_version if waits else 0,
                at.seq,
            )
        )
    return rows


def _land(at: Folding, row: ExchangeOrder) -> None:
    """After its trades, a limit order of which nothing is left is complete; one to fill or kill is killed."""
    if row.status is OrderStatus.PENDING or row.type is not OrderType.LIMIT:
        return
    if not row.remaining_minor:
        row.status = OrderStatus.COMPLETE
    elif row.time_in_force is TimeInForce.FILL_OR_KILL:
        row.lapsed_minor += row.remaining_minor
        row.remaining_minor, row.lapsed_at_us, row.lapse_reason = 0, at.at_us, LapseReason.FILL_OR_KILL
        row.status = OrderStatus.COMPLETE if row.matched_minor else OrderStatus.EXPIRED


def _orders_activated(at: Folding, fact: OrdersActivated) -> None:
    for cut, code in zip(fact.lapsed, fact.whys or repeat(Lapse.NONE), strict=False):
        _lapse(at, (cut,), LapseReason.DELAY, code)
    rows = [_changed(at, number) for number in fact.orders]
    for row in rows:
        row.status = OrderStatus.EXECUTABLE
    for number, size_minor in fact.sizes:
        row = at.known.orders[number]
        row.size_minor = row.remaining_minor = size_minor
    _trade(at, fact.market_id, fact.trades)
    for row in rows:
        _land(at, row)


def _orders_cancelled(at: Folding, fact: OrdersCancelled | HeartbeatMissed) -> None:
    _cancel(at, fact.cuts)


def _orders_updated(at: Folding, fact: OrdersUpdated) -> None:
    for number, persistence in fact.updates:
        _changed(at, number).persistence = persistence


def _changed(at: Folding, number: int) -> ExchangeOrder:
    """An order that changes, and with it the customer's position and the market."""
    row = at.known.orders[number]
    if number not in at.changes.exchange.orders:
        at.changes.exchange.changed[number] = row
    _touch(at, row.market_id, row.customer_id)
    return row


def _touch(at: Folding, market_id: int, customer_id: int) -> None:
    at.changes.exchange.touched[market_id, customer_id] = at.changes.exchange.stamps[market_id] = at.seq


def _cancel(at: Folding, cuts: Iterable[Cut]) -> None:
    for cut in cuts:
        row = _cut(at, cut)
        row.cancelled_at_us = at.at_us
        if row.type is OrderType.LIMIT:
            row.cancelled_minor += cut.size_minor


def _lapse(at: Folding, cuts: Iterable[Cut], reason: LapseReason, code: Lapse = Lapse.NONE) -> None:
    """These parts of orders lapse. `code` is said of those that waited to come to the book."""
    for cut in cuts:
        if at.known.orders[cut.order].status is OrderStatus.PENDING:
            at.known.orders[cut.order].lapse = code
        row = _cut(at, cut)
        row.lapsed_at_us, row.lapse_reason = at.at_us, reason
        if row.type is OrderType.LIMIT:
            row.lapsed_minor += cut.size_minor


def _cut(at: Folding, cut: Cut) -> ExchangeOrder:
    """A part of an order is no longer there. One for the starting price has no size yet and goes whole."""
    row = _changed(at, cut.order)
    if row.type is OrderType.LIMIT:
        row.remaining_minor -= cut.size_minor
    if not row.remaining_minor:
        row.status = OrderStatus.COMPLETE
    return row


# ---------------------------------------------------------------- trades


def _trade(at: Folding, market_id: int, trades: Iterable[Trade]) -> None:
    for made in trades:
        back = _fill(at, made.back, made) if made.back else 0
        lay = _fill(at, made.lay, made) if made.lay else 0
        at.changes.exchange.trades[made.id] = ExchangeTrade(
            made.id,
            market_id,
            made.runner,
            made.price_milli,
            made.size_minor,
            made.back,
            made.lay,
            back,
            lay,
            made.group,
            False,
            at.at_us,
            at.seq,
        )


def _fill(at: Folding, number: int, made: Trade) -> int:
    """One side of a trade; whose it is. What has no size before the starting price has it from its matches."""
    row = _changed(at, number)
    row.matched_minor += made.size_minor
    row.matched_value += made.size_minor * made.price_milli
    row.matched_at_us = at.at_us
    if not row.remaining_minor:
        row.size_minor += made.size_minor
        return row.customer_id
    row.remaining_minor -= made.size_minor
    if not row.remaining_minor and row.status is OrderStatus.EXECUTABLE:
        row.status = OrderStatus.COMPLETE
    return row.customer_id


def _restate(at: Folding, number: int, price_milli: int) -> None:
    """A trade is at another price, or with 0 off."""
    made = at.changes.exchange.trades.get(number)
    if made is None:
        made = at.changes.exchange.retraded[number] = at.known.trades[number]
    for order in (made.back, made.lay):
        if order:
            row = _changed(at, order)
            row.matched_value += made.size_minor * (price_milli - made.price_milli)
            if not price_milli:
                row.matched_minor -= made.size_minor
                row.voided_minor += made.size_minor
                row.voided_at_us = at.at_us
    if price_milli:
        made.price_milli = price_milli
    else:
        made.voided = True


# ---------------------------------------------------------------- markets


def _created(at: Folding, fact: ExchangeMarketCreated) -> None:
    market = ExchangeMarket(
        id=fact.market_id,
        event_id=fact.event_id,
        terms=fact.terms,
        runners=[Runner(each.selection_id, each.name, each.handicap_quarters, each.factor_bp) for each in fact.runners],
        bet_delay_us=fact.terms.bet_delay_us,
        passive=fact.terms.passive,
        created_at_us=at.at_us,
    )
    at.known.exchange[market.id] = market
    at.changes.exchange.positions[market.id, 0] = [market.id, 0, fact.terms.currency, 1, 1, *NOT_SETTLED, at.seq]
    at.changes.exchange.runners.add(market.id)
    _market_changed(at, market.id)


def _market_changed(at: Folding, market_id: int) -> ExchangeMarket:
    at.changes.exchange.markets.add(market_id)
    at.changes.exchange.stamps[market_id] = at.seq
    return at.known.exchange[market_id]


def _step(at: Folding, market_id: int, action: Action | None = None) -> ExchangeMarket:
    """A market is another version, and with an action at another place of its life."""
    market = _market_changed(at, market_id)
    market.version += 1
    if action is not None:
        market.status = LIFE[market.status, action]
    return market


def _opened(at: Folding, fact: ExchangeMarketOpened) -> None:
    _step(at, fact.market_id, Action.OPEN)


def _suspended(at: Folding, fact: ExchangeMarketSuspended) -> None:
    _step(at, fact.market_id, Action.SUSPEND)
    _lapse(at, fact.lapsed, LapseReason.SUSPENSION, Lapse.MARKET_SUSPENDED)


def _delay_changed(at: Folding, fact: BetDelayChanged) -> None:
    market = _step(at, fact.market_id)
    market.bet_delay_us, market.passive = fact.bet_delay_us, fact.passive


def _rescheduled(at: Folding, fact: ExchangeMarketRescheduled) -> None:
    market = _step(at, fact.market_id)
    market.terms = msgspec.structs.replace(market.terms, starts_at_us=fact.starts_at_us)


def above(at: Folding, fact: Fact) -> None:
    """Something above markets of the exchange changed, and with it their versions."""
    for market_id in fold_above(ExchangeState(markets=at.known.exchange), at.known.catalogue, fact):
        _market_changed(at, market_id)


def _in_play(at: Folding, fact: TurnedInPlay) -> None:
    _lapse(at, fact.lapsed, LapseReason.IN_PLAY)
    _step(at, fact.market_id).in_play = True


def _reconciled(at: Folding, fact: StartReconciled) -> None:
    """What waited for the starting price has what its trades say and no more, and so has what was converted to it."""
    market = _step(at, fact.market_id)
    market.reconciled = True
    for runner, price_milli in fact.prices:
        market.runners[runner].sp_milli = price_milli
    at.changes.exchange.runners.add(market.id)
    rows = [_changed(at, number) for number in (*_at_start(at, market.id), *fact.converted)]
    for row in rows:
        if row.type is OrderType.LIMIT:
            row.size_minor -= row.remaining_minor
        row.remaining_minor = 0
    _trade(at, market.id, fact.trades)
    for row in rows:
        row.status = OrderStatus.COMPLETE
        if not row.matched_minor:
            row.lapsed_at_us, row.lapse_reason = at.at_us, LapseReason.STARTING_PRICE
    _lapse(at, fact.lapsed, LapseReason.STARTING_PRICE)


def _at_start(at: Folding, market_id: int) -> list[int]:
    return [
        row.id
        for row in at.known.orders.values()
        if row.market_id == market_id and row.type is not OrderType.LIMIT and row.status is OrderStatus.EXECUTABLE
    ]


def _removed(at: Folding, fact: RunnerRemoved) -> None:
    for cut in fact.lapsed:
        is_out = at.known.orders[cut.order].runner == fact.runner
        _lapse(at, (cut,), LapseReason.REMOVAL, Lapse.RUNNER_UNKNOWN if is_out else Lapse.NONE)
    for number in fact.voided:
        _restate(at, number, 0)
    for number, price_milli in fact.reduced:
        _restate(at, number, price_milli)
    market = _step(at, fact.market_id)
    runner = market.runners[fact.runner]
    runner.status, runner.factor_bp, runner.removed_at_us = RunnerStatus.REMOVED, fact.factor_bp, at.at_us
    at.changes.exchange.runners.add(market.id)


def _reinstated(at: Folding, fact: RunnerReinstated) -> None:
    market = _step(at, fact.market_id)
    market.runners[fact.runner].status = RunnerStatus.ACTIVE
    at.changes.exchange.runners.add(market.id)


def _rate_set(at: Folding, fact: CurrencyRateSet) -> None:
    at.changes.exchange.rates[fact.currency] = fact.currency, fact.minor, fact.book_minor


def _discount_set(at: Folding, fact: DiscountSet) -> None:
    at.changes.exchange.discounts[fact.customer_id] = fact.customer_id, fact.discount_bp


# ---------------------------------------------------------------- settlement


def _resulted(at: Folding, fact: ExchangeResultRecorded) -> None:
    _lapse(at, fact.lapsed, LapseReason.RESULT, Lapse.MARKET_UNKNOWN)
    market = _step(at, fact.market_id, Action.CLOSE)
    market.revision, market.result = fact.revision, fact.result
    for number, runner in enumerate(market.runners):
        if runner.status is not RunnerStatus.REMOVED:
            runner.status = runner_outcome(market, number, fact.result)
    at.changes.exchange.runners.add(market.id)


def _settled(at: Folding, fact: ExchangeSettled) -> None:
    market = at.known.exchange[fact.market_id]
    is_void = isinstance(market.result, VoidResult)
    for row in fact.positions:
        _settle(at, market.id, row.customer_id, (row.net_minor, row.commission_minor, is_void, fact.revision, at.at_us))
        for number, profit_minor in row.orders:
            _profit(at, number, profit_minor)
    if fact.last:
        market.settled_at_us, market.residues = at.at_us, dict(fact.residues)
        _market_changed(at, market.id)
    post(at, fact.transfers, None)


def _settle(at: Folding, market_id: int, customer_id: int, settled: tuple[int, int, bool, int, int]) -> None:
    new = at.changes.exchange.positions.get((market_id, customer_id))
    if new is None:
        at.changes.exchange.settled[market_id, customer_id] = settled
    else:
        new[SETTLED] = settled


def _profit(at: Folding, number: int, profit_minor: int) -> None:
    """An order is not read for this where nothing else needs it."""
    row = at.known.orders.get(number)
    if row is None:
        at.changes.exchange.profits[number] = profit_minor, at.at_us
        return
    row.profit_minor, row.settled_at_us = profit_minor, at.at_us
    if number not in at.changes.exchange.orders:
        at.changes.exchange.changed[number] = row


EXCHANGE: Final[dict[type, Callable[[Folding, Any], None]]] = {
    CurrencyRateSet: _rate_set,
    DiscountSet: _discount_set,
    OrdersPlaced: _orders_placed,
    OrdersReplaced: _orders_replaced,
    OrdersActivated: _orders_activated,
    OrdersCancelled: _orders_cancelled,
    HeartbeatMissed: _orders_cancelled,
    OrdersUpdated: _orders_updated,
    ExchangeMarketCreated: _created,
    ExchangeMarketOpened: _opened,
    ExchangeMarketSuspended: _suspended,
    BetDelayChanged: _delay_changed,
    ExchangeMarketRescheduled: _rescheduled,
    TurnedInPlay: _in_play,
    StartReconciled: _reconciled,
    RunnerRemoved: _removed,
    RunnerReinstated: _reinstated,
    ExchangeResultRecorded: _resulted,
    ExchangeSettled: _settled,
}
