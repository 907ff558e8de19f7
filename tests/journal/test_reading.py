"""Readers: ranges, following, archives, and the audit of the whole chain."""

import asyncio
from functools import partial

import asyncpg
import pytest
from tests.journal.stories import bets, connected, open_journal, wait_until

from overround import journal
from overround.journal import What


async def test_read_gives_what_is_asked_for(journal_dsn: str) -> None:
    async with open_journal(journal_dsn) as writer, connected(journal_dsn) as connection:
        await writer.append(bets(30))
        assert [row.seq for row in await journal.read(connection, 10, 5)] == [11, 12, 13, 14, 15]
        assert [row.seq for row in await journal.read(connection, 27, 5)] == [28, 29, 30]
        assert await journal.read(connection, 30) == []


async def test_a_follower_hears_of_every_row_once_in_order(journal_dsn: str) -> None:
    wake = asyncio.Event()
    heard: list[int] = []

    async def listen() -> None:
        async for rows in journal.follow(journal_dsn, 0, wake, 3_600.0, limit=7):
            heard.extend(row.seq for row in rows)

    async def all_heard() -> bool:
        return len(heard) == 55

    follower = asyncio.ensure_future(listen())
    async with open_journal(journal_dsn) as writer:
        for count in range(1, 11):
            await writer.append(bets(count))
            wake.set()
        await wait_until(all_heard)
    follower.cancel()
    assert heard == list(range(1, 56))


async def test_a_follower_survives_lost_connections(journal_dsn: str) -> None:
    heard: list[int] = []

    async def listen() -> None:
        async for rows in journal.follow(journal_dsn, 0, poll_s=0.01):
            heard.extend(row.seq for row in rows)

    follower = asyncio.ensure_future(listen())
    async with open_journal(journal_dsn) as writer, connected(journal_dsn) as connection:
        for rounds in range(1, 6):
            await writer.append(bets(2))
            await wait_until(partial(_reached, heard, 2 * rounds))
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'SELECT seq, at_us%'"
            )
    follower.cancel()
    assert heard == list(range(1, 11))


async def _reached(heard: list[int], count: int) -> bool:
    return len(heard) >= count


async def test_a_follower_of_rows_that_are_gone_says_so(journal_dsn: str) -> None:
    async with open_journal(journal_dsn) as writer:
        await writer.append(bets(3))
    with pytest.raises(journal.Forked):
        await anext(journal.follow(journal_dsn, 4))


async def test_walk_finds_a_journal_right_and_reports_progress(journal_dsn: str) -> None:
    seen: list[int] = []
    async with open_journal(journal_dsn) as writer, connected(journal_dsn) as connection:
        for _ in range(4):
            await writer.append(bets(600))
        walk = await journal.walk(connection, on_progress=seen.append)
        assert walk == journal.Walk(head=writer.head, rows=2_400, difference=None)
    assert seen[-1] == 2_400


async def test_one_changed_byte_is_found_in_its_batch(journal_dsn: str) -> None:
    async with open_journal(journal_dsn) as writer, connected(journal_dsn) as connection:
        for _ in range(10):
            await writer.append(bets(5))
        await _past_the_guard(connection, "UPDATE journal.event SET body = replace(body, '102', '103') WHERE seq = 33")
        walk = await journal.walk(connection)
        assert walk.difference is not None
        assert (walk.difference.what, walk.difference.seq, walk.difference.last_seq) == (What.CHAIN, 31, 35)
        assert (walk.head.seq, walk.rows) == (30, 30)


async def test_a_removed_row_is_named(journal_dsn: str) -> None:
    async with open_journal(journal_dsn) as writer, connected(journal_dsn) as connection:
        await writer.append(bets(9))
        await _past_the_guard(connection, "DELETE FROM journal.event WHERE seq = 4")
        walk = await journal.walk(connection)
        assert walk.difference is not None
        assert (walk.difference.what, walk.difference.seq) == (What.SEQUENCE, 4)
        with pytest.raises(journal.Gap):
            await journal.read(connection, 0)


async def test_archived_partitions_are_gone_and_the_rest_still_verifies(journal_dsn: str) -> None:
    async with open_journal(journal_dsn) as writer, connected(journal_dsn) as connection:
        for _ in range(5):
            await writer.append(bets(700))
        with pytest.raises(journal.StillNeeded):
            await journal.archive(connection, below_seq=2_500)
        await journal.save(connection, _snapshot(writer.head))
        assert await journal.archive(connection, below_seq=2_500) == (
            "journal_archive.event_0000000000000001",
            "journal_archive.event_0000000000001001",
        )
        assert await journal.archive(connection, below_seq=2_500) == ()
        with pytest.raises(journal.Archived):
            await journal.read(connection, 1_999)
        assert (await journal.read(connection, 2_000, 1))[0].seq == 2_001
        assert await journal.walk(connection) == journal.Walk(head=writer.head, rows=1_500, difference=None)
        assert (await writer.append(bets(1))).seq == 3_501


