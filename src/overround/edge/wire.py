"""The bytes of the stream: WebSocket frames made once and written to any number of connections.

uvicorn's WebSocket protocol encodes each message for each connection anew. Frames from a server are not masked (RFC
6455, section 5.1), so the same bytes do for everybody; `StreamProtocol` lets the application write them at once.
"""

import asyncio
import struct
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

EXTENSION: Final = "overround.wire"
TEXT: Final = 0x81  # FIN and opcode 1


def frame(payload: bytes) -> bytes:
    """A whole text message as one unmasked frame (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((TEXT, size)) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", TEXT, 126, size) + payload
    return struct.pack("!BBQ", TEXT, 127, size) + payload


class Wire:
    """One connection's way out. `is_full` says that the peer does not read what was written before."""

    __slots__ = ("_protocol", "is_full", "on_room")

    def __init__(self, protocol: "StreamProtocol") -> None:
        self._protocol = protocol
        self.is_full = False
        self.on_room: Callable[[], None] | None = None

    async def room(self) -> None:
        """Wait until the peer reads, or is gone."""
        await self._protocol.writable.wait()

    def write(self, frames: bytes) -> None:
        """Send whole frames. Nothing is sent once the connection closes."""
        protocol = self._protocol
        if not protocol.close_sent and not protocol.disconnected and protocol.handshake_complete:
            protocol.transport.write(frames)


class StreamProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol, with the wire in the scope's extensions."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wire = Wire(self)

    async def run_asgi(self) -> None:
        self.scope["extensions"][EXTENSION] = self.wire  # type: ignore[assignment]  # no document for others to read
        await super().run_asgi()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.wire.is_full = True

    def resume_writing(self) -> None:
        super().resume_writing()
        self.wire.is_full = False
        if self.wire.on_room is not None:
            asyncio.get_running_loop().call_soon(self.wire.on_room)
