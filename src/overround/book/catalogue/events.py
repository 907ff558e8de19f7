"""What the catalogue tells the rest of the house."""

from overround.book.catalogue.types import MarketTerms, Moment
from overround.kernel.fact import Fact


class SportCreated(Fact, frozen=True, kw_only=True, tag="sport_created"):
    sport_id: int
    name: str


class CompetitionCreated(Fact, frozen=True, kw_only=True, tag="competition_created"):
    competition_id: int
    sport_id: int
    name: str


class EventCreated(Fact, frozen=True, kw_only=True, tag="event_created"):
    event_id: int
    competition_id: int
    name: str
    starts_at_us: int


class EventRescheduled(Fact, frozen=True, kw_only=True, tag="event_rescheduled"):
    event_id: int
    starts_at_us: int


class EventStarted(Fact, frozen=True, kw_only=True, tag="event_started"):
    """The off. Markets that are not offered in play close; the others are suspended until resumed."""

    event_id: int


class EventEnded(Fact, frozen=True, kw_only=True, tag="event_ended"):
    """Full time. Every market of the event that is still open closes."""

    event_id: int


class MomentSet(Fact, frozen=True, kw_only=True, tag="moment_set"):
    """What an event is at, for the in-play delays of its markets."""

    event_id: int
    moment: Moment


class MarketCreated(Fact, frozen=True, kw_only=True, tag="market_created"):
    """Born suspended. `selections` are names, with ids from 1; `prices_milli` stands beside them, 0 for none. No
    `terms` are those that every market has."""

    market_id: int
    event_id: int
    type: str
    specifiers: dict[str, int]
    selections: tuple[str, ...]
    prices_milli: tuple[int, ...]
    feed: str
    in_play: bool
    delay_us: int
    liability_minor: int
    terms: MarketTerms | None = None


class SelectionsAdded(Fact, frozen=True, kw_only=True, tag="selections_added"):
    """More selections of a market, with ids from `first_id` on."""

    market_id: int
    first_id: int
    selections: tuple[str, ...]
    prices_milli: tuple[int, ...]


class SelectionWithdrawn(Fact, frozen=True, kw_only=True, tag="selection_withdrawn"):
    """A selection takes no part: it has no price any more, and the market is suspended until its prices are right
    again. `price_milli` is what it was worth, 0 where nothing is deducted for it."""

    market_id: int
    selection_id: int
    price_milli: int
    from_start: bool = False


class PricesSet(Fact, frozen=True, kw_only=True, tag="prices_set"):
    """New prices of some selections, as (selection_id, price_milli); 0 takes a price away."""

    market_id: int
    prices: tuple[tuple[int, int], ...]


class MarketSuspended(Fact, frozen=True, kw_only=True, tag="market_suspended"):
    market_id: int
    reason: str


class MarketResumed(Fact, frozen=True, kw_only=True, tag="market_resumed"):
    market_id: int


class MarketClosed(Fact, frozen=True, kw_only=True, tag="market_closed"):
    market_id: int


class MarketChanged(Fact, frozen=True, kw_only=True, tag="market_changed"):
    """Terms of a market changed: its in-play delay, its liability limit, or all others; no `terms` leave those."""

    market_id: int
    delay_us: int
    liability_minor: int
    terms: MarketTerms | None = None
    before_delay_us: int = 0
    before_liability_minor: int = 0


class MarketHandedOver(Fact, frozen=True, kw_only=True, tag="market_handed_over"):
    """Another feed keeps the market from now on."""

    market_id: int
    feed: str


class FeedSeen(Fact, frozen=True, kw_only=True, tag="feed_seen"):
    """A feed said that it is alive."""

    feed: str


class FeedSilenced(Fact, frozen=True, kw_only=True, tag="feed_silenced"):
    """A feed said nothing for too long, or is known to be down: all its markets are suspended, by this one fact."""

    feed: str
