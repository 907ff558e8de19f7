"""A stream client as plain as can be, which also reads every line with a client that forbids what it does not know."""

import itertools
import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from betfair_parser.spec.streaming import stream_decode
from tests.edge.betfair.house import Trader
from tests.edge.running import PATIENCE_S, Running

EVERY_FIELD = [
    "EX_BEST_OFFERS_DISP", "EX_BEST_OFFERS", "EX_ALL_OFFERS", "EX_TRADED", "EX_TRADED_VOL", "EX_LTP", "EX_MARKET_DEF",
    "SP_TRADED", "SP_PROJECTED",
]  # fmt: skip


class Line:
    """One TLS connection."""

    def __init__(self, house: Running, *, receive_bytes: int = 0) -> None:
        assert house.settings.stream_port is not None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        plain = socket.socket()
        if receive_bytes:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        plain.settimeout(PATIENCE_S)
        plain.connect(("127.0.0.1", house.settings.stream_port))
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self._ids = itertools.count(1)
        self._half = b""
        self.lines: list[dict[str, Any]] = []

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def ask(self, op: str, **members: Any) -> int:
        number = next(self._ids)
        self.send(json.dumps({"op": op, "id": number, **members}).encode() + b"\r\n")
        return number

    def read(self) -> dict[str, Any]:
        """The next message, read strictly too. Raises EOFError at the end."""
        while b"\r\n" not in self._half:
            got = self.socket.recv(1 << 16)
            if not got:
                raise EOFError
            self._half += got
        line, _, self._half = self._half.partition(b"\r\n")
        stream_decode(line)
        message: dict[str, Any] = json.loads(line)
        self.lines.append(message)
        return message

    def until(self, wanted: Any) -> dict[str, Any]:
        """Read on until a message is as wanted."""
        due = time.monotonic() + PATIENCE_S
        while time.monotonic() < due:
            message = self.read()
            if wanted(message):
                return message
        raise AssertionError("never came")

    def change(self, op: str) -> dict[str, Any]:
        """The next change message that is no heartbeat."""
        return self.until(lambda message: message["op"] == op and message.get("ct") != "HEARTBEAT")

    def ended(self) -> dict[str, Any]:
        """The status with which the house ends the connection."""
        status = self.until(lambda message: message["op"] == "status" and message["connectionClosed"])
        try:
            while True:
                self.read()
        except (EOFError, OSError):
            return status

    def close(self) -> None:
        self.socket.close()


@contextmanager
def connected(house: Running, **more: Any) -> Iterator[Line]:
    line = Line(house, **more)
    try:
        yield line
    finally:
        line.close()


@contextmanager
def let_in(trader: Trader, *, app_key: str = "", session: str = "", **more: Any) -> Iterator[Line]:
    """Connected and authenticated."""
    session = session or trader.token
    with connected(trader.house, **more) as line:
        assert line.read()["op"] == "connection"
        number = line.ask("authentication", appKey=app_key or trader.live_key, session=session)
        status = line.read()
        assert (status["id"], status["statusCode"]) == (number, "SUCCESS"), status
        yield line


def markets(*ids: str, fields: list[str] | None = None, levels: int = 3, **more: Any) -> dict[str, Any]:
    """The members of a market subscription."""
    return {
        "marketFilter": {"marketIds": list(ids)},
        "marketDataFilter": {"fields": fields if fields is not None else EVERY_FIELD, "ladderLevels": levels},
        "segmentationEnabled": True,
        "initialClk": None,
        "clk": None,
        **more,
    }
