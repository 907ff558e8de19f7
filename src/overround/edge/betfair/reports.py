"""Execution reports: what an answer of the book is in the dialect, instruction by instruction."""

from decimal import Decimal
from enum import StrEnum
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


class ExecutionCode(StrEnum):
    """Every errorCode of a whole report that is ever told."""

    PROCESSED_WITH_ERRORS = "PROCESSED_WITH_ERRORS"
    BET_ACTION_ERROR = "BET_ACTION_ERROR"
    INVALID_ACCOUNT_STATE = "INVALID_ACCOUNT_STATE"
    INVALID_WALLET_STATUS = "INVALID_WALLET_STATUS"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    LOSS_LIMIT_EXCEEDED = "LOSS_LIMIT_EXCEEDED"
    MARKET_SUSPENDED = "MARKET_SUSPENDED"
    MARKET_NOT_OPEN_FOR_BETTING = "MARKET_NOT_OPEN_FOR_BETTING"
    DUPLICATE_TRANSACTION = "DUPLICATE_TRANSACTION"
    INVALID_MARKET_ID = "INVALID_MARKET_ID"
    DUPLICATE_BETIDS = "DUPLICATE_BETIDS"
    TOO_MANY_INSTRUCTIONS = "TOO_MANY_INSTRUCTIONS"
    INVALID_MARKET_VERSION = "INVALID_MARKET_VERSION"
    ERROR_IN_MATCHER = "ERROR_IN_MATCHER"


class InstructionCode(StrEnum):
    """Every errorCode of an instruction's report that is ever told. The exchange has these names, in lower case."""

    INVALID_BET_SIZE = "INVALID_BET_SIZE"
    INVALID_RUNNER = "INVALID_RUNNER"
    BET_TAKEN_OR_LAPSED = "BET_TAKEN_OR_LAPSED"
    BET_IN_PROGRESS = "BET_IN_PROGRESS"
    RUNNER_REMOVED = "RUNNER_REMOVED"
    MARKET_NOT_OPEN_FOR_BETTING = "MARKET_NOT_OPEN_FOR_BETTING"
    LOSS_LIMIT_EXCEEDED = "LOSS_LIMIT_EXCEEDED"
    MARKET_NOT_OPEN_FOR_BSP_BETTING = "MARKET_NOT_OPEN_FOR_BSP_BETTING"
    INVALID_PRICE_EDIT = "INVALID_PRICE_EDIT"
    INVALID_ODDS = "INVALID_ODDS"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    INVALID_PERSISTENCE_TYPE = "INVALID_PERSISTENCE_TYPE"
    INVALID_BACK_LAY_COMBINATION = "INVALID_BACK_LAY_COMBINATION"
    ERROR_IN_ORDER = "ERROR_IN_ORDER"
    INVALID_BET_ID = "INVALID_BET_ID"
    CANCELLED_NOT_PLACED = "CANCELLED_NOT_PLACED"
    RELATED_ACTION_FAILED = "RELATED_ACTION_FAILED"
    NO_ACTION_REQUIRED = "NO_ACTION_REQUIRED"
    UNEXPECTED_PERSISTENCE_TYPE = "UNEXPECTED_PERSISTENCE_TYPE"
    INVALID_ORDER_TYPE = "INVALID_ORDER_TYPE"
    UNEXPECTED_MIN_FILL_SIZE = "UNEXPECTED_MIN_FILL_SIZE"
    INVALID_CUSTOMER_ORDER_REF = "INVALID_CUSTOMER_ORDER_REF"
    INVALID_MIN_FILL_SIZE = "INVALID_MIN_FILL_SIZE"


