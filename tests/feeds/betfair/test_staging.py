"""How our market follows the life of a recorded one: what is asked of the house at each definition, in its order."""

from typing import Any

import pytest
from tests.feeds.betfair.words import BLUE, GREY, RED, definition, statuses

from overround.book.exchange import (
    Betting,
    MarketTerms,
    NumberResult,
    RunnersResult,
    RunnerTerms,
    Share,
    VoidResult,
    terms_refusal,
)
from overround.book.machine.exchange_commands import RecordExchangeResult
from overround.feeds.betfair.recording import Definition, RunnerNamed
from overround.feeds.betfair.staging import Stage, Unplayable, follow, outline, result_of, runners_of, terms_of
from overround.kernel.ladder import Ladder, LadderKind

PLACES = {(RED, 0): 0, (BLUE, 0): 1, (GREY, 0): 2}


def cues(stage: Stage, **more: Any) -> list[str]:
    """What is asked at a definition, by name."""
    return [type(cue).__name__ for cue in follow(stage, definition(**more), delay_by=1.0)]


def test_a_race_from_its_opening_to_its_result() -> None:
    stage = Stage(1, True, True, PLACES)
    assert cues(stage) == ["OpenExchangeMarket"]
    assert cues(stage) == []
    assert cues(stage, status="SUSPENDED") == ["SuspendExchangeMarket"]
    off = cues(stage, status="OPEN", in_play=True, bsp_reconciled=True, bet_delay=1)
    assert off == ["OpenExchangeMarket", "Start", "TurnInPlay", "Lapsed", "OpenExchangeMarket"]
    assert cues(stage, in_play=True, bet_delay=5) == ["ChangeBetDelay"]
    won = statuses("WINNER", "LOSER", "LOSER")
    assert cues(stage, status="CLOSED", in_play=True, runners=won) == ["RecordExchangeResult", "Lapsed"]
    assert cues(stage, status="CLOSED", in_play=True, runners=won) == []
    other = statuses("LOSER", "WINNER", "LOSER")
    assert cues(stage, status="CLOSED", in_play=True, runners=other) == ["RecordExchangeResult"]


def test_the_off_of_a_market_that_stays_before_it() -> None:
    stage = Stage(1, True, False, PLACES, status="OPEN")
    assert cues(stage, status="SUSPENDED", bsp_reconciled=True) == ["Start", "ReconcileStart", "Lapsed"]


def test_a_runner_that_is_out_leaves_once() -> None:
    stage = Stage(1, True, True, PLACES, status="OPEN")
    out = statuses("ACTIVE", "REMOVED", "ACTIVE")
    assert cues(stage, runners=out) == ["RemoveRunner", "Removed"]
    assert cues(stage, runners=out) == []
    assert not stage.has((BLUE, 0))


def test_a_runner_that_is_back_is_back_once() -> None:
    stage = Stage(1, True, True, PLACES, status="OPEN")
    assert cues(stage, runners=statuses("ACTIVE", "REMOVED", "ACTIVE")) == ["RemoveRunner", "Removed"]
    back = statuses("ACTIVE", "ACTIVE", "ACTIVE")
    assert (cues(stage, runners=back), cues(stage, runners=back)) == (["ReinstateRunner"], [])
    assert stage.has((BLUE, 0))
    assert cues(stage, runners=statuses("ACTIVE", "REMOVED", "ACTIVE")) == ["RemoveRunner", "Removed"]


def test_a_start_that_is_moved_is_moved_here() -> None:
    stage = Stage(1, True, True, PLACES, "2024-07-12T11:15:00.000Z", status="OPEN")
    same = {"market_time": "2024-07-12T11:15:00.000Z", "open_date": "2024-07-12T11:00:00.000Z"}
    assert cues(stage, **same) == []
    assert cues(stage, **{**same, "market_time": "2024-07-13T11:15:00.000Z"}) == ["Moved"]
    assert cues(stage, market_time=stage.starts, open_date="2024-07-13T11:00:00.000Z") == ["EventMoved"]
    assert outline([definition(**same), definition(market_time="x"), definition(in_play=True)]).starts == "x"


@pytest.mark.parametrize(
    ("words", "result"),
    [
        (("WINNER", "LOSER", "LOSER"), RunnersResult((Share(0),))),
        (("WINNER", "WINNER", "LOSER"), RunnersResult((Share(0, 1, 2), Share(1, 1, 2)))),
        (("LOSER", "LOSER", "LOSER"), VoidResult("no winner was recorded")),
    ],
)
def test_results(words: tuple[str, str, str], result: Any) -> None:
    stage = Stage(1, True, True, PLACES, status="OPEN")
    closed = definition(status="CLOSED", runners=statuses(*words))
    asked = next(iter(follow(stage, closed, delay_by=1.0)))
    assert isinstance(asked, RecordExchangeResult)
    assert asked.result == result


def test_the_goals_of_a_handicap_follow_from_who_won() -> None:
    lines = [(-0.5, "WINNER"), (0.5, "LOSER"), (-1.5, "LOSER"), (1.5, "WINNER")]
    runners = tuple(RunnerNamed(id=RED + at % 2, hc=hc, status=word) for at, (hc, word) in enumerate(lines))
    asian = definition(betting_type="ASIAN_HANDICAP_DOUBLE_LINE", bsp_market=False, runners=runners)
    assert len(runners_of(outline([asian]))) == 4
    assert result_of(Stage(1, False, False, {}), asian) == NumberResult(1)


def test_single_lines_win_each_by_itself() -> None:
    lines = [(-1.0, "WINNER"), (-2.0, "LOSER"), (-3.0, "LOSER")]
    runners = tuple(RunnerNamed(id=RED + at, hc=hc, status=word) for at, (hc, word) in enumerate(lines))
    goals = definition(
        betting_type="ASIAN_HANDICAP_SINGLE_LINE", bsp_market=False, number_of_winners=0, runners=runners
    )
    terms, made = terms_for(goals)
    assert (terms.betting, [runner.handicap_quarters for runner in made]) == (Betting.SINGLE, [-4, -8, -12])
    assert terms_refusal(terms, made) is None
    places = {(runner.selection_id, runner.handicap_quarters): place for place, runner in enumerate(made)}
    assert result_of(Stage(1, False, False, places), goals) == RunnersResult((Share(0),))


def test_the_number_of_a_line_market_is_the_last_line() -> None:
    units = {"line_min_unit": 0.5, "line_max_unit": 400.5, "line_interval": 1.0}
    runs = definition(betting_type="LINE", bsp_market=False, runners=(RunnerNamed(id=RED),), **units)
    terms, made = terms_for(runs)
    assert (terms.betting, terms.ladder) == (Betting.LINE, Ladder(LadderKind.LINE_RANGE, 500, 400_500, 1_000))
    assert terms_refusal(terms, made) is None
    assert result_of(Stage(1, False, False, {}, last_milli=142_500), runs) == NumberResult(142_500)
    assert result_of(Stage(1, False, False, {}), runs) == VoidResult("no line was traded")


def terms_for(recorded: Definition) -> tuple[MarketTerms, tuple[RunnerTerms, ...]]:
    seen = outline([recorded])
    return terms_of(seen, currency="GBP", starts_at_us=0, delay_by=1.0, crossing=True), runners_of(seen)


def test_kinds_that_our_exchange_does_not_have_are_left_out() -> None:
    ranged = outline([definition(betting_type="RANGE")])
    with pytest.raises(Unplayable, match="RANGE"):
        terms_of(ranged, currency="GBP", starts_at_us=0, delay_by=1.0, crossing=True)
