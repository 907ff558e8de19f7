"""The provider's markets as ours: a table, one row a market type, read both ways. Pure.

Deny by default: a market whose row is missing, whose type this house does not have, or whose specifiers do not fit its
row exactly is not offered. A new market is one more row in `ROWS`.
"""

from enum import StrEnum
from fractions import Fraction
from typing import Final

import msgspec

from overround.book.catalogue import MARKET_TYPES
from overround.feeds.changes import Question
from overround.feeds.uof.messages import MarketDescriptions, MarketName, Specifiers


class Unmapped(StrEnum):
    """Why a market of the provider's is not offered."""

    MARKET_UNKNOWN = "market_unknown"
    TYPE_MISSING = "type_missing"
    SPECIFIERS = "specifiers"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A market of the provider's. `outcomes` are its outcome ids with the names of our selections.

    `line` and `number` name the specifier that becomes our line (in quarters) or our goal number. `groups` are those by
    which a bet stop may name the market. Specifiers beside these must be none of ours to care about: `ignored`.
    """

    id: int
    type: str
    outcomes: dict[str, str]
    line: str = ""
    number: str = ""
    groups: tuple[str, ...] = ("all",)
    ignored: tuple[str, ...] = ()


_SCORE: Final = ("all", "score", "regular_play")
_FIRST_HALF: Final = ("all", "score", "1st_half")
_INCLUDING_OVERTIME: Final = ("all", "score", "incl_ot")
_WHOLE_MATCH: Final = ("all", "score")
_RESULTS: Final = {"1": "home", "2": "draw", "3": "away"}
_SIDES: Final = {"4": "home", "5": "away"}
_TOTAL: Final = {"12": "over", "13": "under"}
_HANDICAP: Final = {"1714": "home", "1715": "away"}
_HALVES: Final = ("home", "draw", "away")

ROWS: Final = (
    Row(id=1, type="1x2", outcomes=_RESULTS, groups=_SCORE),
    Row(
        id=8,
        type="next_goal",
        outcomes={"6": "home", "7": "none", "8": "away"},
        number="goalnr",
        groups=_SCORE,
    ),
    Row(
        id=10,
        type="double_chance",
        outcomes={"9": "home_or_draw", "10": "home_or_away", "11": "draw_or_away"},
        groups=_SCORE,
    ),
    Row(id=11, type="draw_no_bet", outcomes=_SIDES, groups=_SCORE),
    Row(id=16, type="asian_handicap", outcomes=_HANDICAP, line="hcp", groups=_SCORE),
    Row(id=18, type="total", outcomes=_TOTAL, line="total", groups=_SCORE),
    Row(id=19, type="home_total", outcomes=_TOTAL, line="total", groups=_SCORE),
    Row(id=20, type="away_total", outcomes=_TOTAL, line="total", groups=_SCORE),
    Row(id=26, type="odd_even", outcomes={"70": "odd", "72": "even"}, groups=_SCORE),
    Row(id=29, type="both_teams_to_score", outcomes={"74": "yes", "76": "no"}, groups=_SCORE),
    Row(
        id=45,
        type="correct_score",
        outcomes={
            **{str(274 + 2 * (home + 5 * away)): f"{home}-{away}" for away in range(5) for home in range(5)},
            "324": "any_other",
        },
        groups=_SCORE,
    ),
    Row(
        id=47,
        type="half_time_full_time",
        outcomes={
            str(418 + 2 * number): f"{half}/{full}"
            for number, (half, full) in enumerate((half, full) for half in _HALVES for full in _HALVES)
        },
        groups=_SCORE,
    ),
    Row(id=60, type="half_time_result", outcomes=_RESULTS, groups=_FIRST_HALF),
    Row(id=68, type="half_time_total", outcomes=_TOTAL, line="total", groups=_FIRST_HALF),
    Row(id=83, type="second_half_result", outcomes=_RESULTS, groups=("all", "score", "2nd_half")),
    Row(id=186, type="match_winner", outcomes=_SIDES, groups=_WHOLE_MATCH),
    Row(id=219, type="moneyline", outcomes=_SIDES, groups=_INCLUDING_OVERTIME),
    Row(id=223, type="spread", outcomes=_HANDICAP, line="hcp", groups=_INCLUDING_OVERTIME),
    Row(id=225, type="total_points", outcomes=_TOTAL, line="total", groups=_INCLUDING_OVERTIME),
)
"""Ids 1, 10, 11, 16, 18 with their outcomes stand in the recorded market descriptions. The others are known by hearsay,
and all are checked against the provider's own descriptions when the adapter starts (`agreeing`)."""


