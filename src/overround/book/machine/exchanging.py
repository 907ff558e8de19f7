"""The exchange's commands, what is due by itself, how its facts fold, and what whoever caused them was told."""

from collections.abc import Callable
from typing import Any

from overround.book import exchange, ledger, limits
from overround.book.exchange import (
    ExchangeSettled,
    Hold,
    OrdersCancelled,
    OrdersPlaced,
    OrdersReplaced,
    OrdersUpdated,
    Refusal,
)
from overround.book.ledger import ExchangeAccountOpened
from overround.book.machine import (
    exchange_changes,
    exchange_markets,
    exchange_orders,
    exchange_quoting,
    exchange_settling,
)
from overround.book.machine.answers import Answer, OrderReport, OrdersAnswer
from overround.book.machine.command import Command
from overround.book.machine.exchange_commands import (
    CancelOrders,
    ChangeBetDelay,
    CreateExchangeMarket,
    Heartbeat,
    MassQuote,
    OpenExchangeMarket,
    PlaceOrders,
    ReconcileStart,
    RecordExchangeResult,
    ReinstateRunner,
    RemoveRunner,
    ReplaceOrders,
    RescheduleExchangeMarket,
    SetCurrencyRate,
    SetDiscount,
    SetMinimums,
    SuspendExchangeMarket,
    TurnInPlay,
    UpdateOrders,
)
from overround.book.machine.state import State
from overround.kernel.fact import Fact
from overround.kernel.refusal import Refused

DECIDE: dict[type[Command], Callable[[State, Any, int], tuple[Fact, ...] | Refused]] = {
    CreateExchangeMarket: exchange_markets.create_market,
    OpenExchangeMarket: exchange_markets.open_market,
    SuspendExchangeMarket: exchange_markets.suspend_market,
    TurnInPlay: exchange_markets.turn_in_play,
    ReconcileStart: exchange_markets.reconcile_start,
    ChangeBetDelay: exchange_markets.change_bet_delay,
    RescheduleExchangeMarket: exchange_markets.reschedule_market,
    RemoveRunner: exchange_markets.remove_runner,
    ReinstateRunner: exchange_markets.reinstate_runner,
    RecordExchangeResult: exchange_markets.record_result,
    SetCurrencyRate: exchange_markets.set_rate,
    SetMinimums: exchange_markets.set_minimums,
    SetDiscount: exchange_markets.set_discount,
    Heartbeat: exchange_markets.heartbeat,
    PlaceOrders: exchange_orders.place_orders,
    CancelOrders: exchange_changes.cancel_orders,
    UpdateOrders: exchange_changes.update_orders,
    ReplaceOrders: exchange_changes.replace_orders,
    MassQuote: exchange_quoting.mass_quote,
}

# ---------------------------------------------------------------- what is due


def due_us(state: State) -> int | None:
    """When the next in-play delay of an order, or the next heartbeat, is over."""
    waits, beats = state.exchange.orders.waits, state.exchange.beats
    if waits and beats:
        return min(waits[0][0], beats[0][0])
    return waits[0][0] if waits else beats[0][0] if beats else None


def decide_due(state: State, now_us: int) -> tuple[Fact, ...]:
    """What is over at this instant: one customer's delay, or one heartbeat."""
    waits, beats = state.exchange.orders.waits, state.exchange.beats
    if waits and waits[0][0] <= now_us:
        return (exchange_orders.activate(state, waits[0], now_us),)
    if beats and beats[0][0] <= now_us:
        return (exchange_markets.missed(state, beats[0][1]),)
    return ()


def settle_next(state: State, *, step: int) -> tuple[Fact, ...]:
    """One step of the market whose settlement is due first."""
    for settling in state.exchange.settling.values():
        return (exchange_settling.settle_next(state, settling, step=step),)
    return ()


# ---------------------------------------------------------------- folding


def _fold(state: State, fact: Any, at_us: int) -> None:
    """The exchange's own, then what is held of whose cash for it."""
    exchange.apply(state.exchange, fact, at_us)
    _hold(state, getattr(fact, "holds", ()), at_us)


