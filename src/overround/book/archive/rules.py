"""When something is due to leave. Worked numbers: docs/rules/archive.md."""

from enum import StrEnum

from overround.book.archive.types import MAX_ARCHIVE_AFTER_US, MIN_ARCHIVE_AFTER_US, UNENDED_US


class Refusal(StrEnum):
    """Every way this room says no, in the order checked."""

    ARCHIVE_AFTER_INVALID = "archive_after_invalid"
    MARKET_ARCHIVED = "market_archived"
    EVENT_ARCHIVED = "event_archived"
    BET_ARCHIVED = "bet_archived"


def is_period(after_us: int) -> bool:
    return MIN_ARCHIVE_AFTER_US <= after_us <= MAX_ARCHIVE_AFTER_US


def idle_since_us(*, starts_at_us: int, has_ended: bool, now_us: int) -> int:
    """Since when nothing is expected any more of an event that has no market in memory from now on."""
    return max(now_us, starts_at_us if has_ended else starts_at_us + UNENDED_US)
