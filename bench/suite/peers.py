"""The same bets at a service with one transaction a bet, and pgbench, on the same PostgreSQL with the same settings."""

import asyncio
import re
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg
import httpx

from bench.apart import environment
from bench.audit import verify
from bench.finding import Figure, Finding
from bench.stage import ROOT, Bench, Failed, Stage
from bench.stand import CUSTOMERS, MARKETS, standing
from bench.wagers import PRICES_MILLI
from bench.wrk import Shot, shoot
from overround.infra.ports import LOOPBACK, free_port
from overround.infra.postgres import EmbeddedPostgres

CONNECTIONS: Final = 256
POOLS: Final = (4, 8, 16, 32)
CLIENTS: Final = (1, 8, 32)
READY_WITHIN_S = 30.0


async def run(stage: Stage) -> Finding:
    postgres = EmbeddedPostgres(stage.folder / "data")
    dsn = postgres.start()
    try:
        tps = await _pgbench(stage, postgres)
        await _prepare(dsn)
        pool, shot = await _peer(stage, dsn)
        await _verify(dsn, shot)
        ours = await _ours(stage, dsn)
    finally:
        postgres.stop()
    best = max(tps.values())
    return Finding(
        figures=(
            Figure(name="FastAPI + SQLAlchemy, one transaction a bet", value=shot.rate, unit="bets/s"),
            Figure(name="its p99", value=shot.p99_ms, unit="ms"),
            Figure(name="pgbench TPC-B, best", value=best, unit="tps", note=_words(tps)),
            Figure(name="this house, worker running", value=ours.rate, unit="bets/s"),
            Figure(name="this house over FastAPI + SQLAlchemy", value=ours.rate / shot.rate, unit="×", least=10),
            Figure(name="this house over pgbench TPC-B", value=ours.rate / best, unit="×"),
        ),
        configuration={
            "peer": f"uvicorn, one worker, uvloop, httptools; pool of {pool}, the best of {POOLS}",
            "load": f"wrk, {CONNECTIONS} connections, script of http-single; {CUSTOMERS} customers, {MARKETS} markets",
            "postgresql": "one and the same server for all three, one after another, with the house's settings",
            "pgbench": "scale 10, prepared statements, over the Unix socket",
        },
    )


def _words(tps: dict[int, float]) -> str:
    return ", ".join(f"{clients} clients {rate:,.0f}" for clients, rate in tps.items())


async def _pgbench(stage: Stage, postgres: EmbeddedPostgres) -> dict[int, float]:
    """Transactions a second by clients."""
    program = postgres.programs / "pgbench"
    where = ("--host", str(postgres.cluster), "--username", "overround", "overround")
    stage.tell("pgbench: filling its tables", 0.0)
    await _out(program, "--initialize", "--quiet", "--scale=10", *where)
    tps = {}
    for index, clients in enumerate(CLIENTS):
        stage.tell(f"pgbench with {clients} clients", 0.05 + 0.1 * index)
        seconds = stage.scaled(10, 1)
        words = await _out(
            program, "--no-vacuum", "--protocol=prepared", f"--client={clients}", f"--time={seconds}", *where
        )
        found = re.search(r"tps = ([\d.]+)", words)
        if found is None:
            raise Failed(f"pgbench said {words[-500:]}")
        tps[clients] = float(found[1])
    return tps


