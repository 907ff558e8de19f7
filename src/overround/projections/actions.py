"""What people at the house decided, for whoever audits them: which facts are such decisions, about what, and what was
before and after."""

from typing import Any, Final

import msgspec

from overround.book.archive import ArchiveAfterSet
from overround.book.bets import TicketOffered, WaitingTicketAccepted, WaitingTicketRefused
from overround.book.catalogue import MarketChanged
from overround.book.control import (
    ApprovalRequired,
    CompetitionApproved,
    LevelResumed,
    LevelSuspended,
    MarginSet,
    OverrideEnded,
    PriceOverridden,
)
from overround.book.ledger import FundsMoved
from overround.book.limits import CapSet, HouseTermsSet, PlayerBlocked, PlayerTermsSet, PlayerUnblocked
from overround.book.machine import kind_of
from overround.book.machine.events import (
    CorrectionLimitSet,
    CorrectionProposed,
    ProposalApproved,
    ProposalExpired,
    ProposalRejected,
)
from overround.book.promotions import BonusExpired, BonusGranted, BoostGranted, FreeBetGranted, GrantRevoked
from overround.book.settlement import MarketBetsCancelled, MarketBetsRestored, ResultRecorded, ResultRolledBack
from overround.kernel.fact import Fact
from overround.projections.changes import Row

SUBJECTS: Final[dict[type[Fact], tuple[str, ...]]] = {
    LevelSuspended: ("level", "id", "selection_id"),
    LevelResumed: ("level", "id", "selection_id"),
    PriceOverridden: ("market_id", "selection_id"),
    OverrideEnded: ("market_id", "selection_id"),
    MarginSet: ("level", "id"),
    CompetitionApproved: ("competition_id",),
    ApprovalRequired: (),
    CorrectionLimitSet: ("currency",),
    ArchiveAfterSet: (),
    CorrectionProposed: ("proposal_id",),
    ProposalApproved: ("proposal_id",),
    ProposalRejected: ("proposal_id",),
    ProposalExpired: ("proposal_id",),
    FreeBetGranted: ("grant_id", "customer_id", "currency"),
    BoostGranted: ("grant_id", "customer_id", "currency"),
    BonusGranted: ("grant_id", "customer_id", "currency"),
    BonusExpired: ("grant_id", "customer_id", "currency"),
    GrantRevoked: ("grant_id", "customer_id"),
    PlayerBlocked: ("customer_id",),
    PlayerUnblocked: ("customer_id",),
    PlayerTermsSet: ("customer_id", "currency"),
    HouseTermsSet: ("currency",),
    MarketChanged: ("market_id",),
    FundsMoved: ("customer_id", "currency"),
    ResultRecorded: ("market_id",),
    ResultRolledBack: ("market_id",),
    MarketBetsCancelled: ("market_id", "from_us", "until_us"),
    MarketBetsRestored: ("market_id", "from_us", "until_us"),
    CapSet: ("level", "id", "selection_id", "currency"),
    TicketOffered: ("ticket_id", "customer_id"),
    WaitingTicketAccepted: ("ticket_id", "customer_id"),
    WaitingTicketRefused: ("ticket_id", "customer_id"),
}
"""The facts that are somebody's decision about the house, by the fields that say what each is about."""

OPERATORS_ONLY: Final = (WaitingTicketAccepted, WaitingTicketRefused, BonusExpired)
"""Of these only what an operator asked for: the others are a time that was over, or the customer's own answer."""

NOT_SHOWN: Final = frozenset({"kind", "cause", "transfers"})


def is_action(fact: Fact) -> bool:
    """Whether a fact is somebody's decision about the house."""
    if isinstance(fact, OPERATORS_ONLY):
        return fact.cause is not None and fact.cause.actor < 0
    return type(fact) in SUBJECTS


def action(fact: Fact, *, seq: int, at_us: int, was: dict[str, Any] | None = None) -> Row:
    """A row of `operator_action`. `was` is what was before, where the fact does not say so itself. An actor of 0 is the
    house itself (a time that was over), or a part of a request whose last fact has the actor."""
    subjects = SUBJECTS[type(fact)]
    fields: dict[str, Any] = msgspec.to_builtins(fact)
    before, after = dict(was or {}), {}
    for name, value in fields.items():
        if name.startswith("before"):
            before[name.removeprefix("before").lstrip("_") or "value"] = value
        elif name not in subjects and name not in NOT_SHOWN:
            after[name] = value
    subject = {name: fields[name] for name in subjects if name in fields}
    actor = fact.cause.actor if fact.cause is not None else 0
    return seq, at_us, actor, kind_of(fact), _json(subject), _json(before), _json(after)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
