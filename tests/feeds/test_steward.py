"""Changes on their way to a house of a few lines: keys over two lives, a house that is away, signs of life."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.edge.running import until
from tests.feeds.test_planning import offer

from overround.feeds import pulse as pulse_room
from overround.feeds.bindings import Binding, Bindings
from overround.feeds.changes import Details, EventChanges, State
from overround.feeds.client import Door
from overround.feeds.planning import House
from overround.feeds.pulse import Pulse
from overround.feeds.steward import Steward
from overround.kernel.instant import SECOND_US

NOW_US = 1_790_000_000_000_000
MATCH = Details(ref="sr:match:1", sport="Football", competition="Cup", name="A – B", starts_at_us=NOW_US)
KEY = "019e7d2a-0000-7000-8000-000000000001"


class Board:
    """A house that makes whatever it is asked for, refuses what it is told to, and remembers every key."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.markets: list[dict[str, Any]] = []
        self.commands: list[dict[str, Any]] = []
        self.heard: list[str] = []
        self.keys: list[str] = []
        self.refuses: list[tuple[int, str]] = []
        self.is_away = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.is_away:
            raise httpx.ConnectError("away")
        path, body = request.url.path, json.loads(request.content or b"{}")
        match request.method, path.removeprefix("/v1/"):
            case "POST", "operator/events":
                return self._event(request.headers["idempotency-key"], body)
            case "POST", "operator/commands":
                return httpx.Response(200, json={"results": [self._command(each) for each in body["commands"]]})
            case "POST", ("operator/sports" | "operator/competitions") as kind:
                return httpx.Response(201, json={"sport_id": 1, "competition_id": 1, "seq": len(kind)})
            case "POST", feed:
                self.heard.append(feed.rpartition("/")[2])
                return httpx.Response(200, json={"seq": 1})
            case "GET", ("sports" | "competitions"):
                return httpx.Response(200, json={"items": [], "next_cursor": None})
            case _:
                return httpx.Response(200, json={**self.events[-1], "markets": self.markets})

    def _event(self, key: str, body: dict[str, Any]) -> httpx.Response:
        self.keys.append(key)
        if self.refuses:
            status, code = self.refuses.pop(0)
            return httpx.Response(status, json={"code": code})
        self.events.append({"event_id": 9, "status": "scheduled", "starts_at": body["starts_at"]})
        return httpx.Response(201, json={"event_id": 9, "seq": 5})

    def _command(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.commands.append(asked)
        if asked["command"] == "CreateMarket":
            selections = [
                {"selection_id": number, "name": name, "price_milli": price}
                for number, (name, price) in enumerate(zip(asked["selections"], asked["prices_milli"], strict=True), 1)
            ]
            self.markets.append(
                {
                    "market_id": 7,
                    "type": asked["type"],
                    "specifiers": asked["specifiers"],
                    "status": "suspended",
                    "reason": "new",
                    "available": False,
                    "selections": selections,
                }
            )
        return {"key": asked["key"], "status": "done", "id": 7, "seq": 6}


def told(board: Board, file: Path, story: Callable[[Steward], Awaitable[Any]]) -> Any:
    """A steward's life."""

    async def describe(_ref: str) -> Details | None:
        return MATCH

    async def run() -> Any:
        http = httpx.AsyncClient(transport=httpx.MockTransport(board), base_url="http://house")
        door = Door(http, token="t", now_us=lambda: NOW_US, chance=random.Random(1), patience_s=0.05)
        with Bindings(file) as bindings:
            async with door:
                return await story(Steward(operator=door, bindings=bindings, describe=describe, house=House()))

    return asyncio.run(run())


OFFERED = [EventChanges(ref=MATCH.ref, changes=(offer(home=2_000, draw=3_000, away=4_000),))]


def test_an_event_is_made_and_its_market_opened(tmp_path: Path) -> None:
    board = Board()
    told(board, tmp_path / "uof.jsonl", lambda steward: steward.bring(OFFERED))
    assert [each["command"] for each in board.commands] == ["CreateMarket", "SetPrices", "ResumeMarket"]
    assert len(set(board.keys)) == 1


def test_who_is_behind_catches_up_without_old_prices_and_leaves_out_no_suspension(tmp_path: Path) -> None:
    board = Board()
    said = [
        offer(home=2_000, draw=3_000),
        offer(home=2_050),
        offer(State.SUSPENDED),
        offer(home=2_100),
        offer(draw=3_100),
    ]

    async def story(steward: Steward) -> None:
        await steward.bring(OFFERED)
        board.markets[0] |= {"status": "open", "reason": "", "available": True}
        board.commands.clear()
        await steward.bring([EventChanges(ref=MATCH.ref, changes=(each,)) for each in said])

    told(board, tmp_path / "uof.jsonl", story)
    assert [each["command"] for each in board.commands] == ["SetPrices", "SuspendMarket", "SetPrices"]
    assert board.commands[0]["prices"] == [{"selection_id": 1, "price_milli": 2_050}]
    assert [each["price_milli"] for each in board.commands[2]["prices"]] == [2_100, 3_100]


def test_an_answer_that_a_former_life_did_not_hear_is_asked_for_under_its_key(tmp_path: Path) -> None:
    file, board = tmp_path / "uof.jsonl", Board()
    with Bindings(file) as bindings:
        bindings.keep(Binding(ref=MATCH.ref, key=KEY))
    told(board, file, lambda steward: steward.bring(OFFERED))
    assert board.keys == [KEY]
    told(board, file, lambda steward: steward.bring(OFFERED))
    assert board.keys == [KEY]


def test_a_key_that_is_over_is_given_up_for_a_new_one(tmp_path: Path) -> None:
    file, board = tmp_path / "uof.jsonl", Board()
    with Bindings(file) as bindings:
        bindings.keep(Binding(ref=MATCH.ref, key=KEY))
    board.refuses = [(422, "key_expired")]
    told(board, file, lambda steward: steward.bring(OFFERED))
    assert (board.keys[0], len(board.keys)) == (KEY, 2)
    with Bindings(file) as bindings:
        found = bindings.find(MATCH.ref)
        assert found is not None
        assert (found.event_id, found.key) == (9, board.keys[1])


def test_what_the_house_will_never_take_stops_nobody(tmp_path: Path) -> None:
    board = Board()
    board.refuses = [(422, "name_invalid")]

    async def story(steward: Steward) -> str:
        await steward.bring(OFFERED)
        await steward.bring(OFFERED)
        return str(steward.counts)

    assert "refused name_invalid" in told(board, tmp_path / "uof.jsonl", story)
    assert [each["command"] for each in board.commands] == ["CreateMarket", "SetPrices", "ResumeMarket"]


def test_signs_of_life_stop_with_trust_and_a_gap_has_everything_said_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse_room, "HEARTBEAT_S", 0.001)
    monkeypatch.setattr(pulse_room, "PAUSE_S", 0.001)
    board, clock, trust = Board(), [NOW_US], [False]
    again: list[int] = []

    async def say_again() -> None:
        again.append(clock[0])

    async def story(steward: Steward) -> None:
        pulse = Pulse(
            steward=steward,
            feed="odds",
            trusted=lambda: trust[0],
            say_again=say_again,
            now_us=lambda: clock[0],
        )
        assert not await pulse.revive()
        trust[0] = True
        assert await pulse.revive()
        beating = asyncio.create_task(pulse.run())
        await until(lambda: len(board.heard) > 3)
        assert again == []
        clock[0] += 10 * SECOND_US  # late, and not too late
        beats = len(board.heard)
        await until(lambda: len(board.heard) > beats + 2)
        assert again == []
        board.is_away = True
        await asyncio.sleep(0.02)
        clock[0] += 16 * SECOND_US
        board.is_away = False
        await until(lambda: again)  # twice, where a heartbeat was under way as the clock went on
        trust[0] = False
        await pulse.silence()
        await asyncio.sleep(0.02)
        assert board.heard[-1] == "silence"
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)

    told(board, tmp_path / "uof.jsonl", story)
