"""An instant is whole microseconds since the Unix epoch, UTC, and always arrives as an argument.

Calendar windows (day, ISO week from Monday, month) are UTC. The civil-date arithmetic is Howard Hinnant's
`civil_from_days` (chrono-Compatible Low-Level Date Algorithms), which is exact for every date.
"""

from typing import Final

SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US


def day_start_us(at_us: int) -> int:
    """The UTC midnight at or before this instant."""
    return at_us - at_us % DAY_US


def week_start_us(at_us: int) -> int:
    """The UTC midnight of the Monday at or before this instant. 1970-01-01 was a Thursday."""
    days = at_us // DAY_US
    return (days - (days + 3) % 7) * DAY_US


def month_start_us(at_us: int) -> int:
    """The UTC midnight of the first day of this instant's month."""
    _, _, day = civil(at_us // DAY_US)
    return (at_us // DAY_US - (day - 1)) * DAY_US


def civil(days: int) -> tuple[int, int, int]:
    """Year, month and day of a count of days since 1970-01-01."""
    shifted = days + 719_468
    era, day_of_era = divmod(shifted, 146_097)
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted_month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted_month + 2) // 5 + 1
    month = shifted_month + 3 if shifted_month < 10 else shifted_month - 9
    return year_of_era + era * 400 + (month <= 2), month, day


def text(at_us: int) -> str:
    """RFC 3339 in UTC with milliseconds, as the APIs write it: `2026-11-23T16:00:00.000Z`."""
    days, rest = divmod(at_us, DAY_US)
    year, month, day = civil(days)
    seconds, micros = divmod(rest, SECOND_US)
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    return f"{year:04d}-{month:02d}-{day:02d}T{hours:02d}:{minutes:02d}:{seconds:02d}.{micros // 1000:03d}Z"
