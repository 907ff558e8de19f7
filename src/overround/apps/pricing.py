"""`overround pricing`: the prices of a match from results alone, and how good such prices are."""

from collections import Counter
from pathlib import Path

import click
import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from overround.apps import calibration, judging
from overround.apps.replay import read_files
from overround.feeds.football_csv import BOOKMAKERS, FileRefused
from overround.trading import (
    MATCH_RESULT,
    Builder,
    Joint,
    Kind,
    Leg,
    Method,
    Moment,
    Question,
    Strengths,
    builder_price_milli,
    builder_probability,
    fair_of,
    fit_strengths,
    joint,
    prices_milli,
)
from overround.trading.evaluate import Score
from overround.trading.strengths import HALF_LIFE_DAYS, SPREAD

SHOWN = (
    (MATCH_RESULT, ("home", "draw", "away")),
    (Question(Kind.DOUBLE_CHANCE), ("home or draw", "home or away", "draw or away")),
    (Question(Kind.DRAW_NO_BET), ("home", "away")),
    (Question(Kind.TOTAL, 6), ("over 1.5", "under 1.5")),
    (Question(Kind.TOTAL, 10), ("over 2.5", "under 2.5")),
    (Question(Kind.TOTAL, 11), ("over 2.75", "under 2.75")),
    (Question(Kind.HANDICAP, -3), ("home −0.75", "away +0.75")),
    (Question(Kind.HANDICAP, -1), ("home −0.25", "away +0.25")),
    (Question(Kind.BOTH_TEAMS_TO_SCORE), ("both score", "not both")),
    (Question(Kind.HALF_TIME_RESULT), ("home at half time", "draw at half time", "away at half time")),
    (Question(Kind.HALF_TIME_FULL_TIME), tuple(f"{first}/{last}" for first in "HDA" for last in "HDA")),
)
files_argument = click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
half_life_option = click.option(
    "--half-life", type=click.FloatRange(min=1), default=HALF_LIFE_DAYS, show_default=True, help="Of a result, in days."
)


@click.group("pricing")
def command() -> None:
    """Prices of a match from the model, and how good the model is.

    Example: overround pricing match E0_2019-2020.csv --home Liverpool --away Everton
    """


# ------------------------------------------------------------------ evaluate


@command.command()
@files_argument
@click.option("--bookmaker", type=click.Choice(BOOKMAKERS), default="PS", show_default=True, help="Whose closing odds.")
@click.option("--burn-in", type=click.IntRange(0), default=100, show_default=True, help="First matches not judged.")
@half_life_option
@click.option("--spread", type=click.FloatRange(min=0.01), default=SPREAD, show_default=True, help="Of sides, before.")
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Write the calibration plot, as SVG.")
def evaluate(
    files: tuple[Path, ...],
    bookmaker: str,
    burn_in: int,
    half_life: float,
    spread: float,
    as_json: bool,
    plot: Path | None,
) -> None:
    """Forecast each match from the results before its day, and judge forecasts and closing odds by what came.

    Files have football-data.co.uk's columns; those without odds judge the model alone. Each division is a league of its
    own, whose first matches (--burn-in) are forecast but not judged.

    Example: overround pricing evaluate E0_2019-2020.csv E1_2019-2020.csv --plot calibration.svg
    """
    try:
        matches, notes = read_files(files, bookmaker=bookmaker, limit=None)
    except FileRefused as refused:
        raise click.UsageError(str(refused)) from None
    console = Console(stderr=as_json)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("walking forward", total=len(matches))
        leagues = judging.by_league(
            matches,
            burn_in=burn_in,
            half_life_days=half_life,
            spread=spread,
            on_matches=lambda many: progress.advance(task, many),
        )
    if not leagues:
        raise click.UsageError(f"no league has more than {burn_in} matches")
    report = judging.Evaluation(
        files=tuple(path.name for path in files),
        bookmaker=bookmaker,
        half_life_days=half_life,
        spread=spread,
        burn_in=burn_in,
        notes={note: count for note, count in notes.items() if note.startswith(("1x2", "total"))},
        leagues=leagues,
        halves=judging.of_halves(matches),
    )
    if plot is not None:
        plot.write_text(calibration.draw(judging.plotted(leagues), title="Home, draw and away: said, and come"))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report)).decode())
    else:
        _show_scores(console, report)


def _show_scores(console: Console, report: judging.Evaluation) -> None:
    for league, scores in report.leagues.items():
        console.print(_score_table(league, scores, reference=judging.reference(score.name for score in scores)))
    for question, scores in report.halves.items():
        console.print(_score_table(question, scores, reference=judging.BASE))
    for note, count in report.notes.items():
        console.print(f"[dim]{count:>6,}  {note}[/]")


