"""The trading desk's commands, as further rows beside those of `operations`."""

from typing import Final

from msgspec import UNSET, UnsetType

from overround.book.machine.commands import (
    RecordResult,
)
from overround.book.machine.desk_commands import (
    ApproveCompetition,
    ApproveProposal,
    BlockPlayer,
    LiftOverride,
    OverridePrice,
    RejectProposal,
    RequireApproval,
    ResumeLevel,
    SetArchiveAfter,
    SetCorrectionLimit,
    SetMargin,
    SuspendLevel,
    UnblockPlayer,
)
from overround.edge.bodies import Body, ReasonBody
from overround.edge.exchange_operations import EXCHANGE
from overround.edge.grants import GRANT_OPERATIONS
from overround.edge.operations import CUSTOMER, MARKET, OPERATIONS, RESULT, Operation
from overround.edge.ticket_operations import TICKET_OPERATIONS
from overround.edge.values import Id, Moment, Natural, Text
from overround.kernel.level import Level


class LevelBody(Body, frozen=True):
    """`id` of 0 is the platform. A selection is its market's id with a `selection_id`, which no other level has."""

    level: Level
    id: Natural
    selection_id: Natural = 0


class SuspensionBody(LevelBody, frozen=True, kw_only=True):
    reason: Text


class MarginBody(Body, frozen=True):
    """In hundredths of a per cent; null takes the level's own margin away. `id` of 0 is the platform."""

    level: Level
    id: Natural
    margin_bps: Natural | None


class ApprovedBody(Body, frozen=True):
    approved: bool


class RequiredBody(Body, frozen=True):
    required: bool


class CorrectionsBody(Body, frozen=True):
    amount_minor: Natural


class ArchiveBody(Body, frozen=True):
    """From the last settlement of a market on."""

    after_ms: Natural


class SelectionBody(Body, frozen=True):
    selection_id: Id


class OverrideBody(SelectionBody, frozen=True, kw_only=True):
    """One of `until` and `until_us`, at most 7 days ahead."""

    price_milli: Natural
    until: Moment | UnsetType = UNSET
    until_us: Natural | UnsetType = UNSET


LEVEL: Final = (
    "level_invalid",
    "sport_not_found",
    "competition_not_found",
    "event_not_found",
    "event_archived",
    "market_not_found",
    "market_archived",
)

DESK: Final = (
    Operation(
        method="POST",
        path="suspensions",
        command=SuspendLevel,
        body=SuspensionBody,
        tag="desk",
        doc="Suspend the platform, a sport, a competition, an event, a market or a selection, with all that is below.",
        problems=(*LEVEL, "selection_not_found", "name_invalid"),
        example={"level": "sport", "id": 1, "reason": "floodlights"},
    ),
    Operation(
        method="POST",
        path="resumptions",
        command=ResumeLevel,
        body=LevelBody,
        tag="desk",
        doc="End the suspension of this very level. What is suspended above or below it stays so.",
        problems=(*LEVEL, "selection_not_found", "not_suspended"),
        example={"level": "sport", "id": 1},
    ),
    Operation(
        method="POST",
        path="markets/{market_id:int}/override",
        command=OverridePrice,
        body=OverrideBody,
        shows="market_id",
        tag="desk",
        doc="Offer a price until an instant, whatever the feed says meanwhile.",
        problems=(
            "market_not_found",
            "market_archived",
            "selection_not_found",
            "market_status",
            "price_invalid",
            "expiry_invalid",
            "too_many_overrides",
        ),
        example={"selection_id": 1, "price_milli": 1_800, "until": "2026-11-28T15:01:00Z"},
        in_path=MARKET,
    ),
    Operation(
        method="POST",
        path="markets/{market_id:int}/lift",
        command=LiftOverride,
        body=SelectionBody,
        shows="market_id",
        tag="desk",
        doc="End the override of a price: what the feed said last is on offer again.",
        problems=("market_not_found", "market_archived", "selection_not_found", "not_overridden"),
        example={"selection_id": 1},
        in_path=MARKET,
    ),
    Operation(
        method="PUT",
        path="margins",
        command=SetMargin,
        body=MarginBody,
        tag="desk",
        doc="Set the margin with which feeds and models make prices below a level.",
        problems=(*LEVEL, "margin_invalid"),
        example={"level": "competition", "id": 1, "margin_bps": 450},
    ),
    Operation(
        method="PUT",
        path="approval",
        command=RequireApproval,
        body=RequiredBody,
        tag="desk",
        doc="Whether a competition takes bets only once it is approved.",
        example={"required": True},
    ),
    Operation(
        method="PUT",
        path="competitions/{competition_id:int}/approval",
        command=ApproveCompetition,
        body=ApprovedBody,
        shows="competition_id",
        tag="desk",
        doc="Approve a competition for betting, or take that back.",
        problems=("competition_not_found",),
        example={"approved": True},
        in_path={"competition_id": 1},
    ),
    Operation(
        method="POST",
        path="customers/{customer_id:int}/block",
        command=BlockPlayer,
        body=ReasonBody,
        shows="customer_id",
        tag="desk",
        doc="Take no more bets of a customer. The reason is a code that is kept for ever: no personal data.",
        problems=("customer_not_found", "name_invalid"),
        example={"reason": "chargeback"},
        in_path=CUSTOMER,
    ),
    Operation(
        method="PUT",
        path="corrections/{currency}",
        command=SetCorrectionLimit,
        body=CorrectionsBody,
        tag="desk",
        doc="Set the change of payouts, in sum, above which a correction waits for a second operator; 0 for no limit.",
        problems=("currency_unknown", "terms_invalid"),
        example={"amount_minor": 1_000_000},
        in_path={"currency": "EUR"},
    ),
    Operation(
        method="PUT",
        path="archive",
        command=SetArchiveAfter,
        body=ArchiveBody,
        tag="desk",
        doc="Set for how long what is settled may be corrected. Then it leaves the book's memory; everything is still "
        "listed.",
        problems=("archive_after_invalid",),
        example={"after_ms": 2_592_000_000},
    ),
    Operation(
        method="POST",
        path="proposals/{proposal_id:int}/approve",
        command=ApproveProposal,
        shows="proposal_id",
        tag="desk",
        doc="Let a correction be made that another operator proposed. It is decided anew, as things are now.",
        problems=("proposal_not_found", "own_proposal", "market_status", *RESULT),
        in_path={"proposal_id": 4},
    ),
    Operation(
        method="POST",
        path="proposals/{proposal_id:int}/reject",
        command=RejectProposal,
        body=ReasonBody,
        shows="proposal_id",
        tag="desk",
        doc="Turn down a correction that waits, one's own or another's.",
        problems=("proposal_not_found", "name_invalid"),
        example={"reason": "the first result stands"},
        in_path={"proposal_id": 4},
    ),
    Operation(
        method="POST",
        path="customers/{customer_id:int}/unblock",
        command=UnblockPlayer,
        shows="customer_id",
        tag="desk",
        doc="Take a customer's bets again.",
        problems=("customer_not_found", "not_blocked"),
        in_path=CUSTOMER,
    ),
)

ALL_OPERATIONS: Final = (*OPERATIONS, *DESK, *EXCHANGE, *TICKET_OPERATIONS, *GRANT_OPERATIONS)
"""Everything that operators and feeds may ask for."""

RESULT_OF_MARKET: Final = next(row for row in OPERATIONS if row.command is RecordResult)
"""The row whose body says a market's result."""
