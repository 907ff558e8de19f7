"""Clients that misbehave on the stream: the house bounds what they cost, and others do not notice."""

import contextlib
import random
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.edge.betfair import wire
from tests.edge.betfair.house import Market, Trader, limit
from tests.edge.betfair.wire import Line, connected, let_in, markets
from tests.edge.running import PATIENCE_S, Running

from overround.edge.betfair import server

Make = Callable[..., Any]

LONG_IMAGES = 30


def trade(client: Any, market: Market, rounds: int) -> None:
    """Many changes of one market."""
    first = market.selections[0]
    for step in range(rounds):
        orders = [limit(first, "BACK", 3.0 + place * 0.05, 2.0 + step) for place in range(20)]
        client.betting.place_orders(market.id, orders)
        client.betting.cancel_orders(market.id)


def long_markets(new_market: Make) -> list[str]:
    """Markets whose images are long, so that a few of them fill every buffer on the way to a reader."""
    return [new_market(runners=100, is_open=False).id for _ in range(5)]


def test_a_reader_that_reads_nothing_costs_a_buffer_and_others_nothing(
    trader: Trader, new_trader: Make, new_market: Make, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds what its socket and one buffer hold; a reader beside it hears of every change at once; when it reads at
    last, it gets the newest picture, conflated."""
    monkeypatch.setattr(server, "BUFFER_BYTES", 4_096)
    other, long = new_trader().client(lightweight=True), long_markets(new_market)
    with let_in(trader, receive_bytes=4_096) as deaf, let_in(new_trader()) as good:
        for _ in range(LONG_IMAGES):
            deaf.ask("marketSubscription", **markets(*long, market.id))
        good.ask("marketSubscription", **markets(market.id))
        good.until(lambda message: message.get("ct") == "SUB_IMAGE")
        trade(other, market, 60)
        other.betting.place_orders(market.id, [limit(market.selections[1], "BACK", 7.0, 9.0)])
        good.until(lambda message: '"atl": [[7.0, 9.0]]' in str(message).replace("'", '"'))
        ladder: dict[float, float] = {}
        for_second: dict[float, float] = {}

        def follow(message: dict[str, Any]) -> bool:
            for change in message.get("mc", []):
                for row in change.get("rc", []):
                    mine = ladder if row["id"] == market.selections[0] else for_second
                    mine.update(dict(row.get("atl", [])))
            return for_second.get(7.0) == 9.0

        deaf.until(follow)
        assert {price: size for price, size in ladder.items() if size} == {}


def test_a_reader_that_never_reads_is_cut_off(
    trader: Trader, new_market: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks for one long image after another, and reads none."""
    monkeypatch.setattr(server, "BUFFER_BYTES", 4_096)
    monkeypatch.setattr(server, "CUT_OFF_AFTER_S", 0.2)
    long = long_markets(new_market)
    with let_in(trader, receive_bytes=4_096) as deaf:
        for _ in range(LONG_IMAGES):
            deaf.ask("marketSubscription", **markets(*long))
        due = time.monotonic() + PATIENCE_S
        while time.monotonic() < due:
            try:
                deaf.send(b"\r\n")
            except OSError:
                break
            time.sleep(0.05)
        else:
            raise AssertionError("never cut off")


def test_who_says_nothing_is_sent_away(shop: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("overround.edge.betfair.conversation.FIRST_WITHIN_S", 0.1)
    with connected(shop) as line:
        assert line.ended()["errorCode"] == "TIMEOUT"


def test_a_full_house_says_so(shop: Running, trader: Trader, monkeypatch: pytest.MonkeyPatch) -> None:
    with let_in(trader):
        monkeypatch.setattr(server.Server, "is_full", True)
        with connected(shop) as line:
            assert line.ended()["errorCode"] == "MAX_CONNECTION_LIMIT_EXCEEDED"


def test_thousands_of_markets_and_subscriptions_in_turn(trader: Trader, new_market: Make) -> None:
    """Each takes the place of the one before; the last one stands."""
    many = [new_market(is_open=False) for _ in range(4)]
    with let_in(trader) as line:
        last = 0
        for number in range(55):
            last = line.ask("marketSubscription", **markets(*[market.id for market in many[: number % 4 + 1]]))
        line.until(lambda message: message.get("ct") == "SUB_IMAGE" and message["id"] == last)
        line.ask("heartbeat")
        assert line.until(lambda message: message["op"] == "status")["statusCode"] == "SUCCESS"


@pytest.mark.parametrize("seed", range(6))
def test_any_bytes_on_a_connection_end_it_and_nothing_else(shop: Running, trader: Trader, seed: int) -> None:
    """Pieces of right and wrong messages in any order, cut anywhere."""
    chance = random.Random(seed)
    known = trader.live_key.encode(), trader.token.encode()
    pieces = [
        b'{"op":"authentication","id":1,"appKey":"%b","session":"%b"}\r\n' % known,
        b'{"op":"marketSubscription","id":2,"marketFilter":{},"marketDataFilter":{"fields":["EX_LTP"]}}\r\n',
        b'{"op":"orderSubscription","id":3}\r\n',
        b'{"op":"heartbeat","id":4}\r\n',
        b'{"op":"marketSubscription","clk":"1","initialClk":"x"}\r\n',
        b"\x00\xff\r\n",
        b"{" * 200,
        b"\r\n\r\n",
        b'{"op":',
    ]  # fmt: skip
    whole = b"".join(chance.choice(pieces) for _ in range(40))
    with connected(shop) as line:
        line.socket.settimeout(5.0)
        try:
            while whole:
                size = chance.randint(1, 300)
                line.send(whole[:size])
                whole = whole[size:]
        except OSError:
            pass
        read_what_there_is(line)
    with let_in(trader) as line:
        line.ask("heartbeat")
        assert line.read()["statusCode"] == "SUCCESS"


def read_what_there_is(line: Line) -> None:
    """Every line that came is one that a strict client reads."""
    line.socket.settimeout(0.3)
    try:
        while True:
            line.read()
    except (EOFError, OSError):
        return


def test_bytes_that_are_no_tls(shop: Running, trader: Trader) -> None:
    assert shop.settings.stream_port is not None
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 1_000, b"\x16\x03\x01" + b"\xff" * 500):
        with socket.create_connection(("127.0.0.1", shop.settings.stream_port), timeout=PATIENCE_S) as plain:
            plain.sendall(data)
            plain.settimeout(0.2)
            with contextlib.suppress(OSError):
                while plain.recv(1_000):
                    pass
    with let_in(trader) as line:
        assert isinstance(line.socket, ssl.SSLSocket)


def test_the_plain_client_knows_every_field() -> None:
    assert len(wire.EVERY_FIELD) == 9
