"""Whatever dies, every acknowledged row is there, in order, once, and the chain is whole."""

import ast
import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.journal.stories import bets, connected, held_up_commits, open_journal, rows_of, wait_until

import overround.journal.writer
from overround import journal
from overround.infra.child import exists
from overround.infra.postgres import EmbeddedPostgres
from overround.journal import Journal, OutcomeUnknown, What

ROUNDS = 40


@pytest.mark.parametrize("seed", range(3))
async def test_a_cable_cut_at_any_byte_loses_and_doubles_nothing(journal_dsn: str, seed: int) -> None:
    """The cable between the writer and PostgreSQL is cut after a random number of bytes, over and over:
    within the rows, after them, within the reply. What is then in the journal is what was acknowledged and at
    most the whole of the one batch whose outcome was unknown."""
    chance = random.Random(seed)
    certain: list[str] = []
    async with _cable(journal_dsn, chance) as frayed_dsn:
        for number in range(ROUNDS):
            unknown = await _write_until_cut(journal_dsn, frayed_dsn, certain, f"{number}", chance)
            found = [row.body for row in await rows_of(journal_dsn)]
            assert found in (certain, certain + unknown)
            certain = found
    async with connected(journal_dsn) as connection:
        walk = await journal.walk(connection)
    assert (walk.difference, walk.rows) == (None, len(certain))


async def _write_until_cut(
    dsn: str, frayed_dsn: str, certain: list[str], note: str, chance: random.Random
) -> list[str]:
    """Append until something breaks; acknowledged bodies go to `certain`, the unknown ones come back."""
    async with connected(dsn) as connection:
        epoch = await journal.acquire(connection, "book", 60.0)
        head = await journal.head(connection)
        assert epoch is not None
    try:
        writer = await Journal.open(frayed_dsn, epoch=epoch, head=head)
    except journal.LOST:
        return []
    for number in range(1_000):
        batch = bets(chance.randint(1, 60), note=f"{note} {number}")
        try:
            await writer.append(batch)
        except OutcomeUnknown:
            return [str(body) for _, _, body in batch]
        certain += [str(body) for _, _, body in batch]
    return []


