"""Every exchange market and how facts change it. Gateways fold the same facts."""

import heapq
from bisect import insort
from collections.abc import Callable, Container
from itertools import repeat
from typing import Any, Final

import msgspec

from overround.book import matching
from overround.book.exchange.events import (
    BetDelayChanged,
    CurrencyRateSet,
    Cut,
    DiscountSet,
    ExchangeMarketCreated,
    ExchangeMarketOpened,
    ExchangeMarketRescheduled,
    ExchangeMarketSuspended,
    ExchangeResultRecorded,
    ExchangeSettled,
    HeartbeatMissed,
    HeartbeatSet,
    Hold,
    MinimumsSet,
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
from overround.book.exchange.rules import active, runner_outcome
from overround.book.exchange.types import (
    LIFE,
    Action,
    ExchangeMarket,
    ExchangeSettling,
    Minimums,
    Pulse,
    Rate,
    Runner,
    RunnerStatus,
    Status,
)
from overround.book.exposure import Position
from overround.book.matching import Lapse, MarketBook, Order, OrdersState, OrderStatus, TimeInForce
from overround.kernel.fact import Fact

# Members found once: Python 3.11 takes longer to look one up in its enum than to compare it.
PENDING: Final = OrderStatus.PENDING
EXECUTABLE: Final = OrderStatus.EXECUTABLE
REST: Final = TimeInForce.REST


class Kept(msgspec.Struct, array_like=True):
    """What of the exchange cannot be found again: the part that a snapshot holds. `counts` are orders placed, trades,
    arrivals in queues, when orders were last forgotten, and markets made."""

    markets: dict[int, ExchangeMarket] = {}
    orders: list[Order] = []
    counts: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)
    rates: dict[str, Rate] = {}
    minimums: dict[str, Minimums] = {}
    discounts: dict[int, int] = {}
    pulses: dict[int, Pulse] = {}
    settling: dict[int, ExchangeSettling] = {}


class ExchangeState(msgspec.Struct):
    """`markets` by dense id, and `orders` with the books. Rates and minimums by currency, discounts (basis points)
    and dead-man switches (`pulses`) by customer; `settling` by market, whose next step is due first. `beats` (due,
    customer) is a heap found again from the pulses."""

    markets: dict[int, ExchangeMarket] = {}
    orders: OrdersState = msgspec.field(default_factory=OrdersState)
    rates: dict[str, Rate] = {}
    minimums: dict[str, Minimums] = {}
    discounts: dict[int, int] = {}
    pulses: dict[int, Pulse] = {}
    settling: dict[int, ExchangeSettling] = {}
    beats: list[tuple[int, int]] = []
    made: int = 0


def keep(state: ExchangeState) -> Kept:
    """For a snapshot."""
    return Kept(
        state.markets,
        list(state.orders.by_id.values()),
        (state.orders.placed, state.orders.traded, state.orders.ranked, state.orders.swept_us, state.made),
        state.rates,
        state.minimums,
        state.discounts,
        state.pulses,
        state.settling,
    )


def restore(kept: Kept) -> ExchangeState:
    """The state again, with what is found again from it."""
    placed, traded, ranked, swept_us, made = kept.counts
    orders = OrdersState(
        by_id={order.id: order for order in kept.orders},
        placed=placed,
        traded=traded,
        ranked=ranked,
        swept_us=swept_us,
        books={market.id: _book(market) for market in kept.markets.values()},
    )
    matching.index(orders)
    beats = [(pulse.due_us, customer_id) for customer_id, pulse in kept.pulses.items()]
    heapq.heapify(beats)
    return ExchangeState(
        kept.markets, orders, kept.rates, kept.minimums, kept.discounts, kept.pulses, kept.settling, beats, made
    )


def _book(market: ExchangeMarket) -> MarketBook:
    return MarketBook(
        id=market.id,
        game=market.terms.game,
        names=[(runner.selection_id, runner.handicap_quarters) for runner in market.runners],
        active=active(market),
        positions=market.positions,
        trades=market.trades,
    )


