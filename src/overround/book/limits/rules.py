"""The rules of the limits. Tightening is at once; loosening waits; nobody shortens a self-exclusion."""

from enum import StrEnum

from overround.book.limits.types import (
    LOOSENING_WAIT_US,
    LOSSES,
    MAX_COOL_OFF_US,
    MAX_EXCLUSION_US,
    MIN_COOL_OFF_US,
    MIN_EXCLUSION_US,
    NO_LIMIT,
    WINDOW,
    Limit,
    LimitKind,
    Player,
    Purse,
    Usage,
)
from overround.kernel.instant import day_start_us, month_start_us, week_start_us
from overround.kernel.money import MAX_MONEY_MINOR


class Refusal(StrEnum):
    """Every way the limits say no, in the order checked."""

    SELF_EXCLUDED = "self_excluded"
    COOLING_OFF = "cooling_off"
    PLAYER_BLOCKED = "player_blocked"
    NOT_BLOCKED = "not_blocked"
    STAKE_DAY = "limit_stake_day"
    STAKE_WEEK = "limit_stake_week"
    STAKE_MONTH = "limit_stake_month"
    LOSS_DAY = "limit_loss_day"
    LOSS_WEEK = "limit_loss_week"
    LOSS_MONTH = "limit_loss_month"
    LIMIT_INVALID = "limit_invalid"
    DURATION_INVALID = "duration_invalid"
    TERMS_INVALID = "terms_invalid"


def shut_out(player: Player, *, now_us: int) -> Refusal | None:
    """Whether a customer is kept from betting at this instant."""
    if now_us < player.excluded_until_us:
        return Refusal.SELF_EXCLUDED
    if now_us < player.cooling_until_us:
        return Refusal.COOLING_OFF
    return Refusal.PLAYER_BLOCKED if player.blocked else None


def window_starts_us(at_us: int) -> tuple[int, int, int]:
    """When this instant's day, week and month began."""
    return day_start_us(at_us), week_start_us(at_us), month_start_us(at_us)


def room_minor(
    purse: Purse, kind: LimitKind, limit: Limit, *, now_us: int, held_minor: int = 0, held_at_us: int = 0
) -> int:
    """How much may still be staked under one limit: its amount less what its window has used. May be below zero.

    `held_minor` is the stake of the very bet that is being decided, counted since `held_at_us`: where that was in the
    window that runs now it does not use the limit twice, and in a window that began since it was never counted.
    """
    window = WINDOW[kind]
    usage: Usage = (purse.day, purse.week, purse.month)[window]
    used = 0
    if usage.start_us == window_starts_us(now_us)[window]:
        used = usage.staked_minor - (usage.returned_minor if kind in LOSSES else 0)
        if held_at_us >= usage.start_us:
            used -= held_minor
    return limit.at(now_us) - used


def stake_room(purse: Purse, *, now_us: int, held_minor: int = 0, held_at_us: int = 0) -> tuple[Refusal, int] | None:
    """The narrowest of a customer's own limits and how much it leaves to stake; None where there is none."""
    narrowest: tuple[Refusal, int] | None = None
    for kind, limit in purse.limits.items():
        if limit.at(now_us) == NO_LIMIT:
            continue
        room = room_minor(purse, kind, limit, now_us=now_us, held_minor=held_minor, held_at_us=held_at_us)
        if narrowest is None or room < narrowest[1]:
            narrowest = (Refusal(f"limit_{kind.value}"), room)
    return narrowest


def effective_at_us(current: Limit | None, *, amount_minor: int, now_us: int) -> int:
    """When a new amount holds: at once where it is tighter than (or equal to) what holds now, else after the wait."""
    holding = current.at(now_us) if current else NO_LIMIT
    return now_us if amount_minor <= holding else now_us + LOOSENING_WAIT_US


def is_amount(amount_minor: int) -> bool:
    """Zero (nothing may be staked) to the largest amount."""
    return 0 <= amount_minor <= MAX_MONEY_MINOR


def cool_off_until_us(player: Player, *, duration_us: int, now_us: int) -> int | None:
    """When a cool-off of this length ends, never before one that already runs. None where the length is not allowed."""
    if not MIN_COOL_OFF_US <= duration_us <= MAX_COOL_OFF_US:
        return None
    return max(player.cooling_until_us, now_us + duration_us)


def excluded_until_us(player: Player, *, duration_us: int, now_us: int) -> int | None:
    """When a self-exclusion of this length ends, never before one that already runs. None where it is not allowed."""
    if not MIN_EXCLUSION_US <= duration_us <= MAX_EXCLUSION_US:
        return None
    return max(player.excluded_until_us, now_us + duration_us)
