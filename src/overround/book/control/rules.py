"""The rules of the desk: what may be suspended, overridden or set, and what a suspension does to a bet that waited."""

from collections.abc import Iterable
from enum import StrEnum

from overround.book.control.types import MAX_MARGIN_BPS, MAX_OVERRIDE_US, Stop
from overround.kernel.level import Level

Place = tuple[Level, int]
"""A level and an id there."""


class Refusal(StrEnum):
    """Every way the desk's wishes are refused, in the order checked. What does not exist is refused by its own room."""

    LEVEL_INVALID = "level_invalid"
    NOT_SUSPENDED = "not_suspended"
    EXPIRY_INVALID = "expiry_invalid"
    TOO_MANY_OVERRIDES = "too_many_overrides"
    NOT_OVERRIDDEN = "not_overridden"
    MARGIN_INVALID = "margin_invalid"


def is_margin(margin_bps: int | None) -> bool:
    """None, or 0 to 100 per cent in hundredths of one."""
    return margin_bps is None or 0 <= margin_bps <= MAX_MARGIN_BPS


def is_expiry(until_us: int, *, now_us: int) -> bool:
    """After now, and not too long after."""
    return now_us < until_us <= now_us + MAX_OVERRIDE_US


def stops_bet(stop: Stop, *, asked_at_us: int, now_us: int) -> bool:
    """Whether a suspension refuses a bet that is decided now and was asked for at an instant.

    | the suspension             | a bet decided at once | a bet that waited                       |
    | holds                      | refused               | refused                                 |
    | is over, began before it   | no matter             | no matter (it was taken in after that)  |
    | is over, began since       | no matter             | refused: it slept through a suspension  |
    """
    return stop.is_active or (asked_at_us < now_us and stop.since_us >= asked_at_us)


def first_stop(
    path: Iterable[Place], stops: dict[Level, dict[int, Stop]], *, asked_at_us: int, now_us: int
) -> Level | None:
    """The widest level of a path at which a bet is refused; None where there is none."""
    for level, number in path:
        stop = stops[level].get(number) if level in stops else None
        if stop is not None and stops_bet(stop, asked_at_us=asked_at_us, now_us=now_us):
            return level
    return None
