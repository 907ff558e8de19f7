"""What a result pays, in plain fractions: a quarter line is two half bets on the lines beside it."""

from fractions import Fraction
from typing import Any

from overround.sim.audit.offer import Market

SHARES = {"won": (1, 1), "half_won": (1, 0), "void": (0, 0), "half_lost": (-1, 0), "lost": (-1, -1)}
"""What an outcome makes of each half of a stake: 1 wins, 0 comes back, -1 is lost."""


def outcome(market: Market, selection: int, result: list[Any]) -> str:
    """The name of what this result makes of a selection."""
    kind, *rest = result
    if kind == "void":
        return "void"
    if kind == "winners":
        return "won" if selection in rest[0] else "lost"
    home, away, *_ = rest
    if market.type == "1x2":
        return "won" if (home > away, home == away, home < away)[selection - 1] else "lost"
    quarters = market.specifiers["line_quarters"]
    lines = (quarters, quarters) if quarters % 2 == 0 else (quarters - 1, quarters + 1)
    halves = sorted((_sign(market.type, selection, home, away, Fraction(line, 4)) for line in lines), reverse=True)
    by_halves = {tuple(sorted(shares, reverse=True)): name for name, shares in SHARES.items()}
    return by_halves[tuple(halves)]


def _sign(kind: str, selection: int, home: int, away: int, line: Fraction) -> int:
    """Whether a selection of a total or a handicap wins on a whole or half line: 1, 0 or -1."""
    margin = home + away - line if kind == "total" else home - away + line
    if selection == 2:
        margin = -margin
    return (margin > 0) - (margin < 0)


def payout_minor(name: str, *, stake_minor: int, price_milli: int) -> int:
    """Stake included, rounded once, a half to the even unit."""
    half, total = Fraction(stake_minor, 2), Fraction(0)
    for share in SHARES[name]:
        total += half * Fraction(price_milli, 1000) if share > 0 else half if share == 0 else 0
    return round(total)
