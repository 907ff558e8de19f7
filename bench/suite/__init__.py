"""Every benchmark, in the order in which they run and are listed."""

from bench.stage import Bench
from bench.suite import (
    exchange_http,
    exchange_inside,
    exchange_stream,
    http_batch,
    http_single,
    http_steady,
    machine,
    matching,
    memory,
    multiples,
    peers,
    pricing,
    recovery,
    settle_million,
    stream,
    takeover,
    tickets,
    wide_market,
)

BENCHES: tuple[Bench, ...] = (
    machine.BENCH,
    tickets.BENCH,
    multiples.BENCH,
    matching.BENCH,
    exchange_inside.BENCH,
    pricing.BENCH,
    memory.BENCH,
    recovery.BENCH,
    http_single.BENCH,
    http_steady.BENCH,
    http_batch.BENCH,
    exchange_http.BENCH,
    peers.BENCH,
    settle_million.BENCH,
    takeover.BENCH,
    wide_market.BENCH,
    stream.BENCH,
    exchange_stream.BENCH,
)
