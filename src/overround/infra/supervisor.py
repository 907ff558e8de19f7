"""The supervisor: children by name, each started in order, watched, restarted with back-off, stopped in
reverse order.

Owns the processes of one machine. It knows nothing about what they do.

Invariants:

- A child that exits while the supervisor runs is started again, after 0.1 s doubling to 5 s; a child that
  stayed up for `STABLE_S` starts from 0.1 s again.
- `start` returns when the child answers its readiness probe, so what is started next may use it.
- `stop` ends children in the reverse order of their start: its stop signal, then SIGKILL after its grace
  period.
- No child outlives the supervisor, not even after kill -9 of it (see `overround.infra.child`).
"""

import asyncio
import logging
import signal
import subprocess
import threading
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from overround.infra.child import Child, launch

FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 5.0
STABLE_S = 30.0
PROBE_EVERY_S = 0.02

_log = logging.getLogger(__name__)


class ChildState(StrEnum):
    """Where a child is in its life."""

    STARTING = "starting"
    READY = "ready"
    WAITING = "waiting"  # it died; the next start is due after the back-off
    STOPPED = "stopped"


class ChildEvent(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A child changed its state. `exit_code` is negative for a signal, None unless it just ended."""

    name: str
    state: ChildState
    pid: int | None
    exit_code: int | None
    restarts: int


class ChildFailed(Exception):
    """A child did not become ready on its first start."""


class Supervisor:
    """Runs children. Use it from the main thread, inside a running event loop.

    `logs` is the folder for `<name>.log`; `on_event` hears of every change of state, in the loop.
    """

    def __init__(self, *, logs: Path, on_event: Callable[[ChildEvent], None] | None = None) -> None:
        self._logs = logs
        self._on_event = on_event
        self._keepers: dict[str, _Keeper] = {}

    async def start(self, child: Child) -> None:
        """Start `child` and wait until it is ready. Raises `ChildFailed` if it exits first or is late,
        ValueError if its name is taken."""
        if child.name in self._keepers:
            raise ValueError(f"a child named {child.name} already runs")
        keeper = _Keeper(child, self._logs / f"{child.name}.log", self._tell)
        self._keepers[child.name] = keeper
        await keeper.begin()

    async def stop(self, name: str | None = None) -> None:
        """Stop one child, or all in the reverse order of their start."""
        for each in [name] if name is not None else list(reversed(self._keepers)):
            keeper = self._keepers.pop(each, None)
            if keeper is not None:
                await keeper.end()

    def children(self) -> tuple[ChildEvent, ...]:
        """How every child stands now, in the order of their start."""
        return tuple(keeper.event() for keeper in self._keepers.values())

    def pid(self, name: str) -> int | None:
        """The process id of a running child, None while it is down."""
        return self._keepers[name].event().pid

    def _tell(self, event: ChildEvent) -> None:
        fields = msgspec.structs.asdict(event)
        fields["child"] = fields.pop("name")  # a record has a name of its own
        _log.info("child %s is %s", event.name, event.state, extra=fields)
        if self._on_event is not None:
            self._on_event(event)


class _Keeper:
    """Keeps one child alive."""

    def __init__(self, child: Child, log: Path, tell: Callable[[ChildEvent], None]) -> None:
        self._child = child
        self._log = log
        self._tell = tell
        self._state = ChildState.STARTING
        self._process: subprocess.Popen[bytes] | None = None
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._stopping = asyncio.Event()
        self._restarts = 0
        self._watch: asyncio.Task[None] | None = None

    def event(self, exit_code: int | None = None) -> ChildEvent:
        pid = self._process.pid if self._process is not None and not self._ended.done() else None
        return ChildEvent(
            name=self._child.name, state=self._state, pid=pid, exit_code=exit_code, restarts=self._restarts
        )

    async def begin(self) -> None:
        await self._launch()
        ready = await self._until_ready()
        if not ready:
            code = await self._kill()
            self._enter(ChildState.STOPPED, code)
            raise ChildFailed(f"{self._child.name} did not become ready (exit code {code}); its log: {self._log}")
        self._watch = asyncio.create_task(self._keep(), name=f"keep {self._child.name}")

    async def end(self) -> None:
        self._stopping.set()
        if self._watch is not None:
            await self._watch
        if self._process is not None and not self._ended.done():
            code = await self._ask_to_stop()
            self._enter(ChildState.STOPPED, code)

    async def _keep(self) -> None:
        """Until asked to stop: wait for the end of the child, wait a little, start it again."""
        wait_s = FIRST_WAIT_S
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            up_since = loop.time()
            code = await self._ended_or_stopping()
            if code is None:
                return
            if loop.time() - up_since >= STABLE_S:
                wait_s = FIRST_WAIT_S
            self._enter(ChildState.WAITING, code)
            await self._pause(wait_s)
            if self._stopping.is_set():
                return
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            await self._restart()

    async def _restart(self) -> None:
        self._restarts += 1
        try:
            await self._launch()
        except OSError:
            _log.exception("%s cannot be started", self._child.name)
            return
        if not await self._until_ready() and not self._ended.done() and not self._stopping.is_set():
            await self._kill()

    async def _launch(self) -> None:
        if self._child.before is not None:
            await self._child.before()
        self._process = launch(self._child, self._log)
        self._ended = asyncio.get_running_loop().create_future()
        waiter = threading.Thread(
            target=_wait, args=(self._process, self._ended, asyncio.get_running_loop()), daemon=True
        )
        waiter.start()
        self._enter(ChildState.STARTING)

    async def _until_ready(self) -> bool:
        """Ask the probe until it says yes. False when the child ended, is late, or is asked to stop
        meanwhile."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._child.ready_within_s
        while not self._ended.done() and not self._stopping.is_set() and loop.time() < due:
            if self._child.ready is None or await self._child.ready():
                self._enter(ChildState.READY)
                return True
            await asyncio.sleep(PROBE_EVERY_S)
        return False

    async def _ended_or_stopping(self) -> int | None:
        stopping = asyncio.ensure_future(self._stopping.wait())
        either: set[asyncio.Future[Any]] = {self._ended, stopping}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        return None if self._stopping.is_set() else self._ended.result()

    async def _pause(self, wait_s: float) -> None:
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({stopping}, timeout=wait_s)
        stopping.cancel()

    async def _ask_to_stop(self) -> int:
        self._signal(self._child.stop_signal)
        await asyncio.wait({self._ended}, timeout=self._child.grace_s)
        return await self._kill()

    async def _kill(self) -> int:
        if not self._ended.done():
            self._signal(signal.SIGKILL)
        return await self._ended

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and not self._ended.done():
            self._process.send_signal(number)

    def _enter(self, state: ChildState, exit_code: int | None = None) -> None:
        self._state = state
        self._tell(self.event(exit_code))


def _wait(process: subprocess.Popen[bytes], ended: asyncio.Future[int], loop: asyncio.AbstractEventLoop) -> None:
    """In a thread of its own: portable, and independent of how the event loop watches children."""
    code = process.wait()
    if not loop.is_closed():
        loop.call_soon_threadsafe(_settle, ended, code)


def _settle(ended: asyncio.Future[int], code: int) -> None:
    if not ended.done():
        ended.set_result(code)
