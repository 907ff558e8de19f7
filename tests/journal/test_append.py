"""The writer: what an append leaves behind, and who may not append."""

import asyncio

import asyncpg
import pytest
from tests.journal.stories import bets, connected, held_up_commits, open_journal, rows_of, wait_until

from overround import journal
from overround.journal import Fenced, Head, Journal, OutcomeUnknown


async def test_rows_are_dense_and_come_back_as_they_were_written(journal_dsn: str) -> None:
    async with open_journal(journal_dsn) as writer:
        await writer.append([(10, "opened", '{"name":"Ünïcode ✓"}')])
        head = await writer.append([(10, "bet", b"{}"), (11, "bet", '{"stake_minor":500}')])
    assert head.seq == 3
    rows = await rows_of(journal_dsn)
    assert [(row.seq, row.at_us, row.kind, row.body) for row in rows] == [
        (1, 10, "opened", '{"name":"Ünïcode ✓"}'),
        (2, 10, "bet", "{}"),
        (3, 11, "bet", '{"stake_minor":500}'),
    ]


async def test_only_the_last_row_of_a_batch_carries_the_chain(journal_dsn: str) -> None:
    async with open_journal(journal_dsn) as writer:
        await writer.append(bets(3))
        await writer.append(bets(2))
    rows = await rows_of(journal_dsn)
    assert [row.batch for row in rows] == [1, 1, 1, 4, 4]
    assert [row.chain is not None for row in rows] == [False, False, True, False, True]


async def test_appending_nothing_changes_nothing(journal_dsn: str) -> None:
    async with open_journal(journal_dsn) as writer:
        assert await writer.append([]) == Head(0, journal.GENESIS)


async def test_two_writers_race_for_the_same_row_and_one_wins(journal_dsn: str) -> None:
    """Both of the same epoch, so that only the primary key stands between them."""
    async with open_journal(journal_dsn) as first:
        second = await Journal.open(journal_dsn, epoch=1, head=first.head)
        outcomes = await asyncio.gather(first.append(bets(5)), second.append(bets(5)), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)] == [Fenced]
        loser = second if isinstance(outcomes[1], Fenced) else first
        with pytest.raises(OutcomeUnknown):
            await loser.append(bets(1))
        await second.close()
    assert len(await rows_of(journal_dsn)) == 5


async def test_an_epoch_that_lost_the_lease_cannot_append(journal_dsn: str) -> None:
    async with open_journal(journal_dsn, holder="old") as old, connected(journal_dsn) as connection:
        await old.append(bets(1))
        await journal.release(connection, 1)
        assert await journal.acquire(connection, "new", 10.0) == 2
        with pytest.raises(Fenced):
            await old.append(bets(1))
        assert not old.alive
    assert len(await rows_of(journal_dsn)) == 1


async def test_a_new_epoch_waits_for_the_append_that_is_just_committing(journal_dsn: str) -> None:
    """A slow commit (held up after the fence) is in the journal before the next leader
    reads it."""
    async with connected(journal_dsn) as connection, open_journal(journal_dsn, holder="old") as old:
        async with held_up_commits(connection):
            append = asyncio.ensure_future(old.append(bets(1)))
            await wait_until(lambda: _waiting(journal_dsn, "COPY%"))
            takeover = asyncio.ensure_future(_take_over(journal_dsn))
            await wait_until(lambda: _waiting(journal_dsn, "%acquire_lease%"))
        await append
        assert await takeover == Head(1, old.head.chain, old.head.at_us)


async def test_a_writer_that_opens_behind_the_journal_is_fenced(journal_dsn: str) -> None:
    async with open_journal(journal_dsn) as writer:
        before = writer.head
        await writer.append(bets(1))
        with pytest.raises(Fenced):
            await Journal.open(journal_dsn, epoch=1, head=before)


async def test_a_writer_that_saw_rows_the_journal_has_not_is_refused(journal_dsn: str) -> None:
    async with open_journal(journal_dsn) as writer:
        head = await writer.append(bets(1))
    for other in (Head(2, head.chain), Head(1, journal.GENESIS)):
        with pytest.raises(journal.Forked):
            await Journal.open(journal_dsn, epoch=1, head=other)


async def test_what_is_written_cannot_be_changed(journal_dsn: str) -> None:
    async with open_journal(journal_dsn) as writer, connected(journal_dsn) as connection:
        await writer.append(bets(1))
        for table in ("event", "event_0000000000000001"):
            for change in (
                "UPDATE journal.{} SET body = ''",
                "DELETE FROM journal.{}",
                "TRUNCATE journal.{}",
            ):
                with pytest.raises(asyncpg.PostgresError, match="append-only"):
                    await connection.execute(change.format(table))
            with pytest.raises(asyncpg.PostgresError, match="epoch"):
                await connection.execute(f"INSERT INTO journal.{table} VALUES (2, 2, 1, 0, 'b', '')")  # noqa: S608 - ours


