"""A cable that a test can cut: a TCP relay to a server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit


class Cable:
    """Relays connections while it is whole."""

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self._host, self._remote_port = host, port
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()

    async def mend(self) -> None:
        """Let connections through, always at the same port."""
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Everything is over, and nothing new gets through."""
        if self._server is not None:
            self._server.close()
        for end in self._ends:
            end.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, both ways, until either end closes."""
        remote_reader, remote_writer = await asyncio.open_connection(self._host, self._remote_port)
        self._ends |= {writer, remote_writer}
        await asyncio.gather(_pump(reader, remote_writer), _pump(remote_reader, writer))
        self._ends -= {writer, remote_writer}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def cable_to(url: str) -> AsyncIterator[tuple[Cable, str]]:
    """A cable to the server of a URL, and the URL at this end of it."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    cable = Cable(parts.hostname, parts.port)
    await cable.mend()
    user = parts.netloc.rpartition("@")[0]
    here = f"127.0.0.1:{cable.port}"
    try:
        yield cable, urlunsplit(parts._replace(netloc=f"{user}@{here}" if user else here))
    finally:
        cable.cut()
