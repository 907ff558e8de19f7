"""A whole house on one machine: the engines and every role under one supervisor."""

import asyncio
import fcntl
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec

from overround import identity, journal, projections
from overround.apps import engines, tls
from overround.apps.settings import DEFAULT_PORT, DEFAULT_STREAM_PORT, LOOPBACK, InvalidSetting, Settings, environment
from overround.infra.child import Child
from overround.infra.nats import EmbeddedNats
from overround.infra.ports import free_port, is_free
from overround.infra.postgres import AlreadyRunning, EmbeddedPostgres
from overround.infra.supervisor import ChildEvent, Supervisor

log = logging.getLogger(__name__)

MAX_FOLLOWERS = 4
READY_WITHIN_S = 60.0


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """A demo customer, with what a person needs to play."""

    username: str
    password: str
    token: str
    customer_id: int
    account_id: int


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """Every address of a running house, the operator's token and the demo customers. The file has mode 0600."""

    http: str
    stream: str
    docs: str
    metrics: str
    database_url: str
    nats_url: str
    operator_token: str
    exchange_stream: str = ""
    customers: tuple[Customer, ...] = ()


class PortTaken(Exception):
    """Something else listens on the HTTP port."""


def read_endpoints(file: Path) -> Endpoints | None:
    """What `write_endpoints` wrote, or None where there is nothing or nothing of use."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Endpoints)
    except (OSError, msgspec.DecodeError):
        return None


def known_dsn(settings: Settings) -> str:
    """The database that the settings name, or else the one of the house on this machine. Raises InvalidSetting."""
    endpoints = read_endpoints(settings.endpoints_file) if settings.database_url is None else None
    return endpoints.database_url if endpoints is not None else settings.dsn


def write_endpoints(file: Path, endpoints: Endpoints) -> None:
    """Write the file whole, readable by its owner alone."""
    fresh = file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:  # noqa: PTH123  # a descriptor
        out.write(msgspec.json.format(msgspec.json.encode(endpoints), indent=2))
    fresh.replace(file)


class House:
    """Start the engines that no setting names, migrate, and run every role. `endpoints` is set once it stands,
    `ready_s` says after how many seconds that was."""

    def __init__(
        self, settings: Settings, *, followers: int = 0, on_event: Callable[[ChildEvent], None] | None = None
    ) -> None:
        if not 0 <= followers <= MAX_FOLLOWERS:
            raise InvalidSetting(f"followers is {followers}; it must be 0 to {MAX_FOLLOWERS}")
        self.settings = settings
        self.followers = followers
        self.supervisor = Supervisor(logs=settings.data / "logs", on_event=on_event)
        self.endpoints: Endpoints | None = None
        self.ready_s = 0.0
        self.postgres: EmbeddedPostgres | None = None
        self._lock: int | None = None

    async def start(self) -> Endpoints:
        """Everything but the feed. Raises AlreadyRunning, PortTaken, InvalidSetting, EngineTrouble, and what the
        embedded engines raise when they cannot start."""
        began = time.monotonic()
        tls.check_door(self.settings)
        self._take_data()
        self._check_port()
        self._choose_stream_port()
        await self._start_engines()
        token = await _prepare_database(self.settings)
        for number in range(1, 2 + self.followers):
            await self.supervisor.start(self.role("book", name=f"book-{number}"))
        await self.supervisor.start(self.role("worker"))
        await self.supervisor.start(self.role("gateway", ready=self._is_ready))
        self.endpoints = self._endpoints(token)
        write_endpoints(self.settings.endpoints_file, self.endpoints)
        self.ready_s = time.monotonic() - began
        return self.endpoints

    async def start_feed(self) -> None:
        """The simulated match day."""
        await self.supervisor.start(self.role("feed"))

    async def stop(self) -> None:
        """Everything, in the reverse order of its start."""
        await self.supervisor.stop()
        if self.postgres is not None:
            self.postgres.release()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def role(self, role: str, *, name: str = "", ready: Callable[[], object] | None = None) -> Child:
        """A role as a child process, told everything by its environment."""
        own = msgspec.structs.replace(self.settings, name=name or role)
        return Child(
            name=own.name,
            argv=(sys.executable, "-m", "overround", "run", role),
            env=environment(own),
            ready=ready,  # type: ignore[arg-type]  # an async function, as Child wants
            ready_within_s=READY_WITHIN_S,
        )

    def _take_data(self) -> None:
        """One house on one data folder, whoever runs its engines."""
        try:
            self.settings.data.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.settings.data / "house.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as wrong:
            raise InvalidSetting(f"OVERROUND_DATA is {str(self.settings.data)!r}: {wrong}") from wrong
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise AlreadyRunning(
                f"a house already runs on {self.settings.data}; stop it, or set OVERROUND_DATA"
            ) from None
        self._lock = lock

    def _check_port(self) -> None:
        try:
            free = is_free(self.settings.port, self.settings.host)
        except OSError as wrong:
            raise InvalidSetting(f"OVERROUND_HOST is {self.settings.host!r}: {wrong}") from wrong
        if not free:
            raise PortTaken(
                f"port {self.settings.port} of {self.settings.host} is taken, or not ours; set OVERROUND_PORT to"
                " another one"
            )

    def _choose_stream_port(self) -> None:
        """The exchange stream's port where no setting names it: the usual one for a house on its usual port, the one it
        had before, or any that is free."""
        if self.settings.stream_port is not None:
            return
        before = read_endpoints(self.settings.endpoints_file)
        had = before.exchange_stream.rpartition(":")[2] if before is not None else ""
        wanted = int(had) if had.isdecimal() else DEFAULT_STREAM_PORT if self.settings.port == DEFAULT_PORT else 0
        port = wanted if wanted and is_free(wanted, self.settings.host) else free_port()
        self.settings = msgspec.structs.replace(self.settings, stream_port=port)

    async def _start_engines(self) -> None:
        if self.settings.database_url is None:
            self.postgres = EmbeddedPostgres(self.settings.data)
            await asyncio.to_thread(self.postgres.prepare)
            await self.supervisor.start(self.postgres.child())
            self.settings = msgspec.structs.replace(self.settings, database_url=self.postgres.dsn)
        if self.settings.nats_url is None:
            nats = EmbeddedNats(self.settings.data)
            await asyncio.to_thread(nats.prepare)
            await self.supervisor.start(nats.child())
            self.settings = msgspec.structs.replace(self.settings, nats_url=nats.url)
        else:
            await engines.ask_bus(self.settings)

    @property
    def base_url(self) -> str:
        scheme = "https" if self.settings.tls_certificate else "http"
        return f"{scheme}://{self._host}:{self.settings.port}"

    @property
    def _host(self) -> str:
        """This machine, as a client on it writes it."""
        host = LOOPBACK if self.settings.host in ("0.0.0.0", "::") else self.settings.host  # noqa: S104  # compared only
        return f"[{host}]" if ":" in host else host

    async def _is_ready(self) -> bool:
        try:
            async with httpx.AsyncClient(verify=False, timeout=1.0) as client:  # noqa: S501  # our own gateway
                return (await client.get(f"{self.base_url}/health/ready")).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def _endpoints(self, token: str) -> Endpoints:
        before = read_endpoints(self.settings.endpoints_file)
        base = self.base_url
        return Endpoints(
            http=base,
            stream=base.replace("http", "ws", 1) + "/v1/stream",
            docs=f"{base}/docs",
            metrics=f"{base}/metrics",
            database_url=self.settings.dsn,
            nats_url=self.settings.bus_url,
            operator_token=token,
            exchange_stream=f"{self._host}:{self.settings.stream_port}",
            customers=before.customers if before is not None else (),
        )


async def migrate(dsn: str) -> None:
    """Bring every room's schema up to date. Raises EngineTrouble, InvalidSetting."""
    async with engines.database(dsn) as connection:
        await journal.migrate(connection)
        await projections.migrate(connection)
        await identity.migrate(connection)


