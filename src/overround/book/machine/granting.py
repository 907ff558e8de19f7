"""Promotions in the machine: giving and taking back, what ends by itself, how the facts fold, and what is told."""

from collections.abc import Callable
from typing import Any, Final

from overround.book import ledger, promotions
from overround.book.bets import Bet
from overround.book.ledger import AccountKind, StakeKind, Wallet
from overround.book.machine.answers import Answer
from overround.book.machine.command import Command
from overround.book.machine.commands import PlaceTicket
from overround.book.machine.grant_answers import GrantNow, GrantsNow
from overround.book.machine.grant_commands import GetGrants, GrantBonus, GrantBoost, GrantFreeBet, RevokeGrant
from overround.book.machine.state import State
from overround.book.promotions import (
    MAX_GRANTS,
    BonusExpired,
    BonusGranted,
    BonusReleased,
    BoostGranted,
    FreeBetGranted,
    Grant,
    GrantKind,
    GrantRevoked,
    GrantStatus,
    Refusal,
)
from overround.book.settlement import BetsSettled
from overround.kernel.fact import Fact
from overround.kernel.refusal import Refused

MAX_NOTE_LENGTH: Final = 200
MAX_SHOWN: Final = 200

Facts = tuple[Fact, ...] | Refused


# ---------------------------------------------------------------- giving


def _refusal(state: State, asked: GrantFreeBet | GrantBoost | GrantBonus, now_us: int) -> Refused | None:
    """Why a customer is not given anything."""
    if (asked.customer_id, asked.currency) not in state.ledger.wallets:
        return Refused(ledger.Refusal.WALLET_NOT_FOUND)
    if not asked.note.isprintable() or len(asked.note) > MAX_NOTE_LENGTH:
        return Refused(ledger.Refusal.NOTE_INVALID)
    if state.promotions.available(asked.customer_id, now_us=now_us) >= MAX_GRANTS:
        return Refused(Refusal.TOO_MANY_GRANTS, {"max_grants": MAX_GRANTS})
    return None


def free_bet(state: State, command: GrantFreeBet, now_us: int) -> Facts:
    refused = _refusal(state, command, now_us)
    invalid = promotions.grant_refusal(
        amount_minor=command.amount_minor,
        expires_at_us=command.expires_at_us,
        now_us=now_us,
        min_price_milli=command.min_price_milli,
    )
    if refused is not None or invalid is not None:
        return refused or Refused(str(invalid))
    return (
        FreeBetGranted(
            grant_id=state.promotions.made + 1,
            customer_id=command.customer_id,
            currency=command.currency,
            amount_minor=command.amount_minor,
            expires_at_us=command.expires_at_us,
            min_price_milli=command.min_price_milli,
            note=command.note,
        ),
    )


def boost(state: State, command: GrantBoost, now_us: int) -> Facts:
    refused = _refusal(state, command, now_us)
    invalid = promotions.grant_refusal(
        amount_minor=command.max_stake_minor,
        expires_at_us=command.expires_at_us,
        now_us=now_us,
        min_price_milli=command.min_price_milli,
        percent_bps=command.percent_bps,
    )
    if refused is not None or invalid is not None:
        return refused or Refused(str(invalid))
    return (
        BoostGranted(
            grant_id=state.promotions.made + 1,
            customer_id=command.customer_id,
            currency=command.currency,
            percent_bps=command.percent_bps,
            max_stake_minor=command.max_stake_minor,
            expires_at_us=command.expires_at_us,
            min_price_milli=command.min_price_milli,
            note=command.note,
        ),
    )


