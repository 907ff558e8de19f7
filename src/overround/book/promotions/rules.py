"""Whether a grant may be given and used, and what it does to a bet. Worked numbers: docs/rules/promotions.md."""

from enum import StrEnum
from typing import Final

import msgspec

from overround.book.bets import Bet
from overround.book.ledger import StakeKind
from overround.book.promotions.types import (
    MAX_BOOST_BPS,
    MAX_GRANT_US,
    MAX_WAGERING,
    Grant,
    GrantKind,
    GrantStatus,
)
from overround.book.tickets import Slip
from overround.kernel.money import MAX_MONEY_MINOR
from overround.kernel.price import MAX_PRICE_MILLI, UNIT
from overround.kernel.refusal import Refused

WHOLE_BPS: Final = 10_000


class Refusal(StrEnum):
    """Every way this room says no, in the order checked."""

    GRANT_NOT_FOUND = "grant_not_found"
    GRANT_INVALID = "grant_invalid"
    GRANT_EXPIRY_INVALID = "grant_expiry_invalid"
    BONUS_RUNS = "bonus_runs"
    TOO_MANY_GRANTS = "too_many_grants"
    GRANT_EXPIRED = "grant_expired"
    GRANT_USED = "grant_used"
    GRANT_TERMS = "grant_terms"


class Unfit(StrEnum):
    """Why a ticket does not fit its grant, as `why` in the detail of `grant_terms`, in the order checked."""

    KIND = "kind"
    BETS = "bets"
    LEGS = "legs"
    STAKE = "stake"
    PRICE = "price"


USED_AS: Final = {
    StakeKind.CASH: GrantKind.BOOST,
    StakeKind.FREE_BET: GrantKind.FREE_BET,
    StakeKind.BONUS: GrantKind.BONUS,
}
"""The kind of grant that a ticket staked so names."""


# ---------------------------------------------------------------- giving


def grant_refusal(
    *,
    amount_minor: int,
    expires_at_us: int,
    now_us: int,
    min_price_milli: int,
    percent_bps: int = 1,
    multiple: int = 1,
) -> Refusal | None:
    """Whether the numbers of a grant are within their bounds."""
    numbers = (
        0 < amount_minor * multiple <= MAX_MONEY_MINOR
        and 0 <= min_price_milli <= MAX_PRICE_MILLI
        and 0 < percent_bps <= MAX_BOOST_BPS
        and 0 < multiple <= MAX_WAGERING
    )
    if not numbers:
        return Refusal.GRANT_INVALID
    return None if 0 < expires_at_us - now_us <= MAX_GRANT_US else Refusal.GRANT_EXPIRY_INVALID


# ---------------------------------------------------------------- using


def is_available(grant: Grant, *, now_us: int) -> bool:
    """Whether a grant may be used now."""
    return grant.runs and not grant.uses and not grant.held and now_us < grant.expires_at_us


def claim_refusal(grant: Grant, kind: StakeKind, *, now_us: int) -> Refused | None:
    """Whether a ticket staked so may name this grant of its customer now."""
    if grant.status in (GrantStatus.EXPIRED, GrantStatus.REVOKED) or now_us >= grant.expires_at_us:
        return Refused(Refusal.GRANT_EXPIRED)
    if not grant.runs or grant.uses or grant.held:
        return Refused(Refusal.GRANT_USED)
    return None if USED_AS[kind] is grant.kind else _does_not_fit(Unfit.KIND)


def unfit(grant: Grant, slip: Slip, *, bets: int) -> Refused | None:
    """Whether a slip at the prices on offer, one of so many bets, fits a token. A bonus may be staked on anything."""
    if grant.kind is GrantKind.BONUS:
        return None
    if bets != 1:
        return _does_not_fit(Unfit.BETS)
    if grant.kind is GrantKind.BOOST:
        if not _is_boostable(slip):
            return _does_not_fit(Unfit.LEGS)
        if slip.stake_minor > grant.amount_minor:
            return _does_not_fit(Unfit.STAKE, max_stake_minor=grant.amount_minor)
    elif slip.stake_minor != grant.amount_minor:
        return _does_not_fit(Unfit.STAKE, stake_minor=grant.amount_minor)
    if any(leg.price_milli < grant.min_price_milli for leg in slip.legs):
        return _does_not_fit(Unfit.PRICE, min_price_milli=grant.min_price_milli)
    return None


def _does_not_fit(why: Unfit, **detail: int) -> Refused:
    return Refused(Refusal.GRANT_TERMS, {"why": why.value, **detail})


def _is_boostable(slip: Slip) -> bool:
    """A single at a price, not each-way."""
    return len(slip.legs) == 1 and not slip.each_way and slip.legs[0].price_milli > 0


def boosted(grant: Grant | None, slip: Slip) -> Slip:
    """The slip at the price that a boost makes of the one on offer; as it is without one."""
    if grant is None or grant.kind is not GrantKind.BOOST:
        return slip
    leg = slip.legs[0]
    price_milli = boosted_milli(leg.price_milli, percent_bps=grant.percent_bps)
    return msgspec.structs.replace(slip, legs=(msgspec.structs.replace(leg, price_milli=price_milli),))


def boosted_milli(price_milli: int, *, percent_bps: int) -> int:
    """A price with its winnings raised, rounded down to a thousandth.

    >>> boosted_milli(2_500, percent_bps=2_000), boosted_milli(1_333, percent_bps=1_000)
    (2800, 1366)
    """
    winnings = (price_milli - UNIT) * (WHOLE_BPS + percent_bps) // WHOLE_BPS
    return min(UNIT + winnings, MAX_PRICE_MILLI)


# ---------------------------------------------------------------- wagering


def qualifies(grant: Grant, bet: Bet) -> bool:
    """Whether a bet, once it is settled and not void, counts towards a bonus: struck since it was given, with money of
    the customer's or of the bonus, every leg at its price or above."""
    if bet.stake_kind is StakeKind.FREE_BET or bet.struck_at_us < grant.granted_at_us:
        return False
    prices = (bet.price_milli,) if bet.slip is None else tuple(leg.price_milli for leg in bet.slip.legs)
    return min(prices) >= grant.min_price_milli
