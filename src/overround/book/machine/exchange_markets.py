"""Exchange markets and their terms: which facts an operator's or a feed's command leads to."""

from collections.abc import Iterable, Iterator

from overround.book import auction, catalogue, exchange, ledger, settlement
from overround.book.auction import ANY_BACK_MILLI, ANY_LAY_MILLI, Bid
from overround.book.exchange import (
    BOOK_CURRENCY,
    LATEST_START_US,
    LIFE,
    MAX_BET_DELAY_US,
    MAX_EXCHANGE_MARKETS,
    MAX_HEARTBEAT_US,
    MAX_RATE,
    MIN_HEARTBEAT_US,
    WHOLE_BP,
    Action,
    BetDelayChanged,
    Betting,
    CurrencyRateSet,
    Cut,
    DiscountSet,
    ExchangeMarket,
    ExchangeMarketCreated,
    ExchangeMarketOpened,
    ExchangeMarketRescheduled,
    ExchangeMarketSuspended,
    ExchangeResultRecorded,
    HeartbeatMissed,
    HeartbeatSet,
    MinimumsSet,
    Refusal,
    RunnerReinstated,
    RunnerRemoved,
    RunnerStatus,
    StartReconciled,
    Status,
    TurnedInPlay,
)
from overround.book.exposure import Side
from overround.book.ledger import ExchangeAccountOpened
from overround.book.machine.exchange_changes import cancellable, cut_holds
from overround.book.machine.exchange_commands import (
    ChangeBetDelay,
    CreateExchangeMarket,
    Heartbeat,
    OpenExchangeMarket,
    ReconcileStart,
    RecordExchangeResult,
    ReinstateRunner,
    RemoveRunner,
    RescheduleExchangeMarket,
    SetCurrencyRate,
    SetDiscount,
    SetMinimums,
    SuspendExchangeMarket,
    TurnInPlay,
)
from overround.book.machine.exchange_trial import Trial
from overround.book.machine.finding import event_of, no_exchange_market
from overround.book.machine.state import State
from overround.book.matching import Order, OrderType, Persistence, Trade, rest_of
from overround.kernel.fact import Fact
from overround.kernel.money import MAX_MONEY_MINOR
from overround.kernel.price import UNIT
from overround.kernel.refusal import Refused

Facts = tuple[Fact, ...] | Refused

# ---------------------------------------------------------------- terms


def create_market(state: State, command: CreateExchangeMarket, now_us: int) -> Facts:
    event = event_of(state, command.event_id)
    if isinstance(event, Refused):
        return event
    if len(state.exchange.markets) >= MAX_EXCHANGE_MARKETS:
        return Refused(Refusal.EXCHANGE_FULL, {"max_markets": MAX_EXCHANGE_MARKETS})
    refusal = exchange.terms_refusal(command.terms, command.runners)
    if refusal is not None:
        return Refused(refusal)
    account = _account(state, command.terms.currency)
    if isinstance(account, Refused):
        return account
    made = ExchangeMarketCreated(
        market_id=state.exchange.made + 1,
        event_id=command.event_id,
        terms=command.terms,
        runners=command.runners,
    )
    return (*account, made)


def _account(state: State, currency: str) -> tuple[Fact, ...] | Refused:
    """The exchange's account in a currency, where it has none yet."""
    house = state.ledger.house.get(currency)
    if house is None:
        return Refused(ledger.Refusal.CURRENCY_UNKNOWN)
    if house.exchange is not None:
        return ()
    return (ExchangeAccountOpened(currency=currency, exchange=state.ledger.next_account_id()),)


def set_rate(state: State, command: SetCurrencyRate, now_us: int) -> Facts:
    ratio = (command.minor, command.book_minor)
    if command.currency == BOOK_CURRENCY or not all(0 < part <= MAX_RATE for part in ratio):
        return Refused(Refusal.RATE_INVALID)
    account = _account(state, command.currency)
    if isinstance(account, Refused):
        return account
    return (*account, CurrencyRateSet(currency=command.currency, minor=command.minor, book_minor=command.book_minor))


def set_minimums(state: State, command: SetMinimums, now_us: int) -> Facts:
    if command.currency not in state.ledger.house:
        return Refused(ledger.Refusal.CURRENCY_UNKNOWN)
    asked = command.minimums
    amounts = (asked.size_minor, asked.payout_minor, asked.sp_back_minor, asked.sp_lay_minor)
    if not all(0 <= amount <= MAX_MONEY_MINOR for amount in amounts):
        return Refused(Refusal.MINIMUMS_INVALID)
    return (MinimumsSet(currency=command.currency, minimums=asked),)


