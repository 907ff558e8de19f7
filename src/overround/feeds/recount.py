"""Every payout once more, from the file alone, in plain code: the house's own arithmetic is not asked.

It reads the file by itself, with fractions, and takes each price, line and result from the named columns. On a line
the stake is split in two halves on the neighbouring half-goal lines, as the rule is told to people, and each half is
settled by itself; only the sum is rounded, half to even.
"""

import csv
import io
from collections.abc import Iterable
from fractions import Fraction
from itertools import combinations
from math import prod
from pathlib import Path

import msgspec

HALF = Fraction(1, 2)
QUARTER = Fraction(1, 4)


class Claim(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A bet as the house reports it settled, and where in the file its price, line and match stand.

    `side` counts the columns from 0. `line_column` is empty for 1X2; ">2.5" names its own line.
    """

    bet_id: int
    customer_id: int
    line: int
    kind: str
    side: int
    price_column: str
    line_column: str
    stake_minor: int
    price_milli: int
    outcome: str
    payout_minor: int


class SlipClaim(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A bet of several legs as the house reports it settled: each leg with the file in which it stands, and the folds
    that make its lines."""

    bet_id: int
    customer_id: int
    legs: tuple[tuple[Path, Claim], ...]
    folds: tuple[int, ...]
    stake_minor: int
    outcome: str
    payout_minor: int


class Difference(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the file says of a bet and what the house said."""

    bet_id: int
    what: str
    file: str
    house: str


class Recount(msgspec.Struct, frozen=True, kw_only=True):
    """`paid_minor` by customer, from the file."""

    bets: int
    paid_minor: dict[int, int]
    differences: tuple[Difference, ...]


def recount(path: Path, claims: list[Claim]) -> Recount:
    """Settle every claim against the file."""
    rows = _rows(path)
    paid: dict[int, int] = {}
    differences: list[Difference] = []
    for claim in claims:
        row = rows[claim.line]
        price = Fraction(row[claim.price_column])
        outcome, payout = _settle(claim, row, price)
        paid[claim.customer_id] = paid.get(claim.customer_id, 0) + payout
        differences += _compare(claim, price=price, outcome=outcome, payout=payout)
    return Recount(bets=len(claims), paid_minor=paid, differences=tuple(differences))


def recount_slips(claims: Iterable[SlipClaim]) -> Recount:
    """Settle every slip against its files: each line the product of its legs, all lines added, and rounded once."""
    claims = list(claims)
    rows = {path: _rows(path) for path in {path for claim in claims for path, _ in claim.legs}}
    paid: dict[int, int] = {}
    differences: list[Difference] = []
    for claim in claims:
        factors = []
        for path, leg in claim.legs:
            row = rows[path][leg.line]
            price = Fraction(row[leg.price_column])
            factors.append(_factor(leg, row, price))
            differences += [each for each in _compare(leg, price=price) if each.what == "price"]
        lines = [pick for fold in claim.folds for pick in combinations(factors, fold)]
        payout = round(sum((prod(line) for line in lines), Fraction(0)) * claim.stake_minor / len(lines))
        outcome = "void" if all(factor == 1 for factor in factors) else "won" if payout else "lost"
        paid[claim.customer_id] = paid.get(claim.customer_id, 0) + payout
        both = (("outcome", outcome, claim.outcome), ("payout", str(payout), str(claim.payout_minor)))
        differences += [
            Difference(bet_id=claim.bet_id, what=what, file=ours, house=theirs)
            for what, ours, theirs in both
            if ours != theirs
        ]
    return Recount(bets=len(claims), paid_minor=paid, differences=tuple(differences))


def _compare(claim: Claim, *, price: Fraction, outcome: str = "", payout: int = 0) -> list[Difference]:
    both = (
        ("price", str(float(price)), str(claim.price_milli / 1000)),
        ("outcome", outcome, claim.outcome),
        ("payout", str(payout), str(claim.payout_minor)),
    )
    return [
        Difference(bet_id=claim.bet_id, what=what, file=ours, house=theirs)
        for what, ours, theirs in both
        if ours != theirs
    ]


def _rows(path: Path) -> dict[int, dict[str, str]]:
    """By line of the file."""
    data = path.read_bytes()
    text = data.decode("utf-8-sig" if data[:3] == b"\xef\xbb\xbf" else "latin-1", errors="replace")
    reader = csv.DictReader(io.StringIO(text, newline=""), restval="")
    reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
    rows = {}
    for row in reader:
        rows[reader.line_num] = {name: (cell or "").strip() for name, cell in row.items() if name}
    return rows


def _settle(claim: Claim, row: dict[str, str], price: Fraction) -> tuple[str, int]:
    names = {2: "won", 1: "half_won", 0: "void", -1: "half_lost", -2: "lost"}
    return names[sum(_halves(claim, row))], round(claim.stake_minor * _factor(claim, row, price))


def _factor(claim: Claim, row: dict[str, str], price: Fraction) -> Fraction:
    """What one unit of stake brings back."""
    back = {1: price, 0: Fraction(1), -1: Fraction(0)}
    return sum((back[half] * HALF for half in _halves(claim, row)), Fraction(0))


def _halves(claim: Claim, row: dict[str, str]) -> list[int]:
    """What became of each half of the stake: won, given back, or lost."""
    home, away = int(row["FTHG"]), int(row["FTAG"])
    if claim.kind == "1x2":
        return [_sign_1x2(claim.side, home, away)] * 2
    goals = home + away if claim.kind == "total" else home - away
    level = Fraction("2.5") if claim.kind == "total" else -Fraction(row[claim.line_column])
    lines = [level, level] if (2 * level).denominator == 1 else [level - QUARTER, level + QUARTER]
    return [_sign(goals - line) if claim.side == 0 else _sign(line - goals) for line in lines]


def _sign_1x2(side: int, home: int, away: int) -> int:
    return 1 if (home > away, home == away, home < away)[side] else -1


def _sign(number: Fraction) -> int:
    return (number > 0) - (number < 0)
