"""A running house for the edge's tests: book, worker and gateway on the real engines, in one event loop."""

import asyncio
import contextlib
import itertools
import secrets
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import uvloop

from overround import identity
from overround.apps import book, gateway, worker
from overround.apps.house import migrate
from overround.apps.settings import Settings
from overround.infra.ports import free_port
from overround.kernel.ids import make_key

PATIENCE_S = 30.0
FAR_AHEAD = 10**12
"""A sequence that no journal of a test has."""

_cells = itertools.count(1)


def new_key(at_us: int | None = None) -> str:
    return make_key(at_us=at_us or time.time_ns() // 1_000, chance=secrets.randbits(74))


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """Where a house is, and its operator's token."""

    settings: Settings
    operator: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    @property
    def stream(self) -> str:
        return f"ws://127.0.0.1:{self.settings.port}/v1/stream"


async def until(condition: Callable[[], Awaitable[Any] | Any], within_s: float = PATIENCE_S) -> Any:
    """Wait for a condition; its first true value."""
    due = time.monotonic() + within_s
    while True:
        found = condition()
        if isinstance(found, Awaitable):
            found = await found
        if found:
            return found
        assert time.monotonic() < due, "never came true"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(
    dsn: str, nats_url: str, *, gateway_nats_url: str = "", data: Path | None = None
) -> AsyncIterator[Running]:
    """Everything, until the block ends. The gateway may have another way to NATS, which a test can cut; with a folder
    for `data` it has the exchange's stream."""
    settings = Settings(
        data=data or Path("unused"),
        port=free_port(),
        stream_port=free_port() if data is not None else None,
        database_url=dsn,
        nats_url=nats_url,
        cell=f"edge-{secrets.token_hex(4)}-{next(_cells)}",
        name="test",
    )
    await migrate(dsn)
    house = Running(settings=settings, operator=await _operator(dsn))
    stop = asyncio.Event()
    edge = msgspec.structs.replace(settings, nats_url=gateway_nats_url or nats_url)
    roles = [book.run(settings, stop), worker.work(dsn, stop), gateway.run(edge, stop)]
    tasks = [asyncio.create_task(role) for role in roles]
    try:
        await until(lambda: _is_ready(house, tasks))
        yield house
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def _operator(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        issued = await identity.issue_token(
            connection,
            actor=identity.OPERATOR_ACTOR,
            scopes=("operator",),
            name="test",
            now_us=time.time_ns() // 1_000,
        )
        return issued.secret
    finally:
        await connection.close()


async def _is_ready(house: Running, tasks: list[asyncio.Task[None]]) -> bool:
    for task in tasks:
        if task.done():
            task.result()
    with contextlib.suppress(httpx.TransportError):
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{house.url}/health/ready")).status_code == httpx.codes.OK
    return False


@contextmanager
def running_beside(dsn: str, nats_url: str, *, data: Path | None = None) -> Iterator[Running]:
    """The same in a thread of its own, for tests that share one house, on the event loop that a gateway has."""
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="house", daemon=True)
    thread.start()
    context = running(dsn, nats_url, data=data)
    house = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(PATIENCE_S)
    try:
        yield house
    finally:
        asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result(PATIENCE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_S)
        loop.close()


class Api:
    """One bearer's requests, with a fresh key each."""

    def __init__(self, house: Running, token: str = "") -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self.token = token
        self._client = httpx.Client(base_url=house.url, headers=headers, timeout=PATIENCE_S)

    def get(self, path: str, **query: Any) -> httpx.Response:
        """What a gateway answers. Tables that are behind are asked again, as the answer's `retry-after` asks for."""
        due = time.monotonic() + PATIENCE_S
        while True:
            reply = self._client.get(path, params=query or None)
            is_behind = reply.status_code == 503 and reply.json()["code"] == "projection_behind"
            if not is_behind or query["min_seq"] >= FAR_AHEAD or time.monotonic() > due:
                return reply

    def post(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> httpx.Response:
        return self.send("POST", path, body, key=key, **headers)

    def send(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str
    ) -> httpx.Response:
        own = {"idempotency-key": new_key() if key is None else key, **headers}
        content = body if isinstance(body, bytes) else None if body is None else msgspec.json.encode(body)
        given = [(name.encode(), text.encode("latin-1")) for name, text in own.items() if text]
        return self._client.request(method, path, content=content, headers=given)

    def made(self, path: str, body: Any = None) -> dict[str, Any]:
        """What a request that succeeds answers."""
        reply = self.post(path, body)
        assert reply.is_success, reply.text
        made: dict[str, Any] = reply.json()
        return made

    def close(self) -> None:
        self._client.close()
