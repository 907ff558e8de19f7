"""The rules of acceptance: whether a bet is taken, at which price, and the largest stake that would be."""

from enum import StrEnum

from overround.book.bets.types import Exposure, OddsChange
from overround.book.catalogue import Market, MarketStatus
from overround.book.limits import HouseTerms, Purse
from overround.kernel.price import UNIT, payout_minor


class Refusal(StrEnum):
    """Every way a bet is refused by this room, in the order checked. Exclusion, the customer's own limits and funds are
    the refusals of the rooms that own them, checked before the stake, after the liability, and last."""

    STAKE_INVALID = "stake_invalid"
    MARKET_NOT_FOUND = "market_not_found"
    MARKET_CLOSED = "market_closed"
    MARKET_SUSPENDED = "market_suspended"
    NOT_APPROVED = "not_approved"
    MARKET_CHANGED = "market_changed"
    SELECTION_NOT_FOUND = "selection_not_found"
    NO_PRICE = "no_price"
    PRICE_CHANGED = "price_changed"
    STAKE_BELOW_MINIMUM = "stake_below_minimum"
    STAKE_LIMIT = "stake_limit"
    PAYOUT_LIMIT = "payout_limit"
    MARKET_LIABILITY = "market_liability"
    HOUSE_LIABILITY = "house_liability"


def unavailable(market: Market) -> Refusal:
    """Why a market that takes no bets takes none."""
    if market.status in (MarketStatus.CLOSED, MarketStatus.RESULTED):
        return Refusal.MARKET_CLOSED
    return Refusal.MARKET_SUSPENDED


def takes_price(policy: OddsChange, *, asked_milli: int, current_milli: int) -> bool:
    """Whether a customer who asked for one price takes another.

    | policy | lower now | same | higher now |
    | none   | no        | yes  | no         |
    | higher | no        | yes  | yes        |
    | any    | yes       | yes  | yes        |
    """
    if asked_milli == current_milli or policy is OddsChange.ANY:
        return True
    return policy is OddsChange.HIGHER and current_milli > asked_milli


def largest_stake_minor(
    *, terms: HouseTerms, purse: Purse, price_milli: int, market_room_minor: int, house_room_minor: int
) -> tuple[Refusal, int]:
    """The most restrictive of the house's limits and the largest stake that it leaves, in minor units, at least 0.

    `market_room_minor` and `house_room_minor` say how much this selection's loss to the house may still grow. A stake
    makes it grow by its payout, rounded as it will be paid, less itself; one minor unit more than the largest would
    be over the limit.
    """
    odds = price_milli - UNIT
    max_payout = purse.max_payout_minor or terms.max_payout_minor
    candidates = (
        (Refusal.STAKE_LIMIT, purse.max_stake_minor or terms.max_stake_minor),
        (Refusal.PAYOUT_LIMIT, _largest_paying(max_payout, price_milli)),
        (Refusal.MARKET_LIABILITY, _largest_losing(market_room_minor, odds, price_milli)),
        (Refusal.HOUSE_LIABILITY, _largest_losing(house_room_minor, odds, price_milli)),
    )
    code, largest = min(candidates, key=_amount)
    return code, max(0, largest)


def _amount(candidate: tuple[Refusal, int]) -> int:
    return candidate[1]


def _largest_paying(max_payout_minor: int, price_milli: int) -> int:
    """The largest stake whose payout rounds to no more: below half a unit over, or there where half goes to even."""
    stake_minor = (2 * max_payout_minor + 1) * UNIT // (2 * price_milli)
    paid_minor = payout_minor(stake_minor=stake_minor, price_milli=price_milli)
    return stake_minor if paid_minor <= max_payout_minor else stake_minor - 1


def _largest_losing(room_minor: int, odds_milli: int, price_milli: int) -> int:
    """The largest stake whose loss, rounded with its payout, is no more than the room; below zero without room."""
    if room_minor < 0:
        return -1
    stake_minor = (2 * room_minor + 1) * UNIT // (2 * odds_milli)
    lost_minor = payout_minor(stake_minor=stake_minor, price_milli=price_milli) - stake_minor
    return stake_minor if lost_minor <= room_minor else stake_minor - 1


def over_limit(
    *,
    stake_minor: int,
    price_milli: int,
    selection_id: int,
    terms: HouseTerms,
    purse: Purse,
    market: Market,
    exposure: Exposure | None,
    house_worst_minor: int,
) -> tuple[Refusal, int] | None:
    """Whether a stake is over any of the house's limits: the narrowest one and the largest stake acceptable.

    The market's loss is counted for this selection alone and the house's from one running total, so the answer
    costs the same with three selections or ten thousand.
    """
    payout = payout_minor(stake_minor=stake_minor, price_milli=price_milli)
    market_room = market.liability_minor or terms.market_liability_minor
    house_room = terms.house_liability_minor - house_worst_minor
    if exposure is not None:
        lost_now = exposure.payouts_minor.get(selection_id, 0) - exposure.stakes_minor
        market_room -= lost_now
        house_room += exposure.worst_minor - lost_now
    if (
        stake_minor <= (purse.max_stake_minor or terms.max_stake_minor)
        and payout <= (purse.max_payout_minor or terms.max_payout_minor)
        and payout - stake_minor <= market_room
        and payout - stake_minor <= house_room
    ):
        return None
    return largest_stake_minor(
        terms=terms,
        purse=purse,
        price_milli=price_milli,
        market_room_minor=market_room,
        house_room_minor=house_room,
    )
