"""What the catalogue tells the rest of the house."""

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


class MarketCreated(Fact, frozen=True, kw_only=True, tag="market_created"):
    """Born suspended. `selections` are names, with ids from 1; `prices_milli` stands beside them, 0 for none."""

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
    """Terms of a market changed: its in-play delay or its liability limit."""

    market_id: int
    delay_us: int
    liability_minor: int


class FeedSeen(Fact, frozen=True, kw_only=True, tag="feed_seen"):
    """A feed said that it is alive."""

    feed: str


class FeedSilenced(Fact, frozen=True, kw_only=True, tag="feed_silenced"):
    """A feed said nothing for too long: all its markets are suspended at once, by this one fact."""

    feed: str
