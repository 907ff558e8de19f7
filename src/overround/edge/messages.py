"""What goes over the stream: JSON objects with an `op`, one in a WebSocket message."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from overround.edge.catalogue import EventBody, MarketBody
from overround.edge.slips import SlipShown
from overround.edge.values import Id, Natural, Text
from overround.edge.wallet import BalanceBody

MAX_MARKETS: Final = 200
MAX_EVENTS: Final = 20
MAX_CONFLATE_MS: Final = 5_000
DEFAULT_CONFLATE_MS: Final = 50
MAX_MESSAGE_BYTES: Final = 64 * 1024

INTERVALS_MS: Final = (0, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
"""The conflation that there is; what is asked for is rounded down to one of these."""


class Incoming(msgspec.Struct, frozen=True, kw_only=True, tag_field="op", tag=str.lower, forbid_unknown_fields=True):
    """The base of what clients send."""


class Auth(Incoming, frozen=True):
    """Where neither the Authorization header nor `?token=` could be given."""

    token: Annotated[str, Meta(max_length=200)]


class Subscribe(Incoming, frozen=True):
    """Add to what this connection hears. With `seq`, only markets that changed after it come as images. `referrals` are
    for operators."""

    id: Text = ""
    markets: Annotated[tuple[Id, ...], Meta(max_length=MAX_MARKETS)] = ()
    events: Annotated[tuple[Id, ...], Meta(max_length=MAX_EVENTS)] = ()
    bets: bool = False
    balance: bool = False
    referrals: bool = False
    conflate_ms: Annotated[int, Meta(ge=0, le=MAX_CONFLATE_MS)] | None = None
    seq: Natural | None = None


class Unsubscribe(Incoming, frozen=True):
    """Take away from it."""

    id: Text = ""
    markets: Annotated[tuple[Id, ...], Meta(max_length=MAX_MARKETS)] = ()
    events: Annotated[tuple[Id, ...], Meta(max_length=MAX_EVENTS)] = ()
    bets: bool = False
    balance: bool = False
    referrals: bool = False


decode = msgspec.json.Decoder(Auth | Subscribe | Unsubscribe).decode


class Outgoing(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag_field="op", tag=str.lower):
    """The base of what the gateway sends, beside `delta`."""


class Authenticated(Outgoing, frozen=True):
    customer_id: int | None = None


class Subscribed(Outgoing, frozen=True):
    """What was asked for is heard from `seq` on. Images follow."""

    id: str
    seq: int


class Unsubscribed(Outgoing, frozen=True):
    id: str


class Image(Outgoing, frozen=True):
    """A market, whole. `seq` is its last change."""

    seq: int
    market: MarketBody


class Event(Outgoing, frozen=True):
    """An event that this connection hears began, ended or moved."""

    seq: int
    event: EventBody


class Bet(Outgoing, frozen=True):
    """Something happened to one of the customer's own bets. Absent is as it was."""

    seq: int
    at_ms: int
    bet_id: int
    status: str
    market_id: int | None = None
    selection_id: int | None = None
    currency: str | None = None
    stake_minor: int | None = None
    price_milli: int | None = None
    decide_at_ms: int | None = None
    outcome: str | None = None
    payout_minor: int | None = None
    code: str | None = None


class CashOut(Outgoing, frozen=True, tag="cash_out"):
    """Something happened to a cash-out of one of the customer's own bets: `paid`, `waiting` or `refused`. At 0
    `running_minor` the bet is over. Absent is as it was."""

    seq: int
    at_ms: int
    quote_id: int
    bet_id: int
    status: str
    stake_minor: int | None = None
    amount_minor: int | None = None
    running_minor: int | None = None
    by_rule: bool | None = None
    decide_at_ms: int | None = None
    code: str | None = None


class Ticket(Outgoing, frozen=True):
    """Something happened to one of the customer's own tickets: `open` is taken; `delayed`, `referred` and `offered`
    wait until `decide_at_ms`; `refused` says why. `bets` are on the terms that hold then."""

    seq: int
    at_ms: int
    ticket_id: int
    status: str
    currency: str | None = None
    bets: tuple[SlipShown, ...] = ()
    decide_at_ms: int | None = None
    code: str | None = None
    detail: dict[str, int | str] = {}


class Referral(Outgoing, frozen=True):
    """A ticket waits for a trader (`referred`, with what it would have been refused for) or for the customer
    (`offered`), or waits no longer (`accepted`, `refused`)."""

    seq: int
    at_ms: int
    ticket_id: int
    customer_id: int
    status: str
    currency: str | None = None
    code: str | None = None
    detail: dict[str, int | str] = {}
    bets: tuple[SlipShown, ...] = ()
    decide_at_ms: int | None = None


class Grant(Outgoing, frozen=True):
    """Something was given to the customer, taken back, or ended: `granted`, `revoked`, `released` or `expired`. List
    grants to see it whole."""

    seq: int
    at_ms: int
    grant_id: int
    status: str


class Balance(Outgoing, frozen=True):
    """The customer's wallets, as they are."""

    seq: int
    balance: BalanceBody


class Missed(Outgoing, frozen=True):
    """This connection reads too slowly to hear of each of its bets: list them, at least as of `seq`."""

    of: str
    seq: int


class Heartbeat(Outgoing, frozen=True):
    """All changes up to `seq` were told."""

    seq: int
    at_ms: int


class Stale(Outgoing, frozen=True):
    """The gateway is cut off: prices may be old. Nothing about markets comes until `live`."""

    since_ms: int


class Live(Outgoing, frozen=True):
    """All changes up to `seq` were told, and news comes again."""

    seq: int


class Error(Outgoing, frozen=True):
    """`closes` says whether the connection ends with it. `code` is of the table in docs/api/errors.md."""

    code: str
    closes: bool
    title: str
    id: str = ""
    numbers: dict[str, Any] = {}


encode = msgspec.json.Encoder().encode
