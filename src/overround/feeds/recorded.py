"""Recorded messages: a line of JSON each, written as they came and read at any speed.

    {"at_ms":1564602448841,"source":"uof","key":"hi.-.live.bet_stop.1.sr:match.1.-","body":"<bet_stop …/>"}
    {"at_ms":1564602449000,"source":"odds_api","key":"/v4/sports/soccer_epl/odds","body":"[…]"}

`key` is the routing key, or the address without its query. A file whose name ends in `.xml` is one message of the
Unified Odds Feed, or a document of its API.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final, Literal

import msgspec

MAX_LINE_BYTES: Final = 8 * 1024 * 1024


class FileRefused(Exception):
    """No recording: the message names the file, the line and what is wrong."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`at_ms` is when it was heard, 0 where nobody knows."""

    at_ms: int
    source: Literal["uof", "odds_api"]
    key: str
    body: str


class Recorder:
    """Appends what a feed hears."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def write(self, recorded: Recorded) -> None:
        self._out.write(msgspec.json.encode(recorded) + b"\n")


def read(files: Iterable[Path]) -> Iterator[Recorded]:
    """All lines of all files, in their order, without holding a file in memory. Raises FileRefused, OSError."""
    for file in files:
        if file.suffix == ".xml":
            yield Recorded(at_ms=0, source="uof", key="", body=_text(file))
            continue
        with file.open("rb") as lines:
            yield from _lines(file, lines)


def _lines(file: Path, lines: IO[bytes]) -> Iterator[Recorded]:
    number = 0
    while line := lines.readline(MAX_LINE_BYTES):
        number += 1
        if not line.strip():
            continue
        try:
            yield msgspec.json.decode(line, type=Recorded)
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as wrong:
            raise FileRefused(f"{file.name}, line {number}: {wrong}") from None


def _text(file: Path) -> str:
    if file.stat().st_size > MAX_LINE_BYTES:
        raise FileRefused(f"{file.name} is longer than {MAX_LINE_BYTES} bytes")
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as wrong:
        raise FileRefused(f"{file.name}: {wrong.reason}") from None


def pauses(lines: Iterable[Recorded], *, speed: float) -> Iterator[tuple[float, Recorded]]:
    """Each line with the seconds from the start at which it is due: `speed` times faster than it was heard; 0 is at
    once. A line without an instant is due with the one before it."""
    first_ms = last_ms = 0
    for line in lines:
        first_ms = first_ms or line.at_ms
        last_ms = max(last_ms, line.at_ms)
        yield (last_ms - first_ms) / 1_000 / speed if speed and first_ms else 0.0, line
