"""What a batch of facts does to the tables, gathered in memory before anything is written."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from overround.book.bets import BetStatus, Outcome
from overround.book.catalogue import CatalogueState
from overround.book.exchange import ExchangeMarket
from overround.book.ledger import Account, AccountKind
from overround.kernel.fact import Fact
from overround.kernel.level import Level
from overround.projections import tables
from overround.projections.exchange_rows import ExchangeChanges, ExchangeOrder, ExchangeTrade

Row = Sequence[object]

COLUMN: Final = {name: place for place, name in enumerate(tables.BET.columns)}
"""Where in a row of `bet` each column stands."""

LegKey = tuple[int, int, int]
"""The bet, the leg in it from 1, and the part of a bet builder from 1, or 0."""

Scope = tuple[Level, int, int, str]
"""What a cap is on: level, id, selection and currency."""

Settled = tuple[BetStatus, Outcome | None, int, int, int | None, int | None, str | None]
"""What settlement made of a bet: status, outcome, payout, when, by which market and revision, and the leg's factor."""


class Recorded(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A fact with its place and instant in the journal."""

    seq: int
    at_us: int
    fact: Fact


class Held(msgspec.Struct, frozen=True, gc=False):
    """What a waiting bet holds, and on which account; 0 where the house gives the stake."""

    account_id: int
    stake_minor: int


class Decided(msgspec.Struct, gc=False):
    """What is different on a bet of an earlier batch that waited; None is as it was."""

    status: BetStatus | None = None
    price_milli: int | None = None
    seq: int | None = None
    refusal: str | None = None
    stake_minor: int | None = None
    potential_minor: int | None = None
    decide_at_us: int | None = None


class Sold(msgspec.Struct, gc=False):
    """What was cashed out of a bet beside what was before: stake, price, and the status where nothing runs any
    more."""

    stake_minor: int = 0
    paid_minor: int = 0
    status: BetStatus | None = None


class Referral(msgspec.Struct, gc=False):
    """A row of `referral`, in the order of its columns."""

    ticket_id: int
    customer_id: int
    currency: str
    referred_at_us: int
    code: str
    detail: str
    status: str
    decide_at_us: int


class GrantRow(msgspec.Struct, gc=False):
    """A row of `grant`, in the order of its columns."""

    id: int
    customer_id: int
    currency: str
    kind: str
    amount_minor: int
    min_price_milli: int
    percent_bps: int
    required_minor: int
    wagered_minor: int
    status: str
    granted_at_us: int
    expires_at_us: int
    ended_at_us: int
    note: str
    actor: int
    seq: int


class Wager(msgspec.Struct, gc=False):
    """What grants ask of a bet that is settled; `price_milli` is the lowest of its legs."""

    customer_id: int
    currency: str
    stake_kind: str
    grant_id: int
    placed_at_us: int
    decide_at_us: int
    running_minor: int
    status: str
    outcome: str | None
    price_milli: int


class Resulted(msgspec.Struct, gc=False):
    """What the tables know of a market beside the catalogue: its result as JSON, the revision that is settled, and a
    result that is not certain enough, with its certainty, as JSON."""

    result: str | None = None
    settled_revision: int = 0
    heard: str | None = None


class Carried(msgspec.Struct):
    """What is taken from one batch to the next, which saves reading it: accounts, and orders that may still change."""

    accounts: dict[int, Account] = {}
    orders: dict[int, ExchangeOrder] = {}


class Known(msgspec.Struct):
    """The rows that a batch reads, taken from the tables first. `catalogue` and `exchange` hold the part of it that is
    touched; markets in `exchange` have neither positions nor trades. `bonuses` are those of `grants` that run; `wagers`
    are bets of earlier batches which are settled and may change a grant."""

    accounts: dict[int, Account] = {}
    wallets: dict[tuple[int, str, AccountKind], int] = {}
    held: dict[int, Held] = {}
    tickets: dict[int, list[int]] = {}
    referrals: dict[int, Referral] = {}
    grants: dict[int, GrantRow] = {}
    bonuses: dict[tuple[int, str], GrantRow] = {}
    wagers: dict[int, Wager] = {}
    catalogue: CatalogueState = msgspec.field(default_factory=CatalogueState)
    resulted: dict[int, Resulted] = {}
    orders: dict[int, ExchangeOrder] = {}
    trades: dict[int, ExchangeTrade] = {}
    exchange: dict[int, ExchangeMarket] = {}


class Changes(msgspec.Struct):
    """New rows by table; for what changes later the keys of the rows touched, whose content is in `Known`.

    `opened` are the accounts among those touched that are new. `bets` holds new bets as rows, `decided` waiting bets of
    earlier batches of which something was decided, `settled` bets of earlier batches that were settled or opened again.
    `cashed` is what was sold of bets of earlier batches. `legs` are those of new bets, `repriced` those of bets of
    earlier batches.
    """

    customers: list[Row] = []
    opened: list[int] = []
    accounts: set[int] = set()
    bets: dict[int, list[Any]] = {}
    decided: dict[int, Decided] = {}
    settled: dict[int, Settled] = {}
    cashed: dict[int, Sold] = {}
    legs: dict[LegKey, Row] = {}
    repriced: dict[LegKey, Row] = {}
    referrals: dict[int, Referral] = {}
    grants: set[int] = set()
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
    caps: dict[Scope, Row] = {}
    windows: list[Row] = []
    builders: list[Row] = []
    cash_outs: list[Row] = []
    exchange: ExchangeChanges = msgspec.field(default_factory=ExchangeChanges)
