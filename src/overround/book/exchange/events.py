"""What the exchange tells the rest of the house. Every fact carries the trades and the holds that it led to, so that
nobody who folds it matches or adds up anything again."""

import msgspec

from overround.book.exchange.types import ExchangeResult, MarketTerms, Minimums, RunnerTerms
from overround.book.ledger import Posting
from overround.book.matching import Lapse, Persistence, Placed, Trade
from overround.kernel.fact import Fact


class Hold(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is held on a customer's cash for a market changed by `change_minor` of the wallet's currency."""

    market_id: int
    customer_id: int
    account: int
    change_minor: int


class Cut(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`size_minor` (or, of an order for the starting price, liability) of an order is no longer there."""

    order: int
    size_minor: int


class Failed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The instruction at `index` (from 0) of a request did nothing; `code` is a value of the exchange's Refusal."""

    index: int
    code: str


class ExchangeFact(Fact, frozen=True, kw_only=True):
    """The base of facts about one market. `trades` are in the order in which they were made."""

    market_id: int
    trades: tuple[Trade, ...] = ()
    holds: tuple[Hold, ...] = ()


class CurrencyRateSet(Fact, frozen=True, kw_only=True, tag="currency_rate_set"):
    """`minor` of a currency are worth `book_minor` of the book's; holds for positions that are opened from now on."""

    currency: str
    minor: int
    book_minor: int


class MinimumsSet(Fact, frozen=True, kw_only=True, tag="exchange_minimums_set"):
    currency: str
    minimums: Minimums


class DiscountSet(Fact, frozen=True, kw_only=True, tag="exchange_discount_set"):
    """A customer pays that much less commission, in basis points of it."""

    customer_id: int
    discount_bp: int


class ExchangeMarketCreated(Fact, frozen=True, kw_only=True, tag="exchange_market_created"):
    market_id: int
    event_id: int
    terms: MarketTerms
    runners: tuple[RunnerTerms, ...]


class ExchangeMarketOpened(ExchangeFact, frozen=True, kw_only=True, tag="exchange_market_opened"):
    """Open for betting, from inactive or suspended."""


class ExchangeMarketSuspended(ExchangeFact, frozen=True, kw_only=True, tag="exchange_market_suspended"):
    """No orders for now. `lapsed` waited for their in-play delay and lapse whole."""

    reason: str
    lapsed: tuple[Cut, ...] = ()


class BetDelayChanged(ExchangeFact, frozen=True, kw_only=True, tag="bet_delay_changed"):
    bet_delay_us: int
    passive: bool


class ExchangeMarketRescheduled(ExchangeFact, frozen=True, kw_only=True, tag="exchange_market_rescheduled"):
    """The market starts at another instant than was said before; 0 is its event's."""

    starts_at_us: int
    before_us: int


class StartReconciled(ExchangeFact, frozen=True, kw_only=True, tag="start_reconciled"):
    """The starting price of each runner that has one, as (runner, price_milli), with its trades. `converted` had
    asked to be at the starting price: they go in with their whole rest. What then is unmatched of orders that do not
    persist is `lapsed`, after the trades."""

    prices: tuple[tuple[int, int], ...]
    converted: tuple[int, ...] = ()
    lapsed: tuple[Cut, ...] = ()


class TurnedInPlay(ExchangeFact, frozen=True, kw_only=True, tag="turned_in_play"):
    """The off. The market stays suspended until it is opened again."""

    lapsed: tuple[Cut, ...] = ()


class RunnerRemoved(ExchangeFact, frozen=True, kw_only=True, tag="runner_removed"):
    """A runner is out. Its unmatched orders, and unmatched lays of all others, are `lapsed`; `voided` trades (by id)
    are off; `reduced` ones, as (trade, price_milli), have a lower price."""

    runner: int
    factor_bp: int
    lapsed: tuple[Cut, ...] = ()
    voided: tuple[int, ...] = ()
    reduced: tuple[tuple[int, int], ...] = ()


class RunnerReinstated(ExchangeFact, frozen=True, kw_only=True, tag="runner_reinstated"):
    """A runner that was out may win again. What its removal voided, reduced and lapsed stays so."""

    runner: int


class OrdersPlaced(ExchangeFact, frozen=True, kw_only=True, tag="orders_placed"):
    """Orders of one request. Where `decide_at_us` is not 0, those of `waiting` (ids) wait for their in-play delay.
    `currency` is the customer's wallet; `rate` is there with the customer's first order on the market. Those that wait
    may meet no version of the market after `market_version`, if that is not 0; where it is `stale` already, all orders
    lapse as they come, and nothing is held."""

    customer_id: int
    currency: str
    orders: tuple[Placed, ...]
    rate: tuple[int, int] | None = None
    decide_at_us: int = 0
    waiting: tuple[int, ...] = ()
    market_version: int = 0
    stale: bool = False


class OrdersActivated(ExchangeFact, frozen=True, kw_only=True, tag="orders_activated"):
    """The in-play delay of a customer's orders is over: they traded and rest, but for those `lapsed`. `sizes` are those
    of orders whose target came to another size than it was placed with, as (order, size_minor); `whys` are the reasons
    of those that lapsed, in their order."""

    customer_id: int
    orders: tuple[int, ...]
    sizes: tuple[tuple[int, int], ...] = ()
    lapsed: tuple[Cut, ...] = ()
    whys: tuple[Lapse, ...] = ()


class OrdersCancelled(Fact, frozen=True, kw_only=True, tag="orders_cancelled"):
    """A customer's orders were made smaller or taken away, on one market or (`market_id` 0) on several. `answered` are
    the orders asked about, in order (0 where the instruction failed); `failed` says why those did."""

    customer_id: int
    market_id: int
    cuts: tuple[Cut, ...]
    answered: tuple[int, ...] = ()
    failed: tuple[Failed, ...] = ()
    holds: tuple[Hold, ...] = ()


class OrdersUpdated(ExchangeFact, frozen=True, kw_only=True, tag="orders_updated"):
    """New persistence of a customer's orders, as (order, persistence)."""

    customer_id: int
    updates: tuple[tuple[int, Persistence], ...]
    answered: tuple[int, ...] = ()
    failed: tuple[Failed, ...] = ()


class OrdersReplaced(ExchangeFact, frozen=True, kw_only=True, tag="orders_replaced"):
    """Orders cancelled and others placed for what was left of them, instruction by instruction. `placed_by` is the
    order that each instruction led to, 0 where it was cancelled and not placed, or failed.

    Of a mass quote there are no instructions to answer, and `grown` are orders of the market maker's, each the last in
    its queue, by how much they became larger, after the cuts.
    """

    customer_id: int
    currency: str
    cuts: tuple[Cut, ...]
    orders: tuple[Placed, ...]
    grown: tuple[Cut, ...] = ()
    answered: tuple[int, ...] = ()
    placed_by: tuple[int, ...] = ()
    failed: tuple[Failed, ...] = ()
    decide_at_us: int = 0
    waiting: tuple[int, ...] = ()
    market_version: int = 0


class HeartbeatSet(Fact, frozen=True, kw_only=True, tag="heartbeat_set"):
    """A customer is alive and wants to be heard of again before `due_us`; a timeout of 0 ends the watch."""

    customer_id: int
    timeout_us: int
    due_us: int


class HeartbeatMissed(Fact, frozen=True, kw_only=True, tag="heartbeat_missed"):
    """Nothing was heard in time: all that was unmatched is cancelled, and the watch is over."""

    customer_id: int
    cuts: tuple[Cut, ...]
    holds: tuple[Hold, ...] = ()


class ExchangeResultRecorded(ExchangeFact, frozen=True, kw_only=True, tag="exchange_result_recorded"):
    """A market's result: it closes, what is unmatched is `lapsed`. `revision` counts from 1; a later one corrects."""

    revision: int
    result: ExchangeResult
    lapsed: tuple[Cut, ...] = ()


class SettledPosition(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a result made of one customer's position, in the wallet's currency: the net before commission, the
    commission, what both were before, and the profit of each order that was matched, as (order, profit_minor), which
    add up to the net."""

    customer_id: int
    net_minor: int
    commission_minor: int
    previous_net_minor: int
    previous_commission_minor: int
    orders: tuple[tuple[int, int], ...]


class ExchangeSettled(Posting, frozen=True, kw_only=True, tag="exchange_settled"):
    """A step of a market's settlement: its next positions, in the order opened. `last` ends the revision; then
    `residues` are, by currency, what all positions together left to the house (below zero: took from it)."""

    market_id: int
    revision: int
    positions: tuple[SettledPosition, ...]
    last: bool
    residues: tuple[tuple[str, int], ...] = ()
    holds: tuple[Hold, ...] = ()
