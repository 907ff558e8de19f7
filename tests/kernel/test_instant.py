"""Instants and calendar windows, against the standard library's calendar."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from overround.kernel import instant

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
instants = st.integers(0, 253_402_300_799_999_999)


def moment(at_us: int) -> datetime:
    return EPOCH + timedelta(microseconds=at_us)


@given(instants)
def test_windows_begin_as_the_calendar_says(at_us: int) -> None:
    day = moment(at_us).replace(hour=0, minute=0, second=0, microsecond=0)
    assert moment(instant.day_start_us(at_us)) == day
    assert moment(instant.month_start_us(at_us)) == day.replace(day=1)
    if at_us >= 4 * instant.DAY_US:
        assert moment(instant.week_start_us(at_us)) == day - timedelta(days=day.weekday())


@given(instants)
def test_instants_are_written_as_rfc_3339(at_us: int) -> None:
    expected = moment(at_us).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert instant.text(at_us) == expected


@given(st.integers(-700_000, 2_900_000))
def test_civil_dates(days: int) -> None:
    date = (EPOCH + timedelta(days=days)).date()
    assert instant.civil(days) == (date.year, date.month, date.day)
