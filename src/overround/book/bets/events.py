"""What the bets tell the rest of the house."""

import msgspec

from overround.book.bets.types import OddsChange
from overround.book.ledger import Posting, StakeKind
from overround.book.tickets import Slip
from overround.kernel.fact import Fact


class BetAccepted(Posting, frozen=True, kw_only=True, tag="bet_accepted"):
    """A plain single stands, at the price really taken (thousandths). The stake has left the customer's cash."""

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
    """A plain single waits for its in-play delay to end; its stake is held, not moved."""

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


class TicketBet(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A bet of a ticket: its slip at the prices that stand (while it waits: at those asked for), and the most that it
    may pay, in minor units."""

    bet_id: int
    slip: Slip
    potential_minor: int


class TicketAccepted(Posting, frozen=True, kw_only=True, tag="ticket_accepted"):
    """Every bet of a ticket stands, at the prices really taken. The stakes have left the customer."""

    ticket_id: int
    customer_id: int
    currency: str
    odds_change: OddsChange
    bets: tuple[TicketBet, ...]
    stake_kind: StakeKind = StakeKind.CASH
    grant_id: int = 0


class TicketDelayed(Fact, frozen=True, kw_only=True, tag="ticket_delayed"):
    """A ticket waits for the longest in-play delay of its legs; the stakes are held, not moved."""

    ticket_id: int
    customer_id: int
    currency: str
    odds_change: OddsChange
    bets: tuple[TicketBet, ...]
    decide_at_us: int
    stake_kind: StakeKind = StakeKind.CASH
    grant_id: int = 0


class TicketReferred(Fact, frozen=True, kw_only=True, tag="ticket_referred"):
    """A ticket over a limit waits for a trader until `decide_at_us`; the stakes are held. `code` and `detail` are what
    it would have been refused for."""

    ticket_id: int
    customer_id: int
    currency: str
    odds_change: OddsChange
    bets: tuple[TicketBet, ...]
    decide_at_us: int
    code: str
    detail: dict[str, int | str]
    stake_kind: StakeKind = StakeKind.CASH
    grant_id: int = 0


class TicketOffered(Fact, frozen=True, kw_only=True, tag="ticket_offered"):
    """A trader would take a referred ticket on other terms: the customer has until `decide_at_us`. No stake has grown;
    what shrank is no longer held."""

    ticket_id: int
    customer_id: int
    bets: tuple[TicketBet, ...]
    decide_at_us: int


class WaitingTicketAccepted(Posting, frozen=True, kw_only=True, tag="waiting_ticket_accepted"):
    """What a ticket waited for is over and it stands, on these terms."""

    ticket_id: int
    customer_id: int
    bets: tuple[TicketBet, ...]


class WaitingTicketRefused(Fact, frozen=True, kw_only=True, tag="waiting_ticket_refused"):
    """What a ticket waited for is over and it does not stand; the held stakes are free again."""

    ticket_id: int
    customer_id: int
    code: str
    detail: dict[str, int | str]


class BuilderPriced(Fact, frozen=True, kw_only=True, tag="builder_priced"):
    """A bet builder has a price (thousandths) until `expires_at_us`, while the markets of its parts stay at these
    versions. `parts` are (market_id, selection_id), ascending; `without_milli` is empty or the price without each."""

    builder_id: int
    event_id: int
    parts: tuple[tuple[int, int], ...]
    versions: tuple[int, ...]
    price_milli: int
    expires_at_us: int
    without_milli: tuple[int, ...] = ()
