"""Fifty bets a request over HTTP."""

from bench.audit import verify
from bench.finding import Figure, Finding
from bench.load import Plan
from bench.stage import Bench, Failed, Stage
from bench.stand import CUSTOMERS, MARKETS, load, shares, standing
from bench.wagers import PRICES_MILLI

BATCH = 50
CONNECTIONS = 16


async def run(stage: Stage) -> Finding:
    seconds = stage.scaled(15, 2)
    keys = stage.folder / "keys"
    async with standing(stage) as stand:
        stage.tell(f"batches of {BATCH} for {seconds} s", 0.3)
        after, before = await stand.head(), stand.cpu_s()
        shot = await load(
            Plan(
                port=stand.port,
                tokens=stand.tokens,
                markets=tuple(range(1, MARKETS + 1)),
                prices_milli=PRICES_MILLI,
                seconds=seconds,
                batch=BATCH,
                connections=CONNECTIONS,
                warm_s=3.0,
                keys=str(keys),
            )
        )
        spent = shares(before, stand.cpu_s(), seconds + 3.0)
        if shot.codes or shot.unanswered:
            raise Failed(f"{shot.unanswered} batches were not answered, refused were {shot.codes}")
        stage.tell("checking the journal", 0.8)
        proof = await verify(stand, after=after, taken=shot.acknowledged, keys=keys)
    return Finding(
        figures=(
            Figure(name="bets taken", value=shot.rate, unit="bets/s", least=30_000),
            Figure(name="p50 of a batch", value=shot.p50_ms, unit="ms"),
            Figure(name="p99 of a batch", value=shot.p99_ms, unit="ms"),
        ),
        configuration={
            "load": f"closed, {CONNECTIONS} connections, {BATCH} bets a request, each bet with its own key",
            "house": f"{CUSTOMERS} customers, {MARKETS} markets, limits wide; worker running",
            "one core's share of each role": spent,
            "proof": proof,
        },
    )


BENCH = Bench(
    name="http-batch",
    title="Fifty bets a request over HTTP, every bet durable.",
    leaves_out=("TLS", "a network: everything is on loopback", "other traffic: streams, reads, price changes"),
    within_s=240,
    run=run,
)
