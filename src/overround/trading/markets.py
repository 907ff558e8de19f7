"""From the joint distribution to fair chances: what each selection of each market type meets in each row of the table.

Everything a market pays is a *margin* in quarters of a goal, as on Asian lines, cut at ±2: 2 won, 1 half won, 0 void,
−1 half lost, −2 lost. Half of its size is the share of the stake that was at risk. A selection that simply wins or
loses has margins of 2 and −2 alone. The types' names and the order of their selections are the house's.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np

from overround.trading.goals import Joint, Real, Whole

Margins = tuple[Whole, ...]
"""For each selection of a market, in order, its margin in each row."""


class Kind(StrEnum):
    """A question about the goals of a match, as the house's market types name it."""

    MATCH_RESULT = "1x2"
    DOUBLE_CHANCE = "double_chance"
    DRAW_NO_BET = "draw_no_bet"
    HALF_TIME_RESULT = "half_time_result"
    SECOND_HALF_RESULT = "second_half_result"
    HALF_TIME_FULL_TIME = "half_time_full_time"
    TOTAL = "total"
    ASIAN_TOTAL = "asian_total"
    HALF_TIME_TOTAL = "half_time_total"
    HOME_TOTAL = "home_total"
    AWAY_TOTAL = "away_total"
    HANDICAP = "asian_handicap"
    BOTH_TEAMS_TO_SCORE = "both_teams_to_score"
    ODD_EVEN = "odd_even"
    CORRECT_SCORE = "correct_score"
    NEXT_GOAL = "next_goal"


SCORES: Final = tuple((home, away) for home in range(4) for away in range(4))
"""The scores that a correct-score market lists where it is not told otherwise."""


class Question(NamedTuple):
    """A market of a match. What its kind does not read is None, or the usual list of scores."""

    kind: Kind
    line_quarters: int | None = None
    goal_number: int | None = None
    scores: tuple[tuple[int, int], ...] = SCORES

    @property
    def names(self) -> tuple[str, ...]:
        """The selections' names, for a kind that brings its own."""
        if self.kind is not Kind.CORRECT_SCORE:
            return ()
        return (*(f"{home}-{away}" for home, away in self.scores), "any_other")


MATCH_RESULT: Final = Question(Kind.MATCH_RESULT)


class Chances(NamedTuple):
    """What a selection's stake may meet; the five add up to one."""

    won: float
    half_won: float
    void: float
    half_lost: float
    lost: float

    @property
    def fair(self) -> float:
        """The probability that the stake at risk wins: what is called off, wholly or by half, is not at risk.

        1 / fair is the price at which the bet breaks even, and over a market with one winner it adds up to one. 0.0
        where nothing can be at risk any more.
        """
        wins, loses = self.won + self.half_won / 2, self.lost + self.half_lost / 2
        return wins / (wins + loses) if wins + loses > 0 else 0.0


def chances(table: Joint, question: Question) -> tuple[Chances, ...]:
    """What each selection of a market may meet. Raises ValueError for a question that is no longer open, or unclear."""
    rows = rows_for(table, question)
    return tuple(_sums(rows.probability, margins) for margins in margins_of(rows, question))


def fair_of(table: Joint, question: Question) -> tuple[float, ...]:
    """The fair probability of each selection.

    >>> from overround.trading import Rates, joint
    >>> [round(fair, 4) for fair in fair_of(joint(Rates(1.6, 1.1)), Question(Kind.TOTAL, line_quarters=10))]
    [0.5064, 0.4936]
    """
    return tuple(of.fair for of in chances(table, question))


def rows_for(table: Joint, question: Question) -> Joint:
    """The smallest table that answers a question."""
    if question.kind is Kind.NEXT_GOAL:
        return table.final.ordered(_known(question.goal_number, question))
    return table if question.kind in OF_HALVES else table.final


def margins_of(table: Joint, question: Question) -> Margins:
    """Each selection's margin in each row of a table that knows what the question asks."""
    return RULES[Kind(question.kind)](table, question)


def _sums(probability: Real, margins: Whole) -> Chances:
    sums = np.bincount(2 - margins, weights=probability, minlength=5)
    return Chances(*map(float, sums))


# ------------------------------------------------------------------ rules


def _won(*masks: np.ndarray) -> Margins:
    """Selections that win where their mask is set, and lose elsewhere."""
    return tuple(np.where(mask, 2, -2) for mask in masks)


def _lines(margin: Whole) -> Margins:
    """Two sides of one line; the margin is the first's."""
    cut = np.clip(margin, -2, 2)
    return cut, -cut


def _results(lead: Whole) -> tuple[np.ndarray, ...]:
    return lead > 0, lead == 0, lead < 0


def _match_result(table: Joint, _question: Question) -> Margins:
    return _won(*_results(table.home - table.away))


def _double_chance(table: Joint, _question: Question) -> Margins:
    home, draw, away = _results(table.home - table.away)
    return _won(home | draw, home | away, draw | away)


