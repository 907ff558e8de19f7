"""What a batch of facts does to the tables, gathered in memory before anything is written."""

from collections.abc import Sequence
from typing import Any

import msgspec

from overround.book.bets import BetStatus, Outcome
from overround.book.catalogue import CatalogueState
from overround.book.ledger import Account
from overround.kernel.fact import Fact
from overround.kernel.level import Level

Row = Sequence[object]

STATUS, OUTCOME, PAYOUT, SETTLED_AT, REFUSAL, SEQ, PRICE = 9, 10, 11, 14, 15, 18, 6
"""Where in a row of `bet` what changes stands."""


class Recorded(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A fact with its place and instant in the journal."""

    seq: int
    at_us: int
    fact: Fact


class Held(msgspec.Struct, frozen=True, gc=False):
    """What a bet in its in-play delay holds, and on which account."""

    account_id: int
    stake_minor: int


class Resulted(msgspec.Struct, gc=False):
    """What the tables know of a market beside the catalogue: its result as JSON, the revision that is settled, and a
    result that is not certain enough, with its certainty, as JSON."""

    result: str | None = None
    settled_revision: int = 0
    heard: str | None = None


class Known(msgspec.Struct):
    """The rows that a batch reads, taken from the tables first. `catalogue` holds the part of it that is touched."""

    accounts: dict[int, Account] = {}
    cash: dict[tuple[int, str], int] = {}
    held: dict[int, Held] = {}
    catalogue: CatalogueState = msgspec.field(default_factory=CatalogueState)
    resulted: dict[int, Resulted] = {}


class Changes(msgspec.Struct):
    """New rows by table; for what changes later the keys of the rows touched, whose content is in `Known`.

    `opened` are the accounts among those touched that are new. `bets` holds new bets as rows, `decided` delayed bets of
    earlier batches whose delay is over, `settled` bets of earlier batches that were settled.
    """

    customers: list[Row] = []
    opened: list[int] = []
    accounts: set[int] = set()
    bets: dict[int, list[Any]] = {}
    decided: dict[int, tuple[BetStatus, int | None, int | None, str | None]] = {}
    settled: dict[int, tuple[Outcome, int, int]] = {}
    transfers: list[Row] = []
    refusals: list[Row] = []
    sports: set[int] = set()
    competitions: set[int] = set()
    events: set[int] = set()
    markets: set[int] = set()
    selections: dict[tuple[int, int], None] = {}
    feeds: set[str] = set()
    prices: list[Row] = []
    statuses: list[Row] = []
    results: list[Row] = []
    limits: list[Row] = []
    actions: list[Row] = []
    controls: dict[tuple[Level, int], None] = {}
