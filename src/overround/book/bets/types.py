"""What a bet is, its life as a table, and what a market owes on its bets."""

import heapq
from enum import StrEnum
from typing import Final

import msgspec

from overround.book.ledger import StakeKind
from overround.book.tickets import START_CEILING_MILLI, Outcome, Slip, place_ratio
from overround.kernel.level import Level
from overround.kernel.price import payout_minor
from overround.kernel.rounding import half_even


class OddsChange(StrEnum):
    """What a customer accepts when the price has moved: nothing, a better or a worse price only, or any price."""

    NONE = "none"
    HIGHER = "higher"
    LOWER = "lower"
    ANY = "any"


class BetStatus(StrEnum):
    """`delayed` waits for its in-play delay, `referred` for a trader, `offered` for the customer's answer to a
    trader."""

    DELAYED = "delayed"
    REFERRED = "referred"
    OFFERED = "offered"
    OPEN = "open"
    REFUSED = "refused"
    SETTLED = "settled"
    CASHED_OUT = "cashed_out"


class BetAction(StrEnum):
    ACCEPT = "accept"
    REFUSE = "refuse"
    OFFER = "offer"
    SETTLE = "settle"
    REOPEN = "reopen"
    CASH_OUT = "cash_out"


BET_LIFE: Final = {
    (BetStatus.DELAYED, BetAction.ACCEPT): BetStatus.OPEN,
    (BetStatus.DELAYED, BetAction.REFUSE): BetStatus.REFUSED,
    (BetStatus.REFERRED, BetAction.ACCEPT): BetStatus.OPEN,
    (BetStatus.REFERRED, BetAction.REFUSE): BetStatus.REFUSED,
    (BetStatus.REFERRED, BetAction.OFFER): BetStatus.OFFERED,
    (BetStatus.OFFERED, BetAction.ACCEPT): BetStatus.OPEN,
    (BetStatus.OFFERED, BetAction.REFUSE): BetStatus.REFUSED,
    (BetStatus.OPEN, BetAction.SETTLE): BetStatus.SETTLED,
    (BetStatus.SETTLED, BetAction.SETTLE): BetStatus.SETTLED,
    (BetStatus.SETTLED, BetAction.REOPEN): BetStatus.OPEN,
    (BetStatus.OPEN, BetAction.CASH_OUT): BetStatus.CASHED_OUT,
}
"""A bet's life. A correction settles a settled bet again; a result taken back opens it again."""

WAITING: Final = (BetStatus.DELAYED, BetStatus.REFERRED, BetStatus.OFFERED)
"""Not yet a bet: the stake is held, and something is due."""

STOOD: Final = (BetStatus.OPEN, BetStatus.SETTLED, BetStatus.CASHED_OUT)
"""Was taken."""


