"""What a bet is worth now. Worked numbers: docs/rules/cash-out.md."""

from collections.abc import Sequence
from enum import StrEnum
from math import gcd, lcm
from typing import Final

from overround.book import tickets
from overround.book.tickets import Slip
from overround.kernel.price import UNIT
from overround.kernel.rounding import down

Ratio = tuple[int, int]

WHOLE_BPS: Final = 10_000
"""All of it, in hundredths of a per cent."""

MOST_EXACT: Final = 100
CUT: Final = 10**18
"""Up to `MOST_EXACT` inverse prices are added exactly; of more each is cut to a whole number of 1/`CUT`."""


class Refusal(StrEnum):
    """Every way a cash-out is refused, in the order checked."""

    BET_NOT_FOUND = "bet_not_found"
    QUOTE_NOT_FOUND = "quote_not_found"
    QUOTE_EXPIRED = "quote_expired"
    CASH_OUT_RULE_NOT_FOUND = "cash_out_rule_not_found"
    PORTION_INVALID = "portion_invalid"
    AMOUNT_INVALID = "amount_invalid"
    BET_NOT_OPEN = "bet_not_open"
    CASH_OUT_UNDER_WAY = "cash_out_under_way"
    CASH_OUT_UNAVAILABLE = "cash_out_unavailable"
    CASH_OUT_CHANGED = "cash_out_changed"
    TOO_MANY_QUOTES = "too_many_quotes"
    TOO_MANY_CASH_OUT_RULES = "too_many_cash_out_rules"


class Why(StrEnum):
    """Why a bet cannot be cashed out now, as `why` in the detail of `cash_out_unavailable`, in the order checked."""

    STAKE_KIND = "stake_kind"
    EACH_WAY = "each_way"
    DECIDED = "decided"
    STARTING_PRICE = "starting_price"
    BUILDER = "builder"
    CLOSED = "closed"
    SUSPENDED = "suspended"
    CHANGED = "changed"
    NO_PRICE = "no_price"
    WORTHLESS = "worthless"


# ---------------------------------------------------------------- the value of a leg


def book(prices_milli: Sequence[int]) -> Ratio:
    """The inverse prices of a market added up, exactly; what it has above the number of winners is the overround. Where
    there are more than `MOST_EXACT`, each is cut to 18 decimals first, so that the numbers stay small.

    >>> book((3_000, 3_000, 3_000)), book((1_900, 0, 1_900))
    ((1, 1), (20, 19))
    """
    offered = [price_milli for price_milli in prices_milli if price_milli]
    below = lcm(*offered) if len(offered) <= MOST_EXACT else CUT
    above = sum(UNIT * below // price_milli for price_milli in offered)
    shared = gcd(above, below)
    return above // shared, below // shared


def expected_factor(won: Ratio, *, price_milli: int, book: Ratio, winners: int) -> Ratio:
    """What an open leg multiplies a line by on average: what it does if it wins, times its fair probability.

    That is the inverse of its present price with the overround divided out in proportion. Where the inverse prices add
    up to no more than the winners, or any number may win, it is the inverse price as it is: never more.
    """
    above, below = won[0] * UNIT, won[1] * price_milli
    if winners and book[0] > winners * book[1]:
        above, below = above * winners * book[1], below * book[0]
    shared = gcd(above, below)
    return above // shared, below // shared


# ---------------------------------------------------------------- the value of a bet


def part_minor(*, running_minor: int, portion_bps: int, lines: int) -> int | None:
    """The part of a running stake that a portion is, rounded down; None where a part would have less than a minor
    unit a line.

    >>> part_minor(running_minor=1_001, portion_bps=5_000, lines=1)
    500
    """
    if portion_bps == WHOLE_BPS:
        return running_minor
    part = down(running_minor * portion_bps, WHOLE_BPS)
    return part if lines <= part <= running_minor - lines else None


def amount_minor(slip: Slip, factors: Sequence[Ratio], *, part_minor: int, margin_bps: int) -> int:
    """What cashing out a part of a slip's stake pays: its expected returns less the house's margin, rounded down.

    `slip` has the running stake, and `factors` are those of its legs. The payout limit bounds the whole of it, and so
    the part in proportion, but never below the stake.
    """
    above, below = tickets.expected(slip, factors)
    running_minor = slip.stake_minor
    fair = above * part_minor * (WHOLE_BPS - margin_bps), below * running_minor * WHOLE_BPS
    most_minor = down(max(slip.payout_limit_minor, running_minor) * part_minor, running_minor)
    return min(down(*fair), most_minor)
