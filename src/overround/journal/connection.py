"""Connections to the journal's database: how they are opened, and how a deadline ends one.

A deadline never cancels: it cuts the socket. A cancelled commit under synchronous replication looks like
success and may be lost; a cut one is honestly unknown.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from asyncpg.exceptions import ClientConfigurationError

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
    """A connection for reading and migrations. `dsn` is as PostgreSQL's programs take it, `sslmode` and its
    certificates included. It may name several hosts; see `open_first`. Raises one of `LOST`."""
    return await open_first(dsn, timeout=within_s)


async def connect_for_lease(dsn: str, *, lease_s: float) -> "Connection":
    """A connection for the lease. No statement on it outlives its usefulness in the server: a lock is waited for
    less long than the lease lasts, and its commits do not wait for standbys. They need not: whatever an epoch writes
    comes after the epoch in the write-ahead log, so a standby that has the one has the other. Raises one of `LOST`."""
    connection = await open_first(dsn, timeout=lease_s)
    with cut_after(connection, lease_s):
        await connection.execute(
            f"SET synchronous_commit = local; SET lock_timeout = {max(1, round(lease_s * 800)):d};"
            "SET statement_timeout = 0; SET idle_session_timeout = 0"
        )
    return connection


async def connect_uncancellable(dsn: str, *, within_s: float = CONNECT_WITHIN_S) -> "Connection":
    """A connection for commits. Raises one of `LOST`."""
    return await open_first(dsn, timeout=within_s, connection_class=UncancellableConnection)


async def open_first(dsn: str, **further: Any) -> "Connection":
    """A connection to the first host that answers as wanted: with several hosts all are asked at once, so that a dead
    one delays nobody, and `target_session_attrs` is `read-write` unless `dsn` says otherwise. `further` goes to
    `asyncpg.connect`; a pool may take this function for its `connect`. Raises one of `LOST`.
    """
    addresses = one_host_each(dsn)
    if len(addresses) > 1 and "target_session_attrs=" not in dsn:
        further["target_session_attrs"] = "read-write"
    attempts = [asyncio.create_task(asyncpg.connect(address, **further)) for address in addresses]
    connection: Connection | None = None
    try:
        for attempt in asyncio.as_completed(attempts):
            with contextlib.suppress(*LOST):
                connection = await attempt
                break
    finally:
        for task in attempts:
            task.cancel()
        for outcome in await asyncio.gather(*attempts, return_exceptions=True):
            if isinstance(outcome, asyncpg.Connection) and outcome is not connection:
                outcome.terminate()
    if connection is None:
        raise _why_none(addresses, attempts)
    keep_alive(connection)
    return connection


def one_host_each(dsn: str) -> list[str]:
    """`dsn` once for each host that it names before its path."""
    parts = urlsplit(dsn)
    authority, at, hosts = parts.netloc.rpartition("@")
    if "," not in hosts:
        return [dsn]
    return [urlunsplit(parts._replace(netloc=authority + at + host)) for host in hosts.split(",")]


def _why_none(addresses: list[str], attempts: list["asyncio.Task[Connection]"]) -> BaseException:
    """What kept every host away, in one exception; the only host's own, and the caller's mistakes, as they are."""
    failures = [failure for attempt in attempts if (failure := attempt.exception()) is not None]
    for failure in failures:
        if len(failures) == 1 or isinstance(failure, ClientConfigurationError):
            return failure
    hosts = (urlsplit(address).netloc.rpartition("@")[2] for address in addresses)
    told = zip(hosts, failures, strict=True)
    return ConnectionError("; ".join(f"{host}: {type(failure).__name__}: {failure}" for host, failure in told))


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
