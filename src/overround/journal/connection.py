"""Connections to the journal's database: how they are opened, and how a deadline ends one.

A deadline never cancels: it cuts the socket. A cancelled commit under synchronous replication looks like
success and may be lost; a cut one is honestly unknown.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

import asyncpg

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
    Reader: TypeAlias = Connection | asyncpg.Pool[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]

CONNECT_WITHIN_S = 5.0
KEEPALIVE_IDLE_S = 3
KEEPALIVE_EVERY_S = 1
KEEPALIVE_PROBES = 3

LOST = (OSError, EOFError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What asyncpg raises when a statement or its connection fails. (A timeout of a connect is an OSError.)"""


class UncancellableConnection(asyncpg.Connection):
    """A connection that never sends a cancel request.

    asyncpg sends one when a task that waits for a statement is cancelled. Here the socket is cut instead.
    Nobody cancels an append on purpose; this holds even when the whole event loop is torn down.
    """

    __slots__ = ()

    def _cancel_current_command(self, *_: object) -> None:
        asyncio.get_running_loop().call_soon(self.terminate)


async def connect(dsn: str, *, within_s: float = CONNECT_WITHIN_S) -> "Connection":
    """A connection for reading, leases and migrations. `dsn` goes to asyncpg as it is: several hosts,
    `target_session_attrs` and `sslmode` work. Raises one of `LOST`."""
    connection = await asyncpg.connect(dsn, timeout=within_s)
    keep_alive(connection)
    return connection


async def connect_uncancellable(dsn: str, *, within_s: float = CONNECT_WITHIN_S) -> "Connection":
    """A connection for commits. Raises one of `LOST`."""
    connection = await asyncpg.connect(dsn, timeout=within_s, connection_class=UncancellableConnection)
    keep_alive(connection)
    return connection


def keep_alive(connection: "Connection") -> None:
    """Let the kernel notice a dead peer on an idle TCP connection (asyncpg has no option for it)."""
    transport = getattr(connection, "_transport", None)
    peer = transport.get_extra_info("socket") if transport is not None else None
    if peer is None or peer.family == socket.AF_UNIX:
        return
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_IDLE_S),
        ("TCP_KEEPINTVL", KEEPALIVE_EVERY_S),
        ("TCP_KEEPCNT", KEEPALIVE_PROBES),
        ("TCP_USER_TIMEOUT", 1000 * (KEEPALIVE_IDLE_S + KEEPALIVE_EVERY_S * KEEPALIVE_PROBES)),
    ):
        option = getattr(socket, name, None)
        if option is not None:
            peer.setsockopt(socket.IPPROTO_TCP, option, value)


@contextlib.contextmanager
def cut_after(connection: "Connection", deadline_s: float) -> Iterator[None]:
    """Cut the socket if the block takes longer than `deadline_s`; what waits in it then gets one of
    `LOST`."""
    timer = asyncio.get_running_loop().call_later(deadline_s, connection.terminate)
    try:
        yield
    finally:
        timer.cancel()
