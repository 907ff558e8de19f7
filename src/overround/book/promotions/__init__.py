"""Promotions own what the house gives away: free bets, boosts of a price, and bonus money with wagering terms.

Invariants: a token stands for one bet at a time; a refused, expired or void one leaves nothing behind; a wallet has one
bonus that runs, and what is left of it becomes cash once, or the house's once.
"""

from overround.book.promotions.events import (
    BonusExpired,
    BonusGranted,
    BonusReleased,
    BoostGranted,
    FreeBetGranted,
    GrantRevoked,
)
from overround.book.promotions.rules import (
    Refusal,
    Unfit,
    boosted,
    claim_refusal,
    grant_refusal,
    is_available,
    qualifies,
    unfit,
)
from overround.book.promotions.state import (
    APPLY,
    PromotionsState,
    index,
    let_go,
    owe,
    set_aside,
    settle,
    stand,
)
from overround.book.promotions.types import (
    MAX_BOOST_BPS,
    MAX_GRANT_US,
    MAX_GRANTS,
    MAX_WAGERING,
    RESTORED_US,
    Grant,
    GrantKind,
    GrantStatus,
    Kept,
)

__all__ = [
    "APPLY",
    "MAX_BOOST_BPS",
    "MAX_GRANTS",
    "MAX_GRANT_US",
    "MAX_WAGERING",
    "RESTORED_US",
    "BonusExpired",
    "BonusGranted",
    "BonusReleased",
    "BoostGranted",
    "FreeBetGranted",
    "Grant",
    "GrantKind",
    "GrantRevoked",
    "GrantStatus",
    "Kept",
    "PromotionsState",
    "Refusal",
    "Unfit",
    "boosted",
    "claim_refusal",
    "grant_refusal",
    "index",
    "is_available",
    "let_go",
    "owe",
    "qualifies",
    "set_aside",
    "settle",
    "stand",
    "unfit",
]
