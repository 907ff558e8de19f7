"""A trader of the simulated house: looks at what was referred, and lets it through, offers less, or declines."""

import random
from typing import Any, Final

from overround.feeds.client import Door, Problem

ACCEPTS: Final = 0.5
OFFERS: Final = 0.3
"""Of ten referrals five are taken as they are and three at half the stake; the others are declined."""

CAP_MINOR: Final = 100_000
"""The largest stake on one bet that the simulated league takes without asking: 1,000.00."""


class Trader:
    """One at a desk, with an operator's door."""

    def __init__(self, operator: Door, chance: random.Random) -> None:
        self._operator = operator
        self._chance = chance

    async def open(self, competition_id: int, currency: str) -> None:
        """Set the cap over which the league's tickets come to the desk. Raises Problem, Unreachable."""
        cap = {"level": "competition", "id": competition_id, "currency": currency, "max_stake_minor": CAP_MINOR}
        await self._operator.put("/v1/operator/caps", cap)

    async def look(self) -> int:
        """Answer what waits; how many there were. Raises Unreachable."""
        page = await self._operator.get("/v1/operator/referrals", limit=50)
        waiting = [item for item in page["items"] if item["status"] == "referred"]
        for item in waiting:
            try:
                await self._answer(item)
            except Problem:  # its time was over
                continue
        return len(waiting)

    async def _answer(self, item: dict[str, Any]) -> None:
        path = f"/v1/operator/referrals/{item['ticket_id']}"
        mood = self._chance.random()
        if mood < ACCEPTS:
            await self._operator.post(f"{path}/accept", {})
        elif mood < ACCEPTS + OFFERS:
            terms = [{"stake_minor": max(bet["stake_minor"] // 2, bet["slip"]["lines"])} for bet in item["bets"]]
            await self._operator.post(f"{path}/offer", {"bets": terms})
        else:
            await self._operator.post(f"{path}/decline", {})
