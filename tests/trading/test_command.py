"""`overround pricing` at the counter: a drawn league on disk, its matches priced, and its forecasts judged."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.trading.test_strengths import SIDES, league

from overround.apps.pricing import command
from overround.kernel.instant import DAY_US, text
from overround.trading import Method

HEADER = "Date,HomeTeam,AwayTeam,FTHG,FTAG,PSCH,PSCD,PSCA"


@pytest.fixture
def season(tmp_path: Path) -> Path:
    """A season whose closing odds are the same for every match."""
    file = tmp_path / "season.csv"
    rows = [
        f"{text(each.day * DAY_US)[:10]},{each.home},{each.away},{each.home_goals},{each.away_goals},2.1,3.4,3.6"
        for each in league(1)
    ]
    file.write_text("\n".join([HEADER, *rows]) + "\n")
    return file


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(each) for each in arguments])


def test_forecasts_are_judged_and_drawn(season: Path, tmp_path: Path) -> None:
    plot = tmp_path / "calibration.svg"
    done = run("evaluate", season, "--burn-in", 60, "--json", "--plot", plot)
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    scores = report["leagues"]["no division"]
    names = {score["name"] for score in scores}
    assert names == {"model", "base rates", *(f"closing odds, {method.value}" for method in Method)}
    assert {score["matches"] for score in scores} == {len(league(1)) - 60}
    assert [score["rps"] for score in scores] == sorted(score["rps"] for score in scores)
    assert plot.read_text().startswith("<svg")


def test_the_table_for_people(season: Path) -> None:
    done = run("evaluate", season, "--burn-in", 100)
    assert done.exit_code == 0, done.output
    assert "closing odds, multiplicative" in done.output
    assert "32 matches" in done.output


def test_a_match_and_a_bet_builder_are_priced(season: Path) -> None:
    match = ("match", season, "--home", SIDES[11], "--away", SIDES[0])
    done = run(*match, "--leg", "1x2:1", "--leg", "total@10:1")
    assert done.exit_code == 0, done.output
    assert "half_time_full_time" in done.output
    assert "bet builder of 2: 0." in done.output
    later = run(*match, "--minute", 60, "--score", "1-0", "--half-time", "1-0", "--red", "0-1")
    assert later.exit_code == 0, later.output


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--home", "side 1", "--away", "nobody"), "'nobody' is in none of the files"),
        (("--home", "side 1", "--away", "side 2", "--leg", "1x2"), "is no MARKET:SELECTION"),
        (("--home", "side 1", "--away", "side 2", "--leg", "1x2:1", "--leg", "1x2:2"), "no bet builder: never"),
        (("--home", "side 1", "--away", "side 2", "--score", "two"), "is no score like 2-1"),
        (("--home", "side 1", "--away", "side 2", "--red", "5-0"), "not a number of red cards"),
        (("--home", "side 1", "--away", "side 2", "--leg", "total:1"), "no bet builder: no_answer"),
    ],
)
def test_what_cannot_be_priced_says_why(season: Path, arguments: tuple[str, ...], why: str) -> None:
    done = run("match", season, *arguments)
    assert done.exit_code == 2
    assert why in " ".join(done.output.split())


def test_what_is_no_season_or_too_short_a_one_says_why(season: Path, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.csv"
    nothing.write_text("a,b\n1,2\n")
    assert "columns_missing" in run("evaluate", nothing).output
    assert run("evaluate", nothing).exit_code == 2
    assert "no league has more than 500 matches" in run("evaluate", season, "--burn-in", 500).output