async def _out(program: Path, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        str(program), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        out, _ = await process.communicate()
    except BaseException:
        process.kill()
        raise
    if process.returncode != 0:
        raise Failed(f"{program.name} ended with {process.returncode}: {out.decode()[-500:]}")
    return out.decode()


async def _prepare(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute((ROOT / "bench" / "peers" / "schema.sql").read_text())
        await connection.executemany(
            "INSERT INTO peer.account VALUES ($1, $2, $3, $4)",
            [(n, f"token-{n}-{secrets.token_hex(16)}", 10**13, 10**9) for n in range(1, CUSTOMERS + 1)],
        )
        await connection.executemany(
            "INSERT INTO peer.selection VALUES ($1, $2, $3, true)",
            [(market, n + 1, price) for market in range(1, MARKETS + 1) for n, price in enumerate(PRICES_MILLI)],
        )
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def _peer(stage: Stage, dsn: str) -> tuple[int, Shot]:
    """The best size of the pool, and a whole run with it."""
    tokens = stage.folder / "tokens"
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch("SELECT token FROM peer.account ORDER BY id")
    await connection.close()
    tokens.write_text("".join(f"{row[0]}\n" for row in rows))
    rates = {}
    for index, pool in enumerate(POOLS):
        stage.tell(f"the peer with a pool of {pool}", 0.4 + 0.05 * index)
        rates[pool] = (await _shoot(dsn, tokens, pool=pool, seconds=stage.scaled(4, 1))).rate
    best = max(rates, key=lambda pool: rates[pool])
    stage.tell(f"the peer with its best pool, {best}", 0.7)
    return best, await _shoot(dsn, tokens, pool=best, seconds=stage.scaled(15, 2))


async def _shoot(dsn: str, tokens: Path, *, pool: int, seconds: int) -> Shot:
    async with _service(dsn, pool) as url:
        return await shoot(
            url,
            tokens=tokens,
            salt=secrets.token_hex(2),
            markets=range(1, MARKETS + 1),
            prices_milli=PRICES_MILLI,
            connections=CONNECTIONS,
            seconds=seconds,
        )


@asynccontextmanager
async def _service(dsn: str, pool: int) -> AsyncIterator[str]:
    port = free_port()
    words = (sys.executable, "-m", "bench.peers.service", dsn, str(port), str(pool))
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=ROOT,
        env=environment(),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        url = f"http://{LOOPBACK}:{port}"
        await _until_ready(url)
        yield url
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _until_ready(url: str) -> None:
    async with httpx.AsyncClient() as client:
        for _ in range(int(READY_WITHIN_S / 0.05)):
            try:
                await client.get(f"{url}/ready")
            except httpx.ConnectError:
                await asyncio.sleep(0.05)
            else:
                return
    raise Failed("the peer did not start")


async def _ours(stage: Stage, dsn: str) -> Shot:
    """The house on the same PostgreSQL, under the same load."""
    async with standing(stage, database_url=dsn) as stand:
        shot: Shot | None = None
        for seconds in (stage.scaled(3, 1), stage.scaled(15, 2)):  # the first warms it up
            stage.tell("this house", 0.85)
            after = await stand.head()
            shot = await shoot(
                stand.endpoints.http,
                tokens=stand.tokens_file,
                salt=secrets.token_hex(2),
                markets=range(1, MARKETS + 1),
                prices_milli=PRICES_MILLI,
                connections=CONNECTIONS,
                seconds=seconds,
            )
            await verify(stand, after=after, taken=shot.taken, spare=CONNECTIONS)
    assert shot is not None
    return shot


async def _verify(dsn: str, shot: Shot) -> None:
    """The peer's bets are real: at least as many as it acknowledged, and every one is in the balances."""
    if shot.refused or shot.broken:
        raise Failed(f"the peer refused {shot.refused} bets and broke {shot.broken}")
    connection = await asyncpg.connect(dsn)
    try:
        bets = await connection.fetchval("SELECT count(*) FROM peer.bet")
        staked = await connection.fetchval("SELECT sum(stake_minor)::bigint FROM peer.bet")
        moved = await connection.fetchval("SELECT sum(amount_minor)::bigint FROM peer.transfer")
        left = await connection.fetchval("SELECT sum(balance_minor)::bigint FROM peer.account")
    finally:
        await connection.close()
    if bets < shot.taken or staked != -moved or left + staked != CUSTOMERS * 10**13:
        raise Failed(f"the peer's books do not balance: {bets} bets, {staked} staked, {moved} moved, {left} left")


BENCH = Bench(
    name="peers",
    title="What one transaction a bet makes of the same PostgreSQL.",
    leaves_out=(
        "in the peer: liability limits, customers' own limits, market versions, in-play delays, journal, streams",
        "its tokens are looked up in memory",
    ),
    within_s=180,
    run=run,
)
