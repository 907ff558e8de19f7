"""Crowds that come to a house's ports and say nothing, too little, or too slowly: each is ended in its time, what it
costs is bounded, and a bot beside it is answered and hears of every change."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.edge.betfair.house import Market, Trader, limit
from tests.edge.betfair.wire import Line, connected, let_in, markets
from tests.edge.running import PATIENCE_S, Running

from overround.edge import wire
from overround.edge.betfair import conversation, http, server

Make = Callable[..., Any]

CROWD = 600
COST_KIB = 120
"""What one silent connection may cost the house, with its handshake under way; measured: 50."""

HEAD = b"POST /exchange/betting/json-rpc/v1 HTTP/1.1\r\nHost: here\r\n"


@contextmanager
def crowd(port: int | None, count: int, says: bytes = b"") -> Iterator[list[socket.socket]]:
    """Connections that say this and no more."""
    with contextlib.ExitStack() as stack:
        found = []
        for _ in range(count):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S))
            one.sendall(says)
            found.append(one)
        yield found


def all_of(one: socket.socket) -> bytes:
    """What a connection is told until it is ended."""
    told = b""
    with contextlib.suppress(ConnectionError):
        while got := one.recv(4_096):
            told += got
    return told


def resident_kib() -> int:
    """What this process, and so the house in it, holds of memory."""
    (line,) = (row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith("VmRSS"))
    return int(line.split()[1])


def bot_goes_on(line: Line, other: Any, market: Market, price: float) -> None:
    """Somebody trades over HTTP, and a listener hears of it."""
    report = other.betting.place_orders(market.id, [limit(market.selections[0], "BACK", price, 5.0)])
    assert report.status == "SUCCESS"
    line.until(lambda message: f"[{price}, 5.0]" in str(message))


@pytest.fixture
def bot(trader: Trader, new_trader: Make, market: Market) -> Iterator[Callable[[], None]]:
    """Calling it proves that a bot is served."""
    other = new_trader().client()
    with let_in(trader) as line:
        line.ask("marketSubscription", **markets(market.id, fields=["EX_ALL_OFFERS"]))
        line.until(lambda message: message.get("ct") == "SUB_IMAGE")
        prices = iter((3.0, 3.1, 3.2, 3.3))
        yield lambda: bot_goes_on(line, other, market, next(prices))


def test_a_crowd_that_begins_no_handshake_costs_a_bounded_sum(
    shop: Running, bot: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest makes room for the newest, so whoever comes after them is let in all the same."""
    monkeypatch.setattr(server, "MAX_SHAKING", 50)
    before = resident_kib()
    with crowd(shop.settings.stream_port, CROWD) as silent:
        bot()
        with connected(shop) as line:
            assert line.read()["op"] == "connection"
        assert all_of(silent[0]) == b""
        assert resident_kib() - before < 50 * COST_KIB + 20_000
    bot()


