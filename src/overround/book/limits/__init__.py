"""The limits own what a customer may stake and lose, who is shut out, and the terms on which the house takes bets.

Invariants: a tighter limit holds at once and a looser one after its wait; a cool-off or self-exclusion never gets
shorter; usage is counted per UTC day, ISO week and month from the facts alone.
"""

from overround.book.limits.events import (
    CapSet,
    CoolingOff,
    HouseTermsSet,
    LimitSet,
    PlayerBlocked,
    PlayerTermsSet,
    PlayerUnblocked,
    SelfExcluded,
)
from overround.book.limits.rules import (
    Refusal,
    cool_off_until_us,
    effective_at_us,
    excluded_until_us,
    is_amount,
    room_minor,
    shut_out,
    stake_room,
)
from overround.book.limits.state import APPLY, LimitsState, Scope, forget_caps, give_back, use
from overround.book.limits.types import (
    LOOSENING_WAIT_US,
    NO_LIMIT,
    Cap,
    HouseTerms,
    Limit,
    LimitKind,
    Player,
    Purse,
    Usage,
)

__all__ = [
    "APPLY",
    "LOOSENING_WAIT_US",
    "NO_LIMIT",
    "Cap",
    "CapSet",
    "CoolingOff",
    "HouseTerms",
    "HouseTermsSet",
    "Limit",
    "LimitKind",
    "LimitSet",
    "LimitsState",
    "Player",
    "PlayerBlocked",
    "PlayerTermsSet",
    "PlayerUnblocked",
    "Purse",
    "Refusal",
    "Scope",
    "SelfExcluded",
    "Usage",
    "cool_off_until_us",
    "effective_at_us",
    "excluded_until_us",
    "forget_caps",
    "give_back",
    "is_amount",
    "room_minor",
    "shut_out",
    "stake_room",
    "use",
]
