"""A follower takes over from an active book that was killed."""

import asyncio
import os
import signal
import time
from itertools import pairwise

import msgspec

from bench.audit import verify
from bench.finding import Figure, Finding
from bench.load import Plan, Shot, read_trace
from bench.stage import Bench, Failed, Stage
from bench.stand import CUSTOMERS, MARKETS, Stand, load, standing
from bench.wagers import PRICES_MILLI
from overround import journal

RATE = 300
LONGEST_S = 120
WATCHED_S = 6.0


class Kill(msgspec.Struct, frozen=True, kw_only=True):
    """Who was killed when, by CLOCK_MONOTONIC."""

    name: str
    at: float


async def run(stage: Stage) -> Finding:
    rounds = stage.scaled(5, 1)
    async with standing(stage, followers=1) as stand:
        after = await stand.head()
        loading = asyncio.create_task(_place(stage, stand))
        try:
            await asyncio.sleep(3.0)
            kills = []
            for number in range(1, rounds + 1):
                stage.tell(f"kill -9 of the active book, {number} of {rounds}", number / (rounds + 1))
                kills.append(await _kill(stand))
                await asyncio.sleep(WATCHED_S)
        finally:
            (stage.folder / "until").touch()
            shot = await loading
        answered = sorted(meant + took for meant, took in read_trace(stage.folder / "trace"))
        silences = [_silence(answered, kill.at) for kill in kills]
        stage.tell("checking the journal", 0.95)
        proof = await verify(stand, after=after, taken=shot.acknowledged, keys=stage.folder / "keys")
    return Finding(
        figures=(
            Figure(name="kill -9 to the next acknowledged bet, worst", value=max(silences), unit="s", most=2),
            Figure(name="best", value=min(silences), unit="s"),
            Figure(name="slowest bet", value=shot.max_ms / 1_000, unit="s", note="meant to be sent just after a kill"),
        ),
        configuration={
            "rounds": ", ".join(f"{kill.name} {silence:.2f} s" for kill, silence in zip(kills, silences, strict=True)),
            "house": "one active book and one follower on one machine, a lease of 1 s; the killed one is started again",
            "load": f"open, {RATE} bets a second; the gateway asks again with the same key, clients see no error",
            "proof": proof,
        },
    )


async def _place(stage: Stage, stand: Stand) -> Shot:
    shot = await load(
        Plan(
            port=stand.port,
            tokens=stand.tokens[:CUSTOMERS],
            markets=tuple(range(1, MARKETS + 1)),
            prices_milli=PRICES_MILLI,
            seconds=LONGEST_S,
            rate=RATE,
            connections=1_024,
            keys=str(stage.folder / "keys"),
            trace=str(stage.folder / "trace"),
            until=str(stage.folder / "until"),
        )
    )
    if shot.codes or shot.unanswered:
        raise Failed(f"{shot.unanswered} bets were not answered, refused were {shot.codes}")
    return shot


async def _kill(stand: Stand) -> Kill:
    """Kill the book that holds the lease."""
    connection = await journal.connect(stand.dsn)
    try:
        holder = (await journal.lease(connection)).holder
    finally:
        await connection.close()
    os.kill(stand.pid(holder), signal.SIGKILL)
    return Kill(name=holder, at=time.monotonic())


def _silence(answered: list[float], killed_at: float) -> float:
    """From the kill to the end of the longest silence that began about then: what the dead book had said before may
    still arrive just after."""
    near = [at for at in answered if killed_at - 0.1 <= at <= killed_at + WATCHED_S]
    if len(near) < 2:
        raise Failed("no bet was acknowledged after the kill")
    _, ended = max((later - earlier, later) for earlier, later in pairwise(near))
    return ended - killed_at


BENCH = Bench(
    name="takeover",
    title="The active book is killed and a follower takes over.",
    leaves_out=("several machines: the follower shares this one", "the loss of PostgreSQL or NATS themselves"),
    within_s=240,
    run=run,
)
