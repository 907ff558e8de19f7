"""Rows of the exchange's tables, as a batch of facts changes them."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

import msgspec

from overround.book.exposure import Side
from overround.book.matching import Lapse, OrderStatus, OrderType, Persistence, Target, TimeInForce
from overround.projections import tables


class LapseReason(StrEnum):
    """Why what was unmatched of an order lapsed."""

    FILL_OR_KILL = "fill_or_kill"
    VERSION = "version"
    DELAY = "delay"
    SUSPENSION = "suspension"
    IN_PLAY = "in_play"
    STARTING_PRICE = "starting_price"
    REMOVAL = "removal"
    RESULT = "result"


class ExchangeOrder(msgspec.Struct, gc=False):
    """A row of `exchange_order`, in the order of its columns."""

    id: int
    customer_id: int
    market_id: int
    runner: int
    side: Side
    type: OrderType
    price_milli: int
    size_minor: int
    liability_minor: int
    persistence: Persistence
    time_in_force: TimeInForce
    min_fill_minor: int
    target: Target
    target_minor: int
    ref: str
    strategy: str
    status: OrderStatus
    remaining_minor: int
    matched_minor: int
    matched_value: int
    lapsed_minor: int
    cancelled_minor: int
    voided_minor: int
    profit_minor: int
    placed_at_us: int
    decide_at_us: int
    matched_at_us: int
    lapsed_at_us: int
    cancelled_at_us: int
    voided_at_us: int
    settled_at_us: int
    lapse_reason: LapseReason | None
    lapse: Lapse
    market_version: int
    seq: int


class ExchangeTrade(msgspec.Struct, gc=False):
    """A row of `exchange_trade`, in the order of its columns."""

    id: int
    market_id: int
    runner: int
    price_milli: int
    size_minor: int
    back: int
    lay: int
    back_customer_id: int
    lay_customer_id: int
    group_id: int
    voided: bool
    at_us: int
    seq: int


Place = tuple[int, int]
"""Whose position: market and customer."""

Settled = tuple[int, int, bool, int, int]
"""What a settlement made of a position: net, commission, whether the market is void, the revision, and when."""

SETTLED: Final = slice(tables.EXCHANGE_POSITION.columns.index("net_minor"), -1)
"""Where in a row of `exchange_position` that stands."""

SIDES: Final = {each.value: each for each in Side}
TYPES: Final = {each.value: each for each in OrderType}
PERSISTENCES: Final = {each.value: each for each in Persistence}
TIMES: Final = {each.value: each for each in TimeInForce}
TARGETS: Final = {each.value: each for each in Target}
STATUSES: Final = {each.value: each for each in OrderStatus}
LAPSES: Final = {each.value: each for each in Lapse}


def order_row(values: Iterable[Any]) -> ExchangeOrder:
    """A row as the table has it, in the order of its columns. Gateways read very many."""
    row = ExchangeOrder(*values)
    row.side, row.type, row.status = SIDES[row.side], TYPES[row.type], STATUSES[row.status]
    row.persistence, row.time_in_force = PERSISTENCES[row.persistence], TIMES[row.time_in_force]
    row.target, row.lapse = TARGETS[row.target], LAPSES[row.lapse]
    return row


class ExchangeChanges(msgspec.Struct):
    """What a batch does to the exchange's tables.

    `orders`, `trades` and `positions` are new rows; `changed` and `retraded` rows that were there before. `profits` are
    (profit, when) of orders that nothing else touched; `settled` is of positions that were there before; `touched` and
    `stamps` have the last fact that changed an order of a customer's on a market, and on a market. `rates` and
    `discounts` are rows by their keys. `markets` are those changed, `runners` those whose runners did.
    """

    orders: dict[int, ExchangeOrder] = {}
    changed: dict[int, ExchangeOrder] = {}
    profits: dict[int, tuple[int, int]] = {}
    trades: dict[int, ExchangeTrade] = {}
    retraded: dict[int, ExchangeTrade] = {}
    positions: dict[Place, list[Any]] = {}
    settled: dict[Place, Settled] = {}
    touched: dict[Place, int] = {}
    stamps: dict[int, int] = {}
    rates: dict[str, tuple[str, int, int]] = {}
    discounts: dict[int, tuple[int, int]] = {}
    markets: set[int] = set()
    runners: set[int] = set()
