"""The bytes on the wire, where uvicorn's protocols would make or send them more often than needed.

A reply is written at once, head and body: one system call instead of two. A WebSocket frame is made once and written to
any number of connections: frames from a server are not masked (RFC 6455, section 5.1), so the same bytes do for all.
"""

import asyncio
import struct
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

EXTENSION: Final = "overround.wire"
WHOLE: Final = "overround.whole"
TRANSPORT: Final = "overround.transport"
TEXT: Final = 0x81  # FIN and opcode 1
WHOLE_WITHIN_S: Final = 20.0
"""How long a request may take to arrive, and a new connection to say anything."""

MAX_HEAD_BYTES: Final = 64 * 1024


def head(status: int, headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """A reply's status line and headers as HTTP/1.1 writes them, without the empty line that ends them."""
    return STATUS_LINE[status] + b"".join(b"%b: %b\r\n" % header for header in headers)


class ReplyProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with `write_whole` in the scope's extensions.

    The extensions are the connection's, not the request's: a request that held a way to itself would be garbage that
    only the collector finds.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._extensions: dict[str, Any] = {WHOLE: self.write_whole}
        self._answering: RequestResponseCycle | None = None
        self._is_arriving = self._is_head = False
        self._head_bytes = 0
        self._due: asyncio.TimerHandle | None = None

    # Whoever sends a request a byte at a time, none, or a head without an end, does not keep its connection.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_arriving:
            self._still_arriving(len(data))

    def on_message_begin(self) -> None:
        self._is_arriving = self._is_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._is_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_arriving = False
        if self._due is not None:
            self._arrived()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._is_arriving = False
        self._arrived()
        super().handle_websocket_upgrade()

    def _still_arriving(self, length: int) -> None:
        if self._due is None:
            self._expect()
        if self._is_head:
            self._head_bytes += length
            if self._head_bytes > MAX_HEAD_BYTES:
                self._too_slow()

    def _expect(self) -> None:
        self._due = self.loop.call_later(WHOLE_WITHIN_S, self._too_slow)

    def _arrived(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _too_slow(self) -> None:
        self._arrived()
        if not self.transport.is_closing():
            self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        self._extensions[TRANSPORT] = cycle.transport
        cycle.scope["extensions"] = self._extensions
        super()._start_asgi_task(cycle, app)

    async def write_whole(self, beginning: bytes, body: bytes) -> None:
        """Write a whole reply to the request under way: what `head` made, the length, and the body. As the two messages
        of ASGI would, but once."""
        cycle, self._answering = self._answering, None
        assert cycle is not None, "a request has one reply"
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if cycle.disconnected:
            return
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        closing = b"" if cycle.keep_alive else b"connection: close\r\n"
        sent = b"" if cycle.scope["method"] == "HEAD" else body
        cycle.transport.write(b"%bcontent-length: %d\r\n%b\r\n%b" % (beginning, len(body), closing, sent))
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()


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