def bonus(state: State, command: GrantBonus, now_us: int) -> Facts:
    refused = _refusal(state, command, now_us)
    invalid = promotions.grant_refusal(
        amount_minor=command.amount_minor,
        expires_at_us=command.expires_at_us,
        now_us=now_us,
        min_price_milli=command.min_price_milli,
        multiple=command.wagering_multiple,
    )
    if refused is not None or invalid is not None:
        return refused or Refused(str(invalid))
    wallet_name = command.customer_id, command.currency
    running = state.promotions.bonuses.get(wallet_name)
    if running is not None:
        return Refused(Refusal.BONUS_RUNS, {"grant_id": running.id})
    house = state.ledger.house[command.currency]
    return (
        BonusGranted(
            grant_id=state.promotions.made + 1,
            customer_id=command.customer_id,
            currency=command.currency,
            amount_minor=command.amount_minor,
            required_minor=command.amount_minor * command.wagering_multiple,
            expires_at_us=command.expires_at_us,
            min_price_milli=command.min_price_milli,
            note=command.note,
            transfers=ledger.grant_bonus(state.ledger.wallets[wallet_name], house, amount_minor=command.amount_minor),
        ),
    )


def revoke(state: State, command: RevokeGrant, now_us: int) -> Facts:
    """A token goes if nobody uses it; a bonus goes with what is left of it, if no ticket waits for it."""
    grant = state.promotions.grants.get(command.grant_id)
    if grant is None or grant.customer_id != command.customer_id:
        return Refused(Refusal.GRANT_NOT_FOUND)
    if not grant.runs or grant.uses or grant.held:
        return Refused(Refusal.GRANT_USED)
    if grant.kind is not GrantKind.BONUS:
        return (GrantRevoked(grant_id=grant.id, customer_id=grant.customer_id),)
    if _wallet(state, grant).bonus.held_minor:
        return Refused(Refusal.GRANT_USED)
    return (_expired(state, grant, revoked=True),)


# ---------------------------------------------------------------- using


def claim(state: State, command: PlaceTicket, now_us: int) -> Grant | Refused | None:
    """The grant that a ticket names, if it may be used; None for a ticket of plain cash."""
    if not command.grant_id and command.stake_kind is StakeKind.CASH:
        return None
    grant = state.promotions.grants.get(command.grant_id)
    if grant is None or (grant.customer_id, grant.currency) != (command.customer_id, command.currency):
        return Refused(Refusal.GRANT_NOT_FOUND)
    return promotions.claim_refusal(grant, command.stake_kind, now_us=now_us) or grant


# ---------------------------------------------------------------- what ends by itself


def _wallet(state: State, grant: Grant) -> Wallet:
    return state.ledger.wallets[grant.customer_id, grant.currency]


def _is_free(state: State, grant: Grant) -> bool:
    """Whether no ticket that waits holds of a bonus."""
    return not _wallet(state, grant).bonus.held_minor


def _late(state: State) -> int:
    """A bonus that has ended and to which a bet has brought something since; 0 for none."""
    return next((grant_id for grant_id, owed_minor in state.promotions.owed.items() if owed_minor > 0), 0)


def _ripe(state: State) -> Grant | None:
    """The first bonus whose wagering is done."""
    ripe = (state.promotions.grants[grant_id] for grant_id in sorted(state.promotions.ripe))
    return next((grant for grant in ripe if _is_free(state, grant)), None)


def is_due(state: State) -> bool:
    """Whether a bonus is to be released, or something came late to one."""
    kept = state.promotions
    return bool(kept.owed and _late(state)) or (bool(kept.ripe) and _ripe(state) is not None)


def due_us(state: State) -> int | None:
    """When the next bonus ends; not while a ticket that waits holds of it."""
    due = state.promotions.due
    return due[0][0] if due and _is_free(state, state.promotions.grants[due[0][1]]) else None


def decide_due(state: State, now_us: int) -> tuple[Fact, ...]:
    """One bonus, or what came late to one, becomes the customer's cash or the house's."""
    late = _late(state)
    if late:
        return (_late_fact(state, state.promotions.grants[late]),)
    ripe = _ripe(state)
    if ripe is not None:
        return (_released(state, ripe),)
    ends_us = due_us(state)
    if ends_us is not None and ends_us <= now_us:
        return (_expired(state, state.promotions.grants[state.promotions.due[0][1]]),)
    return ()


