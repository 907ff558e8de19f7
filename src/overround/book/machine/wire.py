"""How requests and answers travel between the edges and the book: MessagePack arrays, many in one message."""

from hashlib import blake2b
from typing import Final

import msgspec

from overround.book.machine.answers import Answer
from overround.book.machine.commands import AnyCommand, Command, Request

MAX_COMMAND_BYTES: Final = 512 * 1024
"""A longer command is not opened. A refused one is kept whole, and its JSON must fit a row of the journal."""


class Parcel(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One request on the wire. `number` is the sender's own and comes back with the answer."""

    number: int
    actor: int
    key: str
    command: msgspec.Raw


class Reply(msgspec.Struct, frozen=True, array_like=True, gc=False):
    number: int
    answer: Answer


_encoder = msgspec.msgpack.Encoder()
_parcels = msgspec.msgpack.Decoder(list[Parcel])
_command = msgspec.msgpack.Decoder(AnyCommand)
_replies = msgspec.msgpack.Decoder(list[Reply])


def pack(number: int, *, actor: int, key: str, command: Command) -> Parcel:
    """Encode a command once, at the edge. Equal commands have equal bytes."""
    return Parcel(number, actor, key, msgspec.Raw(_encoder.encode(command)))


def encode_parcels(parcels: list[Parcel]) -> bytes:
    return _encoder.encode(parcels)


def decode_parcels(message: bytes) -> list[Parcel]:
    """Raises msgspec.DecodeError on anything that is not a list of parcels."""
    try:
        return _parcels.decode(message)
    except UnicodeDecodeError as broken:
        raise msgspec.DecodeError(str(broken)) from None


def open_parcel(parcel: Parcel) -> Request:
    """The request in a parcel. Raises msgspec.DecodeError on anything that is not a known command, whole and exact, of
    at most `MAX_COMMAND_BYTES`."""
    if len(parcel.command) > MAX_COMMAND_BYTES:
        raise msgspec.ValidationError(f"a command of {len(parcel.command)} bytes")
    try:
        command = _command.decode(parcel.command)
    except UnicodeDecodeError as broken:
        raise msgspec.DecodeError(str(broken)) from None
    return Request(parcel.actor, parcel.key, content_hash(parcel.command), command)


def content_hash(command: bytes | msgspec.Raw) -> int:
    """48 bits of BLAKE2b: small enough to be an exact number in any JSON reader."""
    return int.from_bytes(blake2b(command, digest_size=6).digest(), "big")


def request(*, actor: int, key: str, command: AnyCommand) -> Request:
    """A request made in this process, with the hash that its bytes would have on the wire."""
    return Request(actor, key, content_hash(_encoder.encode(command)), command)


def encode_replies(replies: list[Reply]) -> bytes:
    return _encoder.encode(replies)


def decode_replies(message: bytes) -> list[Reply]:
    return _replies.decode(message)
