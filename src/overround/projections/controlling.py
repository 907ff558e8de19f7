"""How the trading desk's facts change the tables."""

from collections.abc import Callable
from typing import Any, Final

from overround.book import catalogue
from overround.book.archive import ArchiveAfterSet
from overround.book.control import (
    PLATFORM_ID,
    ApprovalRequired,
    CompetitionApproved,
    LevelResumed,
    LevelSuspended,
    MarginSet,
    OverrideEnded,
    PriceOverridden,
)
from overround.book.limits import PlayerBlocked, PlayerUnblocked
from overround.book.machine.events import (
    CorrectionLimitSet,
    CorrectionProposed,
    ProposalApproved,
    ProposalExpired,
    ProposalRejected,
)
from overround.kernel.level import Level
from overround.projections.underway import Folding, act, market_changed


def _offer_changed(at: Folding, market_id: int, selection_id: int) -> None:
    """The desk changed what is on offer at a selection."""
    price_milli = at.known.catalogue.markets[market_id].selections[selection_id].price_milli
    at.changes.selections[market_id, selection_id] = None
    at.changes.prices.append((market_id, selection_id, at.seq, at.at_us, price_milli))


def _price_overridden(at: Folding, fact: PriceOverridden | OverrideEnded) -> None:
    catalogue.apply(at.known.catalogue, fact, at.at_us)
    _offer_changed(at, fact.market_id, fact.selection_id)
    act(at, fact)


def _level_stopped(at: Folding, fact: LevelSuspended | LevelResumed) -> None:
    if fact.level is Level.SELECTION:
        market = at.known.catalogue.markets[fact.id]
        before = market.version
        catalogue.apply(at.known.catalogue, fact, at.at_us)
        market_changed(at, market, before)
        _offer_changed(at, market.id, fact.selection_id)
    else:
        catalogue.apply(at.known.catalogue, fact, at.at_us)
        at.changes.controls[fact.level, fact.id] = None
    act(at, fact)


def _margin_set(at: Folding, fact: MarginSet) -> None:
    catalogue.apply(at.known.catalogue, fact, at.at_us)
    at.changes.controls[fact.level, fact.id] = None
    act(at, fact)


def _approval_required(at: Folding, fact: ApprovalRequired) -> None:
    catalogue.apply(at.known.catalogue, fact, at.at_us)
    at.changes.controls[Level.PLATFORM, PLATFORM_ID] = None
    act(at, fact)


def _competition_approved(at: Folding, fact: CompetitionApproved) -> None:
    catalogue.apply(at.known.catalogue, fact, at.at_us)
    at.changes.competitions.add(fact.competition_id)
    act(at, fact)


CONTROLS: Final[dict[type, Callable[[Folding, Any], None]]] = {
    LevelSuspended: _level_stopped,
    LevelResumed: _level_stopped,
    PriceOverridden: _price_overridden,
    OverrideEnded: _price_overridden,
    MarginSet: _margin_set,
    ApprovalRequired: _approval_required,
    CompetitionApproved: _competition_approved,
    PlayerBlocked: act,
    PlayerUnblocked: act,
    CorrectionLimitSet: act,
    ArchiveAfterSet: act,
    CorrectionProposed: act,
    ProposalApproved: act,
    ProposalRejected: act,
    ProposalExpired: act,
}
