"""Asking the tables: with a deadline, at least as far as a sequence, and with their troubles as problems."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from itertools import groupby
from typing import TYPE_CHECKING, Final, TypeVar

import asyncpg
import msgspec

from overround.book.ledger import StakeKind
from overround.edge.live import MAX_AHEAD, Live
from overround.edge.problems import Problem
from overround.edge.slips import EachWayShown, LegShown, PartShown
from overround.edge.values import AtText, at_text, at_text_or_none
from overround.projections import InvalidCursor, ProjectionBehind, Reads, ShownBet, ShownLeg

if TYPE_CHECKING:
    from asyncpg import Pool, Record

UNREACHABLE: Final = (
    OSError,
    EOFError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.InternalClientError,
)
"""The database cannot be reached, is full, starting or stopping. Anything else that it says is a fault of ours."""

READ_WITHIN_S: Final = 5.0
BEHIND_WITHIN_S: Final = 2.0

log = logging.getLogger(__name__)

Found = TypeVar("Found")


class Reading:
    """The tables' questions, for handlers. Reads may be cut off: nothing is written here."""

    def __init__(self, pool: "Pool[Record]", live: Live) -> None:
        self._reads, self._live = Reads(pool), live

    async def ask(self, question: Callable[[Reads], Awaitable[Found]], *, min_seq: int = 0) -> Found:
        """Raises Problem: projection_behind, cursor_invalid, unavailable."""
        if min_seq > self._live.seq + MAX_AHEAD:
            raise Problem("projection_behind", seq=self._live.seq)
        try:
            async with asyncio.timeout(READ_WITHIN_S):
                if min_seq:
                    await self._reads.wait_for(min_seq, within_s=BEHIND_WITHIN_S)
                return await question(self._reads)
        except ProjectionBehind as behind:
            raise Problem("projection_behind", seq=behind.reached) from None
        except InvalidCursor:
            raise Problem("cursor_invalid") from None
        except UNREACHABLE as lost:
            log.warning("the tables cannot be read: %s: %s", type(lost).__name__, lost)
            raise Problem("unavailable") from None


class WhySettled(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why a bet pays what it pays: the market whose result decided it, the rule by which (its type), the revision of
    that result, and what the leg there multiplies a line by: exact fractions, of the win part and of the place part."""

    market_id: int
    rule: str
    revision: int
    factors: tuple[str, ...]


class SlipItem(msgspec.Struct, frozen=True, kw_only=True):
    """What a bet of a ticket has beside a plain single. `grant_id` of 0 is none."""

    ticket_id: int
    stake_kind: str
    grant_id: int
    lines: int
    folds: tuple[int, ...]
    each_way: bool
    potential_minor: int
    legs: tuple[LegShown, ...]


class BetItem(msgspec.Struct, frozen=True, kw_only=True):
    """A bet as the tables have it. `refusal` says why a bet that waited did not stand. A bet of a ticket has 0 for its
    market, selection and price, and `slip`."""

    bet_id: int
    customer_id: int
    market_id: int
    selection_id: int
    currency: str
    stake_minor: int
    price_milli: int
    odds_change: str
    market_version: int
    placed_at: AtText
    status: str
    outcome: str | None
    payout_minor: int
    settled_at: str | None
    refusal: str | None
    key: str
    seq: int
    why: WhySettled | None = None
    cashed_stake_minor: int = 0
    cashed_paid_minor: int = 0
    slip: SlipItem | None = None


def bet_item(row: ShownBet) -> BetItem:
    return BetItem(
        bet_id=row.id,
        customer_id=row.customer_id,
        market_id=row.market_id,
        selection_id=row.selection_id,
        currency=row.currency,
        stake_minor=row.stake_minor,
        price_milli=row.price_milli,
        odds_change=row.odds_change,
        market_version=row.market_version,
        placed_at=at_text(row.placed_at_us),
        status=row.status,
        outcome=row.outcome,
        payout_minor=row.payout_minor,
        settled_at=at_text_or_none(row.settled_at_us),
        refusal=row.refusal,
        key=row.key,
        seq=row.seq,
        why=_why(row),
        cashed_stake_minor=row.cashed_stake_minor or 0,
        cashed_paid_minor=row.cashed_paid_minor or 0,
        slip=_slip(row),
    )


def _why(row: ShownBet) -> WhySettled | None:
    if row.settled_market_id is None:
        return None
    factor = row.factor or ()
    pairs = zip(factor[::2], factor[1::2], strict=True)
    return WhySettled(
        market_id=row.settled_market_id,
        rule=row.rule or "",
        revision=row.settled_revision or 0,
        factors=tuple(str(above) if below == 1 else f"{above}/{below}" for above, below in pairs),
    )


def _slip(row: ShownBet) -> SlipItem | None:
    if row.ticket_id is None:
        return None
    return SlipItem(
        ticket_id=row.ticket_id,
        stake_kind=row.stake_kind or StakeKind.CASH,
        grant_id=row.grant_id or 0,
        lines=row.lines or 0,
        folds=row.folds or (),
        each_way=bool(row.each_way),
        potential_minor=row.potential_minor or 0,
        legs=tuple(leg_of(tuple(rows)) for _, rows in groupby(row.legs, _number)),
    )


def _number(row: ShownLeg) -> int:
    return row.n


def leg_of(rows: tuple[ShownLeg, ...]) -> LegShown:
    """A leg from its rows: one, or those of the parts of a bet builder."""
    first = rows[0]
    terms = first.each_way
    parts = tuple(PartShown(market_id=row.market_id, selection_id=row.selection_id) for row in rows if row.part)
    return LegShown(
        event_id=first.event_id,
        price_milli=first.price_milli or "sp",
        market_id=0 if parts else first.market_id,
        selection_id=0 if parts else first.selection_id,
        builder_id=first.builder_id,
        parts=parts,
        each_way=EachWayShown(numerator=terms[0], denominator=terms[1], places=terms[2]) if terms else None,
        best_odds=first.best_odds,
        banker=first.banker,
    )
