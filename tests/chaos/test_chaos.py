"""The house on its real engines, under load, while somebody does their worst.

After each story: every acknowledged bet is in the journal once, none is invented, the ledger is level, and
`overround audit verify` is clean. `OVERROUND_CHAOS_ROUNDS` says how many times each thing is done (default 2).
"""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from tests.chaos.story import as_text, full_disk, story

from overround.host.desk import RETRY_S

ROUNDS = int(os.environ.get("OVERROUND_CHAOS_ROUNDS", "2"))
FROZEN_S = 2.5
CUT_S = 2.0

pytestmark = pytest.mark.xdist_group("chaos")


async def test_kill_9(data_folder: Path) -> None:
    """Every process in turn, again and again."""
    async with story(data_folder) as house:
        for victim in ("book-1", "worker", "gateway", "postgres", "nats") * ROUNDS:
            house.kill(victim)
            await asyncio.sleep(0.2)
            seconds = await house.load.goes_on(50)
            print(f"{victim}: going on after {seconds:.2f} s; {as_text(house.load)}")  # noqa: T201  # read with -s


async def test_a_follower_takes_over(data_folder: Path) -> None:
    async with story(data_folder, followers=1) as house:
        for _ in range(ROUNDS):
            house.kill(await house.leader())
            await asyncio.sleep(0.2)
            seconds = await house.load.goes_on(50)
            print(f"leader: going on after {seconds:.2f} s; {as_text(house.load)}")  # noqa: T201  # read with -s


async def test_a_book_frozen_past_its_lease_comes_back_to_nothing(data_folder: Path) -> None:
    async with story(data_folder, followers=1) as house:
        for _ in range(ROUNDS):
            frozen = await house.leader()
            os.kill(house.pid(frozen), signal.SIGSTOP)
            await asyncio.sleep(FROZEN_S)
            assert await house.leader() != frozen
            await house.load.goes_on(50)
            os.kill(house.pid(frozen), signal.SIGCONT)
            await house.load.goes_on(50)


async def test_a_full_disk(data_folder: Path) -> None:
    async with story(data_folder) as house:
        for _ in range(ROUNDS):
            before = await house.terms()
            with full_disk(house.house):
                await asyncio.sleep(CUT_S)
            await house.load.goes_on(50)
            assert await house.terms() > before, "no commit failed"


async def test_engines_that_hang(data_folder: Path) -> None:
    """NATS is cut off, PostgreSQL stands still; both come back."""
    async with story(data_folder) as house:
        for engine in ("nats", "postgres") * ROUNDS:
            pid = house.pid(engine)
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(CUT_S + RETRY_S)
            os.kill(pid, signal.SIGCONT)
            await house.load.goes_on(50)


async def test_jetstream_is_a_cache(data_folder: Path) -> None:
    """Deleting what NATS keeps on disk loses nothing."""
    async with story(data_folder) as house:
        house.kill("nats")
        for file in sorted((data_folder / "data" / "nats" / "jetstream").rglob("*"), reverse=True):
            file.unlink() if file.is_file() else file.rmdir()
        await house.load.goes_on(50)