def _hold(state: State, holds: tuple[Hold, ...], at_us: int) -> None:
    """A position's highest hold counts as staked, when it is reached: what may be lost is what is staked."""
    for hold in holds:
        ledger.hold(state.ledger, account_id=hold.account, amount_minor=hold.change_minor)
        position = state.exchange.markets[hold.market_id].positions[hold.customer_id]
        rise = position.held_minor - position.staked_minor
        if rise > 0:
            position.staked_minor = position.held_minor
            purse = state.limits.players[hold.customer_id].purses[position.currency]
            limits.use(purse, at_us=at_us, staked_minor=rise, returned_minor=0)


def _settled(state: State, fact: ExchangeSettled, at_us: int) -> None:
    """Money moves once its hold has gone. What was staked comes back with what was won, or without what was lost."""
    positions = state.exchange.markets[fact.market_id].positions
    first = [row for row in fact.positions if not positions[row.customer_id].settled]
    _fold(state, fact, at_us)
    ledger.post(state.ledger, fact.transfers)
    staked = {row.customer_id: positions[row.customer_id].staked_minor for row in first}
    for row in fact.positions:
        now = row.net_minor - row.commission_minor
        before = row.previous_net_minor - row.previous_commission_minor
        returned = now - before + staked.get(row.customer_id, 0)
        purse = state.limits.players[row.customer_id].purses[positions[row.customer_id].currency]
        limits.use(purse, at_us=at_us, staked_minor=0, returned_minor=returned)


def _account_opened(state: State, fact: ExchangeAccountOpened, at_us: int) -> None:
    ledger.open_exchange(state.ledger, fact)


FOLDS: dict[type[Fact], Callable[[State, Any, int], None]] = {
    **dict.fromkeys(exchange.APPLY, _fold),
    ExchangeSettled: _settled,
    ExchangeAccountOpened: _account_opened,
}

# ---------------------------------------------------------------- answers


def _report(state: State, number: int, code: str = "", cancelled_minor: int = 0) -> OrderReport:
    if not number:
        return OrderReport(0, code)
    order = state.exchange.orders.by_id[number]
    return OrderReport(
        number,
        code,
        order.status,
        order.size_minor,
        order.remaining_minor,
        order.matched_minor,
        order.matched_value,
        cancelled_minor,
        order.placed_at_us,
    )


def _placed(state: State, fact: OrdersPlaced) -> OrdersAnswer:
    code = Refusal.BET_TAKEN_OR_LAPSED.value if fact.stale else ""
    reports = tuple(_report(state, placed.id, code) for placed in fact.orders)
    placed = {order.id for order in fact.orders}
    met = tuple(
        (order, trade.size_minor)
        for trade in fact.trades
        for order in (trade.back, trade.lay)
        if order and order not in placed
    )
    return OrdersAnswer(fact.market_id, reports, state.seq, met=met)


def _changed(state: State, fact: OrdersCancelled | OrdersUpdated | OrdersReplaced) -> OrdersAnswer:
    """A report on each instruction. Of a replace, why it was not placed stands with what was placed for it."""
    codes = {failed.index: failed.code for failed in fact.failed}
    if not fact.answered:  # a mass quote is told of no order
        return OrdersAnswer(fact.market_id, (), state.seq)
    cuts = {} if isinstance(fact, OrdersUpdated) else {cut.order: cut.size_minor for cut in fact.cuts}
    reports = tuple(
        _report(state, number, "" if number else codes[index], cuts.get(number, 0))
        for index, number in enumerate(fact.answered)
    )
    if not isinstance(fact, OrdersReplaced):
        return OrdersAnswer(fact.market_id, reports, state.seq)
    placed = tuple(_report(state, number, codes.get(index, "")) for index, number in enumerate(fact.placed_by))
    return OrdersAnswer(fact.market_id, reports, state.seq, placed)


ANSWERS: dict[type[Fact], Callable[[State, Any], Answer]] = {
    OrdersPlaced: _placed,
    OrdersCancelled: _changed,
    OrdersUpdated: _changed,
    OrdersReplaced: _changed,
}
