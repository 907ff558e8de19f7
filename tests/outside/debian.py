"""Debian's PostgreSQL, which speaks TLS (the embedded one does not) and is older than the embedded one."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.outside.roles import CEILING_S

from overround.infra.child import Child, launch
from overround.infra.lodging import account_for
from overround.infra.ports import free_port

PASSWORD = "by the book"
DATABASE = "house"

# Nobody comes in over TCP without TLS.
ACCESS = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n"


def programs() -> Path:
    """Where Debian puts them, the newest first. Skips the test where the package is missing."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    if not found:
        pytest.skip("needs the Debian package postgresql: run `make debian`")
    return found[-1].parent


@contextmanager
def postgres(folder: Path, *, certificate: Path, key: Path) -> Iterator[str]:
    """A server that wants TLS, for the length of a block; the start of its address, up to the database's name."""
    server = _Server(folder, programs(), certificate, key)
    server.start()
    try:
        yield f"postgresql://house:by%20the%20book@127.0.0.1:{server.port}/{DATABASE}"
    finally:
        server.stop()


class _Server:
    def __init__(self, folder: Path, where: Path, certificate: Path, key: Path) -> None:
        folder.mkdir()
        self.port = free_port()
        self._folder, self._programs = folder, where
        self._account = account_for(folder / "cluster")
        self._certificate, self._key = (shutil.copy(file, folder) for file in (certificate, key))
        for file in (folder, self._key):
            if self._account is not None:
                os.chown(file, self._account.uid, self._account.gid)
        Path(self._key).chmod(0o600)

    def start(self) -> None:
        cluster = self._folder / "cluster"
        self._run("initdb", "--pgdata", cluster, "--username=house", "--auth=trust", "--locale=C", "--encoding=UTF8")
        (cluster / "pg_hba.conf").write_text(ACCESS)
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": cluster,
            "ssl": "on",
            "ssl_cert_file": self._certificate,
            "ssl_key_file": self._key,
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        argv = (str(self._programs / "postgres"), "-D", str(cluster), *words)
        self._process = launch(
            Child(name="theirs", argv=argv, account=self._account), self._folder.parent / "theirs.log"
        )
        due = time.monotonic() + CEILING_S
        while "ready" not in self._postmaster():
            assert self._process.poll() is None, (self._folder.parent / "theirs.log").read_text()
            assert time.monotonic() < due
            time.sleep(0.05)
        for words_of in (f"ALTER ROLE house PASSWORD '{PASSWORD}'", f"CREATE DATABASE {DATABASE}"):
            self._run("psql", "-h", cluster, "-p", self.port, "-U", "house", "-d", "postgres", "-c", words_of)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(CEILING_S)

    def _postmaster(self) -> str:
        file = self._folder / "cluster" / "postmaster.pid"
        return file.read_text() if file.exists() else ""

    def _run(self, program: str, *words: object) -> None:
        account = self._account
        subprocess.run(
            [str(self._programs / program), *map(str, words)],
            check=True,
            capture_output=True,
            cwd="/",
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
