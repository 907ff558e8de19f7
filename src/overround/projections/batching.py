"""Cutting the journal into batches that one transaction takes well: few statements, bounded memory."""

from collections.abc import Iterable, Iterator
from typing import Final

from overround.book.bets import TicketAccepted, TicketDelayed, TicketReferred
from overround.book.exchange import ExchangeSettled, OrdersCancelled, OrdersPlaced, OrdersReplaced
from overround.book.machine import decode_fact
from overround.book.settlement import BetsSettled
from overround.journal import Row
from overround.projections.changes import Recorded

READ_ROWS: Final = 2_000
"""Rows of the journal read at a time. A row that settles 200 bets has 20 kB, so this is at most some 40 MB."""

PORTION_WEIGHT: Final = 1_000
"""Bets that a portion touches, about. A portion is never divided over two transactions."""

BATCH_WEIGHT: Final = 3_000
"""Bets that one transaction touches, about. The book's next commit waits until PostgreSQL has flushed the log of this
one, so it is small."""


def weight(recorded: Recorded) -> int:
    """How much a fact writes, in bets or orders."""
    fact = recorded.fact
    match fact:
        case BetsSettled():
            return len(fact.bets) + len(fact.reopened)
        case TicketAccepted() | TicketDelayed() | TicketReferred():
            return sum(1 + len(each.slip.legs) for each in fact.bets)
        case OrdersPlaced():
            return len(fact.orders) + len(fact.trades)
        case OrdersReplaced():
            return len(fact.cuts) + len(fact.grown) + len(fact.orders) + len(fact.trades)
        case OrdersCancelled():
            return len(fact.cuts)
        case ExchangeSettled():
            return sum(1 + len(each.orders) for each in fact.positions)
        case _:
            return 1


def portions(rows: Iterable[Row]) -> Iterator[tuple[int, list[Recorded]]]:
    """Decode rows into portions, each with its weight. Raises msgspec.DecodeError where a body is no fact."""
    portion: list[Recorded] = []
    heavy = 0
    for row in rows:
        recorded = Recorded(row.seq, row.at_us, decode_fact(row.body))
        portion.append(recorded)
        heavy += weight(recorded)
        if heavy >= PORTION_WEIGHT:
            yield heavy, portion
            portion, heavy = [], 0
    if portion:
        yield heavy, portion