async def _prepare_database(settings: Settings) -> str:
    """Migrate, and find or make the operator's token."""
    await migrate(settings.dsn)
    async with engines.database(settings.dsn) as connection:
        before = read_endpoints(settings.endpoints_file)
        if before is not None and await identity.resolve_token(connection, before.operator_token) is not None:
            return before.operator_token
        issued = await identity.issue_token(
            connection, actor=identity.OPERATOR_ACTOR, scopes=("operator",), name="overround up", now_us=_now_us()
        )
        return issued.secret


def _now_us() -> int:
    return time.time_ns() // 1_000


@asynccontextmanager
async def running_house(
    settings: Settings | None = None, *, followers: int = 0, feed: bool = False
) -> AsyncIterator[Endpoints]:
    """A house for the length of a block: on given settings, or on a free port in a folder that is deleted after."""
    with tempfile.TemporaryDirectory(prefix="overround-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101, S103  # PostgreSQL runs as another user where we are root
        own = settings or Settings(data=Path(folder) / "data", port=free_port())
        house = House(own, followers=followers)
        try:
            endpoints = await house.start()
            if feed:
                await house.start_feed()
            yield endpoints
        finally:
            await house.stop()


def as_json(endpoints: Endpoints) -> str:
    """For scripts: what `endpoints.json` says."""
    return json.dumps(msgspec.to_builtins(endpoints), indent=2)
