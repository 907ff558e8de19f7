"""What an exchange market is, its life as a table, and the terms on which it trades."""

from enum import StrEnum
from typing import Final

import msgspec

from overround.book.exposure import Game, Position, Shape
from overround.book.matching import Trade
from overround.kernel.ladder import Ladder

MAX_EXCHANGE_MARKETS: Final = 1_000_000
MAX_RUNNERS: Final = 200
MAX_CROSSING_RUNNERS: Final = 60
"""A market with more runners than this is not cross matched: each order would have to look at all of them."""

MAX_LINES: Final = 2_000
MAX_HANDICAP_QUARTERS: Final = 400
MAX_INSTRUCTIONS: Final = 200
MAX_QUOTE_ENTRIES: Final = 1_000
"""Instructions to place in one request (Betfair's limit); `MAX_CHANGES` for those to cancel, replace or update."""

MAX_CHANGES: Final = 60
MAX_LIVE_ORDERS: Final = 10_000
"""Orders with something unmatched that one customer may have on one market."""

MAX_MARKET_ORDERS: Final = 20_000
"""The same for all customers together: a suspension, the off or a result lets them lapse in one decision."""

MAX_ORDER_MINOR: Final = 10**11
"""The largest size or liability of an order: a billion of a two-decimal currency."""

MAX_RISK: Final = 1 << 62
"""No position grows beyond this many units of risk, so that every sum fits a 64-bit integer."""

MAX_RATE: Final = 10**9
"""The largest number on either side of a currency rate."""

MAX_EACH_WAY_DIVISOR: Final = 10
MAX_REF_LENGTH: Final = 32
MAX_STRATEGY_LENGTH: Final = 15
MIN_REDUCTION_BP: Final = 250
"""A removed runner of less than 2.5 % reduces nobody's price (Betfair's rules, part B, paragraph 14)."""

MIN_REDUCED_MILLI: Final = 1_010
MIN_HEARTBEAT_US: Final = 10_000_000
MAX_HEARTBEAT_US: Final = 300_000_000
MAX_BET_DELAY_US: Final = 12_000_000
WHOLE_BP: Final = 10_000
BOOK_CURRENCY: Final = "GBP"
"""Currency rates are minor units of a currency for each minor unit of this one."""


class Betting(StrEnum):
    """What is bet on: who wins; one side of a handicap or the other; each runner by itself, at a line of its own; a
    number."""

    ODDS = "odds"
    ASIAN = "asian_handicap_double_line"
    SINGLE = "asian_handicap_single_line"
    LINE = "line"


ON_RUNNERS: Final = (Betting.ODDS, Betting.SINGLE)
"""Where runners win, and not a number."""


class Status(StrEnum):
    """A market's. Born inactive."""

    INACTIVE = "inactive"
    OPEN = "open"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Action(StrEnum):
    OPEN = "open"
    SUSPEND = "suspend"
    CLOSE = "close"


LIFE: Final = {
    (Status.INACTIVE, Action.OPEN): Status.OPEN,
    (Status.SUSPENDED, Action.OPEN): Status.OPEN,
    (Status.OPEN, Action.OPEN): Status.OPEN,
    (Status.INACTIVE, Action.SUSPEND): Status.SUSPENDED,
    (Status.OPEN, Action.SUSPEND): Status.SUSPENDED,
    (Status.SUSPENDED, Action.SUSPEND): Status.SUSPENDED,
    (Status.INACTIVE, Action.CLOSE): Status.CLOSED,
    (Status.OPEN, Action.CLOSE): Status.CLOSED,
    (Status.SUSPENDED, Action.CLOSE): Status.CLOSED,
    (Status.CLOSED, Action.CLOSE): Status.CLOSED,
}
"""A market's life. It closes with its result, and closed again is a correction."""


class RunnerStatus(StrEnum):
    ACTIVE = "active"
    REMOVED = "removed"
    WINNER = "winner"
    LOSER = "loser"
    PLACED = "placed"


