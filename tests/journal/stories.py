"""What the journal's tests are told with."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg

from overround import journal

CEILING_S = 60.0


def bets(count: int, *, at_us: int = 1_700_000_000_000_000, note: str = "") -> list[journal.Entry]:
    """`count` entries to append."""
    return [(at_us, "bet_accepted", json.dumps({"stake_minor": 100 + n, "note": note})) for n in range(count)]


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await journal.connect(dsn)
    try:
        yield connection
    finally:
        connection.terminate()


@asynccontextmanager
async def open_journal(dsn: str, *, holder: str = "book", deadline_s: float = 20.0) -> AsyncIterator[journal.Journal]:
    """A writer as the book opens it: lease, head, writer."""
    async with connected(dsn) as connection:
        epoch = await journal.acquire(connection, holder, 60.0)
        assert epoch is not None
        head = await journal.head(connection)
    writer = await journal.Journal.open(dsn, epoch=epoch, head=head, deadline_s=deadline_s)
    try:
        yield writer
    finally:
        await writer.close()


@asynccontextmanager
async def held_up_commits(connection: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[None]:
    """Every append in this database waits at its very end, after the fence, until the block is left."""
    await connection.execute(
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END $$;"
        "CREATE TRIGGER zz AFTER INSERT ON journal.event FOR EACH STATEMENT EXECUTE FUNCTION wait()"
    )
    await connection.execute("SELECT pg_advisory_lock(1)")
    yield
    await connection.execute("SELECT pg_advisory_unlock(1)")


async def rows_of(dsn: str) -> list[journal.WholeRow]:
    async with connected(dsn) as connection:
        return await journal.read_whole(connection, 0)


async def wait_until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Until `condition` holds, with a generous ceiling."""
    due = asyncio.get_running_loop().time() + CEILING_S
    while not await condition():
        assert asyncio.get_running_loop().time() < due, "waited too long"
        await asyncio.sleep(0.01)
