"""What is on offer, and its results: which facts an operator's or a feed's command leads to."""

from overround.book import archive, catalogue, settlement
from overround.book.catalogue import (
    MARKET_TYPES,
    MAX_CERTAINTY,
    MAX_COMPETITIONS,
    MAX_DELAY_US,
    MAX_EVENTS,
    MAX_FEEDS,
    MAX_MARKETS_PER_EVENT,
    MAX_SELECTIONS,
    MAX_SPORTS,
    CompetitionCreated,
    Event,
    EventAction,
    EventCreated,
    EventEnded,
    EventRescheduled,
    EventStarted,
    EventStatus,
    FeedSeen,
    FeedSilenced,
    Market,
    MarketAction,
    MarketChanged,
    MarketClosed,
    MarketCreated,
    MarketHandedOver,
    MarketResumed,
    MarketStatus,
    MarketSuspended,
    MarketTerms,
    MarketType,
    MomentSet,
    PricesSet,
    Refusal,
    SelectionsAdded,
    SelectionWithdrawn,
    SportCreated,
)
from overround.book.machine.commands import (
    AddSelections,
    ChangeMarket,
    CloseMarket,
    CreateCompetition,
    CreateEvent,
    CreateMarket,
    CreateSport,
    EndEvent,
    FeedHeartbeat,
    HandOverMarket,
    RecordEventResult,
    RecordResult,
    RescheduleEvent,
    ResumeEvent,
    ResumeMarket,
    SetMoment,
    SetPrices,
    SilenceFeed,
    StartEvent,
    SuspendEvent,
    SuspendMarket,
    WithdrawSelection,
)
from overround.book.machine.finding import event_of, has_archived, market_of, markets_of
from overround.book.machine.state import State
from overround.book.settlement import Result, ResultHeard, ResultRecorded
from overround.kernel.fact import Fact
from overround.kernel.instant import DAY_US
from overround.kernel.money import MAX_MONEY_MINOR
from overround.kernel.price import is_price
from overround.kernel.refusal import Refused

LATEST_START_US = 100 * 366 * DAY_US
"""Nothing starts after about 2070: a later instant is a mistake of units."""

Facts = tuple[Fact, ...] | Refused


def create_sport(state: State, command: CreateSport, now_us: int) -> Facts:
    if not catalogue.is_name(command.name):
        return Refused(Refusal.NAME_INVALID)
    if len(state.catalogue.sports) >= MAX_SPORTS:
        return Refused(Refusal.CATALOGUE_FULL, {"max_sports": MAX_SPORTS})
    return (SportCreated(sport_id=len(state.catalogue.sports) + 1, name=command.name),)


def create_competition(state: State, command: CreateCompetition, now_us: int) -> Facts:
    if not catalogue.is_name(command.name):
        return Refused(Refusal.NAME_INVALID)
    if len(state.catalogue.competitions) >= MAX_COMPETITIONS:
        return Refused(Refusal.CATALOGUE_FULL, {"max_competitions": MAX_COMPETITIONS})
    if command.sport_id not in state.catalogue.sports:
        return Refused(Refusal.SPORT_NOT_FOUND)
    competition_id = len(state.catalogue.competitions) + 1
    return (CompetitionCreated(competition_id=competition_id, sport_id=command.sport_id, name=command.name),)


def create_event(state: State, command: CreateEvent, now_us: int) -> Facts:
    if not catalogue.is_name(command.name):
        return Refused(Refusal.NAME_INVALID)
    if len(state.catalogue.events) >= MAX_EVENTS:
        return Refused(Refusal.CATALOGUE_FULL, {"max_events": MAX_EVENTS})
    if command.competition_id not in state.catalogue.competitions:
        return Refused(Refusal.COMPETITION_NOT_FOUND)
    if not 0 <= command.starts_at_us <= LATEST_START_US:
        return Refused(Refusal.STARTS_AT_INVALID)
    return (
        EventCreated(
            event_id=state.catalogue.events_made + 1,
            competition_id=command.competition_id,
            name=command.name,
            starts_at_us=command.starts_at_us,
        ),
    )


