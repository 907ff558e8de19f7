"""A second operator at the trading desk: stops and starts at every level, sets prices by hand, blocks, and is the other
pair of eyes."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final

from overround.book.machine.command import Command
from overround.book.machine.desk_commands import (
    ApproveCompetition,
    ApproveProposal,
    BlockPlayer,
    LiftOverride,
    OverridePrice,
    RejectProposal,
    RequireApproval,
    ResumeLevel,
    SetCorrectionLimit,
    SetMargin,
    SuspendLevel,
    UnblockPlayer,
)
from overround.kernel.level import Level
from overround.sim.audit import Auditor
from overround.sim.gateways import Caller

SECOND_OPERATOR: Final = -3
EVERY_S: Final = 2.5
"""Between two of the desk's decisions, on average."""


class Desk:
    """Leaves nothing suspended, blocked or unapproved when it goes home."""

    def __init__(self, *, caller: Caller, auditor: Auditor, chance: Random) -> None:
        self._caller, self._auditor, self._chance = caller, auditor, chance

    async def _do(self, command: Command) -> None:
        await self._caller.insist(command, actor=SECOND_OPERATOR, patience_s=1.0)

    async def work(self, until_s: float) -> None:
        """An evening."""
        now = asyncio.get_running_loop().time
        if self._chance.random() < 0.5:
            await self._do(SetCorrectionLimit(self._chance.choice(("EUR", "GBP")), self._chance.choice((1, 2_000))))
        turns: tuple[Callable[[], Awaitable[None]], ...] = (
            self._stop, self._stop, self._stop, self._price, self._price, self._look, self._look, self._block,
            self._approval, self._margin,
        )  # fmt: skip
        while now() < until_s:
            await asyncio.sleep(self._chance.expovariate(1 / EVERY_S))
            await self._chance.choice(turns)()

    async def _stop(self) -> None:
        """Suspend a level for a moment, and resume it."""
        level, number, selection = self._place()
        await self._do(SuspendLevel(level, number, "floodlights", selection))
        await asyncio.sleep(self._chance.choice((0.0, 0.1, 1.0, 3.0)))
        await self._do(ResumeLevel(level, number, selection))

    def _place(self) -> tuple[Level, int, int]:
        control, chance = self._auditor.offer.control, self._chance
        names = (*control.parents, ("platform", 0), ("platform", 0))
        level, number = chance.choice(names)
        if level == "market" and chance.random() < 0.5:
            return Level.SELECTION, number, chance.randint(1, 2)
        return Level(level), number, 0

    async def _price(self) -> None:
        """A price by hand, which its time or a second thought ends."""
        markets = list(self._auditor.offer.markets)
        if not markets:
            return
        market, selection = self._chance.choice(markets), self._chance.randint(1, 2)
        span_us = self._chance.choice((1_000, 2_000_000, 30_000_000))
        until_us = self._caller.now_us + span_us
        await self._do(OverridePrice(market, selection, self._chance.randint(1_050, 5_000), until_us))
        if self._chance.random() < 0.3:
            await self._do(LiftOverride(market, selection))

    async def _look(self) -> None:
        """Approve or reject what waits."""
        for number in list(self._auditor.offer.control.proposals):
            approves = self._chance.random() < 0.7
            await self._do(ApproveProposal(number) if approves else RejectProposal(number, "no"))

    async def _block(self) -> None:
        customer = self._chance.randint(1, 10)
        await self._do(BlockPlayer(customer, "chargeback"))
        await asyncio.sleep(self._chance.random() * 3)
        await self._do(UnblockPlayer(customer))

    async def _approval(self) -> None:
        await self._do(ApproveCompetition(1, self._chance.random() < 0.5))
        await self._do(RequireApproval(True))
        await asyncio.sleep(self._chance.random() * 2)
        await self._do(RequireApproval(False))

    async def _margin(self) -> None:
        level, number, selection = self._place()
        await self._do(SetMargin(level, number if not selection else 0, self._chance.choice((None, 0, 450))))
