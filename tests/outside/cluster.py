"""Two PostgreSQL servers: a primary that waits for its standby before it says that a commit is done."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
from tests.outside.roles import CEILING_S, asked

from overround.infra.child import launch
from overround.infra.ports import free_ports
from overround.infra.postgres import EmbeddedPostgres, clear_orphans

STANDBY = "standby"


class Cluster:
    """`dsn` names both servers; whoever uses it wants the one that takes writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = free_ports(2)
        self.primary = EmbeddedPostgres(folder / "primary", port=self._ports[0])
        self.standby = EmbeddedPostgres(folder / STANDBY, port=self._ports[1])
        self._launched: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        authority, _, rest = self.primary.tcp_dsn.rpartition("@")
        database = rest.partition("/")[2]
        hosts = ",".join(f"127.0.0.1:{port}" for port in self._ports)
        return f"{authority}@{hosts}/{database}?target_session_attrs=read-write"

    async def start(self) -> None:
        """The primary, a copy of it that follows, and from then on no commit without that one."""
        await asyncio.to_thread(self.primary.start)
        await asyncio.to_thread(self._copy)
        self.standby.prepare()
        self._launched = launch(self.standby.child(), self._folder / "standby.log")
        async with asked(self.primary.dsn) as connection:
            await connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{STANDBY}'")
            await connection.execute("SELECT pg_reload_conf()")
            await _until(connection, "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')")

    def freeze_standby(self) -> None:
        """It hears nothing more; the primary's commits wait."""
        self._tell_standby(signal.SIGSTOP)

    async def cancel_waits(self) -> int:
        """What a tired operator does to commits that hang: PostgreSQL then says that they are done, with a warning."""
        async with asked(self.primary.dsn) as connection:
            return int(
                await connection.fetchval(
                    "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
                )
            )

    async def sessions(self) -> int:
        """How many clients the primary has."""
        async with asked(self.primary.dsn) as connection:
            query = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
            return int(await connection.fetchval(query))

    def kill_primary(self) -> None:
        """kill -9, every process of it."""
        pid = self.primary.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        clear_orphans(self.primary.cluster, within_s=0.2)

    async def promote(self) -> None:
        """The standby takes writes from now on."""
        self._tell_standby(signal.SIGCONT)
        async with asked(self.standby.dsn) as connection:
            assert await connection.fetchval("SELECT pg_promote()")

    def stop(self) -> None:
        if self._launched is not None:
            self._tell_standby(signal.SIGCONT)
            self._launched.send_signal(signal.SIGINT)
            self._launched.wait(CEILING_S)
            self.standby.release()
        self.primary.stop()

    def _tell_standby(self, told: signal.Signals) -> None:
        """Every process of the standby; one that ended since it was listed needs no telling."""
        for pid in self._of_standby():
            with suppress(ProcessLookupError):
                os.kill(pid, told)

    def _copy(self) -> None:
        account = self.primary.account
        home = self._folder / STANDBY
        home.mkdir()
        if account is not None:
            os.chown(home, account.uid, account.gid)
        source = f"{self.primary.dsn}&application_name={STANDBY}"
        subprocess.run(
            [
                *(str(self.primary.programs / "pg_basebackup"), "--dbname", source, "--pgdata", str(home / "postgres")),
                *("--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast"),
            ],
            check=True,
            capture_output=True,
            cwd="/",
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )

    def _of_standby(self) -> list[int]:
        home = self.standby.cluster.resolve()
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "cwd").readlink() == home:
                    found.append(int(entry.name))
            except OSError:  # it ended
                continue
        return found


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[Cluster]:
    """A running pair."""
    pair = Cluster(folder)
    try:
        await pair.start()
        yield pair
    finally:
        await asyncio.to_thread(pair.stop)


async def _until(connection: "asyncpg.Connection[asyncpg.Record]", query: str) -> None:
    due = time.monotonic() + CEILING_S
    while not await connection.fetchval(query):
        assert time.monotonic() < due, query
        await asyncio.sleep(0.05)
