"""Tickets: placed, looked at before and after, and answered where a trader made an offer."""

from collections.abc import Iterable
from typing import Any

import msgspec

from overround.book.bets import BetStatus, OddsChange, TicketBet
from overround.book.ledger import StakeKind
from overround.book.machine import Done, TicketAnswer, TicketFound, TicketPreview
from overround.book.machine.commands import AnswerOffer, FindTicket, PlaceTicket, PreviewTicket
from overround.edge.archived import Archived
from overround.edge.asking import Asker, is_archived, unexpected
from overround.edge.betting import Bet, bet_of
from overround.edge.problems import KINDS, current
from overround.edge.routes import Call, Reply
from overround.edge.slips import Slips, SlipShown, bet_asked, slip_shown
from overround.edge.values import AtText, Currency, Natural, at_text


class TicketBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bets handed in together: all are taken, or none. With `refer` a ticket over a limit of the house waits for a
    trader instead of being refused. `grant_id` names the free bet, boost or bonus that is used, and `stake_kind` whose
    money the stake is: a boost's is cash."""

    currency: Currency
    bets: Slips
    odds_change: OddsChange = OddsChange.NONE
    refer: bool = False
    stake_kind: StakeKind = StakeKind.CASH
    grant_id: Natural = 0


class TicketPlaced(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket that stands, at the prices really taken. `stake_minor` and `potential_minor` are those of its bets
    together."""

    ticket_id: int
    status: BetStatus
    stake_minor: int
    potential_minor: int
    placed_at: AtText
    seq: int
    bets: tuple[SlipShown, ...]


class TicketWaits(TicketPlaced, frozen=True, kw_only=True):
    """A ticket that waits, at the prices asked for: `delayed` in play, `referred` for a trader, until `decide_at` at
    the latest."""

    decide_at: AtText


class TicketNow(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as it is. `status` is that of all its bets while it waits or was refused; then `open` while one of them
    is, and `settled`."""

    ticket_id: int
    customer_id: int
    currency: str
    status: BetStatus
    stake_minor: int
    payout_minor: int
    placed_at: AtText
    decide_at: str | None
    bets: tuple[Bet, ...]


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of a ticket now. Where `code` says why it would be refused (with the numbers of the problem in
    `numbers`), the bets are shown as asked for, and `referable` says whether a trader may be asked."""

    code: str | None
    title: str | None
    numbers: dict[str, int | str]
    referable: bool
    stake_minor: int
    potential_minor: int
    delay_ms: int
    bets: tuple[SlipShown, ...]
    seq: int


class AnswerBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether the trader's offer is taken, at its prices whatever has moved, or left."""

    accept: bool


class Tickets:
    """The handlers."""

    def __init__(self, asker: Asker, archived: Archived) -> None:
        self._asker, self._archived = asker, archived

    async def place(self, call: Call) -> Reply:
        answer = await self._asker.ask(PlaceTicket(**_asked(call)), actor=call.actor, key=call.key)
        if not isinstance(answer, TicketAnswer):
            raise unexpected(answer)
        return _placed(answer)

    async def preview(self, call: Call) -> Reply:
        answer = await self._asker.ask(PreviewTicket(**_asked(call)), actor=call.actor)
        if not isinstance(answer, TicketPreview):
            raise unexpected(answer)
        return Reply(200, _preview(answer))

    async def find(self, call: Call) -> Reply:
        return await self._find(FindTicket(call.customer_id, ticket_id=call.number("ticket_id")))

    async def find_by_key(self, call: Call) -> Reply:
        return await self._find(FindTicket(call.customer_id, key=call.text("key")))

    async def answer(self, call: Call) -> Reply:
        """Take or leave an offer; then the ticket as it is, for the offer may have been taken and fallen."""
        ticket_id = call.number("ticket_id")
        command = AnswerOffer(call.customer_id, ticket_id, call.body.accept)
        answer = await self._asker.ask(command, actor=call.actor, key=call.key)
        if not isinstance(answer, Done):
            raise unexpected(answer)
        return await self._find(FindTicket(call.customer_id, ticket_id=ticket_id))

    async def _find(self, query: FindTicket) -> Reply:
        """What left the book is in the tables."""
        answer = await self._asker.ask(query, actor=query.customer_id)
        if is_archived(answer):
            found = await self._archived.ticket(query.customer_id, query.ticket_id, query.key)
            return Reply(200, ticket_of(found))
        if not isinstance(answer, TicketFound):
            raise unexpected(answer)
        return Reply(200, ticket_of(tuple(map(bet_of, answer.bets))))


def _asked(call: Call) -> dict[str, Any]:
    """The members of the command. Raises Problem: body_invalid, stake_invalid."""
    body: TicketBody = call.body
    return {
        "customer_id": call.customer_id,
        "currency": body.currency,
        "bets": tuple(map(bet_asked, body.bets)),
        "odds_change": body.odds_change,
        "refer": body.refer,
        "stake_kind": body.stake_kind,
        "grant_id": body.grant_id,
    }


def _placed(answer: TicketAnswer) -> Reply:
    shown: dict[str, Any] = {
        "ticket_id": answer.ticket_id,
        "status": answer.status,
        "stake_minor": _stake_minor(answer.bets),
        "potential_minor": _potential_minor(answer.bets),
        "placed_at": at_text(answer.placed_at_us),
        "seq": answer.seq,
        "bets": tuple(map(slip_shown, answer.bets)),
    }
    if answer.status is BetStatus.OPEN:
        return Reply(201, TicketPlaced(**shown))
    return Reply(202, TicketWaits(decide_at=at_text(answer.decide_at_us), **shown))


def _stake_minor(bets: Iterable[TicketBet]) -> int:
    return sum(bet.slip.stake_minor for bet in bets)


def _potential_minor(bets: Iterable[TicketBet]) -> int:
    return sum(bet.potential_minor for bet in bets)


def _preview(answer: TicketPreview) -> Preview:
    code = answer.code if answer.code in KINDS or not answer.code else "request_invalid"
    return Preview(
        code=code or None,
        title=KINDS[code].title if code else None,
        numbers={current(name): value for name, value in answer.detail.items()},
        referable=answer.referable,
        stake_minor=_stake_minor(answer.bets),
        potential_minor=_potential_minor(answer.bets),
        delay_ms=answer.delay_us // 1_000,
        bets=tuple(map(slip_shown, answer.bets)),
        seq=answer.seq,
    )


def ticket_of(bets: tuple[Bet, ...]) -> TicketNow:
    first = bets[0]
    return TicketNow(
        ticket_id=first.ticket_id or first.bet_id,
        customer_id=first.customer_id,
        currency=first.currency,
        status=_status([bet.status for bet in bets]),
        stake_minor=sum(bet.stake_minor for bet in bets),
        payout_minor=sum(bet.payout_minor for bet in bets),
        placed_at=first.placed_at,
        decide_at=first.decide_at,
        bets=bets,
    )


def _status(each: list[BetStatus]) -> BetStatus:
    """What all bets of a ticket are; open while one of them is, settled once none is."""
    if len(set(each)) == 1:
        return each[0]
    return BetStatus.OPEN if BetStatus.OPEN in each else BetStatus.SETTLED
