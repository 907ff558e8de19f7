"""What the machine answers: a bet's fate, a thing done, a refusal, or what was asked for."""

import msgspec

from overround.book.bets import BetStatus, Cashed, Outcome, Ticket, TicketBet
from overround.book.limits import LimitKind
from overround.book.matching import OrderStatus
from overround.book.tickets import Slip
from overround.kernel.refusal import Refused


class BetAnswer(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="bet"):
    """A bet was taken, or waits until `decide_at_us`. `price_milli` is the price really taken. `seq` is the fact."""

    bet_id: int
    status: BetStatus
    stake_minor: int
    price_milli: int
    placed_at_us: int
    decide_at_us: int
    seq: int


class TicketAnswer(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="ticket"):
    """A ticket was taken, or waits until `decide_at_us`: its bets at the prices taken, or asked for. `seq` is the
    fact."""

    ticket_id: int
    status: BetStatus
    bets: tuple[TicketBet, ...]
    placed_at_us: int
    decide_at_us: int
    seq: int


class Done(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="done"):
    """It is so. `id` is the id of what was created or changed; `seq` the last fact, for reads that must see it."""

    id: int
    seq: int


class BetFound(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="found"):
    """A bet as it is now."""

    bet_id: int
    customer_id: int
    market_id: int
    selection_id: int
    currency: str
    stake_minor: int
    price_milli: int
    placed_at_us: int
    status: BetStatus
    outcome: Outcome | None
    payout_minor: int
    seq: int
    slip: Slip | None = None
    ticket: Ticket | None = None
    potential_minor: int = 0
    cashed: Cashed | None = None
    decide_at_us: int = 0


class Balance(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One wallet in minor units. `available_minor` is cash less what is held; `owed_minor` is the debt."""

    currency: str
    account_id: int
    cash_minor: int
    available_minor: int
    held_minor: int
    bonus_minor: int
    owed_minor: int


class Balances(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="balances"):
    customer_id: int
    wallets: tuple[Balance, ...]
    seq: int


class LimitNow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A limit as it holds now, in minor units; None for none. `pending_at_us` of 0 means that nothing is pending."""

    currency: str
    limit: LimitKind
    amount_minor: int | None
    room_minor: int | None
    pending_minor: int | None
    pending_at_us: int


class LimitsNow(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="limits"):
    customer_id: int
    cooling_until_us: int
    excluded_until_us: int
    limits: tuple[LimitNow, ...]
    seq: int


class OrderReport(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one instruction came to: the order as it then was, or `code`, a value of the exchange's Refusal.

    `matched_value` is the sum of size × price_milli over its matches; `cancelled_minor` is what this request took away.
    """

    order_id: int
    code: str = ""
    status: OrderStatus = OrderStatus.EXECUTABLE
    size_minor: int = 0
    remaining_minor: int = 0
    matched_minor: int = 0
    matched_value: int = 0
    cancelled_minor: int = 0
    placed_at_us: int = 0


class OrdersAnswer(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="orders"):
    """A report on each instruction, in order. A replace has, beside what was cancelled, what was placed for it: order 0
    and a code where it was cancelled and not placed. Orders with PENDING wait for the in-play delay."""

    market_id: int
    reports: tuple[OrderReport, ...]
    seq: int
    placed: tuple[OrderReport, ...] = ()


Answer = OrdersAnswer | BetAnswer | TicketAnswer | Done | Refused | BetFound | Balances | LimitsNow
