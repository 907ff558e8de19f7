"""One house, a load, and what is done to the house while the load goes on; then everything is looked at."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import httpx
import msgspec
from tests.chaos.load import Load

from overround.apps import demo
from overround.apps.house import Endpoints, House
from overround.apps.settings import Settings
from overround.infra.ports import free_port
from overround.kernel.ids import make_key


class Story:
    """A running house with customers and an open market."""

    def __init__(self, house: House, endpoints: Endpoints, load: Load) -> None:
        self.house, self.endpoints, self.load = house, endpoints, load

    def pid(self, name: str) -> int:
        pid = self.house.supervisor.pid(name)
        assert pid is not None, f"{name} is down"
        return pid

    def kill(self, name: str) -> None:
        os.kill(self.pid(name), signal.SIGKILL)

    async def leader(self) -> str:
        """The book that holds the lease."""
        return str(await self._ask("SELECT holder FROM journal.lease"))

    async def terms(self) -> int:
        """How many terms there have been."""
        return int(str(await self._ask("SELECT count(*) FROM journal.event WHERE kind = 'term_began'")))

    async def _ask(self, query: str) -> object:
        connection = await asyncpg.connect(self.house.settings.dsn)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()


@asynccontextmanager
async def story(folder: Path, *, followers: int = 0, seed: int = 1) -> AsyncIterator[Story]:
    """Start a house with ten customers and one market, put it under load, and audit it at the end."""
    house = House(Settings(data=folder / "data", port=free_port()), followers=followers)
    try:
        endpoints = await demo.seed(await house.start())
        load = Load(endpoints, market_id=await open_market(endpoints), seed=seed)
        await load.start()
        yield Story(house, endpoints, load)
        await load.stop()
        await audit(house, load)
    except BaseException:
        show_logs(folder / "data" / "logs")
        raise
    finally:
        await house.stop()


def show_logs(folder: Path) -> None:
    """The end of every process's log, for who reads why a story went wrong."""
    for file in sorted(folder.glob("*.log")):
        print(f"--- {file.name}\n{file.read_text(encoding='utf-8', errors='replace')[-3_000:]}")  # noqa: T201


async def open_market(endpoints: Endpoints) -> int:
    """A 1X2 market that takes bets at 3.00 each."""
    headers = {"Authorization": f"Bearer {endpoints.operator_token}"}
    async with httpx.AsyncClient(base_url=f"{endpoints.http}/v1/operator", headers=headers, timeout=15) as client:

        async def post(path: str, **body: object) -> int:
            key = make_key(at_us=time.time_ns() // 1_000, chance=time.monotonic_ns())
            answer = await client.post(path, json=body, headers={"Idempotency-Key": key})
            answer.raise_for_status()
            found: dict[str, int] = answer.json()
            return next((found[name] for name in found if name.endswith("_id")), 0)

        sport_id = await post("/sports", name="Football")
        competition_id = await post("/competitions", sport_id=sport_id, name="Cup")
        event_id = await post("/events", competition_id=competition_id, name="A v B", starts_at="2030-01-01T00:00:00Z")
        market_id = await post("/markets", event_id=event_id, type="1x2", prices_milli=[3_000] * 3)
        await post(f"/markets/{market_id}/resume")
        return market_id


async def audit(house: House, load: Load) -> None:
    """Every acknowledged bet once, none invented, ledger zero, and `overround audit verify` finds nothing."""
    connection = await asyncpg.connect(house.settings.dsn)
    try:
        rows = await connection.fetch("SELECT body FROM journal.event WHERE kind = 'bet_accepted' ORDER BY seq")
    finally:
        await connection.close()
    facts = [json.loads(row["body"]) for row in rows]
    in_journal = {fact["cause"][1]: fact["bet_id"] for fact in facts}
    assert len(in_journal) == len(facts), "a key has two bets"
    assert {told.key: told.bet_id for told in load.acknowledged} == in_journal, "told and kept differ"
    assert set(in_journal) <= load.issued, "a bet that nobody asked for"
    await verify(house)


async def verify(house: House) -> None:
    """The auditor's own command, as an operator runs it."""
    environment = {**os.environ, "OVERROUND_DATABASE_URL": house.settings.dsn}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "overround", "audit", "verify", "--json"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, (out + err).decode()


@contextmanager
def full_disk(house: House) -> Iterator[None]:
    """No file of PostgreSQL grows any more, as on a full disk: every write of every backend fails."""
    try:
        limit_files(house, "1:")
        yield
    finally:
        limit_files(house, "unlimited:")


def limit_files(house: House, soft: str) -> None:
    """Set the soft limit on file sizes for PostgreSQL's processes, as the user it runs as."""
    assert house.postgres is not None
    account, postmaster = house.postgres.account, house.supervisor.pid("postgres")
    if postmaster is None:
        return  # it gave up; the next one starts without a limit
    for pid in (postmaster, *children(postmaster)):
        subprocess.run(
            ["prlimit", "--pid", str(pid), f"--fsize={soft}"],
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            check=False,
            capture_output=True,
        )


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except FileNotFoundError:
        return []
    return [int(word) for word in text.split()]


def as_text(load: Load) -> str:
    """What a round looked like, for who reads the log."""
    told = msgspec.to_builtins(load.refused)
    return f"{len(load.acknowledged)} bets acknowledged, {load.retries} retries, refused {told}"
