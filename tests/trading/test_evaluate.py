"""Scores of forecasts: published examples, a forecaster who knows, and a walk through the recorded season."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trading.test_strengths import TRUTH, league

from overround.apps import calibration
from overround.feeds.football_csv import read
from overround.kernel.instant import DAY_US
from overround.trading import MATCH_RESULT, Method, Result, fair, fair_of, joint
from overround.trading.evaluate import (
    base_rates,
    bins_of,
    forecast_of,
    judge,
    log_losses,
    outcome_of,
    ranked_probability_scores,
    walk_forward,
)

SEASON = Path(__file__).resolve().parents[3] / "shared/data/football/odds_mit/E0_2019-2020.csv"


@pytest.mark.parametrize(
    ("forecast", "outcome", "score"),
    [
        ([1, 0, 0], 0, 0.0),
        ([0.9, 0.1, 0], 0, 0.005),
        ([0.8, 0.1, 0.1], 0, 0.025),
        ([0.5, 0.25, 0.25], 0, 0.1562),
        ([0.35, 0.3, 0.35], 1, 0.1225),
        ([0.6, 0.3, 0.1], 1, 0.185),
        ([0.6, 0.25, 0.15], 0, 0.0913),
        ([0.6, 0.15, 0.25], 0, 0.1113),
        ([0.57, 0.33, 0.1], 0, 0.0975),
        ([0.6, 0.2, 0.2], 0, 0.1),
    ],
)
def test_the_ranked_probability_score_is_the_published_one(forecast: list[float], outcome: int, score: float) -> None:
    """Constantinou and Fenton's examples (2012), with the values that penaltyblog's README prints."""
    found = ranked_probability_scores(np.array([forecast], dtype=float), [outcome])[0]
    assert math.isclose(found, score, abs_tol=5.1e-5)


@given(
    st.lists(st.tuples(st.floats(0.01, 1), st.floats(0.01, 1), st.floats(0.01, 1)), min_size=3, max_size=30), st.data()
)
def test_calibration_bins_hold_every_forecast_once(raw: list[tuple[float, float, float]], data: st.DataObject) -> None:
    forecasts = np.array(raw) / np.array(raw).sum(axis=1, keepdims=True)
    outcomes = [data.draw(st.integers(0, 2)) for _ in raw]
    bins = bins_of(forecasts, outcomes)
    assert sum(each.forecasts for each in bins) == 3 * len(raw)
    assert math.isclose(sum(each.forecasts * each.came for each in bins), len(raw))
    assert math.isclose(sum(each.forecasts * each.forecast for each in bins), len(raw))


def test_who_knows_the_truth_beats_the_model_and_the_model_who_knows_nothing() -> None:
    """A drawn league: the truth is at hand, so the order of the three is known."""
    walked = list(walk_forward(league(2), half_life_days=1e6))[60:]
    outcomes = [outcome_of(result) for result, _ in walked]
    truth = np.array([forecast_of(joint(TRUTH.rates(result.home, result.away))) for result, _ in walked])
    said = {
        "truth": truth,
        "model": np.array([forecast_of(table) for _, table in walked]),
        "base": base_rates(outcomes),
    }
    best, middle, worst = judge(said, outcomes, reference="truth")
    assert (best.name, middle.name, worst.name) == ("truth", "model", "base")
    assert best.behind == 0.0
    assert 0.0 < middle.behind < worst.behind
    assert best.log_loss < middle.log_loss < worst.log_loss


def test_a_forecast_knows_nothing_of_its_own_day() -> None:
    results = [result for result in league(1) if result.day <= 112]
    whole = {result: forecast_of(table) for result, table in walk_forward(results)}
    other = [result._replace(home_goals=9) if result.day >= 98 else result for result in results]
    again = {result._replace(home_goals=0): forecast_of(table) for result, table in walk_forward(other)}
    for result, forecast in whole.items():
        if result.day <= 98:
            assert forecast == pytest.approx(again[result._replace(home_goals=0)], abs=1e-6)


def test_the_plot_has_a_point_for_every_bin() -> None:
    outcomes = [0, 1, 2, 0] * 10
    scores = judge({"base <rates>": base_rates(outcomes)}, outcomes, reference="base <rates>")
    drawn = calibration.draw(scores, title="said & come")
    assert drawn.count("<circle") == len(scores[0].bins) + 1
    assert "base &lt;rates&gt;" in drawn
    assert drawn.startswith("<svg")
    assert drawn.endswith("</svg>\n")


@pytest.mark.skipif(not SEASON.is_file(), reason="recorded season absent")
def test_the_recorded_season_closing_odds_win_and_the_model_is_better_than_nothing() -> None:
    matches = sorted(read(SEASON.read_bytes(), bookmaker="PS").matches, key=lambda match: match.starts_at_us)[:200]
    results = [
        Result(match.starts_at_us // DAY_US, match.home, match.away, match.home_goals, match.away_goals)
        for match in matches
    ]
    closing = {
        (result.home, result.away): offer.closing.prices_milli
        for result, match in zip(results, matches, strict=True)
        for offer in match.offers
        if offer.kind == "1x2" and offer.closing
    }
    walked = list(walk_forward(results))
    outcomes = [outcome_of(result) for result, _ in walked]
    odds = np.array([fair(closing[result.home, result.away], Method.SHIN) for result, _ in walked])
    model = np.array([fair_of(table, MATCH_RESULT) for _, table in walked])
    scores = {"odds": odds[80:], "model": model[80:], "base": base_rates(outcomes)[80:]}
    found = {score.name: score for score in judge(scores, outcomes[80:], reference="odds")}
    assert found["odds"].rps < found["model"].rps < found["base"].rps
    assert log_losses(odds, outcomes).mean() < 1.05
