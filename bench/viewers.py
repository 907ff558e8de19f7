"""People who watch markets: WebSocket clients of a light kind, in one process.

Each delta carries the instant at which the book decided it (`at_ms`); a client counts how long ago that was when the
delta has arrived, by the same clock, so commit, bus, gateway and conflation are all in the figure.
"""

import asyncio
import base64
import os
import struct
import time
from array import array
from pathlib import Path
from typing import Final, cast

import msgspec

from bench.load import percentile_ms

HANDSHAKES_AT_ONCE: Final = 50
AT: Final = b'"at_ms":'
DELTA: Final = b'"op":"delta"'
IMAGE: Final = b'"op":"image"'


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Who watches what, until the file `until` appears. `conflate_ms` in milliseconds."""

    port: int
    tokens: tuple[str, ...]
    clients: int
    markets: tuple[int, ...]
    conflate_ms: int
    ready: str
    until: str


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """What arrived: deltas in all, and at the client that got the fewest. Latencies in milliseconds.

    `rounds_s` are, for each client of several markets, the instants at which it had another delta of each: as many as
    there are markets, once, twice, and so on.
    """

    deltas: int
    fewest: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    closed: int
    bytes: int
    rounds_s: tuple[tuple[float, ...], ...] = ()


class Audience:
    """All the clients and what they have seen."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.viewers: list[Viewer] = []
        self.latencies = array("d")
        self.closed = self.bytes = 0

    async def run(self) -> Watched:
        loop = asyncio.get_running_loop()
        for number in range(self.asked.clients):
            _, viewer = await loop.create_connection(
                lambda: Viewer(self, self.asked.tokens[len(self.viewers) % len(self.asked.tokens)]),
                "127.0.0.1",
                self.asked.port,
            )
            self.viewers.append(viewer)
            if number % HANDSHAKES_AT_ONCE == HANDSHAKES_AT_ONCE - 1:
                await self._all_have_images()
        await self._all_have_images()
        await asyncio.to_thread(Path(self.asked.ready).touch)
        while not await asyncio.to_thread(Path(self.asked.until).exists):
            await asyncio.sleep(0.1)
        ordered = sorted(self.latencies)
        return Watched(
            deltas=len(ordered),
            fewest=min(viewer.deltas for viewer in self.viewers),
            p50_ms=percentile_ms(ordered, 0.5),
            p99_ms=percentile_ms(ordered, 0.99),
            max_ms=percentile_ms(ordered, 1.0),
            closed=self.closed,
            bytes=self.bytes,
            rounds_s=tuple(tuple(viewer.rounds_s) for viewer in self.viewers),
        )

    async def _all_have_images(self) -> None:
        while not all(viewer.has_image for viewer in self.viewers):
            await asyncio.sleep(0.01)


async def watch(asked: Asked) -> Watched:
    """Watch, in a process of its own. The file `ready` appears when every client has its image."""
    return await Audience(asked).run()


class Viewer(asyncio.Protocol):
    """One client: the handshake, one subscription, then frames."""

    def __init__(self, audience: Audience, token: str) -> None:
        self._audience = audience
        self._token = token
        self._buffer = b""
        self._upgraded = False
        self._images = 0
        self.deltas = 0
        self.rounds_s: list[float] = []

    @property
    def has_image(self) -> bool:
        """Whether it has the image of every market."""
        return self._images >= len(self._audience.asked.markets)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        nonce = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {self._token}\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's own signature
        self._audience.closed += 1

    def data_received(self, data: bytes) -> None:
        self._audience.bytes += len(data)
        data = self._buffer + data
        if not self._upgraded:
            data = self._handshake(data)
        self._buffer = self._frames(data) if self._upgraded else data

    def _handshake(self, data: bytes) -> bytes:
        head, blank, rest = data.partition(b"\r\n\r\n")
        if not blank:
            return data
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(head.decode(errors="replace")[:200])
        self._upgraded = True
        asked = {
            "op": "subscribe",
            "id": "1",
            "markets": self._audience.asked.markets,
            "conflate_ms": self._audience.asked.conflate_ms,
        }
        self._transport.write(_masked(0x81, msgspec.json.encode(asked)))
        return rest

    def _frames(self, data: bytes) -> bytes:
        """Take whole frames; what is left over."""
        at, size = 0, len(data)
        while size - at >= 2:
            length, start = data[at + 1], at + 2
            if length == 126:
                if size - at < 4:
                    break
                length, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif length == 127:
                if size - at < 10:
                    break
                length, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            if size < start + length:
                break
            self._take(data[at] & 0x0F, data[start : start + length])
            at = start + length
        return data[at:]

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == 9:  # a ping is answered (RFC 6455, section 5.5.2)
            self._transport.write(_masked(0x8A, payload))
        elif opcode == 1 and DELTA in payload[:40]:
            at = payload.index(AT) + len(AT)
            end = at + 13  # milliseconds since 1970 have 13 digits until 2286
            now_s, markets = time.time(), len(self._audience.asked.markets)
            self._audience.latencies.append(now_s - int(payload[at:end]) / 1_000)
            self.deltas += 1
            if markets > 1 and self.deltas % markets == 0:
                self.rounds_s.append(now_s)
        elif opcode == 1 and IMAGE in payload[:40]:
            self._images += 1


def _masked(first: int, payload: bytes) -> bytes:
    """A client's frame is masked (RFC 6455, section 5.3); a mask of zeros leaves it readable."""
    size = len(payload)
    head = bytes((first, 0x80 | size)) if size < 126 else struct.pack("!BBH", first, 0x80 | 126, size)
    return head + bytes(4) + payload
