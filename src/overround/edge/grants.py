"""Promotions: what operators give and take back, and what a customer has been given."""

from typing import Final

import msgspec

from overround.book.machine import GrantNow, GrantsNow
from overround.book.machine.grant_commands import GetGrants, GrantBonus, GrantBoost, GrantFreeBet, RevokeGrant
from overround.book.promotions import GrantKind, GrantStatus
from overround.edge.asking import Asker, unexpected
from overround.edge.bodies import Body
from overround.edge.operations import CUSTOMER, Operation
from overround.edge.routes import Call, Reply
from overround.edge.values import AtText, Currency, Id, Moment, Natural, Text, at_text

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


class Grants:
    """The handlers."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

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
