"""The sanity band: is this price a palpable error? Asked before a price is published.

Prices are compared by their odds against, price − 1, as ratios: 1.05 and 1.20 are four times apart, 100 and 150 not
much more than once and a half, which is how wrong they are.
"""

from collections.abc import Sequence
from enum import StrEnum
from statistics import median
from typing import Final, NamedTuple

from overround.trading.margin import UNIT

TOLERANCE: Final = 2.0
"""How many times the model's odds against a price may be, or the other way round, where nobody says otherwise."""

FEWEST_SOURCES: Final = 2
"""One other source alone may be the one that errs."""

LEAST_BOOK: Final = 0.98
"""The implied probabilities of a market with one winner add up to at least this: less is money given away."""

MOST_BOOK: Final = 1.6


class Verdict(StrEnum):
    """What a price looks like, in the order in which it is asked."""

    SANE = "sane"
    NOT_A_PRICE = "not_a_price"
    LONGER_THAN_MODEL = "longer_than_model"
    SHORTER_THAN_MODEL = "shorter_than_model"
    LONGER_THAN_SOURCES = "longer_than_sources"
    SHORTER_THAN_SOURCES = "shorter_than_sources"
    BOOK_TOO_SMALL = "book_too_small"
    BOOK_TOO_LARGE = "book_too_large"
    CONTRADICTED = "contradicted"


class Finding(NamedTuple):
    """A verdict with its reason in words; `selection` counts from 1, and is 0 where the whole market is meant."""

    verdict: Verdict
    reason: str = ""
    selection: int = 0

    @property
    def is_sane(self) -> bool:
        return self.verdict is Verdict.SANE


SANE: Final = Finding(Verdict.SANE)


def within_band(
    price_milli: int, *, model_milli: int, others_milli: Sequence[int] = (), tolerance: float = TOLERANCE
) -> Finding:
    """Whether a price is near the model's, and near the median of other sources where there are two or more.

    All of them with their margins. `model_milli` of 0 means that the model has none, and is not asked. Raises
    ValueError for a tolerance below 1.

    >>> within_band(21_000, model_milli=2_150).reason
    '21.00 against 2.15 of the model'
    """
    if not tolerance >= 1.0:
        raise ValueError(f"no tolerance: {tolerance}")
    if price_milli <= UNIT:
        return Finding(Verdict.NOT_A_PRICE, f"{price_milli / UNIT:.3f}")
    sources = median(others_milli) if len(others_milli) >= FEWEST_SOURCES else 0
    for other, name, longer, shorter in (
        (model_milli, "the model", Verdict.LONGER_THAN_MODEL, Verdict.SHORTER_THAN_MODEL),
        (sources, "other sources", Verdict.LONGER_THAN_SOURCES, Verdict.SHORTER_THAN_SOURCES),
    ):
        apart = (price_milli - UNIT) / (other - UNIT) if other > UNIT else 1.0
        if not 1.0 / tolerance <= apart <= tolerance:
            reason = f"{price_milli / UNIT:.2f} against {other / UNIT:.2f} of {name}"
            return Finding(longer if apart > 1.0 else shorter, reason)
    return SANE


def market_within_band(
    prices_milli: Sequence[int], *, model_milli: Sequence[int], winners: int = 1, tolerance: float = TOLERANCE
) -> Finding:
    """The first selection that is out of the band, or what is wrong with the book; a price of 0 is none and is let be.

    `model_milli` are the model's prices, in the same order, and `winners` how many selections win.
    """
    for number, (price, model) in enumerate(zip(prices_milli, model_milli, strict=True), 1):
        found = within_band(price, model_milli=model, tolerance=tolerance) if price else SANE
        if not found.is_sane:
            return found._replace(selection=number)
    if not all(prices_milli):
        return SANE
    book = sum(UNIT / price for price in prices_milli) / winners
    if not LEAST_BOOK <= book <= MOST_BOOK:
        verdict = Verdict.BOOK_TOO_SMALL if book < LEAST_BOOK else Verdict.BOOK_TOO_LARGE
        return Finding(verdict, f"the market adds up to {book:.1%}")
    return SANE
