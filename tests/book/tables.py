"""The tables of `docs/rules`, read so that pages and tests cannot differ. A table is found by its heading."""

from decimal import Decimal
from pathlib import Path

RULES = Path(__file__).resolve().parents[2] / "docs" / "rules"


def table(page: str, heading: str, *, nth: int = 1) -> list[dict[str, str]]:
    """The rows of the first table under a heading, or of a later one, each by the names of its columns."""
    lines = (RULES / page).read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.lstrip("# ") == heading and line[0] == "#")
    rows: list[list[str]] = []
    for line in lines[start + 1 :]:
        if line.startswith("|"):
            rows.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
        elif line.startswith("#") or (rows and nth == 1):
            break
        elif rows:
            rows, nth = [], nth - 1
    if len(rows) < 3:
        raise LookupError(f"{page} has no table under {heading!r}")
    names, _, *body = rows
    return [dict(zip(names, row, strict=True)) for row in body]


def number(cell: str) -> int:
    """A whole number as the pages write it: `1,000`, `−5`, `–`."""
    return 0 if cell in ("", "–") else int(cell.replace(",", "").replace("−", "-"))


def milli(cell: str) -> int:
    """A price as the pages write it: `2.625`."""
    return int(Decimal(cell) * 1_000)


def quarters(cell: str) -> int:
    """A line as the pages write it, in quarters of a goal: `−0.25` is −1."""
    return int(Decimal(cell.replace("−", "-")) * 4)