def _late_fact(state: State, grant: Grant) -> BonusReleased | BonusExpired:
    """What a bet of a bonus that has ended paid goes where that bonus went."""
    amount_minor = min(state.promotions.owed[grant.id], _wallet(state, grant).bonus.available_minor)
    if grant.status is GrantStatus.RELEASED:
        return _released(state, grant, amount_minor)
    return _expired(state, grant, amount_minor)


def _released(state: State, grant: Grant, late_minor: int | None = None) -> BonusReleased:
    wallet = _wallet(state, grant)
    amount_minor = wallet.bonus.balance_minor if late_minor is None else late_minor
    return BonusReleased(
        grant_id=grant.id,
        customer_id=grant.customer_id,
        currency=grant.currency,
        amount_minor=amount_minor,
        late=late_minor is not None,
        transfers=ledger.release_bonus(wallet, amount_minor=amount_minor),
    )


def _expired(state: State, grant: Grant, late_minor: int | None = None, *, revoked: bool = False) -> BonusExpired:
    wallet = _wallet(state, grant)
    amount_minor = wallet.bonus.balance_minor if late_minor is None else late_minor
    return BonusExpired(
        grant_id=grant.id,
        customer_id=grant.customer_id,
        currency=grant.currency,
        amount_minor=amount_minor,
        late=late_minor is not None,
        revoked=revoked,
        transfers=ledger.expire_bonus(wallet, state.ledger.house[grant.currency], amount_minor=amount_minor),
    )


# ---------------------------------------------------------------- folding


def _fold(state: State, fact: Any, at_us: int) -> None:
    """Money moves, then the grant is another."""
    ledger.post(state.ledger, getattr(fact, "transfers", ()))
    promotions.APPLY[type(fact)](state.promotions, fact, at_us)


FOLDS: dict[type[Fact], Callable[[State, Any, int], None]] = dict.fromkeys(promotions.APPLY, _fold)


def bonus_changes(state: State, fact: BetsSettled) -> dict[int, int]:
    """By bet, what a step of settlement changed on bonus accounts."""
    accounts, changes = state.ledger.accounts, dict[int, int]()
    for transfer in fact.transfers:
        if accounts[transfer.credit].kind is AccountKind.BONUS:
            changes[transfer.ref] = changes.get(transfer.ref, 0) + transfer.amount_minor
        if accounts[transfer.debit].kind is AccountKind.BONUS:
            changes[transfer.ref] = changes.get(transfer.ref, 0) - transfer.amount_minor
    return changes


def settled(state: State, bet: Bet, changes: dict[int, int]) -> None:
    """A bet was settled, or opened again: what it brought to a bonus that has ended is due to whoever has that now."""
    if bet.id in changes:
        promotions.owe(state.promotions, bet, changes[bet.id])


# ---------------------------------------------------------------- commands, query, answers


def get_grants(state: State, query: GetGrants, now_us: int) -> Answer:
    if query.customer_id not in state.limits.players:
        return Refused(ledger.Refusal.CUSTOMER_NOT_FOUND)
    newest = state.promotions.by_customer.get(query.customer_id, [])[: -MAX_SHOWN - 1 : -1]
    rows = tuple(_now(state.promotions.grants[grant_id], now_us) for grant_id in newest)
    return GrantsNow(query.customer_id, rows, state.seq)


def _now(grant: Grant, now_us: int) -> GrantNow:
    return GrantNow(
        grant.id,
        grant.currency,
        grant.kind,
        grant.status,
        promotions.is_available(grant, now_us=now_us),
        grant.amount_minor,
        grant.min_price_milli,
        grant.percent_bps,
        grant.required_minor,
        grant.wagered_minor,
        grant.granted_at_us,
        grant.expires_at_us,
    )


DECIDE: dict[type[Command], Callable[[State, Any, int], Facts]] = {
    GrantFreeBet: free_bet,
    GrantBoost: boost,
    GrantBonus: bonus,
    RevokeGrant: revoke,
}

ASK: dict[type[Command], Callable[[State, Any, int], Answer]] = {GetGrants: get_grants}
