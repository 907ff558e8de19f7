"""What protects a customer from too much, and the house from too much."""

from enum import StrEnum
from typing import Final

import msgspec

from overround.kernel.instant import DAY_US
from overround.kernel.money import MAX_MONEY_MINOR

LOOSENING_WAIT_US: Final = DAY_US
"""How long a looser limit waits before it holds: 24 hours (UK Gambling Commission, RTS 12B, asks for at least that)."""

MIN_COOL_OFF_US: Final = DAY_US
MAX_COOL_OFF_US: Final = 42 * DAY_US
"""A cool-off lasts one day to six weeks (UKGC social responsibility code 3.3.4)."""

MIN_EXCLUSION_US: Final = 180 * DAY_US
MAX_EXCLUSION_US: Final = 5 * 366 * DAY_US
"""A self-exclusion lasts six months to five years (UKGC code 3.5.3) and never gets shorter."""


class LimitKind(StrEnum):
    """What a customer may limit: stakes placed, or loss (stakes placed less returns), per UTC calendar window."""

    STAKE_DAY = "stake_day"
    STAKE_WEEK = "stake_week"
    STAKE_MONTH = "stake_month"
    LOSS_DAY = "loss_day"
    LOSS_WEEK = "loss_week"
    LOSS_MONTH = "loss_month"


WINDOW: Final = {
    LimitKind.STAKE_DAY: 0,
    LimitKind.STAKE_WEEK: 1,
    LimitKind.STAKE_MONTH: 2,
    LimitKind.LOSS_DAY: 0,
    LimitKind.LOSS_WEEK: 1,
    LimitKind.LOSS_MONTH: 2,
}
"""Which of a purse's three usage windows (day, week, month) a limit reads."""

LOSSES: Final = (LimitKind.LOSS_DAY, LimitKind.LOSS_WEEK, LimitKind.LOSS_MONTH)

NO_LIMIT: Final = MAX_MONEY_MINOR + 1


class Limit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`amount_minor` holds until `pending_at_us`, `pending_minor` from then on. `NO_LIMIT` is none."""

    amount_minor: int
    pending_minor: int = NO_LIMIT
    pending_at_us: int = 0

    def at(self, now_us: int) -> int:
        """The amount that holds at an instant, in minor units."""
        return self.pending_minor if self.pending_at_us and now_us >= self.pending_at_us else self.amount_minor


class Usage(msgspec.Struct, array_like=True, gc=False):
    """What was staked and returned, and what the bets struck may pay, in one calendar window that began at
    `start_us`."""

    start_us: int = 0
    staked_minor: int = 0
    returned_minor: int = 0
    potential_minor: int = 0


class Purse(msgspec.Struct, array_like=True):
    """A customer's limits and use of them in one currency. Operator's limits of 0 mean the house's default."""

    limits: dict[LimitKind, Limit]
    day: Usage
    week: Usage
    month: Usage
    max_stake_minor: int = 0
    max_payout_minor: int = 0

    def potential_of_day_minor(self, at_us: int) -> int:
        """What the bets struck in the UTC day of an instant may pay together."""
        return self.day.potential_minor if at_us < self.day.start_us + DAY_US else 0


class Player(msgspec.Struct, array_like=True):
    """A customer as the limits see one: until when shut out, a purse for each currency, and why the house takes no bets
    of theirs ("" where it does)."""

    id: int
    cooling_until_us: int = 0
    excluded_until_us: int = 0
    purses: dict[str, Purse] = {}
    blocked: str = ""


class Cap(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the house takes at one level, in minor units; 0 means that this level bounds nothing.

    A stake and a payout are those of one bet. The liability is what the house may lose there: on a selection or market
    if the selection wins, above that the sum of what `docs/rules/liability.md` says.
    """

    max_stake_minor: int = 0
    max_payout_minor: int = 0
    max_liability_minor: int = 0


class HouseTerms(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the house takes in one currency, in its minor units. Each is the default where nothing narrower is set."""

    min_stake_minor: int = 10
    max_stake_minor: int = 1_000_000
    max_payout_minor: int = 50_000_000
    market_liability_minor: int = 200_000_000
    house_liability_minor: int = 20_000_000_000
    max_ticket_payout_minor: int = 0
    """What the bets of one ticket may pay together; 0 means as much as each of them."""
    max_day_payout_minor: int = 0
    """What the bets that a customer strikes in one UTC day may pay together; 0 bounds nothing."""
    cash_out_margin_bps: int = 500
    """What the house keeps of a bet's fair value when it is cashed out, in hundredths of a per cent."""
