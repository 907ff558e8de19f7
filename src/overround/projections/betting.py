"""How the facts of bets and tickets change the tables, from what was asked for to what was paid."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from overround.book.bets import (
    BetAccepted,
    BetDelayed,
    BetStatus,
    DelayedBetAccepted,
    DelayedBetRefused,
    TicketAccepted,
    TicketBet,
    TicketDelayed,
    TicketOffered,
    TicketReferred,
    WaitingTicketAccepted,
    WaitingTicketRefused,
)
from overround.book.ledger import AccountKind, StakeKind
from overround.book.settlement import BetsSettled
from overround.book.tickets import Leg, line_count
from overround.projections.actions import is_action
from overround.projections.changes import COLUMN, Decided, Held, LegKey, Referral, Row, Settled
from overround.projections.underway import NOBODY, Folding, act, as_json, post
from overround.projections.wagering import grants_settled

PLAIN: Final = (None,) * 12
"""What a plain single has in the columns of tickets and of settlement."""

OPEN_AGAIN: Final[Settled] = (BetStatus.OPEN, None, 0, 0, None, None, None)


# ---------------------------------------------------------------- plain singles


def _bet_accepted(at: Folding, fact: BetAccepted) -> None:
    at.changes.bets[fact.bet_id] = _bet(at, fact, BetStatus.OPEN, 0)
    post(at, fact.transfers, None)


def _bet_delayed(at: Folding, fact: BetDelayed) -> None:
    at.changes.bets[fact.bet_id] = _bet(at, fact, BetStatus.DELAYED, fact.decide_at_us)
    _hold(at, fact.bet_id, at.known.wallets[fact.customer_id, fact.currency, AccountKind.CASH], fact.stake_minor)


def _bet(at: Folding, fact: BetAccepted | BetDelayed, status: BetStatus, decide_at_us: int) -> list[object]:
    """A new row of `bet`, in the order of its columns."""
    cause = fact.cause or NOBODY
    return [
        fact.bet_id,
        fact.customer_id,
        fact.market_id,
        fact.selection_id,
        fact.currency,
        fact.stake_minor,
        fact.price_milli,
        fact.odds_change,
        fact.market_version,
        status,
        None,
        0,
        at.at_us,
        decide_at_us,
        0,
        None,
        cause.actor,
        cause.key,
        at.seq,
        *PLAIN,
    ]


def _delayed_accepted(at: Folding, fact: DelayedBetAccepted) -> None:
    _release(at, fact.bet_id)
    post(at, fact.transfers, None)
    _decide(at, fact.bet_id, status=BetStatus.OPEN, price_milli=fact.price_milli, seq=at.seq)


def _delayed_refused(at: Folding, fact: DelayedBetRefused) -> None:
    _release(at, fact.bet_id)
    _decide(at, fact.bet_id, status=BetStatus.REFUSED, refusal=fact.code)


def _decide(at: Folding, bet_id: int, **changed: object) -> None:
    """What a waiting bet waited for is over, or is another thing now."""
    bet = at.changes.bets.get(bet_id)
    if bet is not None:
        for name, value in changed.items():
            bet[COLUMN[name]] = value
        return
    decided = at.changes.decided.setdefault(bet_id, Decided())
    for name, value in changed.items():
        setattr(decided, name, value)


def _hold(at: Folding, bet_id: int, account_id: int, stake_minor: int) -> None:
    """A waiting bet holds its stake. An account of 0 is the house's own money, of which nothing is held."""
    at.known.held[bet_id] = Held(account_id, stake_minor)
    if account_id:
        at.known.accounts[account_id].held_minor += stake_minor
        at.changes.accounts.add(account_id)


def _release(at: Folding, bet_id: int) -> None:
    """Let go of what a waiting bet held."""
    held = at.known.held.pop(bet_id)
    if held.account_id:
        at.known.accounts[held.account_id].held_minor -= held.stake_minor
        at.changes.accounts.add(held.account_id)


# ---------------------------------------------------------------- tickets


def _ticket_accepted(at: Folding, fact: TicketAccepted) -> None:
    _ticket(at, fact, BetStatus.OPEN, 0)
    post(at, fact.transfers, None)


def _ticket_delayed(at: Folding, fact: TicketDelayed) -> None:
    _await(at, fact, BetStatus.DELAYED)


def _ticket_referred(at: Folding, fact: TicketReferred) -> None:
    _await(at, fact, BetStatus.REFERRED)
    at.changes.referrals[fact.ticket_id] = at.known.referrals[fact.ticket_id] = Referral(
        ticket_id=fact.ticket_id,
        customer_id=fact.customer_id,
        currency=fact.currency,
        referred_at_us=at.at_us,
        code=fact.code,
        detail=as_json(fact.detail),
        status=BetStatus.REFERRED,
        decide_at_us=fact.decide_at_us,
    )


def _await(at: Folding, fact: TicketDelayed | TicketReferred, status: BetStatus) -> None:
    _ticket(at, fact, status, fact.decide_at_us)
    at.known.tickets[fact.ticket_id] = [each.bet_id for each in fact.bets]
    account_id = _stakes_of(at, fact)
    for each in fact.bets:
        _hold(at, each.bet_id, account_id, each.slip.stake_minor)


def _stakes_of(at: Folding, fact: TicketDelayed | TicketReferred) -> int:
    """The account from which the stakes of a ticket come; 0 where the house gives them."""
    if fact.stake_kind is StakeKind.FREE_BET:
        return 0
    kind = AccountKind.BONUS if fact.stake_kind is StakeKind.BONUS else AccountKind.CASH
    return at.known.wallets[fact.customer_id, fact.currency, kind]


