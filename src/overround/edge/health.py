"""Whether the gateway lives and is ready, and its numbers for Prometheus."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from overround.book.machine.commands import GetBalances
from overround.edge.asking import Asker
from overround.edge.live import Live
from overround.edge.problems import Problem
from overround.edge.routes import BOUNDS_S, Bound, Call, Reply

PROBE_EVERY_S: Final = 1.0
PROBED_WITHIN_S: Final = 15.0
"""How long an answer of the book counts: longer than the desk's deadline, so that one slow answer is no outage."""

PROMETHEUS: Final = b"text/plain; version=0.0.4; charset=utf-8"


class HealthBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`waiting_for` says what is missing."""

    status: str
    waiting_for: list[str] = []


class BookStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a book says of itself each second."""

    name: str
    active: bool
    seq: int
    bets: int
    requests: int
    facts: int
    commits: int
    commit_ms: float
    overloaded: int
    terms: int


class Health:
    """The handlers of /health and /metrics. `probe` asks the book something that changes nothing."""

    def __init__(
        self,
        live: Live,
        asker: Asker,
        *,
        connected: Callable[[], bool],
        clients: Callable[[], int],
        under_way: Callable[[], int],
    ) -> None:
        self.book: BookStatus | None = None
        self.bound: Iterable[Bound] = ()
        self.exchange: Callable[[], Iterable[Metric]] = tuple
        self._live, self._asker = live, asker
        self._connected, self._clients, self._under_way = connected, clients, under_way
        self._answered_s: float | None = None
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Collected(self))

    async def probe(self) -> None:
        """For ever: ask the book, so that readiness knows."""
        while True:
            try:
                await self._asker.ask(GetBalances(0), actor=0)
                self._answered_s = asyncio.get_running_loop().time()
            except Problem:
                pass
            await asyncio.sleep(PROBE_EVERY_S)

    def missing(self) -> list[str]:
        """What keeps the gateway from being ready."""
        answered_s = self._answered_s
        recently = answered_s is not None and asyncio.get_running_loop().time() - answered_s <= PROBED_WITHIN_S
        checks = (("live view", self._live.built), ("nats", self._connected()), ("book", recently))
        return [name for name, is_there in checks if not is_there]

    async def is_live(self, _call: Call) -> Reply:
        return Reply(200, HealthBody(status="live"))

    async def is_ready(self, _call: Call) -> Reply:
        missing = self.missing()
        if missing:
            raise Problem("not_ready", waiting_for=", ".join(missing))
        return Reply(200, HealthBody(status="ready"))

    async def metrics(self, _call: Call) -> Reply:
        return Reply(200, generate_latest(self._registry), content_type=PROMETHEUS)

    def collect(self) -> Iterator[Metric]:
        """All numbers, made when they are asked for; on the way of a request they are plain additions."""
        yield from self._requests()
        gauges = (
            ("stream_clients", "Connections of the stream", self._clients()),
            ("requests_under_way", "HTTP requests that have no reply yet", self._under_way()),
            ("desk_waiting", "Requests to the book that have no answer yet", self._asker.waiting),
            ("live_view_stale", "1 while the live view is cut off", int(self._live.is_stale)),
            ("live_view_seq", "The last fact that the live view has", self._live.seq),
            ("nats_connected", "1 while NATS is connected", int(self._connected())),
        )
        for name, doc, value in gauges:
            yield GaugeMetricFamily(f"overround_gateway_{name}", doc, value=value)
        yield from self.exchange()
        if self.book is not None:
            yield from _book(self.book)

    def _requests(self) -> Iterator[Metric]:
        counts = CounterMetricFamily(
            "overround_gateway_requests", "HTTP requests by operation and status", labels=("operation", "status")
        )
        latency = HistogramMetricFamily(
            "overround_gateway_request_seconds", "From the request's first byte to its reply", labels=("operation",)
        )
        for bound in self.bound:
            if not bound.counts:
                continue
            name = bound.route.name
            for status, count in bound.counts.items():
                counts.add_metric((name, str(status)), count)
            latency.add_metric((name,), _buckets(bound), sum_value=bound.seconds)
        yield counts
        yield latency


def _buckets(bound: Bound) -> list[tuple[str, float]]:
    total, rows = 0, []
    for bucket, count in zip((*map(str, BOUNDS_S), "+Inf"), bound.buckets, strict=True):
        total += count
        rows.append((bucket, float(total)))
    return rows


def _book(book: BookStatus) -> Iterator[Metric]:
    for name, doc, value in (
        ("seq", "The last fact of the active book", book.seq),
        ("bets", "Bets that the active book knows", book.bets),
        ("commit_milliseconds", "Mean time of a commit since the book began", book.commit_ms),
    ):
        yield GaugeMetricFamily(f"overround_book_{name}", doc, value=value)
    for name, doc, value in (
        ("requests", "Requests that the active book took", book.requests),
        ("facts", "Facts that it wrote", book.facts),
        ("commits", "Commits", book.commits),
        ("overloaded", "Requests refused because too much waited", book.overloaded),
        ("terms", "Terms that began", book.terms),
    ):
        yield CounterMetricFamily(f"overround_book_{name}", doc, value=value)


class _Collected(Collector):
    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterator[Metric]:
        return self._health.collect()
