"""Kinds of values that cross the edge, each with its bounds, so that the decoder refuses what cannot be meant."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Final

from msgspec import Meta

from overround.kernel import instant
from overround.kernel.instant import SECOND_US

SAFE_INTEGER: Final = 2**53 - 1
"""The largest integer that every JSON reader holds exactly (RFC 8259, section 6)."""

NO_CONTROLS: Final = "^[^\\x00-\\x1f\\x7f]*$"

Id = Annotated[int, Meta(ge=1, le=SAFE_INTEGER)]
Whole = Annotated[int, Meta(ge=-SAFE_INTEGER, le=SAFE_INTEGER)]
Natural = Annotated[int, Meta(ge=0, le=SAFE_INTEGER)]
Text = Annotated[str, Meta(max_length=200, pattern=NO_CONTROLS)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217 code", examples=["EUR"])]
KeyText = Annotated[str, Meta(min_length=36, max_length=36, description="A UUID of version 7", pattern=NO_CONTROLS)]
Secret = Annotated[str, Meta(min_length=1, max_length=200)]
AtText = Annotated[str, Meta(description="RFC 3339 in UTC with milliseconds", examples=["2026-11-23T16:00:00.000Z"])]
Moment = Annotated[datetime, Meta(tz=True)]
Limit = Annotated[int, Meta(ge=1, le=200)]


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return instant.text(seconds * SECOND_US)[:20]


def at_text(at_us: int) -> str:
    """An instant as replies write it. The whole second is worked out once."""
    seconds, micros = divmod(at_us, SECOND_US)
    return f"{_second(seconds)}{micros // 1000:03d}Z"


def at_text_or_none(at_us: int) -> str | None:
    """As `at_text`, where 0 means that there is no such instant."""
    return at_text(at_us) if at_us else None


def micros_of(moment: datetime) -> int:
    """Microseconds since the Unix epoch, exactly."""
    since = moment.astimezone(UTC) - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND_US + since.microseconds


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
