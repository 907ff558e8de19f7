"""The stream's own port: TLS connections, each with its conversation, its subscriptions and its way out.

Invariants: whoever does not read is written no more than a buffer and is cut off in the end; whatever one connection
does, the others do not notice.
"""

import asyncio
import contextlib
import logging
import secrets
import socket
import ssl
from collections import deque
from collections.abc import Callable
from typing import Final, cast

import msgspec

from overround.edge.access import Door
from overround.edge.betfair.asked import (
    Asked,
    Authentication,
    Heartbeat,
    MarketSubscription,
    OrderSubscription,
    StreamCode,
)
from overround.edge.betfair.calls import Calls
from overround.edge.betfair.conversation import Conversation, Stage, Trouble
from overround.edge.betfair.faults import Code, Fault, fault_of
from overround.edge.betfair.subscribers import MarketHeard, OrderHeard
from overround.edge.betfair.telling import Teller
from overround.edge.problems import Problem
from overround.infra import memory

MAX_CONNECTIONS: Final = 2_000
MAX_SHAKING: Final = 500
"""Handshakes under way. Should there be more, the oldest is given up: an honest one takes milliseconds."""

SHAKEN_WITHIN_S: Final = 10.0
SHUT_WITHIN_S: Final = 2.0
"""How long the other side may take to say goodbye."""

BACKLOG: Final = 1_024
ACCEPT_AGAIN_S: Final = 0.1
CONNECTIONS_PER_CUSTOMER: Final = 10
BUFFER_BYTES: Final = 256 * 1024
"""Unread bytes from which on nothing more is written."""

KERNEL_BYTES: Final = 256 * 1024
"""What the operating system may hold for one reader besides."""

MAX_UNREAD_BYTES: Final = 8 * 1024 * 1024
"""Even an image is not written beyond that."""

CUT_OFF_AFTER_S: Final = 30.0
"""How long a reader may leave everything unread."""

TIDY_AFTER: Final = 500
"""After how many connections that ended their memory is given back."""

WATCH_EVERY_S: Final = 1.0
CHECK_EVERY_S: Final = 30.0
"""How often it is asked whether a session still is one: who logged out, or was, hears nothing more."""

DELAYED_CONFLATION_MS: Final = 5_000
"""The least conflation of a delayed application key."""

BY_FAULT: Final = {
    Code.INVALID_SESSION_INFORMATION: StreamCode.INVALID_SESSION_INFORMATION,
    Code.ACCESS_DENIED: StreamCode.NOT_AUTHORIZED,
    Code.TOO_MANY_REQUESTS: StreamCode.TOO_MANY_REQUESTS,
    Code.SERVICE_BUSY: StreamCode.CONNECTION_FAILED,
}

log = logging.getLogger(__name__)


class Server:
    """Listens, and knows who is connected. Who was let in stays; who was not makes room for others."""

    def __init__(
        self,
        teller: Teller,
        calls: Calls,
        door: Door,
        *,
        is_ready: Callable[[], bool],
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self._is_ready = is_ready
        self.teller, self.calls, self.door = teller, calls, door
        self.connections: dict[Connection, None] = {}
        self.strangers: dict[Connection, None] = {}
        self.of_customer: dict[int, int] = {}
        self._max_connections = max_connections
        self._shaking: dict[asyncio.Task[None], socket.socket] = {}
        self.ended = 0

    async def listen(self, host: str, port: int, context: ssl.SSLContext) -> "Listening":
        """Begin to take connections. Raises OSError where the port is taken."""
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)  # its connections inherit it
        listening.setblocking(False)
        return Listening(listening, asyncio.create_task(self._accept(listening, context)))

    async def _accept(self, listening: socket.socket, context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        while not self._is_ready():  # noqa: ASYNC110  # whoever comes meanwhile waits in the queue
            await asyncio.sleep(ACCEPT_AGAIN_S)
        while True:
            try:
                plain, _ = await loop.sock_accept(listening)
            except OSError:  # there are no more files, or the other side is gone already
                await asyncio.sleep(ACCEPT_AGAIN_S)
                continue
            if len(self._shaking) >= MAX_SHAKING:
                self._give_up(next(iter(self._shaking)))
            shaking = asyncio.create_task(self._shake(plain, context))
            self._shaking[shaking] = plain
            shaking.add_done_callback(self._shaken)

    async def _shake(self, plain: socket.socket, context: ssl.SSLContext) -> None:
        """The handshake of one connection, which then goes on by itself."""
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: Connection(self),
                plain,
                ssl=context,
                ssl_handshake_timeout=SHAKEN_WITHIN_S,
                ssl_shutdown_timeout=SHUT_WITHIN_S,
            )
        except OSError:  # it was given up, by us or by them, or was no TLS
            self.ended += 1

    def _give_up(self, shaking: "asyncio.Task[None]") -> None:
        """End a handshake as if the other side had hung up: that is at once, where to cancel it is not."""
        with contextlib.suppress(OSError):
            self._shaking.pop(shaking).shutdown(socket.SHUT_RDWR)

    def _shaken(self, task: "asyncio.Task[None]") -> None:
        self._shaking.pop(task, None)

    @property
    def is_full(self) -> bool:
        return len(self.connections) >= self._max_connections

    def make_room(self) -> None:
        """Where the house is full, whoever was not let in for the longest goes."""
        if self.is_full and self.strangers:
            text = "too many connections are open, and this one was not let in yet"
            next(iter(self.strangers)).end(Trouble(StreamCode.MAX_CONNECTION_LIMIT_EXCEEDED, text))

    async def watch(self) -> None:
        """For ever: end what was not let in within its time, who reads nothing, and whose session is over."""
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            now_s = asyncio.get_running_loop().time()
            for connection in list(self.connections):
                connection.look(now_s)
            if self.ended >= TIDY_AFTER:
                self.ended = 0
                memory.give_back()

    def close(self) -> None:
        """End every connection."""
        for connection in list(self.connections):
            connection.end(Trouble(StreamCode.CONNECTION_FAILED, "the house is closing"))


