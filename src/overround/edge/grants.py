"""Promotions: what operators give and take back, and what a customer has been given."""

from typing import Final

import msgspec

from overround.book.machine import GrantNow, GrantsNow
from overround.book.machine.grant_commands import GetGrants, GrantBonus, GrantBoost, GrantFreeBet, RevokeGrant
from overround.book.promotions import GrantKind, GrantStatus
from overround.edge.asking import Asker, unexpected
from overround.edge.bodies import Body
from overround.edge.listing import PageQuery
from overround.edge.operations import CUSTOMER, Operation
from overround.edge.reading import Reading
from overround.edge.routes import Call, Reply
from overround.edge.values import AtText, Currency, Id, Moment, Natural, Text, at_text, at_text_or_none
from overround.projections import ShownGrant

GIVING: Final = ("wallet_not_found", "note_invalid", "too_many_grants", "grant_invalid", "grant_expiry_invalid")
AT: Final = "2026-12-01T12:00:00Z"


class FreeBetBody(Body, frozen=True):
    """One bet of just this stake with the house's money, until `expires_at`; every leg at `min_price_milli` or above.
    `note` names the campaign and is kept for ever: no personal data."""

    currency: Currency
    amount_minor: Id
    expires_at: Moment
    min_price_milli: Natural = 0
    note: Text = ""


class BoostBody(Body, frozen=True):
    """One single whose winnings are higher by so many hundredths of a per cent."""

    currency: Currency
    percent_bps: Id
    max_stake_minor: Id
    expires_at: Moment
    min_price_milli: Natural = 0
    note: Text = ""


class BonusBody(Body, frozen=True):
    """Bonus money, which is cash once so many times of it was staked at `min_price_milli` or above."""

    currency: Currency
    amount_minor: Id
    wagering_multiple: Id
    expires_at: Moment
    min_price_milli: Natural = 0
    note: Text = ""


GRANT_OPERATIONS: Final = (
    Operation(
        method="POST",
        path="customers/{customer_id:int}/grants/free-bets",
        command=GrantFreeBet,
        body=FreeBetBody,
        shows="grant_id",
        tag="promotions",
        doc="Give a customer a free bet.",
        problems=GIVING,
        example={"currency": "EUR", "amount_minor": 1_000, "expires_at": AT, "note": "welcome"},
        in_path=CUSTOMER,
    ),
    Operation(
        method="POST",
        path="customers/{customer_id:int}/grants/boosts",
        command=GrantBoost,
        body=BoostBody,
        shows="grant_id",
        tag="promotions",
        doc="Give a customer a boost of one price.",
        problems=GIVING,
        example={"currency": "EUR", "percent_bps": 2_000, "max_stake_minor": 5_000, "expires_at": AT},
        in_path=CUSTOMER,
    ),
    Operation(
        method="POST",
        path="customers/{customer_id:int}/grants/bonuses",
        command=GrantBonus,
        body=BonusBody,
        shows="grant_id",
        tag="promotions",
        doc="Give a customer bonus money with wagering terms.",
        problems=(*GIVING, "bonus_runs"),
        example={"currency": "EUR", "amount_minor": 1_000, "wagering_multiple": 5, "expires_at": AT},
        in_path=CUSTOMER,
    ),
    Operation(
        method="POST",
        path="customers/{customer_id:int}/grants/{grant_id:int}/revoke",
        command=RevokeGrant,
        shows="grant_id",
        tag="promotions",
        doc="Take back a token that nobody uses, or a bonus that runs, with what is left of it.",
        problems=("grant_not_found", "grant_used"),
        in_path={**CUSTOMER, "grant_id": 12},
    ),
)


class GrantItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A grant. `available` says whether a ticket may name it now. `amount_minor` is what a free bet stakes, what a
    boost lets stake at most, what a bonus credited; `wagered_minor` counts to `required_minor`, which only a bonus
    has."""

    grant_id: int
    currency: str
    kind: GrantKind
    status: GrantStatus
    available: bool
    amount_minor: int
    min_price_milli: int
    percent_bps: int
    required_minor: int
    wagered_minor: int
    granted_at: AtText
    expires_at: AtText


class GrantList(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Of a customer's grants the newest, at most 200."""

    customer_id: int
    grants: tuple[GrantItem, ...]
    seq: int


class GivenItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A grant of any customer with what became of it. `actor` gave it, for the reason in `note`. A token stays open
    when it was used or its time is over; `ended_at` is null while it is."""

    grant_id: int
    customer_id: int
    currency: str
    kind: GrantKind
    status: GrantStatus
    amount_minor: int
    min_price_milli: int
    percent_bps: int
    required_minor: int
    wagered_minor: int
    granted_at: AtText
    expires_at: AtText
    ended_at: AtText | None
    note: str
    actor: int
    seq: int


class GivenPage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Newest first. `next_cursor` leads to what is older, null at the end."""

    items: list[GivenItem]
    next_cursor: str | None


class GivenQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    customer_id: Id | None = None
    status: GrantStatus | None = None


class Grants:
    """The handlers. What may be used now is asked of the book, and everything that was ever given of the tables."""

    def __init__(self, asker: Asker, reading: Reading) -> None:
        self._asker, self._reading = asker, reading

    async def every(self, call: Call) -> Reply:
        query = call.query
        page = await self._reading.ask(
            lambda reads: reads.grants(
                customer_id=query.customer_id, status=query.status, cursor=query.cursor, limit=query.limit
            ),
            min_seq=query.min_seq,
        )
        return Reply(200, GivenPage(items=list(map(_given, page.rows)), next_cursor=page.next))

    async def own(self, call: Call) -> Reply:
        return await self._list(call.customer_id, call.actor)

    async def of_customer(self, call: Call) -> Reply:
        return await self._list(call.number("customer_id"), call.actor)

    async def _list(self, customer_id: int, actor: int) -> Reply:
        answer = await self._asker.ask(GetGrants(customer_id), actor=actor)
        if not isinstance(answer, GrantsNow):
            raise unexpected(answer)
        rows = tuple(map(_item, answer.grants))
        return Reply(200, GrantList(customer_id=answer.customer_id, grants=rows, seq=answer.seq))


def _given(row: ShownGrant) -> GivenItem:
    return GivenItem(
        grant_id=row.id,
        customer_id=row.customer_id,
        currency=row.currency,
        kind=GrantKind(row.kind),
        status=GrantStatus(row.status),
        amount_minor=row.amount_minor,
        min_price_milli=row.min_price_milli,
        percent_bps=row.percent_bps,
        required_minor=row.required_minor,
        wagered_minor=row.wagered_minor,
        granted_at=at_text(row.granted_at_us),
        expires_at=at_text(row.expires_at_us),
        ended_at=at_text_or_none(row.ended_at_us),
        note=row.note,
        actor=row.actor,
        seq=row.seq,
    )


def _item(grant: GrantNow) -> GrantItem:
    return GrantItem(
        grant_id=grant.grant_id,
        currency=grant.currency,
        kind=grant.kind,
        status=grant.status,
        available=grant.available,
        amount_minor=grant.amount_minor,
        min_price_milli=grant.min_price_milli,
        percent_bps=grant.percent_bps,
        required_minor=grant.required_minor,
        wagered_minor=grant.wagered_minor,
        granted_at=at_text(grant.granted_at_us),
        expires_at=at_text(grant.expires_at_us),
    )
