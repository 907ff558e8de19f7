"""What facts about tickets say on the stream: to their customer, and to operators who watch referrals."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from overround.book.bets import (
    TicketAccepted,
    TicketBet,
    TicketDelayed,
    TicketOffered,
    TicketReferred,
    WaitingTicketAccepted,
    WaitingTicketRefused,
)
from overround.edge.messages import Referral, Ticket
from overround.edge.slips import SlipShown, slip_shown

TicketFact = (
    TicketAccepted | TicketDelayed | TicketReferred | TicketOffered | WaitingTicketAccepted | WaitingTicketRefused
)

_ticket_fact = msgspec.json.Decoder(TicketFact).decode


def _shown(bets: tuple[TicketBet, ...]) -> tuple[SlipShown, ...]:
    return tuple(map(slip_shown, bets))


def _told(seq: int, at_us: int, fact: Any, status: str, **more: Any) -> Ticket:
    return Ticket(seq=seq, at_ms=at_us // 1_000, ticket_id=fact.ticket_id, status=status, **more)


def _accepted(seq: int, at_us: int, fact: TicketAccepted) -> Ticket:
    return _told(seq, at_us, fact, "open", currency=fact.currency, bets=_shown(fact.bets))


def _waits(status: str) -> Callable[[int, int, Any], Ticket]:
    """A ticket that waits, with until when."""

    def show(seq: int, at_us: int, fact: TicketDelayed | TicketReferred | TicketOffered) -> Ticket:
        currency = None if isinstance(fact, TicketOffered) else fact.currency
        until_ms = fact.decide_at_us // 1_000
        return _told(seq, at_us, fact, status, currency=currency, bets=_shown(fact.bets), decide_at_ms=until_ms)

    return show


def _waiting_accepted(seq: int, at_us: int, fact: WaitingTicketAccepted) -> Ticket:
    return _told(seq, at_us, fact, "open", bets=_shown(fact.bets))


def _waiting_refused(seq: int, at_us: int, fact: WaitingTicketRefused) -> Ticket:
    return _told(seq, at_us, fact, "refused", code=fact.code, detail=fact.detail)


_SHOWN: Final[dict[str, Callable[[int, int, Any], Ticket]]] = {
    "ticket_accepted": _accepted,
    "ticket_delayed": _waits("delayed"),
    "ticket_referred": _waits("referred"),
    "ticket_offered": _waits("offered"),
    "waiting_ticket_accepted": _waiting_accepted,
    "waiting_ticket_refused": _waiting_refused,
}

TICKET_KINDS: Final = frozenset(_SHOWN)

REFERRAL_KINDS: Final = TICKET_KINDS - {"ticket_accepted", "ticket_delayed"}


def ticket_news(seq: int, at_us: int, kind: str, body: str | bytes) -> Ticket:
    """What a fact of `TICKET_KINDS` tells its customer."""
    return _SHOWN[kind](seq, at_us, _ticket_fact(body))


def referral_news(seq: int, at_us: int, body: str | bytes) -> Referral:
    """What a fact of `REFERRAL_KINDS` tells operators. Whoever wants to know only of tickets that were referred keeps
    their ids: a ticket that waited for its delay is accepted or refused by the same facts."""
    fact = _ticket_fact(body)
    told = {"seq": seq, "at_ms": at_us // 1_000, "ticket_id": fact.ticket_id, "customer_id": fact.customer_id}
    match fact:
        case TicketReferred():
            return Referral(
                **told,
                status="referred",
                currency=fact.currency,
                code=fact.code,
                detail=fact.detail,
                bets=_shown(fact.bets),
                decide_at_ms=fact.decide_at_us // 1_000,
            )
        case TicketOffered():
            return Referral(**told, status="offered", bets=_shown(fact.bets), decide_at_ms=fact.decide_at_us // 1_000)
        case WaitingTicketRefused():
            return Referral(**told, status="refused", code=fact.code, detail=fact.detail)
        case _:
            return Referral(**told, status="accepted", bets=_shown(fact.bets))
