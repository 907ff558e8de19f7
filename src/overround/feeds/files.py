"""Recorded messages of any provider played into a house, at any speed, through the adapters that live ones go through.

The files are read twice: once to know what is in them, and that they are whole, before the house hears anything. While
a recording plays its producers give signs of life, however slowly it goes, and a recovery is over when it is asked for.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from overround.feeds import odds_api
from overround.feeds.changes import Details
from overround.feeds.odds_api_poll import Plan, Poller, Source
from overround.feeds.recorded import Recorded, pauses, read
from overround.feeds.steward import Steward
from overround.feeds.uof.adapter import Adapter, Terms, describe
from overround.feeds.uof.api import Told
from overround.feeds.uof.messages import Message
from overround.feeds.uof.parsing import Malformed, parse

LIFE_SIGN_S: Final = 5.0
ALIVE: Final = '<alive product="%d" timestamp="%d" subscribed="1"/>'

StewardFor = Callable[[Callable[[str], Awaitable[Details | None]]], Steward]


class Player:
    """`steward_for` makes a steward that asks the given function what an event is. Raises FileRefused, OSError."""

    def __init__(
        self,
        *,
        files: tuple[Path, ...],
        name: str,
        terms: odds_api.Terms,
        steward_for: StewardFor,
        now_us: Callable[[], int],
    ) -> None:
        self._files, self._now_us = files, now_us
        self._told = Told()
        self._products: dict[int, int] = {}
        self._sports: dict[str, None] = {}
        self._at_us = 0
        for line in read(files):
            self._survey(line)
        self.adapter = Adapter(
            steward=steward_for(lambda ref: describe(self._told, ref)),
            provider=self._told,
            terms=Terms(producers=tuple(self._products), feed=name),
            now_us=now_us,
        )
        self._told.take = self.adapter.take
        plan = Plan(sports=tuple(self._sports), feed=name, terms=terms)
        self.poller = Poller(
            source=Source("http://recorded", key=""), plan=plan, now_us=now_us, as_of_us=self._as_of_us
        )
        self.poller.serve(steward_for(self.poller.describe))

    def _as_of_us(self) -> int:
        """The instant of the line that plays, by the clock of whoever recorded it."""
        return self._at_us or self._now_us()

    def _survey(self, line: Recorded) -> None:
        if line.source == "odds_api":
            self._sports[line.key.removeprefix("/v4/sports/").partition("/")[0]] = None
            return
        message = parse(line.body.encode())
        if isinstance(message, Message):
            self._products.setdefault(message.product, 0)
        elif not isinstance(message, Malformed):
            self._told.tell(message)

    async def play(self, *, speed: float, stay: bool = False) -> str:
        """To the end, and then until cancelled where it is to stay. What became of everything, in words."""
        async with asyncio.TaskGroup() as group:
            works = (self.adapter.run(), self.poller.keep(), self._life_signs())
            tasks = [group.create_task(work) for work in works]
            await self._lines(speed)
            if stay:
                await asyncio.Event().wait()
            for task in tasks:
                task.cancel()
        return self.summary()

    async def _lines(self, speed: float) -> None:
        began = asyncio.get_running_loop().time()
        for due_s, line in pauses(read(self._files), speed=speed):
            await asyncio.sleep(max(0.0, began + due_s - asyncio.get_running_loop().time()))
            self._at_us = line.at_ms * 1_000
            if line.source == "odds_api":
                await self.poller.take(line.key, line.body.encode())
            else:
                await self._message(line)
        await self.adapter.settled()

    async def _message(self, line: Recorded) -> None:
        """A producer is heard before its first message, so that it can be trusted by the time of the second."""
        message = parse(line.body.encode())
        if not isinstance(message, Message | Malformed):
            return
        if isinstance(message, Message):
            first = not self._products[message.product]
            self._products[message.product] = max(message.timestamp_ms, 1, self._products[message.product])
            if first:
                await self._alive(message.product)
        await self.adapter.take(line.key, line.body.encode())

    async def _life_signs(self) -> None:
        while True:
            await asyncio.sleep(LIFE_SIGN_S)
            for product, latest_ms in self._products.items():
                if latest_ms:
                    await self._alive(product)

    async def _alive(self, product: int) -> None:
        await self.adapter.take("", (ALIVE % (product, self._products[product])).encode())

    def summary(self) -> str:
        """What was counted, most frequent first."""
        parts = (self.adapter.summary() if self._products else "", self.poller.summary() if self._sports else "")
        return "; ".join(filter(None, parts))