def reschedule_event(state: State, command: RescheduleEvent, now_us: int) -> Facts:
    event = event_of(state, command.event_id)
    if isinstance(event, Refused):
        return event
    if event.status is not EventStatus.SCHEDULED:
        return Refused(Refusal.EVENT_STATUS, {"status": event.status.value})
    if not 0 <= command.starts_at_us <= LATEST_START_US:
        return Refused(Refusal.STARTS_AT_INVALID)
    return (EventRescheduled(event_id=event.id, starts_at_us=command.starts_at_us),)


def start_event(state: State, command: StartEvent, now_us: int) -> Facts:
    event = _event_for(state, command.event_id, EventAction.START)
    return event if isinstance(event, Refused) else (EventStarted(event_id=event.id),)


def end_event(state: State, command: EndEvent, now_us: int) -> Facts:
    event = _event_for(state, command.event_id, EventAction.END)
    return event if isinstance(event, Refused) else (EventEnded(event_id=event.id),)


def _event_for(state: State, event_id: int, action: EventAction) -> Event | Refused:
    event = event_of(state, event_id)
    if isinstance(event, Refused):
        return event
    if (event.status, action) not in catalogue.EVENT_LIFE:
        return Refused(Refusal.EVENT_STATUS, {"status": event.status.value})
    return event


def set_moment(state: State, command: SetMoment, now_us: int) -> Facts:
    event = event_of(state, command.event_id)
    if isinstance(event, Refused):
        return event
    if event.status is EventStatus.ENDED:
        return Refused(Refusal.EVENT_STATUS, {"status": event.status.value})
    return (MomentSet(event_id=event.id, moment=command.moment),) if event.moment is not command.moment else ()


def create_market(state: State, command: CreateMarket, now_us: int) -> Facts:
    event = event_of(state, command.event_id)
    if isinstance(event, Refused):
        return event
    if event.status is EventStatus.ENDED or (event.status is EventStatus.IN_PLAY and not command.in_play):
        return Refused(Refusal.EVENT_STATUS, {"status": event.status.value})
    if len(event.markets) >= MAX_MARKETS_PER_EVENT:
        return Refused(Refusal.TOO_MANY_MARKETS, {"max_markets": MAX_MARKETS_PER_EVENT})
    kind = MARKET_TYPES.get(command.type)
    if kind is None:
        return Refused(Refusal.MARKET_TYPE_UNKNOWN)
    if not catalogue.specifiers_fit(kind, command.specifiers):
        return Refused(Refusal.SPECIFIERS_INVALID, {"specifiers": ",".join(kind.specifiers)})
    names = catalogue.selection_names(kind, command.selections)
    if names is None:
        return Refused(Refusal.SELECTIONS_INVALID)
    prices_milli = command.prices_milli or (0,) * len(names)
    if len(prices_milli) != len(names) or not all(price == 0 or is_price(price) for price in prices_milli):
        return Refused(Refusal.PRICE_INVALID)
    terms = _terms_refusal(kind, command)
    if terms is not None:
        return Refused(terms)
    feed = _feed_refusal(state, command.feed) if command.feed else None
    if feed is not None:
        return feed
    return (
        MarketCreated(
            market_id=state.catalogue.markets_made + 1,
            event_id=event.id,
            type=kind.name,
            specifiers=command.specifiers,
            selections=names,
            prices_milli=prices_milli,
            feed=command.feed,
            in_play=command.in_play,
            delay_us=command.delay_us,
            liability_minor=command.liability_minor,
            terms=command.terms,
        ),
    )


def _terms_refusal(kind: MarketType, asked: CreateMarket | ChangeMarket) -> Refusal | None:
    if not 0 <= asked.delay_us <= MAX_DELAY_US:
        return Refusal.DELAY_INVALID
    if not 0 <= asked.liability_minor <= MAX_MONEY_MINOR:
        return Refusal.LIABILITY_INVALID
    return None if catalogue.terms_fit(kind, asked.terms or MarketTerms()) else Refusal.MARKET_TERMS_INVALID


