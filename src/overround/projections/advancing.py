"""One step of the fold: a batch of facts, its rows and the checkpoint in one transaction, or nothing at all."""

from collections.abc import Sequence
from typing import Final

from asyncpg import Connection

from overround.book.ledger import Account
from overround.projections.changes import Recorded
from overround.projections.folding import fold
from overround.projections.gather import load, needs_of
from overround.projections.writing import write

CARRIED_ACCOUNTS: Final = 300_000
"""Accounts that a worker keeps in memory; when there are more it begins anew."""


class OutOfStep(Exception):
    """The batch does not follow the checkpoint: another worker folded it, or a fact is missing."""


async def checkpoint(connection: Connection) -> int:
    """The sequence of the last fact that the tables show; 0 before the first."""
    seq: int = await connection.fetchval("SELECT seq FROM read.checkpoint")
    return seq


async def advance(
    connection: Connection, batch: Sequence[Recorded], *, accounts: dict[int, Account] | None = None
) -> None:
    """Fold the next facts of the journal into the tables. Whatever ends the process, each fact takes effect once.

    `accounts` carries accounts from one batch to the next, which saves reading them: it begins empty, and is to be
    dropped after anything was raised. Raises OutOfStep, with nothing changed, where the first fact is not the one after
    the checkpoint.
    """
    if accounts is None:
        accounts = {}
    elif len(accounts) > CARRIED_ACCOUNTS:
        accounts.clear()
    async with connection.transaction():
        reached: int = await connection.fetchval("SELECT seq FROM read.checkpoint FOR UPDATE")
        if [recorded.seq for recorded in batch] != list(range(reached + 1, reached + 1 + len(batch))):
            raise OutOfStep(f"the tables are at {reached}, the batch begins at {batch[0].seq}")
        known = await load(connection, needs_of(batch), accounts)
        await write(connection, known, fold(known, batch))
        await connection.execute("UPDATE read.checkpoint SET seq = $1, at_us = $2", batch[-1].seq, batch[-1].at_us)
