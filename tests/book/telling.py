"""Results and markets as the pages write them: `2–1 (1–0): home Kane; absent Saka`, `3, 1=5; NR 2`, `next_goal` 2."""

import re

from overround.book import catalogue
from overround.book.catalogue import MARKET_TYPES, Ending, Market, MarketTerms, Selection, Side
from overround.book.settlement import Finish, Goal, Score

SCORERS = ("Kane", "Saka", "Haaland", "no_goalscorer", "any_other")
OWN = {
    "correct_score": ("1-0", "2-1", "0-0", "any_other"),
    "set_betting": ("2-0", "2-1", "0-2", "1-2"),
    "first_goalscorer": SCORERS,
    "anytime_goalscorer": SCORERS,
}
RUNNERS = tuple(f"Runner {number}" for number in range(1, 9))


TOLD = re.compile(
    r"(\d+)–(\d+)(?: \((\d+)–(\d+)\))?"
    r"(?:: (?P<goals>[^;]*?))?(?:; absent (?P<absent>\w+))?(?:; late (?P<late>\w+))?"
    r"(?: (?P<ending>abandoned|postponed|retired))?"
)


def market_of(cell: str, *, own: tuple[str, ...] = (), **terms: object) -> Market:
    """A market as a cell names it: its type, and its only specifier where it has one."""
    name, _, number = cell.replace("`", "").partition(" ")
    kind = MARKET_TYPES[name]
    names = kind.outcomes or own or OWN.get(name, RUNNERS)
    specifiers = {kind.specifiers[0]: int(number)} if kind.specifiers else {}
    assert catalogue.specifiers_fit(kind, specifiers)
    assert catalogue.selection_names(kind, names) == names
    made = MarketTerms(**terms)  # type: ignore[arg-type]
    assert catalogue.terms_fit(kind, made)
    selections = {number: Selection(number, name) for number, name in enumerate(names, 1)}
    return Market(1, 1, name, specifiers, selections, "", False, 0, 0, terms=made)


def id_of(market: Market, name: str) -> int:
    return next(each.id for each in market.selections.values() if each.name == name)


def score(cell: str) -> Score:
    told = TOLD.fullmatch(cell)
    assert told is not None, cell
    home, away, half_home, half_away = (int(each) if each else None for each in told.groups()[:4])
    assert home is not None
    assert away is not None
    half_time = None if half_home is None or half_away is None else (half_home, half_away)
    goals = told["goals"]
    return Score(
        home,
        away,
        half_time,
        tuple(map(goal, goals.split(", "))) if goals is not None else None,
        (told["absent"],) if told["absent"] else (),
        Ending(told["ending"] or "finished"),
        (told["late"],) if told["late"] else (),
    )


def goal(text: str) -> Goal:
    side, who = text.split(" ")
    return Goal(Side(side), "", own=True) if who == "own" else Goal(Side(side), who)


def finish(cell: str) -> Finish:
    positions, _, out = cell.partition("; NR ")
    levels = tuple(tuple(sorted(map(int, level.split("=")))) for level in positions.split(", "))
    return Finish(levels, tuple(map(int, out.split(", "))) if out else ())
