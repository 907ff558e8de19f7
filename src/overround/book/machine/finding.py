"""What a command names, or why it is not to be had: never there, or archived. Ids are dense, so that both are known."""

from overround.book import archive, catalogue, exchange
from overround.book.bets import Bet
from overround.book.catalogue import Event, Market
from overround.book.machine.state import State
from overround.kernel.refusal import Refused


def market_of(state: State, market_id: int) -> Market | Refused:
    """A market that may still change."""
    market = state.catalogue.markets.get(market_id)
    return market if market is not None and not state.archive.has(market_id) else no_market(state, market_id)


def no_market(state: State, market_id: int) -> Refused:
    """Why there is no such market, or none any more."""
    if 0 < market_id <= state.catalogue.markets_made:
        return Refused(archive.Refusal.MARKET_ARCHIVED)
    return Refused(catalogue.Refusal.MARKET_NOT_FOUND)


def event_of(state: State, event_id: int) -> Event | Refused:
    event = state.catalogue.events.get(event_id)
    if event is not None:
        return event
    if 0 < event_id <= state.catalogue.events_made:
        return Refused(archive.Refusal.EVENT_ARCHIVED)
    return Refused(catalogue.Refusal.EVENT_NOT_FOUND)


def markets_of(state: State, event: Event) -> list[Market]:
    """The markets of an event that may still change, in the order in which they were made."""
    has, markets = state.archive.has, state.catalogue.markets
    return [markets[market_id] for market_id in event.markets if not has(market_id)]


def has_archived(state: State, event: Event) -> bool:
    """Whether a market of an event is archived."""
    return event.archived > 0 or any(map(state.archive.has, event.markets))


def no_exchange_market(state: State, market_id: int) -> Refused:
    """Why there is no such market of the exchange, or none any more that may change."""
    if 0 < market_id <= state.exchange.made:
        return Refused(archive.Refusal.MARKET_ARCHIVED)
    return Refused(exchange.Refusal.INVALID_MARKET_ID)


def bet_of(state: State, bet_id: int, not_found: str) -> Bet | Refused:
    """Anybody's bet."""
    bet = state.bets.bets.get(bet_id)
    if bet is None and 0 < bet_id <= state.bets.made:
        return Refused(archive.Refusal.BET_ARCHIVED)
    return bet if bet is not None else Refused(not_found)


def own_bet(state: State, bet_id: int, customer_id: int, not_found: str) -> Bet | Refused:
    """A customer's bet. Others' are not found, as long as it is known whose they are."""
    bet = bet_of(state, bet_id, not_found)
    return bet if isinstance(bet, Refused) or bet.customer_id == customer_id else Refused(not_found)