async def test_an_archived_journal_without_rows_keeps_its_head(journal_dsn: str) -> None:
    async with open_journal(journal_dsn) as writer, connected(journal_dsn) as connection:
        head = await writer.append(bets(1_000))
        await journal.save(connection, _snapshot(head))
        await journal.archive(connection, below_seq=1_001)
        end = await journal.head(connection)
        assert (end.seq, end.chain) == (head.seq, head.chain)
        assert (await journal.latest(connection)) == _snapshot(head)
        assert (await writer.append(bets(1))).seq == 1_001


async def test_a_snapshot_comes_back_as_it_was_saved(journal_dsn: str) -> None:
    async with open_journal(journal_dsn) as writer, connected(journal_dsn) as connection:
        assert await journal.latest(connection) is None
        snapshot = _snapshot(await writer.append(bets(2)), body=b"state" * 4_000_000)  # three parts
        await journal.save(connection, snapshot)
        await journal.save(connection, snapshot)
        assert await journal.latest(connection) == snapshot
        assert await journal.latest(connection, format=2) is None


async def test_a_damaged_or_foreign_snapshot_is_passed_over(journal_dsn: str) -> None:
    async with open_journal(journal_dsn) as writer, connected(journal_dsn) as connection:
        good = _snapshot(await writer.append(bets(2)))
        damaged = _snapshot(await writer.append(bets(2)))
        foreign = _snapshot(journal.Head((await writer.append(bets(2))).seq, journal.GENESIS))
        for each in (good, damaged, foreign):
            await journal.save(connection, each)
        await connection.execute("UPDATE journal.snapshot_part SET body = 'x' WHERE seq = $1", damaged.seq)
        assert await journal.latest(connection) == good


async def test_old_snapshots_are_pruned(journal_dsn: str) -> None:
    async with open_journal(journal_dsn) as writer, connected(journal_dsn) as connection:
        for _ in range(5):
            await journal.save(connection, _snapshot(await writer.append(bets(1))))
        assert await journal.prune(connection, keep=2) == 3
        left = await connection.fetch("SELECT DISTINCT seq FROM journal.snapshot_part ORDER BY seq")
        assert [row["seq"] for row in left] == [4, 5]


async def test_the_lease_passes_on_when_it_ends(journal_dsn: str) -> None:
    async with connected(journal_dsn) as connection:
        assert await journal.acquire(connection, "a", 60.0) == 1
        assert await journal.acquire(connection, "b", 60.0) is None
        assert await journal.acquire(connection, "a", 60.0) == 2, "a restart need not wait"
        assert not await journal.renew(connection, 1, 60.0)
        assert await journal.renew(connection, 2, 0.0)
        assert await journal.acquire(connection, "b", 60.0) == 3
        assert not await journal.renew(connection, 2, 60.0)
        lease = await journal.lease(connection)
        assert (lease.epoch, lease.holder) == (3, "b")
        assert 0 < lease.left_us <= 60_000_000
        assert await journal.release(connection, 3)
        assert await journal.acquire(connection, "a", 60.0) == 4


async def test_migrating_twice_at_once_is_harmless(postgres_dsn: str) -> None:
    async def migrate() -> int:
        async with connected(postgres_dsn) as connection:
            return await journal.migrate(connection)

    assert set(await asyncio.gather(migrate(), migrate(), migrate())) == {2}


async def test_a_journal_keeps_its_identity_and_one_made_anew_has_another(journal_dsn: str) -> None:
    async with connected(journal_dsn) as connection:
        mine = await journal.identity(connection)
        await journal.migrate(connection)
        assert await journal.identity(connection) == mine
        await connection.execute("DROP SCHEMA journal CASCADE")
        await journal.migrate(connection)
        assert await journal.identity(connection) != mine
    assert len(bytes.fromhex(mine)) == 16


def _snapshot(head: journal.Head, body: bytes = b"state") -> journal.Snapshot:
    return journal.Snapshot(seq=head.seq, chain=head.chain, state_hash=b"#", format=1, body=body)


async def _past_the_guard(connection: "asyncpg.Connection[asyncpg.Record]", change: str) -> None:
    """As a superuser may: without triggers."""
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(change)
