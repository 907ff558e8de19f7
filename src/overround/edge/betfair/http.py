"""The dialect over HTTP: which address is asked, in which frame, and the bytes that go back.

Invariants: a body is never logged and never larger than its limit; whatever goes wrong, the answer is one that a client
of Betfair's API can read; nothing here knows what an operation does.
"""

import asyncio
import gzip
import logging
import secrets
from collections.abc import Callable
from typing import Any, Final

import msgspec

from overround.edge.betfair import framing
from overround.edge.betfair.calls import Caller, Calls
from overround.edge.betfair.faults import Code, Fault, RpcCode, RpcFault, Service, fault_of, rpc_error
from overround.edge.betfair.framing import RpcCall
from overround.edge.betfair.identity import Identity, Peer, failed_login, peer_of
from overround.edge.betfair.inplay import InPlay
from overround.edge.betfair.navigation import Navigation
from overround.edge.gate import BODY_WITHIN_S, Receive, Scope, Send, write
from overround.edge.problems import Problem
from overround.edge.routes import Reply
from overround.edge.wire import TRANSPORT

MAX_BODY_BYTES: Final = 1024 * 1024
MAX_UNDER_WAY: Final = 2_000
MAX_ARRIVING: Final = 200
"""Bodies of which only a part is here. One that comes whole, as nearly all do, is read however many others are slow."""

WORTH_PACKING: Final = 1_400
"""A shorter answer fits a packet as it is."""

PACKED: Final = ((b"content-encoding", b"gzip"), (b"vary", b"accept-encoding"))
SERVICES: Final = {
    "betting": Service.BETTING,
    "account": Service.ACCOUNT,
    "heartbeat": Service.HEARTBEAT,
    "scores": Service.SCORES,
}
MENU: Final = ("betting", "rest", "v1")

log = logging.getLogger(__name__)


class Dialect:
    """The ASGI application below `/api/`, `/exchange/` and `/inplayservice/`. Until this gateway has read what is on
    offer, it is busy: an empty list would be a lie."""

    def __init__(
        self,
        calls: Calls,
        identity: Identity,
        navigation: Navigation,
        inplay: InPlay,
        *,
        is_ready: Callable[[], bool],
    ) -> None:
        self.calls = calls
        self.under_way = self.arriving = 0
        self._identity, self._navigation, self._inplay = identity, navigation, inplay
        self._is_ready = is_ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parts = [part for part in scope["path"].split("/") if part]
        try:
            reply = await self._answer(parts, scope, await self._body(receive))
        except Fault as fault:
            reply = _failed(parts, fault)
        except Exception:  # the outermost loop of a request: its client gets an answer too
            log.exception("request failed")
            reply = _failed(parts, Fault(Code.UNEXPECTED_ERROR))
        await write(scope, send, _packed(reply) if _takes_gzip(scope) else reply)

    async def _answer(self, parts: list[str], scope: Scope, body: bytes) -> Reply:
        is_early = parts[:1] != ["api"] and not self._is_ready()
        if is_early or self.under_way >= MAX_UNDER_WAY:
            return _busy(parts, body)
        self.under_way += 1
        try:
            return await self._find(parts, scope, body)
        finally:
            self.under_way -= 1

    async def _find(self, parts: list[str], scope: Scope, body: bytes) -> Reply:
        caller = _caller(scope)
        match parts:
            case ["api", name]:
                return await self._identify(name, body, caller, _peer(scope))
            case ["exchange", where, "json-rpc", "v1", *method] if where in SERVICES:
                return await self._rpc(SERVICES[where], body, "/".join(method), caller)
            case ["exchange", "betting", "rest", "v1", _, "navigation", "menu.json"]:
                return await self._menu(caller)
            case ["exchange", where, "rest", "v1.0", name] if where in SERVICES:
                return await self._rest(SERVICES[where], name, body, caller)
            case ["inplayservice", "v1.1", name]:
                return self._inplay.answer(name, scope["query_string"])
            case _:
                return Reply(404, b'{"detail":"there is nothing at this address"}')

    async def _body(self, receive: Receive) -> bytes:
        """The body as far as its limit. Raises Fault: SERVICE_BUSY, REQUEST_SIZE_EXCEEDS_LIMIT, TIMEOUT_ERROR,
        INVALID_INPUT_DATA."""
        try:
            async with asyncio.timeout(BODY_WITHIN_S):
                first, more = await _piece(receive)
                return await self._arriving(receive, first) if more else first
        except TimeoutError:
            raise Fault(Code.TIMEOUT_ERROR, "the body did not arrive in time") from None

    async def _arriving(self, receive: Receive, first: bytes) -> bytes:
        """The whole of a body that comes in pieces."""
        if self.arriving >= MAX_ARRIVING:
            raise Fault(Code.SERVICE_BUSY)
        self.arriving += 1
        try:
            parts, length, more = [first], len(first), True
            while more:
                piece, more = await _piece(receive)
                parts.append(piece)
                length += len(piece)
                _check_length(length)
            return b"".join(parts)
        finally:
            self.arriving -= 1

    async def _identify(self, name: str, body: bytes, caller: Caller, peer: Peer) -> Reply:
        answer = await self._identity.answer(name, body, caller, peer)
        return Reply(404, b"{}") if answer is None else _json(200, answer)

    async def _rpc(self, service: Service, body: bytes, named: str, caller: Caller) -> Reply:
        try:
            is_batch, calls = framing.open_calls(body, named=named)
        except RpcFault as fault:
            return _json(200, _lonely(service, fault))
        answers = [await self._call(service, call, caller) for call in calls]
        return _json(200, answers if is_batch else answers[0])

    async def _call(self, service: Service, call: RpcCall | RpcFault, caller: Caller) -> framing.Answered:
        if isinstance(call, RpcFault):
            return framing.close_call(service, call, call, _request_uuid())
        if not call.method.startswith(service.value):
            unknown = RpcFault(RpcCode.METHOD_NOT_FOUND, call.method[:100])
            return framing.close_call(service, call, unknown, _request_uuid())
        outcome = await self.calls.run(service, call.method[len(service.value) :], bytes(call.params), caller)
        return framing.close_call(service, call, outcome, _request_uuid())

    async def _rest(self, service: Service, name: str, body: bytes, caller: Caller) -> Reply:
        outcome = await self.calls.run(service, name, body or b"{}", caller)
        status, answer = framing.close_rest(service, outcome, _request_uuid())
        return Reply(status, answer)

    async def _menu(self, caller: Caller) -> Reply:
        """The navigation menu, for whoever is logged in."""
        try:
            if not caller.session:
                raise Fault(Code.NO_SESSION)
            await self.calls.customer(caller.session, caller.address, moves_money=False)
        except Problem as problem:
            status, body = framing.close_rest(Service.BETTING, fault_of(problem), _request_uuid())
            return Reply(status, body)
        except Fault as fault:
            status, body = framing.close_rest(Service.BETTING, fault, _request_uuid())
            return Reply(status, body)
        return _json(200, self._navigation.menu())


