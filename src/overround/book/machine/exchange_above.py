"""What is decided above the markets of the exchange, of events and levels, and changes how orders on them are taken.
Views fold it as the book does."""

from overround.book import exchange
from overround.book.catalogue import CatalogueState, EventRescheduled
from overround.book.control import (
    PLATFORM_ID,
    ApprovalRequired,
    CompetitionApproved,
    LevelResumed,
    LevelSuspended,
    Place,
)
from overround.book.exchange import ExchangeState
from overround.kernel.fact import Fact
from overround.kernel.level import Level

ABOVE: tuple[type[Fact], ...] = (LevelSuspended, LevelResumed, CompetitionApproved, ApprovalRequired, EventRescheduled)


def fold_above(state: ExchangeState, offer: CatalogueState, fact: Fact) -> list[int]:
    """The exchange's markets that such a fact reaches have another version from now on. Which they are."""
    place = _place(fact)
    below = offer.events_below(*place) if place is not None else {}
    material = not isinstance(fact, EventRescheduled)
    return exchange.moved(state, below, material=material) if below else []


def _place(fact: Fact) -> Place | None:
    """Where a fact decides."""
    match fact:
        case LevelSuspended() | LevelResumed():
            return fact.level, fact.id
        case CompetitionApproved():
            return Level.COMPETITION, fact.competition_id
        case ApprovalRequired():
            return Level.PLATFORM, PLATFORM_ID
        case EventRescheduled():
            return Level.EVENT, fact.event_id
        case _:
            return None
