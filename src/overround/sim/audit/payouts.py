"""What a result pays, in plain fractions: a quarter line is two half bets on the lines beside it, a dead heat every
order in which its runners might have come in."""

from fractions import Fraction
from itertools import chain, permutations, product
from typing import Any

from overround.sim.audit.offer import Market

SHARES = {"won": (1, 1), "half_won": (1, 0), "void": (0, 0), "half_lost": (-1, 0), "lost": (-1, -1)}
"""What an outcome makes of each half of a stake: 1 wins, 0 comes back, -1 is lost."""

RULE_4 = (
    (1_111, 90), (1_182, 85), (1_250, 80), (1_300, 75), (1_400, 70), (1_533, 65), (1_615, 60), (1_800, 55),
    (1_952, 50), (2_200, 45), (2_500, 40), (2_750, 35), (3_250, 30), (4_000, 25), (5_000, 20), (6_500, 15),
    (10_000, 10), (15_000, 5),
)  # fmt: skip


def settled(
    market: Market, selection: int, *, stake_minor: int, price_milli: int, struck_at_us: int
) -> tuple[str, int] | None:
    """The name of what is known of a selection and what it pays, stake included; None while nothing is known."""
    name = outcome(market, selection, struck_at_us)
    if name is None:
        return None
    made = factor(market, selection, price_milli=price_milli, struck_at_us=struck_at_us)
    assert made is not None
    return name, round(stake_minor * made)


def outcome(market: Market, selection: int, struck_at_us: int) -> str | None:
    """The name of what is known of a selection; None while nothing is."""
    if selection in market.withdrawn or any(start <= struck_at_us < end for start, end in market.cancelled):
        return "void"
    if not market.result:
        return None
    kind, *rest = market.result
    if kind == "finish":
        levels, out, *_ = rest
        share = _share(levels, selection, market.specifiers.get("places", 1))
        return "void" if selection in out else "won" if share else "lost"
    return (
        "void"
        if kind == "void"
        else _by_winners(selection, rest)
        if kind == "winners"
        else _by_score(market, selection, rest)
    )


def factor(market: Market, selection: int, *, price_milli: int, struck_at_us: int) -> Fraction | None:
    """What a unit of stake at a price becomes; None while nothing is known of the selection."""
    name = outcome(market, selection, struck_at_us)
    if name is None:
        return None
    if name != "void" and market.result[0] == "finish":
        share = _share(market.result[1], selection, market.specifiers.get("places", 1))
        return share * if_won(market, price_milli=price_milli, struck_at_us=struck_at_us)
    halves = {1: Fraction(price_milli, 1000), 0: Fraction(1), -1: Fraction(0)}
    return sum((halves[share] / 2 for share in SHARES[name]), Fraction(0))


def if_won(market: Market, *, price_milli: int, struck_at_us: int) -> Fraction:
    """What a unit of stake becomes if its selection wins, less what those that were withdrawn later deduct."""
    return 1 + (Fraction(price_milli, 1000) - 1) * (100 - _pence(market, struck_at_us)) / 100


def _share(levels: list[list[int]], runner: int, places: int) -> Fraction:
    """In how many of the orders in which they might have come in a runner is among the first."""
    orders = [list(chain(*chosen)) for chosen in product(*map(permutations, levels))]
    return Fraction(sum(runner in order[:places] for order in orders), len(orders))


def _pence(market: Market, struck_at_us: int) -> int:
    """What those that were withdrawn later deduct from a pound."""
    late = [price for at_us, price in market.withdrawn.values() if at_us > struck_at_us and price]
    return min(90, sum(next((pence for longest, pence in RULE_4 if price <= longest), 0) for price in late))


def _by_winners(selection: int, rest: list[Any]) -> str:
    winners, void = rest
    return "void" if selection in void else "won" if selection in winners else "lost"


def _by_score(market: Market, selection: int, rest: list[Any]) -> str:
    """The name of what a score makes of a selection. A match that was broken off has decided a total of these, once
    there were goals enough."""
    home, away, half_time, _, _, ending, _ = rest
    enough = market.type == "total" and 4 * (home + away) >= market.specifiers["line_quarters"] + 2
    if ending != "finished" and not enough:
        return "void"
    ahead = _ahead(home, away)
    name = market.names[selection]
    if market.type in ("1x2", "double_chance"):
        return "won" if ahead in name.split("_or_") else "lost"
    if market.type == "draw_no_bet":
        return "void" if ahead == "draw" else "won" if ahead == name else "lost"
    if market.type == "half_time_full_time":
        return "won" if f"{_ahead(*half_time)}/{ahead}" == name else "lost"
    if market.type == "correct_score":
        right = f"{home}-{away}"
        return "won" if name == (right if right in market.names.values() else "any_other") else "lost"
    return _by_line(market, selection, home, away)


def _ahead(home: int, away: int) -> str:
    return "home" if home > away else "away" if home < away else "draw"


def _by_line(market: Market, selection: int, home: int, away: int) -> str:
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