def _hold(state: ExchangeState, holds: tuple[Hold, ...]) -> None:
    for hold in holds:
        state.markets[hold.market_id].positions[hold.customer_id].held_minor += hold.change_minor


def _lapse(state: ExchangeState, cuts: tuple[Cut, ...], at_us: int, why: Lapse = Lapse.NONE) -> None:
    """These parts of orders lapse. `why` is said of those that waited to come to the book."""
    for cut in cuts:
        order = state.orders.by_id[cut.order]
        if order.status is PENDING:
            order.lapse = why
        matching.cut(state.orders, cut.order, cut.size_minor, at_us, lapses=True)


# ---------------------------------------------------------------- orders


def _new(fact: OrdersPlaced | OrdersReplaced, at_us: int) -> list[Order]:
    """The orders of a request as they begin; those that wait for their delay are pending."""
    waiting = frozenset(fact.waiting)
    made = []
    for placed in fact.orders:
        waits = placed.id in waiting
        order = Order(
            placed.id,
            fact.customer_id,
            fact.market_id,
            placed.runner,
            placed.side,
            placed.type,
            placed.price_milli,
            placed.size_minor,
            at_us,
            placed.persistence,
            placed.ref,
            placed.strategy,
            PENDING if waits else EXECUTABLE,
            placed.size_minor,
        )
        if placed.liability_minor:
            order.liability_minor = placed.liability_minor
        if placed.time_in_force is not REST:
            order.time_in_force, order.min_fill_minor = placed.time_in_force, placed.min_fill_minor
        if placed.target_minor:
            order.target, order.target_minor = placed.target, placed.target_minor
        if waits:
            order.decide_at_us, order.market_version = fact.decide_at_us, fact.market_version
        made.append(order)
    return made


def _orders_placed(state: ExchangeState, fact: OrdersPlaced, at_us: int) -> None:
    book = state.orders.books[fact.market_id]
    if fact.rate is not None:
        book.positions[fact.customer_id] = Position(fact.customer_id, fact.currency, *fact.rate, {})
    if fact.stale:
        matching.turn_away(state.orders, book, _new(fact, at_us), Lapse.MARKET_VERSION, at_us)
        return
    matching.place(state.orders, book, _new(fact, at_us), fact.trades, at_us)
    _hold(state, fact.holds)


def _orders_replaced(state: ExchangeState, fact: OrdersReplaced, at_us: int) -> None:
    for cut in fact.cuts:
        matching.cut(state.orders, cut.order, cut.size_minor, at_us, lapses=False)
    for more in fact.grown:
        matching.grow(state.orders, more.order, more.size_minor)
    matching.place(state.orders, state.orders.books[fact.market_id], _new(fact, at_us), fact.trades, at_us)
    _hold(state, fact.holds)


def _orders_activated(state: ExchangeState, fact: OrdersActivated, at_us: int) -> None:
    for cut, why in zip(fact.lapsed, fact.whys or repeat(Lapse.NONE), strict=False):
        _lapse(state, (cut,), at_us, why)
    book = state.orders.books[fact.market_id]
    matching.activate(state.orders, book, fact.orders, fact.sizes, fact.trades, at_us)
    _hold(state, fact.holds)
    matching.waits_over(state.orders)


def _orders_cancelled(state: ExchangeState, fact: OrdersCancelled | HeartbeatMissed, at_us: int) -> None:
    for cut in fact.cuts:
        matching.cut(state.orders, cut.order, cut.size_minor, at_us, lapses=False)
    _hold(state, fact.holds)


def _orders_updated(state: ExchangeState, fact: OrdersUpdated, at_us: int) -> None:
    for number, persistence in fact.updates:
        state.orders.by_id[number].persistence = persistence


def _heartbeat_missed(state: ExchangeState, fact: HeartbeatMissed, at_us: int) -> None:
    _orders_cancelled(state, fact, at_us)
    del state.pulses[fact.customer_id]
    _beat_over(state)


def _heartbeat_set(state: ExchangeState, fact: HeartbeatSet, at_us: int) -> None:
    if fact.timeout_us:
        state.pulses[fact.customer_id] = Pulse(fact.timeout_us, fact.due_us)
        heapq.heappush(state.beats, (fact.due_us, fact.customer_id))
    else:
        state.pulses.pop(fact.customer_id, None)
    _beat_over(state)