def _score_table(title: str, scores: tuple[Score, ...], *, reference: str) -> Table:
    table = Table(
        "forecast",
        "RPS",
        "log loss",
        "RPS behind",
        "s.e.",
        "calibration",
        title=f"{title}: {scores[0].matches:,} matches",
        caption=f"behind: {reference}, on the same matches; calibration: mean distance of said and come",
        box=SIMPLE_HEAD,
    )
    for score in scores:
        table.add_row(
            score.name,
            f"{score.rps:.4f}",
            f"{score.log_loss:.4f}",
            f"{score.behind:+.4f}",
            f"{score.behind_error:.4f}",
            f"{score.calibration_error:.2%}",
        )
    for column in table.columns[1:]:
        column.justify = "right"
    return table


# ------------------------------------------------------------------ match


def _legs(_context: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> tuple[Leg, ...]:
    """`1x2:1` or, with a line in quarters, `total@10:1`."""
    legs = []
    for text in texts:
        market, _, selection = text.rpartition(":")
        kind, _, line = market.partition("@")
        try:
            legs.append(Leg(Question(Kind(kind), int(line) if line else None), int(selection)))
        except ValueError:
            raise click.BadParameter(f"{text!r} is no MARKET:SELECTION or MARKET@QUARTERS:SELECTION") from None
    return tuple(legs)


def _score(_context: click.Context, _option: click.Parameter, text: str) -> tuple[int, int]:
    home, _, away = text.partition("-")
    if not (home.isdecimal() and away.isdecimal() and len(text) <= 5):
        raise click.BadParameter(f"{text!r} is no score like 2-1")
    return int(home), int(away)


@command.command()
@files_argument
@click.option("--home", required=True, help="As the files name it.")
@click.option("--away", required=True, help="As the files name it.")
@half_life_option
@click.option(
    "--overround", type=click.FloatRange(0, 1), default=0.05, show_default=True, help="Margin of each market."
)
@click.option(
    "--method",
    type=click.Choice([each.value for each in Method]),
    default="power",
    show_default=True,
    help="Of margin.",
)
@click.option("--minute", type=click.FloatRange(0, 90), default=0.0, help="Of play; 0 is before the match.")
@click.option("--score", default="0-0", callback=_score, help="By now.")
@click.option(
    "--half-time", "half_time", default="0-0", callback=_score, help="The score at the break, from minute 45."
)
@click.option("--red", default="0-0", callback=_score, help="Red cards of home and away.")
@click.option("--leg", "legs", multiple=True, callback=_legs, help="Of a bet builder: 1x2:1, total@10:1 and so on.")
def match(
    files: tuple[Path, ...],
    home: str,
    away: str,
    half_life: float,
    overround: float,
    method: str,
    minute: float,
    score: tuple[int, int],
    half_time: tuple[int, int],
    red: tuple[int, int],
    legs: tuple[Leg, ...],
) -> None:
    """Price the markets of a match, before it or at a moment of it, from strengths fitted to all results in the files.

    Example: overround pricing match E0_2019-2020.csv --home Liverpool --away Everton --minute 60 --score 1-0
    """
    try:
        matches, _ = read_files(files, bookmaker="PS", limit=None)
    except FileRefused as refused:
        raise click.UsageError(str(refused)) from None
    results = [judging.result_of(each) for each in matches]
    names = Counter(side for result in results for side in (result.home, result.away))
    for side in (home, away):
        if side not in names:
            raise click.UsageError(f"{side!r} is in none of the files, which have {', '.join(sorted(names))}")
    strengths = fit_strengths(results, day=max(result.day for result in results) + 1, half_life_days=half_life)
    try:
        table = joint(strengths.rates(home, away), rho=strengths.rho, moment=Moment(minute, *score, *half_time, *red))
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None
    console = Console()
    _show_match(console, table, strengths, home, away, overround=overround, method=Method(method))
    if legs:
        _show_builder(console, table, legs, overround)


def _show_match(
    console: Console, table: Joint, strengths: Strengths, home: str, away: str, *, overround: float, method: Method
) -> None:
    rates = strengths.rates(home, away)
    console.print(f"{home} {rates.home:.2f} – {away} {rates.away:.2f} goals in 90 minutes, rho {strengths.rho:+.3f}")
    shown = Table("market", "selection", "fair", "price", box=SIMPLE_HEAD)
    for question, selections in SHOWN:
        probabilities = fair_of(table, question)
        prices: tuple[int, ...] = ()
        if sum(probabilities) > 0.5:
            prices = prices_milli(probabilities, overround=overround, method=method)
        for number, (name, probability) in enumerate(zip(selections, probabilities, strict=True)):
            price = prices[number] if prices else 0
            market = question.kind.value if number == 0 else ""
            last = number == len(selections) - 1
            shown.add_row(market, name, f"{probability:.4f}", f"{price / 1000:.2f}" if price else "–", end_section=last)
    console.print(shown)


def _show_builder(console: Console, table: Joint, legs: tuple[Leg, ...], overround: float) -> None:
    found = builder_probability(table, legs)
    if not isinstance(found, Builder):
        raise click.UsageError(f"no bet builder: {found.value}")
    price = builder_price_milli(found, legs=len(legs), overround=overround)
    console.print(
        f"bet builder of {len(legs)}: {found.fair:.4f}, price {price / 1000:.2f} "
        f"(the product of its legs would be {found.product:.4f})"
    )