def change_market(state: State, command: ChangeMarket, now_us: int) -> Facts:
    market = market_of(state, command.market_id)
    if isinstance(market, Refused):
        return market
    terms = _terms_refusal(MARKET_TYPES[market.type], command)
    if terms is not None:
        return Refused(terms)
    return (
        MarketChanged(
            market_id=market.id,
            delay_us=command.delay_us,
            liability_minor=command.liability_minor,
            terms=command.terms,
            before_delay_us=market.delay_us,
            before_liability_minor=market.liability_minor,
        ),
    )


def add_selections(state: State, command: AddSelections, now_us: int) -> Facts:
    market = _market_for(state, command.market_id, MarketAction.CLOSE)
    if isinstance(market, Refused):
        return market
    kind = MARKET_TYPES[market.type]
    names = (*(selection.name for selection in market.selections.values()), *command.selections)
    few = command.selections and len(names) <= MAX_SELECTIONS
    if kind.outcomes or not few or not catalogue.names_fit(kind, names):
        return Refused(Refusal.SELECTIONS_INVALID)
    prices_milli = command.prices_milli or (0,) * len(command.selections)
    if len(prices_milli) != len(command.selections) or not all(price == 0 or is_price(price) for price in prices_milli):
        return Refused(Refusal.PRICE_INVALID)
    return (
        SelectionsAdded(
            market_id=market.id,
            first_id=len(market.selections) + 1,
            selections=command.selections,
            prices_milli=prices_milli,
        ),
    )


def withdraw_selection(state: State, command: WithdrawSelection, now_us: int) -> Facts:
    market = market_of(state, command.market_id)
    if isinstance(market, Refused):
        return market
    if market.status is MarketStatus.RESULTED:
        return Refused(Refusal.MARKET_STATUS, {"status": market.status.value})
    selection = market.selections.get(command.selection_id)
    if selection is None:
        return Refused(Refusal.SELECTION_NOT_FOUND)
    if selection.withdrawn_at_us:
        return Refused(Refusal.SELECTION_WITHDRAWN)
    if command.price_milli and not is_price(command.price_milli):
        return Refused(Refusal.PRICE_INVALID)
    return (
        SelectionWithdrawn(
            market_id=market.id,
            selection_id=selection.id,
            price_milli=command.price_milli,
            from_start=command.from_start,
        ),
    )


def set_prices(state: State, command: SetPrices, now_us: int) -> Facts:
    market = market_of(state, command.market_id)
    if isinstance(market, Refused):
        return market
    refusal = catalogue.prices_refusal(market, command.prices)
    if refusal is not None:
        return Refused(refusal, {"market_version": market.version})
    return (PricesSet(market_id=market.id, prices=command.prices),)


def suspend_market(state: State, command: SuspendMarket, now_us: int) -> Facts:
    market = _market_for(state, command.market_id, MarketAction.SUSPEND)
    if isinstance(market, Refused):
        return market
    if not catalogue.is_name(command.reason):
        return Refused(Refusal.NAME_INVALID)
    return (MarketSuspended(market_id=market.id, reason=command.reason),)


def resume_market(state: State, command: ResumeMarket, now_us: int) -> Facts:
    market = _market_for(state, command.market_id, MarketAction.RESUME)
    return market if isinstance(market, Refused) else (MarketResumed(market_id=market.id),)


def close_market(state: State, command: CloseMarket, now_us: int) -> Facts:
    market = _market_for(state, command.market_id, MarketAction.CLOSE)
    return market if isinstance(market, Refused) else (MarketClosed(market_id=market.id),)


def _market_for(state: State, market_id: int, action: MarketAction) -> Market | Refused:
    market = market_of(state, market_id)
    if isinstance(market, Refused):
        return market
    if not catalogue.may(market, action):
        return Refused(Refusal.MARKET_STATUS, {"status": market.status.value})
    return market


def suspend_event(state: State, command: SuspendEvent, now_us: int) -> Facts:
    if not catalogue.is_name(command.reason):
        return Refused(Refusal.NAME_INVALID)
    markets = _markets_of(state, command.event_id, MarketStatus.OPEN)
    if isinstance(markets, Refused):
        return markets
    return tuple(MarketSuspended(market_id=market.id, reason=command.reason) for market in markets)


