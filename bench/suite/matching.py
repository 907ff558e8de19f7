"""The exchange on one core: matching alone beside a peer on the same orders, and the whole machine with its holds."""

import gc
import statistics
import time
from collections.abc import Callable, Iterator

import lightmatchingengine.lightmatchingengine as peer_engine  # type: ignore[import-untyped]  # it has no types
import msgspec

from bench.apart import apart
from bench.exchanges import CUSTOMERS, MARKET, RUNNERS, Alone, Book, Step, mix
from bench.finding import Figure, Finding
from bench.stage import Bench, Stage
from bench.wagers import Dealer
from overround.book.exchange import MarketTerms, Minimums, RunnerTerms
from overround.book.exposure import Side
from overround.book.machine import Machine, request
from overround.book.machine.commands import (
    AnyCommand,
    CreateCompetition,
    CreateEvent,
    CreateSport,
    MoveFunds,
    OpenCustomer,
    Request,
)
from overround.book.machine.exchange_commands import (
    CancelInstruction,
    CancelOrders,
    CreateExchangeMarket,
    OpenExchangeMarket,
    PlaceInstruction,
    PlaceOrders,
    SetMinimums,
)
from overround.kernel.ids import make_key

COMMIT = 200
BATCH = 50
FUNDS_MINOR = 10**11


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    rounds: int
    orders: int


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Orders a second of each round, and how many trades the same orders made of each engine."""

    alone: list[float]
    exposed: list[float]
    peer: list[float]
    machine: list[float]
    batched: list[float]
    trades: int
    peers_trades: int


async def run(stage: Stage) -> Finding:
    asked = Asked(rounds=stage.scaled(5, 2), orders=stage.scaled(100_000, 5_000))
    stage.tell(f"{asked.rounds} rounds of {asked.orders} orders in a fresh process", 0.1)
    found = await apart(measure, asked)
    alone, peer = statistics.median(found.alone), statistics.median(found.peer)
    return Finding(
        figures=(
            Figure(
                name="matching alone", value=alone, unit="orders/s", least=50_000, note="positions and exposure kept"
            ),
            Figure(name="slowest round", value=min(found.alone), unit="orders/s"),
            Figure(
                name="with positions and exposure",
                value=statistics.median(found.exposed),
                unit="orders/s",
                least=50_000,
            ),
            Figure(
                name="lightmatchingengine, the same orders",
                value=peer,
                unit="orders/s",
                note=f"{found.peers_trades:,} trades, ours {found.trades:,}",
            ),
            Figure(name="ours to it", value=alone / peer, unit="times", least=1),
            Figure(
                name="decide, hold, fold, encode, one order a request",
                value=statistics.median(found.machine),
                unit="orders/s",
            ),
            Figure(
                name=f"the same, {BATCH} orders a request",
                value=statistics.median(found.batched),
                unit="orders/s",
                note="all placed, a tenth of them crossing",
            ),
        ),
        configuration={
            "orders": "70 of 100 rest, 20 cancel one that rests, 10 cross; one market of 8 runners, 1,000 customers",
            "rounds": f"{asked.rounds} of {asked.orders:,} orders (a fifth of them for the machine), the median counts",
            "collector": "as the book sets it: what was there frozen, threshold 50,000",
        },
    )


def measure(asked: Asked) -> Rates:
    """Rates of each round: ours alone, the peer, and the machine with one order and with many a request."""
    steps = mix(asked.orders)
    part = steps[: asked.orders // 5]
    trades = peers_trades = 0
    alone, exposed, peer, machine, batched = [], [], [], [], []
    for _ in range(asked.rounds):
        rate, trades = _timed(_alone, steps)
        alone.append(rate)
        exposed.append(_timed(_exposed, steps)[0])
        rate, peers_trades = _timed(_peer, steps)
        peer.append(rate)
        machine.append(_machine_rate(part, one_by_one))
        batched.append(_machine_rate(part, in_batches))
    return Rates(
        alone=alone,
        exposed=exposed,
        peer=peer,
        machine=machine,
        batched=batched,
        trades=trades,
        peers_trades=peers_trades,
    )


def _timed(play: Callable[[list[Step]], int], steps: list[Step]) -> tuple[float, int]:
    _settle_memory()
    began = time.perf_counter()
    trades = play(steps)
    return len(steps) / (time.perf_counter() - began), trades


def _alone(steps: list[Step]) -> int:
    return _play(Alone(), steps)


def _exposed(steps: list[Step]) -> int:
    return _play(Book(), steps)


def _play(book: Alone | Book, steps: list[Step]) -> int:
    trades = 0
    for step in steps:
        if step.cancels:
            book.cancel(step.cancels)
        else:
            trades += book.place(step)
    return trades


def _peer(steps: list[Step]) -> int:
    """One instrument a runner; a layer bids. It reports the taker's side of a level and each maker's as trades."""
    engine, runners, trades = peer_engine.LightMatchingEngine(), [0], 0
    for step in steps:
        if step.cancels:
            engine.cancel_order(step.cancels, runners[step.cancels])
            continue
        side = peer_engine.Side.SELL if step.side is Side.BACK else peer_engine.Side.BUY
        order, made = engine.add_order(step.runner, step.price_milli, step.size_minor, side)
        runners.append(step.runner)
        trades += sum(trade.order_id != order.order_id for trade in made)
    return trades


# ---------------------------------------------------------------- the whole machine


def one_by_one(steps: list[Step]) -> Iterator[AnyCommand]:
    """A request for each step."""
    for step in steps:
        if step.cancels:
            yield CancelOrders(step.customer, MARKET, (CancelInstruction(step.cancels),))
        else:
            yield PlaceOrders(step.customer, MARKET, "GBP", (_instruction(step),))


def in_batches(steps: list[Step]) -> Iterator[AnyCommand]:
    """Requests of as many orders as a batch has, of one customer each; no cancels."""
    placed = [step for step in steps if not step.cancels]
    for number in range(0, len(placed) - BATCH, BATCH):
        customer = number // BATCH % CUSTOMERS + 1
        yield PlaceOrders(customer, MARKET, "GBP", tuple(map(_instruction, placed[number : number + BATCH])))


def _instruction(step: Step) -> PlaceInstruction:
    return PlaceInstruction(step.runner + 1, step.side, step.price_milli, step.size_minor)


def _machine_rate(steps: list[Step], commands: Callable[[list[Step]], Iterator[AnyCommand]]) -> float:
    machine = Machine()
    dealer = Dealer(machine)
    for command in _opening():
        dealer.ask(command)
    requests = [_request(dealer, command, number) for number, command in enumerate(commands(steps))]
    _settle_memory()
    at_us = dealer.at_us
    began = time.perf_counter()
    for number, asked in enumerate(requests):
        machine.execute(asked, at_us)
        if number % COMMIT == COMMIT - 1:
            at_us += 1_000
            machine.drain()
    took_s = time.perf_counter() - began
    return _decided(requests) / took_s


def _decided(requests: list[Request]) -> int:
    return sum(
        len(asked.command.instructions) for asked in requests if isinstance(asked.command, PlaceOrders | CancelOrders)
    )


def _request(dealer: Dealer, command: AnyCommand, number: int) -> Request:
    return request(actor=1, key=make_key(at_us=dealer.at_us, chance=1 << 40 | number), command=command)


def _opening() -> Iterator[AnyCommand]:
    for customer in range(1, CUSTOMERS + 1):
        yield OpenCustomer("GBP")
        yield MoveFunds(customer, "GBP", FUNDS_MINOR, "for the benchmark")
    yield CreateSport("Racing")
    yield CreateCompetition(1, "Ascot")
    yield CreateEvent(1, "14:30", 2 * 10**15)
    yield SetMinimums("GBP", Minimums(1, 0, 1, 1))
    runners = tuple(RunnerTerms(number + 1, f"Runner {number + 1}") for number in range(RUNNERS))
    yield CreateExchangeMarket(1, MarketTerms("Win"), runners)
    yield OpenExchangeMarket(MARKET)


def _settle_memory() -> None:
    """As the book does after it has recovered."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


BENCH = Bench(
    name="matching",
    title="The exchange: matching alone and the machine, on one core.",
    leaves_out=("the journal", "the bus", "HTTP", "cross matching"),
    within_s=180,
    run=run,
)
