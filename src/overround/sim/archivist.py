"""Who says for how long what is settled stays in the book: in every other world seconds, so that it leaves while
everything else goes on."""

import asyncio
from random import Random
from typing import Final

from overround.book.machine.desk_commands import SetArchiveAfter
from overround.kernel.instant import SECOND_US
from overround.sim.gateways import Caller

ARCHIVIST: Final = -4
PERIODS_S: Final = (1, 1, 3, 10)
EVERY_S: Final = 10.0


class Archivist:
    """Changes its mind now and then."""

    def __init__(self, *, caller: Caller, chance: Random) -> None:
        self._caller, self._chance = caller, chance

    async def keep(self, until_s: float) -> None:
        now = asyncio.get_running_loop().time
        if self._chance.random() < 0.5:
            return
        while now() < until_s:
            command = SetArchiveAfter(self._chance.choice(PERIODS_S) * SECOND_US)
            await self._caller.insist(command, actor=ARCHIVIST, patience_s=1.0)
            await asyncio.sleep(self._chance.expovariate(1 / EVERY_S))
