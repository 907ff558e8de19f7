"""Exposure owns what a position on an exchange market may lose, and what an outcome makes of it.

Invariants: the worst case is exact over all outcomes, in whole units of risk; matching an order at its price or better
never raises it; money is rounded once, at the end, and never in a customer's favour.
"""

from overround.book.exposure.rules import (
    add,
    add_matched,
    add_unmatched,
    asian_state,
    at_start,
    cell_of,
    line_state,
    matched,
    matched_in_all,
    needed_minor,
    net_minor,
    worst,
)
from overround.book.exposure.types import Cells, Game, Position, Shape, Side

__all__ = [
    "Cells",
    "Game",
    "Position",
    "Shape",
    "Side",
    "add",
    "add_matched",
    "add_unmatched",
    "asian_state",
    "at_start",
    "cell_of",
    "line_state",
    "matched",
    "matched_in_all",
    "needed_minor",
    "net_minor",
    "worst",
]
