"""The stream's own port: TLS connections, each with its conversation, its subscriptions and its way out.

Invariants: whoever does not read is written no more than a buffer and is cut off in the end; whatever one connection
does, the others do not notice.
"""

import asyncio
import logging
import secrets
import socket
import ssl
from collections import deque
from typing import Final, cast

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

MAX_CONNECTIONS: Final = 2_000
BACKLOG: Final = 1_024
CONNECTIONS_PER_CUSTOMER: Final = 10
BUFFER_BYTES: Final = 256 * 1024
"""Unread bytes from which on nothing more is written."""

KERNEL_BYTES: Final = 256 * 1024
"""What the operating system may hold for one reader besides."""

MAX_UNREAD_BYTES: Final = 8 * 1024 * 1024
"""Even an image is not written beyond that."""

CUT_OFF_AFTER_S: Final = 30.0
"""How long a reader may leave everything unread."""

WATCH_EVERY_S: Final = 1.0
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
    """Listens, and knows who is connected."""

    def __init__(self, teller: Teller, calls: Calls, door: Door, *, max_connections: int = MAX_CONNECTIONS) -> None:
        self.teller, self.calls, self.door = teller, calls, door
        self.connections: dict[Connection, None] = {}
        self.of_customer: dict[int, int] = {}
        self._max_connections = max_connections

    async def listen(self, host: str, port: int, context: ssl.SSLContext) -> asyncio.Server:
        """Begin to take connections. Raises OSError where the port is taken."""
        loop = asyncio.get_running_loop()
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)  # its connections inherit it
        return await loop.create_server(lambda: Connection(self), sock=listening, ssl=context, backlog=BACKLOG)

    @property
    def is_full(self) -> bool:
        return len(self.connections) >= self._max_connections

    async def watch(self) -> None:
        """For ever: end what was not let in within its time, and who reads nothing."""
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            now_s = asyncio.get_running_loop().time()
            for connection in list(self.connections):
                connection.look(now_s)

    def close(self) -> None:
        """End every connection."""
        for connection in list(self.connections):
            connection.end(Trouble(StreamCode.CONNECTION_FAILED, "the house is closing"))


class Connection(asyncio.Protocol):
    """One client. What it asks is answered in its order, one at a time."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._conversation: Conversation | None = None
        self._asked: deque[Asked | Trouble] = deque()
        self._working: asyncio.Task[None] | None = None
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
        if self._server.is_full:
            self.end(Trouble(StreamCode.MAX_CONNECTION_LIMIT_EXCEEDED, "too many connections are open"))
            return
        self._server.connections[self] = None
        self.write(self._conversation.greeting())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's own name
        self._server.connections.pop(self, None)
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
            self.end(Trouble(StreamCode.TIMEOUT, "no authentication in time"))
        elif self._full_since_s and now_s - self._full_since_s > CUT_OFF_AFTER_S and self._transport is not None:
            self._transport.abort()

    def end(self, trouble: Trouble) -> None:
        """Say why, and close."""
        if self._transport is None or self._conversation is None:
            return
        self._conversation.end()
        self.write(self._conversation.failure(trouble))
        self._transport.close()

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
        address = self._transport.get_extra_info("peername", ("",))[0] if self._transport is not None else ""
        calls = self._server.calls
        try:
            app_key = await calls.app_key(asked.app_key or "", address)
            if app_key is None:
                return Trouble(StreamCode.INVALID_APP_KEY, "no such application key", asked.id)
            session = (asked.session or "").encode("utf-8", "surrogatepass")
            token = await calls.customer(session, address, moves_money=False)
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
        self._markets = heard
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
        self._orders = heard
        teller.hear_orders(heard, asked)
        return None
