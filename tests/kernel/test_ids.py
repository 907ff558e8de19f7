"""Keys: UUIDs of version 7, written one way and read exactly."""

from contextlib import suppress
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overround.kernel.ids import InvalidKey, key_at_us, key_text, make_key, parse_key


@given(st.integers(0, (1 << 48) * 1_000 - 1), st.integers(0, (1 << 74) - 1))
def test_a_key_says_when_it_was_made(at_us: int, chance: int) -> None:
    key = make_key(at_us=at_us, chance=chance)
    assert key_at_us(parse_key(key)) == at_us // 1_000 * 1_000
    assert (UUID(key).version, UUID(key).variant) == (7, "specified in RFC 4122")
    assert key_text(parse_key(key.upper())) == key


@given(st.integers(0, (1 << 74) - 1), st.integers(0, (1 << 74) - 1))
def test_other_chance_is_another_key(one: int, other: int) -> None:
    assert (make_key(at_us=5, chance=one) == make_key(at_us=5, chance=other)) == (one == other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "018f2d9a7c317abc8def0123456789ab",
        "{18f2d9a-7c31-7abc-8def-0123456789ab",
        "018f2d9a-7c31-4abc-8def-0123456789ab",
        "018f2d9a-7c31-7abc-cdef-0123456789ab",
        "018f2d9a-7c31-7abc-0def-0123456789ab",
        "018f2d9a-7c31-7abc-8def-0123456789ag",
        "018f2d9a-7c31-7abc-8def-0123456789 b",
        "018f2d9a-7c31-7abc-8def-01234567-9ab",
        "018f2d9a-7c31-7abc-8def-0123456789a٢",
        "018f2d9a-7c31-7abc-8def-0123456789abc",
    ],
)
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(InvalidKey):
        parse_key(text)


@given(st.text(max_size=40))
def test_any_text_is_a_key_or_an_error(text: str) -> None:
    with suppress(InvalidKey):
        assert len(parse_key(text)) == 16
