"""Full means a clear refusal: rates, waiting requests, slow bodies, connections."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

import pytest
from tests.edge.running import Running, new_key, until

from overround.book.machine import Parcel, Reply
from overround.book.machine.answers import Done
from overround.book.machine.commands import CreateSport
from overround.edge import gate
from overround.edge.access import Door
from overround.edge.asking import Asker
from overround.edge.gate import Gate
from overround.edge.problems import Problem
from overround.edge.routes import Call, Route, Router
from overround.edge.routes import Reply as Answered
from overround.edge.wire import frame
from overround.host import Desk
from overround.identity import Scope, Token


class DeafBus:
    """Nobody is at the other end, until the test answers."""

    def __init__(self) -> None:
        self.asked: list[Parcel] = []
        self.answer: Callable[[list[Reply]], None] = print

    async def answers(self, handler: Callable[[list[Reply]], None]) -> Callable[[], Awaitable[None]]:
        self.answer = handler

        async def close() -> None:
            self.answer = print

        return close

    async def ask(self, parcels: list[Parcel]) -> None:
        self.asked += parcels


async def opened(bus: DeafBus, **more: Any) -> Desk:
    desk = Desk(bus, **more)  # type: ignore[arg-type]  # as much of a bus as a desk uses
    await desk.open()
    return desk


async def test_more_than_the_desk_holds_is_refused_at_once() -> None:
    bus = DeafBus()
    desk = await opened(bus, capacity=2)
    asker = Asker(desk)
    waiting = [asyncio.create_task(asker.ask(CreateSport("a"), actor=-1, key=new_key())) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Problem, match="overloaded"):
        await asker.ask(CreateSport("b"), actor=-1, key=new_key())
    with pytest.raises(Problem, match="overloaded"):
        await asker.ask_many([(CreateSport("b"), new_key())], actor=-1)
    await asyncio.sleep(0)
    bus.answer([Reply(parcel.number, Done(1, 1)) for parcel in bus.asked])
    assert await asyncio.gather(*waiting) == [Done(1, 1), Done(1, 1)]
    await desk.close()


async def test_a_batch_knows_which_of_its_answers_never_came() -> None:
    bus = DeafBus()
    desk = await opened(bus, deadline_s=0.1)
    asking = asyncio.create_task(desk_many(desk))
    await until(lambda: bus.asked)
    bus.answer([Reply(bus.asked[1].number, Done(7, 1))])
    assert await asking == [None, Done(7, 1), None]
    await desk.close()


async def desk_many(desk: Desk) -> list[Any]:
    return list(await desk.ask_many([(CreateSport(str(number)), new_key()) for number in range(3)], actor=-1))


async def test_one_token_has_a_rate_and_a_lookup_is_shared() -> None:
    secret = b"ovr_" + secrets.token_urlsafe(32).encode()
    asked: list[bytes] = []

    async def lookup(digest: bytes) -> Token | None:
        asked.append(digest)
        await asyncio.sleep(0)
        return Token(
            id=1,
            actor=7,
            scopes=(Scope.CUSTOMER,),
            customer_id=7,
            name="test",
            created_at_us=0,
            expires_at_us=0,
            revoked_at_us=0,
        )

    door = Door(lookup, per_token_s=5, per_address_s=1, now_us=lambda: 0)
    results = await asyncio.gather(*(door.enter(secret, "here") for _ in range(8)), return_exceptions=True)
    assert asked == [sha256(secret).digest()]
    assert [str(each) for each in results if isinstance(each, Problem)] == ["rate_limited"] * 3
    door.forget(1)
    with pytest.raises(Problem, match="rate_limited"):
        await door.enter(secret, "here")
    assert len(asked) == 2


def route(handler: Callable[[Call], Awaitable[Answered]], **more: Any) -> Route:
    return Route(method="POST", path="/", name="test", doc="A test.", tag="test", handler=handler, **more)


async def through(handler: Callable[[Call], Awaitable[Answered]], **more: Any) -> tuple[int, bytes]:
    """A request through a gate that has one operation."""

    async def nobody(_digest: bytes) -> None:
        return None

    async def no_stream(*_: Any) -> None:
        return None

    door = Door(nobody, per_token_s=1, per_address_s=100, now_us=lambda: 0)
    app = Gate(Router([route(handler, **more)]), door, stream=no_stream)
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": [], "client": ("here", 1)}
    await app(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


async def test_a_fault_of_ours_is_a_problem_without_its_trace() -> None:
    async def broken(_call: Call) -> Answered:
        raise ZeroDivisionError("secret of the house")

    status, body = await through(broken)
    assert status == 500
    assert b"internal" in body
    assert b"secret" not in body


async def test_a_body_that_comes_too_slowly_is_given_up(house: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "BODY_WITHIN_S", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", house.settings.port)
    head = "POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n"
    writer.write(head.encode() + b'{"user')
    began = time.monotonic()
    status = await asyncio.wait_for(reader.readline(), 30)
    assert b" 408 " in status
    assert time.monotonic() - began < 25
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_frames_say_how_long_they_are(size: int) -> None:
    made = frame(b"x" * size)
    assert made[0] == 0x81
    assert made.endswith(b"x" * size)
    head = 2 if size < 126 else 4 if size < 65_536 else 10
    assert len(made) == head + size
