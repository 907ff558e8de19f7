"""Markets that a replay left when it was killed: found by the competitions that replays make, and made void.

Every replay has a competition of its own in each sport, named after it, and says on the bus that it is there when
another asks. So a market whose replay does not answer is nobody's, on whichever machine it was played.
"""

import asyncio
import random
import re
from collections.abc import Callable, Sequence
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg

from overround.book.exchange import VoidResult
from overround.book.machine.answers import Done
from overround.book.machine.exchange_commands import RecordExchangeResult
from overround.feeds.client import Door
from overround.host.desk import Desk
from overround.kernel.ids import make_key

NAMED: Final = re.compile(r"Replay [0-9a-f]{8}")
ANSWERS_WITHIN_S: Final = 1.0
COMPETITIONS_A_CALL: Final = 20
MAX_RESULTS: Final = 1_000
WHY: Final = "its replay was killed"


def new_name(chance: random.Random) -> str:
    """What a replay is called, and its competitions."""
    return f"Replay {chance.getrandbits(32):08x}"


class RollCall:
    """Which replays are there, on any machine that plays onto a house."""

    def __init__(self, bus: Client, *, cell: str) -> None:
        self._bus, self._subject = bus, f"{cell}.replays"

    async def answer(self, name: str) -> None:
        """From now on, say that this one is there. Before it makes anything."""

        async def here(message: Msg) -> None:
            await message.respond(name.encode())

        await self._bus.subscribe(self._subject, cb=here)
        await self._bus.flush()

    async def names(self) -> set[str]:
        """Those that answer."""
        found: set[str] = set()

        async def hear(message: Msg) -> None:
            found.add(message.data.decode(errors="replace"))

        inbox = self._bus.new_inbox()
        hearing = await self._bus.subscribe(inbox, cb=hear)
        await self._bus.publish(self._subject, reply=inbox)
        await asyncio.sleep(ANSWERS_WITHIN_S)
        await hearing.unsubscribe()
        return found


async def abandoned(operator: Door, roll_call: RollCall) -> list[int]:
    """Markets without a result whose replay is there no longer. Raises Problem, Unreachable."""
    made = {
        int(each["competition_id"]): str(each["name"])
        for each in await operator.each("/v1/competitions")
        if NAMED.fullmatch(each["name"])
    }
    there = await roll_call.names() if made else set()
    left = [competition_id for competition_id, name in made.items() if name not in there]
    return await _live(operator, left) if left else []


async def _live(operator: Door, competitions: Sequence[int]) -> list[int]:
    """The markets of these competitions that have no result, as a customer sees them."""
    customer_id = (await operator.post("/v1/operator/customers", {"currency": "GBP"}))["customer_id"]
    token = (await operator.post(f"/v1/operator/customers/{customer_id}/tokens", {"name": "replay"}))["token"]
    keys = await operator.trading(token, app_key="").call("account", "createDeveloperAppKeys", appName="replay")
    trader = operator.trading(token, app_key=keys["appVersions"][0]["applicationKey"])
    found = []
    for start in range(0, len(competitions), COMPETITIONS_A_CALL):
        asked = {"competitionIds": [str(each) for each in competitions[start : start + COMPETITIONS_A_CALL]]}
        found += await trader.call("betting", "listMarketCatalogue", filter=asked, maxResults=MAX_RESULTS)
    return sorted(int(market["marketId"].removeprefix("1.")) for market in found)


async def void(
    desk: Desk, markets: Sequence[int], *, actor: int, now_us: Callable[[], int], chance: random.Random
) -> list[int]:
    """Which of these markets are void now: all stakes are back. One that has a result meanwhile keeps it."""
    asked = [
        (RecordExchangeResult(number, VoidResult(WHY)), make_key(at_us=now_us(), chance=chance.getrandbits(74)))
        for number in markets
    ]
    answers = await desk.ask_many(asked, actor=actor)
    return [number for number, answer in zip(markets, answers, strict=True) if isinstance(answer, Done)]
