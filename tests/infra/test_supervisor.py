"""Children: started in order, kept alive, stopped in reverse order, never left behind."""

import asyncio
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from overround.infra.child import Child, exists, rotate
from overround.infra.supervisor import ChildEvent, ChildFailed, ChildState, Supervisor

CEILING_S = 60.0
SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")
STUBBORN = (sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); print(); time.sleep(600)")


async def until(condition: partial[bool]) -> None:
    due = asyncio.get_running_loop().time() + CEILING_S
    while not condition():
        assert asyncio.get_running_loop().time() < due, "waited too long"
        await asyncio.sleep(0.01)


async def test_children_start_in_order_and_stop_in_reverse(tmp_path: Path) -> None:
    events: list[ChildEvent] = []
    supervisor = Supervisor(logs=tmp_path, on_event=events.append)
    for name in ("first", "second"):
        await supervisor.start(Child(name=name, argv=SLEEP))
    pids = [child.pid for child in supervisor.children()]
    await supervisor.stop()
    assert [(event.name, event.state) for event in events] == [
        ("first", ChildState.STARTING),
        ("first", ChildState.READY),
        ("second", ChildState.STARTING),
        ("second", ChildState.READY),
        ("second", ChildState.STOPPED),
        ("first", ChildState.STOPPED),
    ]
    assert not any(exists(pid) for pid in pids if pid is not None)


async def test_a_child_that_dies_is_started_again_each_time(tmp_path: Path) -> None:
    events: list[ChildEvent] = []
    supervisor = Supervisor(logs=tmp_path, on_event=events.append)
    await supervisor.start(Child(name="mortal", argv=SLEEP))
    for restarts in range(1, 4):
        pid = supervisor.pid("mortal")
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(partial(_is_up_after, supervisor, restarts))
        assert supervisor.pid("mortal") != pid
    await supervisor.stop()
    deaths = [event.exit_code for event in events if event.state is ChildState.WAITING]
    assert deaths == [-signal.SIGKILL] * 3


def _is_up_after(supervisor: Supervisor, restarts: int) -> bool:
    (child,) = supervisor.children()
    return child.restarts == restarts and child.state is ChildState.READY


async def test_start_waits_for_the_readiness_probe(tmp_path: Path) -> None:
    answers = iter([False, False, True])

    async def ready() -> bool:
        return next(answers)

    supervisor = Supervisor(logs=tmp_path)
    await supervisor.start(Child(name="slow", argv=SLEEP, ready=ready))
    assert next(answers, None) is None
    await supervisor.stop()


async def test_a_child_that_ends_before_it_is_ready_is_a_failure(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    supervisor = Supervisor(logs=tmp_path)
    with pytest.raises(ChildFailed, match="exit code 7"):
        await supervisor.start(Child(name="broken", argv=(sys.executable, "-c", "exit(7)"), ready=never))
    await supervisor.stop()


async def test_a_child_that_ignores_its_stop_signal_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "stubborn.log"

    async def deaf() -> bool:
        return log.stat().st_size > 0

    supervisor = Supervisor(logs=tmp_path)
    await supervisor.start(Child(name="stubborn", argv=(STUBBORN[0], "-u", *STUBBORN[1:]), ready=deaf, grace_s=0.2))
    pid = supervisor.pid("stubborn")
    assert pid is not None
    await supervisor.stop()
    assert not exists(pid)


async def test_stopping_does_not_wait_for_the_back_off_of_a_dying_child(tmp_path: Path) -> None:
    supervisor = Supervisor(logs=tmp_path)
    await supervisor.start(Child(name="hopeless", argv=(sys.executable, "-c", "exit(1)")))
    await until(partial(_is_waiting, supervisor))
    await supervisor.stop()
    assert supervisor.children() == ()


def _is_waiting(supervisor: Supervisor) -> bool:
    return supervisor.children()[0].state is ChildState.WAITING


async def test_a_name_is_taken_once(tmp_path: Path) -> None:
    supervisor = Supervisor(logs=tmp_path)
    await supervisor.start(Child(name="one", argv=SLEEP))
    with pytest.raises(ValueError, match="already"):
        await supervisor.start(Child(name="one", argv=SLEEP))
    await supervisor.stop()


HOUSE = """
import asyncio, sys
from pathlib import Path
from overround.infra.child import Child
from overround.infra.nats import EmbeddedNats
from overround.infra.postgres import EmbeddedPostgres
from overround.infra.supervisor import Supervisor

async def main():
    data = Path(sys.argv[1])
    supervisor = Supervisor(logs=data / "logs")
    postgres, nats = EmbeddedPostgres(data), EmbeddedNats(data)
    postgres.prepare()
    nats.prepare()
    for child in (postgres.child(), nats.child(), Child(name="role", argv=("sleep", "600"))):
        await supervisor.start(child)
    print(*(child.pid for child in supervisor.children()), flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_nothing_outlives_a_killed_supervisor_and_the_next_one_starts(data_folder: Path) -> None:
    """Twice over the same data: what the first left behind is no obstacle."""
    pids: list[int] = []
    for _ in range(2):
        pids += await asyncio.to_thread(_build_and_kill_a_house, data_folder)
    assert len(set(pids)) == 6
    await until(partial(_all_gone, pids))


def _build_and_kill_a_house(data: Path) -> list[int]:
    """The process ids of its children."""
    command = [sys.executable, "-c", HOUSE, str(data)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as house:
        assert house.stdout is not None
        pids = [int(word) for word in house.stdout.readline().split()]
        house.kill()
    return pids


def _all_gone(pids: list[int]) -> bool:
    return not any(_runs(pid) for pid in pids)


def _runs(pid: int) -> bool:
    """A zombie that nobody reaps (there may be no init here) does not run."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_large_log_is_moved_aside(tmp_path: Path) -> None:
    log = tmp_path / "book.log"
    for text in ("one", "two", "three", "four"):
        rotate(log, limit_bytes=3, keep=2)
        log.write_text(text)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["book.log", "book.log.1", "book.log.2"]
    assert (tmp_path / "book.log.2").read_text() == "two"