@asynccontextmanager
async def _cable(dsn: str, chance: random.Random) -> AsyncIterator[str]:
    """A dsn that leads to the same database over a cable that breaks after a random number of bytes each
    way."""
    target = parse_qs(urlsplit(dsn).query)
    socket = f"{target['host'][0]}/.s.PGSQL.{target['port'][0]}"
    ends: set[asyncio.StreamWriter] = set()

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter, left: int) -> None:
        while left > 0 and (data := await source.read(min(left, 4_096))):
            sink.write(data)
            left -= len(data)
            await sink.drain()

    async def plug_in(near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        far_in, far_out = await asyncio.open_unix_connection(socket)
        ends.update((near_out, far_out))
        there = asyncio.ensure_future(carry(near_in, far_out, chance.randint(2_000, 60_000)))
        back = asyncio.ensure_future(carry(far_in, near_out, chance.randint(2_000, 6_000)))
        await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
        for way in (there, back):
            way.cancel()
        await asyncio.gather(there, back, return_exceptions=True)
        for end in (near_out, far_out):
            end.transport.abort()

    server = await asyncio.start_server(plug_in, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    database = urlsplit(dsn).path
    yield f"postgresql://overround@127.0.0.1:{port}{database}?sslmode=disable"
    server.close()
    for end in ends:
        end.transport.abort()
    await server.wait_closed()


async def test_postgres_killed_in_mid_append_keeps_every_acknowledged_row(data_folder: Path) -> None:
    postgres = EmbeddedPostgres(data_folder)
    acknowledged: list[str] = []
    try:
        for generation in range(4):
            dsn = await asyncio.to_thread(postgres.start)
            async with connected(dsn) as connection:
                await journal.migrate(connection, partition_rows=1_000)
                walk = await journal.walk(connection)
            found = [row.body for row in await rows_of(dsn)]
            assert walk.difference is None
            assert found[: len(acknowledged)] == acknowledged
            assert len(found) <= len(acknowledged) + 20
            acknowledged = found
            await _append_until_killed(postgres, dsn, acknowledged, generation)
    finally:
        postgres.stop()


async def _append_until_killed(postgres: EmbeddedPostgres, dsn: str, acknowledged: list[str], generation: int) -> None:
    enough = len(acknowledged) + 300 * (generation + 1)
    postmaster = postgres.pid
    assert postmaster is not None
    async with open_journal(dsn) as writer:
        while writer.alive:
            batch = bets(20, note=str(generation))
            if len(acknowledged) >= enough:
                os.kill(postmaster, signal.SIGKILL)
                enough += 1_000_000
            try:
                await writer.append(batch)
            except OutcomeUnknown:
                break
            acknowledged += [str(body) for _, _, body in batch]
    postgres.stop()
    assert not exists(postmaster)


async def test_a_follower_goes_on_after_a_restart_of_postgres(data_folder: Path) -> None:
    postgres = EmbeddedPostgres(data_folder)
    dsn = postgres.start()
    heard: list[int] = []

    async def listen() -> None:
        async for rows in journal.follow(dsn, 0, poll_s=0.01):
            heard.extend(row.seq for row in rows)

    async def heard_all(rows: int) -> bool:
        return len(heard) == rows

    async with connected(dsn) as connection:
        await journal.migrate(connection)
    follower = asyncio.ensure_future(listen())
    try:
        for generation in range(1, 4):
            async with open_journal(dsn) as writer:
                await writer.append(bets(10))
            await wait_until(partial(heard_all, 10 * generation))
            await asyncio.to_thread(postgres.stop)
            await asyncio.to_thread(postgres.start)
    finally:
        follower.cancel()
        postgres.stop()
    assert heard == list(range(1, 31))


async def test_a_byte_flipped_on_disk_is_found(data_folder: Path) -> None:
    """PostgreSQL's own checksum notices; the walk says at which row."""
    postgres = EmbeddedPostgres(data_folder)
    dsn = postgres.start()
    try:
        async with connected(dsn) as connection:
            await journal.migrate(connection)
            async with open_journal(dsn) as writer:
                for number in range(50):
                    await writer.append(bets(40, note=f"batch {number}"))
            page = "SELECT (ctid::text::point)[0]::int FROM journal.event WHERE seq = 1234"
            block = await connection.fetchval(page)
            path = await connection.fetchval("SELECT pg_relation_filepath('journal.event_0000000000000001')")
            first = await connection.fetchval(
                "SELECT min(seq) FROM journal.event WHERE (ctid::text::point)[0]::int = $1", block
            )
        postgres.stop()
        _flip_a_byte(postgres.cluster / path, 8_192 * block + 5_000)
        postgres.start()
        async with connected(dsn) as connection:
            walk = await journal.walk(connection)
    finally:
        postgres.stop()
    assert walk.difference is not None
    assert (walk.difference.what, walk.difference.seq) == (What.UNREADABLE, first)


def _flip_a_byte(file: Path, at: int) -> None:
    with file.open("r+b") as relation:
        relation.seek(at)
        byte = relation.read(1)[0]
        relation.seek(at)
        relation.write(bytes([byte ^ 1]))


async def test_a_full_disk_is_an_unknown_outcome_like_any_other(journal_dsn: str) -> None:
    async with connected(journal_dsn) as connection, open_journal(journal_dsn) as writer:
        await connection.execute(
            "CREATE FUNCTION full() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$;"
            "CREATE TRIGGER zz AFTER INSERT ON journal.event FOR EACH STATEMENT EXECUTE FUNCTION full()"
        )
        with pytest.raises(OutcomeUnknown, match="DiskFullError"):
            await writer.append(bets(1))
        assert not writer.alive


async def test_a_writer_whose_commit_was_cut_can_no_longer_add_once_a_new_epoch_is_out(journal_dsn: str) -> None:
    """The cut commit is still under way in the server. The next leader's epoch waits for its end, so its head
    is final."""
    async with connected(journal_dsn) as connection, connected(journal_dsn) as other:
        async with open_journal(journal_dsn, deadline_s=0.3) as writer, held_up_commits(connection):
            with pytest.raises(OutcomeUnknown):
                await writer.append(bets(1))
            epoch = asyncio.ensure_future(journal.acquire(other, "book", 60.0))
            await asyncio.sleep(0)
        assert await epoch == 2
        head = await journal.head(other)
        successor = await Journal.open(journal_dsn, epoch=2, head=head)
        assert (await successor.append(bets(1))).seq == head.seq + 1
        await successor.close()


def test_nothing_in_the_writer_can_cancel_a_commit() -> None:
    """Read the file: no time-out and no cancellation, by whatever name asyncio has for it."""
    tree = ast.parse(Path(overround.journal.writer.__file__).read_text())
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {word.arg or "" for node in ast.walk(tree) if isinstance(node, ast.Call) for word in node.keywords}
    assert names.isdisjoint({"wait_for", "timeout", "timeout_at", "cancel", "TaskGroup", "command_timeout"})
    assert "shield" in names


def test_only_the_writer_copies_into_the_journal() -> None:
    folder = Path(overround.journal.writer.__file__).parent
    assert [file.name for file in folder.glob("*.py") if "copy_" in file.read_text()] == ["writer.py"]
