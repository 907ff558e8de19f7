"""Reading one's own writes: wait until the tables show at least a sequence."""

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from asyncpg import Pool, Record

LOOK_EVERY_S: Final = 0.005
LONGEST_WAIT_S: Final = 10.0


class ProjectionBehind(Exception):
    """The tables do not show the wanted sequence in time. Nothing is wrong with what was asked: ask again later."""

    code: Final = "projection_behind"

    def __init__(self, *, wanted: int, reached: int) -> None:
        super().__init__(f"the tables show the journal up to {reached}, wanted {wanted}")
        self.wanted, self.reached = wanted, reached


class Barrier:
    """Any number of waiters share one look at the checkpoint at a time."""

    def __init__(self, pool: "Pool[Record]") -> None:
        self._pool = pool
        self._look: asyncio.Task[int] | None = None

    async def wait_for(self, seq: int, *, within_s: float = 2.0) -> int:
        """Until the tables show `seq`; the sequence that they show then. Raises ProjectionBehind after `within_s`
        seconds (at most `LONGEST_WAIT_S`)."""
        loop = asyncio.get_running_loop()
        due = loop.time() + min(within_s, LONGEST_WAIT_S)
        reached = await self._now()
        while reached < seq:
            if loop.time() >= due:
                raise ProjectionBehind(wanted=seq, reached=reached)
            await asyncio.sleep(LOOK_EVERY_S)
            reached = await self._now()
        return reached

    async def _now(self) -> int:
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._read())
            self._look.add_done_callback(_heard)
        return await asyncio.shield(self._look)

    async def _read(self) -> int:
        seq: int = await self._pool.fetchval("SELECT seq FROM read.checkpoint")
        return seq


def _heard(look: asyncio.Task[int]) -> None:
    """A failed look is its waiters' to raise; where none waits any more it is nobody's."""
    if not look.cancelled():
        look.exception()
