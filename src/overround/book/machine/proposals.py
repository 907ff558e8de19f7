"""Corrections that wait for a second pair of eyes: what is remembered of them."""

from enum import StrEnum
from typing import Final

import msgspec

from overround.book.machine.commands import AnyCommand
from overround.kernel.instant import DAY_US

PROPOSAL_US: Final = DAY_US
"""How long a proposal waits for somebody to approve it."""

MAX_PROPOSALS: Final = 100
"""Proposals that wait at a time."""


class ProposalRefusal(StrEnum):
    """Every way proposals are refused, in the order checked."""

    PROPOSAL_NOT_FOUND = "proposal_not_found"
    OWN_PROPOSAL = "own_proposal"
    ALREADY_PROPOSED = "already_proposed"
    TOO_MANY_PROPOSALS = "too_many_proposals"


class Proposal(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A correction as `actor` asked for it. `change_minor` is by currency how much payouts would change in sum, up or
    down, over `bets` bets, or positions of an exchange market; where `is_whole` is false not all were looked at."""

    id: int
    actor: int
    command: AnyCommand
    change_minor: dict[str, int]
    bets: int
    is_whole: bool
    proposed_at_us: int
    expires_at_us: int


class Proposals(msgspec.Struct):
    """`waiting` by id, and so in the order in which they expire. `limits_minor` is by currency the change above which a
    correction waits; 0 or none is no limit."""

    waiting: dict[int, Proposal] = {}
    made: int = 0
    limits_minor: dict[str, int] = {}

    @property
    def is_asked_for(self) -> bool:
        """Whether any correction may have to wait."""
        return any(self.limits_minor.values())

    def next_due_us(self) -> int | None:
        """When the first proposal expires."""
        return next(iter(self.waiting.values())).expires_at_us if self.waiting else None
