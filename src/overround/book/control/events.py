"""What the desk tells the rest of the house. Every fact says what was before, so that the journal alone is an audit."""

from overround.kernel.fact import Fact
from overround.kernel.level import Level


class LevelSuspended(Fact, frozen=True, kw_only=True, tag="level_suspended"):
    """Nothing at a level or below it takes bets, by this one fact. `id` is of the sport, competition, event or market
    (0 for the platform); at the selection's level it is the market's, beside `selection_id`. `before` is the reason of
    the suspension that it replaces, "" for none."""

    level: Level
    id: int
    reason: str
    selection_id: int = 0
    before: str = ""


class LevelResumed(Fact, frozen=True, kw_only=True, tag="level_resumed"):
    """The suspension at this very level is over; those above and below it stand. `before` was its reason."""

    level: Level
    id: int
    before: str
    selection_id: int = 0


class PriceOverridden(Fact, frozen=True, kw_only=True, tag="price_overridden"):
    """Until `until_us` this price is on offer, whatever the feed says. `before_milli` was on offer, 0 for none."""

    market_id: int
    selection_id: int
    price_milli: int
    until_us: int
    before_milli: int


class OverrideEnded(Fact, frozen=True, kw_only=True, tag="override_ended"):
    """An override was lifted, or its time was over: what the feed said last is on offer again, `price_milli`."""

    market_id: int
    selection_id: int
    price_milli: int
    before_milli: int
    expired: bool = False


class MarginSet(Fact, frozen=True, kw_only=True, tag="margin_set"):
    """The margin with which prices below a level are made, in hundredths of a per cent; None is none of its own."""

    level: Level
    id: int
    margin_bps: int | None
    before_bps: int | None


class CompetitionApproved(Fact, frozen=True, kw_only=True, tag="competition_approved"):
    competition_id: int
    approved: bool
    before: bool


class ApprovalRequired(Fact, frozen=True, kw_only=True, tag="approval_required"):
    """Whether a competition takes bets only once it is approved."""

    required: bool
    before: bool
