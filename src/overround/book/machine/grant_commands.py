"""What may be asked about promotions."""

from overround.book.machine.command import Command


class GrantFreeBet(Command, frozen=True):
    """One bet of just `amount_minor` with the house's money, until an instant, every leg at `min_price_milli` or
    above. `note` is kept for ever: a campaign's name, no personal data."""

    customer_id: int
    currency: str
    amount_minor: int
    expires_at_us: int
    min_price_milli: int = 0
    note: str = ""


class GrantBoost(Command, frozen=True):
    """One single whose winnings are higher by `percent_bps` (hundredths of a per cent)."""

    customer_id: int
    currency: str
    percent_bps: int
    max_stake_minor: int
    expires_at_us: int
    min_price_milli: int = 0
    note: str = ""


class GrantBonus(Command, frozen=True):
    """Bonus money, which becomes cash once `wagering_multiple` times of it was staked at `min_price_milli` or above."""

    customer_id: int
    currency: str
    amount_minor: int
    wagering_multiple: int
    expires_at_us: int
    min_price_milli: int = 0
    note: str = ""


class RevokeGrant(Command, frozen=True):
    """Take back a token that was not used, or a bonus that runs, with what is left of it."""

    customer_id: int
    grant_id: int


class GetGrants(Command, frozen=True):
    """A customer's grants, newest first."""

    customer_id: int


GrantCommand = GrantFreeBet | GrantBoost | GrantBonus | RevokeGrant
GrantQuery = GetGrants
