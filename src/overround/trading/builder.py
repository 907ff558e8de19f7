"""A bet builder: selections of one match as one bet, priced from the joint distribution and never as a product.

Home to win and over 2.5 go together, so their product is too long a price; home to win and the draw can never both
come. The table knows, as each row of it either wins all legs or does not.
"""

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np

from overround.trading.goals import Joint
from overround.trading.margin import MAX_OVERROUND, price_milli
from overround.trading.markets import Chances, Kind, Question, margins_of

MAX_LEGS: Final = 12


class Leg(NamedTuple):
    """A selection of a market; selections count from 1, in the order of the market type."""

    question: Question
    selection: int


class NoBuilder(StrEnum):
    """Why selections make no bet builder, in the order in which it is asked."""

    NO_LEGS = "no_legs"
    TOO_MANY_LEGS = "too_many_legs"
    GOALS_DIFFER = "goals_differ"
    NO_ANSWER = "no_answer"
    NO_SELECTION = "no_selection"
    QUARTER_LINE = "quarter_line"
    NEVER = "never"


class Builder(NamedTuple):
    """The chances of the bet as one, and of the legs as if they had nothing to do with each other."""

    chances: Chances
    product: float

    @property
    def fair(self) -> float:
        """The probability that the stake at risk wins."""
        return self.chances.fair


def builder_probability(table: Joint, legs: Sequence[Leg]) -> Builder | NoBuilder:
    """The bet loses with any leg; it is void where no leg loses and one is void; otherwise it wins.

    Legs on the order of goals must ask for the same goal. What the match does not answer (a line that is not there, a
    goal that has fallen) is no leg of a builder, nor is a quarter line, which may win by half; and no builder is what
    cannot all win.
    """
    if not legs:
        return NoBuilder.NO_LEGS
    if len(legs) > MAX_LEGS:
        return NoBuilder.TOO_MANY_LEGS
    numbers = {leg.question.goal_number for leg in legs if leg.question.kind is Kind.NEXT_GOAL}
    if len(numbers) > 1 or None in numbers:
        return NoBuilder.GOALS_DIFFER
    try:
        rows = table.ordered(number) if (number := next(iter(numbers), None)) else table
        sides = [margins_of(rows, leg.question) for leg in legs]
    except ValueError:
        return NoBuilder.NO_ANSWER
    if any(not 0 < leg.selection <= len(each) for leg, each in zip(legs, sides, strict=True)):
        return NoBuilder.NO_SELECTION
    margins = [each[leg.selection - 1] for leg, each in zip(legs, sides, strict=True)]
    if any((abs(margin) == 1).any() for margin in margins):
        return NoBuilder.QUARTER_LINE
    worst = np.minimum.reduce(margins)
    won, void, lost = (float(rows.probability[worst == margin].sum()) for margin in (2, 0, -2))
    if won == 0.0:
        return NoBuilder.NEVER
    alone = [_fair(rows, margin) for margin in margins]
    return Builder(Chances(won, 0.0, void, 0.0, lost), math.prod(alone))


def builder_price_milli(found: Builder, *, legs: int, overround: float) -> int:
    """The price of a bet builder: its fair probability, times 1 + overround once a leg, as a multiple would bear.

    0, no price, where that is as good as sure. Raises ValueError for an overround outside 0 to `MAX_OVERROUND`.
    """
    if not 0.0 <= overround <= MAX_OVERROUND:
        raise ValueError(f"no margin of {overround}")
    return price_milli(found.fair * (1.0 + overround) ** legs)


def _fair(rows: Joint, margins: np.ndarray) -> float:
    won, lost = (float(rows.probability[margins == margin].sum()) for margin in (2, -2))
    return won / (won + lost) if won + lost > 0.0 else 0.0