def test_what_a_crowd_cost_is_given_back(
    shop: Running, bot: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They shake hands, are told why they must go, and do not go: they are ended all the same."""
    monkeypatch.setattr(conversation, "FIRST_WITHIN_S", 0.1)
    monkeypatch.setattr(server, "TIDY_AFTER", 1)
    sizes = []
    for _ in range(4):
        with ExitStack() as stack:
            lines = [stack.enter_context(connected(shop)) for _ in range(150)]
            assert {line.ended()["errorCode"] for line in lines} == {"TIMEOUT"}
        sizes.append(resident_kib())
    bot()
    assert sizes[-1] - sizes[0] < 150 * COST_KIB


def test_a_handshake_that_is_not_ended_in_time_is(
    shop: Running, bot: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "SHAKEN_WITHIN_S", 0.2)
    with crowd(shop.settings.stream_port, 20, b"\x16\x03\x01") as silent:
        assert {all_of(one) for one in silent} == {b""}
        bot()


def test_strangers_make_room_for_who_comes_after_them(
    shop: Running, trader: Trader, bot: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a full house whoever was not let in for the longest goes. Those who were let in stay."""
    with let_in(trader) as friend, connected(shop) as stranger:
        stranger.read()
        with monkeypatch.context() as patch:
            patch.setattr(server.Server, "is_full", property(lambda self: len(self.strangers) > 0))
            with connected(shop) as later:
                assert stranger.ended()["errorCode"] == "MAX_CONNECTION_LIMIT_EXCEEDED"
                assert later.read()["op"] == "connection"
        friend.ask("heartbeat")
        assert friend.read()["statusCode"] == "SUCCESS"
        bot()


@pytest.mark.parametrize("says", [b"", HEAD, HEAD + b"X-Slow: ", HEAD + b"Content-Length: 9\r\n\r\n{"])
def test_requests_that_do_not_arrive_in_time_are_ended(
    shop: Running, bot: Callable[[], None], monkeypatch: pytest.MonkeyPatch, says: bytes
) -> None:
    monkeypatch.setattr(wire, "WHOLE_WITHIN_S", 0.3)
    with crowd(shop.settings.port, 50, says) as slow:
        bot()
        assert {all_of(one)[:12] for one in slow} <= {b"", b"HTTP/1.1 200"}


def test_a_request_with_a_byte_now_and_then_is_ended_too(shop: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "WHOLE_WITHIN_S", 0.3)
    with crowd(shop.settings.port, 1, HEAD) as (slow,):
        slow.settimeout(0.05)
        told = None
        for _ in range(int(PATIENCE_S / 0.05)):
            try:
                slow.sendall(b"X")
                told = slow.recv(100)
                break
            except TimeoutError:
                continue
            except ConnectionError:
                told = b""
                break
        assert told == b""


def test_a_connection_that_is_between_requests_is_kept(shop: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked in time, long ago, has no part in it."""
    monkeypatch.setattr(wire, "WHOLE_WITHIN_S", 0.2)
    asked = HEAD + b"Content-Length: 2\r\n\r\n{}"
    with crowd(shop.settings.port, 1, asked) as (one,):
        assert one.recv(4_096).startswith(b"HTTP/1.1 200")
        one.settimeout(0.6)
        with pytest.raises(TimeoutError):
            one.recv(1)
        one.sendall(asked)
        assert one.recv(4_096).startswith(b"HTTP/1.1 200")


def test_a_head_without_an_end_is_ended(shop: Running) -> None:
    with crowd(shop.settings.port, 1, HEAD) as (one,), contextlib.suppress(ConnectionError):
        for _ in range(100):
            one.sendall(b"X-Long: " + b"x" * 4_000 + b"\r\n")
        assert one.recv(100) == b""


def test_slow_bodies_are_so_many_and_hold_up_nobody_else(
    shop: Running, trader: Trader, bot: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is over the number is told that the house is busy; a request that comes whole is answered."""
    monkeypatch.setattr(http, "MAX_ARRIVING", 20)
    monkeypatch.setattr(http, "BODY_WITHIN_S", 2.0)
    with crowd(shop.settings.port, 60, HEAD + b"Content-Length: 9\r\n\r\n{") as slow:
        bot()
        told = [all_of_reply(one) for one in slow]
        assert sum(b"SERVICE_BUSY" in each for each in told) >= 40
        assert sum(b"TIMEOUT_ERROR" in each for each in told) <= 20
    assert trader.client().account.get_account_funds().exposure == 0.0


def all_of_reply(one: socket.socket) -> bytes:
    """The reply to a request, as far as it came in one piece."""
    return one.recv(4_096)


def test_a_house_with_too_much_to_do_says_so_in_the_words_of_what_was_asked(
    trader: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_UNDER_WAY", 0)
    client = trader.client()
    with pytest.raises(Exception, match="SERVICE_BUSY"):
        client.account.get_account_funds()
    with pytest.raises(Exception, match="INTERNAL_ERROR"):
        client.login()
    with pytest.raises(Exception, match="INTERNAL_ERROR"):
        client.login_interactive()
    rest = f"{trader.house.url}/exchange/betting/rest/v1.0/listEvents/"
    assert client.session.post(rest, data=b"{}", timeout=PATIENCE_S).json()["faultstring"] == "ANGX-0009"
