"""What may be asked about tickets. Stakes are minor units, prices thousandths."""

import msgspec

from overround.book.bets import OddsChange
from overround.book.ledger import StakeKind
from overround.book.machine.command import Command


class LegAsked(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """A leg asked for: a selection at `price_milli` (0 for the starting price), or, with `builder_id`, a bet builder at
    its price. `market_version` of 0 asks for no version."""

    market_id: int
    selection_id: int
    price_milli: int
    banker: bool = False
    market_version: int = 0
    builder_id: int = 0


class BetAsked(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """A bet of a ticket: its legs, the folds that make its lines, and the stake of the whole bet."""

    legs: tuple[LegAsked, ...]
    folds: tuple[int, ...]
    stake_minor: int
    each_way: bool = False


class PlaceTicket(Command, frozen=True):
    """Bets handed in together: all of them are taken, or none. With `refer` a ticket over a limit of the house waits
    for a trader instead of being refused."""

    customer_id: int
    currency: str
    bets: tuple[BetAsked, ...]
    odds_change: OddsChange = OddsChange.NONE
    stake_kind: StakeKind = StakeKind.CASH
    grant_id: int = 0
    refer: bool = False


class AcceptReferral(Command, frozen=True):
    """A trader takes a referred ticket as asked for."""

    ticket_id: int


class DeclineReferral(Command, frozen=True):
    ticket_id: int


class BetOffered(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """A trader's terms for a bet: its stake, and a price for each leg or none at all for those asked for."""

    stake_minor: int
    prices_milli: tuple[int, ...] = ()


class OfferReferral(Command, frozen=True):
    """A trader would take a referred ticket on other terms, one for each of its bets."""

    ticket_id: int
    bets: tuple[BetOffered, ...]


class AnswerOffer(Command, frozen=True):
    """The customer takes a trader's offer, or leaves it."""

    customer_id: int
    ticket_id: int
    accept: bool


class PriceBuilder(Command, frozen=True):
    """A price for several selections of one event together. `parts` are (market_id, selection_id), ascending;
    `without_milli` is empty or, for each part, what the others are worth should just that one be void (0: nothing)."""

    event_id: int
    parts: tuple[tuple[int, int], ...]
    price_milli: int
    lasts_us: int
    without_milli: tuple[int, ...] = ()


class PreviewTicket(PlaceTicket, frozen=True):
    """What would become of this ticket now; nothing does."""


class FindTicket(Command, frozen=True):
    """A customer's ticket by the id of any of its bets, or, with `ticket_id` 0, by its key."""

    customer_id: int
    ticket_id: int = 0
    key: str = ""


class GetWorking(Command, frozen=True):
    """What is known of the legs of a bet, so that its payout can be worked out line by line. `customer_id` of 0 is an
    operator, who may see every bet."""

    customer_id: int
    bet_id: int


TicketCommand = PlaceTicket | AcceptReferral | DeclineReferral | OfferReferral | AnswerOffer | PriceBuilder

TicketQuery = PreviewTicket | FindTicket | GetWorking
