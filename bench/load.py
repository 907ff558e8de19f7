"""A load generator of our own: bets over persistent connections, HTTP/1.1 by hand, one process, one loop.

Open load sends on a schedule, whatever the answers do, and measures each answer from the instant at which its request
was *meant* to be sent, so that a stall counts for everybody it kept waiting (no coordinated omission). Closed load has
each connection send its next request when it has its answer. Every bet has its own key; the keys of the bets that
were acknowledged are kept, so that a benchmark can look for each of them in the journal.
"""

import asyncio
import secrets
import time
from array import array
from collections import deque
from pathlib import Path
from typing import Final, cast

import msgspec

from overround.kernel.ids import make_key

TICK_S: Final = 0.001
DRAIN_S: Final = 10.0
BLANK: Final = b"\r\n\r\n"
LENGTH: Final = b"content-length:"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to load. `rate` requests a second, or 0 for closed load; `batch` bets a request, or 0 for one bet by its own
    address. The first `warm_s` seconds are not counted. `keys` is a file for the acknowledged keys, 16 bytes each.
    `trace` is one for every answer from the first on: the instant its request was meant for by CLOCK_MONOTONIC, then
    what it took, both as doubles of seconds. The load ends early when the file `until` appears."""

    port: int
    tokens: tuple[str, ...]
    markets: tuple[int, ...]
    prices_milli: tuple[int, ...]
    seconds: float
    rate: int = 0
    batch: int = 0
    connections: int = 64
    warm_s: float = 1.0
    stake_minor: int = 500
    keys: str = ""
    trace: str = ""
    until: str = ""


class Shot(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. Latencies in milliseconds, over the requests after the warm-up that were answered; `unanswered`
    is how many never were. `codes` counts refusals and errors by status or code."""

    requests: int
    bets: int
    seconds: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    unanswered: int
    acknowledged: int
    codes: dict[str, int]
    late_ms: float

    @property
    def rate(self) -> float:
        """Bets acknowledged a second, after the warm-up."""
        return self.bets / self.seconds


class BatchResult(msgspec.Struct):
    """The part of a batch's result that is looked at."""

    key: str
    status: str
    code: str = ""


class BatchReply(msgspec.Struct):
    results: list[BatchResult]


