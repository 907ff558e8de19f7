"""The stream: who is connected, what each hears, and the conversation with one of them.

Invariants: what a client was told up to a sequence is all there was; nothing about a market is told while the view is
stale; a client that reads slowly, or not at all, costs no more memory than what it subscribed to.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from overround.edge import messages, problems
from overround.edge.access import Bucket, Door, Need
from overround.edge.client import Client
from overround.edge.hub import Hub
from overround.edge.messages import INTERVALS_MS, MAX_EVENTS, MAX_MARKETS, Auth, Subscribe, Unsubscribe
from overround.edge.problems import Problem
from overround.edge.wire import EXTENSION

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

MAX_CLIENTS: Final = 5_000
MESSAGES_PER_S: Final = 20.0
MESSAGE_BURST: Final = 100.0
POLICY_VIOLATION: Final = 1008  # RFC 6455, section 7.4.1


class Stream:
    """The application for WebSocket connections at `/v1/stream`."""

    def __init__(self, hub: Hub, door: Door, *, max_clients: int = MAX_CLIENTS) -> None:
        self._hub, self._door, self._max_clients = hub, door, max_clients

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        await receive()
        try:
            client = await self._admit(scope)
        except Problem as problem:
            await _reject(send, problem)
            return
        await send({"type": "websocket.accept"})
        self._hub.add(client)
        try:
            await self._converse(client, receive)
        except Problem as problem:
            client.tell(_error(problem, closes=True))
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": problem.code})
        finally:
            self._hub.remove(client)

    async def _admit(self, scope: Any) -> Client:
        """Raises Problem: route_not_found, too_many_connections, token_invalid, rate_limited."""
        if scope["path"] != "/v1/stream":
            raise Problem("route_not_found")
        if len(self._hub.clients) >= self._max_clients:
            raise Problem("too_many_connections")
        client = Client(scope["extensions"][EXTENSION], address=scope["client"][0] if scope["client"] else "")
        secret = _secret(scope)
        if secret:
            await self._authenticate(client, secret)
        else:
            self._door.address(client.address)
        return client

    async def _authenticate(self, client: Client, secret: bytes) -> None:
        entered = await self._door.enter(secret, client.address)
        client.token = entered.token
        client.may_read_own = Need.CUSTOMER_READ in entered.may
        client.may_read_all = Need.OPERATOR_READ in entered.may

    async def _converse(self, client: Client, receive: Receive) -> None:
        loop = asyncio.get_running_loop()
        bucket = Bucket(per_s=MESSAGES_PER_S, burst=MESSAGE_BURST, now_s=loop.time())
        while True:
            await client.wire.room()
            message = await receive()
            if message["type"] != "websocket.receive":
                return
            if not bucket.take(loop.time()):
                raise Problem("rate_limited")
            await self._take(client, _decode(message))

    async def _take(self, client: Client, asked: Auth | Subscribe | Unsubscribe) -> None:
        match asked:
            case Auth():
                if client.token is not None:
                    raise Problem("message_invalid", "this connection has a token already")
                await self._authenticate(client, asked.token.encode())
                client.tell(messages.Authenticated(customer_id=client.customer_id or None))
            case Subscribe():
                self._check(client, asked)
                self._subscribe(client, asked)
            case Unsubscribe():
                self._hub.unsubscribe(client, asked)
                client.tell(messages.Unsubscribed(id=asked.id))

    def _check(self, client: Client, asked: Subscribe) -> None:
        """Raises Problem: token_required, scope_required, too_many_subscriptions."""
        if asked.referrals and not client.may_read_all:
            raise Problem("token_required" if client.token is None else "scope_required")
        if (asked.bets or asked.balance) and not client.may_read_own:
            raise Problem("token_required" if client.token is None else "scope_required")
        if len(client.markets.union(asked.markets)) > MAX_MARKETS:
            raise Problem("too_many_subscriptions", max_markets=MAX_MARKETS)
        if len(client.events.union(asked.events)) > MAX_EVENTS:
            raise Problem("too_many_subscriptions", max_events=MAX_EVENTS)

    def _subscribe(self, client: Client, asked: Subscribe) -> None:
        """What exists is heard from now on; what does not is named, and the connection goes on."""
        if asked.conflate_ms is not None:
            wanted = max(interval for interval in INTERVALS_MS if interval <= asked.conflate_ms)
            self._hub.conflate(client, wanted)
        unknown = self._hub.subscribe(client, asked)
        for code, numbers in unknown:
            problem = Problem(code)
            client.tell(_error(problem, closes=False, id=asked.id, numbers=numbers))


def _secret(scope: Any) -> bytes:
    """The token from the Authorization header or the query. Neither is ever logged."""
    for name, value in scope["headers"]:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return bytes(value[7:])
    given: list[str] = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])
    return given[0].encode()


def _decode(message: Message) -> Auth | Subscribe | Unsubscribe:
    """Raises Problem: message_invalid."""
    text = message.get("text")
    if text is None:
        raise Problem("message_invalid", "messages are text")
    try:
        asked: Auth | Subscribe | Unsubscribe = messages.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as wrong:
        raise Problem("message_invalid", str(wrong)[:300]) from None
    return asked


def _error(problem: Problem, *, closes: bool, id: str = "", numbers: dict[str, Any] | None = None) -> messages.Error:
    title = f"{problem.kind.title}: {problem.detail}" if problem.detail else problem.kind.title
    return messages.Error(
        code=problem.code, closes=closes, title=title, id=id, numbers=numbers or dict(problem.numbers)
    )


async def _reject(send: Send, problem: Problem) -> None:
    """No connection: the handshake is answered with the problem."""
    headers = [(b"content-type", problems.CONTENT_TYPE)]
    if problem.retry_after_s:
        headers.append((b"retry-after", b"%d" % problem.retry_after_s))
    await send({"type": "websocket.http.response.start", "status": problem.kind.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": problems.body(problem)})
