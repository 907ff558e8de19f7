"""What is long settled leaves the book's memory, a few at a step: which facts that leads to.

A market goes once it was last settled long enough ago, with every ticket whose markets have all gone; what else names
it keeps its record here. `archive_folding` says how these facts fold.
"""

from collections.abc import Sequence

from overround.book import archive
from overround.book.archive import (
    ARCHIVE_STEP,
    LONGEST_WAIT_US,
    ArchiveAfterSet,
    BetsArchived,
    EventArchived,
    ExchangeMarketArchived,
    Leaving,
    MarketArchived,
    OrdersArchived,
    Refusal,
)
from overround.book.bets import Bet, BetStatus, markets_of
from overround.book.machine.controlling import end_overrides
from overround.book.machine.desk_commands import SetArchiveAfter
from overround.book.machine.state import State
from overround.kernel.fact import Fact
from overround.kernel.refusal import Refused

Facts = tuple[Fact, ...] | Refused

OVER = (BetStatus.SETTLED, BetStatus.CASHED_OUT)


def set_after(state: State, command: SetArchiveAfter, now_us: int) -> Facts:
    if not archive.is_period(command.after_us):
        bounds = {"min_us": archive.MIN_ARCHIVE_AFTER_US, "max_us": archive.MAX_ARCHIVE_AFTER_US}
        return Refused(Refusal.ARCHIVE_AFTER_INVALID, {**bounds})
    return (ArchiveAfterSet(after_us=command.after_us, before_us=state.archive.after_us),)


# ---------------------------------------------------------------- what is due


def due_us(state: State) -> int | None:
    """When the next thing may leave; the past while something is leaving."""
    kept = state.archive
    if kept.leaving is not None or kept.clearing:
        return 0
    queues = (kept.refused, kept.exchange, kept.events, *(() if _is_awaited(state) else (kept.markets,)))
    return min((queue.order[0][0] + kept.after_us for queue in queues if queue.order), default=None)


def decide_due(state: State, now_us: int) -> tuple[Fact, ...]:
    """One step: of what is leaving, or the next that leaves."""
    kept = state.archive
    if kept.leaving is not None:
        return (_bets(state, kept.leaving),)
    if kept.clearing:
        return (_orders(state, kept.clearing),)
    horizon_us = now_us - kept.after_us
    if tickets := kept.refused.due(horizon_us, ARCHIVE_STEP):
        return (_refused(state, tickets),)
    for market_id in () if _is_awaited(state) else kept.markets.due(horizon_us):
        return (*end_overrides(state, market_id), MarketArchived(market_id=market_id))
    for market_id in kept.exchange.due(horizon_us):
        return (ExchangeMarketArchived(market_id=market_id),)
    return tuple(EventArchived(event_id=event_id) for event_id in kept.events.due(horizon_us))


def _is_awaited(state: State) -> bool:
    """Whether something still waits that was asked for on the market which is next. That can only be if it was settled
    minutes ago, which is when there is anything to look through."""
    order = state.archive.markets.order
    if not order or order[0][0] < state.at_us - LONGEST_WAIT_US:
        return False
    by_id, market_id = state.bets.bets, order[0][1]
    waiting = [*(by_id.get(bet_id) for _, bet_id in state.delays), *map(by_id.get, state.cashout.waiting)]
    return any(market_id in markets_of(each) for bet in waiting if bet for each in _ticket_of(by_id, bet))


# ---------------------------------------------------------------- bets


def _bets(state: State, leaving: Leaving) -> BetsArchived:
    """The next of a market's bets, the newest first; those of a ticket stand together and are seen together."""
    to_come = state.bets.by_market.get(leaving.market_id, [])
    start = max(0, len(to_come) - ARCHIVE_STEP)
    while start and to_come[start - 1].seq == to_come[start].seq:
        start -= 1
    gone: dict[int, None] = {}
    for bet in to_come[start:]:
        if bet.id not in gone and _is_over(state, bet):
            gone.update(dict.fromkeys(bet.ticket.bet_ids if bet.ticket else (bet.id,)))
    return BetsArchived(
        market_id=leaving.market_id,
        bets=tuple(gone),
        through=to_come[start].seq if to_come else 0,
        last=not start,
    )


def _is_over(state: State, bet: Bet) -> bool:
    """Whether nothing can happen any more to any bet of a ticket: all are decided, on archived markets alone."""
    if bet.slip is None:
        return bet.status in OVER
    has = state.archive.has
    return all(each.status in OVER and all(map(has, markets_of(each))) for each in _ticket_of(state.bets.bets, bet))


def _ticket_of(by_id: dict[int, Bet], bet: Bet) -> list[Bet]:
    return [by_id[bet_id] for bet_id in bet.ticket.bet_ids] if bet.ticket else [bet]


def _refused(state: State, tickets: Sequence[int]) -> BetsArchived:
    """Tickets, by their first bets, that never stood."""
    by_id = state.bets.bets
    return BetsArchived(market_id=0, bets=tuple(bet.id for first in tickets for bet in _ticket_of(by_id, by_id[first])))


# ---------------------------------------------------------------- orders


def _orders(state: State, market_id: int) -> OrdersArchived:
    """The next of a market's orders, customer by customer, the newest of each first, and as many trades."""
    market, own = state.exchange.markets[market_id], state.exchange.orders.books[market_id].own
    orders, customers, room = list[int](), list[int](), ARCHIVE_STEP
    for customer_id in market.positions:
        if not customer_id:
            continue
        if room <= 0:
            break
        theirs = own.get(customer_id, [])
        orders += [order.id for order in theirs[: -room - 1 : -1]]
        if len(theirs) <= room:
            customers.append(customer_id)
        room -= len(theirs) + 1
    trades = min(ARCHIVE_STEP, len(market.trades))
    return OrdersArchived(
        market_id=market_id,
        orders=tuple(orders),
        customers=tuple(customers),
        trades=trades,
        last=len(customers) == len(market.positions) - 1 and trades == len(market.trades),
    )
