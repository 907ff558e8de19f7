"""The rows of a bet, as the machine has or had it: a part of the plain twin of the fold."""

from collections.abc import Iterator

import msgspec

from overround.book.bets import Bet
from overround.book.tickets import line_count
from overround.kernel.ids import key_text

Row = tuple[object, ...]
Settled = tuple[int, int, int, str | None]
"""When a bet was settled last, by which market and revision, and the factor of its leg there."""


def bet_row(bet: Bet, settled: Settled | None, refusal: str | None) -> Row:
    settled_at_us, *settled_by = settled or (0, None, None, None)
    return (
        bet.id,
        bet.customer_id,
        bet.market_id,
        bet.selection_id,
        bet.currency,
        bet.stake_minor,
        bet.price_milli,
        bet.odds_change,
        bet.market_version,
        bet.status,
        bet.outcome,
        bet.payout_minor,
        bet.placed_at_us,
        bet.decide_at_us,
        settled_at_us,
        refusal,
        int.from_bytes(bet.key[16:], "big", signed=True),
        key_text(bet.key[:16]),
        bet.seq,
        *_ticket(bet),
        *((bet.cashed.stake_minor, bet.cashed.paid_minor) if bet.cashed is not None else (None, None)),
        *settled_by,
    )


def _ticket(bet: Bet) -> Row:
    """What a bet of a ticket has beside a plain single."""
    slip, ticket = bet.slip, bet.ticket
    if slip is None or ticket is None:
        return (None,) * 7
    folds = msgspec.json.encode(slip.folds).decode()
    shared = ticket.id, ticket.stake_kind, ticket.grant_id
    return (*shared, folds, line_count(slip), slip.each_way, bet.potential_minor)


def leg_rows(bet: Bet) -> Iterator[Row]:
    for n, leg in enumerate(bet.slip.legs if bet.slip is not None else (), 1):
        each_way = msgspec.json.encode(leg.each_way).decode() if leg.each_way is not None else None
        terms = leg.event_id, leg.price_milli, each_way, leg.best_odds, leg.banker
        if not leg.parts:
            yield (bet.id, n, 0, leg.market_id, leg.selection_id, *terms, 0, leg.market_version)
        for part, (market_id, selection_id) in enumerate(leg.parts, 1):
            yield (bet.id, n, part, market_id, selection_id, *terms, leg.selection_id, leg.market_version)
