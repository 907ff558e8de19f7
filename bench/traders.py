"""Traders who place orders through the dialect: JSON-RPC over persistent connections, HTTP/1.1 by hand, one process.

The load is closed: each connection sends its next request when it has its answer. Half of the traders back and half
lay, so that nobody meets themselves; most orders cross the spread and match, the others rest away from it.
"""

import asyncio
import random
import time
from array import array
from typing import Final

import msgspec

from bench.load import percentile_ms

RUNNERS: Final = 3
BLANK: Final = b"\r\n\r\n"
LENGTH: Final = b"content-length:"
CROSSING: Final = (2.96, 2.98, 3.0)
"""What backers take and layers offer."""

RESTING: Final = {"BACK": (3.5, 3.6, 3.7, 3.8), "LAY": (2.4, 2.42, 2.44, 2.46)}
RESTS: Final = 0.2
"""The part of the orders that rest."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`batch` instructions a request; the first `warm_s` seconds are not counted."""

    port: int
    sessions: tuple[tuple[str, str], ...]
    markets: tuple[str, ...]
    seconds: float
    batch: int
    connections: int
    warm_s: float


class Shot(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. `taken` counts orders from the first on, `orders` those after the warm-up."""

    orders: int
    taken: int
    requests: int
    refused: dict[str, int]
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        return self.orders / self.seconds


class Report(msgspec.Struct):
    status: str


class Result(msgspec.Struct, rename="camel"):
    status: str
    instruction_reports: list[Report] = []
    error_code: str = ""


class Reply(msgspec.Struct):
    result: Result


_reply = msgspec.json.Decoder(Reply).decode


class Counts:
    """What all connections have seen together."""

    def __init__(self, began_s: float) -> None:
        self.began_s = began_s
        self.orders = self.taken = self.requests = 0
        self.refused: dict[str, int] = {}
        self.latencies = array("d")


async def trade(plan: Plan) -> Shot:
    """Place orders, in a process of its own."""
    now_s = time.monotonic()
    counts = Counts(now_s + plan.warm_s)
    until_s = counts.began_s + plan.seconds
    await asyncio.gather(*(_trader(plan, number, counts, until_s) for number in range(plan.connections)))
    ordered = sorted(counts.latencies)
    return Shot(
        orders=counts.orders,
        taken=counts.taken,
        requests=counts.requests,
        refused=counts.refused,
        seconds=plan.seconds,
        p50_ms=percentile_ms(ordered, 0.5),
        p99_ms=percentile_ms(ordered, 0.99),
    )


async def _trader(plan: Plan, number: int, counts: Counts, until_s: float) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", plan.port)
    chance, side = random.Random(number), ("BACK", "LAY")[number % 2]
    app_key, token = plan.sessions[number % len(plan.sessions)]
    head = (
        f"POST /exchange/betting/json-rpc/v1 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"X-Application: {app_key}\r\nX-Authentication: {token}\r\n"
    )
    while (asked_s := time.monotonic()) < until_s:
        body = _body(plan, chance, side)
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        answer = await _answer(reader)
        _count(counts, _reply(answer).result, asked_s, until_s)
    writer.close()


def _body(plan: Plan, chance: random.Random, side: str) -> str:
    instructions = ",".join(
        f'{{"orderType":"LIMIT","selectionId":{chance.randint(1, RUNNERS)},"side":"{side}","handicap":0,'
        f'"limitOrder":{{"price":{_price(chance, side)},"size":2.0,"persistenceType":"LAPSE"}}}}'
        for _ in range(plan.batch)
    )
    market = chance.choice(plan.markets)
    return (
        f'{{"jsonrpc":"2.0","method":"SportsAPING/v1.0/placeOrders","id":1,'
        f'"params":{{"marketId":"{market}","instructions":[{instructions}]}}}}'
    )


def _price(chance: random.Random, side: str) -> float:
    return chance.choice(RESTING[side] if chance.random() < RESTS else CROSSING)


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(BLANK)
    lower = head.lower()
    at = lower.index(LENGTH) + len(LENGTH)
    return await reader.readexactly(int(lower[at : lower.index(b"\r\n", at)]))


def _count(counts: Counts, result: Result, asked_s: float, until_s: float) -> None:
    now_s = time.monotonic()
    taken = sum(report.status == "SUCCESS" for report in result.instruction_reports)
    counts.taken += taken
    counts.requests += 1
    if result.status != "SUCCESS":
        counts.refused[result.error_code] = counts.refused.get(result.error_code, 0) + 1
    if asked_s >= counts.began_s and now_s <= until_s:
        counts.orders += taken
        counts.latencies.append(now_s - asked_s)
