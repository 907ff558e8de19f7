"""What the cells of docs/rules/pricing.md say, as numbers and questions."""

from tests.book.tables import milli, quarters

from overround.trading import Kind, Leg, Question


def numbers(cell: str) -> list[float]:
    """`0.25, 0.75`."""
    return [float(part) for part in cell.split(",") if part.strip()]


def prices(cell: str) -> list[int]:
    """`1.94, 3.8, 3.6` in thousandths."""
    return [milli(part.strip()) for part in cell.split(",") if part.strip()]


def pair(cell: str) -> tuple[int, int]:
    """`2–1`."""
    home, away = cell.split("–")
    return int(home), int(away)


def question(market: str, line: str) -> Question:
    """A market by its name, with its line or the number of its goal."""
    kind = Kind(market)
    if kind is Kind.NEXT_GOAL:
        return Question(kind, goal_number=int(line))
    return Question(kind, quarters(line) if line else None)


def legs(cell: str) -> list[Leg]:
    """`1x2:1, total@2.5:1`."""
    found = []
    for part in cell.split(", "):
        market, _, selection = part.rpartition(":")
        name, _, line = market.partition("@")
        found.append(Leg(question(name, line), int(selection)))
    return found
