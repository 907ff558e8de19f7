"""Queries about tickets: what one would come to, how one stands, and what is known of the legs of a bet."""

import msgspec

from overround.book import bets
from overround.book.bets import Bet
from overround.book.machine.answers import Answer, BetWorking, TicketFound, TicketPreview
from overround.book.machine.asking import BET_NOT_FOUND, bet_found, bet_of_key
from overround.book.machine.finding import bet_of, own_bet
from overround.book.machine.settling import Results
from overround.book.machine.state import State
from overround.book.machine.ticket_commands import FindTicket, GetWorking, PreviewTicket
from overround.book.machine.ticketing import as_asked, asked_for, longest_delay_us, stand
from overround.book.tickets import Leg, Slip
from overround.kernel.refusal import Refused


def preview(state: State, query: PreviewTicket, now_us: int) -> Answer:
    """The very decision that placing would make; nothing is kept of it."""
    asked = asked_for(state, query, now_us)
    if isinstance(asked, Refused):
        return TicketPreview((), str(asked.code), asked.detail, 0, False, state.seq)
    delay_us = longest_delay_us(state, asked)
    taken = stand(state, asked, now_us)
    if not isinstance(taken, Refused):
        return TicketPreview(taken, "", {}, delay_us, False, state.seq)
    referable = taken.code in bets.REFERABLE
    if referable:
        without_limits = msgspec.structs.replace(asked, within_limits=False)
        referable = not isinstance(stand(state, without_limits, now_us), Refused)
    return TicketPreview(as_asked(asked), str(taken.code), taken.detail, delay_us, referable, state.seq)


def find_ticket(state: State, query: FindTicket, now_us: int) -> Answer:
    """By the id of any of its bets, or by key. Plain singles are of no ticket; others' tickets are not found."""
    customer_id, not_found = query.customer_id, bets.Refusal.TICKET_NOT_FOUND
    if query.ticket_id:
        first = own_bet(state, query.ticket_id, customer_id, not_found)
    else:
        first = bet_of_key(state, customer_id, query.key, not_found)
    if isinstance(first, Refused):
        return first
    if first.ticket is None:
        return Refused(bets.Refusal.TICKET_NOT_FOUND)
    return TicketFound(first.ticket.id, tuple(bet_found(state.bets.bets[bet_id]) for bet_id in first.ticket.bet_ids))


def working(state: State, query: GetWorking, now_us: int) -> Answer:
    bet = bet_of(state, query.bet_id, BET_NOT_FOUND)
    if isinstance(bet, Refused):
        return bet
    if query.customer_id not in (0, bet.customer_id):
        return Refused(BET_NOT_FOUND)
    results = Results(state)
    slip = running_slip(bet)
    known = tuple(results.of_leg(leg, bet.struck_at_us) for leg in slip.legs)
    return BetWorking(bet_found(bet), slip, known, state.seq)


def running_slip(bet: Bet) -> Slip:
    """What still runs of a bet as a slip; a plain single is one of one leg."""
    if bet.slip is None:
        leg = Leg(bet.selection_id, 0, bet.price_milli, market_id=bet.market_id, market_version=bet.market_version)
        return Slip((leg,), (1,), bet.running_minor)
    return bet.slip if bet.cashed is None else msgspec.structs.replace(bet.slip, stake_minor=bet.running_minor)
