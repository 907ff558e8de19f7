"""Each book has a clock of its own: a little wrong, and now and then set to another time."""

from typing import Final

from overround.sim.loop import VirtualLoop

BASES_US: Final = (
    1_790_000_000_000_000,  # 2026-09-21, a Monday, in the afternoon
    1_793_404_780_000_000,  # 20 seconds before a midnight within a month: 2026-10-30 23:59:40
    1_793_491_180_000_000,  # 20 seconds before a month ends: 2026-10-31 23:59:40
    1_793_577_585_000_000,  # 15 seconds before a week ends: Sunday 2026-11-01 23:59:45
)
"""What the true time is when a world begins. Limits count by UTC day, ISO week and month."""


class SimClock:
    """`now_us` is the true time and `wrong_us`, which may change at any moment; `monotonic` is right."""

    def __init__(self, loop: VirtualLoop, *, base_us: int, wrong_us: int = 0) -> None:
        self._loop = loop
        self.wrong_us = wrong_us
        self._base_us = base_us

    def now_us(self) -> int:
        return self._base_us + self._loop.at_us + self.wrong_us

    def monotonic(self) -> float:
        return self._loop.time()
