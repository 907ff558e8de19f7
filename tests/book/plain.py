"""What the twin is made of: what it remembers, and what needs no memory: windows and halving."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from overround.book.machine import commands as c
from overround.book.settlement import Result

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
    withdrawn: list[tuple[int, int, int]] = field(default_factory=list)
    heard: tuple[Result, int] | None = None
    certainty: int = 2
    delays: dict[str, int] = field(default_factory=dict)

    def is_withdrawn(self, selection: int) -> bool:
        return selection in [gone[0] for gone in self.withdrawn]

    def offered(self, selection: int, now: int) -> int:
        """A hand's price until its end, else the feed's, and nothing while the selection is stopped or withdrawn."""
        price, until = self.overrides.get(selection, (0, 0))
        off = selection in self.stopped or self.is_withdrawn(selection)
        return 0 if off else price if until > now else self.prices[selection]


@dataclass
class Event:
    id: int
    competition: int = 0
    status: str = "scheduled"
    markets: list[Market] = field(default_factory=list)
    moment: str = "normal"


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
