"""Cancelling, updating and replacing orders: which facts a customer's request leads to."""

from collections.abc import Iterable
from typing import Final

from overround.book import ledger, limits
from overround.book.exchange import (
    MAX_CHANGES,
    Cut,
    ExchangeMarket,
    Failed,
    Hold,
    OrdersCancelled,
    OrdersReplaced,
    OrdersUpdated,
    Refusal,
)
from overround.book.machine.exchange_checks import persistence_refusal
from overround.book.machine.exchange_commands import CancelInstruction, CancelOrders, ReplaceOrders, UpdateOrders
from overround.book.machine.exchange_orders import Facts, Placing, desk_refusal, is_stale, market_refusal
from overround.book.machine.exchange_trial import Trial
from overround.book.machine.finding import no_exchange_market
from overround.book.machine.state import State
from overround.book.matching import Order, OrderStatus, Placed
from overround.kernel.refusal import Refused

# Members found once: Python 3.11 takes longer to look one up in its enum than to compare it.
PENDING: Final = OrderStatus.PENDING


def cancel_orders(state: State, command: CancelOrders, now_us: int) -> Facts:
    """Each instruction by itself; with none, everything that may be cancelled."""
    if command.customer_id not in state.limits.players:
        return Refused(ledger.Refusal.CUSTOMER_NOT_FOUND)
    if not 0 <= command.market_id <= state.exchange.made:
        return Refused(Refusal.INVALID_MARKET_ID)
    refused = _changes_refusal([asked.order_id for asked in command.instructions], may_be_none=True)
    if refused is not None:
        return refused
    instructions: Iterable[CancelInstruction] = command.instructions
    if not command.instructions:
        instructions = [
            CancelInstruction(order.id) for order in cancellable(state, command.customer_id, command.market_id)
        ]
    cuts, answered, failed = [], [], []
    for number, asked in enumerate(instructions):
        order = _own_live(state, asked.order_id, command.customer_id, command.market_id)
        if isinstance(order, Refusal) or asked.reduction_minor < 0:
            failed.append(Failed(number, order if isinstance(order, Refusal) else Refusal.INVALID_BET_SIZE))
            answered.append(0)
            continue
        cuts.append(Cut(order.id, min(asked.reduction_minor or order.remaining_minor, order.remaining_minor)))
        answered.append(order.id)
    return (
        OrdersCancelled(
            customer_id=command.customer_id,
            market_id=command.market_id,
            cuts=tuple(cuts),
            answered=tuple(answered),
            failed=tuple(failed),
            holds=cut_holds(state, cuts),
        ),
    )


def cancellable(state: State, customer_id: int, market_id: int) -> list[Order]:
    """A customer's resting orders on a market, or with 0 on all, by id."""
    by_market = state.exchange.orders.live.get(customer_id, {})
    live = [by_market.get(market_id, {})] if market_id else list(by_market.values())
    return sorted((order for orders in live for order in orders.values() if order.rank), key=_id)


def _id(order: Order) -> int:
    return order.id


def cut_holds(state: State, cuts: Iterable[Cut]) -> tuple[Hold, ...]:
    """How what is held changes when parts of orders are no longer there, market by market."""
    trials: dict[int, Trial] = {}
    orders = state.exchange.orders.by_id
    for cut in cuts:
        order = orders[cut.order]
        trial = trials.get(order.market_id)
        if trial is None:
            trial = trials[order.market_id] = Trial(state, state.exchange.markets[order.market_id])
        trial.wait(order.customer_id, order, -cut.size_minor)
    if len(trials) < 2:
        return tuple(hold for trial in trials.values() for hold in trial.holds())
    holds = (hold for number in sorted(trials) for hold in trials[number].holds())
    return tuple(hold for hold in holds if hold.change_minor < 0)  # what is short on several markets stays so


def _changes_refusal(numbers: list[int], *, may_be_none: bool = False) -> Refused | None:
    if len(numbers) > MAX_CHANGES or not (numbers or may_be_none):
        return Refused(Refusal.TOO_MANY_INSTRUCTIONS, {"max_instructions": MAX_CHANGES})
    return Refused(Refusal.DUPLICATE_BETIDS) if len(set(numbers)) < len(numbers) else None


def _own_live(state: State, number: int, customer_id: int, market_id: int) -> Order | Refusal:
    """A customer's resting order, or why it cannot be changed."""
    order = state.exchange.orders.by_id.get(number)
    if order is None and 0 < number <= state.exchange.orders.placed:
        return Refusal.BET_TAKEN_OR_LAPSED  # it came to nothing, and is forgotten
    if order is None or order.customer_id != customer_id or (market_id and order.market_id != market_id):
        return Refusal.INVALID_BET_ID
    if order.status is PENDING:
        return Refusal.BET_IN_PROGRESS
    return order if order.rank and order.remaining_minor else Refusal.BET_TAKEN_OR_LAPSED


