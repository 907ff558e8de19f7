"""What clients say on the stream: one JSON object a line, with an `op`."""

from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from overround.edge.betfair.values import Name, Number, Ref

StreamId = int | str | None
"""A client's own number for a request, echoed as it came."""

MAX_MARKETS: Final = 200
MAX_LADDER_LEVELS: Final = 10
DEFAULT_LADDER_LEVELS: Final = 3
MAX_CONFLATE_MS: Final = 120_000
LEAST_HEARTBEAT_MS: Final = 500
MOST_HEARTBEAT_MS: Final = 5_000


class StreamCode(StrEnum):
    """Every errorCode of a status message. All but the last two end the connection."""

    INVALID_INPUT = "INVALID_INPUT"
    TIMEOUT = "TIMEOUT"
    NO_APP_KEY = "NO_APP_KEY"
    INVALID_APP_KEY = "INVALID_APP_KEY"
    NO_SESSION = "NO_SESSION"
    INVALID_SESSION_INFORMATION = "INVALID_SESSION_INFORMATION"
    NOT_AUTHORIZED = "NOT_AUTHORIZED"
    MAX_CONNECTION_LIMIT_EXCEEDED = "MAX_CONNECTION_LIMIT_EXCEEDED"
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    INVALID_CLOCK = "INVALID_CLOCK"
    UNEXPECTED_ERROR = "UNEXPECTED_ERROR"
    CONNECTION_FAILED = "CONNECTION_FAILED"
    INVALID_REQUEST = "INVALID_REQUEST"
    SUBSCRIPTION_LIMIT_EXCEEDED = "SUBSCRIPTION_LIMIT_EXCEEDED"


class Field(StrEnum):
    """What a market subscription may ask to see."""

    EX_BEST_OFFERS_DISP = "EX_BEST_OFFERS_DISP"
    EX_BEST_OFFERS = "EX_BEST_OFFERS"
    EX_ALL_OFFERS = "EX_ALL_OFFERS"
    EX_TRADED = "EX_TRADED"
    EX_TRADED_VOL = "EX_TRADED_VOL"
    EX_LTP = "EX_LTP"
    EX_MARKET_DEF = "EX_MARKET_DEF"
    SP_TRADED = "SP_TRADED"
    SP_PROJECTED = "SP_PROJECTED"


class Incoming(msgspec.Struct, frozen=True, kw_only=True, tag_field="op", rename="camel"):
    """The base of what clients send. A member that is not known is left alone; null is as if it were absent."""

    id: StreamId = None


class Authentication(Incoming, frozen=True, kw_only=True, rename="camel", tag="authentication"):
    app_key: Ref | None = None
    session: Ref | None = None


class Heartbeat(Incoming, frozen=True, kw_only=True, rename="camel", tag="heartbeat"):
    """Answered with a status, and nothing else."""


class MarketFilter(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Which markets: those for which every member that is given fits."""

    market_ids: tuple[Name, ...] | None = None
    bsp_market: bool | None = None
    betting_types: tuple[Name, ...] | None = None
    event_type_ids: tuple[Number, ...] | None = None
    event_ids: tuple[Number, ...] | None = None
    turn_in_play_enabled: bool | None = None
    market_types: tuple[Name, ...] | None = None
    venues: tuple[Name, ...] | None = None
    country_codes: tuple[Name, ...] | None = None
    race_types: tuple[Name, ...] | None = None
    bet_delay_models: tuple[Name, ...] | None = None


class MarketDataFilter(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What to see of them; without fields, everything."""

    fields: tuple[Field, ...] | None = None
    ladder_levels: int | None = None


class OrderFilter(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    include_overall_position: bool | None = None
    customer_strategy_refs: Annotated[tuple[Ref, ...], Meta(max_length=MAX_MARKETS)] | None = None
    partition_matched_by_strategy_ref: bool | None = None
    account_ids: tuple[int, ...] | None = None


class Subscription(Incoming, frozen=True, kw_only=True, rename="camel"):
    """What both subscriptions have. Bounds are kept, not refused: what holds is told with the image."""

    initial_clk: Ref | None = None
    clk: Ref | None = None
    conflate_ms: int | None = None
    heartbeat_ms: int | None = None
    segmentation_enabled: bool | None = None

    @property
    def conflation_ms(self) -> int:
        return min(max(self.conflate_ms or 0, 0), MAX_CONFLATE_MS)

    @property
    def beat_ms(self) -> int:
        return min(max(self.heartbeat_ms or MOST_HEARTBEAT_MS, LEAST_HEARTBEAT_MS), MOST_HEARTBEAT_MS)


class MarketSubscription(Subscription, frozen=True, kw_only=True, rename="camel", tag="marketSubscription"):
    market_filter: MarketFilter | None = None
    market_data_filter: MarketDataFilter | None = None


class OrderSubscription(Subscription, frozen=True, kw_only=True, rename="camel", tag="orderSubscription"):
    order_filter: OrderFilter | None = None


Asked = Authentication | Heartbeat | MarketSubscription | OrderSubscription

decode = msgspec.json.Decoder(Asked, strict=False).decode


class Frame(msgspec.Struct, frozen=True, rename="camel"):
    """As much of a line as says what it is, where it cannot be read whole."""

    op: str = ""
    id: StreamId = None


frame = msgspec.json.Decoder(Frame).decode