class Wagers:
    """Makes requests: bodies are put together beforehand, only the key is new each time."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._count = 0
        self._chance = secrets.randbits(40) << 32
        self._tails = [
            f'"market_id":{market},"selection_id":{n + 1},"stake_minor":{plan.stake_minor + n},"currency":"EUR",'
            f'"price_milli":{price}}}'
            for market in plan.markets
            for n, price in enumerate(plan.prices_milli)
        ]
        kind = "/v1/bets/batch" if plan.batch else "/v1/bets"
        self._heads = [
            f"POST {kind} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {token}\r\n"
            for token in plan.tokens
        ]

    def _key(self) -> str:
        self._count += 1
        return make_key(at_us=time.time_ns() // 1_000, chance=self._chance + self._count)

    def make(self) -> tuple[bytes, tuple[str, ...]]:
        """The next request and the keys in it."""
        plan, tails = self._plan, self._tails
        head = self._heads[self._count // max(1, plan.batch) % len(self._heads)]
        if not plan.batch:
            key = self._key()
            body = "{" + tails[self._count % len(tails)]
            return f"{head}Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode(), (key,)
        keys = tuple(self._key() for _ in range(plan.batch))
        start = self._count
        bets = ",".join(f'{{"key":"{key}",{tails[(start + n) % len(tails)]}' for n, key in enumerate(keys))
        body = f'{{"bets":[{bets}]}}'
        return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode(), keys


class Load:
    """One load, from its first request to its last answer."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.wagers = Wagers(plan)
        self.idle: deque[Connection] = deque()
        self.waiting: deque[tuple[float, bytes, tuple[str, ...]]] = deque()
        self.latencies = array("d")
        self.trace = array("d")
        self.acknowledged: list[str] = []
        self.bets = self.open = self.sent = 0
        self.codes: dict[str, int] = {}
        self.late_s = self.seconds = 0.0
        self._reply = msgspec.json.Decoder(BatchReply)

    async def run(self) -> Shot:
        """Load until the plan's time is over, then wait for the answers that are still on their way."""
        loop = asyncio.get_running_loop()
        for _ in range(self.plan.connections):
            await loop.create_connection(lambda: Connection(self), "127.0.0.1", self.plan.port)
        began = time.perf_counter()
        self.count_from = began + self.plan.warm_s
        self.ends = self.count_from + self.plan.seconds
        if self.plan.rate:
            await self._keep_schedule(began)
        else:
            for connection in list(self.idle):
                self.idle.remove(connection)
                connection.send_next()
            await asyncio.sleep(self.ends - time.perf_counter())
        self.seconds = max(0.001, min(time.perf_counter(), self.ends) - self.count_from)
        await self._drain()
        return self._shot()

    async def _keep_schedule(self, began: float) -> None:
        number, step = 0, 1 / self.plan.rate
        while (now := time.perf_counter()) < self.ends and not self._told_to_end():
            while (meant := began + number * step) <= now:
                number += 1
                self.late_s = max(self.late_s, now - meant)
                self._send(meant)
            await asyncio.sleep(TICK_S)

    def _told_to_end(self) -> bool:
        return bool(self.plan.until) and Path(self.plan.until).exists()

    def _send(self, meant: float) -> None:
        request, keys = self.wagers.make()
        if self.idle:
            self.idle.popleft().send(meant, request, keys)
        else:
            self.waiting.append((meant, request, keys))

    async def _drain(self) -> None:
        due = time.perf_counter() + DRAIN_S
        while (self.open or self.waiting) and time.perf_counter() < due:
            await asyncio.sleep(0.01)

    def free(self, connection: "Connection") -> None:
        """A connection has its answer: it takes what waits longest, or waits itself."""
        if self.waiting:
            connection.send(*self.waiting.popleft())
        elif not self.plan.rate and time.perf_counter() < self.ends:
            connection.send_next()
        else:
            self.idle.append(connection)

    def take(self, meant: float, status: int, body: bytes, keys: tuple[str, ...]) -> None:
        """Count an answer."""
        now = time.perf_counter()
        taken = self._taken(status, body, keys)
        self.acknowledged += taken
        if self.plan.trace:
            self.trace.extend((meant, now - meant))
        if meant >= self.count_from:
            self.latencies.append(now - meant)
            if now <= self.ends:
                self.bets += len(taken)

    def _taken(self, status: int, body: bytes, keys: tuple[str, ...]) -> tuple[str, ...]:
        if status == 201:
            return keys
        if status != 200 or not self.plan.batch:
            self._refused(str(status))
            return ()
        results = self._reply.decode(body).results
        for result in results:
            if result.status != "open":
                self._refused(result.code or result.status)
        return tuple(result.key for result in results if result.status == "open")

    def _refused(self, code: str) -> None:
        self.codes[code] = self.codes.get(code, 0) + 1

    def lost(self) -> None:
        self._refused("connection lost")

    def _shot(self) -> Shot:
        ordered = sorted(self.latencies)
        if self.plan.trace:
            Path(self.plan.trace).write_bytes(self.trace.tobytes())
        if self.plan.keys:
            Path(self.plan.keys).write_bytes(bytes.fromhex("".join(self.acknowledged).replace("-", "")))
        return Shot(
            requests=len(ordered),
            bets=self.bets,
            seconds=self.seconds,
            p50_ms=percentile_ms(ordered, 0.5),
            p90_ms=percentile_ms(ordered, 0.9),
            p99_ms=percentile_ms(ordered, 0.99),
            p999_ms=percentile_ms(ordered, 0.999),
            max_ms=percentile_ms(ordered, 1.0),
            unanswered=self.open + len(self.waiting),
            acknowledged=len(self.acknowledged),
            codes=self.codes,
            late_ms=1_000 * self.late_s,
        )


async def shoot(plan: Plan) -> Shot:
    """Run a load. In a process of its own, or it measures its neighbours too."""
    return await Load(plan).run()


class Connection(asyncio.Protocol):
    """One persistent connection with at most one request under way."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = b""
        self._meant = 0.0
        self._keys: tuple[str, ...] = ()
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._load.idle.append(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's own signature
        if self._busy:
            self._load.open -= 1
            self._load.lost()
        elif self in self._load.idle:
            self._load.idle.remove(self)

    def close(self) -> None:
        self._transport.close()

    def send(self, meant: float, request: bytes, keys: tuple[str, ...]) -> None:
        self._meant, self._keys, self._busy = meant, keys, True
        self._load.open += 1
        self._transport.write(request)

    def send_next(self) -> None:
        """Closed load: the next request is meant for now."""
        request, keys = self._load.wagers.make()
        self.send(time.perf_counter(), request, keys)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        end = self._buffer.find(BLANK)
        if end < 0:
            return
        head = self._buffer[:end].lower()
        at = head.find(LENGTH)
        length = int(head[at + len(LENGTH) :].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return
        body, self._buffer = self._buffer[end + 4 :], b""
        self._busy = False
        self._load.open -= 1
        self._load.take(self._meant, int(head[9:12]), body, self._keys)
        self._load.free(self)


def read_trace(file: Path) -> list[tuple[float, float]]:
    """What a load wrote down: (meant, took) of every answer, in seconds by CLOCK_MONOTONIC, in the order answered."""
    numbers = array("d")
    numbers.frombytes(file.read_bytes())
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def percentile_ms(ordered: list[float], share: float) -> float:
    """The smallest latency that `share` of all do not exceed, in milliseconds; 0 for none."""
    if not ordered:
        return 0.0
    return 1_000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]
