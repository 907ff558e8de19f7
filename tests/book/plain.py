"""What the twin is made of: what it remembers, and what needs no memory: windows, halving, verdicts with fractions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from overround.book.machine import commands as c
from overround.book.settlement import Result, Score, Winners

SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
NONE = 10**15 + 1

Plain = tuple[object, ...]
"""`("refused", code, detail)`, `("done", id)` or `("bet", id, status, stake, price, placed_at, decide_at)`."""


def refused(code: str, **detail: int | str) -> Plain:
    return ("refused", code, detail)


class No(Exception):
    """A refusal on its way out."""

    def __init__(self, code: str, **detail: int | str) -> None:
        self.answer = refused(code, **detail)


def need(true: object, code: str, **detail: int | str) -> None:
    if not true:
        raise No(code, **detail)


@dataclass
class Bet:
    id: int
    asked: c.PlaceBet
    placed_at: int
    version: int
    price: int
    status: str
    decide_at: int = 0
    stood: int = 0
    outcome: str | None = None
    payout: int = 0

    def pays(self) -> int:
        return round(Fraction(self.asked.stake_minor * self.price, 1_000))


@dataclass
class Market:
    id: int
    made: c.CreateMarket
    names: tuple[str, ...]
    prices: dict[int, int]
    delay: int
    liability: int
    confirmed: int
    feed: str = ""
    status: str = "suspended"
    version: int = 1
    results: list[Result] = field(default_factory=list)
    overrides: dict[int, tuple[int, int]] = field(default_factory=dict)
    stopped: set[int] = field(default_factory=set)

    def offered(self, selection: int, now: int) -> int:
        """A hand's price until its end, else the feed's, and nothing while the selection is stopped."""
        price, until = self.overrides.get(selection, (0, 0))
        return 0 if selection in self.stopped else price if until > now else self.prices[selection]


@dataclass
class Event:
    id: int
    competition: int = 0
    status: str = "scheduled"
    markets: list[Market] = field(default_factory=list)


@dataclass
class Wallet:
    """Entries of money that came and went, and of what is owed."""

    cash: list[int] = field(default_factory=list)
    debt: list[int] = field(default_factory=list)
    deposits: list[int] = field(default_factory=list)
    returns: list[tuple[int, int]] = field(default_factory=list)
    limits: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    max_stake: int = 0
    max_payout: int = 0

    def credit(self, amount: int) -> None:
        """Money comes in; a debt is repaid from it first."""
        repaid = min(sum(self.debt), amount)
        self.cash.append(amount - repaid)
        self.debt.append(-repaid)

    def take_back(self, amount: int, *, available: int) -> None:
        """Money is taken back as far as there is any; the rest is owed."""
        there = min(amount, available)
        self.cash.append(-there)
        self.debt.append(amount - there)


def windows(at: int) -> tuple[datetime, datetime, datetime]:
    day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    return day, day - timedelta(days=day.weekday()), day.replace(day=1)


def largest(fits: Callable[[int], bool]) -> int:
    """The largest whole number that fits, by halving; −1 where none does."""
    low, high = -1, 10**19
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def fits(market: Market, result: Result) -> bool:
    if isinstance(result, Score):
        return market.made.type != "winner" and 0 <= result.home <= 999 and 0 <= result.away <= 999
    if isinstance(result, Winners):
        chosen = list(result.selections)
        known = bool(chosen) and chosen == sorted(set(chosen)) and set(chosen) <= set(market.prices)
        return market.made.type == "winner" and known
    return True


def verdict(market: Market, bet: Bet, result: Result) -> tuple[str, Fraction]:
    """The outcome and the exact return of a bet: a line is two halves of the stake on the two nearest half lines."""
    stake, price = Fraction(bet.asked.stake_minor), Fraction(bet.price, 1_000)
    if isinstance(result, Score):
        if market.made.type == "1x2":
            named = "home" if result.home > result.away else "away" if result.home < result.away else "draw"
            won = market.names[bet.asked.selection_id - 1] == named
            return ("won", stake * price) if won else ("lost", Fraction(0))
        halves = [half(market, bet.asked.selection_id, result, line) for line in lines_of(market)]
        returns = sum(
            (stake / 2 * {"won": price, "push": Fraction(1), "lost": Fraction(0)}[one] for one in halves), Fraction(0)
        )
        names = {
            ("won", "won"): "won",
            ("push", "push"): "void",
            ("lost", "lost"): "lost",
            ("push", "won"): "half_won",
            ("lost", "push"): "half_lost",
        }
        return names[tuple(sorted(halves))], returns  # type: ignore[index]
    if isinstance(result, Winners):
        return ("won", stake * price) if bet.asked.selection_id in result.selections else ("lost", Fraction(0))
    return "void", stake


def lines_of(market: Market) -> tuple[Fraction, Fraction]:
    line = Fraction(market.made.specifiers["line_quarters"], 4)
    apart = Fraction(0) if (line * 2).denominator == 1 else Fraction(1, 4)
    return line - apart, line + apart


def half(market: Market, selection: int, score: Score, line: Fraction) -> str:
    totals = market.made.type == "total"
    ahead = score.home + score.away - line if totals else score.home + line - score.away
    if selection == 2:
        ahead = -ahead
    return "won" if ahead > 0 else "lost" if ahead < 0 else "push"
