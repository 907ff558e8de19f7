"""The house gives free bets, boosts and bonuses away, and takes some of them back."""

import asyncio
from random import Random

from overround.book.machine.command import Command
from overround.book.machine.grant_commands import GrantBonus, GrantBoost, GrantFreeBet, RevokeGrant
from overround.sim.audit import Auditor
from overround.sim.gateways import Caller

OPERATOR = -1
EVERY_S = 1.2
"""Between two gifts, on average."""


class Promoter:
    """Gives to whoever has an account; now and then what may not be given."""

    def __init__(self, *, caller: Caller, auditor: Auditor, chance: Random) -> None:
        self._caller, self._auditor, self._chance = caller, auditor, chance

    async def give(self, until_s: float) -> None:
        """An evening of campaigns."""
        now, chance = asyncio.get_running_loop().time, self._chance
        while now() < until_s:
            await asyncio.sleep(chance.expovariate(1 / EVERY_S))
            wallets, grants = list(self._auditor.money.purses), list(self._auditor.promotions.grants.values())
            if grants and chance.random() < 0.15:
                grant = chance.choice(grants)
                await self._do(RevokeGrant(customer_id=grant.wallet[0], grant_id=grant.id))
            elif wallets:
                await self._do(self._gift(*chance.choice(wallets)))

    async def _do(self, command: Command) -> None:
        await self._caller.insist(command, actor=OPERATOR, patience_s=1.0)

    def _gift(self, customer_id: int, currency: str) -> Command:
        chance = self._chance
        ends_us = self._caller.now_us + chance.choice((5, 20, 60, 86_400, 86_400 * 400)) * 1_000_000
        least, amount_minor = chance.choice((0, 0, 1_500, 2_500)), chance.choice((0, 500, 500, 2_000, 2_000, 7_000))
        kind = chance.choice((GrantFreeBet, GrantBonus, GrantBonus, GrantBoost))
        if kind is GrantBoost:
            percent_bps = chance.choice((1, 1_000, 2_500, 100_000))
            return GrantBoost(customer_id, currency, percent_bps, amount_minor, ends_us, least, "welcome")
        if kind is GrantBonus:
            return GrantBonus(customer_id, currency, amount_minor, chance.choice((1, 1, 2, 5)), ends_us, least)
        return GrantFreeBet(customer_id, currency, amount_minor, ends_us, least)
