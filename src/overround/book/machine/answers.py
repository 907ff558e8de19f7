"""What the machine answers: a bet's fate, a thing done, a refusal, or what was asked for."""

import msgspec

from overround.book.bets import BetStatus, Cashed, Outcome, Ticket, TicketBet
from overround.book.limits import LimitKind
from overround.book.machine.cash_answers import CashOutTold
from overround.book.machine.grant_answers import GrantsNow
from overround.book.matching import OrderStatus
from overround.book.tickets import LegResult, Slip
from overround.kernel.level import Level
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


class Proposed(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="proposed"):
    """It changes so much that it waits for another operator, until an instant."""

    proposal_id: int
    expires_at_us: int
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


class TicketFound(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="ticket_found"):
    """The bets of a ticket as they are now."""

    ticket_id: int
    bets: tuple[BetFound, ...]


class TicketPreview(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="ticket_preview"):
    """What would become of a ticket now: its bets at the prices taken, or, where `code` says why not, as asked for;
    none where it is no ticket. `delay_us` is its in-play delay; `referable` says that a trader may be asked."""

    bets: tuple[TicketBet, ...]
    code: str
    detail: dict[str, int | str]
    delay_us: int
    referable: bool
    seq: int


class BetWorking(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="working"):
    """A bet, as a slip of what still runs, and what is known of each of its legs; None while one is open."""

    bet: BetFound
    slip: Slip
    results: tuple[LegResult | None, ...]
    seq: int


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
    and a code where it was cancelled and not placed. Orders with PENDING wait for the in-play delay. `met` are the
    orders that were there, with the size that each was matched for, in the order of the matches."""

    market_id: int
    reports: tuple[OrderReport, ...]
    seq: int
    placed: tuple[OrderReport, ...] = ()
    met: tuple[tuple[int, int], ...] = ()


class PreviewSum(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What some bets in one currency would come to, in minor units. `previous_minor` was paid for them before;
    `house_minor` is what the house would have won on them; `debts_minor` what customers could not give back."""

    currency: str
    bets: int
    stakes_minor: int
    payouts_minor: int
    previous_minor: int
    house_minor: int
    debts_minor: int


class PreviewBet(msgspec.Struct, frozen=True, array_like=True, gc=False):
    bet_id: int
    customer_id: int
    currency: str
    stake_minor: int
    payout_minor: int
    previous_minor: int


class ResultPreview(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="preview"):
    """What a result would pay to the bets looked at: those from `done` on, `looked_at` of all `bets`. Bets that would
    still be open are among them and pay nothing yet. `winners` are those that would be paid most."""

    market_id: int
    is_correction: bool
    bets: int
    done: int
    looked_at: int
    sums: tuple[PreviewSum, ...]
    winners: tuple[PreviewBet, ...]
    needs_approval: bool
    seq: int


class SheetLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What bets on a selection may pay, and what the house loses on the market at most if it wins (below zero: gains).
    `others_minor` is what of the payout is not of plain singles."""

    selection_id: int
    payout_minor: int
    lost_minor: int
    others_minor: int = 0


class SheetBook(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A market in one currency, all other legs of its bets counted as won. `worst_minor` is the largest loss, at least
    0."""

    currency: str
    stakes_minor: int
    worst_minor: int
    lines: tuple[SheetLine, ...]


class SheetMarket(msgspec.Struct, frozen=True, array_like=True, gc=False):
    market_id: int
    books: tuple[SheetBook, ...]


class SheetLevel(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a level above the markets may lose in one currency."""

    level: Level
    id: int
    currency: str
    worst_minor: int


class SheetScore(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the house loses if a match ends so (below zero: gains): on plain singles, and on other bets at most, the
    rest of each counted as won."""

    currency: str
    home: int
    away: int
    lost_minor: int
    others_minor: int


class Sheet(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="sheet"):
    """Some markets of an event; `next` is where to go on, 0 at the end. `scores` are of the football markets among
    those that are decided by the final score alone."""

    event_id: int
    markets: tuple[SheetMarket, ...]
    next: int
    seq: int
    levels: tuple[SheetLevel, ...] = ()
    scores: tuple[SheetScore, ...] = ()


class ProposalNow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A correction that waits. `about` are the numbers and words of the command that would be carried out."""

    proposal_id: int
    actor: int
    command: str
    about: dict[str, int | str]
    change_minor: dict[str, int]
    bets: int
    is_whole: bool
    proposed_at_us: int
    expires_at_us: int


class ProposalsNow(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="proposals"):
    proposals: tuple[ProposalNow, ...]
    limits_minor: dict[str, int]
    seq: int


TicketAnswers = TicketAnswer | TicketFound | TicketPreview | BetWorking

Answer = (
    OrdersAnswer
    | BetAnswer
    | TicketAnswers
    | Done
    | Refused
    | Proposed
    | BetFound
    | Balances
    | LimitsNow
    | ResultPreview
    | Sheet
    | ProposalsNow
    | CashOutTold
    | GrantsNow
)
