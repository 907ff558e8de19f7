"""Taking back: a result, or the bets of a window in which they should not have been taken. Settlement then goes through
the bets of the market again, whatever came before."""

from overround.book import catalogue
from overround.book.catalogue import MAX_WINDOWS, Market, MarketAction, MarketStatus
from overround.book.machine.commands import CancelMarketBets, RestoreMarketBets, RollbackResult, SweepPastPost
from overround.book.machine.finding import event_of, market_of, markets_of
from overround.book.machine.state import State
from overround.book.settlement import MarketBetsCancelled, MarketBetsRestored, ResultRolledBack
from overround.kernel.fact import Fact
from overround.kernel.refusal import Refused

Facts = tuple[Fact, ...] | Refused


def roll_back(state: State, command: RollbackResult, now_us: int) -> Facts:
    market = market_of(state, command.market_id)
    if isinstance(market, Refused):
        return market
    if not catalogue.may(market, MarketAction.ROLL_BACK):
        return Refused(catalogue.Refusal.MARKET_STATUS, {"status": market.status.value})
    before = state.settlement.results[market.id]
    return (ResultRolledBack(market_id=market.id, revision=market.revision + 1, before=before),)


def cancel_bets(state: State, command: CancelMarketBets, now_us: int) -> Facts:
    market = market_of(state, command.market_id)
    if isinstance(market, Refused):
        return market
    if not catalogue.is_name(command.reason):
        return Refused(catalogue.Refusal.NAME_INVALID)
    window = command.from_us, command.until_us
    if not 0 <= command.from_us < command.until_us or window in market.cancelled:
        return Refused(catalogue.Refusal.WINDOW_INVALID)
    if len(market.cancelled) >= MAX_WINDOWS:
        return Refused(catalogue.Refusal.CATALOGUE_FULL, {"max_windows": MAX_WINDOWS})
    return (_cancelled(market, *window, command.reason),)


def _cancelled(market: Market, from_us: int, until_us: int, reason: str) -> MarketBetsCancelled:
    return MarketBetsCancelled(
        market_id=market.id, revision=market.revision + 1, from_us=from_us, until_us=until_us, reason=reason
    )


def restore_bets(state: State, command: RestoreMarketBets, now_us: int) -> Facts:
    market = market_of(state, command.market_id)
    if isinstance(market, Refused):
        return market
    if (command.from_us, command.until_us) not in market.cancelled:
        return Refused(catalogue.Refusal.WINDOW_NOT_FOUND)
    return (
        MarketBetsRestored(
            market_id=market.id,
            revision=market.revision + 1,
            from_us=command.from_us,
            until_us=command.until_us,
        ),
    )


def sweep_past_post(state: State, command: SweepPastPost, now_us: int) -> Facts:
    """Void what was struck after the real start on every market of an event that is not offered in play."""
    event = event_of(state, command.event_id)
    if isinstance(event, Refused):
        return event
    if not 0 <= command.began_at_us < now_us:
        return Refused(catalogue.Refusal.WINDOW_INVALID)
    window = command.began_at_us, now_us
    swept = [
        market
        for market in markets_of(state, event)
        if not market.in_play and state.bets.by_market.get(market.id) and len(market.cancelled) < MAX_WINDOWS
    ]
    closed = tuple(
        catalogue.MarketClosed(market_id=market.id)
        for market in swept
        if market.status in (MarketStatus.OPEN, MarketStatus.SUSPENDED)
    )
    return (*closed, *(_cancelled(market, *window, "past post") for market in swept))
