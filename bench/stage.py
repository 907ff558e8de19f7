"""What a benchmark is, and the stage it runs on: its folder and its progress."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec

from bench.finding import Finding

ROOT: Final = Path(__file__).resolve().parents[1]


class Stage:
    """Handed to a running benchmark. `folder` is its own and is deleted after; `quick` asks for a small version, whose
    figures mean little."""

    def __init__(self, *, folder: Path, quick: bool, tell: Callable[[str, float | None], None]) -> None:
        self.folder = folder
        self.quick = quick
        self._tell = tell

    def tell(self, doing: str, done: float | None = None) -> None:
        """Show what is going on, and how much of the benchmark is done, from 0 to 1."""
        self._tell(doing, done)

    def scaled(self, size: int, quick: int) -> int:
        """A size, or its small version."""
        return quick if self.quick else size


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """One benchmark. `within_s` bounds it; what it has not found by then it has not found."""

    name: str
    title: str
    leaves_out: tuple[str, ...]
    within_s: float
    run: Callable[[Stage], Awaitable[Finding]]


class Failed(Exception):
    """A benchmark could not be run, or what it measured is wrong: money out of balance, an acknowledged bet lost."""
