"""How long a book needs until it knows everything again: from the first fact, and from a snapshot."""

import resource
import time

import msgspec
from nats.aio.client import Client

from bench.apart import apart
from bench.finding import Figure, Finding
from bench.seed import Seed, plant
from bench.stage import Bench, Failed, Stage
from overround.apps import book
from overround.apps.roles import settle_memory
from overround.apps.snapshot import take
from overround.book.machine import state_hash
from overround.host import Term
from overround.host.nats_bus import NatsBus
from overround.infra.postgres import EmbeddedPostgres

ROUNDS = 3


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """One recovery: seconds, the facts it ended at, the state's hash, and the most memory it took."""

    took_s: float
    seq: int
    state_hash: str
    peak_mib: float


async def run(stage: Stage) -> Finding:
    bets = stage.scaled(1_000_000, 20_000)
    postgres = EmbeddedPostgres(stage.folder / "data")
    dsn = postgres.start()
    try:
        stage.tell(f"writing a journal of {bets:,} bets", 0.0)
        facts = await apart(plant, Seed(dsn=dsn, bets=bets))
        from_zero = await _rounds(stage, dsn, "from the first fact", 0.4)
        stage.tell("taking a snapshot", 0.7)
        began = time.monotonic()
        await apart(take, dsn)
        snapshot_s = time.monotonic() - began
        from_snapshot = await _rounds(stage, dsn, "from the snapshot", 0.8)
    finally:
        postgres.stop()
    both = [*from_zero, *from_snapshot]
    if {(each.seq, each.state_hash) for each in both} != {(facts, both[0].state_hash)}:
        raise Failed(f"recoveries of {facts} facts differ: {both}")
    worst_s = max(each.took_s for each in from_zero)
    return Finding(
        figures=(
            Figure(name="from the first fact", value=worst_s, unit="s", most=15),
            Figure(name="facts a second", value=facts / worst_s, unit="facts/s"),
            Figure(name="from a snapshot", value=max(each.took_s for each in from_snapshot), unit="s", most=3),
            Figure(name="taking the snapshot", value=snapshot_s, unit="s", note="the whole process, beside the book"),
            Figure(name="peak memory", value=max(each.peak_mib for each in both), unit="MiB"),
        ),
        configuration={
            "journal": f"{facts:,} facts, of them {bets:,} open bets of 1,000 customers on 100 markets",
            "rounds": f"{ROUNDS} each, every one in a fresh process, the worst counts; states agree by their hash",
            "postgresql": "the embedded one, on the same machine, its cache warm",
        },
    )


async def _rounds(stage: Stage, dsn: str, words: str, done: float) -> list[Recovered]:
    found = []
    for number in range(1, ROUNDS + 1):
        stage.tell(f"recovering {words}, round {number} of {ROUNDS}", done + 0.05 * number)
        found.append(await apart(recover, dsn))
    return found


async def recover(dsn: str) -> Recovered:
    """What a book does before it may take the lease."""
    events = book.PostgresJournal(dsn, lease_s=1.0)
    term = Term(
        name="bench",
        journal=events,
        bus=NatsBus(Client(), cell="bench"),  # recovery says nothing to anybody
        clock=book.SystemClock(),
        prepare=settle_memory,
    )
    settle_memory()  # as whoever runs a role does first
    began = time.perf_counter()
    state = await term._recover()
    took_s = time.perf_counter() - began
    await events.close()
    return Recovered(
        took_s=took_s,
        seq=state.seq,
        state_hash=state_hash(state).hex(),
        peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


BENCH = Bench(
    name="recovery",
    title="A book that starts: one million facts folded, and a snapshot of them read.",
    leaves_out=(
        "the tail after a snapshot: at most 250,000 facts, at the rate from the first fact",
        "starting Python and importing the house, about 0.5 s",
        "waiting for the lease",
    ),
    within_s=300,
    run=run,
)