def set_discount(state: State, command: SetDiscount, now_us: int) -> Facts:
    if command.customer_id not in state.limits.players:
        return Refused(ledger.Refusal.CUSTOMER_NOT_FOUND)
    if not 0 <= command.discount_bp <= WHOLE_BP:
        return Refused(Refusal.DISCOUNT_INVALID)
    return (DiscountSet(customer_id=command.customer_id, discount_bp=command.discount_bp),)


# ---------------------------------------------------------------- the market's life


def _market_for(state: State, market_id: int, action: Action) -> ExchangeMarket | Refused:
    market = state.exchange.markets.get(market_id)
    if market is None or market_id == state.archive.clearing:
        return no_exchange_market(state, market_id)
    if (market.status, action) not in LIFE:
        return Refused(catalogue.Refusal.MARKET_STATUS, {"status": market.status.value})
    return market


def open_market(state: State, command: OpenExchangeMarket, now_us: int) -> Facts:
    market = _market_for(state, command.market_id, Action.OPEN)
    return market if isinstance(market, Refused) else (ExchangeMarketOpened(market_id=market.id),)


def suspend_market(state: State, command: SuspendExchangeMarket, now_us: int) -> Facts:
    market = _market_for(state, command.market_id, Action.SUSPEND)
    if isinstance(market, Refused):
        return market
    if not catalogue.is_name(command.reason):
        return Refused(catalogue.Refusal.NAME_INVALID)
    return (_suspended(state, market, command.reason),)


def _suspended(state: State, market: ExchangeMarket, reason: str) -> ExchangeMarketSuspended:
    """The market is suspended, and what waits for its in-play delay lapses."""
    cuts = _cuts(state.exchange.orders.books[market.id].pending.values())
    return ExchangeMarketSuspended(market_id=market.id, reason=reason, lapsed=cuts, holds=cut_holds(state, cuts))


def _cuts(orders: Iterable[Order]) -> tuple[Cut, ...]:
    """All that is left of orders, by id."""
    return tuple(Cut(order.id, rest_of(order)) for order in sorted(orders, key=_id))


def _id(order: Order) -> int:
    return order.id


def _resting(state: State, market: ExchangeMarket) -> Iterator[Order]:
    """Every order that rests on a market, in no order that matters."""
    for runner in state.exchange.orders.books[market.id].runners:
        for half in (runner.backs, runner.lays):
            for level in half.levels.values():
                yield from (order for order in level.orders if order.remaining_minor)


def change_bet_delay(state: State, command: ChangeBetDelay, now_us: int) -> Facts:
    """Suspend, lapse, change and open again, in one decision; a market that is not open just changes."""
    market = _market_for(state, command.market_id, Action.SUSPEND)
    if isinstance(market, Refused):
        return market
    if not 0 <= command.bet_delay_us <= MAX_BET_DELAY_US:
        return Refused(catalogue.Refusal.DELAY_INVALID)
    changed = BetDelayChanged(market_id=market.id, bet_delay_us=command.bet_delay_us, passive=command.passive)
    if market.status is not Status.OPEN:
        return (changed,)
    return (_suspended(state, market, "bet_delay"), changed, ExchangeMarketOpened(market_id=market.id))


def reschedule_market(state: State, command: RescheduleExchangeMarket, now_us: int) -> Facts:
    """As long as it is not closed: a market of several days is in play and starts again tomorrow."""
    market = _market_for(state, command.market_id, Action.SUSPEND)
    if isinstance(market, Refused):
        return market
    if not 0 <= command.starts_at_us <= LATEST_START_US:
        return Refused(catalogue.Refusal.STARTS_AT_INVALID)
    before_us = market.terms.starts_at_us
    return (ExchangeMarketRescheduled(market_id=market.id, starts_at_us=command.starts_at_us, before_us=before_us),)


def turn_in_play(state: State, command: TurnInPlay, now_us: int) -> Facts:
    market = _market_for(state, command.market_id, Action.SUSPEND)
    if isinstance(market, Refused):
        return market
    if not market.terms.turn_in_play or market.in_play:
        return Refused(Refusal.NOT_IN_PLAY_MARKET)
    if market.terms.bsp and not market.reconciled:
        return (
            ExchangeMarketSuspended(market_id=market.id, reason="turn_in_play"),
            _reconciled(state, market, stays=True),
            TurnedInPlay(market_id=market.id),
        )
    lapsed = _cuts(order for order in _resting(state, market) if order.persistence is not Persistence.PERSIST)
    return (
        ExchangeMarketSuspended(market_id=market.id, reason="turn_in_play"),
        TurnedInPlay(market_id=market.id, lapsed=lapsed, holds=cut_holds(state, lapsed)),
    )


