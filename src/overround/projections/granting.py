"""How the facts of promotions change the tables: money that moves, and what operators gave or took back."""

from collections.abc import Callable
from typing import Any, Final

from overround.book.promotions import (
    BonusExpired,
    BonusGranted,
    BonusReleased,
    BoostGranted,
    FreeBetGranted,
    GrantKind,
    GrantRevoked,
    GrantStatus,
)
from overround.projections.actions import is_action
from overround.projections.changes import GrantRow
from overround.projections.underway import NOBODY, Folding, act, post


def _free_bet_granted(at: Folding, fact: FreeBetGranted) -> None:
    _granted(at, fact, GrantKind.FREE_BET, fact.amount_minor)


def _boost_granted(at: Folding, fact: BoostGranted) -> None:
    grant = _granted(at, fact, GrantKind.BOOST, fact.max_stake_minor)
    grant.percent_bps = fact.percent_bps


def _bonus_granted(at: Folding, fact: BonusGranted) -> None:
    post(at, fact.transfers, None)
    grant = _granted(at, fact, GrantKind.BONUS, fact.amount_minor)
    grant.required_minor = fact.required_minor
    at.known.bonuses[fact.customer_id, fact.currency] = grant


def _granted(
    at: Folding, fact: FreeBetGranted | BoostGranted | BonusGranted, kind: GrantKind, amount_minor: int
) -> GrantRow:
    grant = at.known.grants[fact.grant_id] = GrantRow(
        id=fact.grant_id,
        customer_id=fact.customer_id,
        currency=fact.currency,
        kind=kind,
        amount_minor=amount_minor,
        min_price_milli=fact.min_price_milli,
        percent_bps=0,
        required_minor=0,
        wagered_minor=0,
        status=GrantStatus.OPEN,
        granted_at_us=at.at_us,
        expires_at_us=fact.expires_at_us,
        ended_at_us=0,
        note=fact.note,
        actor=(fact.cause or NOBODY).actor,
        seq=at.seq,
    )
    at.changes.grants.add(grant.id)
    act(at, fact)
    return grant


def _revoked(at: Folding, fact: GrantRevoked) -> None:
    _end(at, fact.grant_id, GrantStatus.REVOKED)
    act(at, fact)


def _bonus_over(at: Folding, fact: BonusReleased | BonusExpired) -> None:
    post(at, fact.transfers, None)
    if not fact.late:
        released = isinstance(fact, BonusReleased)
        _end(at, fact.grant_id, GrantStatus.RELEASED if released else GrantStatus.EXPIRED)
        del at.known.bonuses[fact.customer_id, fact.currency]
    if is_action(fact):
        act(at, fact)


def _end(at: Folding, grant_id: int, status: GrantStatus) -> None:
    grant = at.known.grants[grant_id]
    grant.status, grant.ended_at_us = status, at.at_us
    at.changes.grants.add(grant_id)


GRANTS: Final[dict[type, Callable[[Folding, Any], None]]] = {
    FreeBetGranted: _free_bet_granted,
    BoostGranted: _boost_granted,
    GrantRevoked: _revoked,
    BonusGranted: _bonus_granted,
    BonusReleased: _bonus_over,
    BonusExpired: _bonus_over,
}
