"""Asking the tables: with a deadline, at least as far as a sequence, and with their troubles as problems."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar

import asyncpg
import msgspec

from overround.edge.live import MAX_AHEAD, Live
from overround.edge.problems import Problem
from overround.edge.values import AtText, at_text, at_text_or_none
from overround.projections import InvalidCursor, ProjectionBehind, Reads, ShownBet

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


class BetItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A bet as the tables have it. `refusal` says why a delayed bet did not stand."""

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
    )
