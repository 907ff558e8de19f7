"""Orders and the books in which they rest: per runner and side, levels by price, each a queue in order of arrival."""

from bisect import insort
from collections import deque
from enum import StrEnum
from typing import Final

import msgspec

from overround.book.exposure import Side
from overround.kernel.instant import HOUR_US

# Members found once: Python 3.11 takes longer to look one up in its enum than to compare it.
BACK: Final = Side.BACK
LAY: Final = Side.LAY

FORGET_AFTER_US: Final = HOUR_US
"""How long an order that came to nothing is remembered: most of what a market maker places."""

SWEEP_EVERY_US: Final = 10_000_000


class OrderType(StrEnum):
    LIMIT = "limit"
    LIMIT_ON_CLOSE = "limit_on_close"
    MARKET_ON_CLOSE = "market_on_close"


class Persistence(StrEnum):
    """What becomes of the unmatched part when the market turns in play."""

    LAPSE = "lapse"
    PERSIST = "persist"
    MARKET_ON_CLOSE = "market_on_close"


class TimeInForce(StrEnum):
    REST = "rest"
    FILL_OR_KILL = "fill_or_kill"


class Target(StrEnum):
    """What an order's size means: itself, the backer's profit, or the whole payout, at the prices it gets."""

    SIZE = "size"
    BACKERS_PROFIT = "backers_profit"
    PAYOUT = "payout"


class OrderStatus(StrEnum):
    PENDING = "pending"
    EXECUTABLE = "executable"
    COMPLETE = "execution_complete"
    EXPIRED = "expired"


class Lapse(StrEnum):
    """Why an order lapsed before it came to the book, where the dialect's stream has a code for it (this one in upper
    case). All that lapses for another reason, the off or its being killed, has none."""

    NONE = ""
    MARKET_UNKNOWN = "mkt_unknown"
    MARKET_INVALID = "mkt_invalid"
    RUNNER_UNKNOWN = "rnr_unknown"
    MARKET_SUSPENDED = "mkt_suspended"
    MARKET_VERSION = "mkt_version"


class Order(msgspec.Struct, array_like=True, gc=False):
    """One order. Its sizes are minor units of the market's currency, and add up: `size_minor` = matched + remaining +
    lapsed + cancelled + voided. `matched_value` is the sum of size × price_milli over its matches.

    An order for the starting price has `liability_minor` (a backer's stake, what a layer may lose) and a size only
    once that price is known. `target_minor` is what is still wanted while it waits for its delay (`decide_at_us`).
    `rank` is its place in time among all that came to rest. `ref` and `strategy` are the customer's own words.
    `market_version`, where not 0, is the last version of the market that an order that waits may meet.
    """

    id: int
    customer_id: int
    market_id: int
    runner: int
    side: Side
    type: OrderType
    price_milli: int
    size_minor: int
    placed_at_us: int
    persistence: Persistence = Persistence.LAPSE
    ref: str = ""
    strategy: str = ""
    status: OrderStatus = OrderStatus.EXECUTABLE
    remaining_minor: int = 0
    matched_minor: int = 0
    matched_value: int = 0
    lapsed_minor: int = 0
    cancelled_minor: int = 0
    voided_minor: int = 0
    liability_minor: int = 0
    rank: int = 0
    time_in_force: TimeInForce = TimeInForce.REST
    min_fill_minor: int = 0
    target: Target = Target.SIZE
    target_minor: int = 0
    decide_at_us: int = 0
    matched_at_us: int = 0
    lapsed_at_us: int = 0
    cancelled_at_us: int = 0
    profit_minor: int = 0
    market_version: int = 0
    lapse: Lapse = Lapse.NONE


class Placed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An order as it was placed, before its trades. `size_minor` is 0 for the starting price, where `liability_minor`
    counts. With a target, the size is what its target came to at the prices it got and, for the rest, at its own."""

    id: int
    runner: int
    side: Side
    price_milli: int
    size_minor: int
    persistence: Persistence = Persistence.LAPSE
    ref: str = ""
    strategy: str = ""
    type: OrderType = OrderType.LIMIT
    liability_minor: int = 0
    time_in_force: TimeInForce = TimeInForce.REST
    min_fill_minor: int = 0
    target: Target = Target.SIZE
    target_minor: int = 0


class Trade(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A match. `back` and `lay` are orders; 0 is the house, between the legs of one cross match, which share `group`
    (the id of its first trade; 0 for a direct match, −1 for one at the starting price). Ids are dense from 1 over all
    markets."""

    id: int
    runner: int
    price_milli: int
    size_minor: int
    back: int
    lay: int
    group: int = 0


class Level:
    """The orders that rest at one price, in order of arrival; `gone` counts those in the queue with nothing left."""

    __slots__ = ("gone", "orders", "price_milli", "size_minor")

    def __init__(self, price_milli: int) -> None:
        self.price_milli = price_milli
        self.size_minor = 0
        self.orders: deque[Order] = deque()
        self.gone = 0


class Half:
    """One side of a runner's book. `keys` rises towards the best price for whoever comes: a layer wants to pay the
    highest to nobody, so resting lays are best at the highest price, resting backs at the lowest (their keys are below
    zero)."""

    __slots__ = ("keys", "levels", "side", "sign")

    def __init__(self, side: Side) -> None:
        self.side = side
        self.sign = 1 if side is LAY else -1
        self.keys: list[int] = []
        self.levels: dict[int, Level] = {}

    def rest(self, order: Order) -> None:
        """An order joins the end of its price's queue with what remains of it."""
        price = order.price_milli
        level = self.levels.get(price)
        if level is None:
            level = self.levels[price] = Level(price)
            insort(self.keys, price * self.sign)
        level.orders.append(order)
        level.size_minor += order.remaining_minor

    def reduce(self, order: Order, size_minor: int) -> None:
        """A resting order becomes smaller, or leaves. Its `remaining_minor` must already say so."""
        level = self.levels[order.price_milli]
        level.size_minor -= size_minor
        if not level.size_minor:
            del self.levels[order.price_milli]
            key = order.price_milli * self.sign
            if self.keys[-1] == key:
                self.keys.pop()
            else:
                self.keys.remove(key)
        elif not order.remaining_minor:
            level.gone += 1
            _tidy(level)


def _tidy(level: Level) -> None:
    """Drop what is gone from the front at once, and from the middle when it is more than half."""
    orders = level.orders
    while level.gone and not orders[0].remaining_minor:
        orders.popleft()
        level.gone -= 1
    if level.gone * 2 > len(orders):
        level.orders = deque(order for order in orders if order.remaining_minor)
        level.gone = 0


class RunnerBook:
    """Both sides of one runner, what was traded at each price (backers' stakes), and the last price."""

    __slots__ = ("backs", "last_milli", "lays", "traded")

    def __init__(self) -> None:
        self.backs = Half(BACK)
        self.lays = Half(LAY)
        self.traded: dict[int, int] = {}
        self.last_milli = 0

    def half(self, side: Side) -> Half:
        """Where orders of this side rest."""
        return self.backs if side is BACK else self.lays

    def against(self, side: Side) -> Half:
        """Where an order of this side finds its matches."""
        return self.lays if side is BACK else self.backs
