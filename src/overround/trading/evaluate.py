"""How good are forecasts? Each match is forecast from what was known the day before it, then judged by its result.

Scores: the ranked probability score, which knows that a draw lies between home and away (E. S. Epstein, Journal of
Applied Meteorology 8 (1969); for football, Constantinou and Fenton, Journal of Quantitative Analysis in Sports 8
(2012)); the logarithmic loss; and calibration, which is how often things came that were forecast at so much per cent.
Less is better for both scores.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

import msgspec
import numpy as np

from overround.trading.goals import Joint, Real, joint
from overround.trading.markets import MATCH_RESULT, fair_of
from overround.trading.strengths import HALF_LIFE_DAYS, SPREAD, Result, fit_strengths

BINS: Final = 10
LEAST_PROBABILITY: Final = 1e-6
"""What was thought less likely than this is charged as this, so that one surprise is no infinite loss."""

USUAL_RATES: Final = (0.45, 0.26, 0.29)
PRIOR_MATCHES: Final = 20.0
"""The base rates begin as `USUAL_RATES`, which weigh as much as so many matches."""


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """Forecasts of about one size: how many, their mean, and how often they came true with its standard error."""

    forecasts: int
    forecast: float
    came: float
    error: float


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """A forecaster's record. `behind` is its mean RPS less the reference's, on the same matches, with standard error.

    `calibration_error` is the mean distance, over forecasts, between forecast and frequency of their bin.
    """

    name: str
    matches: int
    rps: float
    log_loss: float
    behind: float
    behind_error: float
    calibration_error: float
    bins: tuple[Bin, ...]


def walk_forward(
    results: Sequence[Result],
    *,
    half_life_days: float = HALF_LIFE_DAYS,
    spread: float = SPREAD,
    on_day: Callable[[int], None] = lambda _matches: None,
) -> Iterator[tuple[Result, Joint]]:
    """Each match with its table, from strengths fitted to results before its day; `on_day` hears how many it has."""
    strengths = None
    for day, matches in groupby(sorted(results), key=lambda result: result.day):
        strengths = fit_strengths(results, day=day, half_life_days=half_life_days, spread=spread, start=strengths)
        today = list(matches)
        for match in today:
            yield match, joint(strengths.rates(match.home, match.away), rho=strengths.rho)
        on_day(len(today))


def forecast_of(table: Joint) -> tuple[float, float, float]:
    """The probabilities of home, draw and away."""
    home, draw, away = fair_of(table, MATCH_RESULT)
    return home, draw, away


def base_rates(outcomes: Sequence[int]) -> Real:
    """Forecasts of one who knows nothing but how often home, draw and away came so far."""
    before = np.zeros((len(outcomes), 3))
    before[np.arange(1, len(outcomes)), outcomes[:-1]] = 1.0
    counts = np.cumsum(before, axis=0) + PRIOR_MATCHES * np.array(USUAL_RATES)
    rates: Real = counts / counts.sum(axis=1, keepdims=True)
    return rates


def outcome_of(result: Result) -> int:
    """0 home, 1 draw, 2 away."""
    return 0 if result.home_goals > result.away_goals else 1 if result.home_goals == result.away_goals else 2


def ranked_probability_scores(forecasts: Real, outcomes: Sequence[int]) -> Real:
    """Of each forecast, a row: the squared distances of its running sums from the truth's, over outcomes less one.

    >>> round(float(ranked_probability_scores(np.array([[0.5, 0.25, 0.25]]), [0])[0]), 4)
    0.1562
    """
    truth = np.eye(forecasts.shape[1])[list(outcomes)]
    apart = np.cumsum(forecasts - truth, axis=1)[:, :-1]
    scores: Real = (apart**2).sum(axis=1) / (forecasts.shape[1] - 1)
    return scores


def log_losses(forecasts: Real, outcomes: Sequence[int]) -> Real:
    """Of each forecast: −ln of the probability that it gave to what came."""
    given = forecasts[np.arange(len(outcomes)), list(outcomes)]
    losses: Real = -np.log(np.maximum(given, LEAST_PROBABILITY))
    return losses


def bins_of(forecasts: Real, outcomes: Sequence[int]) -> tuple[Bin, ...]:
    """Home, draw and away together, by tenths of probability. Bins without forecasts are left out."""
    flat = forecasts.ravel()
    came = np.eye(forecasts.shape[1])[list(outcomes)].ravel()
    places = np.minimum((flat * BINS).astype(int), BINS - 1)
    return tuple(_bin(flat[places == place], came[places == place]) for place in sorted(set(places.tolist())))


def _bin(forecasts: Real, came: Real) -> Bin:
    often, many = float(came.mean()), len(came)
    return Bin(
        forecasts=many, forecast=float(forecasts.mean()), came=often, error=math.sqrt(often * (1.0 - often) / many)
    )


def judge(forecasts: Mapping[str, Real], outcomes: Sequence[int], *, reference: str) -> tuple[Score, ...]:
    """Every forecaster's record on the same matches, the best RPS first. `reference` is one of them."""
    against = ranked_probability_scores(forecasts[reference], outcomes)
    scores = [_score(name, rows, outcomes, against) for name, rows in forecasts.items()]
    return tuple(sorted(scores, key=lambda score: score.rps))


def _score(name: str, forecasts: Real, outcomes: Sequence[int], against: Real) -> Score:
    ranked = ranked_probability_scores(forecasts, outcomes)
    behind = ranked - against
    bins = bins_of(forecasts, outcomes)
    return Score(
        name=name,
        matches=len(outcomes),
        rps=float(ranked.mean()),
        log_loss=float(log_losses(forecasts, outcomes).mean()),
        behind=float(behind.mean()),
        behind_error=float(behind.std(ddof=1)) / math.sqrt(len(behind)) if len(behind) > 1 else 0.0,
        calibration_error=sum(each.forecasts * abs(each.came - each.forecast) for each in bins) / forecasts.size,
        bins=bins,
    )
