"""What the limits tell the rest of the house."""

from overround.book.limits.types import Cap, HouseTerms, LimitKind
from overround.kernel.fact import Fact
from overround.kernel.level import Level


class LimitSet(Fact, frozen=True, kw_only=True, tag="limit_set"):
    """A customer's limit. A tighter one holds at once (`effective_at_us` is now), a looser one after its wait."""

    customer_id: int
    currency: str
    limit: LimitKind
    amount_minor: int
    effective_at_us: int


class CoolingOff(Fact, frozen=True, kw_only=True, tag="cooling_off"):
    customer_id: int
    until_us: int


class SelfExcluded(Fact, frozen=True, kw_only=True, tag="self_excluded"):
    customer_id: int
    until_us: int


class PlayerTermsSet(Fact, frozen=True, kw_only=True, tag="player_terms_set"):
    """An operator's limits for one customer; 0 goes back to the house's default."""

    customer_id: int
    currency: str
    max_stake_minor: int
    max_payout_minor: int
    before_max_stake_minor: int = 0
    before_max_payout_minor: int = 0


class PlayerBlocked(Fact, frozen=True, kw_only=True, tag="player_blocked"):
    """The house takes no bets of a customer. `before` is the reason of the block that this replaces, "" for none."""

    customer_id: int
    reason: str
    before: str = ""


class PlayerUnblocked(Fact, frozen=True, kw_only=True, tag="player_unblocked"):
    """The house takes a customer's bets again. `before` was the reason why it did not."""

    customer_id: int
    before: str


class CapSet(Fact, frozen=True, kw_only=True, tag="cap_set"):
    """What the house takes at one level. `id` names it (0 for the platform), `selection_id` the selection of a
    market."""

    level: Level
    id: int
    selection_id: int
    currency: str
    cap: Cap
    before: Cap


class HouseTermsSet(Fact, frozen=True, kw_only=True, tag="house_terms_set"):
    currency: str
    terms: HouseTerms
    before: HouseTerms | None = None
