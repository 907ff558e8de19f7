"""Season files in football-data.co.uk's columns: results with bookmakers' opening and closing odds.

Source of the columns: the site's notes.txt. Real files have empty trailing rows, gaps, three forms of dates and two
encodings, and those of results alone may name no division; what was missing is counted, what makes no sense refuses the
whole file, and nothing is half read.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

import msgspec

from overround.kernel.instant import DAY_US, MINUTE_US, civil
from overround.kernel.price import MAX_PRICE_MILLI, MIN_PRICE_MILLI, parse

MAX_BYTES: Final = 50_000_000
MAX_ROWS: Final = 100_000
MAX_GOALS: Final = 999
MAX_NAME_LENGTH: Final = 80
NEEDED: Final = ("Date", "HomeTeam", "AwayTeam", "FTHG", "FTAG")
NO_DIVISION: Final = "no division"
BOM: Final = b"\xef\xbb\xbf"

BOOKMAKERS: Final = ("B365", "BW", "IW", "PS", "WH", "VC", "Max", "Avg")
"""Prefixes of the 1X2 columns. `Max` and `Avg` are the best and the mean price over all bookmakers."""

FALLBACKS: Final = ("B365", "PS", "Avg")
"""Who is asked, in order, where the chosen bookmaker has no price."""

LINE_PREFIX: Final = {"PS": "P"}
"""Pinnacle is PS in 1X2 columns and P in those of lines."""


class Fault(StrEnum):
    """Every way a file is refused."""

    TOO_LARGE = "too_large"
    BINARY = "binary"
    EMPTY = "empty"
    COLUMNS_MISSING = "columns_missing"
    ROW_INVALID = "row_invalid"


class FileRefused(Exception):
    """A file that is not a season. `line` counts from 1, and is 0 where the whole file is meant."""

    def __init__(self, fault: Fault, detail: str, *, name: str = "", line: int = 0) -> None:
        where = ":".join(part for part in (name, str(line) if line else "") if part)
        super().__init__(f"{where}: {fault.value}: {detail}" if where else f"{fault.value}: {detail}")
        self.fault = fault
        self.line = line


class Odds(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A market's prices at one moment, with the columns they stand in. `line_quarters` is 0 for 1X2."""

    prices_milli: tuple[int, ...]
    columns: tuple[str, ...]
    line_quarters: int = 0
    line_column: str = ""


class Offer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One kind of market of one match. At least one of the two moments has odds."""

    kind: str
    opening: Odds | None
    closing: Odds | None


class Match(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row: who played when, what was offered, and how it ended. `line` is the row's in its file."""

    file: str
    line: int
    division: str
    starts_at_us: int
    home: str
    away: str
    home_goals: int
    away_goals: int
    offers: tuple[Offer, ...]
    half_time: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        return f"{self.home} v {self.away}"


class Season(msgspec.Struct, frozen=True, kw_only=True):
    """A file's matches in its order, and how often something was missing."""

    matches: tuple[Match, ...]
    notes: dict[str, int]


def read(data: bytes, *, name: str = "", bookmaker: str = "B365") -> Season:
    """A whole file. `name` is for messages; `bookmaker` one of `BOOKMAKERS`. Raises FileRefused."""
    if bookmaker not in BOOKMAKERS:
        raise ValueError(f"no bookmaker {bookmaker!r}")
    try:
        return _read(_text(data), name=name, bookmaker=bookmaker)
    except FileRefused as refused:
        raise FileRefused(refused.fault, _detail(refused), name=name, line=refused.line) from None


def _detail(refused: FileRefused) -> str:
    return str(refused).partition(f"{refused.fault.value}: ")[2]


