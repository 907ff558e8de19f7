"""`overround` commands as an operator runs them: processes of their own, told everything by their environment."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import httpx
import msgspec

from overround.apps.house import Endpoints
from overround.infra.child import Child, launch
from overround.infra.ports import free_port

CEILING_S = 60.0
PROGRAM = (sys.executable, "-m", "overround")


class Outside:
    """A place to run commands from: an environment that names engines, and a log for each process."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder, self.port = folder, free_port()
        own = {name: value for name, value in os.environ.items() if not name.startswith("OVERROUND_")}
        self.environment = {
            **own,
            "OVERROUND_DATA": str(folder / "data"),
            "OVERROUND_PORT": str(self.port),
            "OVERROUND_LOG_STYLE": "json",
            **settings,
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def base_url(self) -> str:
        scheme = "https" if "OVERROUND_TLS_CERTIFICATE" in self.environment else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command that ends by itself."""
        return subprocess.run(
            [*PROGRAM, *words], env=self.environment, capture_output=True, text=True, timeout=CEILING_S, check=False
        )

    def token(self) -> str:
        """The operator's first token."""
        made = self.call("token", "create", "--scopes", "operator", "--name", "tests", "--json")
        assert made.returncode == 0, made.stderr
        return str(msgspec.json.decode(made.stdout)["token"])

    def start(self, *words: str, **settings: str) -> str:
        """A command that goes on; returns its name, the last of its words."""
        name = words[-1]
        told = {**self.environment, "OVERROUND_NAME": name, **settings}
        child = Child(name=name, argv=(*PROGRAM, *words), env=told, death_signal=signal.SIGTERM)
        self._running[name] = launch(child, self.log_file(name))
        return name

    def stop(self, name: str) -> str:
        """SIGTERM, and the orderly end that must follow; returns what it logged."""
        process = self._running.pop(name)
        process.send_signal(signal.SIGTERM)
        code = process.wait(CEILING_S)
        log = self.log(name)
        assert code == 0, f"{name} ended with {code}\n{log}"
        assert "Traceback" not in log, log
        return log

    def log_file(self, name: str) -> Path:
        return self.folder / f"{name.strip('-')}.log"

    def log(self, name: str) -> str:
        return self.log_file(name).read_text(encoding="utf-8")

    def put_out(self) -> None:
        """Whatever still runs, at once."""
        for process in self._running.values():
            process.kill()
            process.wait()


@contextmanager
def outside(folder: Path, settings: Mapping[str, str]) -> Iterator[Outside]:
    """A place to run commands from; nothing runs on after the block."""
    place = Outside(folder, settings)
    try:
        yield place
    finally:
        place.put_out()


async def until_ready(place: Outside, name: str) -> None:
    """Until the gateway says so."""
    due = time.monotonic() + CEILING_S
    async with httpx.AsyncClient(verify=False, timeout=2.0, trust_env=False) as client:  # noqa: S501  # only whether it is there
        while time.monotonic() < due:
            try:
                if (await client.get(f"{place.base_url}/health/ready")).status_code == httpx.codes.OK:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.05)
    raise AssertionError(f"not ready:\n{place.log(name)}")


async def until_said(place: Outside, name: str, words: str) -> None:
    """Until a process has logged something."""
    due = time.monotonic() + CEILING_S
    while words not in place.log(name):
        assert time.monotonic() < due, f"{name} never said {words!r}:\n{place.log(name)}"
        await asyncio.sleep(0.05)


def endpoints_of(place: Outside, token: str) -> Endpoints:
    """As `overround up` writes them, for a house of single roles."""
    base = place.base_url
    return Endpoints(
        http=base,
        stream=base.replace("http", "ws", 1) + "/v1/stream",
        docs=f"{base}/docs",
        metrics=f"{base}/metrics",
        database_url=place.environment["OVERROUND_DATABASE_URL"],
        nats_url=place.environment["OVERROUND_NATS_URL"],
        operator_token=token,
    )


@asynccontextmanager
async def asked(dsn: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection of the test's own."""
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()
