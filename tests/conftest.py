"""What every test has in common: how Hypothesis explores, coroutine tests, and the two real engines.

One PostgreSQL and one NATS serve the whole test session, and they start when the first test asks for one
(with xdist: at once, by the main process, as its workers come and go). Each test gets a database of its own.

- `postgres_dsn`: a fresh, empty database.
- `journal_dsn`: a fresh database with the journal's schema, partitions of 1,000 rows.
- `nats_url`: the NATS server; a test that needs subjects of its own puts a name of its own into them.
- `data_folder`: a short folder that the system user of PostgreSQL can reach, for tests that run their own
  engines.
"""

import asyncio
import inspect
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import settings

from overround import journal
from overround.infra.nats import EmbeddedNats
from overround.infra.postgres import EmbeddedPostgres

# Timing decides no test, so no example has a deadline; a failure prints what repeats it.
settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")


class Engines:
    """The engines of this session; started on first use."""

    def __init__(self) -> None:
        self._data = make_folder()
        self._postgres = EmbeddedPostgres(self._data, settings={"max_connections": "200"})
        self._nats = EmbeddedNats(self._data)
        self._dsn = ""
        self._url = ""

    def postgres_dsn(self) -> str:
        self._dsn = self._dsn or self._postgres.start()
        return self._dsn

    def nats_url(self) -> str:
        self._url = self._url or self._nats.start()
        return self._url

    def stop(self) -> None:
        self._postgres.stop()
        self._nats.stop()
        shutil.rmtree(self._data)


class OtherEngines:
    """The engines of the main process, seen from a worker of xdist."""

    def __init__(self, dsn: str, url: str) -> None:
        self._dsn, self._url = dsn, url

    def postgres_dsn(self) -> str:
        return self._dsn

    def nats_url(self) -> str:
        return self._url


ENGINES = pytest.StashKey[Engines | OtherEngines]()
_numbers = itertools.count(1)


def make_folder() -> Path:
    """A new folder that other users may pass through (pytest's own are closed to the user PostgreSQL runs
    as)."""
    folder = Path(tempfile.mkdtemp(prefix="ovr-"))
    folder.chmod(0o711)
    return folder


def pytest_configure(config: pytest.Config) -> None:
    given = getattr(config, "workerinput", None)
    config.stash[ENGINES] = OtherEngines(given["postgres_dsn"], given["nats_url"]) if given else Engines()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """xdist is about to start a worker."""
    engines = node.config.stash[ENGINES]  # type: ignore[attr-defined]
    node.workerinput.update(  # type: ignore[attr-defined]
        postgres_dsn=engines.postgres_dsn(), nats_url=engines.nats_url()
    )


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    engines = config.stash.get(ENGINES, None)
    if isinstance(engines, Engines):
        engines.stop()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Coroutine tests run in an event loop of their own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture
def new_database(pytestconfig: pytest.Config) -> Iterator[Callable[[], str]]:
    """Makes fresh databases; they go when the test ends."""
    server = pytestconfig.stash[ENGINES].postgres_dsn()
    names: list[str] = []

    def make() -> str:
        name = f"test_{os.getpid()}_{next(_numbers)}"
        asyncio.run(_execute(server, f"CREATE DATABASE {name}"))
        names.append(name)
        return server.replace("/overround?", f"/{name}?")

    yield make
    for name in names:
        asyncio.run(_execute(server, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def postgres_dsn(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture
def journal_dsn(postgres_dsn: str) -> str:
    asyncio.run(_migrate(postgres_dsn))
    return postgres_dsn


@pytest.fixture
def nats_url(pytestconfig: pytest.Config) -> str:
    return pytestconfig.stash[ENGINES].nats_url()


@pytest.fixture
def data_folder() -> Iterator[Path]:
    folder = make_folder()
    yield folder
    shutil.rmtree(folder)


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _migrate(dsn: str) -> None:
    connection = await journal.connect(dsn)
    try:
        await journal.migrate(connection, partition_rows=1_000)
    finally:
        await connection.close()
