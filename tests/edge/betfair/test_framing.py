"""JSON-RPC and REST frames: one call or many, ids echoed, every kind of error as clients read it."""

import json
from typing import Any

import pytest
from betfair_parser.spec.common import Response
from betfair_parser.spec.common import decode as strictly
from hypothesis import given
from hypothesis import strategies as st

from overround.edge.betfair import framing
from overround.edge.betfair.faults import Code, Fault, RpcCode, RpcFault, Service, fault_of
from overround.edge.betfair.framing import MAX_BATCH, RpcCall, close_call, close_rest, open_calls
from overround.edge.problems import Problem


def answered(service: Service, call: RpcCall | RpcFault, outcome: Any) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(framing.encode(close_call(service, call, outcome, "u-1")))
    return written


def test_a_call_has_its_method_parameters_and_id() -> None:
    body = b'{"jsonrpc":"2.0","method":"SportsAPING/v1.0/listEvents","params":{"filter":{}},"id":"a"}'
    is_batch, (call,) = open_calls(body)
    assert isinstance(call, RpcCall)
    assert (is_batch, call.method, bytes(call.params), call.id) == (
        False,
        "SportsAPING/v1.0/listEvents",
        b'{"filter":{}}',
        "a",
    )


@pytest.mark.parametrize("params", [b"", b',"params":null', b',"params":{}'])
def test_parameters_may_be_left_out(params: bytes) -> None:
    _, (call,) = open_calls(b'{"method":"m"%b}' % params)
    assert isinstance(call, RpcCall)
    assert bytes(call.params) == b"{}"


def test_the_method_may_stand_in_the_address_alone() -> None:
    _, (call,) = open_calls(b'{"params":{},"id":4}', named="AccountAPING/v1.0/getAccountFunds")
    assert isinstance(call, RpcCall)
    assert (call.method, call.id) == ("AccountAPING/v1.0/getAccountFunds", 4)


def test_a_batch_is_answered_in_its_order_and_bad_calls_in_their_places() -> None:
    is_batch, calls = open_calls(b'[{"method":"a","id":1},{"nothing":2},{"method":"b","id":3}]')
    assert is_batch
    assert [type(call) for call in calls] == [RpcCall, RpcFault, RpcCall]
    assert answered(Service.BETTING, calls[1], calls[1]) == {
        "jsonrpc": "2.0",
        "error": {"code": -32600, "message": "DSC-0024"},
        "id": None,
    }


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", RpcCode.INVALID_JSON),
        (b"{", RpcCode.INVALID_JSON),
        (b"1", RpcCode.INVALID_JSON),
        (b"\xff", RpcCode.INVALID_JSON),
        (b"[" * 3_000, RpcCode.INVALID_JSON),
        (b"[]", RpcCode.INVALID_REQUEST),
        (b"[" + b",".join([b'{"method":"a"}'] * (MAX_BATCH + 1)) + b"]", RpcCode.INVALID_REQUEST),
    ],
)
def test_what_is_no_call_and_no_batch(body: bytes, code: RpcCode) -> None:
    with pytest.raises(RpcFault) as caught:
        open_calls(body)
    assert caught.value.code is code


def test_a_fault_is_the_exception_of_its_api() -> None:
    call = RpcCall("m", id=1)
    assert answered(Service.BETTING, call, Fault(Code.INVALID_SESSION_INFORMATION, "gone")) == {
        "jsonrpc": "2.0",
        "error": {
            "code": -32099,
            "message": "ANGX-0003",
            "data": {
                "exceptionname": "APINGException",
                "APINGException": {
                    "requestUUID": "u-1",
                    "errorCode": "INVALID_SESSION_INFORMATION",
                    "errorDetails": "gone",
                },
            },
        },
        "id": 1,
    }


@pytest.mark.parametrize("service", Service)
@pytest.mark.parametrize(
    "code", [each for each in Code if each not in (Code.APP_KEY_CREATION_FAILED, Code.WALLET_TRANSFER_ERROR)]
)
def test_a_strict_client_reads_every_fault(service: Service, code: Code) -> None:
    raw = framing.encode(close_call(service, RpcCall("m", id=9), Fault(code), "u-1"))
    answer = strictly(raw, type=Response[dict])
    assert answer.is_error
    assert answer.id == 9
    assert Code(answer.error.exception_code.name)


@pytest.mark.parametrize("code", RpcCode)
def test_troubles_with_the_frame_have_the_numbers_of_json_rpc(code: RpcCode) -> None:
    numbers = {
        "INVALID_JSON": -32700,
        "INVALID_REQUEST": -32600,
        "METHOD_NOT_FOUND": -32601,
        "INVALID_PARAMETERS": -32602,
        "MISSING_PARAMETERS": -32602,
    }
    assert answered(Service.BETTING, RpcCall("m", id=1), RpcFault(code))["error"]["code"] == numbers[code.name]


def test_the_rest_form_has_statuses() -> None:
    assert close_rest(Service.BETTING, [], "u") == (200, b"[]")
    assert close_rest(Service.BETTING, RpcFault(RpcCode.METHOD_NOT_FOUND), "u")[0] == 404
    status, body = close_rest(Service.ACCOUNT, Fault(Code.NO_SESSION), "u")
    assert (status, json.loads(body)["faultcode"], json.loads(body)["faultstring"]) == (400, "Client", "AANGX-0005")


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        ("token_invalid", Code.INVALID_SESSION_INFORMATION),
        ("rate_limited", Code.TOO_MANY_REQUESTS),
        ("overloaded", Code.SERVICE_BUSY),
        ("outcome_unknown", Code.TIMEOUT_ERROR),
        ("internal", Code.UNEXPECTED_ERROR),
    ],
)
def test_our_problems_in_the_dialects_words(problem: str, code: Code) -> None:
    assert fault_of(Problem(problem)).code is code


names = st.sampled_from(["method", "params", "id", "x"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner),
    max_leaves=10,
)


@given(body=st.binary(max_size=300) | values.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_calls_or_one_fault(body: bytes) -> None:
    try:
        _, calls = open_calls(body)
    except RpcFault:
        return
    assert calls
    for call in calls:
        framing.encode(close_call(Service.BETTING, call, Fault(Code.UNEXPECTED_ERROR), "u"))
