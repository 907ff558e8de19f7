"""Every benchmark, in the order in which they run and are listed."""

from bench.stage import Bench
from bench.suite import machine, memory, peers, recovery

BENCHES: tuple[Bench, ...] = (machine.BENCH, memory.BENCH, recovery.BENCH, peers.BENCH)
