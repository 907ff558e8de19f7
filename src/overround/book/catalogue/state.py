"""Everything on offer, and how facts change it. Gateways fold the same facts into their live views."""

from collections.abc import Callable
from typing import Any

import msgspec

from overround.book.catalogue.events import (
    CompetitionCreated,
    EventCreated,
    EventEnded,
    EventRescheduled,
    EventStarted,
    FeedSeen,
    FeedSilenced,
    MarketChanged,
    MarketClosed,
    MarketCreated,
    MarketHandedOver,
    MarketResumed,
    MarketSuspended,
    MomentSet,
    PricesSet,
    SelectionsAdded,
    SelectionWithdrawn,
    SportCreated,
)
from overround.book.catalogue.rules import is_available, is_silent, path, takes_bet
from overround.book.catalogue.types import (
    EVENT_LIFE,
    MARKET_LIFE,
    Competition,
    Event,
    EventAction,
    Feed,
    Market,
    MarketAction,
    MarketStatus,
    MarketTerms,
    Selection,
    Sport,
    Withdrawn,
)
from overround.book.control import (
    ApprovalRequired,
    CompetitionApproved,
    ControlState,
    LevelResumed,
    LevelSuspended,
    MarginSet,
    OverrideEnded,
    Place,
    PriceOverridden,
    first_stop,
    resume,
    set_margin,
    suspend,
)
from overround.kernel.fact import Fact
from overround.kernel.level import Level


class CatalogueState(msgspec.Struct):
    """By id, or by name for feeds. Ids are dense from 1 within each; `events_made` and `markets_made` are the last
    ones, whether they are still here or not."""

    sports: dict[int, Sport] = {}
    competitions: dict[int, Competition] = {}
    events: dict[int, Event] = {}
    markets: dict[int, Market] = {}
    feeds: dict[str, Feed] = {}
    control: ControlState = msgspec.field(default_factory=ControlState)
    events_made: int = 0
    markets_made: int = 0

    def feed_of(self, market: Market) -> Feed | None:
        return self.feeds[market.feed] if market.feed else None

    def is_available(self, market: Market) -> bool:
        """Whether the market takes bets, as far as the facts say."""
        if not is_available(market, self.feeds[market.feed] if market.feed else None):
            return False
        return self.stopped_at(market, asked_at_us=0, now_us=0) is None and self.is_approved(market)

    def takes_bet(self, market: Market, *, asked_at_us: int, now_us: int) -> bool:
        """Whether the market takes a bet now that was asked for at an instant."""
        feed = self.feeds[market.feed] if market.feed else None
        if not takes_bet(market, feed, asked_at_us=asked_at_us, now_us=now_us):
            return False
        control = self.control
        if not control.stopped and asked_at_us == now_us and not control.approval_required:
            return True
        return self.stopped_at(market, asked_at_us=asked_at_us, now_us=now_us) is None and self.is_approved(market)

    def is_offered(self, market: Market, *, asked_at_us: int, now_us: int) -> bool:
        """Whether a market's own status and its feed let a bet be, whatever the desk says."""
        feed = self.feeds[market.feed] if market.feed else None
        return takes_bet(market, feed, asked_at_us=asked_at_us, now_us=now_us)

    def path_of(self, market: Market) -> tuple[Place, ...]:
        """The levels that a market lies in, the widest first."""
        return (*self._path_to(market.event_id), (Level.MARKET, market.id))

    def _path_to(self, event_id: int) -> tuple[Place, ...]:
        event = self.events[event_id]
        return path(event, self.competitions[event.competition_id])

    def events_below(self, level: Level, number: int) -> dict[int, Event]:
        """The events that lie at or below a level; none below those of markets."""
        if level is Level.EVENT:
            return {number: self.events[number]}
        if level not in (Level.PLATFORM, Level.SPORT, Level.COMPETITION):
            return {}
        place = (level, number)
        return {event.id: event for event in self.events.values() if place in self._path_to(event.id)}

    def takes_orders(self, event_id: int, *, asked_at_us: int, now_us: int) -> Level | bool:
        """Whether the desk lets the exchange take orders on an event: the widest level that it suspended, now or while
        an order waited; False where the competition is not approved."""
        control = self.control
        if control.stops:
            level = first_stop(self._path_to(event_id), control.stops, asked_at_us=asked_at_us, now_us=now_us)
            if level is not None:
                return level
        return not control.approval_required or self.competitions[self.events[event_id].competition_id].approved

    def stopped_at(self, market: Market, *, asked_at_us: int, now_us: int) -> Level | None:
        """The widest level at which the desk suspended a market: now, or while a bet waited."""
        control = self.control
        if not control.stops:
            return None
        return first_stop(self.path_of(market), control.stops, asked_at_us=asked_at_us, now_us=now_us)

    def is_approved(self, market: Market) -> bool:
        """Whether a market's competition is approved, where the house asks for that."""
        if not self.control.approval_required:
            return True
        return self.competitions[self.events[market.event_id].competition_id].approved