def _text(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise FileRefused(Fault.TOO_LARGE, f"{len(data)} bytes, at most {MAX_BYTES}")
    if b"\0" in data:
        raise FileRefused(Fault.BINARY, "it holds zero bytes, so it is not text")
    if data.startswith(BOM):
        return data.removeprefix(BOM).decode("utf-8", errors="replace")
    return data.decode("latin-1")


def _read(text: str, *, name: str, bookmaker: str) -> Season:
    notes: Counter[str] = Counter()
    matches = []
    for line, row in _rows(text):
        if not any(row.values()):
            notes["empty rows"] += 1
        elif not row["FTHG"] and not row["FTAG"]:
            notes["matches without a result, left out"] += 1
        else:
            matches.append(_match(row, file=name, line=line, bookmaker=bookmaker, notes=notes))
    if not matches:
        raise FileRefused(Fault.EMPTY, "no match with a result")
    return Season(matches=tuple(matches), notes=dict(notes))


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, row by column) of every row after the header. Cells without a column are dropped, missing ones empty."""
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = [cell.strip() for cell in next(reader, [])]
        missing = [column for column in NEEDED if column not in header]
        if missing:
            raise FileRefused(Fault.COLUMNS_MISSING, ", ".join(missing), line=1)
        for number, cells in enumerate(reader):
            if number >= MAX_ROWS:
                raise FileRefused(Fault.TOO_LARGE, f"more than {MAX_ROWS} rows")
            padded = [cell.strip() for cell in cells] + [""] * (len(header) - len(cells))
            yield reader.line_num, dict(zip(header, padded, strict=False))
    except csv.Error as error:
        raise FileRefused(Fault.ROW_INVALID, str(error), line=reader.line_num) from None


def _match(row: dict[str, str], *, file: str, line: int, bookmaker: str, notes: Counter[str]) -> Match:
    try:
        return Match(
            file=file,
            line=line,
            division=_name(row.get("Div") or NO_DIVISION),
            starts_at_us=_starts_at_us(row["Date"], row.get("Time", "")),
            home=_name(row["HomeTeam"]),
            away=_name(row["AwayTeam"]),
            home_goals=_goals(row["FTHG"]),
            away_goals=_goals(row["FTAG"]),
            offers=tuple(_offers(row, bookmaker, notes)),
            half_time=_half_time(row),
        )
    except ValueError as error:
        raise FileRefused(Fault.ROW_INVALID, str(error), line=line) from None


def _name(text: str) -> str:
    if not 0 < len(text) <= MAX_NAME_LENGTH or not text.isprintable():
        raise ValueError(f"not a name: {text[:MAX_NAME_LENGTH]!r}")
    return text


def _goals(text: str) -> int:
    if not _is_digits(text) or len(text) > 3:
        raise ValueError(f"not a number of goals: {text[:20]!r}")
    return int(text)


def _half_time(row: dict[str, str]) -> tuple[int, int] | None:
    """The score at the break, where it is there and no more than the score at the end."""
    home, away = row.get("HTHG", ""), row.get("HTAG", "")
    if not (_is_digits(home) and _is_digits(away) and len(home) < 4 and len(away) < 4):
        return None
    is_possible = int(home) <= int(row["FTHG"]) and int(away) <= int(row["FTAG"])
    return (int(home), int(away)) if is_possible else None


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _starts_at_us(date: str, time: str) -> int:
    """DD/MM/YYYY, DD/MM/YY or YYYY-MM-DD, and HH:MM or nothing; the clock of the file is taken for UTC.

    Two digits of a year mean 1970 to 2069.
    """
    parts = date.split("/") if "/" in date else date.split("-")[::-1]
    if len(parts) != 3 or not all(map(_is_digits, parts)) or len(parts[2]) not in (2, 4):
        raise ValueError(f"not a date: {date[:20]!r}")
    day, month, year = map(int, parts)
    if len(parts[2]) == 2:
        year += 1900 if year >= 70 else 2000
    days = _days(year, month, day)
    if days < 0 or civil(days) != (year, month, day):
        raise ValueError(f"not a date: {date[:20]!r}")
    return days * DAY_US + _minutes(time) * MINUTE_US


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 of a date in the Gregorian calendar (Hinnant's days_from_civil)."""
    shifted = year - (month <= 2)
    era, year_of_era = divmod(shifted, 400)
    day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def _minutes(time: str) -> int:
    if not time:
        return 0
    hours, _, minutes = time.partition(":")
    if not (_is_digits(hours) and _is_digits(minutes)) or int(hours) > 23 or int(minutes) > 59:
        raise ValueError(f"not a time: {time[:20]!r}")
    return int(hours) * 60 + int(minutes)


# ------------------------------------------------------------------ odds


def _offers(row: dict[str, str], bookmaker: str, notes: Counter[str]) -> Iterator[Offer]:
    for kind in ("1x2", "total", "asian_handicap"):
        opening = _odds(row, kind, bookmaker, "", notes)
        closing = _odds(row, kind, bookmaker, "C", notes)
        if opening or closing:
            yield Offer(kind=kind, opening=opening, closing=closing)
        else:
            notes[f"{kind}: no odds at all, no market"] += 1


def _odds(row: dict[str, str], kind: str, bookmaker: str, moment: str, notes: Counter[str]) -> Odds | None:
    """The chosen bookmaker's odds at the opening ("") or the closing ("C"), or the first fallback's that has any."""
    when = "closing" if moment else "opening"
    for maker in (bookmaker, *(other for other in FALLBACKS if other != bookmaker)):
        odds = _odds_of(row, kind, maker, moment)
        if odds is not None:
            if maker != bookmaker:
                notes[f"{kind}: no {when} odds of {bookmaker}, {maker}'s taken"] += 1
            return odds
    notes[f"{kind}: no {when} odds"] += 1
    return None


def _odds_of(row: dict[str, str], kind: str, maker: str, moment: str) -> Odds | None:
    columns = columns_of(kind, maker, moment)
    prices = tuple(_price_milli(row.get(column, "")) for column in columns)
    if not all(prices):
        return None
    if kind != "asian_handicap":
        return Odds(prices_milli=prices, columns=columns, line_quarters=10 if kind == "total" else 0)
    line_column = f"AH{moment}h"
    line = _line_quarters(row.get(line_column, ""))
    if line is None:
        return None
    return Odds(prices_milli=prices, columns=columns, line_quarters=line, line_column=line_column)


def columns_of(kind: str, maker: str, moment: str) -> tuple[str, ...]:
    """Where a bookmaker's prices stand, in the order of the market type's selections."""
    if kind == "1x2":
        return tuple(f"{maker}{moment}{side}" for side in "HDA")
    prefix = f"{LINE_PREFIX.get(maker, maker)}{moment}"
    return (f"{prefix}>2.5", f"{prefix}<2.5") if kind == "total" else (f"{prefix}AHH", f"{prefix}AHA")


def _price_milli(text: str) -> int:
    """Decimal odds, or 0 where there are none that a house could offer."""
    if len(text) > 12:
        return 0
    try:
        price_milli = parse(text)
    except ValueError:
        return 0
    return price_milli if MIN_PRICE_MILLI <= price_milli <= MAX_PRICE_MILLI else 0


def _line_quarters(text: str) -> int | None:
    """A handicap in quarters of a goal, or None where it is none: `-0.75` is −3."""
    unsigned = text.removeprefix("-").removeprefix("+")
    whole, _, part = unsigned.partition(".")
    quarters = {"": 0, "0": 0, "00": 0, "25": 1, "5": 2, "50": 2, "75": 3}.get(part)
    if quarters is None or not _is_digits(whole or "0") or len(whole) > 2 or not whole + part:
        return None
    line = 4 * int(whole or "0") + quarters
    return -line if text.startswith("-") else line
