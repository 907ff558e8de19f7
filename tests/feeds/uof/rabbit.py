"""Debian's RabbitMQ as a private server: free ports on the loopback interface, a data folder of its own.

It runs as whoever runs the tests. Its port mapper (epmd) is a child of ours too, and both end with the block.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from overround.infra.child import Child, launch
from overround.infra.ports import LOOPBACK, free_ports, is_free

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
CEILING_S = 120.0
EXCHANGE = "unifiedfeed"


def need_rabbit() -> None:
    """Skips the test where the package is missing."""
    if not SERVER.exists() or shutil.which("epmd") is None:
        pytest.skip("needs the Debian package rabbitmq-server: run `make debian`")


class Rabbit:
    """A server on the same port through any number of lives. `url` is its address, with its own first user."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self.port, self._dist_port, self._epmd_port = free_ports(3)
        self.url = f"amqp://guest:guest@{LOOPBACK}:{self.port}/"
        for name in ("env.conf", "rabbit.conf", "plugins"):
            (folder / name).write_text("[].\n" if name == "plugins" else "")
        self._epmd = launch(
            Child(name="epmd", argv=("epmd", "-port", str(self._epmd_port), "-address", LOOPBACK)), None
        )
        self._server: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """From the main thread: the kernel ends a child with the thread that forked it."""
        self._until(lambda: not is_free(self._epmd_port))
        self._server = launch(
            Child(name="rabbitmq", argv=(str(SERVER),), env=self._environment()), self._folder / "server.log"
        )

    def wait(self) -> None:
        """Until it takes connections."""
        self._until(self._answers)

    def kill(self) -> None:
        """kill -9: every process of its session."""
        assert self._server is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait()
        self._until(lambda: is_free(self.port))

    def stop(self) -> None:
        if self._server is not None:
            self.kill()
        self._epmd.kill()
        self._epmd.wait()

    def _until(self, question: Callable[[], bool]) -> None:
        due = time.monotonic() + CEILING_S
        while not question():
            assert time.monotonic() < due, (self._folder / "server.log").read_text()[-2_000:]
            time.sleep(0.05)

    def _answers(self) -> bool:
        """Whether it greets as AMQP servers do. The port opens a little before."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return connection.recv(1) == b"\x01"
        except OSError:
            return False

    def _environment(self) -> dict[str, str]:
        folder = self._folder
        return {
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "RABBITMQ_NODENAME": f"ovr{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "env.conf"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbit.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none",
        }


@contextmanager
def rabbit(folder: Path) -> Iterator[Rabbit]:
    """A running server, for the length of a block."""
    need_rabbit()
    server = Rabbit(folder)
    try:
        server.begin()
        server.wait()
        yield server
    finally:
        server.stop()