def _sport_created(state: CatalogueState, fact: SportCreated, at_us: int) -> None:
    state.sports[fact.sport_id] = Sport(id=fact.sport_id, name=fact.name)


def _competition_created(state: CatalogueState, fact: CompetitionCreated, at_us: int) -> None:
    state.competitions[fact.competition_id] = Competition(
        id=fact.competition_id, sport_id=fact.sport_id, name=fact.name
    )


def _event_created(state: CatalogueState, fact: EventCreated, at_us: int) -> None:
    state.events_made = fact.event_id
    state.events[fact.event_id] = Event(
        id=fact.event_id, competition_id=fact.competition_id, name=fact.name, starts_at_us=fact.starts_at_us
    )


def _event_rescheduled(state: CatalogueState, fact: EventRescheduled, at_us: int) -> None:
    state.events[fact.event_id].starts_at_us = fact.starts_at_us


def _event_started(state: CatalogueState, fact: EventStarted, at_us: int) -> None:
    event = state.events[fact.event_id]
    event.status = EVENT_LIFE[event.status, EventAction.START]
    for market_id in event.markets:
        market = state.markets[market_id]
        if market.in_play:
            _step(market, MarketAction.SUSPEND, "turn_in_play")
        else:
            _step(market, MarketAction.CLOSE, "started")


def _event_ended(state: CatalogueState, fact: EventEnded, at_us: int) -> None:
    event = state.events[fact.event_id]
    event.status = EVENT_LIFE[event.status, EventAction.END]
    for market_id in event.markets:
        _step(state.markets[market_id], MarketAction.CLOSE, "ended")


def _moment_set(state: CatalogueState, fact: MomentSet, at_us: int) -> None:
    state.events[fact.event_id].moment = fact.moment


def _market_created(state: CatalogueState, fact: MarketCreated, at_us: int) -> None:
    state.markets_made = fact.market_id
    state.events[fact.event_id].markets.append(fact.market_id)
    names = zip(fact.selections, fact.prices_milli, strict=True)
    terms = fact.terms or MarketTerms()
    state.markets[fact.market_id] = Market(
        id=fact.market_id,
        event_id=fact.event_id,
        type=fact.type,
        specifiers=fact.specifiers,
        selections={
            number: Selection(id=number, name=name, price_milli=price, feed_price_milli=price)
            for number, (name, price) in enumerate(names, 1)
        },
        feed=fact.feed,
        in_play=fact.in_play,
        delay_us=fact.delay_us,
        liability_minor=fact.liability_minor,
        confirmed_at_us=at_us,
        terms=terms,
        owes_starting_prices=terms.starting_prices,
    )
    if fact.feed and fact.feed not in state.feeds:
        state.feeds[fact.feed] = Feed(name=fact.feed, seen_at_us=at_us)


