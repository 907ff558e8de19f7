"""A batch of facts under way through the fold, and what several folds do alike."""

import msgspec

from overround.book.catalogue import Market
from overround.kernel.fact import Fact
from overround.projections.actions import action
from overround.projections.changes import Changes, Known


class Folding(msgspec.Struct):
    """A batch under way: what is known, what changed, and the place and instant of the fact in hand."""

    known: Known
    changes: Changes
    seq: int = 0
    at_us: int = 0


def act(at: Folding, fact: Fact) -> None:
    """Somebody's decision about the house."""
    at.changes.actions.append(action(fact, seq=at.seq, at_us=at.at_us))


def market_changed(at: Folding, market: Market, before: int) -> None:
    """A market is another one where its version rose."""
    at.changes.markets.add(market.id)
    if market.version != before:
        at.changes.statuses.append((market.id, at.seq, at.at_us, market.status, market.reason, market.version))
