"""Every grant, what is used of it, and how facts change them."""

import heapq
from collections.abc import Callable
from typing import Any

import msgspec

from overround.book.bets import Bet, BetStatus
from overround.book.ledger import StakeKind
from overround.book.promotions.events import (
    BonusExpired,
    BonusGranted,
    BonusReleased,
    BoostGranted,
    FreeBetGranted,
    GrantRevoked,
)
from overround.book.promotions.rules import is_available, qualifies
from overround.book.promotions.types import RESTORED_US, Grant, GrantKind, GrantStatus, Kept
from overround.book.tickets import Outcome
from overround.kernel.fact import Fact


class PromotionsState(msgspec.Struct):
    """`grants` by id. `owed` is, by bonus that has ended, what its bets brought to the bonus account since (below zero:
    took from it).

    Found again from these: `by_customer` (the ids of each customer's grants), `bonuses` (the bonus that runs in a
    wallet), `due` (a heap of when bonuses end, whose first still runs), `ripe` (bonuses whose wagering is done).
    """

    made: int = 0
    grants: dict[int, Grant] = {}
    owed: dict[int, int] = {}
    by_customer: dict[int, list[int]] = {}
    bonuses: dict[tuple[int, str], Grant] = {}
    due: list[tuple[int, int]] = []
    ripe: dict[int, None] = {}

    def keep(self) -> Kept:
        """What a snapshot keeps."""
        return Kept(self.made, list(self.grants.values()), self.owed)

    def available(self, customer_id: int, *, now_us: int) -> int:
        """How many grants a customer may use."""
        return sum(is_available(self.grants[id], now_us=now_us) for id in self.by_customer.get(customer_id, ()))


def index(kept: Kept) -> PromotionsState:
    """The state again from what a snapshot kept."""
    state = PromotionsState(made=kept.made, owed=kept.owed)
    for grant in kept.grants:
        _add(state, grant)
    return state


def _add(state: PromotionsState, grant: Grant) -> None:
    state.grants[grant.id] = grant
    state.by_customer.setdefault(grant.customer_id, []).append(grant.id)
    if grant.kind is GrantKind.BONUS and grant.runs:
        state.bonuses[grant.customer_id, grant.currency] = grant
        heapq.heappush(state.due, (grant.expires_at_us, grant.id))
        _ripen(state, grant)


def _ripen(state: PromotionsState, bonus: Grant) -> None:
    if 0 < bonus.required_minor <= bonus.wagered_minor:
        state.ripe[bonus.id] = None
    else:
        state.ripe.pop(bonus.id, None)


# ---------------------------------------------------------------- giving and ending


def _free_bet_granted(state: PromotionsState, fact: FreeBetGranted, at_us: int) -> None:
    _grant(state, fact, GrantKind.FREE_BET, fact.amount_minor, at_us)


def _boost_granted(state: PromotionsState, fact: BoostGranted, at_us: int) -> None:
    grant = _grant(state, fact, GrantKind.BOOST, fact.max_stake_minor, at_us)
    grant.percent_bps = fact.percent_bps


def _bonus_granted(state: PromotionsState, fact: BonusGranted, at_us: int) -> None:
    grant = _grant(state, fact, GrantKind.BONUS, fact.amount_minor, at_us)
    grant.required_minor = fact.required_minor


def _grant(
    state: PromotionsState,
    fact: FreeBetGranted | BoostGranted | BonusGranted,
    kind: GrantKind,
    amount_minor: int,
    at_us: int,
) -> Grant:
    """A new grant. Tokens of the customer's that nobody used in time are forgotten."""
    _forget_expired(state, fact.customer_id, at_us)
    state.made = fact.grant_id
    grant = Grant(
        fact.grant_id,
        fact.customer_id,
        fact.currency,
        kind,
        amount_minor,
        at_us,
        fact.expires_at_us,
        fact.min_price_milli,
    )
    _add(state, grant)
    return grant


def _forget_expired(state: PromotionsState, customer_id: int, at_us: int) -> None:
    own = state.by_customer.get(customer_id, [])
    for id in [id for id in own if _is_forgotten(state.grants[id], at_us)]:
        own.remove(id)
        del state.grants[id]


