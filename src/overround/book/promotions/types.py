"""What the house grants a customer: free bets, boosts and bonuses, with their terms and what became of them."""

from enum import StrEnum
from typing import Final

import msgspec

from overround.kernel.instant import DAY_US

MAX_GRANTS: Final = 100
"""Grants of one customer that may be used at a time."""

MAX_GRANT_US: Final = 366 * DAY_US
"""The longest for which a grant may be used."""

RESTORED_US: Final = 7 * DAY_US
"""A free bet whose bet was void may be used at least this long again."""

MAX_BOOST_BPS: Final = 100_000
"""The largest boost: winnings eleven times as high."""

MAX_WAGERING: Final = 100
"""How many times a bonus may have to be staked at most."""


class GrantKind(StrEnum):
    FREE_BET = "free_bet"
    BOOST = "boost"
    BONUS = "bonus"


class GrantStatus(StrEnum):
    """Of a token `open` says that it is neither revoked nor forgotten; whether it is free for use, its uses say. A
    bonus that is not open was `released` to the customer's cash, or `expired` to the house."""

    OPEN = "open"
    RELEASED = "released"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Grant(msgspec.Struct, array_like=True, gc=False):
    """A grant and its terms, which do not change; those from `status` on do.

    `amount_minor` is what a free bet stakes, what a boost lets stake at most, and what a bonus credited. Every leg of a
    bet must have been struck at `min_price_milli` or above: for a token to be used, for a bet to count towards the
    wagering of a bonus. `percent_bps` is how much a boost raises winnings. `uses` are the bets that stand on a token,
    `held` says that a ticket which waits has it, `used` that a bet ever stood on it. `wagered_minor` counts to
    `required_minor`.
    """

    id: int
    customer_id: int
    currency: str
    kind: GrantKind
    amount_minor: int
    granted_at_us: int
    expires_at_us: int
    min_price_milli: int = 0
    percent_bps: int = 0
    required_minor: int = 0
    status: GrantStatus = GrantStatus.OPEN
    uses: int = 0
    held: bool = False
    wagered_minor: int = 0
    used: bool = False

    @property
    def runs(self) -> bool:
        return self.status is GrantStatus.OPEN


class Kept(msgspec.Struct, array_like=True):
    """What a snapshot keeps."""

    made: int
    grants: list[Grant]
    owed: dict[int, int]
