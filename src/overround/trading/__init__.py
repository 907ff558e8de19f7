"""Models of odds: goals, fair probabilities, margins, and what they make the house expect. Floats live and end here.

Pure numerics on the standard library; what leaves for the house is integer prices in thousandths. Worked numbers:
docs/rules/pricing.md.
"""

from overround.trading.fit import fit_grid, fit_rates, goals_for
from overround.trading.goals import FULL_TIME_MINUTES, Cell, Grid, Rates, score_grid
from overround.trading.hold import Hold, Kind, Position, compare, risked_and_won, surplus_minor, variance
from overround.trading.margin import Method, fair, implied, overround, price_milli, prices_milli, with_margin
from overround.trading.markets import Chances, at_risk, handicap, match_result, total

__all__ = [
    "FULL_TIME_MINUTES",
    "Cell",
    "Chances",
    "Grid",
    "Hold",
    "Kind",
    "Method",
    "Position",
    "Rates",
    "at_risk",
    "compare",
    "fair",
    "fit_grid",
    "fit_rates",
    "goals_for",
    "handicap",
    "implied",
    "match_result",
    "overround",
    "price_milli",
    "prices_milli",
    "risked_and_won",
    "score_grid",
    "surplus_minor",
    "total",
    "variance",
    "with_margin",
]
