"""From recorded matches to records of forecasters: the model walked forward, closing odds, base rates, and halves."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from overround.feeds.football_csv import Match
from overround.kernel.instant import DAY_US
from overround.trading import (
    MATCH_RESULT,
    Kind,
    Method,
    Moment,
    Question,
    Rates,
    Result,
    fair,
    fair_of,
    fit_rates,
    joint,
)
from overround.trading.evaluate import Score, base_rates, forecast_of, judge, outcome_of, walk_forward
from overround.trading.goals import Real

MODEL: Final = "model"
BASE: Final = "base rates"
ALL: Final = "all"
ODDS: Final = {method: f"closing odds, {method.value}" for method in Method}
AT_THE_BREAK: Final = Moment(45.0)


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What an evaluation found: by league, and by question about halves, the records of all forecasters, best first."""

    files: tuple[str, ...]
    bookmaker: str
    half_life_days: float
    spread: float
    burn_in: int
    notes: dict[str, int]
    leagues: dict[str, tuple[Score, ...]]
    halves: dict[str, tuple[Score, ...]]


def by_league(
    matches: Sequence[Match],
    *,
    burn_in: int,
    half_life_days: float,
    spread: float,
    on_matches: Callable[[int], None] = lambda _many: None,
) -> dict[str, tuple[Score, ...]]:
    """Each league's records on home, draw and away, and, where there are several, `ALL` of them together."""
    played: dict[str, list[Match]] = {}
    for match in matches:
        played.setdefault(match.division, []).append(match)
    leagues: dict[str, tuple[Score, ...]] = {}
    outcomes: list[int] = []
    forecasts: dict[str, list[Real]] = {}
    for league, of_league in sorted(played.items()):
        ordered = sorted(of_league, key=result_of)
        walk = walk_forward(
            [result_of(match) for match in ordered], half_life_days=half_life_days, spread=spread, on_day=on_matches
        )
        came, said = _judged(ordered, [forecast_of(table) for _, table in walk], burn_in)
        if came:
            leagues[league] = judge(said, came, reference=reference(said))
            outcomes += came
            for name, rows in said.items():
                forecasts.setdefault(name, []).append(rows)
    if len(leagues) > 1:
        whole = {name: np.concatenate(rows) for name, rows in forecasts.items()}
        everywhere = {name: rows for name, rows in whole.items() if len(rows) == len(outcomes)}
        leagues[ALL] = judge(everywhere, outcomes, reference=reference(everywhere))
    return leagues


def _judged(
    matches: Sequence[Match], model: Sequence[tuple[float, float, float]], burn_in: int
) -> tuple[list[int], dict[str, Real]]:
    """(outcomes, forecasts by forecaster) of all but the first matches; with odds, of those that have closing ones."""
    closing = [_closing(match, "1x2") for match in matches]
    has_odds = any(closing)
    judged = [number for number in range(burn_in, len(matches)) if closing[number] or not has_odds]
    if not judged:
        return [], {}
    outcomes = [outcome_of(result_of(match)) for match in matches]
    said = {MODEL: np.array(model)[judged], BASE: base_rates(outcomes)[judged]}
    if has_odds:
        for method, name in ODDS.items():
            said[name] = np.array([fair(closing[number], method) for number in judged])
    return [outcomes[number] for number in judged], said


def reference(names: Iterable[str]) -> str:
    """Whom others are compared with: the usual reading of the closing odds, where there are any."""
    usual = ODDS[Method.MULTIPLICATIVE]
    return usual if usual in tuple(names) else BASE


def plotted(leagues: Mapping[str, tuple[Score, ...]]) -> list[Score]:
    """The model, the usual reading of the closing odds and one that knows long shots: more lines hide each other."""
    scores = {score.name: score for score in leagues.get(ALL) or next(iter(leagues.values()))}
    wanted = (MODEL, ODDS[Method.MULTIPLICATIVE], ODDS[Method.SHIN]) if len(scores) > 2 else (MODEL, BASE)
    return [scores[name] for name in wanted]


def _closing(match: Match, kind: str) -> tuple[int, ...]:
    return next((offer.closing.prices_milli for offer in match.offers if offer.kind == kind and offer.closing), ())


def result_of(match: Match) -> Result:
    """What the fit knows of a match."""
    return Result(match.starts_at_us // DAY_US, match.home, match.away, match.home_goals, match.away_goals)


# ------------------------------------------------------------------ the halves


def of_halves(matches: Sequence[Match]) -> dict[str, tuple[Score, ...]]:
    """How the model reads halves out of full-time odds: rates fitted to each match's closing 1X2 and total.

    Before the match, the result at half time; at the break, given the score, the result at full time. Base rates are of
    one who counts how often each came so far, at the break after which lead. Empty where files have no such odds or no
    scores at half time.
    """
    known = [
        (match, match.half_time, rates)
        for match in sorted(matches, key=result_of)
        if match.half_time is not None and (rates := _rates(match)) is not None
    ]
    if not known:
        return {}
    breaks = [outcome_of(Result(0, "", "", *half)) for _, half, _ in known]
    ends = [outcome_of(result_of(match)) for match, _, _ in known]
    first = np.array([fair_of(joint(rates), Question(Kind.HALF_TIME_RESULT)) for _, _, rates in known])
    last = np.array(
        [
            fair_of(joint(rates, moment=AT_THE_BREAK._replace(home=half[0], away=half[1])), MATCH_RESULT)
            for _, half, rates in known
        ]
    )
    leads = [max(-2, min(2, half[0] - half[1])) for _, half, _ in known]
    return {
        "half-time result, before the match": judge({MODEL: first, BASE: base_rates(breaks)}, breaks, reference=BASE),
        "full-time result, at half time": judge({MODEL: last, BASE: _by_lead(leads, ends)}, ends, reference=BASE),
    }


def _rates(match: Match) -> Rates | None:
    result, total = _closing(match, "1x2"), _closing(match, "total")
    if not result or not total:
        return None
    home, draw, away = fair(result, Method.SHIN)
    return fit_rates((home, draw, away), over_two_and_a_half=fair(total, Method.SHIN)[0])


def _by_lead(leads: Sequence[int], outcomes: Sequence[int]) -> Real:
    """Base rates of their own for each lead at the break."""
    rates = np.zeros((len(leads), 3))
    for lead in sorted(set(leads)):
        rows = [number for number, each in enumerate(leads) if each == lead]
        rates[rows] = base_rates([outcomes[number] for number in rows])
    return rates
