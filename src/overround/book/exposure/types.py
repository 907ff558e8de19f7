"""What a customer stands to lose on one exchange market, kept so that no outcome need be gone through order by
order."""

from enum import StrEnum

import msgspec


class Side(StrEnum):
    BACK = "back"
    LAY = "lay"


class Shape(StrEnum):
    """What decides a market: winners, winners and places, a goal difference, or a number on a line."""

    WINNERS = "winners"
    EACH_WAY = "each_way"
    ASIAN = "asian"
    LINE = "line"


class Game(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A market as its risk sees it. `winners` of 0 means any number; for EACH_WAY it is how many are placed.

    `divisor` is the each-way one (4 for a quarter of the odds). One unit of risk is `1 / unit` of a minor unit of
    money, so that every product of size and price is a whole number of them.
    """

    shape: Shape = Shape.WINNERS
    winners: int = 1
    divisor: int = 0

    @property
    def unit(self) -> int:
        """How many units of risk make a minor unit of money."""
        if self.shape is Shape.EACH_WAY:
            return 1_000 * self.divisor
        return 2_000 if self.shape is Shape.ASIAN else 1_000


Cells = dict[int, tuple[int, ...]]
"""By runner (for LINE by line): the loss in each of its states, in units of risk, gains below zero. A state is what may
become of a runner: WINNERS lost, won; EACH_WAY lost, placed, won; ASIAN lost, half lost, void, half won, won; LINE the
number is below, on, above the line. Contributions only ever add up, so taking one back is exact. The losses of a runner
are replaced and never changed, so that a copy of all of them costs little."""


class Position(msgspec.Struct, array_like=True):
    """One customer on one market. `currency` and the rate (wallet minor units per minor unit of the market, a ratio
    of whole numbers) were fixed by the first order. `staked_minor` is the highest `held_minor` there was. `net_minor`
    (before commission) and `commission_minor` are what the last settlement made of it. Money is in the wallet's
    currency."""

    customer_id: int
    currency: str
    rate_to: int
    rate_from: int
    cells: Cells
    held_minor: int = 0
    staked_minor: int = 0
    net_minor: int = 0
    commission_minor: int = 0
    settled: bool = False
