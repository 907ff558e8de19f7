"""The worker on a real journal: it folds what is there and what comes, takes snapshots, and ends when told."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.projections.stories import House, append, connected, contents, fold_all, play, wait_until

from overround import identity, journal, projections
from overround.apps import snapshot
from overround.apps.worker import SnapshotPlan, work
from overround.book.machine import FORMAT, decode_snapshot, state_hash

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def house() -> House:
    return play()


@asynccontextmanager
async def working(dsn: str, plan: SnapshotPlan | None = None) -> AsyncIterator[asyncio.Task[None]]:
    stop = asyncio.Event()
    task = asyncio.create_task(work(dsn, stop, plan=plan or SnapshotPlan()))
    try:
        yield task
    finally:
        stop.set()
        await task


async def folded(dsn: str, seq: int) -> None:
    async def reached() -> bool:
        async with connected(dsn) as connection:
            made = await connection.fetchval("SELECT to_regclass('read.checkpoint')")
            return made is not None and await projections.checkpoint(connection) >= seq

    await wait_until(reached)


async def test_what_was_there_and_what_comes_is_folded_once(journal_dsn: str, house: House) -> None:
    head = await append(journal_dsn, house.facts[:200])
    async with working(journal_dsn):
        await folded(journal_dsn, 200)
        await append(journal_dsn, house.facts[200:], head=head)
        await folded(journal_dsn, len(house.facts))
    async with connected(journal_dsn) as connection:
        worked = await contents(connection)
        await projections.drop(connection)
        await fold_all(connection, house.recorded())
        assert await contents(connection) == worked


async def test_a_worker_whose_connection_is_killed_goes_on(journal_dsn: str, house: House) -> None:
    async with working(journal_dsn), connected(journal_dsn) as connection:
        head = None
        for first in range(0, len(house.facts), 60):
            head = await append(journal_dsn, house.facts[first : first + 60], head=head)
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        await folded(journal_dsn, len(house.facts))
        balances = await connection.fetch("SELECT balance_minor FROM read.account ORDER BY id")
    accounts = house.machine.state.ledger.accounts.values()
    assert [row[0] for row in balances] == [account.balance_minor for account in accounts]


async def test_whatever_moment_kills_a_worker_each_fact_counts_once(
    journal_dsn: str, nats_url: str, house: House
) -> None:
    """Facts come while one worker after the other is killed outright; the last one is left alone."""
    async with connected(journal_dsn) as connection:
        await projections.migrate(connection)
        await identity.migrate(connection)
    head = None
    for first in range(0, len(house.facts), 40):
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "overround", "run", "worker"),
            env={**os.environ, "OVERROUND_DATABASE_URL": journal_dsn, "OVERROUND_NATS_URL": nats_url},
        )
        try:
            head = await append(journal_dsn, house.facts[first : first + 40], head=head, batch=5)
            await folded(journal_dsn, house.chance.randint(first, len(house.facts[: first + 40])))
        finally:
            worker.kill()
            await worker.wait()
    async with working(journal_dsn), connected(journal_dsn) as connection:
        await folded(journal_dsn, len(house.facts))
        worked = await contents(connection)
    async with connected(journal_dsn) as connection:
        await projections.drop(connection)
        await fold_all(connection, house.recorded())
        assert await contents(connection) == worked


async def test_two_workers_do_not_fold_twice(journal_dsn: str, house: House) -> None:
    async with working(journal_dsn) as one, working(journal_dsn) as two:
        await append(journal_dsn, house.facts)
        await folded(journal_dsn, len(house.facts))
        assert not one.done()
        assert not two.done()


async def test_a_snapshot_is_taken_when_one_is_due(journal_dsn: str, house: House) -> None:
    await append(journal_dsn, house.facts)
    async with working(journal_dsn, SnapshotPlan(every_facts=100)), connected(journal_dsn) as connection:

        async def taken() -> bool:
            return bool(await connection.fetchval("SELECT count(*) FROM journal.snapshot"))

        await wait_until(taken)
        saved = await journal.latest(connection, format=FORMAT)
    assert saved is not None
    assert saved.seq == len(house.facts)
    assert saved.state_hash == state_hash(house.machine.state)
    assert state_hash(decode_snapshot(saved.body)) == saved.state_hash


async def test_a_snapshot_continues_the_one_before_and_few_are_kept(journal_dsn: str, house: House) -> None:
    head = None
    for first in range(0, len(house.facts), 60):
        head = await append(journal_dsn, house.facts[first : first + 60], head=head)
        assert await snapshot.take(journal_dsn) == head.seq
        assert await snapshot.take(journal_dsn) == head.seq, "nothing new, nothing to do"
    async with connected(journal_dsn) as connection:
        assert await connection.fetchval("SELECT count(*) FROM journal.snapshot") == snapshot.KEPT
        saved = await journal.latest(connection, format=FORMAT)
    assert saved is not None
    assert saved.state_hash == state_hash(house.machine.state)


async def test_no_snapshot_is_taken_of_a_journal_that_was_changed(journal_dsn: str, house: House) -> None:
    await append(journal_dsn, house.facts)
    async with connected(journal_dsn) as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(
            "UPDATE journal.event SET body = replace(body, 'first', 'worst')"
            " WHERE seq = (SELECT min(seq) FROM journal.event WHERE kind = 'funds_moved')"
        )
    with pytest.raises(snapshot.Broken):
        await snapshot.take(journal_dsn)
