"""How long an order is inside the book: from its arrival at the process to the commit of what it led to."""

import asyncio
import time

import msgspec
from nats.aio.msg import Msg

from bench.exchanges import MARKET, RUNNERS, Step, mix
from bench.finding import Figure, Finding
from bench.stage import Bench, Failed, Stage
from bench.stand import CUSTOMERS, Stand, shares, standing
from bench.wagers import CURRENCY
from overround.book import exchange
from overround.book.exchange import MarketTerms, Minimums, RunnerTerms
from overround.book.machine import OrdersAnswer
from overround.book.machine.commands import AnyCommand
from overround.book.machine.exchange_commands import (
    CancelInstruction,
    CancelOrders,
    CreateExchangeMarket,
    OpenExchangeMarket,
    PlaceInstruction,
    PlaceOrders,
    SetMinimums,
)
from overround.host.term import INSIDE_MS
from overround.infra import nats
from overround.kernel.ids import make_key
from overround.kernel.refusal import Refused

RATE = 5_000
MARKETS = 3
TICK_S = 0.005
WARM_S = 2.0
STATUS_WITHIN_S = 5.0


class Told(msgspec.Struct):
    """What of a book's status is read here."""

    name: str
    active: bool
    inside: tuple[int, ...]


async def run(stage: Stage) -> Finding:
    seconds = stage.scaled(15, 2)
    async with standing(stage) as stand:
        await _open(stand)
        steps = mix(int(RATE * (seconds + WARM_S)), customers=CUSTOMERS)
        warm = int(RATE * WARM_S)
        stage.tell("warming up", 0.2)
        await _send(stand, steps[:warm])
        before, spent = await _inside(stand), stand.cpu_s()
        stage.tell(f"{RATE:,} orders a second for {seconds} s", 0.3)
        late_ms, failed = await _send(stand, steps[warm:])
        took = shares(spent, stand.cpu_s(), seconds)
        after = await _inside(stand)
    counts = [now - was for was, now in zip(before, after, strict=True)]
    asked = len(steps) - warm
    if failed or sum(counts) < asked:
        raise Failed(f"{failed} of {asked} orders were not taken; the book counted {sum(counts)}")
    return Finding(
        figures=(
            Figure(name="p99 inside the book", value=percentile(counts, 99), unit="ms", most=10),
            Figure(name="p50 inside the book", value=percentile(counts, 50), unit="ms"),
            Figure(name="p99.9 inside the book", value=percentile(counts, 99.9), unit="ms"),
            Figure(name="orders", value=sum(counts) / seconds, unit="orders/s"),
        ),
        configuration={
            "load": f"{RATE:,} orders a second, one a request, over NATS, every {1_000 * TICK_S:.0f} ms;"
            f" the generator was late by at most {late_ms:.0f} ms",
            "orders": f"70 of 100 rest, 20 cancel, 10 cross; {MARKETS} markets, {CUSTOMERS} customers;"
            " one in a hundred is refused, as it would meet the same customer",
            "measured": "by the book, in buckets; the figure is the upper bound of the bucket",
            "one core's share of each role": took,
        },
    )


def percentile(counts: list[int], share: float) -> float:
    """The upper bound, in milliseconds, of the bucket in which this part of all is reached."""
    wanted, so_far = sum(counts) * share / 100, 0
    for bound, count in zip((*INSIDE_MS, 10 * INSIDE_MS[-1]), counts, strict=True):
        so_far += count
        if so_far >= wanted:
            return bound
    return 10 * INSIDE_MS[-1]


async def _open(stand: Stand) -> None:
    runners = tuple(RunnerTerms(number + 1, f"Runner {number + 1}") for number in range(RUNNERS))
    await stand.ask(SetMinimums(CURRENCY, Minimums(1, 0, 1, 1)))
    for number in range(MARKETS):
        await stand.ask(CreateExchangeMarket(1, MarketTerms("Win", currency=CURRENCY), runners))
        await stand.ask(OpenExchangeMarket(MARKET + number))


async def _send(stand: Stand, steps: list[Step]) -> tuple[float, int]:
    """Send the steps as they are due. By how many milliseconds it was late at most, and how many failed."""
    began, late_s, waiting = time.monotonic(), 0.0, []
    many = int(RATE * TICK_S)
    for number in range(0, len(steps), many):
        due = began + number / RATE
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        late_s = max(late_s, time.monotonic() - due)
        for step in steps[number : number + many]:
            key = make_key(at_us=time.time_ns() // 1_000, chance=time.time_ns())
            waiting.append(stand.desk.ask(_command(step), actor=step.customer, key=key))
    answers = await asyncio.gather(*waiting)
    return 1_000 * late_s, sum(not _is_decided(answer) for answer in answers)


def _is_decided(answer: object) -> bool:
    """Taken, or refused because it would have met an order of the same customer, which so few customers on a market
    do."""
    if isinstance(answer, Refused):
        return answer.detail.get("reason") == exchange.Refusal.INVALID_BACK_LAY_COMBINATION
    return isinstance(answer, OrdersAnswer)


def _command(step: Step) -> AnyCommand:
    """Each customer trades on one market, so that no market has more orders than it may have."""
    market = MARKET + step.customer % MARKETS
    if step.cancels:
        return CancelOrders(step.customer, market, (CancelInstruction(step.cancels),))
    asked = PlaceInstruction(step.runner + 1, step.side, step.price_milli, step.size_minor)
    return PlaceOrders(step.customer, market, CURRENCY, (asked,))


async def _inside(stand: Stand) -> tuple[int, ...]:
    """What the active book says next of itself, once it has nothing to do."""
    await asyncio.sleep(1.0)
    client = await nats.connect(stand.endpoints.nats_url, name="bench-status")
    heard: asyncio.Future[tuple[int, ...]] = asyncio.get_running_loop().create_future()

    async def hear(message: Msg) -> None:
        told = msgspec.json.decode(message.data, type=Told)
        if told.active and not heard.done():
            heard.set_result(told.inside)

    await client.subscribe(f"{stand.house.settings.cell}.status", cb=hear)
    try:
        async with asyncio.timeout(STATUS_WITHIN_S):
            return await heard
    finally:
        await client.close()


BENCH = Bench(
    name="exchange-inside",
    title="An order's time inside the book at a steady 5,000 a second.",
    leaves_out=("HTTP and the dialect", "the way to the book and back"),
    within_s=120,
    run=run,
)
