"""Programs that follow one exchange market on the stream: TLS, every field, full depth, many in one process.

The trader puts the instant at which an order is sent into its size; a follower reads it back when the change arrives,
by the same clock, so bus, book, commit, gateway and conflation are all in the figure.
"""

import asyncio
import ssl
import time
from array import array
from pathlib import Path
from typing import Final, cast

import msgspec

from bench.load import percentile_ms

CONNECTING_AT_ONCE: Final = 20
MARK: Final = b'"atl":[['
CRLF: Final = b"\r\n"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Who follows which market until the file `until` appears. One of `slow` clients in all reads nothing at all."""

    port: int
    sessions: tuple[tuple[str, str], ...]
    clients: int
    slow: int
    market: str
    ready: str
    until: str


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """What arrived, in milliseconds from placing to arriving; `fewest` is of the client that heard least."""

    changes: int
    fewest: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    closed: int


class Crowd:
    """All followers and what they saw."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.followers: list[Follower] = []
        self.latencies = array("d")
        self.closed = 0

    async def run(self) -> Followed:
        loop = asyncio.get_running_loop()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        for number in range(self.asked.clients + self.asked.slow):
            is_slow = number >= self.asked.clients
            _, follower = await loop.create_connection(
                lambda number=number, is_slow=is_slow: Follower(self, number, is_slow=is_slow),  # type: ignore[misc]  # bound now
                "127.0.0.1",
                self.asked.port,
                ssl=context,
            )
            self.followers.append(follower)
            if number % CONNECTING_AT_ONCE == CONNECTING_AT_ONCE - 1:
                await self._all_have_images()
        await self._all_have_images()
        await asyncio.to_thread(Path(self.asked.ready).touch)
        while not await asyncio.to_thread(Path(self.asked.until).exists):
            await asyncio.sleep(0.1)
        ordered = sorted(self.latencies)
        return Followed(
            changes=len(ordered),
            fewest=min(follower.changes for follower in self.followers if not follower.is_slow),
            p50_ms=percentile_ms(ordered, 0.5),
            p99_ms=percentile_ms(ordered, 0.99),
            max_ms=percentile_ms(ordered, 1.0),
            closed=self.closed,
        )

    async def _all_have_images(self) -> None:
        while not all(follower.has_image for follower in self.followers):
            await asyncio.sleep(0.01)


async def follow(asked: Asked) -> Followed:
    """Follow, in a process of its own. The file `ready` appears when every client has its image."""
    return await Crowd(asked).run()


def stamped() -> float:
    """A size that says when: milliseconds of the last quarter of an hour, as pence."""
    return (int(time.time() * 1_000) % 900_000 + 100_000) / 100


def age_ms(size: float) -> float:
    """How long ago a stamped size was made."""
    return (time.time() * 1_000 - (round(size * 100) - 100_000)) % 900_000


class Follower(asyncio.Protocol):
    """One client."""

    def __init__(self, crowd: Crowd, number: int, *, is_slow: bool) -> None:
        self._crowd, self.is_slow = crowd, is_slow
        self._session = crowd.asked.sessions[number % len(crowd.asked.sessions)]
        self._half = b""
        self.has_image = False
        self.changes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        app_key, token = self._session
        self._say({"op": "authentication", "id": 1, "appKey": app_key, "session": token})
        self._say({"op": "marketSubscription", "id": 2, "marketFilter": {"marketIds": [self._crowd.asked.market]}})

    def _say(self, message: dict[str, object]) -> None:
        self._transport.write(msgspec.json.encode(message) + CRLF)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's own signature
        self._crowd.closed += 1

    def data_received(self, data: bytes) -> None:
        *lines, self._half = (self._half + data).split(CRLF)
        for line in lines:
            if not self.has_image:
                self._begin(line)
            else:
                self._take(line)

    def _begin(self, line: bytes) -> None:
        if b'"FAILURE"' in line:
            raise ConnectionError(line.decode())
        if b'"SUB_IMAGE"' in line:
            self.has_image = True
            if self.is_slow:
                self._transport.pause_reading()

    def _take(self, line: bytes) -> None:
        at = line.find(MARK)
        if at < 0:
            return
        rows = msgspec.json.decode(line[at + len(MARK) - 2 : line.index(b"]]", at) + 2])
        self.changes += 1
        newest = min((age_ms(size) for _, size in rows if size), default=None)
        if newest is not None:
            self._crowd.latencies.append(newest / 1_000)
