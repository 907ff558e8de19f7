"""What is on offer: sports, competitions, events, markets, selections; market types as data; lives as tables."""

from enum import StrEnum
from typing import Final

import msgspec

MAX_SPORTS: Final = 1_000
MAX_COMPETITIONS: Final = 100_000
MAX_EVENTS: Final = 10_000_000
MAX_FEEDS: Final = 100
"""Few, as every step of the machine's own looks at each of them."""

MAX_SELECTIONS: Final = 20_000
MAX_MARKETS_PER_EVENT: Final = 2_000
MAX_NAME_LENGTH: Final = 200
MAX_DELAY_US: Final = 12_000_000
"""The longest in-play delay a market may ask for: 12 seconds, the longest in use on the exchanges."""


class EventStatus(StrEnum):
    SCHEDULED = "scheduled"
    IN_PLAY = "in_play"
    ENDED = "ended"


class EventAction(StrEnum):
    START = "start"
    END = "end"


EVENT_LIFE: Final = {
    (EventStatus.SCHEDULED, EventAction.START): EventStatus.IN_PLAY,
    (EventStatus.SCHEDULED, EventAction.END): EventStatus.ENDED,
    (EventStatus.IN_PLAY, EventAction.END): EventStatus.ENDED,
}
"""An event's life. What is not in the table is refused."""


class MarketStatus(StrEnum):
    SUSPENDED = "suspended"
    OPEN = "open"
    CLOSED = "closed"
    RESULTED = "resulted"


class MarketAction(StrEnum):
    RESUME = "resume"
    SUSPEND = "suspend"
    CLOSE = "close"
    RESULT = "result"


MARKET_LIFE: Final = {
    (MarketStatus.SUSPENDED, MarketAction.RESUME): MarketStatus.OPEN,
    (MarketStatus.OPEN, MarketAction.RESUME): MarketStatus.OPEN,
    (MarketStatus.OPEN, MarketAction.SUSPEND): MarketStatus.SUSPENDED,
    (MarketStatus.SUSPENDED, MarketAction.SUSPEND): MarketStatus.SUSPENDED,
    (MarketStatus.OPEN, MarketAction.CLOSE): MarketStatus.CLOSED,
    (MarketStatus.SUSPENDED, MarketAction.CLOSE): MarketStatus.CLOSED,
    (MarketStatus.OPEN, MarketAction.RESULT): MarketStatus.RESULTED,
    (MarketStatus.SUSPENDED, MarketAction.RESULT): MarketStatus.RESULTED,
    (MarketStatus.CLOSED, MarketAction.RESULT): MarketStatus.RESULTED,
    (MarketStatus.RESULTED, MarketAction.RESULT): MarketStatus.RESULTED,
}
"""A market's life. It is born suspended; a result may be corrected for ever; there is no way back to open."""


class Rule(StrEnum):
    """How a market type turns a result into outcomes. The arithmetic is in `settlement`."""

    MATCH_RESULT = "match_result"
    TOTAL = "total"
    HANDICAP = "handicap"
    WINNER = "winner"


class MarketType(msgspec.Struct, frozen=True, kw_only=True):
    """A type is data. `outcomes` names the selections, in order, with ids from 1; empty means that each market brings
    its own. `specifiers` are whole numbers that the rule reads; a line is in quarters of a goal (2.5 is 10)."""

    name: str
    title: str
    rule: Rule
    outcomes: tuple[str, ...] = ()
    specifiers: tuple[str, ...] = ()


MARKET_TYPES: Final = {
    kind.name: kind
    for kind in (
        MarketType(name="1x2", title="Match result", rule=Rule.MATCH_RESULT, outcomes=("home", "draw", "away")),
        MarketType(
            name="total",
            title="Over/under",
            rule=Rule.TOTAL,
            outcomes=("over", "under"),
            specifiers=("line_quarters",),
        ),
        MarketType(
            name="asian_handicap",
            title="Asian handicap",
            rule=Rule.HANDICAP,
            outcomes=("home", "away"),
            specifiers=("line_quarters",),
        ),
        MarketType(name="winner", title="Winner", rule=Rule.WINNER),
    )
}


class EachWay(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Terms fixed at acceptance: the place part wins `numerator/denominator` of the odds for the first `places`.

    Terms of 1/1 for one place are “win only”: the place part is a second win part.
    """

    numerator: int
    denominator: int
    places: int


class Sport(msgspec.Struct, array_like=True, gc=False):
    id: int
    name: str


class Competition(msgspec.Struct, array_like=True, gc=False):
    id: int
    sport_id: int
    name: str


class Event(msgspec.Struct, array_like=True):
    id: int
    competition_id: int
    name: str
    starts_at_us: int
    status: EventStatus = EventStatus.SCHEDULED
    markets: list[int] = []


class Selection(msgspec.Struct, array_like=True, gc=False):
    """`price_milli` is 0 while there is no price."""

    id: int
    name: str
    price_milli: int = 0


class Market(msgspec.Struct, array_like=True):
    """`version` rises with every change but a price's; a bet may ask for the version that its customer saw.

    `feed` names who keeps the market ("" is an operator by hand). `confirmed_at_us` is when it was last priced or
    resumed. `liability_minor` of 0 means the house's default.
    """

    id: int
    event_id: int
    type: str
    specifiers: dict[str, int]
    selections: dict[int, Selection]
    feed: str
    in_play: bool
    delay_us: int
    liability_minor: int
    status: MarketStatus = MarketStatus.SUSPENDED
    reason: str = "new"
    version: int = 1
    confirmed_at_us: int = 0
    revision: int = 0


class Feed(msgspec.Struct, array_like=True, gc=False):
    """A source of prices. Silent for `FEED_SILENCE_US`, its markets are suspended until it speaks of each."""

    name: str
    seen_at_us: int
    silent: bool = False
    back_at_us: int = 0


FEED_SILENCE_US: Final = 20_000_000
"""How long a feed may say nothing: 20 seconds, usual for the Unified Odds Feed's `alive`."""
