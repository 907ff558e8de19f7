"""One market with a million open bets is settled while bets on other markets go on."""

import asyncio
import time
from pathlib import Path

import msgspec

from bench.apart import apart
from bench.audit import verify
from bench.finding import Figure, Finding
from bench.load import Plan, Shot, percentile_ms, read_trace
from bench.seed import Seed, plant
from bench.stage import Bench, Failed, Stage
from bench.stand import CUSTOMERS, MARKETS, Stand, load, shares, standing
from bench.wagers import PRICES_MILLI
from overround import journal
from overround.apps.snapshot import take
from overround.book.machine import Done
from overround.book.machine.commands import RecordResult
from overround.book.settlement import Score
from overround.infra.postgres import EmbeddedPostgres

RATE = 1_000
LONGEST_S = 120
SEED_CUSTOMERS = 1_000
LATEST_STEP = """
    SELECT at_us, (body::jsonb)->'last' = 'true' AS last FROM journal.event
    WHERE seq > $1 AND kind = 'bets_settled' ORDER BY seq DESC LIMIT 1"""


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """From when to when by CLOCK_MONOTONIC, and how long by the instants of the facts, in seconds."""

    began: float
    ended: float
    took_s: float


class Meanwhile(msgspec.Struct, frozen=True, kw_only=True):
    """A settlement and what placing took: while it went on, and just before. Latencies in seconds, sorted."""

    settled: Settled
    meanwhile: list[float]
    calm: list[float]
    spent: str
    proof: str

    @property
    def figures(self) -> tuple[Figure, ...]:
        return (
            Figure(name="placing meanwhile, p99", value=percentile_ms(self.meanwhile, 0.99), unit="ms", most=50),
            Figure(name="placing meanwhile, p50", value=percentile_ms(self.meanwhile, 0.5), unit="ms"),
            Figure(name="placing meanwhile, slowest", value=percentile_ms(self.meanwhile, 1.0), unit="ms"),
            Figure(name="placing just before, p99", value=percentile_ms(self.calm, 0.99), unit="ms"),
        )

    @property
    def configuration(self) -> dict[str, str]:
        return {
            "placing": f"open load, {RATE:,} a second on {MARKETS - 1} other markets, measured from the instant at"
            f" which each was meant to be sent; {len(self.meanwhile):,} bets during the settlement",
            "one core's share of each role": self.spent,
            "proof": self.proof,
        }


async def run(stage: Stage) -> Finding:
    bets = stage.scaled(1_000_000, 20_000)
    measured = await settle_while_placing(stage, bets=bets, what="bets on one market")
    took_s = measured.settled.took_s
    return Finding(
        figures=(
            Figure(name="result to the last bet settled", value=took_s, unit="s", most=30),
            Figure(name="bets settled", value=bets / took_s, unit="bets/s"),
            *measured.figures,
        ),
        configuration={
            "market": f"{bets:,} open bets of {SEED_CUSTOMERS:,} customers on a 1X2, a third of them wins",
            **measured.configuration,
        },
    )


async def settle_while_placing(
    stage: Stage, *, bets: int, what: str, legs: int = 1, markets: int = MARKETS
) -> Meanwhile:
    """A house with so many open bets on its first market, whose result comes in while others place bets."""
    await _plant(stage, Seed(dsn="", bets=bets, customers=SEED_CUSTOMERS, markets=markets, used=1, legs=legs), what)
    async with standing(stage, seeded=True) as stand:
        stage.tell("waiting for the worker to show the bets", 0.3)
        while await stand.behind():
            await asyncio.sleep(0.5)
        after, before = await stand.head(), stand.cpu_s()
        stage.tell(f"settling {bets:,} {what} while {RATE:,} a second are placed", 0.6)
        loading = asyncio.create_task(_place(stage, stand))
        try:
            await asyncio.sleep(stage.scaled(8, 2))
            settled = await _settle(stand)
            spent = shares(before, stand.cpu_s(), time.monotonic() - settled.began + stage.scaled(8, 2))
        finally:
            (stage.folder / "until").touch()
            shot = await loading
        stage.tell("checking the journal", 0.9)
        proof = await verify(stand, after=after, taken=shot.acknowledged, keys=stage.folder / "keys")
    return Meanwhile(
        settled=settled,
        meanwhile=_latencies(stage.folder / "trace", settled.began, settled.ended),
        calm=_latencies(stage.folder / "trace", settled.began - stage.scaled(4, 1), settled.began),
        spent=spent,
        proof=proof,
    )


async def _plant(stage: Stage, seed: Seed, what: str) -> None:
    postgres = EmbeddedPostgres(stage.folder / "data")
    dsn = postgres.start()
    try:
        stage.tell(f"writing a journal of {seed.bets:,} {what}", 0.0)
        await apart(plant, msgspec.structs.replace(seed, dsn=dsn))
        stage.tell("taking a snapshot", 0.2)
        await apart(take, dsn)
    finally:
        postgres.stop()


async def _place(stage: Stage, stand: Stand) -> Shot:
    shot = await load(
        Plan(
            port=stand.port,
            tokens=stand.tokens[:CUSTOMERS],
            markets=tuple(range(2, MARKETS + 1)),
            prices_milli=PRICES_MILLI,
            seconds=LONGEST_S,
            rate=RATE,
            connections=128,
            keys=str(stage.folder / "keys"),
            trace=str(stage.folder / "trace"),
            until=str(stage.folder / "until"),
        )
    )
    if shot.codes or shot.unanswered:
        raise Failed(f"{shot.unanswered} bets were not answered, refused were {shot.codes}")
    return shot


async def _settle(stand: Stand) -> Settled:
    """Record the result and wait for the fact that settles the last bet."""
    connection = await journal.connect(stand.dsn)
    try:
        began = time.monotonic()
        answer = await stand.ask(RecordResult(1, Score(2, 0)))
        assert isinstance(answer, Done)
        recorded_us: int = await connection.fetchval("SELECT at_us FROM journal.event WHERE seq = $1", answer.seq)
        while time.monotonic() - began < LONGEST_S:
            await asyncio.sleep(0.1)
            row = await connection.fetchrow(LATEST_STEP, answer.seq)
            if row is not None and row["last"]:
                return Settled(began=began, ended=time.monotonic(), took_s=(row["at_us"] - recorded_us) / 1e6)
    finally:
        await connection.close()
    raise Failed(f"not settled after {LONGEST_S} s")


def _latencies(trace: Path, since: float, until: float) -> list[float]:
    """What the bets took that were meant to be sent in this span, sorted."""
    return sorted(took for meant, took in read_trace(trace) if since <= meant <= until)


BENCH = Bench(
    name="settle-million",
    title="A market with a million open bets is settled while placing goes on.",
    leaves_out=("corrections of the result", "the worker's projections of it, which come after"),
    within_s=600,
    run=run,
)
