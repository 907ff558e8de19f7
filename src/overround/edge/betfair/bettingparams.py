"""What the betting API takes: filters, projections and instructions, as Betfair names them."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from overround.edge.betfair.values import Amount, Count, Moment, Name, Number, Params, Ref, StrictParams


class Side(StrEnum):
    BACK = "BACK"
    LAY = "LAY"


class OrderType(StrEnum):
    LIMIT = "LIMIT"
    LIMIT_ON_CLOSE = "LIMIT_ON_CLOSE"
    MARKET_ON_CLOSE = "MARKET_ON_CLOSE"


class PersistenceType(StrEnum):
    LAPSE = "LAPSE"
    PERSIST = "PERSIST"
    MARKET_ON_CLOSE = "MARKET_ON_CLOSE"


class TimeInForce(StrEnum):
    FILL_OR_KILL = "FILL_OR_KILL"


class BetTargetType(StrEnum):
    BACKERS_PROFIT = "BACKERS_PROFIT"
    PAYOUT = "PAYOUT"


class OrderProjection(StrEnum):
    ALL = "ALL"
    EXECUTABLE = "EXECUTABLE"
    EXECUTION_COMPLETE = "EXECUTION_COMPLETE"


class MatchProjection(StrEnum):
    NO_ROLLUP = "NO_ROLLUP"
    ROLLED_UP_BY_PRICE = "ROLLED_UP_BY_PRICE"
    ROLLED_UP_BY_AVG_PRICE = "ROLLED_UP_BY_AVG_PRICE"


class PriceData(StrEnum):
    SP_AVAILABLE = "SP_AVAILABLE"
    SP_TRADED = "SP_TRADED"
    EX_BEST_OFFERS = "EX_BEST_OFFERS"
    EX_ALL_OFFERS = "EX_ALL_OFFERS"
    EX_TRADED = "EX_TRADED"


class RollupModel(StrEnum):
    """MANAGED_LIABILITY is not supported, here as on Betfair: it is as if there were none."""

    STAKE = "STAKE"
    PAYOUT = "PAYOUT"
    MANAGED_LIABILITY = "MANAGED_LIABILITY"
    NONE = "NONE"


class MarketProjection(StrEnum):
    COMPETITION = "COMPETITION"
    EVENT = "EVENT"
    EVENT_TYPE = "EVENT_TYPE"
    MARKET_START_TIME = "MARKET_START_TIME"
    MARKET_DESCRIPTION = "MARKET_DESCRIPTION"
    RUNNER_DESCRIPTION = "RUNNER_DESCRIPTION"
    RUNNER_METADATA = "RUNNER_METADATA"


class MarketSort(StrEnum):
    MINIMUM_TRADED = "MINIMUM_TRADED"
    MAXIMUM_TRADED = "MAXIMUM_TRADED"
    MINIMUM_AVAILABLE = "MINIMUM_AVAILABLE"
    MAXIMUM_AVAILABLE = "MAXIMUM_AVAILABLE"
    FIRST_TO_START = "FIRST_TO_START"
    LAST_TO_START = "LAST_TO_START"


class Granularity(StrEnum):
    DAYS = "DAYS"
    HOURS = "HOURS"
    MINUTES = "MINUTES"


class OrderBy(StrEnum):
    BY_BET = "BY_BET"
    BY_MARKET = "BY_MARKET"
    BY_MATCH_TIME = "BY_MATCH_TIME"
    BY_PLACE_TIME = "BY_PLACE_TIME"
    BY_SETTLED_TIME = "BY_SETTLED_TIME"
    BY_VOID_TIME = "BY_VOID_TIME"


class SortDir(StrEnum):
    EARLIEST_TO_LATEST = "EARLIEST_TO_LATEST"
    LATEST_TO_EARLIEST = "LATEST_TO_EARLIEST"


class BetStatus(StrEnum):
    SETTLED = "SETTLED"
    VOIDED = "VOIDED"
    LAPSED = "LAPSED"
    CANCELLED = "CANCELLED"


class GroupBy(StrEnum):
    EVENT_TYPE = "EVENT_TYPE"
    EVENT = "EVENT"
    MARKET = "MARKET"
    RUNNER = "RUNNER"
    SIDE = "SIDE"
    BET = "BET"
    STRATEGY = "STRATEGY"


class TimeRange(msgspec.Struct, frozen=True, kw_only=True):
    """From and to, both inclusive."""

    from_: Moment | None = msgspec.field(name="from", default=None)
    to: Moment | None = None


class MarketFilter(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Which markets: those for which every member that is given fits."""

    text_query: Name | None = None
    exchange_ids: tuple[Name, ...] | None = None
    event_type_ids: tuple[Number, ...] | None = None
    event_ids: tuple[Number, ...] | None = None
    competition_ids: tuple[Number, ...] | None = None
    market_ids: tuple[Name, ...] | None = None
    venues: tuple[Name, ...] | None = None
    bsp_only: bool | None = None
    turn_in_play_enabled: bool | None = None
    in_play_only: bool | None = None
    market_betting_types: tuple[Name, ...] | None = None
    market_countries: tuple[Name, ...] | None = None
    market_type_codes: tuple[Name, ...] | None = None
    market_start_time: TimeRange | None = None
    with_orders: tuple[Name, ...] | None = None
    race_types: tuple[Name, ...] | None = None
    bet_delay_models: tuple[Name, ...] | None = None


class FilterParams(Params, frozen=True, kw_only=True):
    filter: MarketFilter
    locale: Name | None = None


class TimeRangesParams(FilterParams, frozen=True, kw_only=True):
    granularity: Granularity


class CatalogueParams(FilterParams, frozen=True, kw_only=True):
    max_results: Count
    market_projection: tuple[MarketProjection, ...] | None = None
    sort: MarketSort | None = None


