"""The one machine: composes the rooms, and is the only way into them.

A `Machine` takes requests one at a time. It decides from memory alone, folds what it decided at once, and keeps the
facts in `outbox` until they are committed; nobody may be told an answer before that. Invariants: the same facts fold
to the same state hash on any machine; a key has one effect and one answer; time never runs backwards.
"""

from overround.book.machine.answers import (
    Answer,
    Balance,
    Balances,
    BetAnswer,
    BetFound,
    BetWorking,
    Done,
    LimitNow,
    LimitsNow,
    OrderReport,
    OrdersAnswer,
    PreviewBet,
    PreviewSum,
    ProposalNow,
    ProposalsNow,
    Proposed,
    ResultPreview,
    Sheet,
    SheetBook,
    SheetLevel,
    SheetLine,
    SheetMarket,
    SheetScore,
    TicketAnswer,
    TicketFound,
    TicketPreview,
)
from overround.book.machine.cash_answers import CashOutAnswer, CashOutValue, QuoteAnswer
from overround.book.machine.deciding import CORRECTIONS, decide, decide_due, next_due_us
from overround.book.machine.events import (
    AnyFact,
    RequestDone,
    RequestRefused,
    TermBegan,
    decode_fact,
    encode_fact,
    kind_of,
)
from overround.book.machine.folding import answer_of, fold
from overround.book.machine.grant_answers import GrantNow, GrantsNow
from overround.book.machine.machine import Machine, Pending
from overround.book.machine.memory import KEY_SKEW_US, KEY_WINDOW_US, KeyRefusal
from overround.book.machine.proposals import ProposalRefusal
from overround.book.machine.snapshot import FORMAT, state_hash
from overround.book.machine.snapshot import decode as decode_snapshot
from overround.book.machine.snapshot import encode as encode_snapshot
from overround.book.machine.state import State, empty
from overround.book.machine.wire import (
    Parcel,
    Reply,
    decode_parcels,
    decode_replies,
    encode_parcels,
    encode_replies,
    open_parcel,
    pack,
    request,
)

__all__ = [
    "CORRECTIONS",
    "FORMAT",
    "KEY_SKEW_US",
    "KEY_WINDOW_US",
    "Answer",
    "AnyFact",
    "Balance",
    "Balances",
    "BetAnswer",
    "BetFound",
    "BetWorking",
    "CashOutAnswer",
    "CashOutValue",
    "Done",
    "GrantNow",
    "GrantsNow",
    "KeyRefusal",
    "LimitNow",
    "LimitsNow",
    "Machine",
    "OrderReport",
    "OrdersAnswer",
    "Parcel",
    "Pending",
    "PreviewBet",
    "PreviewSum",
    "ProposalNow",
    "ProposalRefusal",
    "ProposalsNow",
    "Proposed",
    "QuoteAnswer",
    "Reply",
    "RequestDone",
    "RequestRefused",
    "ResultPreview",
    "Sheet",
    "SheetBook",
    "SheetLevel",
    "SheetLine",
    "SheetMarket",
    "SheetScore",
    "State",
    "TermBegan",
    "TicketAnswer",
    "TicketFound",
    "TicketPreview",
    "answer_of",
    "decide",
    "decide_due",
    "decode_fact",
    "decode_parcels",
    "decode_replies",
    "decode_snapshot",
    "empty",
    "encode_fact",
    "encode_parcels",
    "encode_replies",
    "encode_snapshot",
    "fold",
    "kind_of",
    "next_due_us",
    "open_parcel",
    "pack",
    "request",
    "state_hash",
]
