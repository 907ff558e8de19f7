"""Walking the whole journal: every row in its place, every batch as it was sealed."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import asyncpg

from overround.journal.chain import Checker
from overround.journal.reader import read_whole
from overround.journal.types import READ_ROWS, Difference, Head, Walk, What

if TYPE_CHECKING:
    from overround.journal.connection import Reader


async def walk(
    connection: "Reader",
    *,
    from_head: Head | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Walk:
    """Recompute the chain from `from_head` (default: where the archived part ends) to the end.

    Stops at the first difference and names it: the row where that can be told, the batch's rows where only
    the chain differs. `on_progress` gets the number of the last row checked. What it cannot see: whole
    batches missing at the very end; compare the head with one that was noted elsewhere.
    """
    start = from_head or await _archived_head(connection)
    checker = Checker(start)
    after = start.seq
    difference: Difference | None = None
    while difference is None:
        try:
            rows = await read_whole(connection, after)
        except asyncpg.DataCorruptedError as error:
            difference = await _locate(connection, after, checker, str(error))
            break
        if not rows:
            difference = checker.finish()
            break
        difference = checker.check(rows)
        after = rows[-1].seq
        if on_progress is not None:
            on_progress(after)
    return Walk(head=checker.head, rows=checker.head.seq - start.seq, difference=difference)


async def _archived_head(connection: "Reader") -> Head:
    row = await connection.fetchrow("SELECT archived_seq, archived_chain FROM journal.shape")
    return Head(*row) if row is not None else Head(0, b"")


async def _locate(connection: "Reader", after: int, checker: Checker, words: str) -> Difference:
    """The first row on a damaged page: halve the range until one row is left. Rows before it are checked as
    ever."""
    span = READ_ROWS
    while span > 1:
        half = span // 2
        try:
            rows = await read_whole(connection, after, half)
        except asyncpg.DataCorruptedError:
            span = half
            continue
        difference = checker.check(rows)
        if difference is not None:
            return difference
        after, span = after + half, span - half
    seq = after + 1
    return Difference(seq=seq, last_seq=seq, what=What.UNREADABLE, expected="a readable row", found=words)
