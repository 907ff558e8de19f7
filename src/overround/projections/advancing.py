"""One step of the fold: a batch of facts, its rows and the checkpoint in one transaction, or nothing at all."""

from collections.abc import Sequence
from typing import Final

from asyncpg import Connection

from overround.book.matching import OrderStatus
from overround.projections.changes import Carried, Recorded
from overround.projections.exchange_rows import ExchangeChanges
from overround.projections.folding import fold
from overround.projections.gather import load, needs_of
from overround.projections.writing import write

CARRIED_ACCOUNTS: Final = 300_000
"""Accounts that a worker keeps in memory; when there are more it begins anew."""

CARRIED_ORDERS: Final = 300_000
"""The same of orders that may still change."""


class OutOfStep(Exception):
    """The batch does not follow the checkpoint: another worker folded it, or a fact is missing."""


async def checkpoint(connection: Connection) -> int:
    """The sequence of the last fact that the tables show; 0 before the first."""
    seq: int = await connection.fetchval("SELECT seq FROM read.checkpoint")
    return seq


async def advance(connection: Connection, batch: Sequence[Recorded], *, carried: Carried | None = None) -> None:
    """Fold the next facts of the journal into the tables. Whatever ends the process, each fact takes effect once.

    `carried` begins empty and is handed from one batch to the next; it is to be dropped after anything was raised.
    Raises OutOfStep, with nothing changed, where the first fact is not the one after the checkpoint.
    """
    carried = carried if carried is not None else Carried()
    if len(carried.accounts) > CARRIED_ACCOUNTS:
        carried.accounts.clear()
    if len(carried.orders) > CARRIED_ORDERS:
        carried.orders.clear()
    async with connection.transaction():
        reached: int = await connection.fetchval("SELECT seq FROM read.checkpoint FOR UPDATE")
        if [recorded.seq for recorded in batch] != list(range(reached + 1, reached + 1 + len(batch))):
            raise OutOfStep(f"the tables are at {reached}, the batch begins at {batch[0].seq}")
        known = await load(connection, needs_of(batch), carried)
        changes = fold(known, batch)
        await write(connection, known, changes)
        await connection.execute("UPDATE read.checkpoint SET seq = $1, at_us = $2", batch[-1].seq, batch[-1].at_us)
    _let_go(carried, changes.exchange)


def _let_go(carried: Carried, changes: ExchangeChanges) -> None:
    """Orders that are over change seldom, and are read again if they do."""
    for rows in (changes.orders, changes.changed):
        for number, row in rows.items():
            if row.status in OVER:
                carried.orders.pop(number, None)


OVER: Final = (OrderStatus.COMPLETE, OrderStatus.EXPIRED)
