"""Instructions to place orders, from the dialect's words and decimals to the house's own units."""

from collections.abc import Sequence
from decimal import Decimal

from overround.book.exchange import MAX_REF_LENGTH
from overround.book.exposure import Side
from overround.book.machine import exchange_commands as commands
from overround.book.matching import OrderType, Persistence, Target, TimeInForce
from overround.edge.betfair import bettingparams as asked
from overround.edge.betfair.faults import Code, Fault
from overround.edge.betfair.figures import milli_of, minor_of


class Malformed(Exception):
    """An instruction that the exchange need not be asked about; `code` is Betfair's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def converted(
    instructions: Sequence[asked.PlaceInstruction],
) -> tuple[tuple[commands.PlaceInstruction, ...], tuple[int, str] | None]:
    """Instructions in the house's units, or which of them cannot be, and why. Raises Fault: INVALID_INPUT_DATA."""
    made = []
    for number, each in enumerate(instructions):
        try:
            made.append(_instruction(each))
        except Malformed as malformed:
            return (), (number, malformed.code)
    return tuple(made), None


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
