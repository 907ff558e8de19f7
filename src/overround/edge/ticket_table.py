"""The operations about tickets, beside those of `table`."""

from collections.abc import Iterator
from typing import Any, Final

from overround.edge import builders, referrals, tickets, workings
from overround.edge.access import Need
from overround.edge.builders import Builders
from overround.edge.examples import AT, BUILDER, KEY, TICKET, TICKET_PLACED, WORKING
from overround.edge.referrals import Referrals
from overround.edge.routes import Example, Handler, Route
from overround.edge.tickets import Tickets
from overround.edge.workings import Workings

CHECKS: Final = (
    "customer_not_found",
    "wallet_not_found",
    "self_excluded",
    "cooling_off",
    "player_blocked",
    "stake_invalid",
)
TICKET_CHECKS: Final = (
    "ticket_bets",
    "bet_legs",
    "legs_related",
    "leg_price",
    "each_way_terms",
    "bet_folds",
    "bet_lines",
    "bet_stake",
    "market_not_found",
    "market_archived",
    "each_way_not_offered",
    "starting_price_not_offered",
    "builder_not_found",
    "builder_expired",
)
STANDING: Final = (
    "market_closed",
    "market_suspended",
    "not_approved",
    "market_changed",
    "selection_not_found",
    "no_price",
    "price_changed",
    "stake_below_minimum",
    "stake_limit",
    "payout_limit",
    "ticket_payout",
    "day_payout",
    "market_liability",
    "level_liability",
    "house_liability",
    "limit_stake_day",
    "limit_stake_week",
    "limit_stake_month",
    "limit_loss_day",
    "limit_loss_week",
    "limit_loss_month",
    "insufficient_funds",
)
GRANT_CHECKS: Final = ("grant_not_found", "grant_expired", "grant_used", "grant_terms")
TICKET_PROBLEMS: Final = (*CHECKS, *TICKET_CHECKS, *GRANT_CHECKS, *STANDING)
"""Why a ticket is refused; `bet` and `leg` say which of it."""


def own_tickets(own: Tickets, pricing: Builders, working: Workings) -> Iterator[Route]:
    """What customers do."""
    yield Route(
        method="POST",
        path="/v1/tickets",
        name="place_ticket",
        doc="Place a ticket of up to 20 bets, singles to systems: all are taken, or none. 201 says that it stands; 202 "
        "that it waits, `delayed` in play or `referred` to a trader.",
        tag="tickets",
        handler=own.place,
        need=Need.CUSTOMER,
        keyed=True,
        body=tickets.TicketBody,
        replies={201: tickets.TicketPlaced, 202: tickets.TicketWaits},
        problems=TICKET_PROBLEMS,
        example=Example(path="/v1/tickets", body=TICKET, reply=TICKET_PLACED),
    )
    yield Route(
        method="POST",
        path="/v1/tickets/preview",
        name="preview_ticket",
        doc="What would become of a ticket now: its lines, prices and the most that it may pay, or why it would be "
        "refused. Nothing is kept of it.",
        tag="tickets",
        handler=own.preview,
        need=Need.CUSTOMER_READ,
        body=tickets.TicketBody,
        replies={200: tickets.Preview},
        problems=("stake_invalid",),
        example=Example(path="/v1/tickets/preview", body=TICKET),
    )
    for path, name, doc, handler, problems, filled in (
        (
            "/v1/tickets/{ticket_id:int}",
            "find_ticket",
            "One of the customer's own tickets, by the id of any of its bets, as it is now.",
            own.find,
            ("ticket_not_found",),
            "/v1/tickets/901",
        ),
        (
            "/v1/tickets/by-key/{key}",
            "find_ticket_by_key",
            "What became of a request to place a ticket: the ticket, or the problem with which it was refused.",
            own.find_by_key,
            ("ticket_not_found", "key_invalid", *TICKET_PROBLEMS),
            f"/v1/tickets/by-key/{KEY}",
        ),
    ):
        yield _read(path, name, doc, handler, tickets.TicketNow, problems=problems, example=Example(path=filled))
    yield Route(
        method="POST",
        path="/v1/tickets/{ticket_id:int}/answer",
        name="answer_offer",
        doc="Take or leave what a trader offered for a referred ticket. The reply is the ticket as it is then.",
        tag="tickets",
        handler=own.answer,
        need=Need.CUSTOMER,
        keyed=True,
        body=tickets.AnswerBody,
        replies={200: tickets.TicketNow},
        problems=("ticket_not_found", "bet_archived", "ticket_status"),
        example=Example(path="/v1/tickets/901/answer", body={"accept": True}),
    )
    yield _read(
        "/v1/bets/{bet_id:int}/working",
        "bet_working",
        "How one of the customer's own bets came to what it pays, line by line. Open legs count as lost.",
        working.own,
        workings.WorkingBody,
        query=workings.WorkingQuery,
        problems=("bet_not_found",),
        example=Example(path="/v1/bets/901/working?limit=20", reply=WORKING),
    )
    yield Route(
        method="POST",
        path="/v1/bet-builders",
        name="price_bet_builder",
        doc="What several selections of one event cost together. The price is not the product of theirs.",
        tag="tickets",
        handler=pricing.price,
        need=Need.CUSTOMER,
        body=builders.BuilderAsked,
        replies={200: builders.BuilderPrice},
        problems=("no_builder_price", "builder_not_possible"),
        example=Example(
            path="/v1/bet-builders", body=BUILDER, reply={"builder_id": 12, "price_milli": 3_250, "expires_at": AT}
        ),
    )


def _read(path: str, name: str, doc: str, handler: Handler, reply: Any, **more: Any) -> Route:
    return Route(
        method="GET",
        path=path,
        name=name,
        doc=doc,
        tag="tickets",
        handler=handler,
        need=Need.CUSTOMER_READ,
        replies={200: reply},
        **more,
    )


def referred(own: Referrals, working: Workings) -> Iterator[Route]:
    """What operators look at."""
    paged = ("cursor_invalid", "projection_behind", "unavailable")
    for path, name, doc, handler, reply, query, problems in (
        (
            "referrals",
            "referrals",
            "Tickets that were referred to a trader: those that wait, or with `waiting=false` all.",
            own.referrals,
            referrals.ReferralPage,
            referrals.ReferralsQuery,
            paged,
        ),
        (
            "caps",
            "caps",
            "What the house takes at each level.",
            own.caps,
            referrals.CapsBody,
            referrals.CapsQuery,
            ("projection_behind", "unavailable"),
        ),
        (
            "windows",
            "cancelled_windows",
            "Windows whose bets were cancelled or restored, of one market or all.",
            own.windows,
            referrals.WindowPage,
            referrals.WindowsQuery,
            paged,
        ),
        (
            "bets/{bet_id:int}/working",
            "any_bet_working",
            "How a bet came to what it pays, line by line. Open legs count as lost.",
            working.anybodys,
            workings.WorkingBody,
            workings.WorkingQuery,
            ("bet_not_found",),
        ),
    ):
        yield Route(
            method="GET",
            path=f"/v1/operator/{path}",
            name=name,
            doc=doc,
            tag="operator: tickets",
            handler=handler,
            need=Need.OPERATOR_READ,
            query=query,
            replies={200: reply},
            problems=problems,
            example=Example(path="/v1/operator/" + path.replace("{bet_id:int}", "901")),
        )
