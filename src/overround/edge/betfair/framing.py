"""The two frames of a request: JSON-RPC 2.0, one or a batch, and the REST form. Bytes in, bytes out, nothing else."""

from typing import Any, Final

import msgspec

from overround.edge.betfair.faults import Fault, RpcCode, RpcFault, Service, rest_error, rpc_error

MAX_BATCH: Final = 50
"""Calls in one JSON array."""

ABSENT: Final = msgspec.Raw(b"{}")
NULL: Final = b"null"


class RpcCall(msgspec.Struct, frozen=True):
    """One call of a method. What the frame does not know it leaves alone, as Betfair does."""

    method: str
    params: msgspec.Raw = ABSENT
    id: int | float | str | None = None


class RpcDone(msgspec.Struct, frozen=True, kw_only=True):
    jsonrpc: str = "2.0"
    result: Any
    id: int | float | str | None


class RpcFailed(msgspec.Struct, frozen=True, kw_only=True):
    jsonrpc: str = "2.0"
    error: dict[str, Any]
    id: int | float | str | None


Answered = RpcDone | RpcFailed

_raws = msgspec.json.Decoder(list[msgspec.Raw] | dict[str, msgspec.Raw]).decode
_call = msgspec.json.Decoder(RpcCall).decode
encode: Final = msgspec.json.Encoder().encode


def open_calls(body: bytes, *, named: str = "") -> tuple[bool, list[RpcCall | RpcFault]]:
    """Whether it is a batch, and its calls; a fault stands in the place of one that is none. `named` is the method in
    the address, for a call that names none itself. Raises RpcFault where the whole is no JSON, or no call or batch."""
    try:
        found = _raws(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise RpcFault(RpcCode.INVALID_JSON, str(wrong)[:300]) from None
    if isinstance(found, dict):
        return False, [_open(body, named)]
    if not 0 < len(found) <= MAX_BATCH:
        raise RpcFault(RpcCode.INVALID_REQUEST, f"a batch has 1 to {MAX_BATCH} calls")
    return True, [_open(bytes(raw), named) for raw in found]


def _open(raw: bytes, named: str) -> RpcCall | RpcFault:
    try:
        call = _call(raw)
    except (msgspec.ValidationError, RecursionError) as wrong:
        if not named or "`method`" not in str(wrong):
            return RpcFault(RpcCode.INVALID_REQUEST, str(wrong)[:300])
        return _named(raw, named)
    return msgspec.structs.replace(call, params=ABSENT) if bytes(call.params) == NULL else call


def _named(raw: bytes, named: str) -> RpcCall | RpcFault:
    parts = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    if "method" in parts:
        return RpcFault(RpcCode.INVALID_REQUEST, "a method is text")
    parts["method"] = msgspec.Raw(encode(named))
    return _open(encode(parts), named)


def close_call(service: Service, call: RpcCall | RpcFault, outcome: Any, request_uuid: str) -> Answered:
    """A call's result, or its fault, with its id."""
    number = None if isinstance(call, RpcFault) else call.id
    if isinstance(outcome, (Fault, RpcFault)):
        return RpcFailed(error=rpc_error(service, outcome, request_uuid), id=number)
    return RpcDone(result=outcome, id=number)


def close_rest(service: Service, outcome: Any, request_uuid: str) -> tuple[int, bytes]:
    """Status and body of the REST form: a result as it is, a fault as 400, an unknown operation as 404."""
    if isinstance(outcome, RpcFault) and outcome.code is RpcCode.METHOD_NOT_FOUND:
        return 404, encode(rest_error(service, outcome, request_uuid))
    if isinstance(outcome, (Fault, RpcFault)):
        return 400, encode(rest_error(service, outcome, request_uuid))
    return 200, encode(outcome)