class BestOffersOverrides(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The last two are of MANAGED_LIABILITY."""

    best_prices_depth: Count | None = None
    rollup_model: RollupModel | None = None
    rollup_limit: Count | None = None
    rollup_liability_threshold: Amount | None = None
    rollup_liability_factor: Count | None = None


class PriceProjection(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    price_data: tuple[PriceData, ...] | None = None
    ex_best_offers_overrides: BestOffersOverrides | None = None
    virtualise: bool | None = None
    rollover_stakes: bool | None = None


class BookParams(Params, frozen=True, kw_only=True):
    """What market books and runner books have in common."""

    price_projection: PriceProjection | None = None
    order_projection: OrderProjection | None = None
    match_projection: MatchProjection | None = None
    include_overall_position: bool | None = None
    partition_matched_by_strategy_ref: bool | None = None
    customer_strategy_refs: tuple[Ref, ...] | None = None
    currency_code: Name | None = None
    matched_since: Moment | None = None
    bet_ids: tuple[Number, ...] | None = None
    locale: Name | None = None


class MarketBookParams(BookParams, frozen=True, kw_only=True):
    market_ids: tuple[Name, ...]


class RunnerBookParams(BookParams, frozen=True, kw_only=True):
    market_id: Name
    selection_id: Number
    handicap: Amount | None = None


class ProfitParams(Params, frozen=True, kw_only=True):
    market_ids: tuple[Name, ...]
    include_settled_bets: bool | None = None
    include_bsp_bets: bool | None = None
    net_of_commission: bool | None = None


class CurrentOrdersParams(Params, frozen=True, kw_only=True):
    bet_ids: tuple[Number, ...] | None = None
    market_ids: tuple[Name, ...] | None = None
    order_projection: OrderProjection | None = None
    customer_order_refs: tuple[Ref, ...] | None = None
    customer_strategy_refs: tuple[Ref, ...] | None = None
    date_range: TimeRange | None = None
    order_by: OrderBy | None = None
    sort_dir: SortDir | None = None
    from_record: Count | None = None
    record_count: Count | None = None
    include_item_description: bool | None = None


class RunnerId(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    market_id: Name
    selection_id: Number
    handicap: Amount | None = None


class ClearedOrdersParams(Params, frozen=True, kw_only=True):
    bet_status: BetStatus
    event_type_ids: tuple[Number, ...] | None = None
    event_ids: tuple[Number, ...] | None = None
    market_ids: tuple[Name, ...] | None = None
    runner_ids: tuple[RunnerId, ...] | None = None
    bet_ids: tuple[Number, ...] | None = None
    customer_order_refs: tuple[Ref, ...] | None = None
    customer_strategy_refs: tuple[Ref, ...] | None = None
    side: Side | None = None
    settled_date_range: TimeRange | None = None
    group_by: GroupBy | None = None
    include_item_description: bool | None = None
    locale: Name | None = None
    from_record: Count | None = None
    record_count: Count | None = None


# Orders. What moves money refuses what it does not know.


class Strict(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True):
    """The base of instructions; they are echoed in reports, so what was not given is not written either."""


class LimitOrder(Strict, frozen=True, kw_only=True, omit_defaults=True):
    price: Amount
    size: Amount | None = None
    persistence_type: PersistenceType | None = None
    time_in_force: TimeInForce | None = None
    min_fill_size: Amount | None = None
    bet_target_type: BetTargetType | None = None
    bet_target_size: Amount | None = None


class LimitOnCloseOrder(Strict, frozen=True, kw_only=True):
    liability: Amount
    price: Amount


class MarketOnCloseOrder(Strict, frozen=True, kw_only=True):
    liability: Amount


class PlaceInstruction(Strict, frozen=True, kw_only=True, omit_defaults=True):
    order_type: OrderType
    selection_id: Number
    side: Side
    handicap: Amount | None = None
    limit_order: LimitOrder | None = None
    limit_on_close_order: LimitOnCloseOrder | None = None
    market_on_close_order: MarketOnCloseOrder | None = None
    customer_order_ref: Ref | None = None


class MarketVersion(Strict, frozen=True, kw_only=True):
    version: Number | None = None


class CancelInstruction(Strict, frozen=True, kw_only=True):
    bet_id: Number
    size_reduction: Amount | None = None


class UpdateInstruction(Strict, frozen=True, kw_only=True):
    bet_id: Number
    new_persistence_type: PersistenceType


class ReplaceInstruction(Strict, frozen=True, kw_only=True):
    bet_id: Number
    new_price: Amount


CustomerRef = Annotated[str, Meta(max_length=200)]


class PlaceParams(StrictParams, frozen=True, kw_only=True):
    market_id: Name
    instructions: tuple[PlaceInstruction, ...]
    customer_ref: CustomerRef | None = None
    market_version: MarketVersion | None = None
    customer_strategy_ref: Ref | None = None
    async_: bool | None = msgspec.field(name="async", default=None)
    locale: Name | None = None


class CancelParams(StrictParams, frozen=True, kw_only=True):
    market_id: Name | None = None
    instructions: tuple[CancelInstruction, ...] | None = None
    customer_ref: CustomerRef | None = None
    locale: Name | None = None


class UpdateParams(StrictParams, frozen=True, kw_only=True):
    market_id: Name
    instructions: tuple[UpdateInstruction, ...]
    customer_ref: CustomerRef | None = None
    locale: Name | None = None


class ReplaceParams(StrictParams, frozen=True, kw_only=True):
    market_id: Name
    instructions: tuple[ReplaceInstruction, ...]
    customer_ref: CustomerRef | None = None
    market_version: MarketVersion | None = None
    async_: bool | None = msgspec.field(name="async", default=None)
    locale: Name | None = None
