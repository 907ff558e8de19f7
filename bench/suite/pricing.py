"""Pricing a match on one core: the table, every market of the match, bet builders, and the fit of a league."""

import gc
import random
import statistics
import time
from collections.abc import Callable

import msgspec

from bench.apart import apart
from bench.finding import Figure, Finding
from bench.stage import Bench, Stage
from overround.trading import (
    MATCH_RESULT,
    Kind,
    Leg,
    Method,
    Moment,
    Question,
    Rates,
    Result,
    builder_probability,
    fair_of,
    fit_strengths,
    joint,
    prices_milli,
)

LINES = (-5, -4, -3, -2, -1, 0, 1, 2)
QUESTIONS = (
    MATCH_RESULT,
    *(Question(kind) for kind in (Kind.DOUBLE_CHANCE, Kind.DRAW_NO_BET, Kind.BOTH_TEAMS_TO_SCORE, Kind.ODD_EVEN)),
    *(Question(kind) for kind in (Kind.HALF_TIME_RESULT, Kind.HALF_TIME_FULL_TIME, Kind.CORRECT_SCORE)),
    *(Question(Kind.TOTAL, line) for line in (6, 8, 9, 10, 11, 12, 14)),
    *(Question(Kind.HANDICAP, line) for line in LINES),
    Question(Kind.NEXT_GOAL, goal_number=1),
)
SELECTIONS = 3 + 3 + 2 + 2 + 2 + 3 + 9 + 17 + 14 + 2 * len(LINES) + 3
LEGS = (
    Leg(MATCH_RESULT, 1),
    Leg(Question(Kind.TOTAL, 10), 1),
    Leg(Question(Kind.BOTH_TEAMS_TO_SCORE), 1),
    Leg(Question(Kind.HALF_TIME_RESULT), 2),
)
SIDES = 20
"""A league of the usual size, whose two seasons are 760 results."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    rounds: int
    matches: int


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Of each round: a second's work by name, and milliseconds of a fit."""

    rates: dict[str, list[float]]
    fit_ms: list[float]


async def run(stage: Stage) -> Finding:
    asked = Asked(rounds=stage.scaled(5, 2), matches=stage.scaled(300, 20))
    stage.tell(f"{asked.rounds} rounds of {asked.matches} matches in a fresh process", 0.1)
    found = await apart(measure, asked)
    figures = [
        Figure(name=name, value=statistics.median(rates), unit="/s", note=NOTES.get(name, ""))
        for name, rates in found.rates.items()
    ]
    fit = Figure(name="a fit", value=statistics.median(found.fit_ms), unit="ms", note="760 results of 20 sides, cold")
    return Finding(
        figures=(*figures, fit),
        configuration={
            "match": "rates of 0.8 to 2.2 goals, rho −0.08, each match another",
            "in play": "minute 30 at 1–0",
            "margin": "5 % by the power method",
            "rounds": f"{asked.rounds} of {asked.matches} matches, the median counts",
        },
    )


NOTES = {
    "whole matches before": f"{len(QUESTIONS)} markets, {SELECTIONS} prices each",
    "whole matches in play": f"{len(QUESTIONS)} markets, {SELECTIONS} prices each",
    "bet builders": "four legs, one of them on half time; the table is at hand",
}


def measure(asked: Asked) -> Found:
    """Each kind of work, match by match."""
    chance = random.Random(1)
    rates = [Rates(chance.uniform(0.8, 2.2), chance.uniform(0.8, 2.2)) for _ in range(asked.matches)]
    tables = [joint(each, rho=-0.08) for each in rates]
    in_play = Moment(30.0, 1, 0)
    results = _league(chance)
    gc.collect()
    gc.freeze()
    work: dict[str, Callable[[int], object]] = {
        "tables": lambda number: joint(rates[number], rho=-0.08),
        "whole matches before": lambda number: _whole(rates[number], Moment(), 0),
        "whole matches in play": lambda number: _whole(rates[number], in_play, 1),
        "bet builders": lambda number: builder_probability(tables[number], LEGS),
    }
    found = {name: [_rate(asked.matches, each) for _ in range(asked.rounds)] for name, each in work.items()}
    fit_strengths(results, day=1)  # scipy is there before the clock starts
    fits = []
    for _ in range(asked.rounds):
        began = time.perf_counter()
        fit_strengths(results, day=740)
        fits.append(1_000 * (time.perf_counter() - began))
    return Found(rates=found, fit_ms=fits)


def _whole(rates: Rates, moment: Moment, goals: int) -> int:
    """All prices of a match; how many there are."""
    table = joint(rates, rho=-0.08, moment=moment)
    count = 0
    for question in QUESTIONS:
        asked = question._replace(goal_number=goals + 1) if question.goal_number else question
        probabilities = fair_of(table, asked)
        if sum(probabilities) > 0.5:
            count += len(prices_milli(probabilities, overround=0.05, method=Method.POWER))
    return count


def _rate(matches: int, work: Callable[[int], object]) -> float:
    began = time.perf_counter()
    for number in range(matches):
        work(number)
    return matches / (time.perf_counter() - began)


def _league(chance: random.Random) -> list[Result]:
    pairs = [(home, away) for home in range(SIDES) for away in range(SIDES) if home != away]
    return [
        Result(
            365 * season + number // 10 * 9, f"side {home}", f"side {away}", chance.randrange(4), chance.randrange(3)
        )
        for season in range(2)
        for number, (home, away) in enumerate(chance.sample(pairs, len(pairs)))
    ]


BENCH = Bench(
    name="pricing",
    title="Pricing a match: the arithmetic alone, on one core.",
    leaves_out=("prices on their way to the house", "the house"),
    within_s=120,
    run=run,
)
