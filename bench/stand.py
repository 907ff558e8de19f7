"""A whole house on the stage: engines and roles as `overround up` runs them, customers with tokens, open markets."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bench import wagers
from bench.apart import apart
from bench.load import Plan, Shot, shoot
from bench.processor import all_processes, with_descendants
from bench.stage import Failed, Stage
from overround import identity, journal, projections
from overround.apps.house import Endpoints, House
from overround.apps.settings import Settings
from overround.book.machine import Answer
from overround.book.machine.commands import AnyCommand
from overround.host import Desk
from overround.host.nats_bus import NatsBus
from overround.infra import nats
from overround.infra.ports import free_port
from overround.kernel.ids import make_key
from overround.kernel.refusal import Refused

OPERATOR: Final = identity.OPERATOR_ACTOR
MARKETS: Final = 8
CUSTOMERS: Final = 64
QUIET_S: Final = 0.5


class Stand:
    """A running house, seen by a benchmark: its addresses, its customers' tokens, a desk to the book, its processes."""

    def __init__(self, house: House, endpoints: Endpoints, desk: Desk, folder: Path) -> None:
        self.house = house
        self.endpoints = endpoints
        self.desk = desk
        self.folder = folder
        self.tokens: tuple[str, ...] = ()
        self.port = urlsplit(endpoints.http).port or 80
        self._number = time.time_ns()

    @property
    def dsn(self) -> str:
        return self.endpoints.database_url

    async def ask(self, command: AnyCommand) -> Answer:
        """An operator's command, straight to the book. Raises Failed when it is refused."""
        self._number += 1
        key = make_key(at_us=time.time_ns() // 1_000, chance=self._number)
        answer = await self.desk.ask(command, actor=OPERATOR, key=key)
        if isinstance(answer, Refused):
            raise Failed(f"{command} was refused: {answer}")
        return answer

    async def issue_tokens(self, customers: int) -> None:
        """A token for each of the first customers; also in `tokens_file`, one a line."""
        connection = await journal.connect(self.dsn)
        try:
            issued = [
                await identity.issue_token(
                    connection, actor=customer, scopes=("customer",), name="bench", now_us=time.time_ns() // 1_000
                )
                for customer in range(1, customers + 1)
            ]
        finally:
            await connection.close()
        self.tokens = tuple(token.secret for token in issued)
        self.tokens_file.write_text("".join(f"{token}\n" for token in self.tokens))

    @property
    def tokens_file(self) -> Path:
        return self.folder / "tokens"

    async def head(self) -> int:
        """The journal's last sequence, once what an earlier load left under way has been written."""
        connection = await journal.connect(self.dsn)
        try:
            before, seq = -1, (await journal.head(connection)).seq
            while seq != before:
                await asyncio.sleep(QUIET_S)
                before, seq = seq, (await journal.head(connection)).seq
            return seq
        finally:
            await connection.close()

    async def behind(self) -> int:
        """How many facts the worker has not folded yet."""
        connection = await journal.connect(self.dsn)
        try:
            return (await journal.head(connection)).seq - await projections.checkpoint(connection)
        finally:
            await connection.close()

    def pid(self, name: str) -> int:
        """The process of a role. Raises Failed while it is down."""
        pid = self.house.supervisor.pid(name)
        if pid is None:
            raise Failed(f"{name} is down")
        return pid

    def cpu_s(self) -> dict[str, float]:
        """Processor seconds so far, by role, its child processes included."""
        spent = all_processes()
        return {
            child.name: with_descendants(child.pid, spent)
            for child in self.house.supervisor.children()
            if child.pid is not None
        }


def shares(before: dict[str, float], after: dict[str, float], seconds: float) -> str:
    """Which role took how much of one core, the busiest first."""
    taken = {name: 100 * (after[name] - before.get(name, 0.0)) / seconds for name in after}
    return ", ".join(f"{name} {share:.0f} %" for name, share in sorted(taken.items(), key=lambda each: -each[1]))


@asynccontextmanager
async def standing(
    stage: Stage,
    *,
    followers: int = 0,
    customers: int = CUSTOMERS,
    markets: int = MARKETS,
    seeded: bool = False,
    database_url: str | None = None,
) -> AsyncIterator[Stand]:
    """A house with open markets. With `seeded`, its journal is already under `stage.folder / "data"`; with a
    `database_url`, it lives in that PostgreSQL instead of one of its own."""
    stage.tell("starting the house")
    data = stage.folder / ("house" if database_url else "data")
    settings = Settings(data=data, port=free_port(), log_level="WARNING", database_url=database_url)
    house = House(settings, followers=followers)
    try:
        endpoints = await house.start()
        client = await nats.connect(endpoints.nats_url, name="bench")
        desk = Desk(NatsBus(client, cell=house.settings.cell))
        await desk.open()
        try:
            stand = Stand(house, endpoints, desk, stage.folder)
            if not seeded:
                for command in wagers.opening(customers=customers, markets=markets, now_us=time.time_ns() // 1_000):
                    await stand.ask(command)
            await stand.issue_tokens(customers)
            yield stand
        finally:
            await desk.close()
            await client.close()
    finally:
        await house.stop()


async def load(plan: Plan) -> Shot:
    """Run a load in a process of its own."""
    return await apart(shoot, plan)
