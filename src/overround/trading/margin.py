"""The margin: put into fair probabilities to make prices, taken out of prices to see the probabilities behind them.

Methods: *multiplicative* scales every probability alike; *power* raises each to one exponent, which takes more from
long shots (S. R. Clarke, "Adjusting true odds to allow for vigorish", 2016); *Shin* supposes a share z of bettors who
know the result (H. S. Shin, Economic Journal 103 (1993); the formula is Jullien and Salanié's, 1994).
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


class Method(StrEnum):
    MULTIPLICATIVE = "multiplicative"
    POWER = "power"
    SHIN = "shin"


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
    """Fair probabilities, adding up to one, as the house would offer them: they add up to 1 + overround.

    Shin's way is for reading prices, not for making them. Raises ValueError for it, for an overround outside 0 to
    `MAX_OVERROUND`, and for probabilities that do not add up to one.
    """
    if method is Method.SHIN or not 0.0 <= overround <= MAX_OVERROUND:
        raise ValueError(f"no {method} margin of {overround}")
    if min(probabilities, default=-1.0) < 0.0 or abs(math.fsum(probabilities) - 1.0) > 1e-6:
        raise ValueError(f"not probabilities: {probabilities}")
    if method is Method.MULTIPLICATIVE:
        return tuple(probability * (1.0 + overround) for probability in probabilities)
    whole = 1.0 + overround
    if sum(probability > 0.0 for probability in probabilities) < whole:
        return tuple(probabilities)  # nothing to spread it over: one outcome is certain
    exponent = _solve(lambda k: _power_sum(probabilities, k) - whole, low=0.0, high=1.0)
    return tuple(_power(probability, exponent) for probability in probabilities)


def price_milli(probability: float) -> int:
    """The longest price on the steps that is not longer than 1 / probability; 0, no price, where it is as good as sure.

    Rounding down keeps the margin from shrinking.

    >>> [price_milli(p) for p in (0.5, 0.35, 0.1234, 0.995, 0.9999, 0.0)]
    [2000, 2840, 8000, 1010, 0, 1000000]
    """
    if probability > SURE:
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
    """The probabilities behind a market's prices, adding up to one.

    >>> [round(q, 4) for q in fair([1140, 10000, 19000])]
    [0.8518, 0.0971, 0.0511]
    """
    return REMOVERS[method](implied(prices_milli))


def _multiplicative(shares: tuple[float, ...]) -> tuple[float, ...]:
    whole = math.fsum(shares)
    return tuple(share / whole for share in shares)


def _without_power(shares: tuple[float, ...]) -> tuple[float, ...]:
    exponent = _solve(lambda k: _power_sum(shares, k) - 1.0, low=0.0, high=64.0)
    return _multiplicative(tuple(_power(share, exponent) for share in shares))


def _without_shin(shares: tuple[float, ...]) -> tuple[float, ...]:
    """No insiders can explain a book that adds up to less than one: then the margin comes out in proportion."""
    whole = math.fsum(shares)
    if whole <= 1.0:
        return _multiplicative(shares)

    def behind(insiders: float) -> list[float]:
        known = 4.0 * (1.0 - insiders) / whole
        return [(math.sqrt(insiders**2 + known * share**2) - insiders) / (2.0 * (1.0 - insiders)) for share in shares]

    insiders = _solve(lambda z: math.fsum(behind(z)) - 1.0, low=0.0, high=0.999)
    return _multiplicative(tuple(behind(insiders)))


REMOVERS: Final[dict[Method, Callable[[tuple[float, ...]], tuple[float, ...]]]] = {
    Method.MULTIPLICATIVE: _multiplicative,
    Method.POWER: _without_power,
    Method.SHIN: _without_shin,
}


def _power(share: float, exponent: float) -> float:
    return share**exponent if share > 0.0 else 0.0


def _power_sum(shares: Sequence[float], exponent: float) -> float:
    return math.fsum(_power(share, exponent) for share in shares)


def _solve(falling: Callable[[float], float], *, low: float, high: float) -> float:
    """Where a falling function crosses zero, by bisection: 60 halvings reach the last bit."""
    for _ in range(60):
        middle = (low + high) / 2
        if falling(middle) > 0.0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
