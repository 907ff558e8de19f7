"""The machine alone on one core: decide, fold, encode."""

import gc
import statistics
import time

import msgspec

from bench.apart import apart
from bench.finding import Figure, Finding
from bench.stage import Bench, Stage
from bench.wagers import Dealer
from overround.book.machine import Machine, open_parcel, pack
from overround.book.machine.commands import Request

CUSTOMERS, MARKETS = 1_000, 100
COMMIT = 200


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    rounds: int
    bets: int


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Bets a second of each round."""

    rates: list[float]
    opened: list[float]


async def run(stage: Stage) -> Finding:
    asked = Asked(rounds=stage.scaled(7, 3), bets=stage.scaled(100_000, 5_000))
    stage.tell(f"{asked.rounds} rounds of {asked.bets} bets in a fresh process", 0.1)
    found = await apart(measure, asked)
    return Finding(
        figures=(
            Figure(name="decide, fold, encode", value=statistics.median(found.rates), unit="bets/s", least=100_000),
            Figure(name="slowest round", value=min(found.rates), unit="bets/s"),
            Figure(
                name="with decoding the request",
                value=statistics.median(found.opened),
                unit="bets/s",
                note="as the book does it: MessagePack and BLAKE2b of the command first",
            ),
        ),
        configuration={
            "house": f"{CUSTOMERS:,} customers, {MARKETS} markets, no limit of their own",
            "rounds": f"{asked.rounds} of {asked.bets:,} bets, the median counts; {COMMIT} bets a batch drained",
            "collector": "as the book sets it: what was there frozen, threshold 50,000",
        },
    )


def measure(asked: Asked) -> Rates:
    """Rates of each round, with the request at hand and with its bytes at hand."""
    machine = Machine()
    dealer = Dealer(machine)
    dealer.open_house(customers=CUSTOMERS, markets=MARKETS)
    rates: list[float] = []
    opened: list[float] = []
    for _ in range(asked.rounds):
        requests = list(dealer.bets(asked.bets, customers=CUSTOMERS, markets=MARKETS))
        rates.append(_rate(machine, dealer, requests))
        requests = list(dealer.bets(asked.bets, customers=CUSTOMERS, markets=MARKETS))
        opened.append(_rate_opened(machine, dealer, requests))
    return Rates(rates=rates, opened=opened)


def _rate(machine: Machine, dealer: Dealer, requests: list[Request]) -> float:
    _settle_memory()
    at_us, execute = dealer.at_us, machine.execute
    began = time.perf_counter()
    for n, request in enumerate(requests):
        execute(request, at_us)
        if n % COMMIT == COMMIT - 1:
            at_us += 1_000
            machine.drain()
    took_s = time.perf_counter() - began
    machine.drain()
    dealer.at_us = at_us
    return len(requests) / took_s


def _rate_opened(machine: Machine, dealer: Dealer, requests: list[Request]) -> float:
    parcels = [
        pack(n, actor=request.actor, key=request.key, command=request.command) for n, request in enumerate(requests)
    ]
    del requests[:]
    _settle_memory()
    at_us, execute = dealer.at_us, machine.execute
    began = time.perf_counter()
    for parcel in parcels:
        execute(open_parcel(parcel), at_us)
        if parcel.number % COMMIT == COMMIT - 1:
            at_us += 1_000
            machine.drain()
    took_s = time.perf_counter() - began
    machine.drain()
    dealer.at_us = at_us
    return len(parcels) / took_s


def _settle_memory() -> None:
    """As the book does after it has recovered."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


BENCH = Bench(
    name="machine",
    title="The machine alone: decide, fold and encode on one core.",
    leaves_out=("the journal", "the bus", "HTTP", "customers with limits of their own"),
    within_s=120,
    run=run,
)
