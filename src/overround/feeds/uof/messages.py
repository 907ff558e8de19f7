"""What a provider of the Unified Odds Feed shape says, typed and frozen. Times are milliseconds since the
epoch, as sent.

Numbers with decimals that are not prices (void and dead-heat factors) stay the text that was sent; `acting` reads them
as exact fractions.
"""

from enum import IntEnum
from typing import Final

import msgspec

Specifiers = tuple[tuple[str, str], ...]
"""Names with their values, ascending by name: the same market is the same tuple however it was written."""

MANY: Final = 20_000
"""The most of anything in one message."""


class MarketStatus(IntEnum):
    """How the provider marks a market in an odds change."""

    CANCELLED = -4
    SETTLED = -3
    HANDED_OVER = -2
    SUSPENDED = -1
    INACTIVE = 0
    ACTIVE = 1


class EventStatus(IntEnum):
    """Where an event stands; statuses unknown to us are left out of a message."""

    NOT_STARTED = 0
    LIVE = 1
    SUSPENDED = 2
    ENDED = 3
    CLOSED = 4
    CANCELLED = 5
    DELAYED = 6
    INTERRUPTED = 7
    POSTPONED = 8
    ABANDONED = 9


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """The base: who speaks (`product` is a producer's number, 0 where none is named), and when it was generated."""

    product: int = 0
    timestamp_ms: int = 0


class Alive(Message, frozen=True, kw_only=True):
    """Every ten seconds or so. `subscribed` is False where the provider lost track of us: recover."""

    subscribed: bool


class SnapshotComplete(Message, frozen=True, kw_only=True):
    """The recovery of that number is over."""

    request_id: int


class ProductDown(Message, frozen=True, kw_only=True):
    """A producer says that it is down."""


class ProductUp(Message, frozen=True, kw_only=True):
    """A producer says that it is back."""


class EventMessage(Message, frozen=True, kw_only=True):
    """About one event, by its URN. `request_id` is that of the recovery that it belongs to, 0 for none."""

    event: str
    request_id: int = 0


class MarketName(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A market of an event: a type's number and what completes it."""

    id: int
    specifiers: Specifiers = ()


class OutcomeOdds(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`price_milli` is 0 without odds that can be offered. Inactive outcomes take no bets."""

    id: str
    price_milli: int = 0
    active: bool = True


class MarketOdds(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    market: MarketName
    status: MarketStatus = MarketStatus.ACTIVE
    outcomes: tuple[OutcomeOdds, ...] = ()


class OddsChange(EventMessage, frozen=True, kw_only=True):
    """Prices and states of some of an event's markets; those left out are as they were."""

    status: EventStatus | None = None
    home_score: str = ""
    away_score: str = ""
    markets: tuple[MarketOdds, ...] = ()


class BetStop(EventMessage, frozen=True, kw_only=True):
    """Every market of these groups (`all`: every market of the event) has this status at once."""

    groups: tuple[str, ...]
    market_status: MarketStatus = MarketStatus.SUSPENDED


class OutcomeResult(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`result` is 1 won, 0 lost, −1 not known. Factors are decimal text, "" where none was sent."""

    id: str
    result: int
    void_factor: str = ""
    dead_heat_factor: str = ""


class MarketResult(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    market: MarketName
    outcomes: tuple[OutcomeResult, ...]
    void_reason: int | None = None


class BetSettlement(EventMessage, frozen=True, kw_only=True):
    """Results. `certainty` 1: as scouts saw it; 2: confirmed."""

    certainty: int
    markets: tuple[MarketResult, ...]


class RollbackBetSettlement(EventMessage, frozen=True, kw_only=True):
    """The results of these markets were wrong and are taken back."""

    markets: tuple[MarketName, ...]


class BetCancel(EventMessage, frozen=True, kw_only=True):
    """Bets struck from `start_ms` to `end_ms` (0: open) are void. `superseded_by` names the event that takes over."""

    markets: tuple[MarketName, ...]
    start_ms: int = 0
    end_ms: int = 0
    superseded_by: str = ""
    void_reason: int | None = None


class RollbackBetCancel(EventMessage, frozen=True, kw_only=True):
    """A cancellation is taken back, by the same window."""

    markets: tuple[MarketName, ...]
    start_ms: int = 0
    end_ms: int = 0


class FixtureChange(EventMessage, frozen=True, kw_only=True):
    """The fixture is to be read anew."""

    change_type: int = 0
    start_ms: int = 0


class Fixture(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider's API says of an event. Names are "" where it says nothing."""

    event: str
    starts_at_us: int
    status: str = ""
    sport: str = ""
    category: str = ""
    tournament: str = ""
    home: str = ""
    away: str = ""

    @property
    def name(self) -> str:
        """As the house shows it."""
        return " – ".join(filter(None, (self.home, self.away))) or self.event


class OutcomeDescription(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    id: str
    name: str


class MarketDescription(msgspec.Struct, frozen=True, kw_only=True):
    """A market type's name, and the groups by which a bet stop may name it."""

    id: int
    name: str
    variant: str = ""
    groups: tuple[str, ...] = ()
    outcomes: tuple[OutcomeDescription, ...] = ()
    specifiers: tuple[str, ...] = ()


class MarketDescriptions(msgspec.Struct, frozen=True, kw_only=True):
    markets: tuple[MarketDescription, ...]


class PlayerProfile(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str


FeedMessage = (
    Alive
    | SnapshotComplete
    | ProductDown
    | ProductUp
    | OddsChange
    | BetStop
    | BetSettlement
    | RollbackBetSettlement
    | BetCancel
    | RollbackBetCancel
    | FixtureChange
)
Document = Fixture | MarketDescriptions | PlayerProfile
