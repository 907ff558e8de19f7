"""Making the tables, and dropping them: both under one lock, both whole or not at all."""

from importlib.resources import files
from typing import Final

from asyncpg import Connection

from overround.projections.tables import VERSION

MIGRATION_LOCK: Final = 0x6F76_7272_7265_6164
"""The key of the advisory lock: `ovrrread` in ASCII."""


async def migrate(connection: Connection) -> bool:
    """Bring schema `read` to this version. Tables of another version are dropped, to be folded again from the first
    fact. Whether anything was made."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
        if await _version(connection) == VERSION:
            return False
        await _make(connection)
        return True


async def drop(connection: Connection) -> None:
    """Empty every table and go back to before the first fact. A worker then folds everything again."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
        await _make(connection)


async def _version(connection: Connection) -> int | None:
    if await connection.fetchval("SELECT to_regclass('read.checkpoint')") is None:
        return None
    version: int | None = await connection.fetchval("SELECT version FROM read.checkpoint")
    return version


async def _make(connection: Connection) -> None:
    await connection.execute("DROP SCHEMA IF EXISTS read CASCADE")
    await connection.execute(files("overround.projections").joinpath("schema.sql").read_text())
    await connection.execute("INSERT INTO read.checkpoint (version) VALUES ($1)", VERSION)
