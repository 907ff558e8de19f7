"""One bet a request over HTTP, as fast as 256 connections can ask."""

import asyncio
import os
import secrets
import signal
import time

from bench.audit import verify
from bench.finding import Figure, Finding
from bench.stage import Bench, Failed, Stage
from bench.stand import CUSTOMERS, MARKETS, Stand, shares, standing
from bench.wagers import PRICES_MILLI
from bench.wrk import Shot, shoot

CONNECTIONS = 256
CATCH_UP_S = 120.0


async def run(stage: Stage) -> Finding:
    seconds = stage.scaled(20, 2)
    async with standing(stage) as stand:
        stage.tell("warming up", 0.1)
        await _shoot(stand, stage.scaled(5, 1))
        stage.tell("loading, the worker running", 0.2)
        shot, running, proof = await _measured(stand, seconds)
        behind = await stand.behind()
        stage.tell("waiting for the worker", 0.5)
        await _caught_up(stand)
        stage.tell("loading, the worker stopped", 0.6)
        alone, without, _ = await _without_worker(stand, seconds)
        stage.tell("the worker catches up", 0.9)
        caught_up_s, facts = await _caught_up(stand)
        niceness = os.getpriority(os.PRIO_PROCESS, stand.pid("worker"))
    return Finding(
        figures=(
            Figure(name="bets taken", value=shot.rate, unit="bets/s", least=12_000),
            Figure(name="p99", value=shot.p99_ms, unit="ms", most=40),
            Figure(name="p50", value=shot.p50_ms, unit="ms"),
            Figure(name="worker behind at the end", value=behind, unit="facts"),
            Figure(name="bets taken, worker stopped", value=alone.rate, unit="bets/s", least=12_000),
            Figure(name="p99, worker stopped", value=alone.p99_ms, unit="ms", most=40),
            Figure(
                name="worker catches up afterwards",
                value=caught_up_s,
                unit="s",
                note=f"{facts:,} facts behind, nothing else to do: {facts / max(caught_up_s, 0.001):,.0f} facts/s",
            ),
        ),
        configuration={
            "load": f"wrk, 1 thread, {CONNECTIONS} connections, {seconds} s after a warm-up",
            "house": f"{CUSTOMERS} customers, {MARKETS} markets, limits wide; the worker runs at niceness {niceness}",
            "one core's share of each role, worker running": running,
            "one core's share of each role, worker stopped": without,
            "proof": proof,
        },
    )


async def _shoot(stand: Stand, seconds: int) -> Shot:
    shot = await shoot(
        stand.endpoints.http,
        tokens=stand.tokens_file,
        salt=secrets.token_hex(2),
        markets=range(1, MARKETS + 1),
        prices_milli=PRICES_MILLI,
        connections=CONNECTIONS,
        seconds=seconds,
    )
    if shot.refused or shot.broken or not shot.taken:
        raise Failed(f"{shot.refused} bets were refused and {shot.broken} broken: {shot}")
    return shot


async def _measured(stand: Stand, seconds: int) -> tuple[Shot, str, str]:
    """A load, what the roles took for it, and the proof that every bet of it is kept."""
    after, before = await stand.head(), stand.cpu_s()
    shot = await _shoot(stand, seconds)
    spent = shares(before, stand.cpu_s(), shot.seconds)
    return shot, spent, await verify(stand, after=after, taken=shot.taken, spare=CONNECTIONS)


async def _without_worker(stand: Stand, seconds: int) -> tuple[Shot, str, str]:
    worker = stand.pid("worker")
    os.kill(worker, signal.SIGSTOP)
    try:
        return await _measured(stand, seconds)
    finally:
        os.kill(worker, signal.SIGCONT)


async def _caught_up(stand: Stand) -> tuple[float, int]:
    """Wait until the worker has folded everything: how long that took, and how far it was behind."""
    began, behind = time.monotonic(), await stand.behind()
    while await stand.behind():
        if time.monotonic() - began > CATCH_UP_S:
            raise Failed(f"the worker is still {await stand.behind()} facts behind after {CATCH_UP_S:.0f} s")
        await asyncio.sleep(0.1)
    return time.monotonic() - began, behind


BENCH = Bench(
    name="http-single",
    title="One bet a request over HTTP, all checks on, every bet durable.",
    leaves_out=("TLS", "a network: everything is on loopback", "other traffic: streams, reads, price changes"),
    within_s=420,
    run=run,
)
