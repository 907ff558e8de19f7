"""What promotions tell the rest of the house."""

from overround.book.ledger import Posting
from overround.kernel.fact import Fact


class FreeBetGranted(Fact, frozen=True, kw_only=True, tag="free_bet_granted"):
    """A customer may place one bet of just this stake with the house's money."""

    grant_id: int
    customer_id: int
    currency: str
    amount_minor: int
    expires_at_us: int
    min_price_milli: int = 0
    note: str = ""


class BoostGranted(Fact, frozen=True, kw_only=True, tag="boost_granted"):
    """A customer may place one single at a price whose winnings are higher by `percent_bps`."""

    grant_id: int
    customer_id: int
    currency: str
    percent_bps: int
    max_stake_minor: int
    expires_at_us: int
    min_price_milli: int = 0
    note: str = ""


class BonusGranted(Posting, frozen=True, kw_only=True, tag="bonus_granted"):
    """A customer has bonus money, which becomes cash once `required_minor` was staked."""

    grant_id: int
    customer_id: int
    currency: str
    amount_minor: int
    required_minor: int
    expires_at_us: int
    min_price_milli: int = 0
    note: str = ""


class BonusReleased(Posting, frozen=True, kw_only=True, tag="bonus_released"):
    """The wagering is done and what is left of a bonus is cash. With `late` it is what a bet paid afterwards."""

    grant_id: int
    customer_id: int
    currency: str
    amount_minor: int
    late: bool = False


class BonusExpired(Posting, frozen=True, kw_only=True, tag="bonus_expired"):
    """A bonus has ended and what is left of it is the house's: its time was over, or (`revoked`) it was taken back.
    With `late` it is what a bet paid afterwards."""

    grant_id: int
    customer_id: int
    currency: str
    amount_minor: int
    late: bool = False
    revoked: bool = False


class GrantRevoked(Fact, frozen=True, kw_only=True, tag="grant_revoked"):
    """A token that was not used is gone."""

    grant_id: int
    customer_id: int
