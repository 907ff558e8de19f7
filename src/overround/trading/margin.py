"""The margin: put into fair probabilities to make prices, taken out of prices to see the probabilities behind them.

Methods: *multiplicative* scales every probability alike; *additive* adds the same to each; *power* raises each to one
exponent (Clarke, Kovalchik and Ingram, "Adjusting bookmaker's odds to allow for overround", American Journal of Sports
Science 5 (2017)); *odds ratio* multiplies the odds p / (1 - p) of each by one factor (K. Cheung, "Fixed-odds betting
and traditional odds", 2015); *Shin* supposes a share z of bettors who know the result (H. S. Shin, Economic Journal
103 (1993)). All but the first take more from long shots. Published examples of each: docs/rules/pricing.md.
"""

import math
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final

UNIT: Final = 1_000

STEPS: Final = (
    (1_010, 10),
    (2_000, 20),
    (3_000, 50),
    (4_000, 100),
    (6_000, 200),
    (10_000, 500),
    (20_000, 1_000),
    (30_000, 2_000),
    (50_000, 5_000),
    (100_000, 10_000),
)
"""(from, step) in thousandths: 1.01 to 2 in hundredths, then in steps of 1 to 2 per cent. The exchanges' ladder."""

SHORTEST_MILLI: Final = 1_010
LONGEST_MILLI: Final = 1_000_000
SURE: Final = 1 / 1.005
"""What is likelier than this has no price: the market is as good as decided."""

MAX_OVERROUND: Final = 1.0
Shares = tuple[float, ...]
"""One for each outcome: fair probabilities, or 1 / price."""


class Method(StrEnum):
    MULTIPLICATIVE = "multiplicative"
    ADDITIVE = "additive"
    POWER = "power"
    SHIN = "shin"
    ODDS_RATIO = "odds_ratio"


def overround(prices_milli: Sequence[int]) -> float:
    """By how much the implied probabilities add up to more than one.

    >>> round(overround([1900, 1900]), 4)
    0.0526
    """
    return math.fsum(implied(prices_milli)) - 1.0


def implied(prices_milli: Sequence[int]) -> tuple[float, ...]:
    """1 / price of each. Raises ValueError for a price of 1 or below."""
    if min(prices_milli, default=0) <= UNIT:
        raise ValueError(f"not prices: {prices_milli}")
    return tuple(UNIT / price for price in prices_milli)


# ------------------------------------------------------------------ putting it in


def with_margin(
    probabilities: Sequence[float], *, overround: float, method: Method = Method.MULTIPLICATIVE
) -> tuple[float, ...]:
    """Fair probabilities as the house would offer them. They add up to the number of winners, mostly one, but to two
    for a double chance; what is offered adds up to that times 1 + overround.

    Less than that where a method has nothing left to spread it over, as when one outcome is certain. A share may exceed
    one by the multiplicative, the additive and Shin's method: it has no price. Raises ValueError for an overround
    outside 0 to `MAX_OVERROUND`, for what are no probabilities, and for Shin's method with several winners.
    """
    if not 0.0 <= overround <= MAX_OVERROUND:
        raise ValueError(f"no {method} margin of {overround}")
    winners = round(math.fsum(probabilities))
    if min(probabilities, default=-1.0) < 0.0 or winners < 1 or abs(math.fsum(probabilities) - winners) > 1e-6:
        raise ValueError(f"not probabilities: {probabilities}")
    if method is Method.SHIN and winners > 1:
        raise ValueError(f"no {method} margin where several win: {probabilities}")
    return PUTTERS[method](tuple(probabilities), winners * (1.0 + overround))


def _scaled(probabilities: Shares, whole: float) -> Shares:
    factor = whole / math.fsum(probabilities)
    return tuple(probability * factor for probability in probabilities)


def _with_additive(probabilities: Shares, whole: float) -> Shares:
    """What cannot win gets no part of the margin."""
    more = (whole - math.fsum(probabilities)) / sum(probability > 0.0 for probability in probabilities)
    return tuple(probability + more if probability > 0.0 else 0.0 for probability in probabilities)


def _with_power(probabilities: Shares, whole: float) -> Shares:
    if sum(probability > 0.0 for probability in probabilities) <= whole:
        return probabilities
    exponent = solve(lambda k: _power_sum(probabilities, k) - whole, low=0.0, high=1.0)
    return tuple(_power(probability, exponent) for probability in probabilities)


def _with_odds_ratio(probabilities: Shares, whole: float) -> Shares:
    if sum(probability > 0.0 for probability in probabilities) <= whole:
        return probabilities
    ratio = math.exp(solve(lambda log: math.fsum(_at_ratio(probabilities, math.exp(log))) - whole, low=-50.0, high=0.0))
    return _at_ratio(probabilities, ratio)


