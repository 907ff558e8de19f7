"""How what leaves memory leaves it, and how it becomes known what is settled, refused, or an event without a market."""

from collections.abc import Callable
from typing import Any

from overround.book import archive, control, exchange, limits, matching
from overround.book.archive import (
    ArchiveAfterSet,
    BetsArchived,
    EventArchived,
    ExchangeMarketArchived,
    MarketArchived,
    OrdersArchived,
)
from overround.book.bets import Bet, BetStatus, markets_of
from overround.book.catalogue import (
    Event,
    EventCreated,
    EventEnded,
    EventRescheduled,
    EventStatus,
    Market,
    MarketCreated,
)
from overround.book.exchange import ExchangeMarketCreated, ExchangeResultRecorded, ExchangeSettled, Status
from overround.book.machine.memory import forget_bet
from overround.book.machine.state import State
from overround.kernel.fact import Fact
from overround.kernel.level import Level

# ---------------------------------------------------------------- what leaves


def _after_set(state: State, fact: ArchiveAfterSet, at_us: int) -> None:
    state.archive.after_us = fact.after_us


def _market_archived(state: State, fact: MarketArchived, at_us: int) -> None:
    archive.begin(state.archive, market_id=fact.market_id, through=state.seq)
    if fact.market_id not in state.bets.by_market:
        _gone_through(state)


def _bets_archived(state: State, fact: BetsArchived, at_us: int) -> None:
    gone = [state.bets.bets.pop(bet_id) for bet_id in fact.bets]
    for bet in gone:
        forget_bet(state.memory, bet)
        if bet.status is BetStatus.REFUSED:
            state.archive.refused.drop(bet.id)
    if not fact.market_id:
        return
    archive.take_step(state.archive, fact, stayed=_stayed(state, fact.market_id, fact.through))
    for bet in gone:
        for market_id in markets_of(bet) if bet.slip is not None else ():
            if market_id != fact.market_id and archive.bet_left(state.archive, market_id):
                _let_market_go(state, state.catalogue.markets[market_id])
    if fact.last:
        del state.bets.by_market[fact.market_id]
        _gone_through(state)


def _stayed(state: State, market_id: int, through: int) -> int:
    """The bets of an archived market that were accepted since a fact are its no more. How many of them are here."""
    stood, by_id, stayed = state.bets.by_market[market_id], state.bets.bets, 0
    while stood and stood[-1].seq >= through:
        stayed += stood.pop().id in by_id
    return stayed


def _gone_through(state: State) -> None:
    """All bets of the market that was leaving have been seen: it goes, unless some of them stay."""
    market_id = archive.end(state.archive)
    if market_id:
        _let_market_go(state, state.catalogue.markets[market_id])


def _let_market_go(state: State, market: Market) -> None:
    """A market's record, and all that was known of it alone."""
    del state.catalogue.markets[market.id]
    state.settlement.results.pop(market.id, None)
    state.settlement.heard.pop(market.id, None)
    state.bets.by_market.pop(market.id, None)
    state.bets.levels.pop(market.id, None)
    control.forget(state.catalogue.control, Level.MARKET, market.id)
    limits.forget_caps(state.limits, Level.MARKET, market.id)
    limits.forget_caps(state.limits, Level.SELECTION, market.id, tuple(market.selections))
    event = state.catalogue.events[market.event_id]
    event.markets.remove(market.id)
    event.archived += 1
    _idle(state, event)


def _idle(state: State, event: Event) -> None:
    """An event that may have no market in memory has changed: since when it is over, if it has none."""
    if event.markets or event.id in state.archive.traded:
        return
    has_ended = event.status is EventStatus.ENDED
    since_us = archive.idle_since_us(starts_at_us=event.starts_at_us, has_ended=has_ended, now_us=state.at_us)
    state.archive.events.put(event.id, since_us)


def _event_archived(state: State, fact: EventArchived, at_us: int) -> None:
    del state.catalogue.events[fact.event_id]
    state.archive.events.drop(fact.event_id)
    for currency in state.limits.terms:
        state.bets.worst.pop((Level.EVENT, fact.event_id, currency), None)
    control.forget(state.catalogue.control, Level.EVENT, fact.event_id)
    limits.forget_caps(state.limits, Level.EVENT, fact.event_id)


