"""What operators do about tickets: referrals answered, caps set, bet builders priced. Rows beside those of
`operations`."""

from typing import Annotated, Final

from msgspec import Meta

from overround.book.limits import Cap
from overround.book.machine.commands import (
    AcceptReferral,
    BetOffered,
    Command,
    DeclineReferral,
    OfferReferral,
    PriceBuilder,
    SetCap,
)
from overround.book.tickets import MAX_BETS, MAX_LEGS
from overround.edge.bodies import Body, Fields
from overround.edge.operations import Operation
from overround.edge.values import Currency, Id, Natural
from overround.kernel.level import Level

TICKET: Final = {"ticket_id": 901}


class OfferedBody(Body, frozen=True):
    """Terms for a bet: a stake no larger than asked for, and prices of all legs (0 for a starting price) or none for
    those asked for."""

    stake_minor: Id
    prices_milli: Annotated[tuple[Natural, ...], Meta(max_length=MAX_LEGS)] = ()


class OfferBody(Body, frozen=True):
    """Terms for each bet of the ticket, in its order."""

    bets: Annotated[tuple[OfferedBody, ...], Meta(min_length=1, max_length=MAX_BETS)]


class CapBody(Body, frozen=True):
    """What the house takes at a level in minor units; 0 bounds nothing there. `id` of 0 is the platform; a selection is
    its market's id with a `selection_id`."""

    level: Level
    id: Natural
    currency: Currency
    selection_id: Natural = 0
    max_stake_minor: Natural = 0
    max_payout_minor: Natural = 0
    max_liability_minor: Natural = 0


class BuilderPart(Body, frozen=True, gc=False):
    market_id: Id
    selection_id: Id


Parts = Annotated[tuple[BuilderPart, ...], Meta(min_length=2, max_length=MAX_LEGS)]


class BuilderBody(Body, frozen=True):
    """Several selections of one event that must all win, at one price (thousandths) that holds for so long, while no
    market of them changes. `without_milli` is empty or, for each selection, what the others are worth should just that
    one be void (0: the bet is void then)."""

    event_id: Id
    selections: Parts
    price_milli: Natural
    lasts_ms: Natural
    without_milli: Annotated[tuple[Natural, ...], Meta(max_length=MAX_LEGS)] = ()


def _offer(fields: Fields) -> Command:
    bets = tuple(BetOffered(each.stake_minor, each.prices_milli) for each in fields["bets"])
    return OfferReferral(fields["ticket_id"], bets)


def _cap(fields: Fields) -> Command:
    bounds = ("max_stake_minor", "max_payout_minor", "max_liability_minor")
    cap = Cap(**{name: fields.pop(name) for name in bounds})
    return SetCap(cap=cap, **fields)


def _builder(fields: Fields) -> Command:
    parts = [(each.market_id, each.selection_id) for each in fields["selections"]]
    without = fields["without_milli"]
    if len(without) == len(parts):
        without = tuple(worth for _, worth in sorted(zip(parts, without, strict=True)))
    lasts_us = fields["lasts_ms"] * 1_000
    return PriceBuilder(fields["event_id"], tuple(sorted(parts)), fields["price_milli"], lasts_us, without)


TICKET_OPERATIONS: Final = (
    Operation(
        method="POST",
        path="referrals/{ticket_id:int}/accept",
        command=AcceptReferral,
        shows="ticket_id",
        tag="referrals",
        doc="Take a referred ticket as asked for, over the house's limits. Its prices, the customer's own limits and "
        "the money are asked again, so it may still fall.",
        problems=("ticket_not_found", "bet_archived", "ticket_status"),
        in_path=TICKET,
    ),
    Operation(
        method="POST",
        path="referrals/{ticket_id:int}/decline",
        command=DeclineReferral,
        shows="ticket_id",
        tag="referrals",
        doc="Refuse a referred ticket; its stakes are free again.",
        problems=("ticket_not_found", "bet_archived", "ticket_status"),
        in_path=TICKET,
    ),
    Operation(
        method="POST",
        path="referrals/{ticket_id:int}/offer",
        command=OfferReferral,
        body=OfferBody,
        build=_offer,
        shows="ticket_id",
        tag="referrals",
        doc="Offer to take a referred ticket with smaller stakes or at other prices. The customer has a minute.",
        problems=("ticket_not_found", "bet_archived", "ticket_status", "offer_invalid"),
        example={"bets": [{"stake_minor": 50_000, "prices_milli": [2_000, 1_850]}]},
        in_path=TICKET,
    ),
    Operation(
        method="PUT",
        path="caps",
        command=SetCap,
        body=CapBody,
        build=_cap,
        tag="house",
        doc="Set what the house takes of one bet, and may lose, at a level. All three 0 take the cap away.",
        problems=(
            "currency_unknown",
            "level_invalid",
            "sport_not_found",
            "competition_not_found",
            "event_not_found",
            "event_archived",
            "market_not_found",
            "market_archived",
            "selection_not_found",
            "terms_invalid",
        ),
        example={"level": "event", "id": 3, "currency": "EUR", "max_stake_minor": 20_000},
    ),
    Operation(
        method="POST",
        path="bet-builders",
        command=PriceBuilder,
        body=BuilderBody,
        build=_builder,
        shows="builder_id",
        tag="house",
        doc="A price for several selections of one event together, for any customer to take while it holds.",
        problems=(
            "event_not_found",
            "event_archived",
            "price_invalid",
            "delay_invalid",
            "catalogue_full",
            "selections_invalid",
            "selection_not_found",
        ),
        example={
            "event_id": 3,
            "selections": [{"market_id": 7, "selection_id": 1}, {"market_id": 8, "selection_id": 1}],
            "price_milli": 3_250,
            "lasts_ms": 60_000,
        },
    ),
)
