"""Orders through the dialect: fifty instructions a request, JSON-RPC over HTTP."""

from bench.apart import apart
from bench.finding import Figure, Finding
from bench.floor import open_floor, prove, sessions
from bench.stage import Bench, Failed, Stage
from bench.stand import CUSTOMERS, MARKETS, shares, standing
from bench.traders import RESTS, Plan, trade

BATCH = 50
CONNECTIONS = 16
WARM_S = 3.0


async def run(stage: Stage) -> Finding:
    seconds = stage.scaled(15, 2)
    async with standing(stage) as stand:
        markets = await open_floor(stand, markets=MARKETS)
        plan = Plan(
            port=stand.port,
            sessions=await sessions(stand),
            markets=markets,
            seconds=seconds,
            batch=BATCH,
            connections=CONNECTIONS,
            warm_s=WARM_S,
        )
        stage.tell(f"batches of {BATCH} for {seconds} s", 0.3)
        after, before = await stand.head(), stand.cpu_s()
        shot = await apart(trade, plan)
        spent = shares(before, stand.cpu_s(), seconds + WARM_S)
        if shot.refused:
            raise Failed(f"requests were refused: {shot.refused}")
        stage.tell("checking the journal", 0.8)
        proof = await prove(stand, after=after, taken=shot.taken)
    return Finding(
        figures=(
            Figure(name="orders taken", value=shot.rate, unit="orders/s", least=15_000),
            Figure(name="p50 of a batch", value=shot.p50_ms, unit="ms"),
            Figure(name="p99 of a batch", value=shot.p99_ms, unit="ms"),
        ),
        configuration={
            "load": f"closed, {CONNECTIONS} connections, placeOrders of {BATCH} instructions, no customerRef",
            "house": f"{CUSTOMERS} customers, {MARKETS} markets of 3 runners; worker and stream running",
            "orders": f"{100 * RESTS:.0f} % rest away from the spread, the others cross it",
            "one core's share of each role": spent,
            "proof": proof,
        },
    )


BENCH = Bench(
    name="exchange-http",
    title="Fifty orders a request through the dialect, every order durable.",
    leaves_out=("TLS", "a network: everything is on loopback", "other traffic: streams, reads"),
    within_s=240,
    run=run,
)
