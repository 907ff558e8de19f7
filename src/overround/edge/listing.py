"""What operators look at: all customers, bets, transfers, refusals and markets, page by page from the tables."""

from typing import Any

import msgspec

from overround.book.bets import BetStatus
from overround.book.catalogue import MarketStatus
from overround.edge.problems import Problem
from overround.edge.reading import Reading, bet_item
from overround.edge.routes import Call, Reply
from overround.edge.sessions import Sessions
from overround.edge.values import AtText, Id, Limit, Natural, Text, Whole, at_text
from overround.edge.wallet import BetPage, Wallet
from overround.projections import DEFAULT_PAGE, ShownMarket, ShownRefusal, ShownTransfer


class CustomerItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    customer_id: int
    opened_at: AtText


class CustomerPage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Newest first. `next_cursor` leads to what is older, null at the end."""

    items: list[CustomerItem]
    next_cursor: str | None


class TransferItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`amount_minor` left the account `debit` and reached `credit`. `bet_id` of 0 is none."""

    seq: int
    n: int
    at: AtText
    debit: int
    credit: int
    amount_minor: int
    reason: str
    bet_id: int
    note: str | None


class TransferPage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Newest first. `next_cursor` leads to what is older, null at the end."""

    items: list[TransferItem]
    next_cursor: str | None


class RefusalItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A request that was refused. `actor` is a customer's id, or below zero."""

    seq: int
    at: AtText
    actor: int
    key: str
    command: str
    code: str
    detail: dict[str, int | str]


class RefusalPage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Newest first. `next_cursor` leads to what is older, null at the end."""

    items: list[RefusalItem]
    next_cursor: str | None


class MarketItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A market as the tables have it, without its selections. `settled_revision` is the last result whose every bet is
    settled, `heard` a result that is not certain enough yet, with its certainty."""

    market_id: int
    event_id: int
    type: str
    specifiers: dict[str, int]
    feed: str
    in_play: bool
    delay_ms: int
    liability_minor: int
    status: str
    reason: str
    version: int
    available: bool
    revision: int
    settled_revision: int
    result: Any
    terms: Any
    withdrawals: Any
    heard: Any


class MarketPage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Newest first. `next_cursor` leads to what is older, null at the end."""

    items: list[MarketItem]
    next_cursor: str | None


class PageQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    cursor: str | None = None
    limit: Limit = DEFAULT_PAGE
    min_seq: Natural = 0


class CustomersQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    username: Text | None = None


class AllBetsQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`placed_from_us` and `placed_before_us` are microseconds since the Unix epoch."""

    customer_id: Id | None = None
    market_id: Id | None = None
    status: BetStatus | None = None
    placed_from_us: Natural | None = None
    placed_before_us: Natural | None = None


class TransfersQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    account_id: Id | None = None


class RefusalsQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    actor: Whole | None = None
    code: Text | None = None


class MarketsQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    event_id: Id | None = None
    status: MarketStatus | None = None


def _filters(query: msgspec.Struct) -> dict[str, Any]:
    """The query's own filters, with its page."""
    return {name: value for name, value in msgspec.structs.asdict(query).items() if name != "min_seq"}


class Listing:
    """The handlers."""

    def __init__(self, reading: Reading, sessions: Sessions, wallet: Wallet) -> None:
        self._reading, self._sessions, self._wallet = reading, sessions, wallet

    async def customers(self, call: Call) -> Reply:
        query = call.query
        if query.username is not None:
            return Reply(200, await self._named(query.username, query.min_seq))
        page = await self._reading.ask(
            lambda reads: reads.customers(cursor=query.cursor, limit=query.limit), min_seq=query.min_seq
        )
        items = [CustomerItem(customer_id=row.id, opened_at=at_text(row.opened_at_us)) for row in page.rows]
        return Reply(200, CustomerPage(items=items, next_cursor=page.next))

    async def _named(self, username: str, min_seq: int) -> CustomerPage:
        """The one customer with this username, as far as the tables have it."""
        customer_id = await self._sessions.customer_of(username)
        if customer_id is None:
            return CustomerPage(items=[], next_cursor=None)
        row = await self._reading.ask(lambda reads: reads.customer(customer_id), min_seq=min_seq)
        if row is None:
            raise Problem("projection_behind")
        item = CustomerItem(customer_id=row.id, opened_at=at_text(row.opened_at_us))
        return CustomerPage(items=[item], next_cursor=None)

    async def balance(self, call: Call) -> Reply:
        return Reply(200, await self._wallet.balance_of(call.number("customer_id")))

    async def bets(self, call: Call) -> Reply:
        page = await self._reading.ask(lambda reads: reads.bets(**_filters(call.query)), min_seq=call.query.min_seq)
        return Reply(200, BetPage(items=[bet_item(row) for row in page.rows], next_cursor=page.next))

    async def transfers(self, call: Call) -> Reply:
        page = await self._reading.ask(
            lambda reads: reads.transfers(**_filters(call.query)), min_seq=call.query.min_seq
        )
        return Reply(200, TransferPage(items=[_transfer(row) for row in page.rows], next_cursor=page.next))

    async def refusals(self, call: Call) -> Reply:
        page = await self._reading.ask(lambda reads: reads.refusals(**_filters(call.query)), min_seq=call.query.min_seq)
        return Reply(200, RefusalPage(items=[_refusal(row) for row in page.rows], next_cursor=page.next))

    async def markets(self, call: Call) -> Reply:
        page = await self._reading.ask(lambda reads: reads.markets(**_filters(call.query)), min_seq=call.query.min_seq)
        return Reply(200, MarketPage(items=[_market(row) for row in page.rows], next_cursor=page.next))

    async def market(self, call: Call) -> Reply:
        row = await self._reading.ask(lambda reads: reads.market(call.number("market_id")))
        if row is None:
            raise Problem("market_not_found")
        return Reply(200, _market(row))


def _transfer(row: ShownTransfer) -> TransferItem:
    return TransferItem(
        seq=row.seq,
        n=row.n,
        at=at_text(row.at_us),
        debit=row.debit,
        credit=row.credit,
        amount_minor=row.amount_minor,
        reason=row.reason,
        bet_id=row.bet_id,
        note=row.note,
    )


def _refusal(row: ShownRefusal) -> RefusalItem:
    return RefusalItem(
        seq=row.seq,
        at=at_text(row.at_us),
        actor=row.actor,
        key=row.key,
        command=row.command,
        code=row.code,
        detail=row.detail,
    )


def _market(row: ShownMarket) -> MarketItem:
    return MarketItem(
        market_id=row.id,
        event_id=row.event_id,
        type=row.type,
        specifiers=row.specifiers,
        feed=row.feed,
        in_play=row.in_play,
        delay_ms=row.delay_us // 1_000,
        liability_minor=row.liability_minor,
        status=row.status,
        reason=row.reason,
        version=row.version,
        available=row.available,
        revision=row.revision,
        settled_revision=row.settled_revision,
        result=row.result,
        terms=row.terms,
        withdrawals=row.withdrawals,
        heard=row.heard,
    )
