"""What facts say about customers who are listening. Of the others only the id is read."""

from collections.abc import Callable, Container, Iterator
from typing import Any, Final

import msgspec

from overround.book.bets import BetAccepted, BetDelayed, DelayedBetAccepted, DelayedBetRefused
from overround.book.settlement import SettledBet
from overround.edge.messages import Bet


class Who(msgspec.Struct, gc=False):
    """As much of a fact as says whom it is about."""

    customer_id: int


class Settled(msgspec.Struct, gc=False):
    """As much of a step of settlement."""

    bets: tuple[SettledBet, ...]


_who = msgspec.json.Decoder(Who).decode
_settled = msgspec.json.Decoder(Settled).decode
_bet_fact = msgspec.json.Decoder(BetAccepted | BetDelayed | DelayedBetAccepted | DelayedBetRefused).decode


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


_SHOWN: Final[dict[str, Callable[[int, int, Any], Bet]]] = {
    "bet_accepted": _accepted,
    "bet_delayed": _delayed,
    "delayed_bet_accepted": _delayed_accepted,
    "delayed_bet_refused": _delayed_refused,
}

OWN_KINDS: Final = frozenset({*_SHOWN, "bets_settled", "funds_moved", "wallet_opened"})


def news(
    seq: int, at_us: int, kind: str, body: str | bytes, listening: Container[int]
) -> Iterator[tuple[int, Bet | None]]:
    """For each customer who listens and whom a fact is about: the message about a bet, None where it is only money."""
    if kind == "bets_settled":
        for row in _settled(body).bets:
            if row.customer_id in listening:
                yield row.customer_id, _settled_bet(seq, at_us, row)
        return
    customer_id = _who(body).customer_id
    if customer_id in listening:
        show = _SHOWN.get(kind)
        yield customer_id, show(seq, at_us, _bet_fact(body)) if show is not None else None


def _settled_bet(seq: int, at_us: int, row: SettledBet) -> Bet:
    return Bet(
        seq=seq,
        at_ms=at_us // 1_000,
        bet_id=row.bet_id,
        status="settled",
        outcome=row.outcome.value,
        payout_minor=row.payout_minor,
    )