def _with_shin(probabilities: Shares, whole: float) -> Shares:
    """Equation 5 of Shin (1993)."""

    def asked(insiders: float) -> Shares:
        roots = [math.sqrt(insiders * share + (1.0 - insiders) * share**2) for share in probabilities]
        return tuple(root * math.fsum(roots) for root in roots)

    return asked(solve(lambda z: whole - math.fsum(asked(z)), low=0.0, high=1.0))


PUTTERS: Final[dict[Method, Callable[[Shares, float], Shares]]] = {
    Method.MULTIPLICATIVE: _scaled,
    Method.ADDITIVE: _with_additive,
    Method.POWER: _with_power,
    Method.SHIN: _with_shin,
    Method.ODDS_RATIO: _with_odds_ratio,
}


def price_milli(probability: float) -> int:
    """The longest price on the steps that is not longer than 1 / probability; 0, no price, for what is as good as sure
    and for what cannot be.

    Rounding down keeps the margin from shrinking.

    >>> [price_milli(p) for p in (0.5, 0.35, 0.1234, 0.995, 0.9999, 1e-9, 0.0)]
    [2000, 2840, 8000, 1010, 0, 1000000, 0]
    """
    if probability > SURE or probability <= 0.0:
        return 0
    exact = UNIT / max(probability, UNIT / LONGEST_MILLI) + 1e-9
    start, step = max((pair for pair in STEPS if pair[0] <= exact), default=STEPS[0])
    return min(LONGEST_MILLI, max(SHORTEST_MILLI, start + int((exact - start) / step) * step))


def prices_milli(
    probabilities: Sequence[float], *, overround: float, method: Method = Method.MULTIPLICATIVE
) -> tuple[int, ...]:
    """Fair probabilities to prices on the steps, with at least this overround while every outcome has a price."""
    return tuple(price_milli(share) for share in with_margin(probabilities, overround=overround, method=method))


# ------------------------------------------------------------------ taking it out


def fair(prices_milli: Sequence[int], method: Method = Method.MULTIPLICATIVE) -> tuple[float, ...]:
    """The probabilities behind a market's prices, adding up to one. Raises ValueError for what are no prices.

    >>> [round(q, 4) for q in fair([1140, 10000, 19000])]
    [0.8518, 0.0971, 0.0511]
    """
    return _scaled(REMOVERS[method](implied(prices_milli)), 1.0)


def _without_additive(shares: Shares) -> Shares:
    """The same off each. Long shots that this would take below nothing are left with nothing, and pay no more of it."""
    off = solve(lambda c: math.fsum(max(0.0, share - c) for share in shares) - 1.0, low=-1.0, high=1.0)
    return tuple(max(0.0, share - off) for share in shares)


def _without_power(shares: Shares) -> Shares:
    exponent = math.exp(solve(lambda log: _power_sum(shares, math.exp(log)) - 1.0, low=-50.0, high=50.0))
    return tuple(_power(share, exponent) for share in shares)


def _without_odds_ratio(shares: Shares) -> Shares:
    ratio = math.exp(solve(lambda log: math.fsum(_at_ratio(shares, math.exp(log))) - 1.0, low=-50.0, high=50.0))
    return _at_ratio(shares, ratio)


def _without_shin(shares: Shares) -> Shares:
    """The share of insiders at which the probabilities behind equation 5 of Shin (1993) add up to one (Jullien and
    Salanié 1994, their fraction turned over so that it holds where all are insiders). No insiders can explain
    a book that adds up to less than one: then the margin comes out in proportion."""
    whole = math.fsum(shares)
    if whole <= 1.0:
        return shares
    squares = [share**2 / whole for share in shares]

    def fair(insiders: float) -> Shares:
        return tuple(2.0 * a / (insiders + math.sqrt(insiders**2 + 4.0 * (1.0 - insiders) * a)) for a in squares)

    return fair(solve(lambda z: math.fsum(fair(z)) - 1.0, low=0.0, high=1.0))


REMOVERS: Final[dict[Method, Callable[[Shares], Shares]]] = {
    Method.MULTIPLICATIVE: lambda shares: shares,
    Method.ADDITIVE: _without_additive,
    Method.POWER: _without_power,
    Method.SHIN: _without_shin,
    Method.ODDS_RATIO: _without_odds_ratio,
}


def _power(share: float, exponent: float) -> float:
    return share**exponent if share > 0.0 else 0.0


def _power_sum(shares: Shares, exponent: float) -> float:
    return math.fsum(_power(share, exponent) for share in shares)


def _at_ratio(shares: Shares, ratio: float) -> Shares:
    """Each share's odds, share / (1 - share), divided by the ratio."""
    return tuple(share / (ratio * (1.0 - share) + share) if share > 0.0 else 0.0 for share in shares)


def solve(falling: Callable[[float], float], *, low: float, high: float) -> float:
    """Where a falling function crosses zero, or the end that is nearer: 70 halvings reach the last bit."""
    for _ in range(70):
        middle = (low + high) / 2
        if falling(middle) > 0.0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
