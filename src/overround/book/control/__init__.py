"""The control room owns what a trading desk decides over what is on offer: suspensions at any level, prices set by
hand, margins, approvals.

Invariants: a suspension is one fact whatever lies below it, and only its own level's resumption ends it; a price set by
hand ends by itself; each fact says what was before.
"""

from overround.book.control.events import (
    ApprovalRequired,
    CompetitionApproved,
    LevelResumed,
    LevelSuspended,
    MarginSet,
    OverrideEnded,
    PriceOverridden,
)
from overround.book.control.rules import Place, Refusal, first_stop, is_expiry, is_margin, stops_bet
from overround.book.control.state import ControlState, forget, resume, set_margin, suspend
from overround.book.control.types import (
    LEVELS,
    MAX_MARGIN_BPS,
    MAX_OVERRIDE_US,
    MAX_OVERRIDES,
    PLATFORM_ID,
    Stop,
)

__all__ = [
    "LEVELS",
    "MAX_MARGIN_BPS",
    "MAX_OVERRIDES",
    "MAX_OVERRIDE_US",
    "PLATFORM_ID",
    "ApprovalRequired",
    "CompetitionApproved",
    "ControlState",
    "LevelResumed",
    "LevelSuspended",
    "MarginSet",
    "OverrideEnded",
    "Place",
    "PriceOverridden",
    "Refusal",
    "Stop",
    "first_stop",
    "forget",
    "is_expiry",
    "is_margin",
    "resume",
    "set_margin",
    "stops_bet",
    "suspend",
]
