"""What a bet is, its life as a table, and what a market owes on its bets."""

from enum import StrEnum
from typing import Final

import msgspec

from overround.book.tickets import Outcome


class OddsChange(StrEnum):
    """What a customer accepts when the price has moved: nothing, a better price only, or any price."""

    NONE = "none"
    HIGHER = "higher"
    ANY = "any"


class BetStatus(StrEnum):
    DELAYED = "delayed"
    OPEN = "open"
    REFUSED = "refused"
    SETTLED = "settled"


class BetAction(StrEnum):
    ACCEPT = "accept"
    REFUSE = "refuse"
    SETTLE = "settle"


BET_LIFE: Final = {
    (BetStatus.DELAYED, BetAction.ACCEPT): BetStatus.OPEN,
    (BetStatus.DELAYED, BetAction.REFUSE): BetStatus.REFUSED,
    (BetStatus.OPEN, BetAction.SETTLE): BetStatus.SETTLED,
    (BetStatus.SETTLED, BetAction.SETTLE): BetStatus.SETTLED,
}
"""A bet's life. A correction settles a settled bet again."""


class Bet(msgspec.Struct, array_like=True, gc=False):
    """A single bet at a fixed price. What a customer asked for does not change; status, outcome and payout do.

    `key` is the scoped key (16 bytes of UUIDv7, 8 of the actor) and `content` the hash of the request, so that the
    bet is its own memory of the request. `seq` is the fact that took it. `price_milli` is the price really taken.
    """

    id: int
    customer_id: int
    market_id: int
    selection_id: int
    currency: str
    stake_minor: int
    price_milli: int
    market_version: int
    odds_change: OddsChange
    placed_at_us: int
    seq: int
    key: bytes
    content: int
    status: BetStatus = BetStatus.OPEN
    decide_at_us: int = 0
    outcome: Outcome | None = None
    payout_minor: int = 0


class Exposure(msgspec.Struct, array_like=True):
    """What one market owes in one currency: stakes taken, payouts by selection, the largest. Never recomputed."""

    stakes_minor: int = 0
    largest_payout_minor: int = 0
    payouts_minor: dict[int, int] = {}

    @property
    def worst_minor(self) -> int:
        """What the house loses on the market if the worst selection wins; at least 0."""
        return max(0, self.largest_payout_minor - self.stakes_minor)
