"""The gateway process: the edge on uvicorn, with the book at the other end of NATS."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import asyncpg
import msgspec
import nats.errors
import uvicorn
from nats.aio.client import Client
from nats.aio.msg import Msg

from overround import journal
from overround.apps import engines, tls
from overround.apps.book import SystemClock
from overround.apps.settings import Settings
from overround.edge import Gateway, ReplyProtocol, StreamProtocol
from overround.edge.builders import ANSWER_WITHIN_S, AskPrice
from overround.edge.health import BookStatus
from overround.edge.messages import MAX_MESSAGE_BYTES
from overround.host import Desk, builders
from overround.host.nats_bus import NatsBus

if TYPE_CHECKING:
    from overround.edge.gate import Gate

log = logging.getLogger(__name__)

POOL_SIZE: Final = 8
READ_WITHIN_S: Final = 5.0
BACKLOG: Final = 2_048
KEEP_ALIVE_S: Final = 75
MAX_CONNECTIONS: Final = 12_000
GRACE_S: Final = 5


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Be a gateway until told to stop: requests under way are answered first."""
    tls.check_door(settings)
    clock = SystemClock()
    async with contextlib.AsyncExitStack() as stack:
        client = await engines.connect_bus(settings, stop)
        if client is None:
            return
        stack.push_async_callback(client.close)
        pool = await stack.enter_async_context(_pool(settings.dsn))
        bus = NatsBus(client, cell=settings.cell)
        desk = Desk(bus)
        await desk.open()
        stack.push_async_callback(desk.close)
        revoked = f"{settings.cell}.revoked"

        async def tell_revoked(token_id: int) -> None:
            gateway.door.forget(token_id)
            if client.is_connected:
                await client.publish(revoked, str(token_id).encode())

        gateway = Gateway(
            pool,
            desk,
            clock=clock,
            connected=lambda: client.is_connected,
            tell_revoked=tell_revoked,
            ask_price=_asking(client, settings.cell),
        )
        await _hear(client, bus, gateway, settings.cell)
        await _open_stream(stack, gateway, settings, clock)
        own = asyncio.create_task(gateway.run())
        try:
            await serve(gateway.application, settings, stop, own)
        finally:
            own.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await own


async def _open_stream(
    stack: contextlib.AsyncExitStack, gateway: Gateway, settings: Settings, clock: SystemClock
) -> None:
    """The exchange stream's own port, where the settings name one."""
    if settings.stream_port is None:
        return
    context = tls.for_stream(settings, now_us=clock.now_us())
    server = await gateway.exchange.stream.listen(settings.host, settings.stream_port, context)
    stack.callback(gateway.exchange.stream.close)
    stack.callback(server.close)


def _pool(dsn: str) -> "asyncpg.Pool[asyncpg.Record]":
    """Connections for reading. None is made here, so a database that is away for a moment fails requests, not us."""
    return asyncpg.create_pool(  # type: ignore[call-overload,no-any-return]  # `connect` hands everything on
        dsn,
        min_size=0,
        max_size=POOL_SIZE,
        command_timeout=READ_WITHIN_S,
        connect=journal.open_first,
    )


def _asking(client: Client, cell: str) -> AskPrice:
    """Questions about bet builders, to whoever listens on the bus."""
    subject = builders.SUBJECT.format(cell=cell)

    async def ask(question: bytes) -> bytes | None:
        try:
            return bytes((await client.request(subject, question, timeout=ANSWER_WITHIN_S)).data)
        except nats.errors.Error:  # nobody listens, or nobody answers
            return None

    return ask


async def _hear(client: Client, bus: NatsBus, gateway: Gateway, cell: str) -> None:
    """Facts, revoked tokens, and what the book says of itself."""

    async def revoked(message: Msg) -> None:
        if message.data.isdigit():
            gateway.door.forget(int(message.data))

    async def status(message: Msg) -> None:
        with contextlib.suppress(msgspec.DecodeError):
            told = msgspec.json.decode(message.data, type=BookStatus)
            if told.active:
                gateway.health.book = told

    await client.subscribe(f"{cell}.revoked", cb=revoked)
    await client.subscribe(f"{cell}.status", cb=status)
    await bus.listen(gateway.live.hear)
    await client.flush()  # from here on nothing is missed that the journal does not have already


class Server(uvicorn.Server):
    """uvicorn's server, whose signals are the process's own business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(application: "Gate", settings: Settings, stop: asyncio.Event, own: "asyncio.Task[None]") -> None:
    """Serve until told to stop, or until the gateway's own tasks fail."""
    uvicorn_log = logging.getLogger("uvicorn.error")
    uvicorn_log.setLevel(logging.WARNING)  # its info lines carry query strings, and so tokens
    uvicorn_log.addFilter(_is_no_farewell)
    server = Server(server_config(application, settings))
    stopping = asyncio.create_task(stop.wait())
    serving = asyncio.create_task(server.serve())
    await asyncio.wait({stopping, serving, own}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    stopping.cancel()
    await serving
    if own.done():
        own.result()


def _is_no_farewell(record: logging.LogRecord) -> bool:
    """A request that had no reply `GRACE_S` after we were told to stop is cut off; that is no error of ours."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def server_config(application: "Gate", settings: Settings) -> uvicorn.Config:
    """uvicorn as this gateway wants it."""
    return uvicorn.Config(
        application,
        host=settings.host,
        port=settings.port,
        loop="none",
        http=ReplyProtocol,
        ws=StreamProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=bool(settings.trusted_proxies),  # else whoever sets X-Forwarded-For chooses their own rate limit
        forwarded_allow_ips=settings.trusted_proxies,
        backlog=BACKLOG,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        ssl_ca_certs=str(settings.client_ca) if settings.client_ca is not None else None,
        ssl_cert_reqs=ssl.CERT_OPTIONAL if settings.client_ca is not None else ssl.CERT_NONE,
    )
