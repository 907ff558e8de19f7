"""What a ticket, its bets and their legs are, what a result makes of a leg, and the systems with a name."""

from enum import StrEnum
from typing import Final

import msgspec

from overround.book.catalogue import EachWay
from overround.kernel.money import MAX_MONEY_MINOR

MAX_BETS: Final = 20
"""Bets in one ticket."""

MAX_LEGS: Final = 20
"""Legs in one bet."""

MAX_LINES: Final = 10_000
"""Lines of one bet; each-way counts twice."""

MAX_TIED: Final = 1_000
"""The most that may share a place."""

MAX_DEDUCTION_PENCE: Final = 90
"""What all Rule 4 deductions together take at most from a pound of winnings (Tattersalls Committee, Rule 4(c))."""

START_CEILING_MILLI: Final = 101_000
"""What a starting price not yet known counts for in limits and liability: 100/1. What is paid is bounded by the payout
limit, not by this."""

RULE_4_SCALE: Final = (
    (1_111, 90), (1_182, 85), (1_250, 80), (1_300, 75), (1_400, 70), (1_533, 65), (1_615, 60), (1_800, 55),
    (1_952, 50), (2_200, 45), (2_500, 40), (2_750, 35), (3_250, 30), (4_000, 25), (5_000, 20), (6_500, 15),
    (10_000, 10), (15_000, 5),
)  # fmt: skip
"""Tattersalls Committee, Rule 4(c): up to this price, so many pence. The longer end of each band, in thousandths."""


class Outcome(StrEnum):
    """What a result makes of a selection."""

    WON = "won"
    LOST = "lost"
    VOID = "void"
    HALF_WON = "half_won"
    HALF_LOST = "half_lost"


class Leg(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A selection in a bet. `price_milli` is the price taken, 0 for the starting price, whatever it will be.

    With `best_odds` the leg is paid at the better of the price taken and the starting price. A `banker` is in every
    line. `event_id` says which legs are related: no two of a bet share one. `market_version` is what the customer saw.
    A bet builder is one leg of several `parts`, (market_id, selection_id) of one event that must all win, at one price:
    `market_id` is 0 and `selection_id` the builder's own number. `without_milli` is what it is priced at again should
    that part be void, a price for each part, 0 where the whole leg is void then; empty says so for all.
    """

    selection_id: int
    event_id: int
    price_milli: int
    each_way: EachWay | None = None
    best_odds: bool = False
    banker: bool = False
    market_id: int = 0
    market_version: int = 0
    parts: tuple[tuple[int, int], ...] = ()
    without_milli: tuple[int, ...] = ()

    @property
    def selections(self) -> tuple[tuple[int, int], ...]:
        """The (market_id, selection_id) on which the leg depends."""
        return self.parts or ((self.market_id, self.selection_id),)


class Slip(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Legs, and how they make lines: every choice of `folds` legs (ascending) beside the bankers.

    `stake_minor` is the whole stake; each line carries an equal part, exactly, also where it does not divide. The bet
    is each-way if its legs have terms. `payout_limit_minor` is what the rules in force at acceptance pay at most.
    """

    legs: tuple[Leg, ...]
    folds: tuple[int, ...]
    stake_minor: int
    payout_limit_minor: int = MAX_MONEY_MINOR

    @property
    def each_way(self) -> bool:
        return self.legs[0].each_way is not None


class Ticket(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Bets handed in together, taken whole or refused whole. `payout_limit_minor` bounds what they pay together."""

    bets: tuple[Slip, ...]
    payout_limit_minor: int = MAX_MONEY_MINOR


class Verdict(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a result makes of one part of a leg, and in a dead heat how many shared how many places left."""

    outcome: Outcome
    places: int = 1
    tied: int = 1


class LegResult(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a result makes of a leg: of its win part and, if it is each-way, of its place part.

    `start_milli` is the starting price, 0 where none was returned. Deductions are of Rule 4, in pence a pound of
    winnings, all withdrawals together: one for the price taken, one for the starting price. `again_milli` is the price
    at which a bet builder is priced again without its void part, 0 for that taken.
    """

    win: Verdict
    place: Verdict
    start_milli: int = 0
    deduction_pence: int = 0
    start_deduction_pence: int = 0
    again_milli: int = 0


class Withdrawal(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A runner that was withdrawn: when, and at which price (as `rule_4_pence` reads it)."""

    at_us: int
    price_milli: int


class Part(StrEnum):
    """The two halves of an each-way bet. Another bet has only the first."""

    WIN = "win"
    PLACE = "place"


class Working(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How a leg came to the factors by which it multiplies a line.

    The price paid (0 if none was needed), whether it is the starting price, the deduction from it, and for the win
    and the place part an exact factor as numerator and denominator in lowest terms.
    """

    price_milli: int
    at_start: bool
    deduction_pence: int
    win: tuple[int, int]
    place: tuple[int, int] | None


class Line(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line of a settled bet: its legs by position, and its exact returns as a fraction of minor units.

    `shown_minor` is the same rounded so that the lines of a bet add up to its payout (before the payout limit).
    """

    part: Part
    legs: tuple[int, ...]
    numerator: int
    denominator: int
    shown_minor: int


class Payout(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a bet pays, stake included. `returns_minor` is before the payout limit, `payout_minor` after it."""

    returns_minor: int
    payout_minor: int


class System(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A named bet: so many legs, and every line of these folds."""

    legs: int
    folds: tuple[int, ...]


SYSTEMS: Final = {
    "single": System(1, (1,)),
    "double": System(2, (2,)),
    "treble": System(3, (3,)),
    "trixie": System(3, (2, 3)),
    "patent": System(3, (1, 2, 3)),
    "yankee": System(4, (2, 3, 4)),
    "lucky_15": System(4, (1, 2, 3, 4)),
    "canadian": System(5, (2, 3, 4, 5)),
    "lucky_31": System(5, (1, 2, 3, 4, 5)),
    "heinz": System(6, (2, 3, 4, 5, 6)),
    "lucky_63": System(6, (1, 2, 3, 4, 5, 6)),
    "super_heinz": System(7, (2, 3, 4, 5, 6, 7)),
    "super_heinz_with_singles": System(7, (1, 2, 3, 4, 5, 6, 7)),
    "goliath": System(8, (2, 3, 4, 5, 6, 7, 8)),
    "goliath_with_singles": System(8, (1, 2, 3, 4, 5, 6, 7, 8)),
}
"""The systems that have a name, without bankers. A Canadian is also called a Super Yankee."""
