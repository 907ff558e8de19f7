"""Prices that move with the house's liability: shorter where a win would cost the house, longer where money is missing.

The odds of each selection, p / (1 − p), are multiplied by e to the power of elasticity × loss / scale, the loss cut to
between −1 and 1 scales, and then all of them by one factor that makes the probabilities add up again. So a book in
balance is left as it is, and one-sided money moves it by a bounded amount. Worked numbers: docs/rules/pricing.md.
"""

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from overround.trading.margin import Method, Shares, price_milli, solve, with_margin

MOST_ELASTICITY: Final = 0.3
MOST_APART: Final = 1.5
"""How many times longer or shorter the odds against may become: well within the sanity band."""


class Shade(msgspec.Struct, frozen=True, kw_only=True):
    """How far prices move: by `elasticity` in the logarithm of the odds at a loss of `scale_minor` or more."""

    elasticity: float = 0.15
    scale_minor: int = 100_000

    def __post_init__(self) -> None:
        if not 0.0 <= self.elasticity <= MOST_ELASTICITY or self.scale_minor <= 0:
            raise ValueError(f"no way to move prices: {self}")


def shaded(probabilities: Sequence[float], *, losses_minor: Sequence[int], shade: Shade) -> Shares:
    """Fair probabilities as the house's losses move them; they add up to what they did.

    `losses_minor` are what the house loses if each selection wins, below zero where it gains. Certain and impossible
    selections stay.

    >>> [round(p, 4) for p in shaded((0.5, 0.5), losses_minor=(100_000, -100_000), shade=Shade())]
    [0.5374, 0.4626]
    """
    pulls = [math.exp(shade.elasticity * max(-1.0, min(1.0, loss / shade.scale_minor))) for loss in losses_minor]
    pairs = list(zip(probabilities, pulls, strict=True))
    whole = math.fsum(probabilities)
    common = solve(
        lambda log: whole - math.fsum(_pulled(p, pull * math.exp(log)) for p, pull in pairs), low=-1.0, high=1.0
    )
    return tuple(_pulled(p, pull * math.exp(common)) for p, pull in pairs)


def _pulled(probability: float, factor: float) -> float:
    """A probability whose odds are multiplied."""
    return probability * factor / (1.0 - probability + probability * factor)


def shaded_prices_milli(
    probabilities: Sequence[float],
    *,
    overround: float,
    losses_minor: Sequence[int],
    shade: Shade,
    method: Method = Method.MULTIPLICATIVE,
) -> tuple[int, ...]:
    """Fair probabilities to prices that the house's losses have moved.

    No price is longer than its fair one, whatever is missing on it, nor `MOST_APART` times as long or as short as
    without, by the odds against. Raises ValueError as `with_margin` does.
    """
    plain = with_margin(probabilities, overround=overround, method=method)
    moved = with_margin(
        shaded(probabilities, losses_minor=losses_minor, shade=shade), overround=overround, method=method
    )
    return tuple(
        price_milli(_between(share, max(fair, _longer(before)), _shorter(before)))
        for share, before, fair in zip(moved, plain, probabilities, strict=True)
    )


def _between(share: float, least: float, most: float) -> float:
    return max(least, min(share, most))


def _longer(share: float) -> float:
    return _pulled(share, 1 / MOST_APART) if share < 1.0 else share


def _shorter(share: float) -> float:
    return _pulled(share, MOST_APART) if share < 1.0 else share