class MarketTerms(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """What a market is made with. `winners` of 0 means any number; with `each_way_divisor` above zero it is how many
    are placed. Rates and factors are basis points; instants and delays microseconds. The book runs in `currency`."""

    name: str
    market_type: str = "MATCH_ODDS"
    betting: Betting = Betting.ODDS
    currency: str = BOOK_CURRENCY
    winners: int = 1
    each_way_divisor: int = 0
    ladder: Ladder = Ladder()
    bsp: bool = False
    turn_in_play: bool = False
    persistence: bool = True
    crossing: bool = False
    bet_delay_us: int = 0
    passive: bool = False
    base_rate_bp: int = 500
    discount_allowed: bool = True
    starts_at_us: int = 0
    runners_voidable: bool = False
    regulators: tuple[str, ...] = ()
    venue: str = ""
    race_type: str = ""
    country: str = "GB"
    timezone: str = "Europe/London"
    line_unit: str = ""

    @property
    def game(self) -> Game:
        """The market as its risk sees it."""
        if self.betting is Betting.ASIAN:
            return Game(Shape.ASIAN, 1)
        if self.betting is Betting.LINE:
            return Game(Shape.LINE, 1)
        shape = Shape.EACH_WAY if self.each_way_divisor else Shape.WINNERS
        return Game(shape, self.winners, self.each_way_divisor)


class RunnerTerms(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """A runner by the number that it has everywhere, and on handicap markets by its handicap in quarters of a goal.
    `factor_bp` is its adjustment factor: how likely it was thought, in basis points."""

    selection_id: int
    name: str
    handicap_quarters: int = 0
    factor_bp: int = 0


class Runner(msgspec.Struct, array_like=True, gc=False):
    """A runner of a market; its place in `ExchangeMarket.runners` is how orders and facts name it."""

    selection_id: int
    name: str
    handicap_quarters: int
    factor_bp: int
    status: RunnerStatus = RunnerStatus.ACTIVE
    removed_at_us: int = 0
    sp_milli: int = 0


class Share(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """A runner that won: `places` shared by `tied` runners; 1 and 1 is a win outright."""

    runner: int
    places: int = 1
    tied: int = 1


class RunnersResult(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="runners", forbid_unknown_fields=True):
    """Winners (for an each-way market the winners of the race) and, each-way only, all that are placed, winners too."""

    winners: tuple[Share, ...]
    placed: tuple[Share, ...] = ()


class NumberResult(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="number", forbid_unknown_fields=True):
    """ASIAN: home goals less away goals. LINE: the number in thousandths."""

    number: int


class VoidResult(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="void_market", forbid_unknown_fields=True):
    """Every match is off. `note` says why."""

    note: str


ExchangeResult = RunnersResult | NumberResult | VoidResult


class Minimums(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """The smallest orders of a currency, in its minor units. A size below `size_minor` is taken where the payout
    (size × price) is at least `payout_minor`. SP orders: a backer's stake, a layer's liability."""

    size_minor: int = 100
    payout_minor: int = 1_000
    sp_back_minor: int = 100
    sp_lay_minor: int = 1_000


class Rate(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """`minor` of a currency are worth `book_minor` of BOOK_CURRENCY: an exact ratio."""

    minor: int = 1
    book_minor: int = 1


class Pulse(msgspec.Struct, array_like=True, gc=False):
    """A customer's dead-man switch: if nothing is heard until `due_us`, all that is unmatched is cancelled."""

    timeout_us: int
    due_us: int


class ExchangeMarket(msgspec.Struct, array_like=True):
    """A market of the exchange. `positions` are by customer, 0 is the house between the legs of cross matches.

    `version` rises with every change; `material_version` is that of the last change after which an order is taken
    otherwise than before. `bet_delay_us` holds while in play. `residues` are what settlement left to the house, by
    currency.
    """

    id: int
    event_id: int
    terms: MarketTerms
    runners: list[Runner]
    bet_delay_us: int
    passive: bool
    status: Status = Status.INACTIVE
    in_play: bool = False
    reconciled: bool = False
    version: int = 1
    created_at_us: int = 0
    settled_at_us: int = 0
    revision: int = 0
    result: ExchangeResult | None = None
    positions: dict[int, Position] = {}
    trades: list[Trade] = []
    residues: dict[str, int] = {}
    material_version: int = 1

    def rise(self, *, material: bool = True) -> None:
        """Something changed."""
        self.version += 1
        if material:
            self.material_version = self.version


class ExchangeSettling(msgspec.Struct, array_like=True):
    """How far a market's settlement has come: positions before `done` are settled by the present revision."""

    market_id: int
    revision: int
    done: int = 0
