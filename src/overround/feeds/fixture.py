"""A simulated match, all of it a function of its seed: how strong the sides are, and in which minute the goals fall.

Whoever has the seed, the event's id and the time knows the score, so a simulator that was away goes on where the match
is by now.
"""

import math
import random
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from overround.kernel.instant import MINUTE_US
from overround.trading import (
    FULL_TIME_MINUTES,
    HALF_TIME_MINUTES,
    MATCH_RESULT,
    Joint,
    Kind,
    Leg,
    Method,
    Moment,
    NoBuilder,
    Question,
    Rates,
    Shade,
    builder_price_milli,
    builder_probability,
    fair_of,
    joint,
    minute_of,
    prices_milli,
    shaded_prices_milli,
)

TEAMS: Final = (
    "Alderbrook", "Ashmere", "Birchley", "Blackfen", "Brightholm", "Caldershaw", "Copperfield", "Corvale",
    "Crowhurst Park", "Dunmarsh", "Eastwick Park", "Elmsworth", "Fernhollow", "Foxcombe", "Glenharrow", "Greywater",
    "Hallowby", "Harrowgate Vale", "Ironbridge Town", "Juniper Row", "Kestrel Rovers", "Kingsfold", "Larkfield",
    "Lowmoor", "Millhaven", "Mossgate", "Northgate", "Oakhurst", "Otterburn Green", "Penwick", "Quarry Lane",
    "Redcliff", "Rookwood", "Saltmarsh", "Silverdale United", "Stonebeck", "Thornbury Vale", "Underhill", "Westering",
    "Yewdale",
)  # fmt: skip
"""None of these plays anywhere."""

USUAL_HOME: Final = 1.55
USUAL_AWAY: Final = 1.2
SPREAD: Final = 0.28
"""Standard deviation of the logarithm of a side's rate."""

TOTALS_QUARTERS: Final = (6, 10, 14)
MARGINS: Final = {
    Kind.MATCH_RESULT: 0.055,
    Kind.TOTAL: 0.05,
    Kind.HANDICAP: 0.035,
    Kind.DOUBLE_CHANCE: 0.055,
    Kind.DRAW_NO_BET: 0.04,
    Kind.BOTH_TEAMS_TO_SCORE: 0.05,
    Kind.HALF_TIME_RESULT: 0.06,
    Kind.NEXT_GOAL: 0.07,
    Kind.CORRECT_SCORE: 0.12,
}
"""Overround by kind of market where the desk set none; tighter where the market has two sides."""


BUILDER_MARGIN: Final = 0.05
"""Overround a leg of a bet builder."""

AS_GOOD_AS_SURE: Final = 0.995
OTHERS: Final = (
    Question(Kind.DOUBLE_CHANCE),
    Question(Kind.DRAW_NO_BET),
    Question(Kind.BOTH_TEAMS_TO_SCORE),
    Question(Kind.HALF_TIME_RESULT),
    Question(Kind.CORRECT_SCORE),
)


class Goal(NamedTuple):
    """In which minute of play, from 0 to 90, and whether home scored."""

    minute: float
    home: bool


