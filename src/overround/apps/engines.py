"""The engines that settings name: asked once by commands, waited for by roles. What is missing is said in one line."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import asyncpg
import nats.errors
from nats.aio.client import Client

from overround import journal
from overround.apps import tls
from overround.apps.settings import InvalidSetting, Settings
from overround.infra import nats as nats_server

if TYPE_CHECKING:
    from overround.journal.connection import Connection

log = logging.getLogger(__name__)

OLDEST_POSTGRES: Final = 15
"""The oldest major version that the tests run on."""

ANSWER_WITHIN_S: Final = 5.0
ASK_AGAIN_S: Final = 1.0
CANCEL_AGAIN_S: Final = 0.05
MISSING_TABLES: Final = (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError)

PARTS: Final = ("journal.event", "identity.token", "read.checkpoint")


class EngineTrouble(Exception):
    """PostgreSQL or NATS is not there, or not as it must be; the message says what to do. It may pass."""


@asynccontextmanager
async def database(dsn: str) -> AsyncIterator["Connection"]:
    """A connection for one command. Raises EngineTrouble, InvalidSetting."""
    connection = await _connect(dsn)
    try:
        yield connection
    except MISSING_TABLES as missing:
        raise EngineTrouble(f"the database has no house in it ({missing}); run `overround migrate` first") from missing
    except journal.LOST as lost:
        raise EngineTrouble(f"the database failed: {type(lost).__name__}: {lost}") from lost
    finally:
        connection.terminate()


async def _connect(dsn: str) -> "Connection":
    try:
        connection = await journal.connect(dsn, within_s=ANSWER_WITHIN_S)
    except ValueError as wrong:  # asyncpg's ClientConfigurationError is one
        raise InvalidSetting(f"OVERROUND_DATABASE_URL cannot be used: {wrong}") from wrong
    except journal.LOST as lost:
        raise EngineTrouble(f"the database does not answer: {type(lost).__name__}: {lost}") from lost
    if connection.get_server_version().major < OLDEST_POSTGRES:
        version = connection.get_server_version().major
        connection.terminate()
        raise InvalidSetting(
            f"OVERROUND_DATABASE_URL names a PostgreSQL {version}; it must be {OLDEST_POSTGRES} or newer"
        )
    return connection


async def wait_for_database(settings: Settings, stop: asyncio.Event) -> bool:
    """Until the database answers and is migrated; False when told to stop first. Raises InvalidSetting."""
    said = ""
    while not stop.is_set():
        try:
            async with database(settings.dsn) as connection:
                await _check_parts(connection)
                return True
        except EngineTrouble as trouble:
            if str(trouble) != said:
                log.warning("waiting: %s", trouble)
            said = str(trouble)
        await _pause(stop)
    return False


async def _check_parts(connection: "Connection") -> None:
    for part in PARTS:
        if await connection.fetchval("SELECT to_regclass($1)", part) is None:
            raise EngineTrouble(f"the database has no table {part} yet; run `overround migrate`")


async def connect_bus(settings: Settings, stop: asyncio.Event) -> Client | None:
    """A connection to NATS, which is tried for until it stands; None when told to stop first. Raises InvalidSetting."""
    connecting = asyncio.create_task(_connect_bus(settings))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({connecting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if connecting.done():
        return connecting.result()
    await _give_up(connecting)
    return None


async def ask_bus(settings: Settings) -> None:
    """Whether NATS answers now. Raises EngineTrouble, InvalidSetting."""
    connecting = asyncio.create_task(_connect_bus(settings))
    await asyncio.wait({connecting}, timeout=ANSWER_WITHIN_S)
    if not connecting.done():
        await _give_up(connecting)
        raise EngineTrouble("NATS does not answer; the lines above may say why")
    await connecting.result().close()


async def _give_up(connecting: asyncio.Task[Client]) -> None:
    """Cancel until it has ended: an attempt that fails at the very moment loses the word, and the next one begins."""
    while not connecting.done():
        connecting.cancel()
        await asyncio.wait({connecting}, timeout=CANCEL_AGAIN_S)
    if not connecting.cancelled() and connecting.exception() is None:
        await connecting.result().close()  # it stood at the last moment


async def _connect_bus(settings: Settings) -> Client:
    try:
        context = tls.for_nats(settings)
        return await nats_server.connect(settings.bus_url, name=settings.name or "overround", tls=context)
    except (ValueError, nats.errors.Error) as wrong:
        if isinstance(wrong, InvalidSetting):
            raise
        raise InvalidSetting(f"OVERROUND_NATS_URL cannot be used: {wrong}") from wrong


async def _pause(stop: asyncio.Event) -> None:
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({stopping}, timeout=ASK_AGAIN_S)
    stopping.cancel()
