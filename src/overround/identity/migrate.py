"""Making the tables, whole or not at all, by one process at a time."""

from importlib.resources import files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from asyncpg import Connection, Record
    from asyncpg.pool import PoolConnectionProxy

MIGRATION_LOCK: Final = 0x6F76_7272_6964_656E
"""The key of the advisory lock: `ovrriden` in ASCII."""


async def migrate(connection: "Connection[Record] | PoolConnectionProxy[Record]") -> None:
    """Bring schema `identity` up to date. Safe to run at any time, by several at once."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
        if await connection.fetchval("SELECT to_regclass('identity.app_key')") is None:
            await connection.execute(files("overround.identity").joinpath("schema.sql").read_text())
