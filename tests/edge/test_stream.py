"""The stream: images, deltas, coming back, own bets and balance, slow readers, and being cut off."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.edge.conftest import Player, bet_on, make_market
from tests.edge.running import Api, Running
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from overround.edge.messages import MAX_MARKETS

WITHIN_S = 30.0

Message = dict[str, Any]


class Listener:
    """A client of the stream that waits for what a test expects."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.seen: list[Message] = []

    async def say(self, op: str, **fields: Any) -> None:
        await self._connection.send(json.dumps({"op": op, **fields}))

    async def raw(self, message: str | bytes) -> None:
        await self._connection.send(message)

    async def hear(self, op: str, **fields: Any) -> Message:
        """The next message of this kind with these fields; others are passed over."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                message: Message = json.loads(await self._connection.recv())
                self.seen.append(message)
                if message["op"] == op and all(message.get(name) == value for name, value in fields.items()):
                    return message

    async def hear_any(self) -> Message:
        """The next message, of whatever kind."""
        async with asyncio.timeout(WITHIN_S):
            self.seen.append(json.loads(await self._connection.recv()))
            return self.seen[-1]

    async def closed(self) -> ConnectionClosed:
        """Wait until the other end closes."""
        async with asyncio.timeout(WITHIN_S):
            try:
                while True:
                    self.seen.append(json.loads(await self._connection.recv()))
            except ConnectionClosed as closed:
                return closed


@asynccontextmanager
async def listening(house: Running, token: str = "", **more: Any) -> AsyncIterator[Listener]:
    headers = {"authorization": f"Bearer {token}"} if token else None
    async with connect(house.stream, additional_headers=headers, compression=None, **more) as connection:
        yield Listener(connection)


def prices(operator: Api, market: dict[str, int], *pairs: tuple[int, int]) -> int:
    body = {"prices": [{"selection_id": selection, "price_milli": price} for selection, price in pairs]}
    seq: int = operator.made(f"/v1/operator/markets/{market['market_id']}/prices", body)["seq"]
    return seq


async def test_an_image_and_then_deltas(house: Running, operator: Api, market: dict[str, int], anyone: Api) -> None:
    market_id = market["market_id"]
    async with listening(house) as listener:
        await listener.say("subscribe", id="a", markets=[market_id], conflate_ms=0)
        await listener.hear("subscribed", id="a")
        image = await listener.hear("image")
        assert image["market"] == anyone.get(f"/v1/markets/{market_id}").json()
        seq = prices(operator, market, (1, 2_300), (3, 0))
        delta = await listener.hear("delta")
        assert delta == {
            "op": "delta",
            "seq": seq,
            "at_ms": delta["at_ms"],
            "market_id": market_id,
            "prices": [[1, 2_300], [3, 0]],
        }
        operator.made(f"/v1/operator/markets/{market_id}/suspend", {"reason": "goal"})
        suspended = await listener.hear("delta")
        assert (suspended["status"], suspended["reason"], suspended["available"]) == ("suspended", "goal", False)
        assert suspended["version"] == image["market"]["version"] + 1


async def test_an_event_brings_its_markets_also_those_to_come(
    house: Running, operator: Api, market: dict[str, int]
) -> None:
    async with listening(house) as listener:
        await listener.say("subscribe", events=[market["event_id"]])
        assert (await listener.hear("image"))["market"]["market_id"] == market["market_id"]
        asked = {"event_id": market["event_id"], "type": "total", "specifiers": {"line_quarters": 10}}
        made = operator.made("/v1/operator/markets", asked)
        assert (await listener.hear("image"))["market"]["market_id"] == made["market_id"]
        operator.made(f"/v1/operator/markets/{made['market_id']}/resume")
        assert (await listener.hear("delta", market_id=made["market_id"]))["status"] == "open"
        operator.made(f"/v1/operator/events/{market['event_id']}/start")
        assert (await listener.hear("event"))["event"]["status"] == "in_play"
        assert (await listener.hear("delta", market_id=market["market_id"]))["status"] == "closed"


async def test_whoever_comes_back_is_told_only_what_changed(house: Running, operator: Api) -> None:
    quiet, busy = make_market(operator), make_market(operator)
    both = [quiet["market_id"], busy["market_id"]]
    async with listening(house) as listener:
        await listener.say("subscribe", markets=both)
        await listener.hear("image")
        await listener.hear("image")
        seq = prices(operator, quiet, (1, 2_150))
        assert (await listener.hear("delta"))["seq"] == seq
    prices(operator, busy, (2, 3_500))
    async with listening(house) as listener:
        await listener.say("subscribe", id="back", markets=both, seq=seq)
        await listener.hear("subscribed")
        image = (await listener.hear("image"))["market"]
        assert image["market_id"] == busy["market_id"]
        assert image["selections"][1]["price_milli"] == 3_500
        await listener.say("unsubscribe", id="end")
        await listener.hear("unsubscribed")
        assert [message["op"] for message in listener.seen] == ["subscribed", "image", "unsubscribed"]


async def test_many_changes_in_one_interval_are_one_delta(
    house: Running, operator: Api, market: dict[str, int]
) -> None:
    async with listening(house) as listener:
        await listener.say("subscribe", markets=[market["market_id"]], conflate_ms=1_000)
        await listener.hear("image")
        prices(operator, market, (1, 2_000))
        await listener.hear("delta", prices=[[1, 2_000]])
        seqs = [prices(operator, market, (1, price), (2, price)) for price in range(2_001, 2_020)]
        delta = await listener.hear("delta", seq=seqs[-1])
        assert sorted(delta["prices"]) == [[1, 2_019], [2, 2_019]]
        assert sum(message["op"] == "delta" for message in listener.seen) < 15


async def test_ones_own_bets_and_balance(house: Running, player: Player, operator: Api, market: dict[str, int]) -> None:
    async with listening(house, player.api.token) as listener:
        await listener.say("subscribe", bets=True, balance=True)
        image = await listener.hear("balance")
        assert image["balance"]["wallets"][0]["available_minor"] == 1_000_000
        placed = player.api.made("/v1/bets", bet_on(market))
        bet = await listener.hear("bet")
        assert (bet["bet_id"], bet["status"], bet["seq"]) == (placed["bet_id"], "open", placed["seq"])
        assert (await listener.hear("balance"))["balance"]["wallets"][0]["available_minor"] == 999_000
        operator.made(f"/v1/operator/events/{market['event_id']}/result", {"score": {"home": 1, "away": 0}})
        settled = await listener.hear("bet", status="settled")
        assert (settled["outcome"], settled["payout_minor"]) == ("won", 2_100)
        balance = await listener.hear("balance")
        while balance["balance"]["wallets"][0]["available_minor"] != 1_001_100:
            balance = await listener.hear("balance")


async def test_nobody_hears_of_other_peoples_bets(
    house: Running, new_player: Callable[..., Player], market: dict[str, int]
) -> None:
    one, other = new_player(), new_player()
    async with listening(house, other.api.token) as listener:
        await listener.say("subscribe", bets=True)
        await listener.hear("subscribed")
        one.api.made("/v1/bets", bet_on(market))
        own = other.api.made("/v1/bets", bet_on(market))
        assert (await listener.hear("bet"))["bet_id"] == own["bet_id"]


async def test_the_token_comes_by_header_query_or_message(house: Running, player: Player) -> None:
    async with connect(f"{house.stream}?token={player.api.token}") as connection:
        listener = Listener(connection)
        await listener.say("subscribe", balance=True)
        await listener.hear("balance")
    async with listening(house) as listener:
        await listener.say("auth", token=player.api.token)
        assert (await listener.hear("authenticated"))["customer_id"] == player.customer_id
        await listener.say("subscribe", balance=True)
        await listener.hear("balance")


async def test_a_wrong_token_gets_no_connection(house: Running) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with listening(house, "ovr_" + "a" * 43):
            pass
    assert refused.value.response.status_code == 401
    assert json.loads(refused.value.response.body)["code"] == "token_invalid"


async def test_there_is_one_stream(house: Running) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(house.stream + "s"):
            pass
    assert refused.value.response.status_code == 404


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("", "message_invalid"),
        ("{", "message_invalid"),
        ("[]", "message_invalid"),
        ("NaN", "message_invalid"),
        ('{"op":"rob"}', "message_invalid"),
        ('{"op":"subscribe","markets":["1"]}', "message_invalid"),
        ('{"op":"subscribe","markets":[1.5]}', "message_invalid"),
        ('{"op":"subscribe","markets":[0]}', "message_invalid"),
        ('{"op":"subscribe","surprise":1}', "message_invalid"),
        ('{"op":"subscribe","conflate_ms":5001}', "message_invalid"),
        ('{"op":"subscribe","seq":-1}', "message_invalid"),
        ('{"op":"subscribe","id":"\\u0000"}', "message_invalid"),
        ("[" * 50_000, "message_invalid"),
        (b"\x00\xff", "message_invalid"),
        ('{"op":"subscribe","bets":true}', "token_required"),
        ('{"op":"auth","token":"x"}', "token_invalid"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_cannot_be_ends_the_connection(house: Running, message: str | bytes, code: str) -> None:
    async with listening(house) as listener:
        await listener.raw(message)
        closed = await listener.closed()
        assert closed.rcvd is not None
        assert closed.rcvd.code == 1008
        assert listener.seen[-1]["op"] == "error"
        assert (listener.seen[-1]["code"], listener.seen[-1]["closes"]) == (code, True)


async def test_a_message_too_long_ends_the_connection(house: Running) -> None:
    async with listening(house) as listener:
        await listener.raw("x" * 70_000)
        closed = await listener.closed()
        assert closed.rcvd is not None
        assert closed.rcvd.code == 1009


async def test_an_operator_has_no_own_bets(house: Running) -> None:
    async with listening(house, house.operator) as listener:
        await listener.say("subscribe", bets=True)
        assert (await listener.hear("error"))["code"] == "scope_required"


async def test_markets_that_are_not_there_are_named(house: Running, market: dict[str, int]) -> None:
    async with listening(house) as listener:
        await listener.say("subscribe", id="x", markets=[market["market_id"], 10**9], events=[10**9])
        errors = [await listener.hear("error"), await listener.hear("error")]
        assert [(error["code"], error["numbers"], error["closes"]) for error in errors] == [
            ("market_not_found", {"market_ids": [10**9]}, False),
            ("event_not_found", {"event_ids": [10**9]}, False),
        ]
        assert [message["op"] for message in listener.seen] == ["subscribed", "image", "error", "error"]


async def test_more_markets_than_one_connection_may_hear(house: Running, market: dict[str, int]) -> None:
    async with listening(house) as listener:
        await listener.say("subscribe", markets=[market["market_id"]])
        await listener.hear("subscribed")
        await listener.say("subscribe", markets=[10**6 + number for number in range(MAX_MARKETS)])
        error = await listener.hear("error", closes=True)
        assert (error["code"], error["numbers"]) == ("too_many_subscriptions", {"max_markets": MAX_MARKETS})
    async with listening(house) as listener:
        await listener.say("subscribe", markets=list(range(1, MAX_MARKETS + 2)))
        assert (await listener.hear("error", closes=True))["code"] == "message_invalid"


async def test_who_talks_too_much_is_cut_off(house: Running) -> None:
    async with listening(house) as listener:
        for _ in range(200):
            await listener.say("unsubscribe")
        assert (await listener.hear("error"))["code"] == "rate_limited"
