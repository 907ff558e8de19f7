"""placeOrders, cancelOrders, updateOrders, replaceOrders and the heartbeat.

A customer's reference makes the idempotency key, so a repeat within its minute is DUPLICATE_TRANSACTION whichever
gateway it comes to; without one a key is drawn. An order that waits for its in-play delay is waited for, unless the
request is asynchronous.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
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
from overround.book.exposure import Side
from overround.book.machine import Answer, Done, OrderReport, OrdersAnswer
from overround.book.machine import exchange_commands as commands
from overround.book.machine.command import Command
from overround.book.matching import Order, OrderStatus, OrderType, Persistence, Target, TimeInForce
from overround.edge.asking import Asker, unexpected
from overround.edge.betfair import bettingparams as asked
from overround.edge.betfair import reports
from overround.edge.betfair.board import Board
from overround.edge.betfair.calls import Ask
from overround.edge.betfair.faults import Code, Fault
from overround.edge.betfair.figures import market_number, milli_of, minor_of
from overround.edge.betfair.reports import CancelReport, Execution, PlaceReport, ReplaceReport, UpdateReport
from overround.edge.betfair.values import Count, Shape, StrictParams
from overround.edge.problems import Problem
from overround.kernel.ids import make_key
from overround.kernel.instant import MINUTE_US, SECOND_US
from overround.kernel.refusal import Refused

REF_WINDOW_US: Final = MINUTE_US
"""For how long a customer's reference may not be used again, as on Betfair."""

DUPLICATE: Final = "duplicate_transaction"
"""The dialect's own refusal: the book would give the first answer again."""

LOOK_AGAIN_S: Final = 0.005
BEYOND_DELAY_S: Final = 5.0
DEFAULT_HEARTBEAT_US: Final = 60 * SECOND_US

WaitFor = Callable[[int], Awaitable[bool]]
"""Until the view has a sequence."""


class HeartbeatParams(StrictParams, frozen=True, kw_only=True):
    preferred_timeout_seconds: Count


class HeartbeatReport(Shape, frozen=True, omit_defaults=False):
    action_performed: str
    actual_timeout_seconds: int


class Malformed(Exception):
    """An instruction that the exchange need not be asked about; `code` is Betfair's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


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
        converted, wrong = _converted(params.instructions)
        if wrong is not None:
            refused = Refused("bet_action_error", {"instruction": wrong[0], "reason": wrong[1].lower()})
            return self._place_refused(params, refused, echoes)
        command = commands.PlaceOrders(
            ask.customer_id,
            market_number(params.market_id),
            await self._currency_of(ask.customer_id),
            converted,
            (params.market_version.version if params.market_version is not None else None) or 0,
            params.customer_strategy_ref or "",
        )
        try:
            answer = await self._do(command, ask, "place", params.customer_ref)
        except Problem as problem:
            return self._place_unknown(params, problem, echoes)
        if isinstance(answer, Refused):
            return self._place_refused(params, answer, echoes)
        rows = await self._settled(answer.reports, is_async=bool(params.async_), seq=answer.seq)
        made = [reports.placed(row, told) for row, told in zip(rows, echoes, strict=True)]
        return Execution(
            status="SUCCESS", market_id=params.market_id, instruction_reports=made, customer_ref=params.customer_ref
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

    def _place_unknown(self, params: asked.PlaceParams, problem: Problem, echoes: list[dict[str, Any]]) -> Execution:
        """No answer in time: the client is told that it must look. Raises Problem where nothing was done."""
        if problem.code != "outcome_unknown":
            raise problem
        rows = [PlaceReport(status="TIMEOUT", instruction=told) for told in echoes]
        return Execution(
            status="TIMEOUT", market_id=params.market_id, instruction_reports=rows, customer_ref=params.customer_ref
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
        answer = await self._do(command, ask, "cancel", params.customer_ref)
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
        answer = await self._do(command, ask, "update", params.customer_ref)
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
        command = commands.ReplaceOrders(
            ask.customer_id,
            market_number(params.market_id),
            tuple(
                commands.ReplaceInstruction(each.bet_id, price)
                for each, price in zip(params.instructions, prices, strict=True)
            ),
            (params.market_version.version if params.market_version is not None else None) or 0,
        )
        answer = await self._do(command, ask, "replace", params.customer_ref)
        if isinstance(answer, Refused):
            codes = reports.codes_of(answer, len(prices))
            rows = [self._not_replaced(each, code) for each, code in zip(params.instructions, codes, strict=True)]
            return self._refused_changes(params, answer, rows)
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

    def _not_replaced(self, each: asked.ReplaceInstruction, code: str) -> ReplaceReport:
        return ReplaceReport(
            status="FAILURE",
            error_code=code,
            cancel_instruction_report=CancelReport(
                status="FAILURE", error_code=code, instruction={"betId": str(each.bet_id)}
            ),
            place_instruction_report=PlaceReport(
                status="FAILURE", error_code="RELATED_ACTION_FAILED", instruction=self._echo_anew(each, 0)
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
        missed = self._board.take_missed(ask.customer_id)
        command = commands.Heartbeat(ask.customer_id, timeout_us)
        key = make_key(at_us=self._now_us(), chance=secrets.randbits(74))
        answer = await self._asker.ask(command, actor=ask.customer_id, key=key)
        if not isinstance(answer, Done):
            raise unexpected(answer)
        action = "ALL_BETS_CANCELLED" if missed else "NONE"
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


def _converted(
    instructions: Sequence[asked.PlaceInstruction],
) -> tuple[tuple[commands.PlaceInstruction, ...], tuple[int, str] | None]:
    """Instructions in the house's units, or which of them cannot be, and why. Raises Fault: INVALID_INPUT_DATA."""
    converted = []
    for number, each in enumerate(instructions):
        try:
            converted.append(_instruction(each))
        except Malformed as malformed:
            return (), (number, malformed.code)
    return tuple(converted), None


