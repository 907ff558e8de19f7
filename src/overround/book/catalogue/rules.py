"""The rules of the catalogue: what may be created or changed, and whether a market takes bets at this moment."""

from enum import StrEnum

from overround.book.catalogue.types import (
    FEED_SILENCE_US,
    MARKET_LIFE,
    MARKET_TYPES,
    MAX_NAME_LENGTH,
    MAX_SELECTIONS,
    Event,
    EventStatus,
    Feed,
    Market,
    MarketAction,
    MarketStatus,
    MarketType,
)
from overround.kernel.price import is_price


class Refusal(StrEnum):
    """Every way the catalogue says no, in the order checked."""

    NAME_INVALID = "name_invalid"
    CATALOGUE_FULL = "catalogue_full"
    SPORT_NOT_FOUND = "sport_not_found"
    COMPETITION_NOT_FOUND = "competition_not_found"
    EVENT_NOT_FOUND = "event_not_found"
    EVENT_STATUS = "event_status"
    STARTS_AT_INVALID = "starts_at_invalid"
    TOO_MANY_MARKETS = "too_many_markets"
    MARKET_TYPE_UNKNOWN = "market_type_unknown"
    SPECIFIERS_INVALID = "specifiers_invalid"
    SELECTIONS_INVALID = "selections_invalid"
    DELAY_INVALID = "delay_invalid"
    LIABILITY_INVALID = "liability_invalid"
    MARKET_NOT_FOUND = "market_not_found"
    MARKET_STATUS = "market_status"
    SELECTION_NOT_FOUND = "selection_not_found"
    PRICE_INVALID = "price_invalid"
    FEED_INVALID = "feed_invalid"


def is_name(name: str) -> bool:
    """1 to 200 printable characters."""
    return 0 < len(name) <= MAX_NAME_LENGTH and name.isprintable()


def specifiers_fit(kind: MarketType, specifiers: dict[str, int]) -> bool:
    """Whether a market brings just the specifiers of its type, each within ±1,000."""
    return specifiers.keys() == set(kind.specifiers) and all(abs(value) <= 1_000 for value in specifiers.values())


def selection_names(kind: MarketType, own: tuple[str, ...]) -> tuple[str, ...] | None:
    """A market's selections: its type's outcomes, or its own names where the type has none. None: they do not fit."""
    if kind.outcomes:
        return kind.outcomes if own in ((), kind.outcomes) else None
    if 2 <= len(own) <= MAX_SELECTIONS and all(map(is_name, own)) and len(set(own)) == len(own):
        return own
    return None


def prices_refusal(market: Market, prices: tuple[tuple[int, int], ...]) -> Refusal | None:
    """Whether these (selection_id, price_milli) may be set, each selection once; 0 takes a price away. No prices at
    all say that those that stand still hold."""
    if market.status in (MarketStatus.CLOSED, MarketStatus.RESULTED):
        return Refusal.MARKET_STATUS
    for selection_id, price_milli in prices:
        if selection_id not in market.selections:
            return Refusal.SELECTION_NOT_FOUND
        if price_milli and not is_price(price_milli):
            return Refusal.PRICE_INVALID
    return Refusal.PRICE_INVALID if len(dict(prices)) != len(prices) else None


def may(market: Market, action: MarketAction) -> bool:
    """Whether the market's life has this step."""
    return (market.status, action) in MARKET_LIFE


def is_available(market: Market, feed: Feed | None) -> bool:
    """Whether a market takes bets now: it is open, and its feed, if it has one, speaks and has spoken of it since it
    was last silent. So the silence of a feed with any number of markets is one fact and costs nothing."""
    if market.status is not MarketStatus.OPEN:
        return False
    return feed is None or (not feed.silent and market.confirmed_at_us >= feed.back_at_us)


def takes_bet(market: Market, feed: Feed | None, *, asked_at_us: int, now_us: int) -> bool:
    """Whether a market takes a bet now that was asked for at an instant: it is available, its feed is not silent at
    this very instant, known yet or not, and was not in between."""
    if not is_available(market, feed):
        return False
    return feed is None or (feed.back_at_us <= asked_at_us and now_us < feed.seen_at_us + FEED_SILENCE_US)


def is_silent(feed: Feed, *, now_us: int) -> bool:
    """Whether a feed has said nothing for too long and that is not yet known."""
    return not feed.silent and now_us >= feed.seen_at_us + FEED_SILENCE_US


def market_type(name: str) -> MarketType | None:
    return MARKET_TYPES.get(name)


def delay_us(market: Market, event: Event) -> int:
    """How long a bet on this market waits before it is decided: the market's delay, in play only."""
    return market.delay_us if event.status is EventStatus.IN_PLAY else 0