def _beat_over(state: ExchangeState) -> None:
    """What is first in `beats` is again a watch that runs."""
    beats, pulses = state.beats, state.pulses
    while beats and (beats[0][1] not in pulses or pulses[beats[0][1]].due_us != beats[0][0]):
        heapq.heappop(beats)


# ---------------------------------------------------------------- markets


def _rate_set(state: ExchangeState, fact: CurrencyRateSet, at_us: int) -> None:
    state.rates[fact.currency] = Rate(fact.minor, fact.book_minor)


def _minimums_set(state: ExchangeState, fact: MinimumsSet, at_us: int) -> None:
    state.minimums[fact.currency] = fact.minimums


def _discount_set(state: ExchangeState, fact: DiscountSet, at_us: int) -> None:
    state.discounts[fact.customer_id] = fact.discount_bp


def _created(state: ExchangeState, fact: ExchangeMarketCreated, at_us: int) -> None:
    terms = fact.terms
    market = ExchangeMarket(
        id=fact.market_id,
        event_id=fact.event_id,
        terms=terms,
        runners=[
            Runner(runner.selection_id, runner.name, runner.handicap_quarters, runner.factor_bp)
            for runner in fact.runners
        ],
        bet_delay_us=terms.bet_delay_us,
        passive=terms.passive,
        created_at_us=at_us,
        positions={0: Position(0, terms.currency, 1, 1, {})},
    )
    state.made = market.id
    state.markets[market.id] = market
    state.orders.books[market.id] = _book(market)


def _step(market: ExchangeMarket, action: Action) -> None:
    market.status = LIFE[market.status, action]
    market.rise()


def _opened(state: ExchangeState, fact: ExchangeMarketOpened, at_us: int) -> None:
    _step(state.markets[fact.market_id], Action.OPEN)


def _suspended(state: ExchangeState, fact: ExchangeMarketSuspended, at_us: int) -> None:
    _step(state.markets[fact.market_id], Action.SUSPEND)
    _lapse(state, fact.lapsed, at_us, Lapse.MARKET_SUSPENDED)
    _hold(state, fact.holds)
    matching.waits_over(state.orders)


def _delay_changed(state: ExchangeState, fact: BetDelayChanged, at_us: int) -> None:
    market = state.markets[fact.market_id]
    market.bet_delay_us, market.passive = fact.bet_delay_us, fact.passive
    market.rise()


def _rescheduled(state: ExchangeState, fact: ExchangeMarketRescheduled, at_us: int) -> None:
    market = state.markets[fact.market_id]
    market.terms = msgspec.structs.replace(market.terms, starts_at_us=fact.starts_at_us)
    market.rise(material=False)


def moved(state: ExchangeState, event_ids: Container[int], *, material: bool) -> list[int]:
    """Something above the markets of these events changed, and if it is `material`, orders on them are taken otherwise
    than before: another version of each that is not closed, and which they are."""
    found = [
        market
        for market in state.markets.values()
        if market.event_id in event_ids and market.status is not Status.CLOSED
    ]
    for market in found:
        market.rise(material=material)
    return [market.id for market in found]


def _reconciled(state: ExchangeState, fact: StartReconciled, at_us: int) -> None:
    market = state.markets[fact.market_id]
    for runner, price_milli in fact.prices:
        market.runners[runner].sp_milli = price_milli
    matching.start(state.orders, state.orders.books[market.id], fact.converted, fact.trades, at_us)
    _lapse(state, fact.lapsed, at_us)
    _hold(state, fact.holds)
    market.reconciled = True
    market.rise()


def _in_play(state: ExchangeState, fact: TurnedInPlay, at_us: int) -> None:
    market = state.markets[fact.market_id]
    _lapse(state, fact.lapsed, at_us)
    _hold(state, fact.holds)
    market.in_play = True
    market.rise()


