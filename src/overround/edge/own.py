"""What facts say about customers who are listening. Of the others only the id is read."""

from collections.abc import Callable, Container, Iterator
from typing import Any, Final

import msgspec

from overround.book.bets import BetAccepted, BetDelayed, DelayedBetAccepted, DelayedBetRefused
from overround.book.cashout import CashedOut, CashOutDelayed, CashOutRefused
from overround.book.settlement import ReopenedBet, SettledBet
from overround.edge.messages import Bet, CashOut, Grant, Ticket
from overround.edge.own_tickets import TICKET_KINDS, ticket_news


class Who(msgspec.Struct, gc=False):
    """As much of a fact as says whom it is about."""

    customer_id: int


class Granted(msgspec.Struct, gc=False):
    """As much of a fact about promotions."""

    grant_id: int


class Settled(msgspec.Struct, gc=False):
    """As much of a step of settlement."""

    bets: tuple[SettledBet, ...]
    reopened: tuple[ReopenedBet, ...] = ()


_who = msgspec.json.Decoder(Who).decode
_granted = msgspec.json.Decoder(Granted).decode
_settled = msgspec.json.Decoder(Settled).decode
_told_fact = msgspec.json.Decoder(
    BetAccepted | BetDelayed | DelayedBetAccepted | DelayedBetRefused | CashedOut | CashOutDelayed | CashOutRefused
).decode


def _accepted(seq: int, at_us: int, fact: BetAccepted) -> Bet:
    return Bet(
        seq=seq,
        at_ms=at_us // 1_000,
        bet_id=fact.bet_id,
        status="open",
        market_id=fact.market_id,
        selection_id=fact.selection_id,
        currency=fact.currency,
        stake_minor=fact.stake_minor,
        price_milli=fact.price_milli,
    )


def _delayed(seq: int, at_us: int, fact: BetDelayed) -> Bet:
    return Bet(
        seq=seq,
        at_ms=at_us // 1_000,
        bet_id=fact.bet_id,
        status="delayed",
        market_id=fact.market_id,
        selection_id=fact.selection_id,
        currency=fact.currency,
        stake_minor=fact.stake_minor,
        price_milli=fact.price_milli,
        decide_at_ms=fact.decide_at_us // 1_000,
    )


def _delayed_accepted(seq: int, at_us: int, fact: DelayedBetAccepted) -> Bet:
    return Bet(seq=seq, at_ms=at_us // 1_000, bet_id=fact.bet_id, status="open", price_milli=fact.price_milli)


def _delayed_refused(seq: int, at_us: int, fact: DelayedBetRefused) -> Bet:
    return Bet(seq=seq, at_ms=at_us // 1_000, bet_id=fact.bet_id, status="refused", code=fact.code)


def _cashed_out(seq: int, at_us: int, fact: CashedOut) -> CashOut:
    return CashOut(
        seq=seq,
        at_ms=at_us // 1_000,
        quote_id=fact.quote_id,
        bet_id=fact.bet_id,
        status="paid",
        stake_minor=fact.stake_minor,
        amount_minor=fact.amount_minor,
        running_minor=fact.running_minor,
        by_rule=fact.by_rule,
    )


def _cash_out_delayed(seq: int, at_us: int, fact: CashOutDelayed) -> CashOut:
    return CashOut(
        seq=seq,
        at_ms=at_us // 1_000,
        quote_id=fact.quote_id,
        bet_id=fact.bet_id,
        status="waiting",
        stake_minor=fact.stake_minor,
        amount_minor=fact.amount_minor,
        by_rule=fact.by_rule,
        decide_at_ms=fact.decide_at_us // 1_000,
    )


def _cash_out_refused(seq: int, at_us: int, fact: CashOutRefused) -> CashOut:
    return CashOut(
        seq=seq,
        at_ms=at_us // 1_000,
        quote_id=fact.quote_id,
        bet_id=fact.bet_id,
        status="refused",
        code=fact.code,
    )


_SHOWN: Final[dict[str, Callable[[int, int, Any], Bet | CashOut]]] = {
    "bet_accepted": _accepted,
    "bet_delayed": _delayed,
    "delayed_bet_accepted": _delayed_accepted,
    "delayed_bet_refused": _delayed_refused,
    "cashed_out": _cashed_out,
    "cash_out_delayed": _cash_out_delayed,
    "cash_out_refused": _cash_out_refused,
}

GRANT_KINDS: Final = {
    "free_bet_granted": "granted",
    "boost_granted": "granted",
    "bonus_granted": "granted",
    "bonus_released": "released",
    "bonus_expired": "expired",
    "grant_revoked": "revoked",
}

OWN_KINDS: Final = frozenset({*_SHOWN, *TICKET_KINDS, *GRANT_KINDS, "bets_settled", "funds_moved", "wallet_opened"})


def news(
    seq: int, at_us: int, kind: str, body: str | bytes, listening: Container[int]
) -> Iterator[tuple[int, Bet | CashOut | Grant | Ticket | None]]:
    """For each customer who listens and whom a fact is about: the message about it, None where it is only money."""
    if kind == "bets_settled":
        step = _settled(body)
        for row in step.bets:
            if row.customer_id in listening:
                yield row.customer_id, _settled_bet(seq, at_us, row)
        for again in step.reopened:
            if again.customer_id in listening:
                bet = Bet(seq=seq, at_ms=at_us // 1_000, bet_id=again.bet_id, status="open", payout_minor=0)
                yield again.customer_id, bet
        return
    customer_id = _who(body).customer_id
    if customer_id not in listening:
        return
    if kind in TICKET_KINDS:
        yield customer_id, ticket_news(seq, at_us, kind, body)
    elif kind in GRANT_KINDS:
        grant_id, status = _granted(body).grant_id, GRANT_KINDS[kind]
        yield customer_id, Grant(seq=seq, at_ms=at_us // 1_000, grant_id=grant_id, status=status)
    else:
        show = _SHOWN.get(kind)
        yield customer_id, show(seq, at_us, _told_fact(body)) if show is not None else None


def _settled_bet(seq: int, at_us: int, row: SettledBet) -> Bet:
    return Bet(
        seq=seq,
        at_ms=at_us // 1_000,
        bet_id=row.bet_id,
        status="settled",
        outcome=row.outcome.value,
        payout_minor=row.payout_minor,
    )
