"""What an open bet costs in the book's memory, and what is left of it once it is archived."""

import gc
import os
import time
from pathlib import Path

import msgspec

from bench.apart import apart
from bench.finding import Figure, Finding
from bench.stage import Bench, Stage
from bench.wagers import Dealer
from overround.book.archive import ARCHIVE_AFTER_US
from overround.book.machine import Machine
from overround.book.machine.commands import FeedHeartbeat, PlaceBet, RecordResult
from overround.book.settlement import Score

CUSTOMERS, MARKETS = 10_000, 1_000
TURNS = 7
COMMIT = 200


async def run(stage: Stage) -> Finding:
    bets = stage.scaled(1_000_000, 50_000)
    stage.tell(f"{bets:,} open bets in a fresh process", 0.1)
    found = await apart(measure, bets)
    stage.tell(f"{bets // 10:,} bets settled and archived, {TURNS} times", 0.5)
    left = await apart(archived, bets // 10)
    return Finding(
        figures=(
            Figure(name="resident memory per open bet", value=found["resident"], unit="bytes", most=600),
            Figure(name="of it private to the process", value=found["private"], unit="bytes"),
            Figure(name="whole book", value=found["whole_mib"], unit="MiB"),
            Figure(name="that an archived bet leaves behind", value=left["growth"], unit="bytes"),
            Figure(name="processor time of a step of archiving, half of them within", value=left["step_ms"], unit="ms"),
            Figure(name="the longest step", value=left["longest_ms"], unit="ms"),
        ),
        configuration={
            "bets": f"{bets:,} open, {CUSTOMERS:,} customers, {MARKETS:,} markets; every key still remembered",
            "archived": f"{TURNS} times a tenth as many, settled, archived a month later; growth since the third",
            "method": "resident set size after less before, of a process that keeps nothing but the machine",
        },
    )


def measure(bets: int) -> dict[str, float]:
    """Bytes for each bet, by the kernel's account of this process."""
    machine, dealer = _opened()
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


def _opened() -> tuple[Machine, Dealer]:
    """A house in memory that has taken no bet yet, left out of the collector's sight."""
    machine = Machine()
    dealer = Dealer(machine)
    dealer.open_house(customers=CUSTOMERS, markets=MARKETS)
    machine.drain()
    gc.collect()
    gc.freeze()
    return machine, dealer


def archived(bets: int) -> dict[str, float]:
    """How much the process grows by bets that come, are settled and leave, when as many did before; and the steps."""
    machine, dealer = _opened()
    gc.set_threshold(50_000, 20, 100)  # as the book does
    resident, steps = list[int](), list[float]()
    for turn in range(TURNS):
        first = MARKETS * turn
        for n, request in enumerate(dealer.bets(bets, customers=CUSTOMERS, markets=MARKETS)):
            assert isinstance(request.command, PlaceBet)
            command = msgspec.structs.replace(request.command, market_id=request.command.market_id + first)
            machine.execute(msgspec.structs.replace(request, command=command), dealer.at_us)
            if n % COMMIT == COMMIT - 1:
                machine.drain()
        for market_id in range(first + 1, first + MARKETS + 1):
            dealer.ask(RecordResult(market_id, Score(1, 0)))
        dealer.open_markets(MARKETS)
        while machine.state.settlement.settling:
            machine.advance(dealer.at_us)
            machine.drain()
        dealer.at_us += ARCHIVE_AFTER_US
        dealer.ask(FeedHeartbeat("clock"))
        gc.collect()
        while machine.state.bets.bets:
            began = time.thread_time()
            machine.advance(dealer.at_us)
            steps.append(time.thread_time() - began)
            machine.drain()
        resident.append(_resident())
    steps.sort()
    return {
        "growth": (resident[-1] - resident[2]) / (bets * (TURNS - 3)),
        "step_ms": 1_000 * steps[len(steps) // 2],
        "longest_ms": 1_000 * steps[-1],
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