def reconcile_start(state: State, command: ReconcileStart, now_us: int) -> Facts:
    market = _market_for(state, command.market_id, Action.SUSPEND)
    if isinstance(market, Refused):
        return market
    if not market.terms.bsp or market.reconciled or market.terms.turn_in_play:
        return Refused(Refusal.MARKET_NOT_OPEN_FOR_BSP_BETTING)
    return (
        ExchangeMarketSuspended(market_id=market.id, reason="off"),
        _reconciled(state, market, stays=False),
    )


# ---------------------------------------------------------------- the starting price


def bids(state: State, market: ExchangeMarket, runner: int, *, near: bool) -> list[Bid]:
    """Who takes part in the auction of a runner: orders for the starting price, and with `near` what rests too."""
    book = state.exchange.orders.books[market.id]
    found = [_start_bid(order) for order in book.start.values() if order.runner == runner]
    if near:
        halves = (book.runners[runner].backs, book.runners[runner].lays)
        resting = (order for half in halves for level in half.levels.values() for order in level.orders)
        found += [_resting_bid(order) for order in sorted(resting, key=_id) if order.remaining_minor]
    return found


def _start_bid(order: Order) -> Bid:
    if order.type is OrderType.LIMIT_ON_CLOSE:
        limit = order.price_milli
    else:
        limit = ANY_BACK_MILLI if order.side is Side.BACK else ANY_LAY_MILLI
    return Bid(order.id, order.side, limit, order.liability_minor, by_liability=order.side is Side.LAY)


def _resting_bid(order: Order) -> Bid:
    """What rests takes part at its limit, or, where it asked to be at the starting price, at any."""
    if order.persistence is not Persistence.MARKET_ON_CLOSE:
        return Bid(order.id, order.side, order.price_milli, order.remaining_minor)
    if order.side is Side.BACK:
        return Bid(order.id, order.side, ANY_BACK_MILLI, order.remaining_minor)
    liability = order.remaining_minor * (order.price_milli - UNIT) // UNIT
    return Bid(order.id, order.side, ANY_LAY_MILLI, liability, by_liability=True)


def _reconciled(state: State, market: ExchangeMarket, *, stays: bool) -> StartReconciled:
    """One auction a runner. What then is unmatched lapses, but (`stays`) for orders that persist."""
    orders, trial = state.exchange.orders, Trial(state, market)
    converted = {order.id: order for order in _resting(state, market) if _converts(order)}
    at_price = {**trial.book.start, **converted}
    for order in at_price.values():
        trial.wait(order.customer_id, order, -rest_of(order))
    left = {order.id: order.remaining_minor for order in _resting(state, market) if not _converts(order)}
    prices: list[tuple[int, int]] = []
    trades: list[Trade] = []
    for runner in trial.book.active:
        auctioned = bids(state, market, runner, near=True)
        price = auction.price(auctioned)
        if not price:
            continue
        prices.append((runner, price))
        for met in auction.allot(auctioned, price):
            trade = Trade(orders.traded + len(trades) + 1, runner, price, met.size_minor, met.back, met.lay, -1)
            trades.append(trade)
            for order in (orders.by_id[met.back], orders.by_id[met.lay]):
                trial.join(order.customer_id, trade, order.side)
                if order.id in left:
                    trial.wait(order.customer_id, order, -met.size_minor)
                    left[order.id] -= met.size_minor
    lapsed = tuple(
        Cut(number, size)
        for number, size in sorted(left.items())
        if size and not (stays and orders.by_id[number].persistence is Persistence.PERSIST)
    )
    for cut in lapsed:
        order = orders.by_id[cut.order]
        trial.wait(order.customer_id, order, -cut.size_minor)
    return StartReconciled(
        market_id=market.id,
        prices=tuple(prices),
        converted=tuple(sorted(converted)),
        lapsed=lapsed,
        trades=tuple(trades),
        holds=trial.holds(),
    )


def _converts(order: Order) -> bool:
    return order.persistence is Persistence.MARKET_ON_CLOSE


# ---------------------------------------------------------------- a runner is removed


def remove_runner(state: State, command: RemoveRunner, now_us: int) -> Facts:
    market = _market_for(state, command.market_id, Action.SUSPEND)
    if isinstance(market, Refused):
        return market
    book = state.exchange.orders.books[market.id]
    number = book.places.get((command.selection_id, command.handicap_quarters))
    if number is None or market.terms.betting is not Betting.ODDS:
        return Refused(Refusal.INVALID_RUNNER)
    active = exchange.active(market)
    if market.runners[number].status is not RunnerStatus.ACTIVE or len(active) < 2:
        return Refused(Refusal.RUNNER_REMOVED)
    if not 0 <= command.factor_bp < WHOLE_BP:
        return Refused(Refusal.FACTOR_INVALID)
    return (_removed(state, market, number, command.factor_bp),)


