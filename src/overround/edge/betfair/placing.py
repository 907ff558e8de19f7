"""placeOrders, cancelOrders, updateOrders, replaceOrders and the heartbeat.

A customer's reference makes the idempotency key, so a repeat within its minute is DUPLICATE_TRANSACTION whichever
gateway it comes to; without one a key is drawn. An order that waits for its in-play delay is waited for, unless the
request is asynchronous.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final

from overround.book.exchange import (
    MAX_CHANGES,
    MAX_HEARTBEAT_US,
    MAX_INSTRUCTIONS,
    MAX_REF_LENGTH,
    MAX_STRATEGY_LENGTH,
    MIN_HEARTBEAT_US,
)
from overround.book.machine import Answer, Done, OrderReport, OrdersAnswer
from overround.book.machine import exchange_commands as commands
from overround.book.machine.command import Command
from overround.book.matching import Order, OrderStatus, Persistence
from overround.edge.asking import Asker, unexpected
from overround.edge.betfair import bettingparams as asked
from overround.edge.betfair import reports
from overround.edge.betfair.board import Board
from overround.edge.betfair.calls import Ask
from overround.edge.betfair.faults import Code, Fault
from overround.edge.betfair.figures import market_number, milli_of, minor_of
from overround.edge.betfair.instructing import converted
from overround.edge.betfair.reports import (
    CancelReport,
    Execution,
    InstructionCode,
    PlaceReport,
    ReplaceReport,
    UpdateReport,
)
from overround.edge.betfair.values import Count, Shape, StrictParams
from overround.edge.problems import Problem
from overround.kernel.ids import make_key
from overround.kernel.instant import MINUTE_US, SECOND_US
from overround.kernel.refusal import Refused

REF_WINDOW_US: Final = MINUTE_US
"""For how long a customer's reference may not be used again, as on Betfair."""

DUPLICATE: Final = "duplicate_transaction"
"""The dialect's own refusal: the book would give the first answer again."""

VERSION_DIGITS: Final = 12
"""Of a market version, at most."""

VERSION_TOO_LONG: Final = "market_version_too_long"
"""As DUPLICATE, the dialect's own."""

LOOK_AGAIN_S: Final = 0.005
BEYOND_DELAY_S: Final = 5.0
DEFAULT_HEARTBEAT_US: Final = 60 * SECOND_US

WaitFor = Callable[[int], Awaitable[bool]]
"""Until the view has a sequence."""


class HeartbeatParams(StrictParams, frozen=True, kw_only=True):
    preferred_timeout_seconds: Count


class Action(StrEnum):
    """What was done since the last heartbeat."""

    NONE = "NONE"
    ALL_BETS_CANCELLED = "ALL_BETS_CANCELLED"


class HeartbeatReport(Shape, frozen=True, omit_defaults=False):
    action_performed: Action
    actual_timeout_seconds: int


