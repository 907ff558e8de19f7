"""What the edges ask the tables. Every list is newest first, in pages of at most `MAX_PAGE`, by keyset: a page costs
the same however far down it lies, and rows that arrive meanwhile shift nothing."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from overround.book.bets import BetStatus
from overround.book.catalogue import Market, MarketStatus, Selection
from overround.book.promotions import GrantStatus
from overround.book.settlement import Result
from overround.book.tickets import MAX_BETS
from overround.projections import cursor as cursors
from overround.projections import tables
from overround.projections.barrier import Barrier
from overround.projections.cursor import DEFAULT_PAGE, MAX_PAGE
from overround.projections.exchange_reads import ExchangeReads
from overround.projections.offer import MARKET as COLUMNS
from overround.projections.offer import SELECTION, market_of
from overround.projections.query import Query
from overround.projections.types import (
    LimitChange,
    Line,
    Page,
    PricePoint,
    Row,
    ShownAccount,
    ShownAction,
    ShownBet,
    ShownCap,
    ShownCustomer,
    ShownEvent,
    ShownGrant,
    ShownLeg,
    ShownMarket,
    ShownReferral,
    ShownRefusal,
    ShownSelection,
    ShownTransfer,
    ShownWindow,
    StatusPoint,
)

if TYPE_CHECKING:
    from asyncpg import Pool, Record

BET = (
    "SELECT id, customer_id, market_id, selection_id, currency, stake_minor, price_milli, odds_change, market_version,"
    " status, outcome, payout_minor, placed_at_us, decide_at_us, settled_at_us, refusal, key::text AS key, seq,"
    " ticket_id, stake_kind, grant_id, folds, lines, each_way, potential_minor, cashed_stake_minor, cashed_paid_minor,"
    " settled_market_id, settled_revision, factor,"
    " (SELECT type FROM read.market WHERE market.id = settled_market_id) AS rule FROM read.bet"
)
LEG = tables.BET_LEG.select
REFERRAL = tables.REFERRAL.select
CAP = tables.CAP.select
WINDOW = tables.BET_WINDOW.select
TRANSFER = "SELECT seq, n, at_us, debit, credit, amount_minor, reason, ref AS bet_id, note FROM read.transfer"
LINE = (
    "SELECT seq, n, at_us, CASE WHEN credit = account_id THEN amount_minor ELSE -amount_minor END AS amount_minor,"
    " reason, ref AS bet_id, note, balance_minor FROM read.transfer"
)
MARKET = (
    "SELECT id, event_id, type, specifiers, feed, in_play, delay_us, liability_minor, status, reason, version,"
    " available, revision, settled_revision, result, terms, withdrawals, heard FROM read.market_now"
)

ON_MARKET = "(market_id = {0} OR id IN (SELECT bet_id FROM read.bet_leg WHERE bet_leg.market_id = {0}))"

MAX_CAPS: Final = 10_000
"""Caps shown at once."""

Shape = TypeVar("Shape", bound=msgspec.Struct)


_result = msgspec.json.Decoder(Result).decode


class Reads:
    """The questions, on a pool of connections; `exchange` has its own. `wait_for` is the barrier for reading one's own
    writes."""

    def __init__(self, pool: "Pool[Record]") -> None:
        self._pool = pool
        self.wait_for = Barrier(pool).wait_for
        self.exchange = ExchangeReads(pool)

    async def bet(self, bet_id: int, *, customer_id: int | None = None) -> ShownBet | None:
        """A bet by id; with a customer, only that customer's own."""
        query = Query(BET).where("id = {}", bet_id).where("customer_id = {}", customer_id)
        return await self._bet(query)

    async def bet_by_key(self, key: str, *, customer_id: int) -> ShownBet | None:
        """The bet that a customer placed with a key (a UUID)."""
        query = Query(BET).where("key = {}::text::uuid", key)
        query.where("customer_id = {0} AND actor = {0}", customer_id)
        return await self._bet(query.order("id"))

    async def _bet(self, query: Query) -> ShownBet | None:
        bet = await self._one(query, ShownBet)
        return (await self._with_legs((bet,)))[0] if bet is not None else None

    async def _with_legs(self, bets: Sequence[ShownBet]) -> tuple[ShownBet, ...]:
        """Bets with the legs of those that are of tickets."""
        of_tickets = [bet.id for bet in bets if bet.ticket_id is not None]
        if not of_tickets:
            return tuple(bets)
        query = Query(LEG).where("bet_id = ANY({})", of_tickets).order("bet_id, n, part")
        legs: dict[int, list[ShownLeg]] = {}
        for leg in await self._all(query, ShownLeg):
            legs.setdefault(leg.bet_id, []).append(leg)
        return tuple(msgspec.structs.replace(bet, legs=tuple(legs[bet.id])) if bet.id in legs else bet for bet in bets)

    async def ticket(self, ticket_id: int, *, customer_id: int | None = None) -> tuple[ShownBet, ...]:
        """The bets of a ticket, in its order; none where there is no such ticket, or it is somebody else's."""
        query = Query(BET).where("id BETWEEN {0} AND {1}", ticket_id, ticket_id + MAX_BETS - 1)
        query.where("ticket_id = {}", ticket_id).where("customer_id = {}", customer_id)
        return await self._with_legs(await self._all(query.order("id"), ShownBet))

    async def referrals(
        self, *, waiting: bool = True, cursor: str | None = None, limit: int = DEFAULT_PAGE
    ) -> Page[ShownReferral]:
        """Tickets that traders were asked about, with their bets: those that wait, or all. Raises InvalidCursor."""
        query = Query(REFERRAL).where("ticket_id < {}", *cursors.before(cursor, "referrals", width=1))
        if waiting:
            query.where("status IN ('referred', 'offered')")
        page = await self._page(
            query.order("ticket_id DESC"), ShownReferral, limit, lambda row: ("referrals", row.ticket_id)
        )
        bets = await self._tickets([row.ticket_id for row in page.rows])
        rows = tuple(msgspec.structs.replace(row, bets=tuple(bets.get(row.ticket_id, ()))) for row in page.rows)
        return Page(rows=rows, next=page.next)

    async def _tickets(self, ticket_ids: list[int]) -> dict[int, list[ShownBet]]:
        """The bets of some tickets, by ticket."""
        found: dict[int, list[ShownBet]] = {}
        if not ticket_ids:
            return found
        query = Query(BET).where("ticket_id = ANY({})", ticket_ids)
        query.where("id BETWEEN {} AND {}", min(ticket_ids), max(ticket_ids) + MAX_BETS - 1)
        for bet in await self._with_legs(await self._all(query.order("id"), ShownBet)):
            if bet.ticket_id is not None:
                found.setdefault(bet.ticket_id, []).append(bet)
        return found

    async def caps(self) -> tuple[ShownCap, ...]:
        """Every cap that bounds something, by level."""
        query = Query(CAP).where("(max_stake_minor > 0 OR max_payout_minor > 0 OR max_liability_minor > 0)")
        return await self._all(query.order("level, id, selection_id, currency").limit(MAX_CAPS), ShownCap)

    async def windows(
        self, *, market_id: int | None = None, cursor: str | None = None, limit: int = DEFAULT_PAGE
    ) -> Page[ShownWindow]:
        """Windows whose bets were cancelled or restored. Raises InvalidCursor."""
        query = Query(WINDOW).where("market_id = {}", market_id)
        query.where("seq < {}", *cursors.before(cursor, "windows", width=1)).order("seq DESC")
        return await self._page(query, ShownWindow, limit, lambda row: ("windows", row.seq))

    async def bets(
        self,
        *,
        customer_id: int | None = None,
        status: BetStatus | None = None,
        market_id: int | None = None,
        placed_from_us: int | None = None,
        placed_before_us: int | None = None,
        cursor: str | None = None,
        limit: int = DEFAULT_PAGE,
    ) -> Page[ShownBet]:
        """Bets, of one customer or of all. Raises InvalidCursor."""
        query = Query(BET).where("id < {}", *cursors.before(cursor, "bets", width=1))
        query.where("customer_id = {}", customer_id).where("status = {}", status).where(ON_MARKET, market_id)
        query.where("id >= (SELECT read.first_bet({}))", placed_from_us)
        query.where("id < (SELECT read.first_bet({}))", placed_before_us)
        page = await self._page(query.order("id DESC"), ShownBet, limit, lambda row: ("bets", row.id))
        return Page(rows=await self._with_legs(page.rows), next=page.next)

    async def statement(self, account_id: int, *, cursor: str | None = None, limit: int = DEFAULT_PAGE) -> Page[Line]:
        """Every movement of a customer's account, with the balance after it. Raises InvalidCursor."""
        query = Query(LINE).where("account_id = {}", account_id)
        query.where("(seq, n) < ({}, {}::bigint)", *cursors.before(cursor, "statement", width=2))
        return await self._page(query.order("seq DESC, n DESC"), Line, limit, lambda row: ("statement", row.seq, row.n))

    async def accounts(self, customer_id: int) -> tuple[ShownAccount, ...]:
        """A customer's accounts, or those of the house for 0."""
        query = Query("SELECT id, customer_id, kind, currency, balance_minor, held_minor FROM read.account")
        return await self._all(query.where("customer_id = {}", customer_id).order("id"), ShownAccount)

    async def cash_account(self, customer_id: int, currency: str) -> ShownAccount | None:
        """The account of a customer's cash, whose statement is the customer's."""
        query = Query("SELECT id, customer_id, kind, currency, balance_minor, held_minor FROM read.account")
        query.where("customer_id = {}", customer_id).where("currency = {} AND kind = 'cash'", currency)
        return await self._one(query, ShownAccount)

    async def customer(self, customer_id: int) -> ShownCustomer | None:
        return await self._one(
            Query("SELECT id, opened_at_us FROM read.customer").where("id = {}", customer_id), ShownCustomer
        )

    async def customers(self, *, cursor: str | None = None, limit: int = DEFAULT_PAGE) -> Page[ShownCustomer]:
        query = Query("SELECT id, opened_at_us FROM read.customer")
        query.where("id < {}", *cursors.before(cursor, "customers", width=1)).order("id DESC")
        return await self._page(query, ShownCustomer, limit, lambda row: ("customers", row.id))

    async def transfers(
        self, *, account_id: int | None = None, cursor: str | None = None, limit: int = DEFAULT_PAGE
    ) -> Page[ShownTransfer]:
        """All movements of money, or those on one customer's account. Raises InvalidCursor."""
        query = Query(TRANSFER).where("account_id = {}", account_id)
        query.where("(seq, n) < ({}, {}::bigint)", *cursors.before(cursor, "transfers", width=2))
        query.order("seq DESC, n DESC")
        return await self._page(query, ShownTransfer, limit, lambda row: ("transfers", row.seq, row.n))

    async def grants(
        self,
        *,
        customer_id: int | None = None,
        status: GrantStatus | None = None,
        cursor: str | None = None,
        limit: int = DEFAULT_PAGE,
    ) -> Page[ShownGrant]:
        """Everything that customers were given. Raises InvalidCursor."""
        query = Query(tables.GRANT.select).where("customer_id = {}", customer_id).where("status = {}", status)
        query.where("id < {}", *cursors.before(cursor, "grants", width=1)).order("id DESC")
        return await self._page(query, ShownGrant, limit, lambda row: ("grants", row.id))

    async def refusals(
        self,
        *,
        actor: int | None = None,
        code: str | None = None,
        cursor: str | None = None,
        limit: int = DEFAULT_PAGE,
    ) -> Page[ShownRefusal]:
        """Requests that were refused. Raises InvalidCursor."""
        query = Query("SELECT seq, at_us, actor, key::text AS key, command, code, detail FROM read.refusal")
        query.where("actor = {}", actor).where("code = {}", code)
        query.where("seq < {}", *cursors.before(cursor, "refusals", width=1)).order("seq DESC")
        return await self._page(query, ShownRefusal, limit, lambda row: ("refusals", row.seq))

    async def events(
        self, *, competition_id: int | None = None, cursor: str | None = None, limit: int = DEFAULT_PAGE
    ) -> Page[ShownEvent]:
        query = Query("SELECT id, competition_id, name, starts_at_us, status, moment FROM read.event")
        query.where("competition_id = {}", competition_id)
        query.where("id < {}", *cursors.before(cursor, "events", width=1)).order("id DESC")
        return await self._page(query, ShownEvent, limit, lambda row: ("events", row.id))

    async def markets(
        self,
        *,
        event_id: int | None = None,
        status: MarketStatus | None = None,
        cursor: str | None = None,
        limit: int = DEFAULT_PAGE,
    ) -> Page[ShownMarket]:
        """Markets without their selections. Raises InvalidCursor."""
        query = Query(MARKET).where("event_id = {}", event_id).where("status = {}", status)
        query.where("id < {}", *cursors.before(cursor, "markets", width=1)).order("id DESC")
        return await self._page(query, ShownMarket, limit, lambda row: ("markets", row.id))

    async def market(self, market_id: int) -> ShownMarket | None:
        """A market with its selections."""
        market = await self._one(Query(MARKET).where("id = {}", market_id), ShownMarket)
        if market is None:
            return None
        query = Query("SELECT id, name, price_milli, withdrawn_at_us FROM read.selection").where(
            "market_id = {}", market_id
        )
        selections = await self._all(query.order("id"), ShownSelection)
        return msgspec.structs.replace(market, selections=selections)

    async def settled(self, market_ids: Sequence[int]) -> tuple[dict[int, Market], dict[int, Result]]:
        """Markets as the machine had them, and their results."""
        wanted = list(market_ids)
        rows = await self._pool.fetch(f"SELECT {COLUMNS}, result FROM read.market WHERE id = ANY($1)", wanted)  # noqa: S608  # our own words
        markets = {row["id"]: market_of(row) for row in rows}
        results = {row["id"]: _result(row["result"]) for row in rows if row["result"] is not None}
        chosen = f"SELECT {SELECTION} FROM read.selection WHERE market_id = ANY($1) ORDER BY market_id, id"  # noqa: S608  # our own words
        for market_id, *rest in await self._pool.fetch(chosen, wanted):
            markets[market_id].selections[rest[0]] = Selection(*rest)
        return markets, results

    async def price_history(
        self, market_id: int, selection_id: int, *, cursor: str | None = None, limit: int = DEFAULT_PAGE
    ) -> Page[PricePoint]:
        query = Query("SELECT seq, at_us, price_milli FROM read.price_history")
        query.where("market_id = {}", market_id).where("selection_id = {}", selection_id)
        query.where("seq < {}", *cursors.before(cursor, "prices", width=1)).order("seq DESC")
        return await self._page(query, PricePoint, limit, lambda row: ("prices", row.seq))

    async def status_history(
        self, market_id: int, *, cursor: str | None = None, limit: int = DEFAULT_PAGE
    ) -> Page[StatusPoint]:
        query = Query("SELECT seq, at_us, status, reason, version FROM read.market_status_history")
        query.where("market_id = {}", market_id)
        query.where("seq < {}", *cursors.before(cursor, "statuses", width=1)).order("seq DESC")
        return await self._page(query, StatusPoint, limit, lambda row: ("statuses", row.seq))

    async def limit_changes(
        self, customer_id: int, *, cursor: str | None = None, limit: int = DEFAULT_PAGE
    ) -> Page[LimitChange]:
        """What limits of a customer were set, or terms of the house for 0."""
        query = Query(
            "SELECT seq, at_us, actor, customer_id, currency, kind, amount_minor, from_us, until_us, terms"
            " FROM read.limit_change"
        )
        query.where("customer_id = {}", customer_id)
        query.where("seq < {}", *cursors.before(cursor, "limits", width=1)).order("seq DESC")
        return await self._page(query, LimitChange, limit, lambda row: ("limits", row.seq))

    async def actions(
        self,
        *,
        actor: int | None = None,
        kind: str | None = None,
        cursor: str | None = None,
        limit: int = DEFAULT_PAGE,
    ) -> Page[ShownAction]:
        """What operators decided. Raises InvalidCursor."""
        query = Query("SELECT seq, at_us, actor, kind, subject, before, after FROM read.operator_action")
        query.where("actor = {}", actor).where("kind = {}", kind)
        query.where("seq < {}", *cursors.before(cursor, "actions", width=1)).order("seq DESC")
        return await self._page(query, ShownAction, limit, lambda row: ("actions", row.seq))

    async def _page(
        self, query: Query, shape: type[Row], limit: int, place: Callable[[Row], tuple[str, *tuple[int, ...]]]
    ) -> Page[Row]:
        limit = max(1, min(limit, MAX_PAGE))
        rows = await self._all(query.limit(limit + 1), shape)
        shown = rows[:limit]
        return Page(rows=shown, next=cursors.encode(*place(shown[-1])) if len(rows) > limit else None)

    async def _all(self, query: Query, shape: type[Shape]) -> tuple[Shape, ...]:
        return tuple(_shapes(await self._pool.fetch(query.text, *query.values), shape))

    async def _one(self, query: Query, shape: type[Shape]) -> Shape | None:
        rows = await self._all(query.limit(1), shape)
        return rows[0] if rows else None


def _shapes(records: Iterable["Record"], shape: type[Shape]) -> Iterable[Shape]:
    """Rows as structs. JSON columns arrive as text."""
    opened = OPENED.get(shape, {})
    for record in records:
        row = dict(record.items())
        for column, kind in opened.items():
            if row[column] is not None:
                row[column] = msgspec.json.decode(row[column], type=kind)
        if shape is ShownMarket:
            row["selections"] = ()
        yield shape(**row)


OPENED: dict[type[msgspec.Struct], dict[str, object]] = {
    ShownBet: {"folds": tuple[int, ...], "factor": tuple[int, ...]},
    ShownLeg: {"each_way": tuple[int, int, int]},
    ShownReferral: {"detail": dict[str, int | str]},
    ShownRefusal: {"detail": dict[str, int | str]},
    ShownMarket: {
        "specifiers": dict[str, int],
        "result": msgspec.Raw,
        "terms": msgspec.Raw,
        "withdrawals": msgspec.Raw,
        "heard": msgspec.Raw,
    },
    LimitChange: {"terms": dict[str, int]},
    ShownAction: {"subject": dict[str, Any], "before": dict[str, Any], "after": dict[str, Any]},
}
