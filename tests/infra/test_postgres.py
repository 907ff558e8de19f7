"""The embedded PostgreSQL: durable, alone on its data, back after anything."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import asyncpg
import pytest

from overround.infra import lodging
from overround.infra.child import Account
from overround.infra.lodging import closed_folder, folder_for
from overround.infra.ports import free_port
from overround.infra.postgres import AlreadyRunning, EmbeddedPostgres, clear_orphans
from overround.infra.supervisor import Supervisor

STRANGER = Account(name="a stranger", uid=65_533, gid=65_533)


async def ask(dsn: str, question: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit", "data_checksums"])
async def test_it_is_durable(postgres_dsn: str, setting: str) -> None:
    assert await ask(postgres_dsn, f"SHOW {setting}") == "on"


async def test_what_was_written_is_there_after_kill_9(data_folder: Path) -> None:
    postgres = EmbeddedPostgres(data_folder)
    dsn = postgres.start()
    try:
        await ask(dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
        pid = postgres.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(clear_orphans, postgres.cluster)
        assert postgres.pid is None
        await asyncio.to_thread(postgres.stop)
        await asyncio.to_thread(postgres.start)
        assert await ask(dsn, "SELECT answer FROM kept") == 42
    finally:
        postgres.stop()


async def test_a_supervisor_brings_it_back_after_kill_9(data_folder: Path) -> None:
    postgres = EmbeddedPostgres(data_folder)
    postgres.prepare()
    supervisor = Supervisor(logs=data_folder / "logs")
    await supervisor.start(postgres.child())
    try:
        for _ in range(3):
            pid = supervisor.pid("postgres")
            assert pid == postgres.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await _answers_again(postgres, pid)
    finally:
        await supervisor.stop()
        postgres.release()
    assert postgres.pid is None


async def _answers_again(postgres: EmbeddedPostgres, not_pid: int) -> None:
    due = asyncio.get_running_loop().time() + 60.0
    while True:
        assert asyncio.get_running_loop().time() < due, "PostgreSQL did not come back"
        await asyncio.sleep(0.01)
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            if postgres.pid not in {None, not_pid} and await ask(postgres.dsn, "SELECT 1") == 1:
                return


def test_a_stale_lock_file_naming_a_stranger_is_no_obstacle(data_folder: Path) -> None:
    """As after a container restart, when the old process id belongs to another program."""
    postgres = EmbeddedPostgres(data_folder)
    postgres.start()
    lock_file = postgres.cluster / "postmaster.pid"
    words = lock_file.read_text().splitlines()
    postgres.stop()
    lock_file.write_text("\n".join([str(os.getpid()), *words[1:]]) + "\n")
    postgres.start()
    postgres.stop()


def test_two_cannot_run_the_same_data(data_folder: Path) -> None:
    first = EmbeddedPostgres(data_folder)
    first.start()
    try:
        with pytest.raises(AlreadyRunning):
            EmbeddedPostgres(data_folder).start()
    finally:
        first.stop()


async def test_tcp_wants_the_password_and_the_socket_path_may_be_long(data_folder: Path) -> None:
    data = data_folder / ("a-folder-with-a-long-name-" * 4)
    data.mkdir(mode=0o711)
    postgres = EmbeddedPostgres(data, port=free_port())
    dsn = postgres.start()
    try:
        assert await ask(dsn, "SELECT current_user") == "overround"
        assert await ask(postgres.tcp_dsn, "SELECT current_database()") == "overround"
        with pytest.raises(asyncpg.InvalidPasswordError):
            await ask(postgres.tcp_dsn.replace("overround:", "overround:no"), "SELECT 1")
    finally:
        postgres.stop()
    assert (data / "postgres.password").stat().st_mode & 0o077 == 0


def test_a_closed_folder_is_found(tmp_path: Path) -> None:
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    tmp_path.chmod(0o711)
    inner.parent.chmod(0o700)
    closed = closed_folder(inner, STRANGER)
    assert closed is not None
    assert closed == inner.parent or closed in inner.parents
    assert closed_folder(inner, None) is None


def test_a_cluster_below_a_closed_folder_lives_elsewhere_and_is_found_again(
    tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lodging, "SHELTER", data_folder / "shelter")
    tmp_path.chmod(0o700)
    home = folder_for(tmp_path / "postgres", STRANGER)
    assert home.is_relative_to(data_folder / "shelter")
    assert (tmp_path / "postgres").readlink() == home
    assert folder_for(tmp_path / "postgres", STRANGER) == home


def test_an_open_way_is_left_as_it_is(data_folder: Path) -> None:
    assert folder_for(data_folder / "postgres", STRANGER) == data_folder / "postgres"
