"""A client that never loses a command: the same key and bytes again until the house has answered."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from overround.feeds.client import Door, Problem, Unreachable
from overround.kernel.ids import key_at_us, parse_key

NOW_US = 1_790_000_000_000_000

Answer = tuple[int, dict[str, Any]] | Exception
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

BUSY: Answer = (503, {"code": "overloaded"})


class Script:
    """A house of a few lines that answers as told and remembers what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, bytes]] = []

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        body = (await receive()).get("body", b"")
        self.asked.append((scope["path"], dict(scope["headers"]).get(b"idempotency-key", b"").decode(), body))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        await send({"type": "http.response.start", "status": answer[0], "headers": [(b"retry-after", b"0")]})
        await send({"type": "http.response.body", "body": json.dumps(answer[1]).encode()})


def ask(script: Script, story: Callable[[Door], Awaitable[Any]], *, patience_s: float = 30.0) -> Any:
    async def run() -> Any:
        transport = httpx.ASGITransport(app=script)  # type: ignore[arg-type]  # a stub's scope is a plain dict
        http = httpx.AsyncClient(transport=transport, base_url="http://house")
        chance = random.Random(1)
        async with Door(http, token="t", now_us=lambda: NOW_US, chance=chance, patience_s=patience_s) as door:
            return await story(door)

    return asyncio.run(run())


def results(*pairs: tuple[str, str]) -> Answer:
    """A batch's reply: (key, status or code of what is undecided)."""
    return 200, {
        "results": [
            {"key": key, "status": "unknown", "code": status}
            if status == "outcome_unknown"
            else {"key": key, "status": status}
            for key, status in pairs
        ]
    }


def test_a_lost_answer_is_asked_for_again_with_the_same_key_and_bytes() -> None:
    script = Script(httpx.ReadTimeout("cut"), httpx.ConnectError("down"), BUSY, (201, {"bet_id": 5}))
    assert ask(script, lambda door: door.post("/v1/bets", {"stake_minor": 100})) == {"bet_id": 5}
    assert len(script.asked) == 4
    assert len(set(script.asked)) == 1
    _, key, body = script.asked[0]
    assert key_at_us(parse_key(key)) == NOW_US
    assert body == b'{"stake_minor":100}'


def test_a_problem_is_told_at_once() -> None:
    script = Script((422, {"code": "stake_limit", "title": "Too much", "max_stake_minor": 5}))
    with pytest.raises(Problem, match="422 stake_limit: Too much") as told:
        ask(script, lambda door: door.post("/v1/bets", {}))
    problem = told.value
    assert (problem.status, problem.code, problem.body["max_stake_minor"]) == (422, "stake_limit", 5)


def test_a_house_that_speaks_no_json_is_a_problem_without_a_code() -> None:
    class Html(Script):
        async def __call__(self, _scope: dict[str, Any], _receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b"<html>"})

    with pytest.raises(Problem, match="404"):
        ask(Html(), lambda door: door.get("/v1/sports"))


def test_patience_has_an_end() -> None:
    with pytest.raises(Unreachable, match=r"/v1/bets.*503"):
        ask(Script(*[BUSY] * 50), lambda door: door.post("/v1/bets", {}), patience_s=0.05)


def test_of_a_batch_only_the_undecided_are_sent_again() -> None:
    script = Script(results(("a", "open"), ("b", "outcome_unknown")), results(("b", "refused")))
    answers = ask(script, lambda door: door.place([{"key": "a"}, {"key": "b"}]))
    assert [answer["status"] for answer in answers] == ["open", "refused"]
    sent = [json.loads(body)["bets"] for _, _, body in script.asked]
    assert sent == [[{"key": "a"}, {"key": "b"}], [{"key": "b"}]]


def test_more_than_a_batch_goes_in_several() -> None:
    keys = [str(number) for number in range(250)]
    script = Script(results(*((key, "open") for key in keys[:200])), results(*((key, "open") for key in keys[200:])))
    answers = ask(script, lambda door: door.place([{"key": key} for key in keys]))
    assert [answer["key"] for answer in answers] == keys
    assert len(script.asked) == 2


def test_a_list_is_read_page_after_page() -> None:
    script = Script((200, {"items": [1, 2], "next_cursor": "x"}), (200, {"items": [3], "next_cursor": None}))
    assert ask(script, lambda door: door.each("/v1/bets", limit=2)) == [1, 2, 3]