def resume_event(state: State, command: ResumeEvent, now_us: int) -> Facts:
    markets = _markets_of(state, command.event_id, MarketStatus.SUSPENDED)
    if isinstance(markets, Refused):
        return markets
    return tuple(MarketResumed(market_id=market.id) for market in markets)


def _markets_of(state: State, event_id: int, status: MarketStatus) -> list[Market] | Refused:
    event = event_of(state, event_id)
    if isinstance(event, Refused):
        return event
    return [market for market in markets_of(state, event) if market.status is status]


def record_result(state: State, command: RecordResult, now_us: int) -> Facts:
    market = _market_for(state, command.market_id, MarketAction.RESULT)
    if isinstance(market, Refused):
        return market
    if not settlement.fits(market, command.result):
        return Refused(settlement.Refusal.RESULT_INVALID)
    if not 0 < command.certainty <= MAX_CERTAINTY:
        return Refused(settlement.Refusal.CERTAINTY_INVALID)
    if not _is_new(state, market, command.result, command.certainty):
        return Refused(settlement.Refusal.RESULT_UNCHANGED, {"revision": market.revision})
    return (_heard(market, command.result, command.certainty),)


def _is_new(state: State, market: Market, result: Result, certainty: int) -> bool:
    """Whether a result says anything: another one than the market has, or than was heard before, or the
    same surely enough."""
    if settlement.is_same(market, state.settlement.results.get(market.id), result):
        return False
    heard = state.settlement.heard.get(market.id)
    return (
        heard is None
        or not settlement.is_same(market, heard.result, result)
        or certainty >= catalogue.certainty_of(market)
    )


def _heard(market: Market, result: Result, certainty: int) -> ResultRecorded | ResultHeard:
    """The fact of a result: recorded where it is certain enough to pay, otherwise only heard."""
    if certainty < catalogue.certainty_of(market):
        return ResultHeard(market_id=market.id, result=result, certainty=certainty)
    return ResultRecorded(market_id=market.id, revision=market.revision + 1, result=result, certainty=certainty)


def record_event_result(state: State, command: RecordEventResult, now_us: int) -> Facts:
    event = event_of(state, command.event_id)
    if isinstance(event, Refused):
        return event
    read = [market for market in markets_of(state, event) if settlement.fits(market, command.result)]
    if not read:
        if has_archived(state, event):
            return Refused(archive.Refusal.MARKET_ARCHIVED)
        return Refused(settlement.Refusal.RESULT_INVALID)
    if not 0 < command.certainty <= MAX_CERTAINTY:
        return Refused(settlement.Refusal.CERTAINTY_INVALID)
    changed = [market for market in read if _is_new(state, market, command.result, command.certainty)]
    if not changed:
        return Refused(settlement.Refusal.RESULT_UNCHANGED)
    ended: tuple[Fact, ...] = () if event.status is EventStatus.ENDED else (EventEnded(event_id=event.id),)
    return (*ended, *(_heard(market, command.result, command.certainty) for market in changed))


def feed_heartbeat(state: State, command: FeedHeartbeat, now_us: int) -> Facts:
    return _feed_refusal(state, command.feed) or (FeedSeen(feed=command.feed),)


def silence_feed(state: State, command: SilenceFeed, now_us: int) -> Facts:
    refused = _feed_refusal(state, command.feed)
    if refused is not None:
        return refused
    feed = state.catalogue.feeds.get(command.feed)
    return () if feed is not None and feed.silent else (FeedSilenced(feed=command.feed),)


def hand_over_market(state: State, command: HandOverMarket, now_us: int) -> Facts:
    market = market_of(state, command.market_id)
    if isinstance(market, Refused):
        return market
    refused = _feed_refusal(state, command.feed) if command.feed else None
    if refused is not None:
        return refused
    return () if market.feed == command.feed else (MarketHandedOver(market_id=market.id, feed=command.feed),)


def _feed_refusal(state: State, name: str) -> Refused | None:
    if not catalogue.is_name(name):
        return Refused(Refusal.FEED_INVALID)
    feeds = state.catalogue.feeds
    if name not in feeds and len(feeds) >= MAX_FEEDS:
        return Refused(Refusal.CATALOGUE_FULL, {"max_feeds": MAX_FEEDS})
    return None
