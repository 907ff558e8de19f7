"""A house's own stream into a file, as Betfair's historical files are: one market change message a line.

The recorder is a client of the stream like any other. A connection that is lost is made again, and goes on where the
last line ended; what changed meanwhile then comes whole.
"""

import asyncio
import bz2
import gzip
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from overround.feeds.betfair.recording import MAX_LINE_BYTES

FIELDS: Final = (
    "EX_MARKET_DEF", "EX_ALL_OFFERS", "EX_TRADED", "EX_TRADED_VOL", "EX_LTP", "SP_TRADED", "SP_PROJECTED",
)  # fmt: skip
HEARTBEAT_MS: Final = 1_000
SILENCE_S: Final = 15.0
AGAIN_S: Final = 0.5
KEPT: Final = ("op", "clk", "pt", "mc")
"""What a historical file has of a message."""


class NotRecorded(Exception):
    """The stream will not let us in, or does not know the markets: its error code and message."""


class Written(msgspec.Struct):
    """What was recorded so far. `closed` are markets that are over."""

    messages: int = 0
    runner_changes: int = 0
    markets: dict[str, str] = {}
    reconnected: int = 0

    @property
    def closed(self) -> int:
        return sum(status == "CLOSED" for status in self.markets.values())


class Recorder:
    """One recording. `stop` ends it; it ends by itself when every market is closed."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        session: str,
        app_key: str,
        markets: Sequence[str],
        out: IO[bytes],
        on_progress: Callable[[Written], None] = lambda _: None,
    ) -> None:
        self._host, self._port = host, port
        self._session, self._app_key = session, app_key
        self._markets, self._out, self._on_progress = tuple(markets), out, on_progress
        self._initial_clk, self._clk = "", ""
        self.written = Written()

    async def run(self, stop: asyncio.Event) -> None:
        """Raises NotRecorded."""
        reading = asyncio.create_task(self._keep_reading())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({reading, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if reading.done():
            reading.result()
        reading.cancel()
        await asyncio.gather(reading, stopping, return_exceptions=True)

    async def _keep_reading(self) -> None:
        while True:
            try:
                await self._read()
            except (OSError, EOFError, TimeoutError, ValueError):  # ValueError: a line that is longer than any
                self.written.reconnected += 1
                await asyncio.sleep(AGAIN_S)
                continue
            return

    async def _read(self) -> None:
        """One connection, until all markets are closed. Raises OSError, EOFError, TimeoutError, NotRecorded."""
        reader, writer = await asyncio.open_connection(
            self._host, self._port, ssl=any_certificate(), limit=MAX_LINE_BYTES
        )
        try:
            await _line(reader)
            writer.write(_asked("authentication", 1, session=self._session, appKey=self._app_key))
            writer.write(self._subscription())
            while self.written.closed < len(self._markets):
                message = await _line(reader)
                if message["op"] == "status" and message["statusCode"] != "SUCCESS":
                    raise NotRecorded(f"{message.get('errorCode')}: {message.get('errorMessage')}")
                if message["op"] == "mcm":
                    self._check(message)
                    self._take(message)
        finally:
            writer.transport.abort()  # there is nothing to say any more
            with suppress(OSError):
                await writer.wait_closed()

    def _check(self, message: dict[str, Any]) -> None:
        """The first message is of every market that there is. Raises NotRecorded."""
        there = {change["id"] for change in message.get("mc", ())}
        missing = [] if self._clk else [market for market in self._markets if market not in there]
        if missing:
            raise NotRecorded(f"the house has no market {', '.join(missing)}")

    def _subscription(self) -> bytes:
        again = {"initialClk": self._initial_clk, "clk": self._clk} if self._clk else {}
        return _asked(
            "marketSubscription",
            2,
            marketFilter={"marketIds": self._markets},
            marketDataFilter={"fields": FIELDS},
            heartbeatMs=HEARTBEAT_MS,
            **again,
        )

    def _take(self, message: dict[str, Any]) -> None:
        self._initial_clk = message.get("initialClk") or self._initial_clk
        self._clk = message.get("clk") or self._clk
        if not message.get("mc"):
            return
        self._out.write(msgspec.json.encode({name: message[name] for name in KEPT}) + b"\n")
        self.written.messages += 1
        for change in message["mc"]:
            self.written.runner_changes += len(change.get("rc", ()))
            if "marketDefinition" in change:
                self.written.markets[change["id"]] = change["marketDefinition"]["status"]
        self._on_progress(self.written)


def _asked(op: str, number: int, **members: Any) -> bytes:
    return msgspec.json.encode({"op": op, "id": number, **members}) + b"\r\n"


async def _line(reader: asyncio.StreamReader) -> dict[str, Any]:
    async with asyncio.timeout(SILENCE_S):
        line = await reader.readline()
    if not line:
        raise EOFError
    message: dict[str, Any] = msgspec.json.decode(line)
    return message


def any_certificate() -> ssl.SSLContext:
    """The stream is always TLS, and a house's certificate is its own."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def open_out(path: Path) -> IO[bytes]:
    """A new file, compressed as its name says. Raises OSError; FileExistsError where there is one."""
    if path.suffix == ".bz2":
        return bz2.open(path, "xb")
    if path.suffix == ".gz":
        return gzip.open(path, "xb")  # type: ignore[return-value]  # a GzipFile writes as any binary file
    return path.open("xb")