class Fixture(msgspec.Struct, frozen=True, kw_only=True):
    """All there is to know of a match. `minute_us` is how long a minute of play takes."""

    starts_at_us: int
    minute_us: int
    rates: Rates
    goals: tuple[Goal, ...]

    def minute(self, now_us: int) -> float:
        """The minute of play; below 0 before kick-off, 90 and more after full time."""
        return (now_us - self.starts_at_us) / self.minute_us

    def at_us(self, minute: float) -> int:
        """The instant of a minute of play."""
        return self.starts_at_us + round(minute * self.minute_us)

    def score(self, now_us: int) -> tuple[int, int]:
        """Home's and away's goals so far."""
        return _count(goal for goal in self.goals if self.at_us(goal.minute) <= now_us)

    def half_time(self) -> tuple[int, int]:
        """The score at the break, whenever that is."""
        return _count(goal for goal in self.goals if goal.minute < HALF_TIME_MINUTES)

    def scored_within(self, now_us: int, window_us: int) -> bool:
        """Whether a goal fell at most this long ago."""
        return any(0 <= now_us - self.at_us(goal.minute) < window_us for goal in self.goals)

    def questions(self, now_us: int) -> tuple[Question, ...]:
        """1X2, three totals, a whole, a half and a quarter handicap line near the level of the sides, and `OTHERS`.

        After each goal it is the next that is asked for.
        """
        level = round(4 * (self.rates.away - self.rates.home))
        whole = 4 * round(level / 4)
        half = 4 * math.floor(level / 4) + 2
        quarter = level if level % 2 else level + 1
        totals = (Question(Kind.TOTAL, line) for line in TOTALS_QUARTERS)
        lines = (Question(Kind.HANDICAP, line) for line in (whole, half, quarter))
        next_goal = Question(Kind.NEXT_GOAL, goal_number=sum(self.score(now_us)) + 1)
        return (MATCH_RESULT, *totals, *lines, *OTHERS, next_goal)

    def chances(self, question: Question, now_us: int) -> tuple[float, ...]:
        """The fair probability of each selection as the market sees it now; none for a goal that has fallen."""
        return _chances(self._table(self._form(now_us), now_us), question)

    def prices_milli(
        self,
        question: Question,
        now_us: int,
        *,
        margin: float | None = None,
        losses_minor: tuple[int, ...] = (),
        shade: Shade | None = None,
    ) -> tuple[int, ...] | None:
        """The house's prices now, with this margin or the usual one of their kind, moved by what it would lose on each
        selection where that is wanted and known, or None where the question is as good as answered."""
        chances = self.chances(question, now_us)
        overround = MARGINS[question.kind] if margin is None else margin
        plain = _prices_milli(chances, overround)
        if plain is None or shade is None or len(losses_minor) != len(chances):
            return plain
        return _moved_milli(chances, overround, losses_minor, shade)

    def model_milli(self, question: Question, now_us: int, *, margin: float | None = None) -> tuple[int, ...] | None:
        """What the prices would be without the market's opinion: for the sanity band."""
        overround = MARGINS[question.kind] if margin is None else margin
        return _prices_milli(_chances(self._table(self.rates, now_us), question), overround)

    def builder_milli(self, legs: Sequence[Leg], now_us: int) -> int | None:
        """The house's price of several selections as one; 0 while it is as good as sure, None where they cannot be."""
        found = builder_probability(self._table(self._form(now_us), now_us), legs)
        if isinstance(found, NoBuilder):
            return None
        return builder_price_milli(found, legs=len(legs), overround=BUILDER_MARGIN)

    def _table(self, rates: Rates, now_us: int) -> Joint:
        minute = max(0.0, self.minute(now_us))
        return _table(rates, Moment(minute, *self.score(now_us), *self.half_time()))

    def _form(self, now_us: int) -> Rates:
        """The rates as the market sees them: before kick-off opinion sways by up to 4 %."""
        if now_us >= self.starts_at_us:
            return self.rates
        sway = 1 + 0.04 * math.sin(now_us / (7 * MINUTE_US) + self.rates.home * 100)
        return Rates(self.rates.home * sway, self.rates.away / sway)


def fixture(*, seed: int, event_id: int, name: str, starts_at_us: int, match_us: int) -> Fixture:
    """The match that this event is. `match_us` is how long 90 minutes of play take."""
    digest = blake2b(f"{seed}/{event_id}/{name}".encode(), digest_size=8).digest()
    chance = random.Random(int.from_bytes(digest))
    rates = Rates(USUAL_HOME * math.exp(chance.gauss(0, SPREAD)), USUAL_AWAY * math.exp(chance.gauss(0, SPREAD)))
    goals = [Goal(minute, True) for minute in _goals(chance, rates.home)]
    goals += [Goal(minute, False) for minute in _goals(chance, rates.away)]
    return Fixture(
        starts_at_us=starts_at_us,
        minute_us=round(match_us / FULL_TIME_MINUTES),
        rates=rates,
        goals=tuple(sorted(goals)),
    )


def _chances(table: Joint, question: Question) -> tuple[float, ...]:
    fallen = table.moment.home + table.moment.away
    return () if (question.goal_number or fallen + 1) <= fallen else fair_of(table, question)


@lru_cache(maxsize=256)
def _prices_milli(chances: tuple[float, ...], overround: float) -> tuple[int, ...] | None:
    whole = math.fsum(chances)
    if max(chances, default=1.0) > AS_GOOD_AS_SURE or whole < 0.99 or abs(whole - round(whole)) > 0.01:
        return None
    return prices_milli(chances, overround=overround, method=Method.POWER)


@lru_cache(maxsize=256)
def _moved_milli(
    chances: tuple[float, ...], overround: float, losses_minor: tuple[int, ...], shade: Shade
) -> tuple[int, ...]:
    return shaded_prices_milli(
        chances, overround=overround, losses_minor=losses_minor, shade=shade, method=Method.POWER
    )


@lru_cache(maxsize=64)
def _table(rates: Rates, moment: Moment) -> Joint:
    """All markets of a match ask for the same table at one instant. These goals have no rho: they are Poisson's."""
    return joint(rates, moment=moment)


def _goals(chance: random.Random, rate: float) -> list[float]:
    """A Poisson process on the match's clock of goals: there the gaps are exponential."""
    minutes, share = [], chance.expovariate(rate)
    while share < 1.0:
        minutes.append(minute_of(share))
        share += chance.expovariate(rate)
    return minutes


def _count(goals: Iterable[Goal]) -> tuple[int, int]:
    sides = [goal.home for goal in goals]
    return sum(sides), len(sides) - sum(sides)


def draw_name(chance: random.Random, playing: frozenset[str]) -> str:
    """Two teams that are not playing, where there are two."""
    free = [team for team in TEAMS if not any(team in name for name in playing)]
    home, away = chance.sample(free if len(free) > 1 else TEAMS, 2)
    return f"{home} v {away}"