def _removed(state: ExchangeState, fact: RunnerRemoved, at_us: int) -> None:
    market = state.markets[fact.market_id]
    for cut in fact.lapsed:
        is_out = state.orders.by_id[cut.order].runner == fact.runner
        _lapse(state, (cut,), at_us, Lapse.RUNNER_UNKNOWN if is_out else Lapse.NONE)
    matching.remove(state.orders, state.orders.books[market.id], fact.runner, fact.voided, fact.reduced)
    runner = market.runners[fact.runner]
    runner.status, runner.factor_bp, runner.removed_at_us = RunnerStatus.REMOVED, fact.factor_bp, at_us
    _hold(state, fact.holds)
    matching.waits_over(state.orders)
    market.rise()


def _reinstated(state: ExchangeState, fact: RunnerReinstated, at_us: int) -> None:
    market = state.markets[fact.market_id]
    insort(state.orders.books[market.id].active, fact.runner)
    market.runners[fact.runner].status = RunnerStatus.ACTIVE
    _hold(state, fact.holds)
    market.rise()


# ---------------------------------------------------------------- settlement


def _result(state: ExchangeState, fact: ExchangeResultRecorded, at_us: int) -> None:
    market = state.markets[fact.market_id]
    _lapse(state, fact.lapsed, at_us, Lapse.MARKET_UNKNOWN)
    _hold(state, fact.holds)
    _step(market, Action.CLOSE)
    market.revision, market.result = fact.revision, fact.result
    for number, runner in enumerate(market.runners):
        if runner.status is not RunnerStatus.REMOVED:
            runner.status = runner_outcome(market, number, fact.result)
    state.settling[market.id] = ExchangeSettling(market.id, fact.revision)
    matching.waits_over(state.orders)


def _settled(state: ExchangeState, fact: ExchangeSettled, at_us: int) -> None:
    """A step is done. The market goes to the end of the queue, so that a huge one does not keep small ones waiting."""
    market, settling = state.markets[fact.market_id], state.settling.pop(fact.market_id)
    for row in fact.positions:
        position = market.positions[row.customer_id]
        position.net_minor, position.commission_minor, position.settled = row.net_minor, row.commission_minor, True
        for number, profit_minor in row.orders:
            state.orders.by_id[number].profit_minor = profit_minor
    _hold(state, fact.holds)
    if fact.last:
        market.settled_at_us = at_us
        market.residues = dict(fact.residues)
    else:
        settling.done += len(fact.positions)
        state.settling[market.id] = settling


APPLY: dict[type[Fact], Callable[[ExchangeState, Any, int], None]] = {
    CurrencyRateSet: _rate_set,
    MinimumsSet: _minimums_set,
    DiscountSet: _discount_set,
    ExchangeMarketCreated: _created,
    ExchangeMarketOpened: _opened,
    ExchangeMarketSuspended: _suspended,
    BetDelayChanged: _delay_changed,
    ExchangeMarketRescheduled: _rescheduled,
    StartReconciled: _reconciled,
    TurnedInPlay: _in_play,
    RunnerRemoved: _removed,
    RunnerReinstated: _reinstated,
    OrdersPlaced: _orders_placed,
    OrdersActivated: _orders_activated,
    OrdersCancelled: _orders_cancelled,
    OrdersUpdated: _orders_updated,
    OrdersReplaced: _orders_replaced,
    HeartbeatSet: _heartbeat_set,
    HeartbeatMissed: _heartbeat_missed,
    ExchangeResultRecorded: _result,
    ExchangeSettled: _settled,
}


def apply(state: ExchangeState, fact: Fact, at_us: int) -> bool:
    """Fold one fact at its instant. False where the fact is none of the exchange's."""
    step = APPLY.get(type(fact))
    if step is None:
        return False
    step(state, fact, at_us)
    matching.forget(state.orders, at_us)
    return True


def let_go(state: ExchangeState, market_id: int) -> None:
    """An archived market goes, as its orders did."""
    del state.markets[market_id]
    del state.orders.books[market_id]


def drop(state: ExchangeState, market_id: int) -> None:
    """Let a settled market go, with its orders. Views do, which show it no longer; the machine archives it."""
    del state.markets[market_id]
    matching.drop(state.orders, market_id)
