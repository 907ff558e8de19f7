"""Messages from the provider's exchange, for as long as wanted, through any number of connections.

The queue is ours alone and ends with the connection: what is said while there is none is never heard, which is what
recoveries are for. A message is acknowledged when it was taken, so that a slow house slows the provider's server down
and memory stays bounded.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final

import aiormq
import msgspec
from aiormq.abc import AbstractChannel, DeliveredMessage
from aiormq.exceptions import AMQPError

from overround.feeds.uof import routing

log = logging.getLogger(__name__)

EXCHANGE: Final = "unifiedfeed"
PREFETCH: Final = 200
"""Messages that are under way to us unacknowledged, at most."""

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
CONNECT_S: Final = 15.0

Take = Callable[[str, bytes], Awaitable[None]]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where messages come from. `url` holds the password and is never logged; `node` 0 hears what is for any node."""

    url: str
    exchange: str = EXCHANGE
    node: int = 0


class Consumer:
    """`take` gets each routing key and body, in the order of arrival; `lost` is told when a connection ended."""

    def __init__(
        self, source: Source, *, take: Take, lost: Callable[[], Awaitable[None]], chance: random.Random
    ) -> None:
        self.connections = 0
        self._source, self._take, self._lost, self._chance = source, take, lost, chance

    async def run(self) -> None:
        """Until cancelled. After a connection that could not be made the pause grows."""
        pause_s = FIRST_PAUSE_S
        while True:
            before = self.connections
            try:
                await self._consume()
                log.warning("the provider's server closed the connection")
            except (AMQPError, OSError, TimeoutError) as trouble:
                log.warning("no connection to the provider's server: %s", type(trouble).__name__)
            await self._lost()
            pause_s = FIRST_PAUSE_S if self.connections > before else min(LONGEST_PAUSE_S, 2 * pause_s)
            await asyncio.sleep(pause_s * self._chance.uniform(0.5, 1.0))

    async def _consume(self) -> None:
        """One connection's life."""
        async with asyncio.timeout(CONNECT_S):
            connection = await aiormq.connect(self._source.url)
        try:
            async with asyncio.timeout(CONNECT_S):
                channel = await connection.channel()
                await self._subscribe(channel)
            self.connections += 1
            log.info("connected to the provider's server")
            await asyncio.wait({connection.closing, channel.closing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await asyncio.gather(connection.close(), return_exceptions=True)

    async def _subscribe(self, channel: AbstractChannel) -> None:
        await channel.basic_qos(prefetch_count=PREFETCH)
        queue = (await channel.queue_declare(exclusive=True, auto_delete=True)).queue
        assert queue is not None
        for key in routing.bindings(self._source.node):
            await channel.queue_bind(queue, self._source.exchange, routing_key=key)

        async def deliver(message: DeliveredMessage) -> None:
            await self._take(message.routing_key or "", message.body)
            if message.delivery_tag is not None:
                await channel.basic_ack(message.delivery_tag)

        await channel.basic_consume(queue, deliver)