def _selections_added(state: CatalogueState, fact: SelectionsAdded, at_us: int) -> None:
    market = state.markets[fact.market_id]
    named = zip(fact.selections, fact.prices_milli, strict=True)
    for number, (name, price_milli) in enumerate(named, fact.first_id):
        market.selections[number] = Selection(
            id=number, name=name, price_milli=price_milli, feed_price_milli=price_milli
        )
    market.version += 1


def _selection_withdrawn(state: CatalogueState, fact: SelectionWithdrawn, at_us: int) -> None:
    market = state.markets[fact.market_id]
    selection = market.selections[fact.selection_id]
    selection.withdrawn_at_us = at_us
    selection.offer()
    market.withdrawals.append(Withdrawn(selection.id, at_us, fact.price_milli, fact.from_start))
    market.version += 1
    if market.status is MarketStatus.OPEN:
        market.status, market.reason = MARKET_LIFE[market.status, MarketAction.SUSPEND], "withdrawal"


def _prices_set(state: CatalogueState, fact: PricesSet, at_us: int) -> None:
    market = state.markets[fact.market_id]
    for selection_id, price_milli in fact.prices:
        selection = market.selections[selection_id]
        selection.feed_price_milli = price_milli
        selection.offer()
    market.confirmed_at_us = at_us


def _market_suspended(state: CatalogueState, fact: MarketSuspended, at_us: int) -> None:
    _step(state.markets[fact.market_id], MarketAction.SUSPEND, fact.reason)


def _market_resumed(state: CatalogueState, fact: MarketResumed, at_us: int) -> None:
    market = state.markets[fact.market_id]
    _step(market, MarketAction.RESUME, "")
    market.confirmed_at_us = at_us


def _market_closed(state: CatalogueState, fact: MarketClosed, at_us: int) -> None:
    _step(state.markets[fact.market_id], MarketAction.CLOSE, "closed")


def _market_changed(state: CatalogueState, fact: MarketChanged, at_us: int) -> None:
    market = state.markets[fact.market_id]
    market.delay_us, market.liability_minor = fact.delay_us, fact.liability_minor
    if fact.terms is not None:
        market.terms = fact.terms
        market.owes_starting_prices |= fact.terms.starting_prices
    market.version += 1


def _market_handed_over(state: CatalogueState, fact: MarketHandedOver, at_us: int) -> None:
    state.markets[fact.market_id].feed = fact.feed
    if fact.feed and fact.feed not in state.feeds:
        state.feeds[fact.feed] = Feed(name=fact.feed, seen_at_us=at_us)


def _feed_seen(state: CatalogueState, fact: FeedSeen, at_us: int) -> None:
    feed = state.feeds.get(fact.feed)
    if feed is None:
        state.feeds[fact.feed] = Feed(name=fact.feed, seen_at_us=at_us)
        return
    if feed.silent or is_silent(feed, now_us=at_us):
        feed.silent, feed.back_at_us = False, at_us
    feed.seen_at_us = at_us


def _feed_silenced(state: CatalogueState, fact: FeedSilenced, at_us: int) -> None:
    feed = state.feeds.get(fact.feed)
    if feed is None:
        state.feeds[fact.feed] = feed = Feed(name=fact.feed, seen_at_us=at_us)
    feed.silent = True


def hear_result(market: Market) -> None:
    """A result is heard of, too uncertain to pay: the market takes no more bets."""
    _step(market, MarketAction.CLOSE, "result_heard")


def _level_suspended(state: CatalogueState, fact: LevelSuspended, at_us: int) -> None:
    if fact.level is Level.SELECTION:
        _stop_selection(state.markets[fact.id], fact.selection_id, fact.reason)
    else:
        suspend(state.control, fact, at_us)


def _level_resumed(state: CatalogueState, fact: LevelResumed, at_us: int) -> None:
    if fact.level is Level.SELECTION:
        _stop_selection(state.markets[fact.id], fact.selection_id, "")
    else:
        resume(state.control, fact)


