"""Five hundred programs follow one busy market, full depth, over TLS; some of them read nothing."""

import asyncio
import time

from bench.apart import apart
from bench.finding import Figure, Finding
from bench.floor import open_floor, sessions
from bench.followers import Asked, Followed, follow, stamped
from bench.stage import Bench, Failed, Stage
from bench.stand import Stand, shares, standing
from bench.wagers import CURRENCY
from overround.book.exposure import Side
from overround.book.machine import OrdersAnswer
from overround.book.machine.exchange_commands import CancelInstruction, CancelOrders, PlaceInstruction, PlaceOrders
from overround.kernel.ids import make_key
from overround.kernel.ladder import CLASSIC

ORDERS_A_SECOND = 50
DEPTH = 20
SLOW = 10
TRADER = 1
PRICES_MILLI = CLASSIC[CLASSIC.index(3_500) :][: 2 * DEPTH]
"""Twice as many as there are orders at a time, so that each is alone at its price and its size can be read."""


async def run(stage: Stage) -> Finding:
    clients, seconds = stage.scaled(500, 40), stage.scaled(20, 3)
    async with standing(stage) as stand:
        (market,) = await open_floor(stand, markets=1)
        stage.tell(f"{clients:,} clients subscribe", 0.2)
        asked = Asked(
            port=int(stand.endpoints.exchange_stream.rpartition(":")[2]),
            sessions=await sessions(stand),
            clients=clients,
            slow=SLOW,
            market=market,
            ready=str(stage.folder / "ready"),
            until=str(stage.folder / "until"),
        )
        following = asyncio.create_task(apart(follow, asked))
        await _until_ready(stage, following)
        stage.tell(f"{ORDERS_A_SECOND} orders a second for {seconds} s", 0.5)
        before = stand.cpu_s()
        late_ms = await _trade(stand, seconds)
        spent = shares(before, stand.cpu_s(), seconds)
        await asyncio.sleep(1.0)
        (stage.folder / "until").touch()
        followed = await following
    if followed.closed or not followed.fewest:
        raise Failed(f"{followed.closed} clients were cut off, one heard {followed.fewest} changes")
    return Finding(
        figures=(
            Figure(name="placed to received, p99", value=followed.p99_ms, unit="ms", most=150),
            Figure(name="p50", value=followed.p50_ms, unit="ms"),
            Figure(name="slowest", value=followed.max_ms, unit="ms"),
            Figure(name="changes received", value=followed.changes / seconds, unit="/s"),
            Figure(name="fewest at one client", value=followed.fewest / seconds, unit="/s"),
        ),
        configuration={
            "clients": f"{clients:,} in one process over TLS, every field, no conflation asked for; {SLOW} more read"
            " nothing and stay connected",
            "orders": f"{ORDERS_A_SECOND} placed and as many cancelled a second, {DEPTH} prices deep;"
            f" the trader was late by at most {late_ms:.0f} ms",
            "measured": "from before the order is sent, so the bus, the book, its commit, the gateway and its 50 ms"
            " between updates count",
            "one core's share of each role": spent,
        },
    )


async def _until_ready(stage: Stage, following: "asyncio.Task[Followed]") -> None:
    while not (stage.folder / "ready").exists():
        if following.done():
            raise Failed(f"the clients ended early: {following.exception()}")
        await asyncio.sleep(0.1)


async def _trade(stand: Stand, seconds: int) -> float:
    """Place and cancel on a schedule. By how many milliseconds it was late at most."""
    began, late_s, resting = time.monotonic(), 0.0, []
    for number in range(seconds * ORDERS_A_SECOND):
        due = began + number / ORDERS_A_SECOND
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        late_s = max(late_s, time.monotonic() - due)
        asked = PlaceInstruction(1, Side.BACK, PRICES_MILLI[number % len(PRICES_MILLI)], round(stamped() * 100))
        answer = await _ask(stand, PlaceOrders(TRADER, 1, CURRENCY, (asked,)))
        resting.append(answer.reports[0].order_id)
        if len(resting) > DEPTH:
            await _ask(stand, CancelOrders(TRADER, 1, (CancelInstruction(resting.pop(0)),)))
    return 1_000 * late_s


async def _ask(stand: Stand, command: PlaceOrders | CancelOrders) -> OrdersAnswer:
    key = make_key(at_us=time.time_ns() // 1_000, chance=time.time_ns())
    answer = await stand.desk.ask(command, actor=TRADER, key=key)
    if not isinstance(answer, OrdersAnswer):
        raise Failed(f"an order was not taken: {answer}")
    return answer


BENCH = Bench(
    name="exchange-stream",
    title="Five hundred programs on one exchange market, full depth over TLS.",
    leaves_out=("a network: everything is on loopback, clients share the two cores", "order streams"),
    within_s=240,
    run=run,
)
