"""Multiples and systems on the machine alone: taken, and settled when they share an event."""

import gc
import statistics
import time
from itertools import count

import msgspec

from bench.apart import apart
from bench.finding import Figure, Finding
from bench.stage import Bench, Stage
from bench.wagers import CURRENCY, PRICES_MILLI, Dealer
from overround.book.machine import Machine, request
from overround.book.machine.commands import BetAsked, LegAsked, PlaceTicket, RecordResult, Request
from overround.book.settlement import Score
from overround.book.tickets import SYSTEMS
from overround.kernel.ids import make_key

CUSTOMERS, MARKETS = 1_000, 100
GOLIATH = SYSTEMS["goliath"]
SHARED_LEGS = 4


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    rounds: int
    tickets: int
    multiples: int


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Tickets a second of each round, by kind; seconds from the result to the last multiple looked at."""

    taken: dict[str, list[float]]
    settled_s: float
    settled: int


async def run(stage: Stage) -> Finding:
    asked = Asked(rounds=stage.scaled(5, 2), tickets=stage.scaled(5_000, 300), multiples=stage.scaled(200_000, 2_000))
    stage.tell(f"{asked.rounds} rounds of {asked.tickets} tickets of each kind in a fresh process", 0.1)
    found = await apart(measure, asked)
    return Finding(
        figures=(
            *(
                Figure(name=name, value=statistics.median(rates), unit="tickets/s", least=5_000)
                for name, rates in found.taken.items()
            ),
            Figure(
                name=f"{asked.multiples:,} multiples on one event settled",
                value=found.settled_s,
                unit="s",
                most=20,
                note=f"{found.settled:,} of them decided by it, the others looked at and left open",
            ),
        ),
        configuration={
            "house": f"{CUSTOMERS:,} customers, {MARKETS} events with a 1X2 each, wide limits that are checked",
            "goliath": "8 legs, 247 lines",
            "20 legs and Goliaths": "on the shortest prices, so that payouts are within the limits",
            "multiples": f"{SHARED_LEGS} legs each, one of them on the event that they share; a third of those won",
            "rounds": f"{asked.rounds} of {asked.tickets:,} tickets of each kind, the median counts",
        },
    )


def measure(asked: Asked) -> Rates:
    """How fast each kind is taken, then how long one result takes with many multiples on it."""
    machine = Machine()
    dealer = Dealer(machine)
    dealer.open_house(customers=CUSTOMERS, markets=MARKETS)
    keys = count(1)
    kinds = {"20-leg multiples taken": (20, (20,)), "Goliaths taken": (GOLIATH.legs, GOLIATH.folds)}
    taken: dict[str, list[float]] = {}
    for name, (legs, folds) in kinds.items():
        rates = taken[name] = []
        for _ in range(asked.rounds):
            requests = [_ticket(dealer, next(keys), legs, folds) for _ in range(asked.tickets)]
            rates.append(_rate(machine, dealer, requests))
    settled_s, settled = _settle(asked.multiples)
    return Rates(taken=taken, settled_s=settled_s, settled=settled)


def _ticket(dealer: Dealer, n: int, legs: int, folds: tuple[int, ...], first: int = 0) -> Request:
    """A ticket of one bet on as many events, another choice of them for each `n`; `first` is always one of them."""
    markets = [(n * 7 + place * 3) % MARKETS + 1 for place in range(legs)]
    if first:
        markets = [first, *(market for market in markets if market != first)][:legs]
    shortest = PRICES_MILLI.index(min(PRICES_MILLI))
    picks = [(n + place) % 3 if legs < GOLIATH.legs else shortest for place in range(legs)]
    asked = tuple(LegAsked(market, pick + 1, PRICES_MILLI[pick]) for market, pick in zip(markets, picks, strict=True))
    customer = n % CUSTOMERS + 1
    command = PlaceTicket(customer, CURRENCY, (BetAsked(asked, folds, 1_000 + n % 1_000),))
    key = make_key(at_us=dealer.at_us, chance=n * 0x9E3779B97F4A7C15)
    return request(actor=customer, key=key, command=command)


def _rate(machine: Machine, dealer: Dealer, requests: list[Request]) -> float:
    machine.drain()
    gc.collect()
    gc.freeze()
    began = time.perf_counter()
    for asked in requests:
        machine.execute(asked, dealer.at_us)
    took_s = time.perf_counter() - began
    kinds = {pending.kind: pending.body for pending in machine.drain()}
    assert list(kinds) == ["ticket_accepted"], kinds
    return len(requests) / took_s


def _settle(multiples: int) -> tuple[float, int]:
    """Seconds for the result of an event on which every multiple has a leg, and how many it decided."""
    machine = Machine()
    dealer = Dealer(machine)
    dealer.open_house(customers=CUSTOMERS, markets=MARKETS)
    for n in range(1, multiples + 1):
        machine.execute(_ticket(dealer, n, SHARED_LEGS, (SHARED_LEGS,), first=1), dealer.at_us)
        if n % 1_000 == 0:
            machine.drain()
    machine.drain()
    gc.collect()
    gc.freeze()
    began = time.perf_counter()
    dealer.ask(RecordResult(1, Score(1, 0)))
    settled = 0
    while machine.advance(dealer.at_us):
        settled += sum(pending.kind == "bets_settled" for pending in machine.drain())
    took_s = time.perf_counter() - began
    decided = sum(bet.outcome is not None for bet in machine.state.bets.bets.values())
    assert len(machine.state.bets.bets) == multiples
    assert settled
    return took_s, decided


BENCH = Bench(
    name="multiples",
    title="Multiples and systems: taken and settled by the machine alone.",
    leaves_out=("the journal", "the bus", "HTTP"),
    within_s=300,
    run=run,
)
