"""The rules of the catalogue: what may be created or changed, and whether a market takes bets at this moment."""

from enum import StrEnum
from typing import Final

from overround.book.catalogue.types import (
    ANY_OTHER,
    FEED_SILENCE_US,
    HOUSE_RULES,
    MARKET_LIFE,
    MARKET_TYPES,
    MAX_CERTAINTY,
    MAX_DELAY_US,
    MAX_NAME_LENGTH,
    MAX_SELECTIONS,
    MAX_TERMS,
    RULE_SETS,
    SPECIFIERS,
    VOID_RULES,
    Competition,
    EachWay,
    Event,
    EventStatus,
    Feed,
    Market,
    MarketAction,
    MarketStatus,
    MarketTerms,
    MarketType,
    Names,
    Rule,
    VoidRule,
)
from overround.book.control import PLATFORM_ID, Place
from overround.kernel.level import Level
from overround.kernel.price import is_price

# Members found once: Python 3.11 takes longer to look one up in its enum than to compare it.
OPEN: Final = MarketStatus.OPEN
IN_PLAY: Final = EventStatus.IN_PLAY


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
    MARKET_TERMS_INVALID = "market_terms_invalid"
    MARKET_NOT_FOUND = "market_not_found"
    MARKET_STATUS = "market_status"
    SELECTION_NOT_FOUND = "selection_not_found"
    SELECTION_WITHDRAWN = "selection_withdrawn"
    PRICE_INVALID = "price_invalid"
    FEED_INVALID = "feed_invalid"
    WINDOW_INVALID = "window_invalid"
    WINDOW_NOT_FOUND = "window_not_found"


def is_name(name: str) -> bool:
    """1 to 200 printable characters."""
    return 0 < len(name) <= MAX_NAME_LENGTH and name.isprintable()


def specifiers_fit(kind: MarketType, specifiers: dict[str, int]) -> bool:
    """Whether a market brings just the specifiers of its type, each within its bounds."""
    if specifiers.keys() != set(kind.specifiers):
        return False
    return all(SPECIFIERS[name][0] <= value <= SPECIFIERS[name][1] for name, value in specifiers.items())


def selection_names(kind: MarketType, own: tuple[str, ...]) -> tuple[str, ...] | None:
    """A market's selections: its type's outcomes, or its own names where the type has none. None: they do not fit."""
    if kind.outcomes:
        return kind.outcomes if own in ((), kind.outcomes) else None
    if 2 <= len(own) <= MAX_SELECTIONS and names_fit(kind, own):
        return own
    return None


def names_fit(kind: MarketType, own: tuple[str, ...]) -> bool:
    """Whether a market's own selections, each of another name, are named as its type wants."""
    return len(set(own)) == len(own) and all(is_name(name) and _is_named_as(kind, name) for name in own)


def _is_named_as(kind: MarketType, name: str) -> bool:
    match kind.names:
        case Names.FREE:
            return True
        case Names.SCORES:
            return name == ANY_OTHER or len(numbers_in(name)) == 2
        case Names.RUNNERS:
            runners = numbers_in(name)
            apart = len(set(runners)) == len(runners) == kind.picks and 0 not in runners
            return apart and (kind.ordered or list(runners) == sorted(runners))


def numbers_in(name: str) -> tuple[int, ...]:
    """The whole numbers of a name like `2-1` or `3-7-12`, or none where it is not written just so."""
    parts = name.split("-")
    plain = all(len(part) <= 3 and part.isascii() and part.isdecimal() and str(int(part)) == part for part in parts)
    return tuple(map(int, parts)) if plain else ()


def terms_fit(kind: MarketType, terms: MarketTerms) -> bool:
    """Whether a market of this type may have these terms: each-way, starting prices and best odds want an order of
    finish, delays and certainty are within their bounds, the rule set is one."""
    finishes = kind.rule is Rule.FINISH
    return (
        (terms.each_way is None or (finishes and "places" not in kind.specifiers and each_way_fits(terms.each_way)))
        and (finishes or not (terms.starting_prices or terms.best_odds or terms.rule_4))
        and 0 <= terms.certainty <= MAX_CERTAINTY
        and all(0 <= delay <= MAX_DELAY_US for delay in terms.moment_delays_us.values())
        and terms.rule_set in RULE_SETS
    )