class Listening(msgspec.Struct, frozen=True):
    """An open port."""

    socket: socket.socket
    accepting: "asyncio.Task[None]"

    def close(self) -> None:
        self.accepting.cancel()
        self.socket.close()


class Connection(asyncio.Protocol):
    """One client. What it asks is answered in its order, one at a time."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._conversation: Conversation | None = None
        self._asked: deque[Asked | Trouble] = deque()
        self._working: asyncio.Task[None] | None = None
        self._checking: asyncio.Task[None] | None = None
        self._session, self._checked_s = b"", 0.0
        self._full_since_s = 0.0
        self._customer_id = 0
        self._is_delayed = False
        self._markets: MarketHeard | None = None
        self._orders: OrderHeard | None = None

    # The socket.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast("asyncio.Transport", transport)  # uvloop's derives from nothing
        transport.set_write_buffer_limits(high=BUFFER_BYTES)
        now_s = asyncio.get_running_loop().time()
        self._conversation = Conversation(secrets.token_hex(10), now_s=now_s)
        self._server.make_room()
        if self._server.is_full:
            self.end(Trouble(StreamCode.MAX_CONNECTION_LIMIT_EXCEEDED, "too many connections are open"))
            return
        self._server.connections[self] = self._server.strangers[self] = None
        self.write(self._conversation.greeting())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's own name
        self._server.ended += 1
        self._server.connections.pop(self, None)
        self._server.strangers.pop(self, None)
        if self._conversation is not None:
            self._conversation.end()
        self._asked.clear()
        for heard in (self._markets, self._orders):
            self._server.teller.leave(heard)
        self._markets = self._orders = None
        if self._customer_id:
            left = self._server.of_customer[self._customer_id] - 1
            if left:
                self._server.of_customer[self._customer_id] = left
            else:
                del self._server.of_customer[self._customer_id]
            self._customer_id = 0
        self._transport = None

    def data_received(self, data: bytes) -> None:
        if self._conversation is None or self._transport is None:
            return
        self._asked += self._conversation.hear(data, now_s=asyncio.get_running_loop().time())
        if self._asked and self._working is None:
            self._working = asyncio.create_task(self._work())

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self._full_since_s = asyncio.get_running_loop().time()

    def resume_writing(self) -> None:
        self._full_since_s = 0.0
        teller = self._server.teller
        if self._markets is not None:
            asyncio.get_running_loop().call_soon(teller.room, self._markets)
        if self._orders is not None:
            teller.room_for_orders(self._orders)

    # As a reader.

    @property
    def is_full(self) -> bool:
        return self._full_since_s > 0.0

    def write(self, data: bytes) -> None:
        """Send; who leaves more unread than can be kept is cut off."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            transport.abort()
            return
        transport.write(data)

    def look(self, now_s: float) -> None:
        """Whether its time is over."""
        if self._conversation is not None and self._conversation.is_late(now_s):
            self.end(Trouble(StreamCode.TIMEOUT, "no authentication or no subscription in time"))
        elif self._customer_id and now_s - self._checked_s > CHECK_EVERY_S:
            self._checked_s = now_s
            self._checking = asyncio.create_task(self._check())
        elif self._full_since_s and now_s - self._full_since_s > CUT_OFF_AFTER_S and self._transport is not None:
            self._transport.abort()

    async def _check(self) -> None:
        """Whether the session that let it in still is one. What cannot be found out is asked again later."""
        try:
            await self._server.calls.customer(self._session, self._address, moves_money=False)
        except Fault as fault:
            if fault.code in (Code.INVALID_SESSION_INFORMATION, Code.ACCESS_DENIED):
                self.end(Trouble(BY_FAULT[fault.code], "the session is over"))
        except Problem:
            log.info("a stream's session could not be checked")

    def warn(self, trouble: Trouble) -> None:
        """Say what went wrong with a subscription that goes on."""
        if self._conversation is not None and self._conversation.stage is Stage.OPEN:
            self.write(self._conversation.failure(trouble))

    def end(self, trouble: Trouble) -> None:
        """Say why, and close."""
        if self._transport is None or self._conversation is None:
            return
        self._server.connections.pop(self, None)
        self._server.strangers.pop(self, None)
        self._conversation.end()
        self.write(self._conversation.failure(trouble))
        self._transport.close()

    @property
    def _address(self) -> str:
        return self._transport.get_extra_info("peername", ("",))[0] if self._transport is not None else ""

    # What is asked.

    async def _work(self) -> None:
        try:
            while self._asked:
                asked = self._asked.popleft()
                trouble = asked if isinstance(asked, Trouble) else await self._answer(asked)
                if trouble is not None:
                    self._refuse(trouble)
        except Exception:  # the outermost loop of a connection: its client is told, the others do not notice
            log.exception("a stream's request failed")
            self.end(Trouble(StreamCode.UNEXPECTED_ERROR, "something is broken on our side"))
        finally:
            self._working = None

    def _refuse(self, trouble: Trouble) -> None:
        if trouble.closes:
            self._asked.clear()
            self.end(trouble)
        elif self._conversation is not None:
            self.write(self._conversation.failure(trouble))

    async def _answer(self, asked: Asked) -> Trouble | None:
        conversation = self._conversation
        if conversation is None or (conversation.stage is Stage.CLOSED):
            return None
        match asked:
            case Authentication():
                return await self._authenticate(asked, conversation)
            case Heartbeat():
                self.write(conversation.success(asked.id))
                return None
            case MarketSubscription():
                return self._hear_markets(asked, conversation)
            case OrderSubscription():
                return self._hear_orders(asked, conversation)

    async def _authenticate(self, asked: Authentication, conversation: Conversation) -> Trouble | None:
        calls = self._server.calls
        try:
            app_key = await calls.app_key(asked.app_key or "", self._address)
            if app_key is None:
                return Trouble(StreamCode.INVALID_APP_KEY, "no such application key", asked.id)
            session = (asked.session or "").encode("utf-8", "surrogatepass")
            token = await calls.customer(session, self._address, moves_money=False)
            self._session, self._checked_s = session, asyncio.get_running_loop().time()
        except Fault as fault:
            return Trouble(BY_FAULT.get(fault.code, StreamCode.UNEXPECTED_ERROR), fault.details, asked.id)
        except Problem as problem:
            code = fault_of(problem).code
            return Trouble(BY_FAULT.get(code, StreamCode.UNEXPECTED_ERROR), problem.code, asked.id)
        return self._let_in(asked, conversation, customer_id=token.customer_id or 0, is_delayed=app_key.is_delayed)

    def _let_in(
        self, asked: Authentication, conversation: Conversation, *, customer_id: int, is_delayed: bool
    ) -> Trouble | None:
        if self._transport is None:
            return None  # it went while identity was asked
        connected = self._server.of_customer.get(customer_id, 0)
        if connected >= CONNECTIONS_PER_CUSTOMER:
            text = f"at most {CONNECTIONS_PER_CUSTOMER} connections"
            return Trouble(StreamCode.MAX_CONNECTION_LIMIT_EXCEEDED, text, asked.id)
        self._server.of_customer[customer_id] = connected + 1
        self._customer_id, self._is_delayed = customer_id, is_delayed
        self._server.strangers.pop(self, None)
        conversation.accept()
        left = CONNECTIONS_PER_CUSTOMER - connected - 1
        self.write(conversation.success(asked.id, connections_available=left))
        return None

    def _hear_markets(self, asked: MarketSubscription, conversation: Conversation) -> Trouble | None:
        teller = self._server.teller
        least_ms = DELAYED_CONFLATION_MS if self._is_delayed else 0
        heard = MarketHeard(self, asked, least_conflation_ms=least_ms, now_s=asyncio.get_running_loop().time())
        trouble = teller.refusal(heard, asked)
        if trouble is not None:
            return trouble
        self.write(conversation.success(asked.id))
        teller.leave(self._markets)
        self._markets, conversation.is_subscribed = heard, True
        teller.hear_markets(heard, asked)
        return None

    def _hear_orders(self, asked: OrderSubscription, conversation: Conversation) -> Trouble | None:
        if asked.order_filter is not None and asked.order_filter.account_ids:
            return Trouble(StreamCode.INVALID_INPUT, "accountIds are not for customers", asked.id)
        teller = self._server.teller
        now_s = asyncio.get_running_loop().time()
        heard = OrderHeard(self, asked, customer_id=self._customer_id, now_s=now_s)
        trouble = teller.refusal(heard, asked)
        if trouble is not None:
            return trouble
        self.write(conversation.success(asked.id))
        teller.leave(self._orders)
        self._orders, conversation.is_subscribed = heard, True
        teller.hear_orders(heard, asked)
        return None
