"""Processor time, by the kernel's account: of the machine, of a process with all that it started, of everybody else."""

import os
from pathlib import Path
from typing import Final

import msgspec

TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
IDLE: Final = (3, 4)
"""Where /proc/stat counts time that nobody used: idle, and waiting for a disk."""


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds since the machine started, over all cores: all there were, used ones, and used by this process's tree."""

    all_s: float
    used_s: float
    own_s: float


def now() -> Moment:
    ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = sum(ticks[place] for place in IDLE)
    return Moment(
        all_s=sum(ticks) / TICKS_A_SECOND,
        used_s=(sum(ticks) - idle) / TICKS_A_SECOND,
        own_s=with_descendants(os.getpid(), all_processes()),
    )


def others_share(before: Moment, after: Moment) -> float:
    """Which part of the machine's processor time everybody else took in between, from 0 to 1."""
    others = (after.used_s - before.used_s) - (after.own_s - before.own_s)
    return max(0.0, min(1.0, others / max(after.all_s - before.all_s, 1e-9)))


def all_processes() -> dict[int, tuple[int, float]]:
    """Parent and processor seconds of every process; those of its children that have ended count as its own."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it ended meanwhile
                continue
            found[int(entry.name)] = (int(fields[1]), sum(map(int, fields[11:15])) / TICKS_A_SECOND)
    return found


def with_descendants(pid: int, processes: dict[int, tuple[int, float]]) -> float:
    """Processor seconds of a process and everything it started."""
    own = processes.get(pid, (0, 0.0))[1]
    return own + sum(with_descendants(child, processes) for child, (parent, _) in processes.items() if parent == pid)
