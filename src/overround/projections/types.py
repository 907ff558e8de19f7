"""What the lists show: one struct a row, units last, and pages of them."""

from typing import Any, Generic, TypeVar

import msgspec


class Shown(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The base of all rows shown."""


class ShownBet(Shown, frozen=True):
    """A bet as it is. Instants of 0 mean never; `seq` is the fact that took it; `refusal` why what waited fell.

    A plain single names its selection itself. A bet of a ticket has 0 there and `legs`; what only such a bet has is
    None for a plain single. `rule` is the type of the market that decided it, `factor` what the leg there multiplies a
    line by.
    """

    id: int
    customer_id: int
    market_id: int
    selection_id: int
    currency: str
    stake_minor: int
    price_milli: int
    odds_change: str
    market_version: int
    status: str
    outcome: str | None
    payout_minor: int
    placed_at_us: int
    decide_at_us: int
    settled_at_us: int
    refusal: str | None
    key: str
    seq: int
    ticket_id: int | None
    stake_kind: str | None
    grant_id: int | None
    folds: tuple[int, ...] | None
    lines: int | None
    each_way: bool | None
    potential_minor: int | None
    cashed_stake_minor: int | None
    cashed_paid_minor: int | None
    settled_market_id: int | None
    settled_revision: int | None
    rule: str | None
    factor: tuple[int, ...] | None
    legs: "tuple[ShownLeg, ...]" = ()


class ShownLeg(Shown, frozen=True):
    """A selection of a bet: `n` is its leg from 1, `part` its part of a bet builder from 1, or 0. `price_milli` is that
    of the whole leg, 0 for the starting price; `each_way` is numerator, denominator and places."""

    bet_id: int
    n: int
    part: int
    market_id: int
    selection_id: int
    event_id: int
    price_milli: int
    each_way: tuple[int, int, int] | None
    best_odds: bool
    banker: bool
    builder_id: int
    market_version: int


class ShownReferral(Shown, frozen=True):
    """A ticket that a trader was asked about, and what it would have been refused for."""

    ticket_id: int
    customer_id: int
    currency: str
    referred_at_us: int
    code: str
    detail: dict[str, int | str]
    status: str
    decide_at_us: int
    bets: "tuple[ShownBet, ...]" = ()


class ShownCap(Shown, frozen=True):
    """What the house takes at a level, in minor units; 0 bounds nothing."""

    level: str
    id: int
    selection_id: int
    currency: str
    max_stake_minor: int
    max_payout_minor: int
    max_liability_minor: int


class ShownWindow(Shown, frozen=True):
    """A window whose bets on a market were cancelled or, where `cancelled` is false, restored."""

    market_id: int
    revision: int
    seq: int
    at_us: int
    from_us: int
    until_us: int
    reason: str
    cancelled: bool


class Line(Shown, frozen=True):
    """A line of a statement. `amount_minor` is above zero where money came in; `balance_minor` what was there after
    it; `bet_id` 0 where no bet is meant."""

    seq: int
    n: int
    at_us: int
    amount_minor: int
    reason: str
    bet_id: int
    note: str | None
    balance_minor: int


class ShownTransfer(Shown, frozen=True):
    seq: int
    n: int
    at_us: int
    debit: int
    credit: int
    amount_minor: int
    reason: str
    bet_id: int
    note: str | None


class ShownAccount(Shown, frozen=True):
    """`customer_id` of 0 is the house."""

    id: int
    customer_id: int
    kind: str
    currency: str
    balance_minor: int
    held_minor: int


class ShownCustomer(Shown, frozen=True):
    id: int
    opened_at_us: int


class ShownRefusal(Shown, frozen=True):
    seq: int
    at_us: int
    actor: int
    key: str
    command: str
    code: str
    detail: dict[str, int | str]


class ShownGrant(Shown, frozen=True):
    """What a customer was given and what became of it; `ended_at_us` of 0 is not yet."""

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


class ShownEvent(Shown, frozen=True):
    id: int
    competition_id: int
    name: str
    starts_at_us: int
    status: str
    moment: str


class ShownSelection(Shown, frozen=True):
    """`price_milli` of 0 is no price; `withdrawn_at_us` of 0 is not withdrawn."""

    id: int
    name: str
    price_milli: int
    withdrawn_at_us: int


class ShownMarket(Shown, frozen=True):
    """`available` says whether it takes bets now, which the silence of its feed ends too. `result` is the last one."""

    id: int
    event_id: int
    type: str
    specifiers: dict[str, int]
    feed: str
    in_play: bool
    delay_us: int
    liability_minor: int
    status: str
    reason: str
    version: int
    available: bool
    revision: int
    settled_revision: int
    result: msgspec.Raw | None
    terms: msgspec.Raw
    withdrawals: msgspec.Raw
    heard: msgspec.Raw | None
    selections: tuple[ShownSelection, ...]


class PricePoint(Shown, frozen=True):
    """From `at_us` on the price was this; 0 is none."""

    seq: int
    at_us: int
    price_milli: int


class StatusPoint(Shown, frozen=True):
    """From `at_us` on the market was this."""

    seq: int
    at_us: int
    status: str
    reason: str
    version: int


class LimitChange(Shown, frozen=True):
    """A limit, exclusion or terms as set. `amount_minor` is None where a limit was taken away; `until_us` 0: no end."""

    seq: int
    at_us: int
    actor: int
    customer_id: int
    currency: str
    kind: str
    amount_minor: int | None
    from_us: int
    until_us: int
    terms: dict[str, int] | None


class ShownAction(Shown, frozen=True):
    """Somebody's decision about the house, with what was before and after."""

    seq: int
    at_us: int
    actor: int
    kind: str
    subject: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]


Row = TypeVar("Row", bound=Shown)


class Page(msgspec.Struct, Generic[Row], frozen=True, kw_only=True):
    """Some rows of a list, newest first; `next` leads to the rows after them, None at the end."""

    rows: tuple[Row, ...]
    next: str | None
