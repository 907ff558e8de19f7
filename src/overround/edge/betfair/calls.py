"""The table of operations, and how a call becomes a result: who asks, with which key, for what.

Invariants: a fault is told in the words of its API; parameters are checked before anything is asked; where money moves
an unknown member refuses the whole call.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import msgspec

from overround.edge.access import Door, Need
from overround.edge.betfair.faults import Code, Fault, RpcCode, RpcFault, Service, fault_of, invalid
from overround.edge.betfair.values import Params, StrictParams
from overround.edge.problems import Problem
from overround.edge.sessions import Sessions
from overround.identity import AppKey, Token

MAX_KEYS_REMEMBERED: Final = 10_000
MAX_APP_KEY_LENGTH: Final = 64


class Ask:
    """One call as its handler sees it."""

    __slots__ = ("customer_id", "is_delayed", "params", "token")

    def __init__(self, *, token: Token | None, app_key: AppKey | None, params: Any) -> None:
        self.token, self.params = token, params
        self.customer_id = (token.customer_id or 0) if token is not None else 0
        self.is_delayed = app_key is not None and app_key.is_delayed


Handler = Callable[[Ask], Awaitable[Any]]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation. `moves_money` needs a token that may bet; the others also take one that may only read."""

    service: Service
    name: str
    params: type[Params] | type[StrictParams]
    handler: Handler
    needs_app_key: bool = True
    moves_money: bool = False


class Bound:
    """An operation made ready, and how often it was asked."""

    __slots__ = ("answered", "decode", "failed", "operation")

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.decode = msgspec.json.Decoder(operation.params, strict=False).decode
        self.answered = self.failed = 0


class Caller(msgspec.Struct, frozen=True):
    """Who asks, as the headers say it. Nothing of it is ever logged."""

    app_key: str
    session: bytes
    address: str


class Calls:
    """Runs operations."""

    def __init__(self, operations: Iterable[Operation], door: Door, sessions: Sessions) -> None:
        self.bound = {(each.service, each.name): Bound(each) for each in operations}
        self._door, self._sessions = door, sessions
        self._keys: dict[str, AppKey] = {}

    async def run(self, service: Service, name: str, params: bytes, caller: Caller) -> Any:
        """The result of a call, or the Fault or RpcFault that it ended with."""
        bound = self.bound.get((service, name))
        if bound is None:
            return RpcFault(RpcCode.METHOD_NOT_FOUND, name[:100])
        try:
            result = await self._run(bound, params, caller)
        except (Fault, RpcFault) as fault:
            bound.failed += 1
            return fault
        except Problem as problem:
            bound.failed += 1
            return fault_of(problem)
        bound.answered += 1
        return result

    async def _run(self, bound: Bound, params: bytes, caller: Caller) -> Any:
        operation = bound.operation
        app_key = await self._app_key(caller, is_needed=operation.needs_app_key)
        token = await self._token(caller, moves_money=operation.moves_money)
        if operation.moves_money and app_key is not None and app_key.is_delayed:
            raise Fault(Code.ACCESS_DENIED, "a delayed application key reads prices and moves no money")
        try:
            decoded = bound.decode(params)
        except (msgspec.ValidationError, RecursionError) as wrong:
            raise invalid(wrong) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
            raise RpcFault(RpcCode.INVALID_JSON, str(wrong)[:500]) from None
        except ValueError as wrong:
            raise invalid(wrong) from None
        return await operation.handler(Ask(token=token, app_key=app_key, params=decoded))

    async def _app_key(self, caller: Caller, *, is_needed: bool) -> AppKey | None:
        """Raises Fault: NO_APP_KEY, INVALID_APP_KEY; Problem: unavailable, rate_limited."""
        if not is_needed:
            return None
        if not caller.app_key:
            raise Fault(Code.NO_APP_KEY)
        found = await self.app_key(caller.app_key, caller.address)
        if found is None:
            raise Fault(Code.INVALID_APP_KEY)
        return found

    async def app_key(self, key: str, address: str) -> AppKey | None:
        """What a key names; keys never change, so those seen are remembered. Raises Problem: unavailable,
        rate_limited."""
        found = self._keys.get(key)
        if found is not None:
            return found
        self._door.address(address)
        found = await self._sessions.app_key(key)
        if found is not None:
            if len(self._keys) >= MAX_KEYS_REMEMBERED:
                del self._keys[next(iter(self._keys))]
            self._keys[key] = found
        return found

    async def _token(self, caller: Caller, *, moves_money: bool) -> Token:
        """Raises Fault: NO_SESSION, INVALID_SESSION_INFORMATION, TOO_MANY_REQUESTS, ACCESS_DENIED."""
        if not caller.session:
            raise Fault(Code.NO_SESSION)
        return await self.customer(caller.session, caller.address, moves_money=moves_money)

    async def customer(self, session: bytes, address: str, *, moves_money: bool) -> Token:
        """A customer's token. Raises Fault: INVALID_SESSION_INFORMATION, ACCESS_DENIED; Problem: rate_limited,
        unavailable."""
        try:
            entered = await self._door.enter(session, address)
        except Problem as problem:
            raise fault_of(problem) from None
        if (Need.CUSTOMER if moves_money else Need.CUSTOMER_READ) not in entered.may:
            raise Fault(Code.ACCESS_DENIED, "a customer's session is needed, with leave to do this")
        return entered.token