def update_orders(state: State, command: UpdateOrders, now_us: int) -> Facts:
    market = state.exchange.markets.get(command.market_id)
    if market is None:
        return no_exchange_market(state, command.market_id)
    refused = _changes_refusal([asked.order_id for asked in command.instructions])
    if refused is not None:
        return refused
    updates, answered, failed = [], [], []
    for number, asked in enumerate(command.instructions):
        order = _own_live(state, asked.order_id, command.customer_id, market.id)
        refusal = order if isinstance(order, Refusal) else persistence_refusal(market, asked.persistence)
        if refusal is None and isinstance(order, Order) and order.persistence is asked.persistence:
            refusal = Refusal.NO_ACTION_REQUIRED
        if refusal is None:
            updates.append((asked.order_id, asked.persistence))
        else:
            failed.append(Failed(number, refusal))
        answered.append(0 if refusal else asked.order_id)
    return (
        OrdersUpdated(
            market_id=market.id,
            customer_id=command.customer_id,
            updates=tuple(updates),
            answered=tuple(answered),
            failed=tuple(failed),
        ),
    )


def replace_orders(state: State, command: ReplaceOrders, now_us: int) -> Facts:
    """Cancel every order that can be, then place what was left of each at its new price, as far as the money goes."""
    market = state.exchange.markets.get(command.market_id)
    refused = market_refusal(state, command.market_id)
    refused = refused or _changes_refusal([asked.order_id for asked in command.instructions])
    if refused is not None:
        return refused
    assert market is not None
    stale = is_stale(market, command.market_version)
    position = market.positions.get(command.customer_id)
    placing = Placing(state, market, command.customer_id, now_us)
    found = [_replaceable(state, market, command, number) for number in range(len(command.instructions))]
    cuts = [Cut(order.id, order.remaining_minor) for order in found if isinstance(order, Order)]
    for order in found:
        if isinstance(order, Order):
            placing.trial.wait(command.customer_id, order, -order.remaining_minor)
            placing.taken[order.id] = order.remaining_minor
    shut_out = _shut_out(state, command.customer_id, now_us)
    shut_out = shut_out or desk_refusal(state, market, asked_at_us=now_us, now_us=now_us) is not None
    placed_by, failed = [], []
    for number, order in enumerate(found):
        refusal = order if isinstance(order, Refusal) else None
        if isinstance(order, Order):
            price = command.instructions[number].price_milli
            refusal = Refusal.CANCELLED_NOT_PLACED if stale or shut_out else _place_anew(placing, order, price)
        if refusal is not None:
            failed.append(Failed(number, refusal))
        placed_by.append(0 if refusal else placing.orders[-1].id)
    return (
        OrdersReplaced(
            market_id=market.id,
            customer_id=command.customer_id,
            currency=position.currency if position else "",
            cuts=tuple(cuts),
            orders=tuple(placing.orders),
            answered=tuple(order.id if isinstance(order, Order) else 0 for order in found),
            placed_by=tuple(placed_by),
            failed=tuple(failed),
            decide_at_us=now_us + placing.delay_us if placing.waiting else 0,
            waiting=tuple(placing.waiting),
            market_version=command.market_version if placing.waiting else 0,
            trades=tuple(placing.trades),
            holds=placing.trial.holds(),
        ),
    )


def _shut_out(state: State, customer_id: int, now_us: int) -> bool:
    player = state.limits.players.get(customer_id)
    return player is not None and limits.shut_out(player, now_us=now_us) is not None


def _replaceable(state: State, market: ExchangeMarket, command: ReplaceOrders, number: int) -> Order | Refusal:
    asked = command.instructions[number]
    order = _own_live(state, asked.order_id, command.customer_id, market.id)
    if isinstance(order, Refusal):
        return order
    if not market.terms.ladder.has(asked.price_milli):
        return Refusal.INVALID_ODDS
    return Refusal.INVALID_PRICE_EDIT if asked.price_milli == order.price_milli else order


def _place_anew(placing: Placing, order: Order, price_milli: int) -> Refusal | None:
    """Place what was left of an order at another price, unless that cannot be carried."""
    mark, trades, waiting = placing.trial.mark(), len(placing.trades), len(placing.waiting)
    taken = dict(placing.taken)
    number = placing.first_id + len(placing.orders)
    placed = Placed(
        number,
        order.runner,
        order.side,
        price_milli,
        order.remaining_minor,
        order.persistence,
        order.ref,
        order.strategy,
    )
    refusal = placing.add(placed)
    if refusal is not None:
        return refusal
    if placing.shortage() is None:
        return None
    placing.trial.back_to(mark)
    placing.forget_last(trades, waiting, taken)
    return Refusal.CANCELLED_NOT_PLACED
