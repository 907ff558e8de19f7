"""One child process: what to run, as whom, how it ends, where it logs.

Owns the fork: its own session (a Ctrl-C at the terminal reaches the supervisor alone, which then stops its
children in order), the user it runs as, the signal it gets when its parent dies, and its log file.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

import msgspec

LOG_ROTATE_BYTES = 10 * 1024 * 1024
LOG_KEEP = 3

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

Probe = Callable[[], Awaitable[bool]]


class Account(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The system user that a child runs as."""

    name: str
    uid: int
    gid: int


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """A child process as the supervisor runs it.

    `before` runs before each start. `ready` is asked again and again until it says True; no probe means ready
    at once. `env` is added to the supervisor's own environment. `stop_signal` asks for an orderly end,
    SIGKILL follows after `grace_s`. `death_signal` is what the kernel sends when the supervisor itself dies.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = {}
    account: Account | None = None
    cwd: Path | None = None
    before: Callable[[], Awaitable[None]] | None = None
    ready: Probe | None = None
    ready_within_s: float = 60.0
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    grace_s: float = 10.0


def launch(child: Child, log: Path | None) -> subprocess.Popen[bytes]:
    """Start `child` with both outputs appended to `log` (None: discarded). Raises OSError when it cannot be
    started.

    Call it from the main thread: the kernel sends `death_signal` when the *thread* that forked ends.
    """
    output = _open_log(log)
    account = child.account
    try:
        return subprocess.Popen(
            child.argv,
            env={**os.environ, **child.env},
            cwd=child.cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            # the only way to set it; what it runs takes no lock
            preexec_fn=partial(_die_with_parent, os.getpid(), int(child.death_signal)),  # noqa: PLW1509
        )
    finally:
        if output != subprocess.DEVNULL:
            os.close(output)


def _die_with_parent(parent: int, death_signal: int) -> None:
    """In the child, after it changed its user (which would clear the setting) and before it becomes the
    program."""
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:  # the parent died in between
        os._exit(1)


def _open_log(log: Path | None) -> int:
    if log is None:
        return subprocess.DEVNULL
    log.parent.mkdir(parents=True, exist_ok=True)
    rotate(log)
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def rotate(log: Path, *, limit_bytes: int = LOG_ROTATE_BYTES, keep: int = LOG_KEEP) -> None:
    """Move a log that reached `limit_bytes` aside: `name.log` to `name.log.1`, and so on; the oldest of
    `keep` goes."""
    if not log.exists() or log.stat().st_size < limit_bytes:
        return
    for number in range(keep, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        newer = log.with_name(f"{log.name}.{number - 1}") if number > 1 else log
        if newer.exists():
            newer.replace(older)


def exists(pid: int) -> bool:
    """Whether a process with this id exists (a zombie counts)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
