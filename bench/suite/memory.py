"""What an open bet costs in the book's memory."""

import gc
import os
from pathlib import Path

from bench.apart import apart
from bench.finding import Figure, Finding
from bench.stage import Bench, Stage
from bench.wagers import Dealer
from overround.book.machine import Machine

CUSTOMERS, MARKETS = 10_000, 1_000
COMMIT = 200


async def run(stage: Stage) -> Finding:
    bets = stage.scaled(1_000_000, 50_000)
    stage.tell(f"{bets:,} open bets in a fresh process", 0.1)
    found = await apart(measure, bets)
    return Finding(
        figures=(
            Figure(name="resident memory per open bet", value=found["resident"], unit="bytes", most=600),
            Figure(name="of it private to the process", value=found["private"], unit="bytes"),
            Figure(name="whole book", value=found["whole_mib"], unit="MiB"),
        ),
        configuration={
            "bets": f"{bets:,} open, {CUSTOMERS:,} customers, {MARKETS:,} markets; every key still remembered",
            "method": "resident set size after less before, of a process that keeps nothing but the machine",
        },
    )


def measure(bets: int) -> dict[str, float]:
    """Bytes for each bet, by the kernel's account of this process."""
    machine = Machine()
    dealer = Dealer(machine)
    dealer.open_house(customers=CUSTOMERS, markets=MARKETS)
    machine.drain()
    gc.collect()
    gc.freeze()
    resident, private = _resident(), _private()
    for n, request in enumerate(dealer.bets(bets, customers=CUSTOMERS, markets=MARKETS)):
        machine.execute(request, dealer.at_us + n)
        if n % COMMIT == COMMIT - 1:
            machine.drain()
    machine.drain()
    gc.collect()
    assert len(machine.state.bets.bets) == bets
    return {
        "resident": (_resident() - resident) / bets,
        "private": (_private() - private) / bets,
        "whole_mib": _resident() / 2**20,
    }


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _private() -> int:
    rollup = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in rollup if line.startswith(("Private_Clean", "Private_Dirty")))


BENCH = Bench(
    name="memory",
    title="What an open bet costs in the book's memory.",
    leaves_out=("the outbox of a commit under way", "what the process weighs without bets"),
    within_s=120,
    run=run,
)
