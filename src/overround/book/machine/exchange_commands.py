"""What may be asked of the exchange. Sizes are minor units of the market's currency, prices thousandths."""

import msgspec

from overround.book.exchange import ExchangeResult, MarketTerms, Minimums, RunnerTerms
from overround.book.exposure import Side
from overround.book.machine.command import Command
from overround.book.matching import OrderType, Persistence, Target, TimeInForce


class CreateExchangeMarket(Command, frozen=True):
    """A market of an event of the catalogue, inactive at birth. Answers Done with its id."""

    event_id: int
    terms: MarketTerms
    runners: tuple[RunnerTerms, ...]


class OpenExchangeMarket(Command, frozen=True):
    market_id: int


class SuspendExchangeMarket(Command, frozen=True):
    """No orders for now; those that wait for their in-play delay lapse."""

    market_id: int
    reason: str


class TurnInPlay(Command, frozen=True):
    """The off: the market is suspended, the starting price reconciled, what does not persist lapses. Open it again."""

    market_id: int


class ReconcileStart(Command, frozen=True):
    """The off of a market that does not turn in play: suspended, and the starting price reconciled."""

    market_id: int


class ChangeBetDelay(Command, frozen=True):
    """Another in-play delay: an open market is suspended, what waits lapses, and it is open again."""

    market_id: int
    bet_delay_us: int
    passive: bool = False


class RescheduleExchangeMarket(Command, frozen=True):
    """The market starts at another instant; 0 is whenever its event does. Nothing else of it changes."""

    market_id: int
    starts_at_us: int


class RemoveRunner(Command, frozen=True):
    """A runner is out; `factor_bp` is by how much it reduces the prices of the others, in basis points."""

    market_id: int
    selection_id: int
    factor_bp: int
    handicap_quarters: int = 0


class ReinstateRunner(Command, frozen=True):
    """A runner that was removed is back; its orders are not."""

    market_id: int
    selection_id: int
    handicap_quarters: int = 0


class RecordExchangeResult(Command, frozen=True):
    """A market's result, or its correction: it closes and is settled."""

    market_id: int
    result: ExchangeResult


class SetCurrencyRate(Command, frozen=True):
    """`minor` of a currency are worth `book_minor` of the book's (GBP); positions opened from now on have it."""

    currency: str
    minor: int
    book_minor: int


class SetMinimums(Command, frozen=True):
    currency: str
    minimums: Minimums


class SetDiscount(Command, frozen=True):
    """A customer's discount on commission, in basis points."""

    customer_id: int
    discount_bp: int


class PlaceInstruction(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """One order. A runner is named as outside, by its number and its handicap in quarters of a goal.

    `size_minor` means what `target` says; an order for the starting price has `liability_minor` instead, and
    LIMIT_ON_CLOSE its limit in `price_milli`.
    """

    selection_id: int
    side: Side
    price_milli: int
    size_minor: int
    persistence: Persistence = Persistence.LAPSE
    ref: str = ""
    handicap_quarters: int = 0
    type: OrderType = OrderType.LIMIT
    liability_minor: int = 0
    time_in_force: TimeInForce = TimeInForce.REST
    min_fill_minor: int = 0
    target: Target = Target.SIZE


class PlaceOrders(Command, frozen=True):
    """Up to 200 orders on one market, all or none. `currency` names the wallet. Where something that an order must
    know about has happened since `market_version` (0 asks for none), they lapse as they come.

    `as_maker` is for the house's own market maker, whom no edge lets anybody be: no in-play delay, no smallest size,
    no cross matching of its own doing, and its fill-or-kill orders keep their price with every match.
    """

    customer_id: int
    market_id: int
    currency: str
    instructions: tuple[PlaceInstruction, ...]
    market_version: int = 0
    strategy: str = ""
    as_maker: bool = False


class CancelInstruction(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """Take `reduction_minor` off what is unmatched; 0 takes all of it."""

    order_id: int
    reduction_minor: int = 0


class CancelOrders(Command, frozen=True):
    """Each instruction by itself. None at all means every order on the market, `market_id` 0 every one on any."""

    customer_id: int
    market_id: int = 0
    instructions: tuple[CancelInstruction, ...] = ()


class UpdateInstruction(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    order_id: int
    persistence: Persistence


class UpdateOrders(Command, frozen=True):
    """Another persistence, each instruction by itself; an order keeps its place."""

    customer_id: int
    market_id: int
    instructions: tuple[UpdateInstruction, ...]


class ReplaceInstruction(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    order_id: int
    price_milli: int


class ReplaceOrders(Command, frozen=True):
    """What is unmatched is cancelled and placed anew at another price, each instruction by itself. Where the market
    has moved on from `market_version`, or the money is short, it is cancelled and not placed."""

    customer_id: int
    market_id: int
    instructions: tuple[ReplaceInstruction, ...]
    market_version: int = 0


class QuoteEntry(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """How much the market maker wants at a price, whatever it has there; 0 for nothing."""

    selection_id: int
    side: Side
    price_milli: int
    size_minor: int
    handicap_quarters: int = 0


class MassQuote(Command, frozen=True):
    """What the house's market maker has on one market from now on, at the quoted prices; all or none. As for `as_maker`
    there is no in-play delay, no smallest size and no cross matching."""

    customer_id: int
    market_id: int
    currency: str
    entries: tuple[QuoteEntry, ...]


class Heartbeat(Command, frozen=True):
    """Unless this is heard again within `timeout_us`, all that is unmatched of the customer's is cancelled; 0 ends
    it."""

    customer_id: int
    timeout_us: int


ExchangeCommand = (
    CreateExchangeMarket
    | OpenExchangeMarket
    | SuspendExchangeMarket
    | TurnInPlay
    | ReconcileStart
    | ChangeBetDelay
    | RescheduleExchangeMarket
    | RemoveRunner
    | ReinstateRunner
    | RecordExchangeResult
    | SetCurrencyRate
    | SetMinimums
    | SetDiscount
    | PlaceOrders
    | CancelOrders
    | UpdateOrders
    | ReplaceOrders
    | MassQuote
    | Heartbeat
)
