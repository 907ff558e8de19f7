"""Bets of every kind with any end, drawn from a seed, in the house's types and as the plain twin reads them."""

import random
from typing import Any

from tests.book import slips
from tests.book.counter import leg_of, result_of
from tests.book.slips import LegOfSlip

LEGS_OF_EACH_KIND = 300
COUNTS = (1, 2, 3, 4, 5, 6, 7, 8)
WEIGHTS = (24, 24, 20, 14, 8, 5, 3, 2)
WITHDRAWN = ("1/10", "4/6", "1/1", "6/4", "9/4", "3/1", "10/3", "7/1", "12/1", "20/1")
STAKES = (1_000, 300, 1, 7, 999, 10**9 + 7, 10**15)


def price_text(rng: random.Random) -> str:
    milli = rng.randint(1_001, rng.choice((3_000, 3_000, 12_000, 10_000_000)))
    return f"{milli // 1_000}.{milli % 1_000:03d}"


def drawn_leg(rng: random.Random, *, each_way: bool) -> LegOfSlip:
    """A leg of any kind with any end."""
    leg: dict[str, Any] = {"price": price_text(rng)}
    if each_way:
        leg |= {"each_way": rng.choice(("1/4", "1/5", "1/3", "1/2", "1/1", "2/7")), "places": rng.randint(1, 5)}
    if rng.random() < 0.2:
        leg |= {"start": price_text(rng), "best_odds": True}
    elif rng.random() < 0.1:
        leg |= {"start": price_text(rng), "price": "SP"}
    if rng.random() < 0.3:
        leg["withdrawn"] = rng.choices(WITHDRAWN, k=rng.randint(1, 3))
    if rng.random() < 0.1:
        leg["withdrawn_from_start"] = rng.choices(WITHDRAWN, k=1)
    return leg | drawn_end(rng)


def drawn_end(rng: random.Random) -> LegOfSlip:
    if rng.random() < 0.4:
        return {"position": rng.choice((1, 1, 1, 2, 3, 4, 7)), "tied": rng.choice((1, 1, 1, 2, 3, 5))}
    result = rng.choice(("won", "won", "won", "lost", "void", "half won", "half lost", "placed"))
    if result in ("won", "half won") and rng.random() < 0.2:
        return {"result": result, "dead_heat": rng.choice(("1/2", "1/3", "2/3", "3/7"))}
    return {"result": result}


class Drawn:
    """A leg in both worlds: in the house's types and as factors of the twin."""

    def __init__(self, rng: random.Random, number: int, *, each_way: bool, banker: bool) -> None:
        self.plain = drawn_leg(rng, each_way=each_way) | {"banker": banker}
        self.leg, self.result = leg_of(self.plain, number), result_of(self.plain)
        self.factors = slips.factors(self.plain)


class Pool:
    """Legs of every kind, each way and not, bankers and not, from which tickets are drawn."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.legs = {
            (each_way, banker): [
                Drawn(rng, number, each_way=each_way, banker=banker) for number in range(LEGS_OF_EACH_KIND)
            ]
            for each_way in (False, True)
            for banker in (False, True)
        }

    def draw(self) -> tuple[list[Drawn], list[int], int]:
        """Legs, folds and stake of a bet: mostly short ones, some of every system, some long accumulators."""
        rng = self.rng
        count, each_way = rng.choices(COUNTS, WEIGHTS)[0], rng.random() < 0.4
        drawn = rng.sample(self.legs[each_way, False], count)
        folds = sorted(rng.sample(range(1, count + 1), rng.choice((1, 1, min(2, count)))))
        if count < 7 and rng.random() < 0.2:
            folds = [*range(rng.choice((1, 2)) if count > 1 else 1, count + 1)]
        elif rng.random() < 0.02:
            drawn = rng.sample(self.legs[each_way, False], rng.randint(9, 20))
            folds = [len(drawn)]
        elif rng.random() < 0.1:
            drawn += rng.sample(self.legs[each_way, True], rng.choice((1, 2)))
            rng.shuffle(drawn)
        return drawn, folds, rng.choice(STAKES)
