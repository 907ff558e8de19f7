"""The plain twin of the table: matches played out goal by goal from a seed, and counted."""

import math
import random
from collections import Counter
from collections.abc import Iterator
from functools import cache

import pytest

from overround.trading import Kind, Moment, Question, Rates, fair_of, joint, minute_of

MATCHES = 20_000
RATES = Rates(1.5, 1.1)


def goals(chance: random.Random, rate: float) -> Iterator[float]:
    """Minutes of a side's goals: on the clock of goals the gaps are exponential."""
    share = chance.expovariate(rate)
    while share < 1.0:
        yield minute_of(share)
        share += chance.expovariate(rate)


@cache
def counted() -> Counter[tuple[Kind, int, int]]:
    """How often each selection won, by market and its line or goal number."""
    chance = random.Random(20_260_501)
    won: Counter[tuple[Kind, int, int]] = Counter()
    for _ in range(MATCHES):
        fell = sorted([(at, 1) for at in goals(chance, RATES.home)] + [(at, 3) for at in goals(chance, RATES.away)])
        sides = [side for _, side in fell]
        half = [side for at, side in fell if at < 45.0]
        before, after = lead(half), lead(sides)
        won[Kind.MATCH_RESULT, 0, after] += 1
        won[Kind.HALF_TIME_FULL_TIME, 0, 3 * (before - 1) + after] += 1
        won[Kind.SECOND_HALF_RESULT, 0, lead(sides[len(half) :])] += 1
        won[Kind.BOTH_TEAMS_TO_SCORE, 0, 1 if len(set(sides)) == 2 else 2] += 1
        for number in (1, 2, 4):
            won[Kind.NEXT_GOAL, number, sides[number - 1] if len(sides) >= number else 2] += 1
    return won


def lead(sides: list[int]) -> int:
    """1 home, 2 level, 3 away."""
    ahead = sides.count(1) - sides.count(3)
    return 1 if ahead > 0 else 2 if ahead == 0 else 3


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (Kind.MATCH_RESULT, 0),
        (Kind.HALF_TIME_FULL_TIME, 0),
        (Kind.SECOND_HALF_RESULT, 0),
        (Kind.BOTH_TEAMS_TO_SCORE, 0),
        (Kind.NEXT_GOAL, 1),
        (Kind.NEXT_GOAL, 2),
        (Kind.NEXT_GOAL, 4),
    ],
)
def test_what_is_said_comes_as_often(kind: Kind, number: int) -> None:
    for selection, said in enumerate(fair_of(joint(RATES), Question(kind, goal_number=number or None)), 1):
        came = counted()[kind, number, selection] / MATCHES
        assert abs(came - said) < 4.0 * math.sqrt(said * (1.0 - said) / MATCHES), (selection, said, came)


def test_ten_against_eleven_are_simulated_alike() -> None:
    """From minute 30 on, home with one fewer: rates times 0.72 and 1.18 on what is left of the clock."""
    chance = random.Random(7)
    homes = 0
    for _ in range(MATCHES):
        home = sum(minute >= 30.0 for minute in goals(chance, RATES.home * 0.72))
        away = sum(minute >= 30.0 for minute in goals(chance, RATES.away * 1.18))
        homes += 1 + home > away
    said = fair_of(joint(RATES, moment=Moment(30.0, 1, 0, red_home=1)), Question(Kind.MATCH_RESULT))[0]
    assert abs(homes / MATCHES - said) < 4.0 * math.sqrt(said * (1.0 - said) / MATCHES)
