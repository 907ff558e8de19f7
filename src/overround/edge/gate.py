"""The gate: an ASGI application that lets a request in, hands it to its row's handler, and writes what comes back.

Invariants: a body is never logged and never larger than its limit; nothing waits without a deadline; whatever goes
wrong, the reply is a problem with a code of the table.
"""

import asyncio
import logging
from bisect import bisect_left
from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from time import perf_counter
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from overround.edge import problems
from overround.edge.access import Door, Need
from overround.edge.problems import Problem
from overround.edge.routes import BOUNDS_S, MAX_QUERY_LENGTH, Bound, Call, Reply, Router
from overround.edge.wire import WHOLE, head
from overround.kernel.ids import KEY_TEXT_LENGTH

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

Application = Callable[[Scope, Receive, Send], Awaitable[None]]

DIALECT_PATHS: Final = ("/exchange/", "/api/", "/inplayservice/")
BODY_WITHIN_S: Final = 10.0
MAX_UNDER_WAY: Final = 10_000
SECURITY: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)
HEADS: Final = 1_024
"""How many different heads of replies are kept ready."""

NO_PATH: Final[dict[str, int | str]] = {}

log = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode


class Gate:
    """The application. `stream` takes WebSocket connections, `dialect` what is asked in Betfair's words."""

    def __init__(self, router: Router, door: Door, *, stream: Application, dialect: Application | None = None) -> None:
        self.router = router
        self.under_way = 0
        self.lost = 0
        self._door = door
        self._stream, self._dialect = stream, dialect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if self._dialect is not None and scope["path"].startswith(DIALECT_PATHS):
                await self._dialect(scope, receive, send)
            else:
                await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._stream(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        began_s = perf_counter()
        bound: Bound | None = None
        self.under_way += 1
        try:
            if self.under_way > MAX_UNDER_WAY:
                raise Problem("overloaded")
            bound, path = self.router.find(scope["method"], scope["path"])
            reply = await self._answer(bound, path, scope, receive)
        except Problem as problem:
            reply = _problem(problem)
        except Exception:  # the outermost loop of a request: its client gets a problem too
            log.exception("request failed", extra={"operation": bound.route.name if bound is not None else ""})
            reply = _problem(Problem("internal"))
        finally:
            self.under_way -= 1
        if bound is not None:
            _count(bound, reply.status, perf_counter() - began_s)
        else:
            self.lost += 1
        await write(scope, send, reply)

    async def _answer(self, bound: Bound, path: dict[str, int | str], scope: Scope, receive: Receive) -> Reply:
        route = bound.route
        bearer, key, length = b"", "", 0
        for name, value in scope["headers"]:
            if name == b"authorization":
                bearer = value
            elif name == b"idempotency-key":
                key = value.decode("latin-1")
            elif name == b"content-length":
                length = int(value)
        if length > route.max_body_bytes:
            raise Problem("body_too_large", max_bytes=route.max_body_bytes)
        address = scope["client"][0] if scope["client"] else ""
        token = None
        if bearer or route.need is not Need.NOTHING:
            entered = await self._door.enter(_bearer(bearer), address)
            if route.need not in entered.may:
                raise Problem("scope_required", need=route.need.value)
            token = entered.token
        else:
            self._door.address(address)
        if route.keyed and len(key) != KEY_TEXT_LENGTH:
            raise Problem("key_invalid" if key else "idempotency_key_required")
        body = await _body(bound, receive) if bound.decode is not None else None
        query = _query(bound, scope["query_string"])
        return await route.handler(Call(token=token, key=key, path=path, query=query, body=body, address=address))


def _bearer(header: bytes) -> bytes:
    """The token in an Authorization header. Raises Problem: token_required."""
    if header[:7].lower() != b"bearer ":
        raise Problem("token_required")
    return header[7:]


async def _body(bound: Bound, receive: Receive) -> Any:
    message = await receive()
    raw = message.get("body", b"")
    if message.get("more_body"):
        raw = await _rest(raw, bound, receive)
    if len(raw) > bound.route.max_body_bytes:
        raise Problem("body_too_large", max_bytes=bound.route.max_body_bytes)
    if not raw and bound.route.body_optional:
        raw = b"{}"
    assert bound.decode is not None
    try:
        return bound.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise Problem("body_invalid", str(wrong)[:500]) from None


async def _rest(first: bytes, bound: Bound, receive: Receive) -> bytes:
    """A body that comes in parts, as far as its limit and no longer than it may take."""
    parts, size = [first], len(first)
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Problem("body_invalid", "the connection ended within the body")
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > bound.route.max_body_bytes:
                    raise Problem("body_too_large", max_bytes=bound.route.max_body_bytes)
                more = message.get("more_body", False)
    except TimeoutError:
        raise Problem("body_too_slow") from None
    return b"".join(parts)


def _query(bound: Bound, raw: bytes) -> Any:
    """The query string as the route's struct. Unknown, repeated and ill-typed parameters are refused."""
    wanted = bound.route.query
    if wanted is None:
        if raw:
            raise Problem("query_invalid", "this operation takes no query parameters")
        return None
    if len(raw) > MAX_QUERY_LENGTH:
        raise Problem("query_invalid", "the query string is too long")
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, strict_parsing=bool(raw), errors="strict")
        values = dict(pairs)
        if len(values) != len(pairs):
            raise Problem("query_invalid", "a parameter stands more than once")
        return msgspec.convert(values, wanted, strict=False)
    except (ValueError, msgspec.ValidationError) as wrong:
        raise Problem("query_invalid", str(wrong)[:500]) from None


def _problem(problem: Problem) -> Reply:
    kind = problem.kind
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if problem.retry_after_s:
        headers = ((b"retry-after", b"%d" % problem.retry_after_s),)
    if kind.status == 401:
        headers = (*headers, (b"www-authenticate", b"Bearer"))
    if kind.status == 405:
        headers = (*headers, (b"allow", str(problem.numbers["allow"]).encode()))
    return Reply(kind.status, problems.body(problem), headers, problems.CONTENT_TYPE)


def _count(bound: Bound, status: int, seconds: float) -> None:
    bound.counts[status] = bound.counts.get(status, 0) + 1
    bound.buckets[bisect_left(BOUNDS_S, seconds)] += 1
    bound.seconds += seconds


async def write(scope: Scope, send: Send, reply: Reply) -> None:
    """Send a whole reply."""
    body = reply.body if type(reply.body) is bytes else _encode(reply.body)
    headers = ((b"content-type", reply.content_type), *SECURITY, *reply.headers)
    whole = scope.get("extensions", {}).get(WHOLE)
    if whole is not None:
        await whole(_head(reply.status, headers), body)
        return
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": reply.status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


_head = lru_cache(maxsize=HEADS)(head)
