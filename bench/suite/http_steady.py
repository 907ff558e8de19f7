"""One bet a request at a steady rate: what a customer waits on a good day."""

from bench.audit import verify
from bench.finding import Figure, Finding
from bench.load import Plan
from bench.stage import Bench, Failed, Stage
from bench.stand import CUSTOMERS, MARKETS, load, shares, standing
from bench.wagers import PRICES_MILLI

RATE = 3_000
CONNECTIONS = 128


async def run(stage: Stage) -> Finding:
    seconds = stage.scaled(20, 2)
    keys = stage.folder / "keys"
    async with standing(stage) as stand:
        stage.tell(f"{RATE:,} bets a second for {seconds} s", 0.3)
        after, before = await stand.head(), stand.cpu_s()
        shot = await load(
            Plan(
                port=stand.port,
                tokens=stand.tokens,
                markets=tuple(range(1, MARKETS + 1)),
                prices_milli=PRICES_MILLI,
                seconds=seconds,
                rate=RATE,
                connections=CONNECTIONS,
                warm_s=3.0,
                keys=str(keys),
            )
        )
        spent = shares(before, stand.cpu_s(), seconds + 3.0)
        if shot.codes or shot.unanswered:
            raise Failed(f"{shot.unanswered} bets were not answered, refused were {shot.codes}")
        stage.tell("checking the journal", 0.9)
        proof = await verify(stand, after=after, taken=shot.acknowledged, keys=keys)
    return Finding(
        figures=(
            Figure(name="p99", value=shot.p99_ms, unit="ms", most=15),
            Figure(name="p50", value=shot.p50_ms, unit="ms"),
            Figure(name="p99.9", value=shot.p999_ms, unit="ms"),
            Figure(name="slowest", value=shot.max_ms, unit="ms"),
            Figure(name="bets taken", value=shot.rate, unit="bets/s"),
        ),
        configuration={
            "load": f"open, {RATE:,} a second on a schedule, {CONNECTIONS} connections, measured from the instant at"
            f" which each was meant to be sent; the generator was late by at most {shot.late_ms:.1f} ms, which counts",
            "house": f"{CUSTOMERS} customers, {MARKETS} markets, limits wide; worker running",
            "one core's share of each role": spent,
            "proof": proof,
        },
    )


BENCH = Bench(
    name="http-steady",
    title="One bet a request at a steady 3,000 a second.",
    leaves_out=("TLS", "a network: everything is on loopback", "bursts: requests come evenly"),
    within_s=180,
    run=run,
)
