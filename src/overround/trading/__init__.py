"""Models of odds: goals, fair probabilities, margins, bet builders, and what they make the house expect.

Pure numerics; floats live and end here, and what leaves for the house is integer prices in thousandths. One table of
how a match's goals may fall (`joint`) prices every market of it, before the match and during it, so that no two prices
of a match contradict each other. Worked numbers: docs/rules/pricing.md.
"""

from overround.trading.band import SANE, Finding, Verdict, market_within_band, within_band
from overround.trading.builder import Builder, Leg, NoBuilder, builder_price_milli, builder_probability
from overround.trading.clock import FULL_TIME_MINUTES, HALF_TIME_MINUTES, goals_before, goals_left, minute_of
from overround.trading.fit import fit_joint, fit_rates, goals_for
from overround.trading.goals import KICK_OFF, Joint, Moment, Rates, joint
from overround.trading.hold import Hold, Position, compare, surplus_minor, variance
from overround.trading.margin import Method, fair, implied, overround, price_milli, prices_milli, with_margin
from overround.trading.markets import (
    MATCH_RESULT,
    Chances,
    Kind,
    Question,
    anytime_goalscorer,
    chances,
    fair_of,
    first_goalscorer,
)
from overround.trading.shade import Shade, shaded, shaded_prices_milli
from overround.trading.strengths import Result, Strengths, fit_strengths

__all__ = [
    "FULL_TIME_MINUTES",
    "HALF_TIME_MINUTES",
    "KICK_OFF",
    "MATCH_RESULT",
    "SANE",
    "Builder",
    "Chances",
    "Finding",
    "Hold",
    "Joint",
    "Kind",
    "Leg",
    "Method",
    "Moment",
    "NoBuilder",
    "Position",
    "Question",
    "Rates",
    "Result",
    "Shade",
    "Strengths",
    "Verdict",
    "anytime_goalscorer",
    "builder_price_milli",
    "builder_probability",
    "chances",
    "compare",
    "fair",
    "fair_of",
    "first_goalscorer",
    "fit_joint",
    "fit_rates",
    "fit_strengths",
    "goals_before",
    "goals_for",
    "goals_left",
    "implied",
    "joint",
    "market_within_band",
    "minute_of",
    "overround",
    "price_milli",
    "prices_milli",
    "shaded",
    "shaded_prices_milli",
    "surplus_minor",
    "variance",
    "with_margin",
    "within_band",
]
