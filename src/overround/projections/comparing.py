"""Comparing the tables, row by row, with what they must show; the first difference is named exactly."""

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Final

import msgspec

from overround.book.machine import State
from overround.projections import tables
from overround.projections.recompute import Past, Row, rows_now
from overround.projections.tables import Table

if TYPE_CHECKING:
    from asyncpg import Connection, Record

FETCH_ROWS: Final = 5_000


class TableDifference(msgspec.Struct, frozen=True, kw_only=True):
    """`row` is the row's key, `column` the one that differs, or None where the whole row is missing or too many."""

    table: str
    row: str
    column: str | None
    expected: str
    found: str


async def compare_now(connection: "Connection[Record]", state: State, past: Past) -> TableDifference | None:
    """Every table of what is, against the state that the checkpoint's sequence leads to."""
    for table in tables.NOW:
        difference = await _compare(table, rows_now(table, state, past), _stored(connection, table))
        if difference is not None:
            return difference
    return await _compare_sums(connection)


async def compare_history(
    connection: "Connection[Record]", expected: dict[str, list[Row]], *, after: int, through: int | None
) -> TableDifference | None:
    """Every table of what was, against the rows of the facts after one sequence up to another (None: all)."""
    for table in tables.HISTORY:
        stored = _stored(connection, table, after=after, through=through)
        difference = await _compare(table, iter(expected.get(table.name, ())), stored)
        if difference is not None:
            return difference
    return None


async def _stored(
    connection: "Connection[Record]", table: Table, *, after: int | None = None, through: int | None = None
) -> AsyncIterator[Row]:
    """A table's rows in the order of its key."""
    where = ""
    if after is not None:
        where = f" WHERE seq > {after:d}" + (f" AND seq <= {through:d}" if through is not None else "")
    order = ", ".join(f'{key} COLLATE "C"' if key in ("name", "level", "currency") else key for key in table.key)
    columns = ", ".join(
        f"{column}::text" if kind == "uuid" else column for column, kind in zip(table.columns, table.types, strict=True)
    )
    query = f"SELECT {columns} FROM read.{table.name}{where} ORDER BY {order}"  # noqa: S608  # our words
    async for record in connection.cursor(query, prefetch=FETCH_ROWS):
        yield tuple(record)


async def _compare(table: Table, expected: Iterator[Row], stored: AsyncIterator[Row]) -> TableDifference | None:
    async for found in stored:
        wanted = next(expected, None)
        if found == wanted:
            continue
        if wanted is None or _key(table, found) < _key(table, wanted):
            return _whole(table, found, expected="no such row", found="a row")
        if _key(table, found) > _key(table, wanted):
            return _whole(table, wanted, expected="a row", found="none")
        for column, ours, theirs in zip(table.columns, wanted, found, strict=True):
            if ours != theirs:
                return TableDifference(
                    table=table.name, row=_name(table, wanted), column=column, expected=str(ours), found=str(theirs)
                )
    missing = next(expected, None)
    return _whole(table, missing, expected="a row", found="none") if missing is not None else None


def _key(table: Table, row: Row) -> tuple[int | str, ...]:
    return tuple(row[table.columns.index(column)] for column in table.key)  # type: ignore[misc]


def _name(table: Table, row: Row) -> str:
    return ", ".join(f"{column} {value}" for column, value in zip(table.key, _key(table, row), strict=True))


def _whole(table: Table, row: Row, *, expected: str, found: str) -> TableDifference:
    return TableDifference(table=table.name, row=_name(table, row), column=None, expected=expected, found=found)


async def _compare_sums(connection: "Connection[Record]") -> TableDifference | None:
    """What came to an account less what left it is its balance: summed by PostgreSQL from the transfers alone."""
    row = await connection.fetchrow(
        "SELECT account.id, account.balance_minor, coalesce(moved.sum_minor, 0) AS sum_minor FROM read.account"
        " LEFT JOIN (SELECT id, sum(amount_minor) AS sum_minor FROM"
        " (SELECT credit AS id, amount_minor FROM read.transfer"
        " UNION ALL SELECT debit, -amount_minor FROM read.transfer) AS side GROUP BY id) AS moved USING (id)"
        " WHERE account.balance_minor <> coalesce(moved.sum_minor, 0) ORDER BY account.id LIMIT 1"
    )
    if row is None:
        return None
    return TableDifference(
        table="account",
        row=f"id {row['id']}",
        column="balance_minor",
        expected=f"{row['sum_minor']}, the sum of its transfers",
        found=str(row["balance_minor"]),
    )
