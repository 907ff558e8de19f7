"""Settling tickets on one core: the pure algebra, without ledger and journal."""

import gc
import statistics
import time

import msgspec

from bench.apart import apart
from bench.finding import Figure, Finding
from bench.stage import Bench, Stage
from overround.book import tickets
from overround.book.bets import Outcome

KINDS = ("single", "treble", "yankee", "goliath")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    rounds: int
    bets: int


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Bets a second of each round by name."""

    rates: dict[str, list[float]]


async def run(stage: Stage) -> Finding:
    asked = Asked(rounds=stage.scaled(5, 2), bets=stage.scaled(20_000, 1_000))
    stage.tell(f"{asked.rounds} rounds of {asked.bets} bets of each kind in a fresh process", 0.1)
    found = await apart(measure, asked)
    return Finding(
        figures=tuple(
            Figure(
                name=name,
                value=statistics.median(rates),
                unit="bets/s",
                least=5_000 if "goliath" in name else None,
                note="247 lines, 494 each-way" if name == "goliath" else "",
            )
            for name, rates in found.rates.items()
        ),
        configuration={
            "legs": "prices of 2.0 to 3.1; each-way a fifth for three places; one leg void, one with a deduction",
            "20-fold": "all won, terms, dead heats and deductions on every leg",
            "statement": "every line of a Goliath made and added exactly",
            "rounds": f"{asked.rounds} of {asked.bets:,} bets (a hundredth of them for statements), the median counts",
        },
    )


def measure(asked: Asked) -> Rates:
    """The rate of each kind, win only and each-way, and of statements."""
    cases = {}
    for name in KINDS:
        system = tickets.SYSTEMS[name]
        cases[name] = _bet(system.legs, system.folds, each_way=False)
        cases[f"{name}, each-way"] = _bet(system.legs, system.folds, each_way=True)
    cases["20-fold, everything"] = _everything()
    gc.collect()
    gc.freeze()
    rates = {name: [_rate(asked.bets, *case) for _ in range(asked.rounds)] for name, case in cases.items()}
    statements = [_stated(asked.bets // 100, *cases["goliath"]) for _ in range(asked.rounds)]
    return Rates(rates=rates | {"statement": statements})


Case = tuple[tickets.Slip, tuple[tickets.LegResult, ...]]


def _bet(legs: int, folds: tuple[int, ...], *, each_way: bool) -> Case:
    terms = tickets.EachWay(1, 5, 3) if each_way else None
    bet = tickets.Slip(tuple(tickets.Leg(n, n, 2_000 + 137 * n, terms) for n in range(legs)), folds, 100_000)
    won = tickets.settled(Outcome.WON)
    results = [won] * legs
    results[-1] = tickets.LegResult(won.win, won.place, deduction_pence=25)
    if legs > 1:
        results[0] = tickets.settled(Outcome.VOID)
    return bet, tuple(results)


def _everything() -> Case:
    legs = tuple(tickets.Leg(n, n, 2_137 + n, tickets.EachWay(1, 5, 3), best_odds=True) for n in range(20))
    level = tickets.finished(position=1, tied=4, places=3)
    result = tickets.LegResult(level.win, level.place, start_milli=2_500, deduction_pence=25)
    return tickets.Slip(legs, (20,), 100_000), (result,) * 20


def _rate(bets: int, bet: tickets.Slip, results: tuple[tickets.LegResult, ...]) -> float:
    began = time.perf_counter()
    for _ in range(bets):
        tickets.payout(bet, results)
    return bets / (time.perf_counter() - began)


def _stated(bets: int, bet: tickets.Slip, results: tuple[tickets.LegResult, ...]) -> float:
    began = time.perf_counter()
    for _ in range(bets):
        for _line in tickets.lines(bet, results):
            pass
    return bets / (time.perf_counter() - began)


BENCH = Bench(
    name="tickets",
    title="Settling tickets: the arithmetic alone, on one core.",
    leaves_out=("the ledger", "the journal", "results on their way to legs"),
    within_s=120,
    run=run,
)
