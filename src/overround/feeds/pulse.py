"""One feed's life signs to the house, said only while its source is trusted, and never after it was said to be down."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from overround.feeds.client import Problem, Unreachable
from overround.feeds.steward import Steward
from overround.kernel.instant import SECOND_US

log = logging.getLogger(__name__)

HEARTBEAT_S: Final = 5.0
PAUSE_S: Final = 1.0
HOUSE_DOUBTS_US: Final = 15 * SECOND_US
"""Between two heartbeats that the house took: after more it may have thought us silent (at 20 s), and wants every price
confirmed."""


class Pulse:
    """`trusted` is asked each time. `say_again` confirms the prices of every market that the feed offers."""

    def __init__(
        self,
        *,
        steward: Steward,
        feed: str,
        trusted: Callable[[], bool],
        say_again: Callable[[], Awaitable[None]],
        now_us: Callable[[], int],
    ) -> None:
        self._steward, self._feed, self._now_us = steward, feed, now_us
        self._trusted, self._say_again = trusted, say_again
        self._saying = asyncio.Lock()
        self._beaten_us = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            before_us = self._beaten_us
            if await self._beat() and self._now_us() - before_us >= HOUSE_DOUBTS_US:
                await self._say_again()

    async def revive(self) -> bool:
        """Until the house has heard that the feed is back; False where it is not trusted any more."""
        while not await self._beat():
            if not self._trusted():
                return False
            await asyncio.sleep(PAUSE_S)
        return True

    async def silence(self) -> None:
        """At once. A house that cannot be reached notices by itself, for there are no more heartbeats."""
        async with self._saying:
            try:
                await self._steward.silence(self._feed)
            except (Problem, Unreachable) as trouble:
                log.warning("the house did not hear that %s is down: %s", self._feed, trouble)

    async def _beat(self) -> bool:
        """Whether the house heard that the feed is alive."""
        async with self._saying:
            if not self._trusted():
                return False
            began_us = self._now_us()
            try:
                await self._steward.heard(self._feed)
            except (Problem, Unreachable) as trouble:
                log.warning("no heartbeat of %s: %s", self._feed, trouble)
                return False
            self._beaten_us = began_us
            return True
