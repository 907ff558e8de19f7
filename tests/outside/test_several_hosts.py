"""A house whose address of PostgreSQL names two servers: it goes on when the primary dies and the standby takes over.

After each story: every acknowledged bet is in the journal once, none is invented, and `overround audit verify` is
clean.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.chaos.load import Load
from tests.chaos.story import audit, open_market, show_logs
from tests.outside.cluster import Cluster, cluster
from tests.outside.roles import CEILING_S

from overround import journal
from overround.apps import demo
from overround.apps.house import House
from overround.apps.settings import Settings
from overround.infra.ports import free_port
from overround.infra.postgres import EmbeddedPostgres

pytestmark = pytest.mark.xdist_group("outside")

SETTLED_S = 1.0
ROUNDS = 4
MANY_SESSIONS = 30


@asynccontextmanager
async def story(folder: Path) -> AsyncIterator[tuple[Cluster, Load]]:
    """A house with a follower on two servers, under load; it is audited at the end."""
    async with cluster(folder) as pair:
        house = House(Settings(data=folder / "data", port=free_port(), database_url=pair.dsn), followers=1)
        try:
            endpoints = await demo.seed(await house.start())
            load = Load(endpoints, market_id=await open_market(endpoints), seed=1)
            await load.start()
            yield pair, load
            await load.stop()
            await audit(house, load)
        except BaseException:
            show_logs(folder / "data" / "logs")
            raise
        finally:
            await house.stop()


async def test_the_standby_takes_over(data_folder: Path) -> None:
    async with story(data_folder) as (pair, load):
        await load.goes_on(100)
        pair.kill_primary()
        await pair.promote()
        seconds = await load.goes_on(100)
        print(f"going on after {seconds:.2f} s; {len(load.acknowledged)} bets, {load.retries} retries")  # noqa: T201


async def test_a_commit_that_no_longer_waits_for_the_standby_is_not_taken_for_done(data_folder: Path) -> None:
    async with story(data_folder) as (pair, load):
        await load.goes_on(50)
        # given a standby that hears nothing, so that commits hang
        pair.freeze_standby()
        await asyncio.sleep(SETTLED_S)
        told, cancelled = len(load.acknowledged), 0
        # when somebody cancels the waiting, again and again
        for _ in range(ROUNDS):
            cancelled += await pair.cancel_waits()
            await asyncio.sleep(SETTLED_S)
        # then nobody is told of a bet that only the primary has, and who asks again and again leaves nothing behind
        assert cancelled
        assert await pair.sessions() < MANY_SESSIONS
        assert len(load.acknowledged) == told
        # and when the primary dies, the standby has all that was told
        pair.kill_primary()
        await pair.promote()
        await load.goes_on(100)


async def test_only_the_server_that_takes_writes_will_do(data_folder: Path) -> None:
    async with cluster(data_folder) as pair:
        without = pair.dsn.partition("?")[0]
        for dsn in (pair.dsn, without):
            connection = await journal.connect(dsn)
            assert await connection.fetchval("SELECT NOT pg_is_in_recovery()")
            await connection.close()
        pair.kill_primary()
        with pytest.raises(ConnectionError, match=r"ConnectionRefusedError.*TargetServerAttributeNotMatched"):
            await journal.connect(without)
        await pair.promote()
        await (await journal.connect(without)).close()


async def test_a_host_that_never_answers_delays_nobody(data_folder: Path) -> None:
    """The first host takes connections and says nothing, like a machine that hangs."""
    postgres = EmbeddedPostgres(data_folder, port=free_port())
    postgres.start()
    try:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            authority, _, rest = postgres.tcp_dsn.rpartition("@")
            dsn = f"{authority}@127.0.0.1:{silent.getsockname()[1]},{rest}"
            connection = await journal.connect(dsn, within_s=CEILING_S)
            assert await connection.fetchval("SELECT 1") == 1
            await connection.close()
    finally:
        postgres.stop()
