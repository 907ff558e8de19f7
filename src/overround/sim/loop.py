"""Virtual time: an event loop whose clock jumps to the next timer, and processes that freeze and die as a whole.

Everything runs in one thread. What is ready runs in the order in which it became ready; timers of one instant run in
the order in which they were set. So a run depends on nothing but the code and its seed.
"""

import asyncio
import heapq
from asyncio import Handle, Task, TimerHandle
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, Final, Protocol, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

BUSY_STEPS: Final = 1_000_000
"""So many steps within one instant mean that time will never go on."""

UNWINDINGS: Final = 20
"""How often a task is told to end at the end of a run; each `finally` that waits takes one."""


class Stuck(Exception):
    """The world cannot go on: nothing will ever happen, or nothing but one instant, or it takes too long."""


class _Runnable(Protocol):
    """What every event loop asks of a handle; not in the public signature of `asyncio.Handle`."""

    def _run(self) -> None: ...


class Process:
    """Tasks that live, freeze and die together, like those of one process of an operating system."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self._frozen = False
        self._parked: list[Handle] = []
        self._tasks: dict[Task[Any], None] = {}
        self._context = copy_context()
        self._context.run(PROCESS.set, self)

    @property
    def frozen(self) -> bool:
        return self._frozen

    def spawn(self, work: Coroutine[Any, Any, T]) -> Task[T]:
        """Start a task of this process."""
        return asyncio.get_running_loop().create_task(work, context=self._context.copy())

    def call(self, function: "Callable[[Unpack[Ts]], T]", *args: *Ts) -> T:
        """Call a function as this process would: the tasks it starts are this process's."""
        return self._context.copy().run(function, *args)

    def freeze(self) -> None:
        """Nothing of this process runs from now on, while the world goes on (SIGSTOP)."""
        self._frozen = True

    def thaw(self) -> None:
        """Everything that came due meanwhile happens now, in order (SIGCONT)."""
        self._frozen = False
        parked, self._parked = self._parked, []
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.unpark(self, parked)

    def kill(self) -> None:
        """Dead at once (SIGKILL). Ports see `dead` and let nothing out any more; the tasks only unwind."""
        self.dead = True
        self.thaw()
        for task in list(self._tasks):
            task.cancel()

    def park(self, handle: Handle) -> None:
        self._parked.append(handle)

    def adopt(self, task: Task[Any]) -> None:
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)


PROCESS: Final[ContextVar[Process | None]] = ContextVar("process", default=None)
OUTSIDE: Final = Context()
"""The context of what belongs to no process: servers, networks, customers."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Time is whole microseconds from zero and moves only when nothing is ready."""

    def __init__(self, *, ceiling_s: float) -> None:
        super().__init__()
        self.at_us = 0
        self._ceiling_us = round(ceiling_s * 1e6)
        self._now: deque[tuple[Handle, Process | None]] = deque()
        self._later: list[tuple[int, int, TimerHandle, Process | None]] = []
        self._order = 0
        self._failure: BaseException | None = None
        self._over = False
        self._steps = 0

    def time(self) -> float:
        return self.at_us / 1e6

    def call_soon(self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None) -> Handle:
        handle = Handle(callback, args, self, context)
        self._now.append((handle, _owner(context)))
        return handle

    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> TimerHandle:
        timer = TimerHandle(when, callback, args, self, context)
        self._order += 1
        heapq.heappush(self._later, (max(round(when * 1e6), self.at_us), self._order, timer, _owner(context)))
        return timer

    def create_task(self, coro: Any, *, name: object = None, context: Context | None = None) -> "Task[Any]":
        task = Task(coro, loop=self, name=None if name is None else str(name), context=context)
        owner = _owner(context)
        if owner is not None:
            owner.adopt(task)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """An exception that nobody catches ends the world."""
        self.fail(context.get("exception") or RuntimeError(context["message"]))

    def fail(self, failure: BaseException) -> None:
        """End the run with this exception. The first one counts."""
        self._failure = self._failure or failure

    def unpark(self, process: Process, handles: list[Handle]) -> None:
        self._now.extend((handle, process) for handle in handles)

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run until `main` is done. Raises what failed, or Stuck with a list of what was waited for."""
        asyncio.events._set_running_loop(self)
        try:
            task: Task[T] = self.create_task(main)
            while not task.done():
                self._instant()
            return task.result()
        finally:
            try:
                self._unwind()
            finally:
                asyncio.events._set_running_loop(None)

    def _instant(self) -> None:
        """Everything that is ready, and what it makes ready, until time has to move on."""
        if not self._now:
            self._jump()
        ready = self._now
        while ready:
            handle, owner = ready.popleft()
            if handle.cancelled():
                continue
            if owner is not None and owner.frozen and not self._over:
                owner.park(handle)
                continue
            _run(handle)
            if self._failure is not None and not self._over:
                raise self._failure
            self._steps += 1
            if self._steps > BUSY_STEPS:
                raise Stuck(f"time stands still at {self.time():.6f} s\n{self._waiting()}")

    def _jump(self) -> None:
        """Move the clock to the next timer."""
        while self._later and self._later[0][2].cancelled():
            heapq.heappop(self._later)
        if not self._later:
            raise Stuck(f"deadlock at {self.time():.6f} s: nothing is ready and no timer is set\n{self._waiting()}")
        when_us, _, timer, owner = heapq.heappop(self._later)
        if when_us > self._ceiling_us:
            raise Stuck(f"not done after {self._ceiling_us / 1e6:.0f} s\n{self._waiting()}")
        if when_us > self.at_us:
            self.at_us, self._steps = when_us, 0
        self._now.append((timer, owner))

    def _unwind(self) -> None:
        """The run is over: let every task end, so that nothing is left half-way in memory."""
        self._over, self._steps = True, 0
        for _ in range(UNWINDINGS):
            unfinished = asyncio.all_tasks(self)
            for task in unfinished:
                task.cancel()
            if not unfinished:
                break
            self._instant()

    def _waiting(self) -> str:
        """Every unfinished task and where it waits."""
        places = []
        for task in asyncio.all_tasks(self):
            frames = task.get_stack()
            where = f"{frames[-1].f_code.co_filename}:{frames[-1].f_lineno}" if frames else "not begun"
            places.append(f"  {getattr(task.get_coro(), '__qualname__', '?')} at {where}")
        return "\n".join(sorted(places))


def _owner(context: Context | None) -> Process | None:
    return PROCESS.get() if context is None else context.get(PROCESS)


def _run(handle: Any) -> None:
    runnable: _Runnable = handle
    runnable._run()


def run(main: Coroutine[Any, Any, T], *, ceiling_s: float) -> T:
    """Run a coroutine on a virtual-time loop of its own, which is closed afterwards."""
    loop = VirtualLoop(ceiling_s=ceiling_s)
    try:
        return loop.run(main)
    finally:
        loop.close()