class Ticket(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the bets of one ticket share. `id` is that of its first bet; `grant_id` names the free bet, boost or bonus
    that was used, 0 for none."""

    id: int
    bet_ids: tuple[int, ...]
    stake_kind: StakeKind = StakeKind.CASH
    grant_id: int = 0


class Cashed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was cashed out of a bet so far: the part of its stake that is gone, and what was paid for it."""

    stake_minor: int
    paid_minor: int


class Bet(msgspec.Struct, array_like=True, gc=False):
    """A bet at fixed prices. What a customer asked for does not change; status, outcome and payout do.

    A plain single names its selection itself. Any other bet has a `slip`, and `market_id`, `selection_id`,
    `price_milli` and `market_version` are 0; `potential_minor` is the most that it may pay. `key` is the scoped key (16
    bytes of UUIDv7, 8 of the actor) and `content` the hash of the request, so that the bet is its own memory of the
    request. `seq` is the fact that took it. `price_milli` is the price really taken. `decide_at_us` is when what it
    waits or waited for is over, 0 for a bet taken at once.
    """

    id: int
    customer_id: int
    market_id: int
    selection_id: int
    currency: str
    stake_minor: int
    price_milli: int
    market_version: int
    odds_change: OddsChange
    placed_at_us: int
    seq: int
    key: bytes
    content: int
    status: BetStatus = BetStatus.OPEN
    decide_at_us: int = 0
    outcome: Outcome | None = None
    payout_minor: int = 0
    slip: Slip | None = None
    ticket: Ticket | None = None
    potential_minor: int = 0
    cashed: Cashed | None = None

    @property
    def running_minor(self) -> int:
        """The stake that still runs: all of it, less what was cashed out."""
        return self.stake_minor - self.cashed.stake_minor if self.cashed else self.stake_minor

    @property
    def struck_at_us(self) -> int:
        """When the bet was struck, for cancellations and deductions: as it was taken, or when its wait was over."""
        return max(self.placed_at_us, self.decide_at_us)

    @property
    def stake_kind(self) -> StakeKind:
        return self.ticket.stake_kind if self.ticket else StakeKind.CASH

    @property
    def selections(self) -> tuple[tuple[int, int], ...]:
        """Every (market_id, selection_id) on which the bet depends."""
        if self.slip is None:
            return ((self.market_id, self.selection_id),)
        return tuple(pair for leg in self.slip.legs for pair in leg.selections)

    @property
    def most_minor(self) -> int:
        """The most that the running stake may pay, as it counts for liability."""
        if self.slip is None:
            return payout_minor(stake_minor=self.running_minor, price_milli=self.price_milli)
        if self.cashed is None:
            return self.potential_minor
        return self.potential_minor * self.running_minor // self.stake_minor

    @property
    def placed_minor(self) -> int:
        """What of `most_minor` is paid where nothing wins and everything is placed: the place part of an each-way
        bet."""
        if self.slip is None or not self.slip.each_way:
            return 0
        above, below = place_ratio(self.slip, start_ceiling_milli=START_CEILING_MILLI)
        return min(self.most_minor, half_even(self.running_minor * above, below))

    @property
    def counted(self) -> "Counted":
        """What the bet brings and costs in the market of each of its legs. The stake of a free bet was the house's own
        and is not paid back: it brings nothing, and costs what it wins."""
        stake_minor, most_minor, placed_minor = self.running_minor, self.most_minor, self.placed_minor
        if self.stake_kind is StakeKind.FREE_BET:
            return 0, max(0, most_minor - stake_minor), max(0, placed_minor - stake_minor)
        return stake_minor, most_minor, placed_minor


Counted = tuple[int, int, int]
"""A stake, the most that it may pay, and what of that is paid where it is only placed; in minor units."""

Pair = tuple[int, int]
"""A market and a selection."""

Bound = tuple[StrEnum, Level, int, int]
"""What bounds a stake: the refusal, the level that says so, its id, and the largest stake in minor units."""


class Exposure(msgspec.Struct, array_like=True):
    """What one market owes in one currency: stakes taken, payouts by selection, and the largest payout: that of one
    selection, or of as many together as may win (`winners`, 0 for all of them).

    Kept as bets come and go; only where the largest payout shrinks are the other selections looked at. `leaders` are
    the selections in the largest payout where that are several.
    """

    stakes_minor: int = 0
    largest_payout_minor: int = 0
    payouts_minor: dict[int, int] = {}
    winners: int = 1
    leaders: tuple[int, ...] = ()

    @property
    def worst_minor(self) -> int:
        """What the house loses on the market if the worst selections win; at least 0."""
        lost_minor = self.largest_payout_minor - self.stakes_minor
        return lost_minor if lost_minor > 0 else 0

    def lost_minor(self, selection_id: int) -> int:
        """What the house loses here at most if this selection wins; below zero where it gains."""
        if self.winners == 1:
            return self.payouts_minor.get(selection_id, 0) - self.stakes_minor
        return self._paid_with_minor(selection_id) - self.stakes_minor

    def add(self, selection_id: int, *, stake_minor: int, payout_minor: int) -> None:
        payout = self.payouts_minor.get(selection_id, 0) + payout_minor
        self.payouts_minor[selection_id] = payout
        self.stakes_minor += stake_minor
        if self.winners != 1:
            self._rise(selection_id, payout_minor)
        elif payout > self.largest_payout_minor:
            self.largest_payout_minor = payout

    def take(self, selection_id: int, *, stake_minor: int, payout_minor: int) -> None:
        payouts = self.payouts_minor
        before = payouts[selection_id]
        payouts[selection_id] = before - payout_minor
        self.stakes_minor -= stake_minor
        if self.winners != 1:
            self._fall(selection_id, payout_minor)
        elif before == self.largest_payout_minor:
            self.largest_payout_minor = max(payouts.values())

    def void(self, selection_id: int, *, stakes_minor: int) -> None:
        """A selection is out: all that it might pay is gone, and the stakes on it, which are given back."""
        paid_minor = self.payouts_minor.get(selection_id)
        if paid_minor is not None:
            self.take(selection_id, stake_minor=stakes_minor, payout_minor=paid_minor)

    def _paid_with_minor(self, selection_id: int) -> int:
        """The largest payout in which this selection is one of the winners."""
        leaders, payouts = self.leaders, self.payouts_minor
        if not self.winners or selection_id in leaders or len(leaders) < self.winners:
            return self.largest_payout_minor
        least_minor = min(payouts[each] for each in leaders)
        return self.largest_payout_minor - least_minor + payouts.get(selection_id, 0)

    def _rise(self, selection_id: int, payout_minor: int) -> None:
        """A payout grew. It costs the number of winners, not of selections."""
        leaders, payouts = self.leaders, self.payouts_minor
        if not self.winners or selection_id in leaders:
            self.largest_payout_minor += payout_minor
        elif len(leaders) < self.winners:
            self.leaders = (*leaders, selection_id)
            self.largest_payout_minor += payouts[selection_id]
        else:
            least = min(leaders, key=payouts.__getitem__)
            if payouts[selection_id] > payouts[least]:
                self.leaders = (*(each for each in leaders if each != least), selection_id)
                self.largest_payout_minor += payouts[selection_id] - payouts[least]

    def _fall(self, selection_id: int, payout_minor: int) -> None:
        payouts = self.payouts_minor
        if not self.winners:
            self.largest_payout_minor -= payout_minor
        elif selection_id in self.leaders:
            self.leaders = tuple(heapq.nlargest(self.winners, payouts, key=payouts.__getitem__))
            self.largest_payout_minor = sum(payouts[each] for each in self.leaders)


class Tally(msgspec.Struct, array_like=True, gc=False):
    """One running sum, in minor units, shared by whoever adds to it, with a number of its own."""

    number: int
    minor: int = 0


Exposures = dict[int, dict[str, Exposure]]
"""By market and currency."""

Placed = dict[int, dict[tuple[str, int], Exposure]]
"""By market, and by currency and places."""

Scope = tuple[Level, int, str]
"""A level above the markets, its id, and the currency."""