def _stop_selection(market: Market, selection_id: int, reason: str) -> None:
    """The version rises, so that a bet which waited since before is refused."""
    selection = market.selections[selection_id]
    selection.stopped = reason
    selection.offer()
    market.version += 1


def _price_overridden(state: CatalogueState, fact: PriceOverridden, at_us: int) -> None:
    _override(state.markets[fact.market_id].selections[fact.selection_id], fact.price_milli, fact.until_us)


def _override_ended(state: CatalogueState, fact: OverrideEnded, at_us: int) -> None:
    _override(state.markets[fact.market_id].selections[fact.selection_id], 0, 0)


def _override(selection: Selection, price_milli: int, until_us: int) -> None:
    selection.override_milli, selection.override_until_us = price_milli, until_us
    selection.offer()


def _margin_set(state: CatalogueState, fact: MarginSet, at_us: int) -> None:
    set_margin(state.control, fact)


def _competition_approved(state: CatalogueState, fact: CompetitionApproved, at_us: int) -> None:
    state.competitions[fact.competition_id].approved = fact.approved


def _approval_required(state: CatalogueState, fact: ApprovalRequired, at_us: int) -> None:
    state.control.approval_required = fact.required


def result_market(market: Market) -> None:
    """A result is in: the market leaves for settlement, once more with each correction."""
    _step(market, MarketAction.RESULT, "resulted")
    market.revision += 1


def roll_market_back(market: Market) -> None:
    """A result is out again: the market is closed, and waits for another."""
    _step(market, MarketAction.ROLL_BACK, "rolled_back")
    market.revision += 1


def cancel_window(market: Market, from_us: int, until_us: int) -> None:
    """What was struck in a window is void."""
    market.cancelled.append((from_us, until_us))
    market.revision += 1
    market.version += 1


def restore_window(market: Market, from_us: int, until_us: int) -> None:
    """What was struck in a window stands again."""
    market.cancelled.remove((from_us, until_us))
    market.revision += 1
    market.version += 1


def _step(market: Market, action: MarketAction, reason: str) -> None:
    """Take a step of the market's life where it has that step; the version rises with it."""
    following = MARKET_LIFE.get((market.status, action))
    if following is not None:
        market.status, market.reason = following, reason
        market.version += 1


APPLY: dict[type[Fact], Callable[[CatalogueState, Any, int], None]] = {
    SportCreated: _sport_created,
    CompetitionCreated: _competition_created,
    EventCreated: _event_created,
    EventRescheduled: _event_rescheduled,
    EventStarted: _event_started,
    EventEnded: _event_ended,
    MomentSet: _moment_set,
    MarketCreated: _market_created,
    SelectionsAdded: _selections_added,
    SelectionWithdrawn: _selection_withdrawn,
    PricesSet: _prices_set,
    MarketSuspended: _market_suspended,
    MarketResumed: _market_resumed,
    MarketClosed: _market_closed,
    MarketChanged: _market_changed,
    MarketHandedOver: _market_handed_over,
    FeedSeen: _feed_seen,
    FeedSilenced: _feed_silenced,
    LevelSuspended: _level_suspended,
    LevelResumed: _level_resumed,
    PriceOverridden: _price_overridden,
    OverrideEnded: _override_ended,
    MarginSet: _margin_set,
    CompetitionApproved: _competition_approved,
    ApprovalRequired: _approval_required,
}


def apply(state: CatalogueState, fact: Fact, at_us: int) -> bool:
    """Fold one fact at its instant. False where the fact is none of the catalogue's."""
    step = APPLY.get(type(fact))
    if step is None:
        return False
    step(state, fact, at_us)
    return True


__all__ = [
    "APPLY",
    "CatalogueState",
    "MarketStatus",
    "apply",
    "cancel_window",
    "hear_result",
    "restore_window",
    "result_market",
    "roll_market_back",
]
