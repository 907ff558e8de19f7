"""One connection of the stream as a playbook: what the client sends, what the house makes of it. No sockets."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overround.edge.betfair.asked import (
    Authentication,
    Field,
    Heartbeat,
    MarketSubscription,
    OrderSubscription,
    StreamCode,
)
from overround.edge.betfair.conversation import (
    FIRST_WITHIN_S,
    LINE_BURST,
    MAX_LINE_BYTES,
    Conversation,
    Stage,
    Trouble,
)

AUTH = b'{"op":"authentication","id":1,"appKey":"key","session":"token"}\r\n'
MARKETS = b'{"op":"marketSubscription","id":2,"marketFilter":{"marketIds":["1.5"]},"marketDataFilter":{}}\r\n'


def begun() -> Conversation:
    return Conversation("c-1", now_s=100.0)


def opened() -> Conversation:
    talk = begun()
    assert isinstance(talk.hear(AUTH, now_s=100.0)[0], Authentication)
    talk.accept()
    return talk


def said(talk: Conversation, data: bytes) -> list[object]:
    return [each.code if isinstance(each, Trouble) else type(each) for each in talk.hear(data, now_s=101.0)]


def test_the_house_speaks_first() -> None:
    assert json.loads(begun().greeting()) == {"op": "connection", "connectionId": "c-1"}
    assert begun().greeting().endswith(b"\r\n")


def test_authentication_and_subscriptions_may_come_in_one_piece_or_byte_by_byte() -> None:
    whole = AUTH + MARKETS + b'{"op":"orderSubscription","id":3}\n' + b'{"op":"heartbeat","id":4}\r\n'
    at_once = [type(each) for each in begun().hear(whole, now_s=100.0)]
    talk = begun()
    in_bytes = [type(each) for n in range(len(whole)) for each in talk.hear(whole[n : n + 1], now_s=100.0)]
    assert at_once == in_bytes == [Authentication, MarketSubscription, OrderSubscription, Heartbeat]


TROUBLES = {
    "half a line is no line": (b'{"op":"authent', []),
    "no JSON": (b"hello\r\n", [StreamCode.INVALID_INPUT]),
    "a list": (b"[]\r\n", [StreamCode.INVALID_INPUT]),
    "no op": (b'{"id":1}\r\n', [StreamCode.INVALID_INPUT]),
    "an op that nobody knows": (b'{"op":"dance","id":1}\r\n', [StreamCode.INVALID_INPUT]),
    "races are not offered": (b'{"op":"raceSubscription","id":1}\r\n', [StreamCode.INVALID_REQUEST]),
    "cricket is not offered": (b'{"op":"cricketSubscription","id":1}\r\n', [StreamCode.INVALID_REQUEST]),
    "a subscription before the authentication": (MARKETS, [StreamCode.NOT_AUTHORIZED]),
    "no key": (b'{"op":"authentication","id":1,"session":"t"}\r\n', [StreamCode.NO_APP_KEY]),
    "a key of null": (b'{"op":"authentication","appKey":null,"session":"t"}\r\n', [StreamCode.NO_APP_KEY]),
    "no session": (b'{"op":"authentication","id":1,"appKey":"k"}\r\n', [StreamCode.NO_SESSION]),
    "twice authenticated": (AUTH + AUTH, [Authentication, StreamCode.INVALID_REQUEST]),
    "a field that there is not": (
        AUTH + b'{"op":"marketSubscription","id":2,"marketDataFilter":{"fields":["EX_GHOSTS"]}}\r\n',
        [Authentication, StreamCode.INVALID_INPUT],
    ),
    "a line without an end": (b"x" * (MAX_LINE_BYTES + 1), [StreamCode.INVALID_INPUT]),
    "a line too long": (b'{"op":"' + b"x" * MAX_LINE_BYTES + b'"}\r\n', [StreamCode.INVALID_INPUT]),
    "no UTF-8": (b'{"op":"\xff"}\r\n', [StreamCode.INVALID_INPUT]),
    "nothing after trouble": (b"hello\r\n" + AUTH, [StreamCode.INVALID_INPUT]),
    "nested without end": (b"[" * 5_000 + b"\r\n", [StreamCode.INVALID_INPUT]),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_what_is_wrong_has_its_code(name: str) -> None:
    data, expected = TROUBLES[name]
    assert said(begun(), data) == expected


def test_every_trouble_but_one_ends_the_connection() -> None:
    kept = [code for code in StreamCode if not Trouble(code, "").closes]
    assert kept == [StreamCode.SUBSCRIPTION_LIMIT_EXCEEDED]


def test_trouble_is_told_with_the_id_of_its_request() -> None:
    talk = begun()
    trouble = talk.hear(b'{"op":"raceSubscription","id":77}\r\n', now_s=100.0)[0]
    assert isinstance(trouble, Trouble)
    assert json.loads(talk.failure(trouble)) == {
        "op": "status",
        "id": 77,
        "statusCode": "FAILURE",
        "connectionClosed": True,
        "connectionId": "c-1",
        "errorCode": "INVALID_REQUEST",
        "errorMessage": "raceSubscription is not offered here",
    }


def test_success_says_how_many_connections_are_left() -> None:
    assert json.loads(opened().success(1, connections_available=9)) == {
        "op": "status",
        "id": 1,
        "statusCode": "SUCCESS",
        "connectionClosed": False,
        "connectionId": "c-1",
        "connectionsAvailable": 9,
    }


def test_whoever_says_nothing_in_time_is_late() -> None:
    talk = begun()
    assert not talk.is_late(100.0 + FIRST_WITHIN_S)
    assert talk.is_late(100.1 + FIRST_WITHIN_S)


def test_whoever_subscribes_to_nothing_and_is_silent_is_late() -> None:
    talk = opened()
    talk.hear(b'{"op":"heartbeat"}\r\n', now_s=110.0)
    assert not talk.is_late(110.0 + FIRST_WITHIN_S)
    assert talk.is_late(110.1 + FIRST_WITHIN_S)
    talk.is_subscribed = True
    assert not talk.is_late(1_000.0)


def test_too_many_messages_end_it() -> None:
    heard = opened().hear(b'{"op":"heartbeat"}\r\n' * (int(LINE_BURST) + 2), now_s=100.0)
    assert isinstance(heard[-1], Trouble)
    assert heard[-1].code is StreamCode.TOO_MANY_REQUESTS
    assert len(heard) <= LINE_BURST + 1


def test_bounds_are_kept_and_text_may_stand_for_numbers() -> None:
    line = (
        b'{"op":"marketSubscription","id":2,"conflateMs":9999999,"heartbeatMs":1,"clk":null,"initialClk":null,'
        b'"segmentationEnabled":null,"marketFilter":{"eventTypeIds":["7"],"eventIds":[12]},'
        b'"marketDataFilter":{"fields":["EX_LTP"],"ladderLevels":"4"}}\r\n'
    )
    (asked,) = opened().hear(line, now_s=100.0)
    assert isinstance(asked, MarketSubscription)
    assert (asked.conflation_ms, asked.beat_ms) == (120_000, 500)
    assert asked.market_filter is not None
    assert (asked.market_filter.event_type_ids, asked.market_filter.event_ids) == ((7,), (12,))
    assert asked.market_data_filter is not None
    assert (asked.market_data_filter.fields, asked.market_data_filter.ladder_levels) == ((Field.EX_LTP,), 4)


@given(pieces=st.lists(st.binary(max_size=200), max_size=20))
def test_any_bytes_end_in_silence_or_one_trouble(pieces: list[bytes]) -> None:
    talk = begun()
    heard = [each for piece in pieces for each in talk.hear(piece, now_s=100.0)]
    troubles = [each for each in heard if isinstance(each, Trouble)]
    assert len(troubles) <= 1
    assert (talk.stage is Stage.CLOSED) == bool(troubles)
    assert not troubles or isinstance(heard[-1], Trouble)


@given(cut=st.integers(min_value=0, max_value=len(AUTH + MARKETS)), junk=st.binary(max_size=50))
def test_a_line_cut_and_spoiled_anywhere_is_heard_or_refused(cut: int, junk: bytes) -> None:
    whole = AUTH + MARKETS
    talk = begun()
    heard = [*talk.hear(whole[:cut] + junk, now_s=100.0), *talk.hear(whole[cut:] + b"\r\n", now_s=100.0)]
    assert len(heard) <= 3 + junk.count(b"\n")
