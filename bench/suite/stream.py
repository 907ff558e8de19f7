"""A thousand clients watch one market whose prices change fifty times a second."""

import asyncio
import time

from bench.apart import apart
from bench.finding import Figure, Finding
from bench.stage import Bench, Failed, Stage
from bench.stand import Stand, shares, standing
from bench.viewers import Asked, Watched, watch
from bench.wagers import PRICES_MILLI
from overround.book.machine.commands import SetPrices

CHANGES_A_SECOND = 50
CONFLATE_MS = 50


async def run(stage: Stage) -> Finding:
    clients, seconds = stage.scaled(1_000, 50), stage.scaled(20, 3)
    async with standing(stage) as stand:
        stage.tell(f"{clients:,} clients subscribe", 0.2)
        watching = asyncio.create_task(_watch(stage, stand, clients))
        await _until_ready(stage, watching)
        stage.tell(f"{CHANGES_A_SECOND} price changes a second for {seconds} s", 0.5)
        before = stand.cpu_s()
        slowest_s = await _change_prices(stand, seconds)
        spent = shares(before, stand.cpu_s(), seconds)
        await asyncio.sleep(1.0)
        (stage.folder / "until").touch()
        watched = await watching
    if watched.closed or not watched.fewest:
        raise Failed(f"{watched.closed} clients were cut off, one heard {watched.fewest} changes")
    return Finding(
        figures=(
            Figure(name="decided to received, p99", value=watched.p99_ms, unit="ms", most=100),
            Figure(name="p50", value=watched.p50_ms, unit="ms"),
            Figure(name="slowest", value=watched.max_ms, unit="ms"),
            Figure(name="deltas received", value=watched.deltas / seconds, unit="/s"),
            Figure(name="fewest at one client", value=watched.fewest / seconds, unit="/s"),
        ),
        configuration={
            "clients": f"{clients:,} in one process, conflated to {CONFLATE_MS} ms, the default",
            "changes": f"{CHANGES_A_SECOND} a second, all three prices of the market; the slowest was answered in"
            f" {1_000 * slowest_s:.0f} ms",
            "measured": "from the instant the fact carries, so commit, bus, gateway and conflation count",
            "one core's share of each role": spent,
        },
    )


async def _watch(stage: Stage, stand: Stand, clients: int) -> Watched:
    asked = Asked(
        port=stand.port,
        tokens=stand.tokens,
        clients=clients,
        markets=(1,),
        conflate_ms=CONFLATE_MS,
        ready=str(stage.folder / "ready"),
        until=str(stage.folder / "until"),
    )
    return await apart(watch, asked)


async def _until_ready(stage: Stage, watching: "asyncio.Task[Watched]") -> None:
    while not (stage.folder / "ready").exists():
        if watching.done():
            raise Failed(f"the clients ended early: {watching.exception()}")
        await asyncio.sleep(0.1)


async def _change_prices(stand: Stand, seconds: int) -> float:
    """On a schedule; how long the slowest answer took, in seconds."""
    began, slowest_s = time.monotonic(), 0.0
    for number in range(seconds * CHANGES_A_SECOND):
        await asyncio.sleep(began + number / CHANGES_A_SECOND - time.monotonic())
        prices = tuple((n + 1, price + number % 100) for n, price in enumerate(PRICES_MILLI))
        asked_at = time.monotonic()
        await stand.ask(SetPrices(1, prices))
        slowest_s = max(slowest_s, time.monotonic() - asked_at)
    return slowest_s


BENCH = Bench(
    name="stream",
    title="A thousand clients on one market, fifty price changes a second.",
    leaves_out=("TLS", "slow clients", "a network: everything is on loopback, clients share the two cores"),
    within_s=180,
    run=run,
)
