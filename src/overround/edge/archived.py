"""Bets that left the book's memory, as the tables have them."""

from collections.abc import Awaitable, Callable
from itertools import groupby

import msgspec

from overround.book import archive
from overround.book.bets import BetStatus, TicketAccepted, TicketDelayed, TicketReferred, WaitingTicketAccepted
from overround.book.ledger import StakeKind
from overround.book.machine import decode_fact, empty
from overround.book.machine.settling import Results
from overround.book.tickets import Leg, LegResult, Outcome, Slip, system_name
from overround.edge.betting import Bet
from overround.edge.problems import Problem
from overround.edge.reading import Reading, leg_of
from overround.edge.slips import SlipShown
from overround.edge.values import at_text, at_text_or_none
from overround.projections import ShownBet, ShownLeg

OVER = (BetStatus.SETTLED, BetStatus.CASHED_OUT, BetStatus.REFUSED)

TAKES = (TicketAccepted, TicketDelayed, TicketReferred, WaitingTicketAccepted)


class Worked(msgspec.Struct, frozen=True):
    """A bet, what ran of it at last, and what became of each leg; None where it is not known."""

    bet: Bet
    slip: Slip
    results: tuple[LegResult | None, ...]


class Archived:
    """Asked where the book says `bet_archived`. Raises Problem: projection_behind, unavailable."""

    def __init__(self, reading: Reading, fact: Callable[[int], Awaitable[str | bytes | None]]) -> None:
        """`fact` reads a body of the journal by its sequence; None where it is there no more."""
        self._reading, self._fact = reading, fact

    async def bet(self, customer_id: int, bet_id: int = 0, key: str = "") -> Bet:
        """A customer's bet by id, or by key. Raises Problem: bet_not_found."""
        row = await self._row(customer_id, bet_id, key)
        if row is None:
            raise Problem("bet_not_found")
        return bet_shown(row)

    async def ticket(self, customer_id: int, bet_id: int = 0, key: str = "") -> tuple[Bet, ...]:
        """The bets of a customer's ticket, by the id of one of them, or by key. Raises Problem: ticket_not_found."""
        one = await self._row(customer_id, bet_id, key)
        ticket_id = one.ticket_id if one is not None else None
        if ticket_id is None:
            raise Problem("ticket_not_found")
        return tuple(map(bet_shown, await self._reading.ask(lambda reads: reads.ticket(ticket_id))))

    async def working(self, customer_id: int, bet_id: int) -> Worked:
        """A bet (with a customer of 0 anybody's), its slip as it ran to the end, and what became of its legs. Raises
        Problem: bet_not_found, and bet_archived where the fact that took it is in the journal no more."""
        owner = customer_id or None
        row = await self._reading.ask(lambda reads: reads.bet(bet_id, customer_id=owner))
        if row is None:
            raise Problem("bet_not_found")
        bet = bet_shown(row)
        taken = _single(row) if row.ticket_id is None else await self._slip(row)
        running = taken.stake_minor - bet.cashed_stake_minor
        slip = msgspec.structs.replace(taken, stake_minor=running) if bet.cashed_stake_minor else taken
        named = sorted({market_id for leg in slip.legs for market_id, _ in leg.selections})
        markets, known = await self._reading.ask(lambda reads: reads.settled(named))
        results = Results(empty(), results=known, markets=markets)
        struck_at_us = max(row.placed_at_us, row.decide_at_us)
        return Worked(bet, slip, tuple(results.of_leg(leg, struck_at_us) for leg in slip.legs))

    async def _row(self, customer_id: int, bet_id: int, key: str) -> ShownBet | None:
        if bet_id:
            return await self._reading.ask(lambda reads: reads.bet(bet_id, customer_id=customer_id))
        return await self._reading.ask(lambda reads: reads.bet_by_key(key, customer_id=customer_id))

    async def _slip(self, row: ShownBet) -> Slip:
        """As it was taken: in the journal, as the tables do not have what a payout was limited to."""
        body = await self._fact(row.seq)
        fact = decode_fact(body) if body is not None else None
        taken = {each.bet_id: each.slip for each in fact.bets} if isinstance(fact, TAKES) else {}
        if row.id not in taken:
            raise Problem(archive.Refusal.BET_ARCHIVED)
        return taken[row.id]


def _single(row: ShownBet) -> Slip:
    leg = Leg(row.selection_id, 0, row.price_milli, market_id=row.market_id, market_version=row.market_version)
    return Slip((leg,), (1,), row.stake_minor)


def bet_shown(row: ShownBet) -> Bet:
    """A bet that is over. Tables that say otherwise are behind by more than the time for which it was kept. Raises
    Problem: projection_behind."""
    if row.status not in OVER:
        raise Problem("projection_behind")
    return Bet(
        bet_id=row.id,
        customer_id=row.customer_id,
        market_id=row.market_id,
        selection_id=row.selection_id,
        currency=row.currency,
        stake_minor=row.stake_minor,
        price_milli=row.price_milli,
        placed_at=at_text(row.placed_at_us),
        status=BetStatus(row.status),
        outcome=Outcome(row.outcome) if row.outcome is not None else None,
        payout_minor=row.payout_minor,
        seq=row.seq,
        ticket_id=row.ticket_id,
        stake_kind=StakeKind(row.stake_kind or StakeKind.CASH),
        decide_at=at_text_or_none(row.decide_at_us),
        cashed_stake_minor=row.cashed_stake_minor or 0,
        cashed_paid_minor=row.cashed_paid_minor or 0,
        slip=_slip(row),
    )


def _slip(row: ShownBet) -> SlipShown | None:
    if row.ticket_id is None:
        return None
    legs = [leg_of(tuple(rows)) for _, rows in groupby(row.legs, _number)]
    shape = Slip(tuple(Leg(0, 0, 0, banker=leg.banker) for leg in legs), row.folds or (), 1)
    return SlipShown(
        bet_id=row.id,
        stake_minor=row.stake_minor,
        potential_minor=row.potential_minor or 0,
        lines=row.lines or 0,
        folds=row.folds or (),
        system=system_name(shape),
        each_way=bool(row.each_way),
        legs=tuple(legs),
    )


def _number(row: ShownLeg) -> int:
    return row.n
