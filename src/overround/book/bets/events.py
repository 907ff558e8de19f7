"""What the bets tell the rest of the house."""

from overround.book.bets.types import OddsChange
from overround.book.ledger import Posting
from overround.kernel.fact import Fact


class BetAccepted(Posting, frozen=True, kw_only=True, tag="bet_accepted"):
    """A bet stands, at the price really taken (thousandths). The stake has left the customer's cash."""

    bet_id: int
    customer_id: int
    market_id: int
    selection_id: int
    currency: str
    stake_minor: int
    price_milli: int
    market_version: int
    odds_change: OddsChange


class BetDelayed(Fact, frozen=True, kw_only=True, tag="bet_delayed"):
    """A bet waits for its in-play delay to end; its stake is held, not moved."""

    bet_id: int
    customer_id: int
    market_id: int
    selection_id: int
    currency: str
    stake_minor: int
    price_milli: int
    market_version: int
    odds_change: OddsChange
    decide_at_us: int


class DelayedBetAccepted(Posting, frozen=True, kw_only=True, tag="delayed_bet_accepted"):
    """The delay is over and the bet stands, at this price."""

    bet_id: int
    customer_id: int
    price_milli: int


class DelayedBetRefused(Fact, frozen=True, kw_only=True, tag="delayed_bet_refused"):
    """The delay is over and the bet does not stand; the held stake is free again."""

    bet_id: int
    customer_id: int
    code: str
    detail: dict[str, int | str]