def _ticket(
    at: Folding, fact: TicketAccepted | TicketDelayed | TicketReferred, status: BetStatus, decide_at_us: int
) -> None:
    """The bets of a ticket as new rows, in the order of the columns, with their legs."""
    cause = fact.cause or NOBODY
    for each in fact.bets:
        slip = each.slip
        at.changes.bets[each.bet_id] = [
            each.bet_id,
            fact.customer_id,
            0,
            0,
            fact.currency,
            slip.stake_minor,
            0,
            fact.odds_change,
            0,
            status,
            None,
            0,
            at.at_us,
            decide_at_us,
            0,
            None,
            cause.actor,
            cause.key,
            at.seq,
            fact.ticket_id,
            fact.stake_kind,
            fact.grant_id,
            as_json(slip.folds),
            line_count(slip),
            slip.each_way,
            each.potential_minor,
            *(None,) * 5,
        ]
        at.changes.legs.update(_legs(each))


def _legs(bet: TicketBet) -> Iterator[tuple[LegKey, Row]]:
    """A row for each selection of a bet: a leg has one, a bet builder one for each of its parts."""
    for n, leg in enumerate(bet.slip.legs, 1):
        for part, pair in enumerate(leg.selections, 1 if leg.parts else 0):
            yield (bet.bet_id, n, part), (bet.bet_id, n, part, *pair, *_terms(leg))


def _terms(leg: Leg) -> Row:
    return (
        leg.event_id,
        leg.price_milli,
        as_json(leg.each_way) if leg.each_way is not None else None,
        leg.best_odds,
        leg.banker,
        leg.selection_id if leg.parts else 0,
        leg.market_version,
    )


def _ticket_offered(at: Folding, fact: TicketOffered) -> None:
    for each in fact.bets:
        held = at.known.held[each.bet_id]
        _release(at, each.bet_id)
        _hold(at, each.bet_id, held.account_id, each.slip.stake_minor)
    _on_terms(at, fact.bets, status=BetStatus.OFFERED, decide_at_us=fact.decide_at_us)
    _referral(at, fact.ticket_id, BetStatus.OFFERED, fact.decide_at_us)
    act(at, fact)


def _waiting_accepted(at: Folding, fact: WaitingTicketAccepted) -> None:
    for each in fact.bets:
        _release(at, each.bet_id)
    post(at, fact.transfers, None)
    _on_terms(at, fact.bets, status=BetStatus.OPEN, seq=at.seq)
    _referral(at, fact.ticket_id, "accepted")
    if is_action(fact):
        act(at, fact)


def _waiting_refused(at: Folding, fact: WaitingTicketRefused) -> None:
    for bet_id in at.known.tickets[fact.ticket_id]:
        _release(at, bet_id)
        _decide(at, bet_id, status=BetStatus.REFUSED, refusal=fact.code)
    _referral(at, fact.ticket_id, BetStatus.REFUSED)
    if is_action(fact):
        act(at, fact)


def _on_terms(at: Folding, bets: Iterable[TicketBet], **changed: object) -> None:
    """Bets that waited are on these terms now."""
    for each in bets:
        terms = {"stake_minor": each.slip.stake_minor, "potential_minor": each.potential_minor}
        _decide(at, each.bet_id, **terms, **changed)
        is_new = each.bet_id in at.changes.bets
        (at.changes.legs if is_new else at.changes.repriced).update(_legs(each))


def _referral(at: Folding, ticket_id: int, status: str, decide_at_us: int | None = None) -> None:
    """What became of a referral, where the ticket was one."""
    referral = at.known.referrals.get(ticket_id)
    if referral is not None:
        referral.status = status
        referral.decide_at_us = decide_at_us or referral.decide_at_us
        at.changes.referrals[ticket_id] = referral


# ---------------------------------------------------------------- settlement


def _bets_settled(at: Folding, fact: BetsSettled) -> None:
    grants_settled(at, fact)
    at_us, factors = at.at_us, fact.factors
    place = fact.market_id, fact.revision
    for row in fact.bets:
        factor = as_json(factors[row.bet_id]) if row.bet_id in factors else None
        _settle(at, row.bet_id, (BetStatus.SETTLED, row.outcome, row.payout_minor, at_us, *place, factor))
    for again in fact.reopened:
        _settle(at, again.bet_id, OPEN_AGAIN)
    if fact.last:
        at.known.resulted[fact.market_id].settled_revision = fact.revision
        at.changes.markets.add(fact.market_id)
    post(at, fact.transfers, None)


def _settle(at: Folding, bet_id: int, settled: Settled) -> None:
    bet = at.changes.bets.get(bet_id)
    if bet is None:
        at.changes.settled[bet_id] = settled
    else:
        for column, value in zip(SETTLED, settled, strict=True):
            bet[column] = value


SETTLED: Final = tuple(
    COLUMN[name]
    for name in (
        "status",
        "outcome",
        "payout_minor",
        "settled_at_us",
        "settled_market_id",
        "settled_revision",
        "factor",
    )
)

BETS: Final[dict[type, Callable[[Folding, Any], None]]] = {
    BetAccepted: _bet_accepted,
    BetDelayed: _bet_delayed,
    DelayedBetAccepted: _delayed_accepted,
    DelayedBetRefused: _delayed_refused,
    TicketAccepted: _ticket_accepted,
    TicketDelayed: _ticket_delayed,
    TicketReferred: _ticket_referred,
    TicketOffered: _ticket_offered,
    WaitingTicketAccepted: _waiting_accepted,
    WaitingTicketRefused: _waiting_refused,
    BetsSettled: _bets_settled,
}
