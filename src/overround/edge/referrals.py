"""What operators look at about tickets: referrals that wait for them, caps, and windows of cancelled bets."""

import msgspec

from overround.edge.listing import PageQuery
from overround.edge.reading import BetItem, Reading, bet_item
from overround.edge.routes import Call, Reply
from overround.edge.values import AtText, Id, Natural, at_text
from overround.kernel.level import Level
from overround.projections import ShownCap, ShownReferral, ShownWindow


class ReferralItem(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket that a trader was asked about: what it would have been refused for, with its numbers, and its bets.
    `referred` waits for the trader, `offered` for the customer, both until `decide_at`."""

    ticket_id: int
    customer_id: int
    currency: str
    status: str
    code: str
    detail: dict[str, int | str]
    referred_at: AtText
    decide_at: AtText
    bets: tuple[BetItem, ...]


class ReferralPage(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first. `next_cursor` leads to what is older, null at the end."""

    items: list[ReferralItem]
    next_cursor: str | None


class CapItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the house takes at a level, in minor units; 0 bounds nothing."""

    level: Level
    id: int
    selection_id: int
    currency: str
    max_stake_minor: int
    max_payout_minor: int
    max_liability_minor: int


class CapsBody(msgspec.Struct, frozen=True, kw_only=True):
    """Every cap that bounds something, up to 10,000."""

    items: list[CapItem]


class WindowItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A window whose bets on a market were cancelled or, where `cancelled` is false, restored. `from_us` and `until_us`
    are microseconds since the Unix epoch."""

    market_id: int
    revision: int
    seq: int
    at: AtText
    from_us: int
    until_us: int
    reason: str
    cancelled: bool


class WindowPage(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first. `next_cursor` leads to what is older, null at the end."""

    items: list[WindowItem]
    next_cursor: str | None


class ReferralsQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Those that wait for somebody, or all."""

    waiting: bool = True


class WindowsQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    market_id: Id | None = None


class CapsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    min_seq: Natural = 0


class Referrals:
    """The handlers."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def referrals(self, call: Call) -> Reply:
        query: ReferralsQuery = call.query
        page = await self._reading.ask(
            lambda reads: reads.referrals(waiting=query.waiting, cursor=query.cursor, limit=query.limit),
            min_seq=query.min_seq,
        )
        return Reply(200, ReferralPage(items=[_referral(row) for row in page.rows], next_cursor=page.next))

    async def caps(self, call: Call) -> Reply:
        rows = await self._reading.ask(lambda reads: reads.caps(), min_seq=call.query.min_seq)
        return Reply(200, CapsBody(items=[_cap(row) for row in rows]))

    async def windows(self, call: Call) -> Reply:
        query: WindowsQuery = call.query
        page = await self._reading.ask(
            lambda reads: reads.windows(market_id=query.market_id, cursor=query.cursor, limit=query.limit),
            min_seq=query.min_seq,
        )
        return Reply(200, WindowPage(items=[_window(row) for row in page.rows], next_cursor=page.next))


def _referral(row: ShownReferral) -> ReferralItem:
    return ReferralItem(
        ticket_id=row.ticket_id,
        customer_id=row.customer_id,
        currency=row.currency,
        status=row.status,
        code=row.code,
        detail=row.detail,
        referred_at=at_text(row.referred_at_us),
        decide_at=at_text(row.decide_at_us),
        bets=tuple(map(bet_item, row.bets)),
    )


def _cap(row: ShownCap) -> CapItem:
    return CapItem(
        level=Level(row.level),
        id=row.id,
        selection_id=row.selection_id,
        currency=row.currency,
        max_stake_minor=row.max_stake_minor,
        max_payout_minor=row.max_payout_minor,
        max_liability_minor=row.max_liability_minor,
    )


def _window(row: ShownWindow) -> WindowItem:
    return WindowItem(
        market_id=row.market_id,
        revision=row.revision,
        seq=row.seq,
        at=at_text(row.at_us),
        from_us=row.from_us,
        until_us=row.until_us,
        reason=row.reason,
        cancelled=row.cancelled,
    )
