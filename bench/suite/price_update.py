"""A thousand prices of twenty markets change at once: how long until everybody who watches them all has seen them."""

import asyncio
import time

from bench.apart import apart
from bench.finding import Figure, Finding
from bench.load import percentile_ms
from bench.stage import Bench, Failed, Stage
from bench.stand import MARKETS, Stand, shares, standing
from bench.viewers import Asked, Watched, watch
from overround.book.machine.commands import CreateMarket, ResumeMarket, SetPrices

WIDE_MARKETS = 20
SELECTIONS = 50
PRICE_MILLI = 20_000
CONFLATE_MS = 10
PAUSE_S = 0.5
"""Between two updates, so that each is seen for itself."""


async def run(stage: Stage) -> Finding:
    clients, updates = stage.scaled(200, 10), stage.scaled(60, 4)
    async with standing(stage) as stand:
        await _open_markets(stand)
        stage.tell(f"{clients:,} clients subscribe to {WIDE_MARKETS} markets", 0.3)
        watching = asyncio.create_task(_watch(stage, stand, clients))
        while not (stage.folder / "ready").exists():
            if watching.done():
                raise Failed(f"the clients ended early: {watching.exception()}")
            await asyncio.sleep(0.1)
        stage.tell(f"{updates} updates of {WIDE_MARKETS * SELECTIONS:,} prices", 0.5)
        before, began = stand.cpu_s(), time.monotonic()
        asked_s = [await _update(stand, number) for number in range(1, updates + 1)]
        spent = shares(before, stand.cpu_s(), time.monotonic() - began)
        await asyncio.sleep(1.0)
        (stage.folder / "until").touch()
        watched = await watching
    seen_ms = _seen(watched, asked_s)
    return Finding(
        figures=(
            Figure(name="asked for to all received, p99", value=percentile_ms(seen_ms, 0.99), unit="ms", most=50),
            Figure(name="p50", value=percentile_ms(seen_ms, 0.5), unit="ms"),
            Figure(name="slowest", value=percentile_ms(seen_ms, 1.0), unit="ms"),
            Figure(name="one market, decided to received, p99", value=watched.p99_ms, unit="ms"),
        ),
        configuration={
            "update": f"{WIDE_MARKETS} markets with {SELECTIONS} selections each, every price, as {WIDE_MARKETS}"
            " commands sent together straight to the book",
            "clients": f"{clients:,} in one process, each on all the markets, conflated to {CONFLATE_MS} ms",
            "updates": f"{updates}, one every {PAUSE_S} s",
            "measured": "from before the first command is sent until a client has the last price of the update",
            "one core's share of each role": spent,
        },
    )


async def _open_markets(stand: Stand) -> None:
    names, prices = tuple(f"Player {n}" for n in range(SELECTIONS)), (PRICE_MILLI,) * SELECTIONS
    for number in range(WIDE_MARKETS):
        await stand.ask(CreateMarket(1, "winner", selections=names, prices_milli=prices))
        await stand.ask(ResumeMarket(MARKETS + 1 + number))


async def _watch(stage: Stage, stand: Stand, clients: int) -> Watched:
    asked = Asked(
        port=stand.port,
        tokens=stand.tokens,
        clients=clients,
        markets=tuple(range(MARKETS + 1, MARKETS + 1 + WIDE_MARKETS)),
        conflate_ms=CONFLATE_MS,
        ready=str(stage.folder / "ready"),
        until=str(stage.folder / "until"),
    )
    return await apart(watch, asked)


async def _update(stand: Stand, number: int) -> float:
    """Every price moves; the instant at which that was asked for."""
    prices = tuple((selection, PRICE_MILLI + 10 * number) for selection in range(1, SELECTIONS + 1))
    asked_s = time.time()
    await asyncio.gather(*(stand.ask(SetPrices(MARKETS + 1 + each, prices)) for each in range(WIDE_MARKETS)))
    await asyncio.sleep(PAUSE_S)
    return asked_s


def _seen(watched: Watched, asked_s: list[float]) -> list[float]:
    """How long each client waited for each update, in seconds, sorted."""
    if watched.closed or any(len(rounds) != len(asked_s) for rounds in watched.rounds_s):
        raise Failed(f"{watched.closed} clients were cut off, one heard {watched.fewest} changes")
    return sorted(seen - asked for rounds in watched.rounds_s for seen, asked in zip(rounds, asked_s, strict=True))


BENCH = Bench(
    name="price-update",
    title="A thousand prices of twenty markets change at once before two hundred clients.",
    leaves_out=("TLS", "slow clients", "a network: everything is on loopback, clients share the two cores"),
    within_s=180,
    run=run,
)
