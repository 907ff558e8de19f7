"""Whether an instruction to place an order is one that can be taken, whatever the money."""

from typing import Final

from overround.book.exchange import (
    MAX_ORDER_MINOR,
    MAX_REF_LENGTH,
    MAX_STRATEGY_LENGTH,
    ExchangeMarket,
    Minimums,
    Refusal,
    RunnerStatus,
)
from overround.book.exposure import Side
from overround.book.machine.exchange_commands import PlaceInstruction
from overround.book.matching import OrderType, Persistence, Target, TimeInForce, Want
from overround.kernel.ladder import LadderKind
from overround.kernel.price import UNIT

# Members found once: Python 3.11 takes longer to look one up in its enum than to compare it.
LIMIT: Final = OrderType.LIMIT
SIZE: Final = Target.SIZE
FILL_OR_KILL: Final = TimeInForce.FILL_OR_KILL
LAPSE: Final = Persistence.LAPSE
ACTIVE: Final = RunnerStatus.ACTIVE


def instruction_refusal(
    market: ExchangeMarket, runner: int | None, asked: PlaceInstruction, strategy: str, minimums: Minimums
) -> Refusal | None:
    """The first thing that is wrong with an instruction, in the order of `docs/rules/exchange.md`."""
    if runner is None:
        return Refusal.INVALID_RUNNER
    if market.runners[runner].status is not ACTIVE:
        return Refusal.RUNNER_REMOVED
    if asked.ref and not _is_word(asked.ref, MAX_REF_LENGTH):
        return Refusal.INVALID_CUSTOMER_ORDER_REF
    if strategy and not _is_word(strategy, MAX_STRATEGY_LENGTH):
        return Refusal.INVALID_CUSTOMER_ORDER_REF
    if asked.type is LIMIT:
        return _limit_refusal(market, asked, minimums)
    return _start_refusal(market, asked, minimums)


DEFAULT_MINIMUMS = Minimums()
NO_MINIMUMS = Minimums(size_minor=1, payout_minor=0, sp_back_minor=1, sp_lay_minor=1)


def _is_word(text: str, longest: int) -> bool:
    return len(text) <= longest and text.isprintable()


def _limit_refusal(market: ExchangeMarket, asked: PlaceInstruction, minimums: Minimums) -> Refusal | None:
    price, size = asked.price_milli, asked.size_minor
    if not market.terms.ladder.has(price):
        return Refusal.INVALID_ODDS
    if asked.liability_minor:
        return Refusal.INVALID_ORDER_TYPE
    if asked.target is not SIZE:
        if market.terms.ladder.kind is LadderKind.LINE_RANGE:
            return Refusal.INVALID_ORDER_TYPE
        size = Want(asked.target, size).size_at(price) if size > 0 else 0
    if not 0 < size <= MAX_ORDER_MINOR or not _is_large_enough(size, price, market, minimums):
        return Refusal.INVALID_BET_SIZE
    if asked.time_in_force is FILL_OR_KILL:
        return _kill_refusal(asked, size)
    if asked.min_fill_minor:
        return Refusal.UNEXPECTED_MIN_FILL_SIZE
    return None if asked.persistence is LAPSE else persistence_refusal(market, asked.persistence)


def _is_large_enough(size_minor: int, price_milli: int, market: ExchangeMarket, minimums: Minimums) -> bool:
    if size_minor >= minimums.size_minor:
        return True
    if market.terms.ladder.kind is LadderKind.LINE_RANGE:
        return False
    return size_minor * price_milli >= minimums.payout_minor * UNIT


def _kill_refusal(asked: PlaceInstruction, size_minor: int) -> Refusal | None:
    if asked.persistence is not LAPSE:
        return Refusal.UNEXPECTED_PERSISTENCE_TYPE
    return None if 0 <= asked.min_fill_minor <= size_minor else Refusal.INVALID_MIN_FILL_SIZE


def persistence_refusal(market: ExchangeMarket, persistence: Persistence) -> Refusal | None:
    """Whether an order may stay on this market, or go to its starting price."""
    if persistence is Persistence.PERSIST and not market.terms.persistence:
        return Refusal.INVALID_PERSISTENCE_TYPE
    if persistence is Persistence.MARKET_ON_CLOSE and (not market.terms.bsp or market.reconciled):
        return Refusal.INVALID_PERSISTENCE_TYPE
    return None


def _start_refusal(market: ExchangeMarket, asked: PlaceInstruction, minimums: Minimums) -> Refusal | None:
    if not market.terms.bsp or market.reconciled or market.in_play:
        return Refusal.MARKET_NOT_OPEN_FOR_BSP_BETTING
    if asked.time_in_force is not TimeInForce.REST:
        return Refusal.TIME_IN_FORCE_CONFLICT
    if asked.size_minor or asked.target is not SIZE:
        return Refusal.INVALID_ORDER_TYPE
    limited = asked.type is OrderType.LIMIT_ON_CLOSE
    if limited != bool(asked.price_milli) or (limited and not market.terms.ladder.has(asked.price_milli)):
        return Refusal.INVALID_ODDS
    least = minimums.sp_back_minor if asked.side is Side.BACK else minimums.sp_lay_minor
    if not max(1, least) <= asked.liability_minor <= MAX_ORDER_MINOR:
        return Refusal.INVALID_BET_SIZE
    if asked.persistence is not LAPSE:
        return Refusal.UNEXPECTED_PERSISTENCE_TYPE
    return Refusal.UNEXPECTED_MIN_FILL_SIZE if asked.min_fill_minor else None
