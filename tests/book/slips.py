"""The plain twin of tickets: every line made and worked out with fractions, as a bookmaker would on paper.

It reads slips as the golden files write them (tests/golden/settlement/README.md) and shares no code with the house.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from typing import Any

Slip = dict[str, Any]
LegOfSlip = dict[str, Any]

SCALE = """
1/9 90, 2/11 85, 1/4 80, 3/10 75, 2/5 70, 8/15 65, 8/13 60, 4/5 55, 20/21 50, 6/5 45, 6/4 40, 7/4 35, 9/4 30, 3/1 25,
4/1 20, 11/2 15, 9/1 10, 14/1 5
"""
"""Rule 4: the longest odds of each band, as bookmakers print them, and the pence in the pound."""


def rule_4(withdrawn: str) -> int:
    """Pence in the pound for a horse withdrawn at these fractional odds."""
    for band in SCALE.split(","):
        longest, pence = band.split()
        if Fraction(withdrawn) <= Fraction(longest):
            return int(pence)
    return 0


def deducted(winnings: Fraction, withdrawn: list[str]) -> Fraction:
    """What is left of winnings after the deductions, ninety pence in the pound at most."""
    return winnings - winnings * Fraction(min(90, sum(map(rule_4, withdrawn))), 100)


def winnings_to_one(leg: LegOfSlip) -> Fraction:
    """What one unit of stake wins if the leg does: at the price taken, at the starting price, or at the better."""
    offers = []
    if leg["price"] != "SP":
        offers.append(deducted(Fraction(leg["price"]) - 1, leg.get("withdrawn", [])))
    if "start" in leg and (leg["price"] == "SP" or leg.get("best_odds")):
        offers.append(deducted(Fraction(leg["start"]) - 1, leg.get("withdrawn_from_start", [])))
    return max(offers, default=Fraction(0))


def shares(leg: LegOfSlip) -> tuple[str, Fraction, str, Fraction]:
    """The outcome of the win part and of the place part, each with the part of the stake that takes part in it."""
    if "position" in leg:
        first = [leg["position"] + others for others in range(leg.get("tied", 1))]
        win = Fraction(sum(place <= 1 for place in first), len(first))
        placed = Fraction(sum(place <= leg.get("places", 0) for place in first), len(first))
        return ("won" if win else "lost", win, "won" if placed else "lost", placed)
    if leg["result"] == "placed":
        return ("lost", Fraction(0), "won", Fraction(1))
    share = Fraction(leg.get("dead_heat", "1"))
    return (leg["result"], share, leg["result"], share)


def returned(outcome: str, share: Fraction, winnings: Fraction) -> Fraction:
    """What one unit of stake brings back."""
    at_odds = share * (1 + winnings)
    return {
        "won": at_odds,
        "lost": Fraction(0),
        "void": Fraction(1),
        "half won": Fraction(1, 2) * at_odds + Fraction(1, 2),
        "half lost": Fraction(1, 2),
    }[outcome]


def factors(leg: LegOfSlip) -> tuple[Fraction, Fraction]:
    """What the win part and the place part bring back for one unit each."""
    winnings = winnings_to_one(leg)
    win, win_share, place, place_share = shares(leg)
    terms = Fraction(leg.get("each_way", "1"))
    return returned(win, win_share, winnings), returned(place, place_share, winnings * terms)


def choices(slip: Slip) -> Iterator[tuple[int, ...]]:
    """The legs of every line, by position."""
    bankers = [n for n, leg in enumerate(slip["legs"]) if leg.get("banker")]
    others = [n for n, leg in enumerate(slip["legs"]) if not leg.get("banker")]
    for fold in slip["folds"]:
        for chosen in combinations(others, fold):
            yield tuple(sorted([*bankers, *chosen]))


def is_each_way(slip: Slip) -> bool:
    return "each_way" in slip["legs"][0]


def line_count(slip: Slip) -> int:
    return sum(1 for _ in choices(slip)) * (2 if is_each_way(slip) else 1)


def product(factors: list[Fraction]) -> Fraction:
    result = Fraction(1)
    for factor in factors:
        result *= factor
    return result


def returns(slip: Slip, of_legs: list[tuple[Fraction, Fraction]]) -> Fraction:
    """The exact returns of a slip, in minor units, from the factors of its legs."""
    parts = (0, 1) if is_each_way(slip) else (0,)
    lines = [[of_legs[n][part] for n in line] for part in parts for line in choices(slip)]
    return Fraction(slip["stake_minor"], len(lines)) * sum((product(line) for line in lines if all(line)), Fraction(0))


def exact(slip: Slip) -> Fraction:
    return returns(slip, [factors(leg) for leg in slip["legs"]])


def payout(slip: Slip, exactly: Fraction) -> int:
    """Rounded once, half to even, and limited; a limit leaves the stake alone."""
    rounded = round(exactly)
    limit = slip.get("payout_limit_minor")
    return rounded if limit is None else min(rounded, max(limit, slip["stake_minor"]))