class Orders:
    """The handlers. `currency_of` says in which wallet a customer plays."""

    def __init__(
        self,
        asker: Asker,
        board: Board,
        *,
        currency_of: Callable[[int], Awaitable[str]],
        now_us: Callable[[], int],
        wait_for: WaitFor,
    ) -> None:
        self._asker, self._board, self._currency_of = asker, board, currency_of
        self._now_us, self._wait_for = now_us, wait_for

    # Placing.

    async def place(self, ask: Ask) -> Execution:
        params: asked.PlaceParams = ask.params
        _check(params.instructions, MAX_INSTRUCTIONS, params.customer_ref)
        if len(params.customer_strategy_ref or "") > MAX_STRATEGY_LENGTH:
            raise Fault(Code.INVALID_INPUT_DATA, f"customerStrategyRef has at most {MAX_STRATEGY_LENGTH} characters")
        echoes = [reports.echo(each) for each in params.instructions]
        instructions, wrong = converted(params.instructions)
        version = _version(params.market_version)
        if version is None:
            return self._place_refused(params, Refused(VERSION_TOO_LONG), echoes)
        if wrong is not None:
            refused = Refused("bet_action_error", {"instruction": wrong[0], "reason": wrong[1].lower()})
            return self._place_refused(params, refused, echoes)
        command = commands.PlaceOrders(
            ask.customer_id,
            market_number(params.market_id),
            await self._currency_of(ask.customer_id),
            instructions,
            version,
            params.customer_strategy_ref or "",
        )
        try:
            answer = await self._do(command, ask, "place", params.customer_ref)
        except Problem as problem:
            return _unknown(params, problem, [PlaceReport(status="TIMEOUT", instruction=told) for told in echoes])
        if isinstance(answer, Refused):
            return self._place_refused(params, answer, echoes)
        rows = await self._settled(answer.reports, is_async=bool(params.async_), seq=answer.seq)
        made = [reports.placed(row, told) for row, told in zip(rows, echoes, strict=True)]
        status, code = reports.summary(sum(row.status != "SUCCESS" for row in made), len(made))
        return Execution(
            status=status,
            error_code=code,
            market_id=params.market_id,
            instruction_reports=made,
            customer_ref=params.customer_ref,
        )

    def _place_refused(self, params: asked.PlaceParams, refused: Refused, echoes: list[dict[str, Any]]) -> Execution:
        codes = reports.codes_of(refused, len(echoes))
        rows = [
            PlaceReport(status="FAILURE", error_code=code, instruction=told)
            for code, told in zip(codes, echoes, strict=True)
        ]
        return Execution(
            status="FAILURE",
            error_code=reports.execution_code(refused),
            market_id=params.market_id,
            instruction_reports=rows,
            customer_ref=params.customer_ref,
        )

    async def _settled(self, rows: Sequence[OrderReport], *, is_async: bool, seq: int) -> Sequence[OrderReport]:
        """The reports once no order waits for its in-play delay any more, unless nobody wants to wait."""
        waiting = [row.order_id for row in rows if row.status is OrderStatus.PENDING and not row.code]
        if is_async or not waiting:
            return rows
        await self._wait_for(seq)
        orders, loop = self._board.state.orders.by_id, asyncio.get_running_loop()
        known = [order for number in waiting if (order := orders.get(number)) is not None]
        last_us = max((order.decide_at_us for order in known), default=0)
        due_s = loop.time() + max(0, last_us - self._now_us()) / SECOND_US + BEYOND_DELAY_S
        while any(order.status is OrderStatus.PENDING for order in known):
            if loop.time() >= due_s:
                break
            await asyncio.sleep(LOOK_AGAIN_S)
        now = {order.id: _as_reported(order) for order in known}
        return [now.get(row.order_id, row) for row in rows]

    # Changing.

    async def cancel(self, ask: Ask) -> Execution:
        params: asked.CancelParams = ask.params
        instructions = params.instructions or ()
        if instructions:
            _check(instructions, MAX_CHANGES, params.customer_ref)
            if params.market_id is None:
                raise Fault(Code.INVALID_INPUT_DATA, "instructions need a marketId")
        number = market_number(params.market_id) if params.market_id is not None else 0
        if params.market_id is not None and not number:
            return self._refused_changes(params, Refused("invalid_market_id"), _failed_cancels(instructions))
        converted, wrong = [], None
        for place, each in enumerate(instructions):
            reduction = 0 if each.size_reduction is None else minor_of(each.size_reduction)
            if reduction is None or reduction < 0 or (each.size_reduction is not None and not reduction):
                wrong = wrong or (place, "INVALID_BET_SIZE")
                reduction = 0
            converted.append(commands.CancelInstruction(each.bet_id, reduction))
        if wrong is not None:
            refused = Refused("bet_action_error", {"instruction": wrong[0], "reason": wrong[1].lower()})
            return self._refused_changes(params, refused, _failed_cancels(instructions))
        command = commands.CancelOrders(ask.customer_id, number, tuple(converted))
        try:
            answer = await self._do(command, ask, "cancel", params.customer_ref)
        except Problem as problem:
            told = [reports.echo_cancel(each) for each in instructions]
            return _unknown(params, problem, [CancelReport(status="TIMEOUT", instruction=each) for each in told])
        if isinstance(answer, Refused):
            return self._refused_changes(params, answer, _failed_cancels(instructions))
        now_us = self._now_us()
        echoes = [reports.echo_cancel(each) for each in instructions] or [
            {"betId": str(row.order_id)} for row in answer.reports
        ]
        rows = [reports.cancelled(row, told, now_us) for row, told in zip(answer.reports, echoes, strict=True)]
        return _summed(params, rows)

    async def update(self, ask: Ask) -> Execution:
        params: asked.UpdateParams = ask.params
        _check(params.instructions, MAX_CHANGES, params.customer_ref)
        echoes = [reports.echo_update(each) for each in params.instructions]
        command = commands.UpdateOrders(
            ask.customer_id,
            market_number(params.market_id),
            tuple(
                commands.UpdateInstruction(each.bet_id, Persistence(each.new_persistence_type.value.lower()))
                for each in params.instructions
            ),
        )
        try:
            answer = await self._do(command, ask, "update", params.customer_ref)
        except Problem as problem:
            waiting = [UpdateReport(status="TIMEOUT", instruction=told) for told in echoes]
            return _unknown(params, problem, waiting, kind=reports.UpdateExecution)
        if isinstance(answer, Refused):
            codes = reports.codes_of(answer, len(echoes))
            rows = [UpdateReport("FAILURE", told, code) for told, code in zip(echoes, codes, strict=True)]
            return self._refused_changes(params, answer, rows, kind=reports.UpdateExecution)
        rows = [
            UpdateReport(
                status="FAILURE" if row.code else "SUCCESS",
                error_code=reports.instruction_code(row.code) if row.code else None,
                instruction=told,
            )
            for row, told in zip(answer.reports, echoes, strict=True)
        ]
        return _summed(params, rows, kind=reports.UpdateExecution)

    async def replace(self, ask: Ask) -> Execution:
        params: asked.ReplaceParams = ask.params
        _check(params.instructions, MAX_CHANGES, params.customer_ref)
        prices = [milli_of(each.new_price) or 0 for each in params.instructions]
        version = _version(params.market_version)
        if version is None:
            return self._replace_refused(params, Refused(VERSION_TOO_LONG))
        command = commands.ReplaceOrders(
            ask.customer_id,
            market_number(params.market_id),
            tuple(
                commands.ReplaceInstruction(each.bet_id, price)
                for each, price in zip(params.instructions, prices, strict=True)
            ),
            version,
        )
        try:
            answer = await self._do(command, ask, "replace", params.customer_ref)
        except Problem as problem:
            return _unknown(params, problem, [self._replace_unknown(each) for each in params.instructions])
        if isinstance(answer, Refused):
            return self._replace_refused(params, answer)
        placed = await self._settled(answer.placed, is_async=bool(params.async_), seq=answer.seq)
        await self._wait_for(answer.seq)
        rows = [
            self._replaced(each, was, now)
            for each, was, now in zip(params.instructions, answer.reports, placed, strict=True)
        ]
        return _summed(params, rows)

    def _replaced(self, each: asked.ReplaceInstruction, was: OrderReport, now: OrderReport) -> ReplaceReport:
        """What was cancelled, and what was placed for it."""
        if was.code and was.code != "cancelled_not_placed":
            return self._not_replaced(each, reports.instruction_code(was.code))
        told = self._echo_anew(each, now.size_minor or was.cancelled_minor)
        cancel = reports.cancelled(was, {"betId": str(each.bet_id)}, self._now_us())
        place = reports.placed(now, told)
        return ReplaceReport(
            status=place.status,
            error_code=place.error_code,
            cancel_instruction_report=cancel,
            place_instruction_report=place,
        )

    def _replace_refused(self, params: asked.ReplaceParams, refused: Refused) -> Execution:
        codes = reports.codes_of(refused, len(params.instructions))
        rows = [self._not_replaced(each, code) for each, code in zip(params.instructions, codes, strict=True)]
        return self._refused_changes(params, refused, rows)

    def _replace_unknown(self, each: asked.ReplaceInstruction) -> ReplaceReport:
        return ReplaceReport(
            status="TIMEOUT",
            cancel_instruction_report=CancelReport(status="TIMEOUT", instruction={"betId": str(each.bet_id)}),
            place_instruction_report=PlaceReport(status="TIMEOUT", instruction=self._echo_anew(each, 0)),
        )

    def _not_replaced(self, each: asked.ReplaceInstruction, code: InstructionCode) -> ReplaceReport:
        return ReplaceReport(
            status="FAILURE",
            error_code=code,
            cancel_instruction_report=CancelReport(
                status="FAILURE", error_code=code, instruction={"betId": str(each.bet_id)}
            ),
            place_instruction_report=PlaceReport(
                status="FAILURE", error_code=InstructionCode.RELATED_ACTION_FAILED, instruction=self._echo_anew(each, 0)
            ),
        )

    def _echo_anew(self, each: asked.ReplaceInstruction, size_minor: int) -> dict[str, Any]:
        """The instruction that a replacement comes to."""
        order = self._board.state.orders.by_id.get(each.bet_id)
        if order is None:
            return _echo_anew(None, each, size_minor, 0)
        market = self._board.state.markets[order.market_id]
        return _echo_anew(order, each, size_minor, market.runners[order.runner].selection_id)

    def _refused_changes(
        self,
        params: asked.CancelParams | asked.UpdateParams | asked.ReplaceParams,
        refused: Refused,
        rows: reports.Reports,
        *,
        kind: type[Execution] = Execution,
    ) -> Execution:
        return kind(
            status="FAILURE",
            error_code=reports.execution_code(refused),
            market_id=params.market_id,
            instruction_reports=rows,
            customer_ref=params.customer_ref,
        )

    # The heartbeat.

    async def heartbeat(self, ask: Ask) -> HeartbeatReport:
        asked_us = ask.params.preferred_timeout_seconds * SECOND_US
        timeout_us = min(max(asked_us, MIN_HEARTBEAT_US), MAX_HEARTBEAT_US) if asked_us else 0
        command = commands.Heartbeat(ask.customer_id, timeout_us)
        key = make_key(at_us=self._now_us(), chance=secrets.randbits(74))
        answer = await self._asker.ask(command, actor=ask.customer_id, key=key)
        if not isinstance(answer, Done):
            raise unexpected(answer)
        await self._wait_for(answer.seq)
        missed = self._board.is_after_miss(ask.customer_id, key)
        action = Action.ALL_BETS_CANCELLED if missed else Action.NONE
        return HeartbeatReport(action_performed=action, actual_timeout_seconds=timeout_us // SECOND_US)

    # Asking the book.

    async def _do(self, command: Command, ask: Ask, what: str, ref: str | None) -> OrdersAnswer | Refused:
        """Raises Problem: overloaded, outcome_unknown, internal."""
        now_us = self._now_us()
        if ref:
            key, before = ref_keys(ask.customer_id, what, ref, now_us)
            used = [self._board.keys[each] for each in (key, before) if each in self._board.keys]
            if used and now_us - max(used) < REF_WINDOW_US:
                return Refused(DUPLICATE)
        else:
            key = make_key(at_us=now_us, chance=secrets.randbits(74))
        answer: Answer = await self._asker.ask(command, actor=ask.customer_id, key=key)
        if isinstance(answer, (OrdersAnswer, Refused)):
            if isinstance(answer, OrdersAnswer):
                self._board.expect(ask.customer_id, answer.seq)
            return answer
        raise unexpected(answer)


def ref_keys(customer_id: int, what: str, ref: str, now_us: int) -> tuple[str, str]:
    """The key that a customer's reference makes in this minute, and the one that it made in the minute before. Two
    gateways make the same."""
    digest = blake2b(f"{customer_id}\0{what}\0{ref}".encode("utf-8", "surrogatepass"), digest_size=10).digest()
    chance, window_us = int.from_bytes(digest, "big"), now_us // REF_WINDOW_US * REF_WINDOW_US
    return make_key(at_us=window_us, chance=chance), make_key(at_us=window_us - REF_WINDOW_US, chance=chance)


def _check(instructions: Sequence[object], most: int, ref: str | None) -> None:
    """Raises Fault: INVALID_INPUT_DATA."""
    if not 0 < len(instructions) <= most:
        raise Fault(Code.INVALID_INPUT_DATA, f"a request has 1 to {most} instructions")
    if ref is not None and not 0 < len(ref) <= MAX_REF_LENGTH:
        raise Fault(Code.INVALID_INPUT_DATA, f"customerRef has 1 to {MAX_REF_LENGTH} characters")


def _as_reported(order: Order) -> OrderReport:
    """An order as it is now, after its delay: it may have lapsed before it came to the book."""
    return OrderReport(
        order.id,
        "bet_taken_or_lapsed" if order.lapse else "",
        order.status,
        order.size_minor,
        order.remaining_minor,
        order.matched_minor,
        order.matched_value,
        order.cancelled_minor,
        order.placed_at_us,
    )


def _echo_anew(
    order: Order | None, each: asked.ReplaceInstruction, size_minor: int, selection_id: int
) -> dict[str, Any]:
    """The instruction that a replacement comes to. Of an order that nobody knows there is little to tell."""
    told: dict[str, Any] = {
        "orderType": "LIMIT",
        "selectionId": 0,
        "side": "BACK",
        "limitOrder": {"size": size_minor / 100, "price": float(each.new_price)},
    }
    if order is not None:
        told["selectionId"] = selection_id
        told["side"] = order.side.value.upper()
        told["limitOrder"]["persistenceType"] = order.persistence.value.upper()
        if order.ref:
            told["customerOrderRef"] = order.ref
    return told


def _version(asked_for: asked.MarketVersion | None) -> int | None:
    """The version of a market that is wanted, 0 where any is, or None where it cannot be one."""
    version = (asked_for.version if asked_for is not None else None) or 0
    return version if version < 10**VERSION_DIGITS else None


def _unknown(
    params: asked.PlaceParams | asked.CancelParams | asked.UpdateParams | asked.ReplaceParams,
    problem: Problem,
    rows: reports.Reports,
    *,
    kind: type[Execution] = Execution,
) -> Execution:
    """No answer in time: the client is told that it must look. Raises Problem where nothing was done."""
    if problem.code != "outcome_unknown":
        raise problem
    return kind(
        status="TIMEOUT", market_id=params.market_id, instruction_reports=rows, customer_ref=params.customer_ref
    )


def _failed_cancels(instructions: Sequence[asked.CancelInstruction]) -> list[CancelReport]:
    return [
        CancelReport(status="FAILURE", error_code=InstructionCode.ERROR_IN_ORDER, instruction=reports.echo_cancel(each))
        for each in instructions
    ]


def _summed(
    params: asked.CancelParams | asked.UpdateParams | asked.ReplaceParams,
    rows: Sequence[Any],
    *,
    kind: type[Execution] = Execution,
) -> Execution:
    """The whole report of a request whose instructions stand each by itself."""
    status, code = reports.summary(sum(row.status != "SUCCESS" for row in rows), len(rows))
    return kind(
        status=status,
        error_code=code,
        market_id=params.market_id,
        instruction_reports=list(rows),
        customer_ref=params.customer_ref,
    )