def _exchange_archived(state: State, fact: ExchangeMarketArchived, at_us: int) -> None:
    state.archive.exchange.drop(fact.market_id)
    state.archive.clearing = fact.market_id


def _orders_archived(state: State, fact: OrdersArchived, at_us: int) -> None:
    market = state.exchange.markets[fact.market_id]
    matching.clear(state.exchange.orders, market.id, fact.orders, fact.customers, trades=fact.trades)
    if fact.last:
        state.archive.clearing = 0
        exchange.let_go(state.exchange, market.id)
        archive.release_event(state.archive, market.event_id)
        _idle(state, state.catalogue.events[market.event_id])


FOLDS: dict[type[Fact], Callable[[State, Any, int], None]] = {
    ArchiveAfterSet: _after_set,
    MarketArchived: _market_archived,
    BetsArchived: _bets_archived,
    EventArchived: _event_archived,
    ExchangeMarketArchived: _exchange_archived,
    OrdersArchived: _orders_archived,
}

# ---------------------------------------------------------------- what the others say


def settled(state: State, market_id: int, at_us: int) -> None:
    """A pass of a market's settlement is done: from now on it is settled, if it has a result."""
    if state.catalogue.markets[market_id].resulted:
        state.archive.markets.put(market_id, at_us)


def unsettled(state: State, market_id: int) -> None:
    """A market's bets are gone through again."""
    state.archive.markets.drop(market_id)


def refused(state: State, bet: Bet) -> None:
    """A ticket, by its first bet, does not stand. What it waited for would have been over at `decide_at_us`."""
    state.archive.refused.put(bet.id, bet.decide_at_us)


def _event_noted(state: State, fact: EventCreated | EventRescheduled | EventEnded) -> None:
    _idle(state, state.catalogue.events[fact.event_id])


def _market_noted(state: State, fact: MarketCreated | ExchangeMarketCreated) -> None:
    archive.hold_event(state.archive, fact.event_id, is_traded=isinstance(fact, ExchangeMarketCreated))


def _exchange_noted(state: State, fact: ExchangeResultRecorded | ExchangeSettled) -> None:
    queue, market_id = state.archive.exchange, fact.market_id
    if market_id in state.exchange.settling:
        queue.drop(market_id)
    else:
        queue.put(market_id, state.at_us)


NOTES: dict[type[Fact], Callable[[State, Any], None]] = {
    EventCreated: _event_noted,
    EventRescheduled: _event_noted,
    EventEnded: _event_noted,
    MarketCreated: _market_noted,
    ExchangeMarketCreated: _market_noted,
    ExchangeResultRecorded: _exchange_noted,
    ExchangeSettled: _exchange_noted,
}


def noting(kind: type[Fact], step: Callable[[State, Any, int], None]) -> Callable[[State, Any, int], None]:
    """How such a fact folds: as it did, and then what it means for what may leave."""
    note = NOTES[kind]

    def apply(state: State, fact: Any, at_us: int) -> None:
        step(state, fact, at_us)
        note(state, fact)

    return apply


def index(state: State) -> None:
    """Find again what is found again, after a snapshot; what was seen of archived markets is theirs no more."""
    kept = state.archive
    for market_id in kept.named:
        del state.bets.by_market[market_id]
    if kept.leaving is not None and kept.leaving.market_id in state.bets.by_market:
        _stayed(state, kept.leaving.market_id, kept.leaving.through)
    for market in state.exchange.markets.values():
        kept.traded[market.event_id] = kept.traded.get(market.event_id, 0) + 1
        is_settled = market.status is Status.CLOSED and market.id not in state.exchange.settling
        if is_settled and market.id != kept.clearing:
            kept.exchange.put(market.id, market.settled_at_us)
    for bet in state.bets.bets.values():
        if bet.status is BetStatus.REFUSED and (bet.ticket is None or bet.ticket.id == bet.id):
            kept.refused.put(bet.id, bet.decide_at_us)
