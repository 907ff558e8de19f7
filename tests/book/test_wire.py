"""What arrives from outside: any bytes are a request or an error, and any request has an answer."""

import types
import typing
from enum import StrEnum

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.book.auditing import audit
from tests.book.house import NOON_US, House
from tests.book.wishes import prelude

from overround.book.limits import LimitKind
from overround.book.machine import (
    Done,
    Parcel,
    Reply,
    decode_fact,
    decode_parcels,
    decode_replies,
    decode_snapshot,
    encode_fact,
    encode_parcels,
    encode_replies,
    encode_snapshot,
    open_parcel,
    pack,
    request,
    state_hash,
)
from overround.book.machine import commands as c
from overround.book.machine.events import SUBJECT, AnyFact
from overround.book.settlement import Void
from overround.kernel.ids import make_key
from overround.kernel.refusal import Refused

WHOLE = st.integers(-3, 8) | st.integers(-(1 << 63), (1 << 64) - 1) | st.sampled_from((10**15, 10**15 + 1, 5_000_000))
TEXT = st.sampled_from(("EUR", "GBP", "1x2", "winner", "odds", "note", "")) | st.text(max_size=8)


def anything(kind: object) -> st.SearchStrategy[typing.Any]:
    """Whatever the wire would let through as a value of this type."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return st.one_of([anything(argument) for argument in arguments])
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(anything(arguments[0]), max_size=4).map(tuple)
    if origin is tuple:
        return st.tuples(*map(anything, arguments))
    if origin is dict:
        names = st.just("line_quarters") | TEXT if arguments[0] is str else anything(arguments[0])
        return st.dictionaries(names, anything(arguments[1]), max_size=2)
    if kind in PLAIN:
        return PLAIN[kind]
    assert isinstance(kind, type)
    if issubclass(kind, StrEnum):
        return st.sampled_from(kind)
    hints = typing.get_type_hints(kind)
    fields: tuple[str, ...] = kind.__struct_fields__  # type: ignore[attr-defined]
    return st.builds(kind, **{name: anything(hints[name]) for name in fields})


PLAIN: dict[object, st.SearchStrategy[typing.Any]] = {
    int: WHOLE,
    str: TEXT,
    bool: st.booleans(),
    type(None): st.none(),
}
ANY_COMMAND = st.one_of([anything(kind) for kind in typing.get_args(c.AnyCommand)])


@settings(max_examples=300)
@given(st.lists(ANY_COMMAND, max_size=8), st.sampled_from((0, 1_000_000, 21_000_000)))
def test_any_command_has_an_answer_and_a_place_in_the_journal(wishes: list[c.AnyCommand], wait_us: int) -> None:
    house = House()
    for command in (*prelude(), *wishes):
        parcel = decode_parcels(encode_parcels([pack(1, actor=-1, key=house.key(), command=command)]))[0]
        opened = open_parcel(parcel)
        assert opened.command == command
        answer = house.machine.execute(opened, house.at_us)
        assert decode_replies(encode_replies([Reply(1, answer)])) == [Reply(1, answer)]
        house.wait(wait_us)
        for pending in house.machine.drain():
            assert encode_fact(decode_fact(pending.body)) == pending.body
    state = house.machine.state
    audit(state)
    assert state_hash(decode_snapshot(encode_snapshot(state))) == state_hash(state)


@given(st.binary(max_size=60) | st.binary(max_size=6).map(lambda tail: b"\x91\x94\x01\x01\xa2\xff\xff" + tail))
def test_any_bytes_are_parcels_or_an_error(message: bytes) -> None:
    try:
        for parcel in decode_parcels(message):
            open_parcel(parcel)
    except msgspec.DecodeError:
        return


def test_text_that_is_no_unicode_is_an_error_like_any_other() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_parcels(b"\x91\x94\x01\x01\xa2\xff\xff\xc0")
    with pytest.raises(msgspec.DecodeError):
        open_parcel(Parcel(1, 1, "", msgspec.Raw(b"\x92\xacOpenCustomer\xa2\xff\xff")))


WRONG: dict[str, object] = {
    "not a list": {"command": "PlaceBet"},
    "unknown": ["Steal", 1],
    "too few": ["PlaceBet", 1, 1],
    "too many": ["MoveFunds", 1, "EUR", 5, "note", 1],
    "a float": ["MoveFunds", 1, "EUR", 5.0, "note"],
    "not a number": ["MoveFunds", 1, "EUR", float("nan"), "note"],
    "a number in text": ["MoveFunds", "1", "EUR", 5, "note"],
    "a truth": ["MoveFunds", True, "EUR", 5, "note"],
    "no such policy": ["PlaceBet", 1, 1, 1, "EUR", 10, 2_000, "whatever"],
    "no such limit": ["SetLimit", 1, "EUR", "stake_year", 5],
    "a score with three sides": ["RecordResult", 1, ["score", 1, 2, 3]],
    "nothing": None,
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_command_is_an_error(name: str) -> None:
    parcel = Parcel(1, 1, "", msgspec.Raw(msgspec.msgpack.encode(WRONG[name])))
    with pytest.raises(msgspec.DecodeError):
        open_parcel(parcel)


def test_equal_commands_have_equal_hashes_on_any_way_in() -> None:
    key = make_key(at_us=NOON_US, chance=1)
    for command in (*prelude(), c.SetLimit(1, "EUR", LimitKind.LOSS_DAY, None), c.RecordResult(1, Void("x"))):
        local = request(actor=1, key=key, command=command)
        assert open_parcel(pack(9, actor=1, key=key, command=command)) == local
        assert 0 <= local.content < 1 << 48


def test_every_fact_that_answers_says_what_it_is_about() -> None:
    """A fact is named in SUBJECT by a field that it has."""
    for kind, field in SUBJECT.items():
        assert field in kind.__struct_fields__
    assert set(SUBJECT) <= set(typing.get_args(AnyFact))


def test_answers_name_what_was_created_or_changed() -> None:
    house = House()
    assert [house.ask(command) for command in prelude()[:10]] == [
        Done(1, 3), Done(2, 5), Done(3, 8), Done(3, 9), Done(1, 10), Done(2, 11), Done(3, 12), Done(3, 13),
        Done(0, 14), Done(1, 15),
    ]  # fmt: skip
    assert isinstance(house.ask(c.GetBalances(99)), Refused)
    assert isinstance(house.ask(c.GetLimits(99)), Refused)