@pytest.mark.parametrize(
    ("rows", "refusal"),
    [
        pytest.param([(1, "bet", "x" * (journal.MAX_BODY_BYTES + 1))], journal.TooLarge, id="long body"),
        pytest.param([(1, "k" * 65, "{}")], journal.TooLarge, id="long kind"),
        pytest.param([(1, "bet", "{}")] * (journal.MAX_BATCH_ROWS + 1), journal.TooLarge, id="many rows"),
        pytest.param([(1, "bet", "\ud800")], journal.TooLarge, id="no text"),
        pytest.param([(1, "bet", b"\xff")], journal.TooLarge, id="no text in bytes"),
        pytest.param([(1, "bet", "\0")], journal.TooLarge, id="a zero byte"),
        pytest.param([(2, "bet", "{}"), (1, "bet", "{}")], journal.Disordered, id="time backwards"),
    ],
)
async def test_what_cannot_be_written_is_refused_and_the_writer_goes_on(
    journal_dsn: str, rows: list[journal.Entry], refusal: type[Exception]
) -> None:
    async with open_journal(journal_dsn) as writer:
        with pytest.raises(refusal):
            await writer.append(rows)
        assert (await writer.append(bets(1))).seq == 1


async def test_partitions_roll_over_and_a_batch_never_straddles_two(journal_dsn: str) -> None:
    async with open_journal(journal_dsn) as writer, connected(journal_dsn) as connection:
        for _ in range(5):
            await writer.append(bets(700))
        await writer.append(bets(8_000))  # more than there are partitions ahead
        names = await connection.fetch(
            "SELECT tableoid::regclass::text, count(*) FROM journal.event GROUP BY 1 ORDER BY 1"
        )
        assert [count for _, count in names] == [1_000] * 11 + [500]
        chains = await connection.fetch("SELECT seq FROM journal.event WHERE chain IS NOT NULL AND seq % 1000 = 0")
        assert len(chains) == 11
        assert (await journal.walk(connection)).difference is None


async def test_a_deadline_cuts_the_socket_and_the_outcome_is_unknown(journal_dsn: str) -> None:
    async with connected(journal_dsn) as connection, open_journal(journal_dsn, deadline_s=0.3) as writer:
        async with connection.transaction():
            await connection.execute("LOCK TABLE journal.event IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(OutcomeUnknown):
                await writer.append(bets(1))
        assert not writer.alive


async def test_a_warning_during_a_commit_is_no_success(journal_dsn: str) -> None:
    """As PostgreSQL warns when a wait for replication was given up."""
    async with connected(journal_dsn) as connection, open_journal(journal_dsn) as writer:
        await connection.execute(
            "CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE WARNING 'canceling wait for synchronous replication'; RETURN NULL; END $$;"
            "CREATE TRIGGER zz AFTER INSERT ON journal.event FOR EACH STATEMENT EXECUTE FUNCTION warn()"
        )
        with pytest.raises(OutcomeUnknown, match="synchronous replication"):
            await writer.append(bets(1))


async def test_a_cancelled_caller_leaves_the_commit_alone_and_the_writer_dead(journal_dsn: str) -> None:
    async with connected(journal_dsn) as connection, open_journal(journal_dsn) as writer:
        async with connection.transaction():
            await connection.execute("LOCK TABLE journal.event IN ACCESS EXCLUSIVE MODE")
            append = asyncio.ensure_future(writer.append(bets(1)))
            await wait_until(lambda: _waiting(journal_dsn, "COPY%"))
            append.cancel()
            with pytest.raises(asyncio.CancelledError):
                await append
        with pytest.raises(OutcomeUnknown):
            await writer.append(bets(1))
        await writer.close()
    assert len(await rows_of(journal_dsn)) == 1


async def test_an_event_loop_that_is_torn_down_cancels_no_commit(journal_dsn: str) -> None:
    """`asyncio.run` cancels every task at its end, even the one that commits. The socket is cut then, and no
    cancel request may reach the server: what it had received, it commits."""

    async def house() -> None:
        async with connected(journal_dsn) as connection:
            await journal.acquire(connection, "book", 10.0)
        writer = await Journal.open(journal_dsn, epoch=1, head=Head(0, journal.GENESIS))
        append = asyncio.ensure_future(writer.append(bets(1)))
        await wait_until(lambda: _waiting(journal_dsn, "COPY%"))
        assert not append.done()

    async with connected(journal_dsn) as connection:
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute(f"ALTER DATABASE {name} SET client_connection_check_interval = 0")
        async with held_up_commits(connection):
            await asyncio.to_thread(asyncio.run, house())
        await wait_until(lambda: _has_rows(journal_dsn, 1))


async def test_a_server_that_may_lose_commits_is_refused(journal_dsn: str) -> None:
    async with connected(journal_dsn) as connection:
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    with pytest.raises(journal.NotDurable):
        await Journal.open(journal_dsn, epoch=1, head=Head(0, journal.GENESIS))


async def _take_over(dsn: str) -> Head:
    async with connected(dsn) as connection:
        await connection.execute("UPDATE journal.lease SET expires_at = '-infinity'")
        assert await journal.acquire(connection, "new", 10.0) == 2
        return await journal.head(connection)


async def _has_rows(dsn: str, count: int) -> bool:
    return len(await rows_of(dsn)) == count


async def _waiting(dsn: str, query: str) -> bool:
    """Whether a backend of this database waits for a lock in a statement like `query`."""
    async with connected(dsn) as connection:
        count = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock' AND query LIKE $1",
            query,
        )
    return bool(count)