def _removed(state: State, market: ExchangeMarket, runner: int, factor_bp: int) -> RunnerRemoved:
    trial, by_id = Trial(state, market), state.exchange.orders.by_id
    lapsed = _cuts(order for order in _unmatched(state, market) if order.runner == runner or _lapses(order, factor_bp))
    for cut in lapsed:
        trial.wait(by_id[cut.order].customer_id, by_id[cut.order], -cut.size_minor)
    groups = {trade.group for trade in market.trades if trade.runner == runner and trade.group > 0}
    voided, reduced = [], []
    for trade in market.trades:
        if trade.runner == runner or trade.group in groups:
            voided.append(trade.id)
            _restate(trial, by_id, trade, 0)
        elif exchange.reduces(factor_bp):
            price = exchange.reduced_milli(trade.price_milli, factor_bp=factor_bp, whole=_whole(market))
            if price != trade.price_milli:
                reduced.append((trade.id, price))
                _restate(trial, by_id, trade, price)
    trial.touch_all()
    return RunnerRemoved(
        market_id=market.id,
        runner=runner,
        factor_bp=factor_bp,
        lapsed=lapsed,
        voided=tuple(voided),
        reduced=tuple(reduced),
        holds=trial.holds(removed=runner),
    )


def reinstate_runner(state: State, command: ReinstateRunner, now_us: int) -> Facts:
    market = _market_for(state, command.market_id, Action.SUSPEND)
    if isinstance(market, Refused):
        return market
    number = state.exchange.orders.books[market.id].places.get((command.selection_id, command.handicap_quarters))
    if number is None:
        return Refused(Refusal.INVALID_RUNNER)
    if market.runners[number].status is not RunnerStatus.REMOVED:
        return Refused(Refusal.RUNNER_NOT_REMOVED)
    trial = Trial(state, market)
    trial.active += 1
    trial.touch_all()
    return (RunnerReinstated(market_id=market.id, runner=number, holds=trial.holds()),)


def _whole(market: ExchangeMarket) -> bool:
    return market.terms.winners == 1 and not market.terms.each_way_divisor


def _unmatched(state: State, market: ExchangeMarket) -> Iterator[Order]:
    book = state.exchange.orders.books[market.id]
    yield from _resting(state, market)
    yield from book.pending.values()
    yield from book.start.values()


def _lapses(order: Order, factor_bp: int) -> bool:
    """Lays of other runners were made for longer odds than are left."""
    return exchange.reduces(factor_bp) and order.side is Side.LAY and order.type is OrderType.LIMIT


def _restate(trial: Trial, by_id: dict[int, Order], trade: Trade, price_milli: int) -> None:
    """A trade leaves both positions, and comes back at another price where it has one."""
    anew = Trade(trade.id, trade.runner, price_milli, trade.size_minor, trade.back, trade.lay, trade.group)
    for side, number in ((Side.BACK, trade.back), (Side.LAY, trade.lay)):
        if number:
            trial.join(by_id[number].customer_id, trade, side, -1)
            if price_milli:
                trial.join(by_id[number].customer_id, anew, side)


# ---------------------------------------------------------------- the result


def record_result(state: State, command: RecordExchangeResult, now_us: int) -> Facts:
    market = _market_for(state, command.market_id, Action.CLOSE)
    if isinstance(market, Refused):
        return market
    if not exchange.fits(market, command.result):
        return Refused(settlement.Refusal.RESULT_INVALID)
    if command.result == market.result:
        return Refused(settlement.Refusal.RESULT_UNCHANGED)
    lapsed = _cuts(_unmatched(state, market))
    return (
        ExchangeResultRecorded(
            market_id=market.id,
            revision=market.revision + 1,
            result=command.result,
            lapsed=lapsed,
            holds=cut_holds(state, lapsed),
        ),
    )


# ---------------------------------------------------------------- the dead-man switch


def heartbeat(state: State, command: Heartbeat, now_us: int) -> Facts:
    if command.customer_id not in state.limits.players:
        return Refused(ledger.Refusal.CUSTOMER_NOT_FOUND)
    if command.timeout_us and not MIN_HEARTBEAT_US <= command.timeout_us <= MAX_HEARTBEAT_US:
        return Refused(Refusal.HEARTBEAT_INVALID)
    due_us = now_us + command.timeout_us if command.timeout_us else 0
    return (HeartbeatSet(customer_id=command.customer_id, timeout_us=command.timeout_us, due_us=due_us),)


def missed(state: State, customer_id: int) -> HeartbeatMissed:
    """Nothing was heard of a customer in time: all that rests is cancelled."""
    cuts = _cuts(cancellable(state, customer_id, 0))
    return HeartbeatMissed(customer_id=customer_id, cuts=cuts, holds=cut_holds(state, cuts))