def _is_forgotten(grant: Grant, at_us: int) -> bool:
    """Whether nothing will ever be asked of a token again: it was never used, and its time is over."""
    is_over = at_us >= grant.expires_at_us or not grant.runs
    return grant.kind is not GrantKind.BONUS and is_over and not grant.uses and not grant.held and not grant.used


def _bonus_released(state: PromotionsState, fact: BonusReleased, at_us: int) -> None:
    _end(state, fact.grant_id, GrantStatus.RELEASED, late=fact.late)


def _bonus_expired(state: PromotionsState, fact: BonusExpired, at_us: int) -> None:
    _end(state, fact.grant_id, GrantStatus.EXPIRED, late=fact.late)


def _end(state: PromotionsState, grant_id: int, status: GrantStatus, *, late: bool) -> None:
    if late:
        del state.owed[grant_id]
        return
    grant = state.grants[grant_id]
    grant.status = status
    del state.bonuses[grant.customer_id, grant.currency]
    state.ripe.pop(grant.id, None)
    while state.due and not state.grants[state.due[0][1]].runs:
        heapq.heappop(state.due)


def _revoked(state: PromotionsState, fact: GrantRevoked, at_us: int) -> None:
    state.grants[fact.grant_id].status = GrantStatus.REVOKED


APPLY: dict[type[Fact], Callable[[PromotionsState, Any, int], None]] = {
    FreeBetGranted: _free_bet_granted,
    BoostGranted: _boost_granted,
    BonusGranted: _bonus_granted,
    BonusReleased: _bonus_released,
    BonusExpired: _bonus_expired,
    GrantRevoked: _revoked,
}


# ---------------------------------------------------------------- using


def _token(state: PromotionsState, grant_id: int) -> Grant | None:
    grant = state.grants.get(grant_id)
    return grant if grant is not None and grant.kind is not GrantKind.BONUS else None


def set_aside(state: PromotionsState, grant_id: int) -> None:
    """A ticket that waits has a token."""
    token = _token(state, grant_id)
    if token is not None:
        token.held = True


def stand(state: PromotionsState, grant_id: int) -> None:
    """A bet stands on a token."""
    token = _token(state, grant_id)
    if token is not None:
        token.held, token.used = False, True
        token.uses += 1


def let_go(state: PromotionsState, grant_id: int) -> None:
    """A ticket that waited was refused, and its token may be used again."""
    token = _token(state, grant_id)
    if token is not None:
        token.held = False


# ---------------------------------------------------------------- settlement


def settle(state: PromotionsState, bet: Bet, outcome: Outcome | None, *, at_us: int) -> None:
    """A bet is about to come to an outcome, or (None) to run again: what it was before tells what changes."""
    if bet.ticket is not None and bet.ticket.grant_id and bet.stake_kind is StakeKind.FREE_BET:
        _restore(state, bet, outcome, at_us)
    bonus = state.bonuses.get((bet.customer_id, bet.currency))
    if bonus is not None and qualifies(bonus, bet):
        counted = bet.status is BetStatus.SETTLED and bet.outcome is not Outcome.VOID
        counts = outcome is not None and outcome is not Outcome.VOID
        bonus.wagered_minor += (counts - counted) * bet.running_minor
        _ripen(state, bonus)


def _restore(state: PromotionsState, bet: Bet, outcome: Outcome | None, at_us: int) -> None:
    """The token of a void free bet may be used again, for some days at least; that of one that is not void after all
    may not, unless it was used meanwhile: then both bets stand."""
    token = _token(state, bet.ticket.grant_id) if bet.ticket else None
    if token is None:
        return
    was_void, is_void = bet.outcome is Outcome.VOID, outcome is Outcome.VOID
    token.uses += was_void - is_void
    if is_void and not was_void:
        token.expires_at_us = max(token.expires_at_us, at_us + RESTORED_US)


def owe(state: PromotionsState, bet: Bet, change_minor: int) -> None:
    """A bet staked with a bonus changed the bonus account. Where that bonus has ended, it is not the customer's to
    stake."""
    grant = state.grants.get(bet.ticket.grant_id) if bet.ticket else None
    if grant is not None and not grant.runs and change_minor:
        owed_minor = state.owed.get(grant.id, 0) + change_minor
        if owed_minor:
            state.owed[grant.id] = owed_minor
        else:
            del state.owed[grant.id]