EXECUTION_CODES: Final = {
    "invalid_market_id": ExecutionCode.INVALID_MARKET_ID,
    "market_suspended": ExecutionCode.MARKET_SUSPENDED,
    "market_not_open_for_betting": ExecutionCode.MARKET_NOT_OPEN_FOR_BETTING,
    "market_archived": ExecutionCode.MARKET_NOT_OPEN_FOR_BETTING,
    "insufficient_funds": ExecutionCode.INSUFFICIENT_FUNDS,
    "too_many_instructions": ExecutionCode.TOO_MANY_INSTRUCTIONS,
    "too_many_orders": ExecutionCode.TOO_MANY_INSTRUCTIONS,
    "duplicate_betids": ExecutionCode.DUPLICATE_BETIDS,
    "market_version_too_long": ExecutionCode.INVALID_MARKET_VERSION,
    "bet_action_error": ExecutionCode.BET_ACTION_ERROR,
    "customer_not_found": ExecutionCode.INVALID_ACCOUNT_STATE,
    "self_excluded": ExecutionCode.INVALID_ACCOUNT_STATE,
    "cooling_off": ExecutionCode.INVALID_ACCOUNT_STATE,
    "player_blocked": ExecutionCode.INVALID_ACCOUNT_STATE,
    "wallet_not_found": ExecutionCode.INVALID_WALLET_STATUS,
    "no_rate": ExecutionCode.INVALID_WALLET_STATUS,
    "currency_fixed": ExecutionCode.INVALID_WALLET_STATUS,
    "key_reused": ExecutionCode.DUPLICATE_TRANSACTION,
    "duplicate_transaction": ExecutionCode.DUPLICATE_TRANSACTION,
}
"""The errorCode of a whole report; limits of the customer's own are LOSS_LIMIT_EXCEEDED, the rest is the matcher's."""

FOR_EVERY_INSTRUCTION: Final = {
    "insufficient_funds": InstructionCode.INSUFFICIENT_FUNDS,
    "market_archived": InstructionCode.MARKET_NOT_OPEN_FOR_BETTING,
    "market_not_open_for_betting": InstructionCode.MARKET_NOT_OPEN_FOR_BETTING,
}
"""Refusals of a whole request that each of its instructions also names; the others say ERROR_IN_ORDER."""


class PlaceReport(Shape, frozen=True):
    status: str
    instruction: dict[str, Any]
    error_code: InstructionCode | None = None
    order_status: str | None = None
    bet_id: str | None = None
    placed_date: str | None = None
    average_price_matched: float | None = None
    size_matched: float | None = None


class CancelReport(Shape, frozen=True):
    status: str
    instruction: dict[str, Any]
    error_code: InstructionCode | None = None
    size_cancelled: float | None = None
    cancelled_date: str | None = None


class UpdateReport(Shape, frozen=True):
    status: str
    instruction: dict[str, Any]
    error_code: InstructionCode | None = None


class ReplaceReport(Shape, frozen=True):
    status: str
    cancel_instruction_report: CancelReport
    place_instruction_report: PlaceReport
    error_code: InstructionCode | None = None


Reports = list[PlaceReport] | list[CancelReport] | list[UpdateReport] | list[ReplaceReport]


class Execution(Shape, frozen=True):
    """A whole report."""

    status: str
    instruction_reports: Reports
    market_id: str | None = None
    error_code: ExecutionCode | None = None
    customer_ref: str | None = None


class UpdateExecution(Execution, frozen=True, omit_defaults=False):
    """That of updateOrders says what it has nothing to say of."""


def is_own_limit(refused: Refused) -> bool:
    """Whether it is one of the limits that the customer has set."""
    return str(refused.code).startswith("limit_")


def execution_code(refused: Refused) -> ExecutionCode:
    if is_own_limit(refused):
        return ExecutionCode.LOSS_LIMIT_EXCEEDED
    return EXECUTION_CODES.get(str(refused.code), ExecutionCode.ERROR_IN_MATCHER)


def instruction_code(code: str) -> InstructionCode:
    """What a refusal of one instruction is called."""
    return InstructionCode.__members__.get(code.upper(), InstructionCode.ERROR_IN_ORDER)


def codes_of(refused: Refused, count: int) -> list[InstructionCode]:
    """The errorCode of each instruction of a request that was refused whole."""
    if is_own_limit(refused):
        return [InstructionCode.LOSS_LIMIT_EXCEEDED] * count
    codes = [FOR_EVERY_INSTRUCTION.get(str(refused.code), InstructionCode.ERROR_IN_ORDER)] * count
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
    """An order that was placed, as it then was; one that lapsed as it came is a failure, with its number."""
    if report.code and not report.order_id:
        return PlaceReport(status="FAILURE", error_code=instruction_code(report.code), instruction=told)
    average = half_even(report.matched_value, report.matched_minor) if report.matched_minor else 0
    return PlaceReport(
        status="FAILURE" if report.code else "SUCCESS",
        error_code=instruction_code(report.code) if report.code else None,
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


def summary(failed: int, count: int) -> tuple[str, ExecutionCode | None]:
    """Status and errorCode of a request whose instructions stand each by itself."""
    if not failed:
        return "SUCCESS", None
    if failed == count:
        return "FAILURE", ExecutionCode.BET_ACTION_ERROR
    return "PROCESSED_WITH_ERRORS", ExecutionCode.PROCESSED_WITH_ERRORS
