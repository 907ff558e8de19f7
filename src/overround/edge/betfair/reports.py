"""Execution reports: what an answer of the book is in the dialect, instruction by instruction."""

from decimal import Decimal
from typing import Any, Final

import msgspec

from overround.book.machine.answers import OrderReport
from overround.book.matching import OrderStatus
from overround.edge.betfair.bettingparams import (
    CancelInstruction,
    PlaceInstruction,
    UpdateInstruction,
)
from overround.edge.betfair.figures import date, date_or_none, price, size
from overround.edge.betfair.values import Shape
from overround.kernel.refusal import Refused
from overround.kernel.rounding import half_even

STATUSES: Final = {
    OrderStatus.PENDING: "PENDING",
    OrderStatus.EXECUTABLE: "EXECUTABLE",
    OrderStatus.COMPLETE: "EXECUTION_COMPLETE",
    OrderStatus.EXPIRED: "EXPIRED",
}

EXECUTION_CODES: Final = {
    "invalid_market_id": "INVALID_MARKET_ID",
    "market_suspended": "MARKET_SUSPENDED",
    "market_not_open_for_betting": "MARKET_NOT_OPEN_FOR_BETTING",
    "insufficient_funds": "INSUFFICIENT_FUNDS",
    "too_many_instructions": "TOO_MANY_INSTRUCTIONS",
    "too_many_orders": "TOO_MANY_INSTRUCTIONS",
    "duplicate_betids": "DUPLICATE_BETIDS",
    "invalid_market_version": "BET_ACTION_ERROR",
    "bet_action_error": "BET_ACTION_ERROR",
    "customer_not_found": "INVALID_ACCOUNT_STATE",
    "self_excluded": "INVALID_ACCOUNT_STATE",
    "cooling_off": "INVALID_ACCOUNT_STATE",
    "player_blocked": "INVALID_ACCOUNT_STATE",
    "wallet_not_found": "INVALID_WALLET_STATUS",
    "no_rate": "INVALID_WALLET_STATUS",
    "currency_fixed": "INVALID_WALLET_STATUS",
    "no_action_required": "NO_ACTION_REQUIRED",
    "key_reused": "DUPLICATE_TRANSACTION",
    "duplicate_transaction": "DUPLICATE_TRANSACTION",
}
"""The errorCode of a whole report; limits of the customer's own are LOSS_LIMIT_EXCEEDED, the rest is the matcher's."""

INSTRUCTION_CODES: Final = {"too_many_orders": "ERROR_IN_ORDER", "unexpected_min_fill_size": "UNEXPECTED_MIN_FILL_SIZE"}
FOR_EVERY_INSTRUCTION: Final = {
    "insufficient_funds": "INSUFFICIENT_FUNDS",
    "market_not_open_for_betting": "MARKET_NOT_OPEN_FOR_BETTING",
    "invalid_market_version": "BET_TAKEN_OR_LAPSED",
}
"""Refusals of a whole request that each of its instructions also names; the others say ERROR_IN_ORDER."""


class PlaceReport(Shape, frozen=True):
    status: str
    instruction: dict[str, Any]
    error_code: str | None = None
    order_status: str | None = None
    bet_id: str | None = None
    placed_date: str | None = None
    average_price_matched: float | None = None
    size_matched: float | None = None


class CancelReport(Shape, frozen=True):
    status: str
    instruction: dict[str, Any]
    error_code: str | None = None
    size_cancelled: float | None = None
    cancelled_date: str | None = None


class UpdateReport(Shape, frozen=True):
    status: str
    instruction: dict[str, Any]
    error_code: str | None = None


class ReplaceReport(Shape, frozen=True):
    status: str
    cancel_instruction_report: CancelReport
    place_instruction_report: PlaceReport
    error_code: str | None = None


Reports = list[PlaceReport] | list[CancelReport] | list[UpdateReport] | list[ReplaceReport]


class Execution(Shape, frozen=True):
    """A whole report."""

    status: str
    instruction_reports: Reports
    market_id: str | None = None
    error_code: str | None = None
    customer_ref: str | None = None


class UpdateExecution(Execution, frozen=True, omit_defaults=False):
    """That of updateOrders says what it has nothing to say of."""


def execution_code(refused: Refused) -> str:
    code = str(refused.code)
    if code.startswith("limit_"):
        return "LOSS_LIMIT_EXCEEDED"
    return EXECUTION_CODES.get(code, "ERROR_IN_MATCHER")


def instruction_code(code: str) -> str:
    """What the exchange calls a refusal of one instruction; it has Betfair's names, in lower case."""
    return INSTRUCTION_CODES.get(code, code.upper())


def codes_of(refused: Refused, count: int) -> list[str]:
    """The errorCode of each instruction of a request that was refused whole."""
    code = str(refused.code)
    codes = [FOR_EVERY_INSTRUCTION.get(code, "ERROR_IN_ORDER")] * count
    number = refused.detail.get("instruction")
    if isinstance(number, int) and number < count:
        codes[number] = instruction_code(str(refused.detail.get("reason", "")))
    return codes


# Echoes of instructions.


def echo(instruction: PlaceInstruction) -> dict[str, Any]:
    """An instruction as it came, with its numbers as numbers."""
    told = _numbers(msgspec.to_builtins(instruction, builtin_types=(Decimal,)))
    assert isinstance(told, dict)
    return told


def _numbers(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return {name: _numbers(each) for name, each in value.items()} if isinstance(value, dict) else value


def echo_cancel(instruction: CancelInstruction) -> dict[str, Any]:
    told: dict[str, Any] = {"betId": str(instruction.bet_id)}
    if instruction.size_reduction is not None:
        told["sizeReduction"] = float(instruction.size_reduction)
    return told


def echo_update(instruction: UpdateInstruction) -> dict[str, Any]:
    return {"betId": str(instruction.bet_id), "newPersistenceType": instruction.new_persistence_type.value}


# Reports of instructions.


def placed(report: OrderReport, told: dict[str, Any]) -> PlaceReport:
    """An order that was placed, as it then was."""
    if report.code:
        return PlaceReport(status="FAILURE", error_code=instruction_code(report.code), instruction=told)
    average = half_even(report.matched_value, report.matched_minor) if report.matched_minor else 0
    return PlaceReport(
        status="SUCCESS",
        order_status=STATUSES[report.status],
        instruction=told,
        bet_id=str(report.order_id),
        placed_date=date(report.placed_at_us),
        average_price_matched=price(average),
        size_matched=size(report.matched_minor),
    )


def cancelled(report: OrderReport, told: dict[str, Any], at_us: int) -> CancelReport:
    if report.code and report.code != "cancelled_not_placed":
        return CancelReport(status="FAILURE", error_code=instruction_code(report.code), instruction=told)
    return CancelReport(
        status="SUCCESS",
        instruction=told,
        size_cancelled=size(report.cancelled_minor),
        cancelled_date=date_or_none(at_us),
    )


def summary(failed: int, count: int) -> tuple[str, str | None]:
    """Status and errorCode of a request whose instructions stand each by itself."""
    if not failed:
        return "SUCCESS", None
    if failed == count:
        return "FAILURE", "BET_ACTION_ERROR"
    return "PROCESSED_WITH_ERRORS", "PROCESSED_WITH_ERRORS"
