"""Matching owns orders and the books in which they rest, and says who matches whom.

Invariants: best price first, then first come; the price is that of the order that was there; a virtual price is used
only where it is better than the direct one; in a cross match the house pays no more than it takes, whoever wins.
"""

from overround.book.matching.rules import Fill, Want, match, match_across, meets, resting, virtual_milli
from overround.book.matching.state import (
    MarketBook,
    OrdersState,
    Wait,
    activate,
    cut,
    forget,
    index,
    join,
    place,
    remove,
    rest_of,
    start,
    trade,
    wait,
    waits_over,
)
from overround.book.matching.types import (
    Half,
    Level,
    Order,
    OrderStatus,
    OrderType,
    Persistence,
    Placed,
    RunnerBook,
    Target,
    TimeInForce,
    Trade,
)

__all__ = [
    "Fill",
    "Half",
    "Level",
    "MarketBook",
    "Order",
    "OrderStatus",
    "OrderType",
    "OrdersState",
    "Persistence",
    "Placed",
    "RunnerBook",
    "Target",
    "TimeInForce",
    "Trade",
    "Wait",
    "Want",
    "activate",
    "cut",
    "forget",
    "index",
    "join",
    "match",
    "match_across",
    "meets",
    "place",
    "remove",
    "rest_of",
    "resting",
    "start",
    "trade",
    "virtual_milli",
    "wait",
    "waits_over",
]
