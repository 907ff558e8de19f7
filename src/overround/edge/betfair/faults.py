"""Every way the dialect says no, in Betfair's words: exceptions of the APIs, of JSON-RPC, and how each is written."""

from enum import StrEnum
from typing import Any, Final

from overround.edge.problems import Problem


class Service(StrEnum):
    """The APIs that speak JSON-RPC. The value is the prefix of their methods."""

    BETTING = "SportsAPING/v1.0/"
    ACCOUNT = "AccountAPING/v1.0/"
    HEARTBEAT = "HeartbeatAPING/v1.0/"
    SCORES = "ScoresAPING/v1.0/"


class Code(StrEnum):
    """What an APINGException or AccountAPINGException may carry as its errorCode."""

    TOO_MUCH_DATA = "TOO_MUCH_DATA"
    INVALID_INPUT_DATA = "INVALID_INPUT_DATA"
    INVALID_SESSION_INFORMATION = "INVALID_SESSION_INFORMATION"
    NO_APP_KEY = "NO_APP_KEY"
    NO_SESSION = "NO_SESSION"
    UNEXPECTED_ERROR = "UNEXPECTED_ERROR"
    INVALID_APP_KEY = "INVALID_APP_KEY"
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    SERVICE_BUSY = "SERVICE_BUSY"
    TIMEOUT_ERROR = "TIMEOUT_ERROR"
    REQUEST_SIZE_EXCEEDS_LIMIT = "REQUEST_SIZE_EXCEEDS_LIMIT"
    ACCESS_DENIED = "ACCESS_DENIED"
    APP_KEY_CREATION_FAILED = "APP_KEY_CREATION_FAILED"
    WALLET_TRANSFER_ERROR = "WALLET_TRANSFER_ERROR"


NUMBERS: Final = {code: number for number, code in enumerate(Code, start=1)}
"""ANGX-0001 is the first. Betfair numbers those of its accounts API otherwise; nobody is known to read them."""

FOR_ACCOUNTS: Final = {
    Code.TOO_MUCH_DATA: Code.INVALID_INPUT_DATA,
    Code.REQUEST_SIZE_EXCEEDS_LIMIT: Code.INVALID_INPUT_DATA,
    Code.ACCESS_DENIED: Code.INVALID_APP_KEY,
}
"""Codes that the accounts API does not have, and what it says instead."""


class RpcCode(StrEnum):
    """Troubles with the frame of a request, as JSON-RPC 2.0 (section 5.1) numbers them. Betfair's own word each."""

    INVALID_JSON = "DSC-0008"
    INVALID_REQUEST = "DSC-0024"
    METHOD_NOT_FOUND = "DSC-0021"
    INVALID_PARAMETERS = "DSC-0009"
    MISSING_PARAMETERS = "DSC-0018"


RPC_NUMBERS: Final = {
    RpcCode.INVALID_JSON: -32_700,
    RpcCode.INVALID_REQUEST: -32_600,
    RpcCode.METHOD_NOT_FOUND: -32_601,
    RpcCode.INVALID_PARAMETERS: -32_602,
    RpcCode.MISSING_PARAMETERS: -32_602,
}
APING_NUMBER: Final = -32_099


class Fault(Exception):
    """A request that is answered with an exception of its API. `details` is for people."""

    def __init__(self, code: Code, details: str = "") -> None:
        super().__init__(code.value)
        self.code, self.details = code, details


class RpcFault(Exception):
    """A request whose frame or parameters cannot be read."""

    def __init__(self, code: RpcCode, details: str = "") -> None:
        super().__init__(code.name)
        self.code, self.details = code, details


BY_PROBLEM: Final = {
    "token_required": Code.NO_SESSION,
    "token_invalid": Code.INVALID_SESSION_INFORMATION,
    "scope_required": Code.ACCESS_DENIED,
    "rate_limited": Code.TOO_MANY_REQUESTS,
    "body_too_large": Code.REQUEST_SIZE_EXCEEDS_LIMIT,
    "cursor_invalid": Code.INVALID_INPUT_DATA,
    "overloaded": Code.SERVICE_BUSY,
    "unavailable": Code.SERVICE_BUSY,
    "not_ready": Code.SERVICE_BUSY,
    "projection_behind": Code.SERVICE_BUSY,
    "too_busy": Code.SERVICE_BUSY,
    "outcome_unknown": Code.TIMEOUT_ERROR,
}


def fault_of(problem: Problem) -> Fault:
    """One of our own problems as the dialect says it."""
    return Fault(BY_PROBLEM.get(problem.code, Code.UNEXPECTED_ERROR), problem.code)


def exception(service: Service, fault: Fault, request_uuid: str) -> dict[str, Any]:
    """The `data` of a JSON-RPC error, or the `detail` of a REST one."""
    name, code = "APINGException", fault.code
    if service is Service.ACCOUNT:
        name, code = "AccountAPINGException", FOR_ACCOUNTS.get(code, code)
    told = {"requestUUID": request_uuid, "errorCode": code.value, "errorDetails": fault.details}
    return {"exceptionname": name, name: told}


def message(service: Service, fault: Fault) -> str:
    """`ANGX-0003`, `AANGX-0003`."""
    return f"{'A' if service is Service.ACCOUNT else ''}ANGX-{NUMBERS[fault.code]:04d}"


def rpc_error(service: Service, fault: Fault | RpcFault, request_uuid: str) -> dict[str, Any]:
    """The `error` of a JSON-RPC answer."""
    if isinstance(fault, RpcFault):
        return {"code": RPC_NUMBERS[fault.code], "message": fault.code.value}
    return {
        "code": APING_NUMBER,
        "message": message(service, fault),
        "data": exception(service, fault, request_uuid),
    }


def rest_error(service: Service, fault: Fault | RpcFault, request_uuid: str) -> dict[str, Any]:
    """The body of a REST answer of status 400 or 404."""
    if isinstance(fault, RpcFault):
        return {"faultcode": "Client", "faultstring": fault.code.value, "detail": {}}
    return {
        "faultcode": "Client",
        "faultstring": message(service, fault),
        "detail": exception(service, fault, request_uuid),
    }


def invalid(wrong: Exception) -> RpcFault:
    """Parameters that are not what the operation takes: one is missing, or not of its kind."""
    text = str(wrong)
    is_missing = text.startswith("Object missing required field")
    return RpcFault(RpcCode.MISSING_PARAMETERS if is_missing else RpcCode.INVALID_PARAMETERS, text[:500])
