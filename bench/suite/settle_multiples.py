"""One event that two hundred thousand multiples share is settled while bets on other markets go on."""

from bench.finding import Figure, Finding
from bench.stage import Bench, Stage
from bench.stand import MARKETS
from bench.suite.settle_million import SEED_CUSTOMERS, settle_while_placing

LEGS = 4
OTHER_MARKETS = 100


async def run(stage: Stage) -> Finding:
    bets = stage.scaled(200_000, 4_000)
    measured = await settle_while_placing(
        stage, bets=bets, what="multiples on one event", legs=LEGS, markets=MARKETS + OTHER_MARKETS
    )
    took_s = measured.settled.took_s
    return Finding(
        figures=(
            Figure(name="result to the last multiple looked at", value=took_s, unit="s", most=20),
            Figure(name="multiples", value=bets / took_s, unit="bets/s"),
            *measured.figures,
        ),
        configuration={
            "multiples": f"{bets:,} of {SEED_CUSTOMERS:,} customers, {LEGS} legs each: one on the event that they"
            f" share, a third of which has won, the others on {OTHER_MARKETS} more",
            "settled": "two thirds are lost with the first leg and settled, a third is looked at and stays open",
            **measured.configuration,
        },
    )


BENCH = Bench(
    name="settle-multiples",
    title="An event that two hundred thousand multiples share is settled while placing goes on.",
    leaves_out=("corrections of the result", "the worker's projections of it, which come after"),
    within_s=600,
    run=run,
)
