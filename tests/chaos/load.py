"""Customers who keep at it: every bet is asked for with one key until somebody says what became of it."""

import asyncio
import itertools
import random
import time

import httpx
import msgspec

from overround.apps.house import Endpoints
from overround.kernel.ids import make_key

PATIENCE_S = 90.0
RETRY_S = 0.05


class Acknowledged(msgspec.Struct, frozen=True):
    """A bet that a customer was told stands."""

    key: str
    bet_id: int
    customer_id: int


class Load:
    """`run` places bets until `stop`; then every key that was used has been answered."""

    def __init__(self, endpoints: Endpoints, *, market_id: int, seed: int) -> None:
        self.issued: set[str] = set()
        self.acknowledged: list[Acknowledged] = []
        self.refused: dict[str, int] = {}
        self.retries = 0
        self.last_at = 0.0
        self._endpoints = endpoints
        self._market_id = market_id
        self._prng = random.Random(seed)
        self._chances = itertools.count(seed << 40)
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin, and come back when the first bets stand."""
        self._tasks = [asyncio.create_task(self._customer(index)) for index in range(len(self._endpoints.customers))]
        await self.goes_on(10)

    async def stop(self) -> None:
        """No new bets; wait until every bet under way is answered."""
        self._stopping.set()
        await asyncio.gather(*self._tasks)

    async def goes_on(self, bets: int = 20) -> float:
        """Wait until so many more bets are acknowledged; how many seconds that took."""
        wanted, began = len(self.acknowledged) + bets, time.monotonic()
        while len(self.acknowledged) < wanted:
            assert time.monotonic() - began < PATIENCE_S, "nobody answers any more"
            for task in self._tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.01)
        return time.monotonic() - began

    async def _customer(self, index: int) -> None:
        customer = self._endpoints.customers[index]
        headers = {"Authorization": f"Bearer {customer.token}"}
        async with httpx.AsyncClient(base_url=self._endpoints.http, headers=headers, timeout=3.0) as client:
            while not self._stopping.is_set():
                await self._one_bet(client, customer.customer_id)

    async def _one_bet(self, client: httpx.AsyncClient, customer_id: int) -> None:
        key = make_key(at_us=time.time_ns() // 1_000, chance=next(self._chances))
        self.issued.add(key)
        body = {
            "market_id": self._market_id,
            "selection_id": self._prng.randint(1, 3),
            "stake_minor": self._prng.randint(10, 50),
            "currency": "EUR",
            "price_milli": 3_000,
            "odds_change": "any",
        }
        answer = await self._until_answered(client, key, body)
        if answer.status_code == httpx.codes.CREATED:
            self.acknowledged.append(Acknowledged(key, answer.json()["bet_id"], customer_id))
        else:
            code = answer.json()["code"]
            self.refused[code] = self.refused.get(code, 0) + 1

    async def _until_answered(self, client: httpx.AsyncClient, key: str, body: dict[str, object]) -> httpx.Response:
        began = time.monotonic()
        while True:
            try:
                answer = await client.post("/v1/bets", json=body, headers={"Idempotency-Key": key})
            except httpx.HTTPError:
                answer = None
            if answer is not None and answer.status_code not in (429, 500, 502, 503):
                return answer
            assert time.monotonic() - began < PATIENCE_S, f"no answer for {key}"
            self.retries += 1
            await asyncio.sleep(RETRY_S)