def each_way_fits(terms: EachWay) -> bool:
    """1/1 to 1/100 of the odds, for 1 to 100 places."""
    return 0 < terms.numerator <= terms.denominator <= MAX_TERMS and 0 < terms.places <= MAX_TERMS


def has_rule_4(market: Market) -> bool:
    """Whether a withdrawal takes from the winnings of bets struck before it."""
    own = market.terms.rule_4
    return MARKET_TYPES[market.type].rule_4 if own is None else own


def certainty_of(market: Market) -> int:
    """How certain a result must be before this market is settled."""
    return market.terms.certainty or MARKET_TYPES[market.type].certainty


def winners(market: Market) -> int:
    """How many selections of a market win, as far as its type fixes that; 0 where any number may. In a dead heat they
    share what so many would win."""
    return winners_of(MARKET_TYPES[market.type], market.specifiers)


def winners_of(kind: MarketType, specifiers: dict[str, int]) -> int:
    """How many selections win in a market of a type.

    >>> [winners_of(MARKET_TYPES[name], {}) for name in ("1x2", "double_chance", "anytime_goalscorer")]
    [1, 2, 0]
    >>> winners_of(MARKET_TYPES["race_place"], {"places": 3})
    3
    """
    if kind.rule is Rule.SCORER:
        return 0
    if kind.wins:
        words = [word for own in kind.wins for word in own]
        return len(words) // len(dict.fromkeys(words))
    return specifiers.get("places", 1)


def void_rule(market: Market) -> VoidRule:
    """What becomes of a market whose match did not finish: its rule set's row for its type, or for every other type."""
    rule_set, rules = market.terms.rule_set, VOID_RULES
    default = rules.get((rule_set, ""), rules[HOUSE_RULES, ""])
    return rules.get((rule_set, market.type), default)


def prices_refusal(market: Market, prices: tuple[tuple[int, int], ...]) -> Refusal | None:
    """Whether these (selection_id, price_milli) may be set, each selection once; 0 takes a price away. No prices at
    all say that those that stand still hold."""
    if market.status in (MarketStatus.CLOSED, MarketStatus.RESULTED):
        return Refusal.MARKET_STATUS
    for selection_id, price_milli in prices:
        if selection_id not in market.selections:
            return Refusal.SELECTION_NOT_FOUND
        if price_milli and market.selections[selection_id].withdrawn_at_us:
            return Refusal.SELECTION_WITHDRAWN
        if price_milli and not is_price(price_milli):
            return Refusal.PRICE_INVALID
    return Refusal.PRICE_INVALID if len(dict(prices)) != len(prices) else None


def may(market: Market, action: MarketAction) -> bool:
    """Whether the market's life has this step."""
    return (market.status, action) in MARKET_LIFE


def is_available(market: Market, feed: Feed | None) -> bool:
    """Whether a market takes bets now: it is open, and its feed, if it has one, speaks and has spoken of it since it
    was last silent. So the silence of a feed with any number of markets is one fact and costs nothing."""
    if market.status is not OPEN:
        return False
    return feed is None or (not feed.silent and market.confirmed_at_us >= feed.back_at_us)


def takes_bet(market: Market, feed: Feed | None, *, asked_at_us: int, now_us: int) -> bool:
    """Whether a market takes a bet now that was asked for at an instant: it is available, its feed is not silent at
    this very instant, known yet or not, and was not in between."""
    if feed is None:
        return market.status is OPEN
    within = feed.back_at_us <= asked_at_us and now_us < feed.seen_at_us + FEED_SILENCE_US
    return within and is_available(market, feed)


def path(event: Event, competition: Competition) -> tuple[Place, ...]:
    """The levels that an event's markets lie in, the widest first."""
    return (
        (Level.PLATFORM, PLATFORM_ID),
        (Level.SPORT, competition.sport_id),
        (Level.COMPETITION, competition.id),
        (Level.EVENT, event.id),
    )


def is_silent(feed: Feed, *, now_us: int) -> bool:
    """Whether a feed has said nothing for too long and that is not yet known."""
    return not feed.silent and now_us >= feed.seen_at_us + FEED_SILENCE_US


def market_type(name: str) -> MarketType | None:
    return MARKET_TYPES.get(name)


def delay_us(market: Market, event: Event) -> int:
    """How long a bet on this market waits before it is decided, in play only: the market's delay, or the one that it
    has for the moment at which its event is."""
    if event.status is not IN_PLAY:
        return 0
    return market.terms.moment_delays_us.get(event.moment, market.delay_us)