def _caller(scope: Scope) -> Caller:
    app_key, session = "", b""
    for name, value in scope["headers"]:
        if name == b"x-application":
            app_key = value.decode("latin-1")
        elif name == b"x-authentication":
            session = value
    return Caller(app_key, session, scope["client"][0] if scope["client"] else "")


def _peer(scope: Scope) -> Peer:
    return peer_of(scope.get("extensions", {}).get(TRANSPORT))


async def _piece(receive: Receive) -> tuple[bytes, bool]:
    """The next piece of a body, and whether there are more. Raises Fault: INVALID_INPUT_DATA,
    REQUEST_SIZE_EXCEEDS_LIMIT."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Fault(Code.INVALID_INPUT_DATA, "the connection ended within the body")
    body: bytes = message.get("body", b"")
    _check_length(len(body))
    return body, message.get("more_body", False)


def _check_length(length: int) -> None:
    if length > MAX_BODY_BYTES:
        raise Fault(Code.REQUEST_SIZE_EXCEEDS_LIMIT, f"a request has at most {MAX_BODY_BYTES} bytes")


def _takes_gzip(scope: Scope) -> bool:
    return any(name == b"accept-encoding" and b"gzip" in value for name, value in scope["headers"])


def _packed(reply: Reply) -> Reply:
    """The same, compressed where that is worth it."""
    body = reply.body
    if not isinstance(body, bytes) or len(body) < WORTH_PACKING:
        return reply
    return msgspec.structs.replace(reply, body=gzip.compress(body, 1, mtime=0), headers=(*reply.headers, *PACKED))


def _busy(parts: list[str], body: bytes) -> Reply:
    """Nothing is done; each call is told so with its id."""
    busy = Fault(Code.SERVICE_BUSY)
    match parts:
        case ["exchange", where, "json-rpc", "v1", *method] if where in SERVICES:
            try:
                is_batch, calls = framing.open_calls(body, named="/".join(method))
            except RpcFault as fault:
                return _json(200, _lonely(SERVICES[where], fault))
            told = [framing.close_call(SERVICES[where], call, busy, _request_uuid()) for call in calls]
            return _json(200, told if is_batch else told[0])
        case _:
            return _failed(parts, busy)


def _failed(parts: list[str], fault: Fault) -> Reply:
    """A request that came to nothing, in the words of what was asked."""
    match parts:
        case ["api", name]:
            return _json(200, failed_login(name))
        case ["exchange", where, "rest", *_] if where in SERVICES:
            status, body = framing.close_rest(SERVICES[where], fault, _request_uuid())
            return Reply(status, body)
        case _:
            service = SERVICES.get(parts[1] if len(parts) > 1 else "", Service.BETTING)
            return _json(200, _lonely(service, fault))


def _lonely(service: Service, fault: Fault | RpcFault) -> framing.RpcFailed:
    """The answer to what is no call: it has no id."""
    return framing.RpcFailed(error=rpc_error(service, fault, _request_uuid()), id=None)


def _json(status: int, body: Any) -> Reply:
    return Reply(status, framing.encode(body))


def _request_uuid() -> str:
    """What a client quotes to an operator."""
    return secrets.token_hex(16)
