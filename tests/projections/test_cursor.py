"""Cursors: opaque to those who carry them, and checked whole when they come back."""

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from overround.projections.cursor import InvalidCursor, before, decode, encode

PLACES = st.lists(st.integers(0, (1 << 63) - 1), min_size=1, max_size=3)


@given(PLACES)
def test_a_cursor_comes_back_as_it_went(place: list[int]) -> None:
    assert decode(encode("bets", *place), "bets", width=len(place)) == tuple(place)


@example(text="khmtxRzAwMA==")
@given(st.text(max_size=150) | st.binary(max_size=90).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_no_other_text_is_taken_for_one(text: str) -> None:
    try:
        place = decode(text, "bets", width=1)
    except InvalidCursor:
        return
    assert encode("bets", *place) == text


@pytest.mark.parametrize(
    ("text", "of", "width"),
    [
        (encode("bets", 7), "statement", 1),
        (encode("bets", 7), "bets", 2),
        (encode("bets", 7) + "=", "bets", 1),
        (encode("bets", 7) + "A", "bets", 1),
        (encode("bets", 7)[:-1], "bets", 1),
        (encode("bets", -1), "bets", 1),
        (encode("bets", 1 << 63), "bets", 1),
        ("é", "bets", 1),
        ("A" * 10_000, "bets", 1),
    ],
)
def test_a_cursor_of_another_list_or_changed_by_hand(text: str, of: str, width: int) -> None:
    with pytest.raises(InvalidCursor):
        decode(text, of, width=width)


def test_without_a_cursor_a_list_begins_above_everything() -> None:
    assert before(None, "statement", width=2) == ((1 << 63) - 1,) * 2
    assert before("", "statement", width=2) == ((1 << 63) - 1,) * 2
