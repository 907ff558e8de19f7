"""A provider of a few lines: an exchange on a real RabbitMQ, life signs, and an HTTP side that recovers from it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiormq
import uvicorn
from tests.feeds.uof.rabbit import EXCHANGE

from overround.infra.ports import LOOPBACK, free_port

TOKEN = "the provider's secret"
BEAT_S = 0.2
EVENT_KEY = "hi.-.live.{kind}.1.{urn}.{number}.-"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Provider:
    """`snapshot` are the bodies that a recovery sends before its end; `alive` are the producers with life signs."""

    def __init__(self, amqp_url: str, documents: dict[str, bytes]) -> None:
        self.snapshot: list[str] = []
        self.requests: list[dict[str, str]] = []
        self.alive: tuple[int, ...] = (1, 3)
        self.subscribed = True
        self.refuses = 0
        self._url, self._documents = amqp_url, documents
        self._channel: aiormq.abc.AbstractChannel | None = None

    async def publish(self, body: str) -> None:
        """A message about an event, to whoever listens."""
        root = body.split("<", 1)[1]
        kind, urn = root.split(" ", 1)[0], root.split('event_id="', 1)[1].split('"', 1)[0]
        prefix, _, number = urn.rpartition(":")
        await self._send(EVENT_KEY.format(kind=kind, urn=prefix, number=number), body)

    async def _send(self, key: str, body: str) -> None:
        while True:
            try:
                if self._channel is None or self._channel.is_closed:
                    connection = await aiormq.connect(self._url)
                    self._channel = await connection.channel(publisher_confirms=True)
                    await self._channel.exchange_declare(exchange=EXCHANGE, exchange_type="topic", durable=True)
                await self._channel.basic_publish(body.encode(), exchange=EXCHANGE, routing_key=key)
                return
            except (aiormq.exceptions.AMQPError, OSError):
                self._channel = None
                await asyncio.sleep(0.2)

    async def beat(self) -> None:
        """Life signs, until cancelled."""
        while True:
            for product in self.alive:
                body = f'<alive product="{product}" timestamp="{now_ms()}" subscribed="{int(self.subscribed)}"/>'
                await self._send("-.-.-.alive.-.-.-.-", body)
            await asyncio.sleep(BEAT_S)

    async def __call__(self, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        """The HTTP side."""
        assert dict(scope["headers"])[b"x-access-token"] == TOKEN.encode()
        while (await receive()).get("more_body"):
            pass
        status, body = 404, b""
        if scope["method"] == "POST":
            query = dict(pair.split("=") for pair in scope["query_string"].decode().split("&"))
            self.requests.append({"path": scope["path"], **query})
            status = 202 if self.refuses == 0 else 503
            self.refuses = max(0, self.refuses - 1)
            if status == 202:
                await self._recovers(scope["path"], int(query["request_id"]))
        else:
            name = scope["path"].removeprefix("/v1")
            status, body = (200, self._documents[name]) if name in self._documents else (404, b"")
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})

    async def _recovers(self, path: str, request_id: int) -> None:
        product = 3 if path.startswith("/v1/pre/") else 1
        for body in self.snapshot:
            if f'product="{product}"' in body:
                await self.publish(body.replace("<odds_change ", f'<odds_change request_id="{request_id}" ', 1))
        done = f'<snapshot_complete product="{product}" request_id="{request_id}" timestamp="{now_ms()}"/>'
        await self._send("-.-.-.snapshot_complete.-.-.-", done)


@asynccontextmanager
async def serving(provider: Provider) -> AsyncIterator[str]:
    """Its HTTP side's address, while it sends life signs."""
    port = free_port()
    settings = uvicorn.Config(provider, host=LOOPBACK, port=port, log_level="warning", lifespan="off")
    server = uvicorn.Server(settings)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # of older versions
    tasks = [asyncio.create_task(server._serve()), asyncio.create_task(provider.beat())]
    try:
        while not server.started:
            assert not tasks[0].done()
            await asyncio.sleep(0.02)
        yield f"http://{LOOPBACK}:{port}/v1"
    finally:
        server.should_exit = True
        tasks[1].cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)