class Mapping(msgspec.Struct, frozen=True):
    """Rows by the provider's id."""

    rows: dict[int, Row]

    def question(self, market: MarketName) -> Question | Unmapped:
        """What the provider's market is with us."""
        row = self.rows.get(market.id)
        if row is None:
            return Unmapped.MARKET_UNKNOWN
        if not _fits(row):
            return Unmapped.TYPE_MISSING
        values = _specifiers(row, dict(market.specifiers))
        return Unmapped.SPECIFIERS if values is None else Question(type=row.type, specifiers=values)

    def selection(self, market_id: int, outcome_id: str) -> str | None:
        """The name of our selection. None: no row, or an outcome that it does not have."""
        row = self.rows.get(market_id)
        return None if row is None else row.outcomes.get(outcome_id)

    def selections(self, market_id: int) -> tuple[str, ...]:
        """All names, in our order; what a market brings along whose type has no outcomes of its own."""
        row = self.rows[market_id]
        return MARKET_TYPES[row.type].outcomes or tuple(row.outcomes.values())

    def market(self, question: Question) -> MarketName | None:
        """The provider's market for ours: `question` the other way."""
        for row in self.rows.values():
            if row.type == question.type and _fits(row):
                return MarketName(id=row.id, specifiers=_written(row, question.specifiers))
        return None

    def groups(self, market_id: int) -> tuple[str, ...]:
        row = self.rows.get(market_id)
        return row.groups if row is not None else ("all",)


def mapping(rows: tuple[Row, ...] = ROWS) -> Mapping:
    return Mapping({row.id: row for row in rows})


def _fits(row: Row) -> bool:
    """Whether this house has the type, with all of the row's selections."""
    kind = MARKET_TYPES.get(row.type)
    return kind is not None and (not kind.outcomes or set(row.outcomes.values()) == set(kind.outcomes))


def _specifiers(row: Row, given: dict[str, str]) -> dict[str, int] | None:
    """Ours, from theirs; None where one is missing, is none of the row's, or is no number that we have."""
    wanted = {name for name in (row.line, row.number) if name}
    if given.keys() - set(row.ignored) != wanted:
        return None
    values: dict[str, int] = {}
    if row.line:
        quarters = line_quarters(given[row.line])
        if quarters is None:
            return None
        values["line_quarters"] = quarters
    if row.number:
        if not given[row.number].isdecimal() or not given[row.number].isascii() or len(given[row.number]) > 3:
            return None
        values["goal_number"] = int(given[row.number])
    return values


def _written(row: Row, specifiers: dict[str, int]) -> Specifiers:
    pairs = []
    if row.line:
        pairs.append((row.line, line_text(specifiers["line_quarters"])))
    if row.number:
        pairs.append((row.number, str(specifiers["goal_number"])))
    return tuple(pairs)


MAX_LINE_LENGTH: Final = 12


def line_quarters(decimal: str) -> int | None:
    """`-0.75` is −3. None where it is no decimal number, or lies between quarters."""
    digits = decimal.removeprefix("-").removeprefix("+")
    whole, _, part = digits.partition(".")
    if not (whole + part).isdecimal() or not digits.isascii() or len(decimal) > MAX_LINE_LENGTH:
        return None
    quarters = 4 * Fraction(f"{whole or 0}.{part or 0}")
    if quarters.denominator != 1:
        return None
    return -quarters.numerator if decimal.startswith("-") else quarters.numerator


def line_text(quarters: int) -> str:
    """−3 is `-0.75`, 10 is `2.5`, 8 is `2`."""
    whole, part = divmod(abs(quarters), 4)
    return f"{'-' if quarters < 0 else ''}{whole}{('', '.25', '.5', '.75')[part]}"


# ------------------------------------------------------------------ the provider's own descriptions


_WORDS: Final = {
    "home": "{$competitor1}",
    "away": "{$competitor2}",
    "home_or_draw": "{$competitor1} or draw",
    "home_or_away": "{$competitor1} or {$competitor2}",
    "draw_or_away": "draw or {$competitor2}",
    "any_other": "other",
}
"""Our selections as the provider's English descriptions have them, where that is another word."""


def agreeing(rows: tuple[Row, ...], told: MarketDescriptions) -> tuple[Row, ...]:
    """The rows that the provider's own descriptions bear out: each of their outcomes and specifiers is there, and none
    is described as another of the row's. A market that is not described is taken at the row's word."""
    outcomes: dict[int, dict[str, str]] = {}
    specifiers: dict[int, set[str]] = {}
    for market in told.markets:
        outcomes.setdefault(market.id, {}).update((each.id, each.name) for each in market.outcomes)
        specifiers.setdefault(market.id, set()).update(market.specifiers)
    return tuple(row for row in rows if row.id not in outcomes or _agrees(row, outcomes[row.id], specifiers[row.id]))


def _agrees(row: Row, outcomes: dict[str, str], specifiers: set[str]) -> bool:
    if not outcomes.keys() >= row.outcomes.keys() or not specifiers >= {
        name for name in (row.line, row.number) if name
    }:
        return False
    return not any(
        _is_called(outcomes[outcome_id], other)
        for outcome_id, ours in row.outcomes.items()
        for other in row.outcomes.values()
        if other != ours
    )


def _is_called(described: str, selection: str) -> bool:
    """Whether a description is that of a selection: `over {total}`, `{$competitor1} ({+hcp})`, `2:1`."""
    half, slash, full = selection.partition("/")
    word = f"{_word(half)}/{_word(full)}" if slash else _word(selection)
    rest = described.removeprefix(word)
    return rest != described and (not rest or rest.startswith((" {", " (")))


def _word(selection: str) -> str:
    return _WORDS.get(selection, selection.replace("-", ":"))
