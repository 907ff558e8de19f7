"""The bus over NATS core subjects. Streams are not used: what must last is in the journal."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from overround.book.machine import (
    Parcel,
    Pending,
    Reply,
    decode_parcels,
    decode_replies,
    encode_parcels,
    encode_replies,
)
from overround.host.ports import Serve

MAX_MESSAGE_BYTES: Final = 512 * 1024
"""Half of what a NATS server takes by default, so that one long fact still fits beside others."""

log = logging.getLogger(__name__)

_encode_facts = msgspec.msgpack.Encoder().encode
_facts = msgspec.msgpack.Decoder(list[Pending])


class NatsBus:
    """Subjects `<cell>.requests`, `<cell>.facts` and an inbox of our own for answers."""

    def __init__(self, client: Client, *, cell: str) -> None:
        self._client = client
        self._requests, self._facts = f"{cell}.requests", f"{cell}.facts"
        self._inbox = client.new_inbox()

    async def serve(self, handler: Serve) -> Callable[[], Awaitable[None]]:
        async def take(message: Msg) -> None:
            try:
                parcels = decode_parcels(message.data)
            except (msgspec.DecodeError, UnicodeDecodeError):
                return
            handler(message.reply, parcels)

        return (await self._client.subscribe(self._requests, cb=take)).unsubscribe

    async def reply(self, reply_to: str, replies: list[Reply]) -> None:
        await self._send(reply_to, encode_replies(replies))

    async def publish(self, facts: Sequence[Pending]) -> None:
        for part in _parts(facts):
            await self._send(self._facts, _encode_facts(part))

    async def listen(self, handler: Callable[[list[Pending]], None]) -> Callable[[], Awaitable[None]]:
        async def hear(message: Msg) -> None:
            handler(_facts.decode(message.data))

        return (await self._client.subscribe(self._facts, cb=hear)).unsubscribe

    async def ask(self, parcels: list[Parcel]) -> None:
        await self._send(self._requests, encode_parcels(parcels), reply=self._inbox)

    async def answers(self, handler: Callable[[list[Reply]], None]) -> Callable[[], Awaitable[None]]:
        async def hear(message: Msg) -> None:
            if message.data:  # empty: the server says that no book listens; the desk asks again
                handler(decode_replies(message.data))

        return (await self._client.subscribe(self._inbox, cb=hear)).unsubscribe

    async def _send(self, subject: str, message: bytes, *, reply: str = "") -> None:
        """A message that cannot be sent is lost, as it may be at any time: who waits for it asks again."""
        try:
            await self._client.publish(subject, message, reply=reply)
        except nats.errors.Error as lost:
            log.warning("message lost: %s", lost, extra={"subject": subject})


def _parts(facts: Sequence[Pending]) -> list[Sequence[Pending]]:
    """Cut a commit into messages that the bus takes."""
    parts: list[Sequence[Pending]] = []
    start, size = 0, 0
    for index, fact in enumerate(facts):
        if size and size + len(fact.body) > MAX_MESSAGE_BYTES:
            parts.append(facts[start:index])
            start, size = index, 0
        size += len(fact.body) + 64
    return [*parts, facts[start:]]