def _instruction(each: asked.PlaceInstruction) -> commands.PlaceInstruction:
    quarters = (each.handicap or Decimal(0)) * 4
    if quarters != quarters.to_integral_value():
        raise Malformed("INVALID_RUNNER")
    if len(each.customer_order_ref or "") > MAX_REF_LENGTH:
        raise Malformed("INVALID_CUSTOMER_ORDER_REF")
    side, ref, handicap = Side(each.side.value.lower()), each.customer_order_ref or "", int(quarters)
    if each.order_type is not asked.OrderType.LIMIT:
        return _at_start(each, side, ref, handicap)
    limit = each.limit_order
    if limit is None or each.limit_on_close_order is not None or each.market_on_close_order is not None:
        raise Fault(Code.INVALID_INPUT_DATA, "a LIMIT order has a limitOrder and nothing else")
    is_target = limit.bet_target_type is not None
    wanted = limit.bet_target_size if is_target else limit.size
    if wanted is None or (not is_target and limit.bet_target_size is not None):
        raise Fault(Code.INVALID_INPUT_DATA, "a limitOrder has a size, or a betTargetType with its betTargetSize")
    return commands.PlaceInstruction(
        each.selection_id,
        side,
        _milli(limit.price),
        _minor(wanted, "INVALID_BET_SIZE"),
        Persistence((limit.persistence_type or asked.PersistenceType.LAPSE).value.lower()),
        ref,
        handicap,
        OrderType.LIMIT,
        0,
        TimeInForce.FILL_OR_KILL if limit.time_in_force is not None else TimeInForce.REST,
        _minor(limit.min_fill_size, "INVALID_MIN_FILL_SIZE") if limit.min_fill_size is not None else 0,
        Target(limit.bet_target_type.value.lower()) if limit.bet_target_type is not None else Target.SIZE,
    )


def _at_start(each: asked.PlaceInstruction, side: Side, ref: str, handicap: int) -> commands.PlaceInstruction:
    is_limited = each.order_type is asked.OrderType.LIMIT_ON_CLOSE
    order = each.limit_on_close_order if is_limited else each.market_on_close_order
    other = each.market_on_close_order if is_limited else each.limit_on_close_order
    if order is None or other is not None or each.limit_order is not None:
        raise Fault(Code.INVALID_INPUT_DATA, f"a {each.order_type.value} order has its own member and nothing else")
    price_milli = _milli(order.price) if isinstance(order, asked.LimitOnCloseOrder) else 0
    return commands.PlaceInstruction(
        each.selection_id,
        side,
        price_milli,
        0,
        Persistence.LAPSE,
        ref,
        handicap,
        OrderType(each.order_type.value.lower()),
        _minor(order.liability, "INVALID_BET_SIZE"),
    )


def _milli(odds: Decimal) -> int:
    milli = milli_of(odds)
    if milli is None:
        raise Malformed("INVALID_ODDS")
    return milli


def _minor(amount: Decimal, code: str) -> int:
    minor = minor_of(amount)
    if minor is None or minor <= 0:
        raise Malformed(code)
    return minor


def _as_reported(order: Order) -> OrderReport:
    """An order as it is now."""
    return OrderReport(
        order.id,
        "",
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


def _failed_cancels(instructions: Sequence[asked.CancelInstruction]) -> list[CancelReport]:
    return [
        CancelReport(status="FAILURE", error_code="ERROR_IN_ORDER", instruction=reports.echo_cancel(each))
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