def _draw_no_bet(table: Joint, _question: Question) -> Margins:
    return _lines(4 * (table.home - table.away))


def _half_time_result(table: Joint, _question: Question) -> Margins:
    return _won(*_results(table.half_home - table.half_away))


def _second_half_result(table: Joint, _question: Question) -> Margins:
    return _won(*_results(table.home - table.half_home - table.away + table.half_away))


def _half_time_full_time(table: Joint, _question: Question) -> Margins:
    breaks = _results(table.half_home - table.half_away)
    ends = _results(table.home - table.away)
    return _won(*(at_break & at_end for at_break in breaks for at_end in ends))


def _over_under(goals: Callable[[Joint], Whole]) -> Callable[[Joint, Question], Margins]:
    def rule(table: Joint, question: Question) -> Margins:
        return _lines(4 * goals(table) - _known(question.line_quarters, question))

    return rule


def _handicap(table: Joint, question: Question) -> Margins:
    """The line is added to home's goals: home giving 0.75 is −3."""
    return _lines(4 * (table.home - table.away) + _known(question.line_quarters, question))


def _both_score(table: Joint, _question: Question) -> Margins:
    both = (table.home > 0) & (table.away > 0)
    return _won(both, ~both)


def _odd_even(table: Joint, _question: Question) -> Margins:
    odd = (table.home + table.away) % 2 == 1
    return _won(odd, ~odd)


def _correct_score(table: Joint, question: Question) -> Margins:
    """Each listed score, then any other."""
    listed = [(table.home == home) & (table.away == away) for home, away in question.scores]
    return _won(*listed, ~np.logical_or.reduce(listed))


def _next_goal(table: Joint, _question: Question) -> Margins:
    if table.scorer is None:
        raise ValueError("the table has no order of goals")
    return _won(table.scorer == 1, table.scorer == 0, table.scorer == 2)


RULES: Final[dict[Kind, Callable[[Joint, Question], Margins]]] = {
    Kind.MATCH_RESULT: _match_result,
    Kind.DOUBLE_CHANCE: _double_chance,
    Kind.DRAW_NO_BET: _draw_no_bet,
    Kind.HALF_TIME_RESULT: _half_time_result,
    Kind.SECOND_HALF_RESULT: _second_half_result,
    Kind.HALF_TIME_FULL_TIME: _half_time_full_time,
    Kind.TOTAL: _over_under(lambda table: table.home + table.away),
    Kind.ASIAN_TOTAL: _over_under(lambda table: table.home + table.away),
    Kind.HALF_TIME_TOTAL: _over_under(lambda table: table.half_home + table.half_away),
    Kind.HOME_TOTAL: _over_under(lambda table: table.home),
    Kind.AWAY_TOTAL: _over_under(lambda table: table.away),
    Kind.HANDICAP: _handicap,
    Kind.BOTH_TEAMS_TO_SCORE: _both_score,
    Kind.ODD_EVEN: _odd_even,
    Kind.CORRECT_SCORE: _correct_score,
    Kind.NEXT_GOAL: _next_goal,
}

OF_HALVES: Final = frozenset(
    {Kind.HALF_TIME_RESULT, Kind.SECOND_HALF_RESULT, Kind.HALF_TIME_FULL_TIME, Kind.HALF_TIME_TOTAL}
)
"""Kinds that ask for the score at half time."""


def _known(number: int | None, question: Question) -> int:
    if number is None:
        raise ValueError(f"a number is missing: {question.kind.value}")
    return number


# ------------------------------------------------------------------ goalscorers


def first_goalscorer(
    table: Joint, *, home: Sequence[float], away: Sequence[float]
) -> tuple[tuple[float, ...], tuple[float, ...], float]:
    """The probability that each player scores the next goal, home's then away's, and that nobody does.

    A player is given by the share of the side's goals that is his; what is missing to one are goals of nobody listed,
    own goals among them. Raises ValueError for shares that are none.
    """
    _check_shares(home)
    _check_shares(away)
    number = table.moment.home + table.moment.away + 1
    of_home, nobody, of_away = fair_of(table, Question(Kind.NEXT_GOAL, goal_number=number))
    return tuple(of_home * share for share in home), tuple(of_away * share for share in away), nobody


def anytime_goalscorer(table: Joint, *, home: Sequence[float], away: Sequence[float]) -> tuple[float, ...]:
    """The probability that each player scores from now on: one less that all of the side's goals are others'."""
    _check_shares(home)
    _check_shares(away)
    ours, theirs = table.final.home - table.moment.home, table.final.away - table.moment.away
    return tuple(
        1.0 - float(table.final.probability @ (1.0 - share) ** goals)
        for shares, goals in ((home, ours), (away, theirs))
        for share in shares
    )


def _check_shares(shares: Sequence[float]) -> None:
    if min(shares, default=0.0) < 0.0 or sum(shares) > 1.0 + 1e-9:
        raise ValueError(f"not shares of a side's goals: {shares}")
