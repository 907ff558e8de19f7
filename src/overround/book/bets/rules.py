"""The rules of acceptance: whether a bet is taken, at which price, and the largest stake that would be."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final

from overround.book.bets.types import Bet, Bound, OddsChange
from overround.book.catalogue import CatalogueState, Market, MarketStatus
from overround.book.limits import Cap, HouseTerms, Purse, Scope
from overround.kernel.level import Level
from overround.kernel.money import MAX_MONEY_MINOR
from overround.kernel.price import payout_minor
from overround.kernel.rounding import half_even


class Refusal(StrEnum):
    """Every way a bet is refused by this room, in the order checked. Exclusion, the customer's own limits and funds are
    the refusals of the rooms that own them, checked before the stake, after the liability, and last."""

    STAKE_INVALID = "stake_invalid"
    MARKET_NOT_FOUND = "market_not_found"
    BUILDER_NOT_FOUND = "builder_not_found"
    EACH_WAY_NOT_OFFERED = "each_way_not_offered"
    STARTING_PRICE_NOT_OFFERED = "starting_price_not_offered"
    MARKET_CLOSED = "market_closed"
    MARKET_SUSPENDED = "market_suspended"
    NOT_APPROVED = "not_approved"
    MARKET_CHANGED = "market_changed"
    BUILDER_EXPIRED = "builder_expired"
    SELECTION_NOT_FOUND = "selection_not_found"
    NO_PRICE = "no_price"
    PRICE_CHANGED = "price_changed"
    STAKE_BELOW_MINIMUM = "stake_below_minimum"
    STAKE_LIMIT = "stake_limit"
    PAYOUT_LIMIT = "payout_limit"
    MARKET_LIABILITY = "market_liability"
    LEVEL_LIABILITY = "level_liability"
    HOUSE_LIABILITY = "house_liability"
    TICKET_PAYOUT = "ticket_payout"
    DAY_PAYOUT = "day_payout"
    TICKET_NOT_FOUND = "ticket_not_found"
    TICKET_STATUS = "ticket_status"
    OFFER_INVALID = "offer_invalid"
    REFERRAL_DECLINED = "referral_declined"
    REFERRAL_EXPIRED = "referral_expired"
    OFFER_DECLINED = "offer_declined"
    OFFER_EXPIRED = "offer_expired"


REFERABLE: Final = (
    Refusal.STAKE_LIMIT,
    Refusal.PAYOUT_LIMIT,
    Refusal.MARKET_LIABILITY,
    Refusal.LEVEL_LIABILITY,
    Refusal.HOUSE_LIABILITY,
    Refusal.TICKET_PAYOUT,
    Refusal.DAY_PAYOUT,
)
"""The house's own limits, over which a trader may take a bet after all. A customer's limits are never referred."""


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
    | lower  | yes       | yes  | no         |
    | any    | yes       | yes  | yes        |
    """
    if asked_milli == current_milli or policy is OddsChange.ANY:
        return True
    return policy is (OddsChange.HIGHER if current_milli > asked_milli else OddsChange.LOWER)


# ---------------------------------------------------------------- limits


class Measure(StrEnum):
    """What of a bet a limit bounds: its stake, its payout, or what the house loses on it."""

    STAKE = "stake"
    PAYOUT = "payout"
    LOSS = "loss"


Room = tuple[Refusal, Level, int, Measure, int]
"""One limit over a bet: how it is refused, the level that says so and its id, and how much of what it leaves."""

Ratio = tuple[int, int]
"""What a unit of stake may pay at most, exactly: numerator and denominator."""


def above(catalogue: CatalogueState, markets: Iterable[int]) -> tuple[tuple[Level, int], ...]:
    """The levels above some markets, each once: events, competitions, sports, the platform."""
    found: dict[tuple[Level, int], None] = {}
    for market_id in markets:
        event = catalogue.events[catalogue.markets[market_id].event_id]
        found[Level.EVENT, event.id] = None
        found[Level.COMPETITION, event.competition_id] = None
        found[Level.SPORT, catalogue.competitions[event.competition_id].sport_id] = None
    found[Level.PLATFORM, 0] = None
    return tuple(found)


def markets_of(bet: Bet) -> tuple[int, ...]:
    """The markets of a bet, each once, in the order of its slip."""
    if bet.slip is None:
        return (bet.market_id,)
    return tuple(dict.fromkeys(market_id for market_id, _ in bet.selections))


def is_withdrawn(catalogue: CatalogueState, market_id: int, selection_id: int) -> bool:
    market = catalogue.markets[market_id]
    return bool(market.withdrawals) and market.selections[selection_id].withdrawn_at_us > 0


def is_void(catalogue: CatalogueState, bet: Bet) -> bool:
    """Whether every selection of a bet was withdrawn: its stake comes back, whatever happens."""
    return all(is_withdrawn(catalogue, *pair) for pair in bet.selections)


def within_defaults(
    *,
    stake_minor: int,
    price_milli: int,
    terms: HouseTerms,
    purse: Purse,
    market: Market,
    lost_minor: int,
    spare_minor: int,
    house_worst_minor: int,
) -> bool:
    """Whether a plain single is within the limits that every house has, where no level and no day has one of its own.

    `lost_minor` is what the market loses now if the selection wins, `spare_minor` how much of a further loss its worst
    case already counts. It costs the same with three selections or ten thousand.
    """
    payout = payout_minor(stake_minor=stake_minor, price_milli=price_milli)
    loss = payout - stake_minor
    return (
        stake_minor <= (purse.max_stake_minor or terms.max_stake_minor)
        and payout <= (purse.max_payout_minor or terms.max_payout_minor)
        and loss <= (market.liability_minor or terms.market_liability_minor) - lost_minor
        and loss <= terms.house_liability_minor - house_worst_minor + spare_minor
        and not terms.max_day_payout_minor
    )


def player_rooms(terms: HouseTerms, purse: Purse, player_id: int, *, day_minor: int) -> Iterator[Room]:
    """What one customer's bet may be: the customer's own terms where an operator set some, else the platform's.
    `day_minor` is what today's bets may pay already."""
    own = Level.PLAYER, player_id
    house = Level.PLATFORM, 0
    level, id = own if purse.max_stake_minor else house
    yield Refusal.STAKE_LIMIT, level, id, Measure.STAKE, purse.max_stake_minor or terms.max_stake_minor
    level, id = own if purse.max_payout_minor else house
    yield Refusal.PAYOUT_LIMIT, level, id, Measure.PAYOUT, purse.max_payout_minor or terms.max_payout_minor
    if terms.max_day_payout_minor:
        yield Refusal.DAY_PAYOUT, *own, Measure.PAYOUT, terms.max_day_payout_minor - day_minor


def market_room(market: Market, terms: HouseTerms, *, lost_minor: int) -> Room:
    """How much more a market may lose on a selection that would lose `lost_minor` now."""
    most_minor = market.liability_minor or terms.market_liability_minor
    return Refusal.MARKET_LIABILITY, Level.MARKET, market.id, Measure.LOSS, most_minor - lost_minor


def cap_rooms(caps: dict[Scope, Cap], scope: Scope, lost_minor: int) -> Iterator[Room]:
    """The limits of one level, if it has any; `lost_minor` is what it loses now."""
    cap = caps.get(scope)
    if cap is None:
        return
    level, id = scope[0], scope[2] or scope[1]
    if cap.max_stake_minor:
        yield Refusal.STAKE_LIMIT, level, id, Measure.STAKE, cap.max_stake_minor
    if cap.max_payout_minor:
        yield Refusal.PAYOUT_LIMIT, level, id, Measure.PAYOUT, cap.max_payout_minor
    if cap.max_liability_minor:
        yield Refusal.LEVEL_LIABILITY, level, id, Measure.LOSS, cap.max_liability_minor - lost_minor


def narrowest(rooms: Iterable[Room], *, stake_minor: int, most: Ratio) -> Bound | None:
    """The most restrictive of the limits that a bet is over, with the largest stake (at least 0) that it leaves; the
    first of those that leave as little. None where the bet is within all."""
    over = [room for room in rooms if not _is_within(room, stake_minor, most)]
    bounds = [(code, level, id, largest_minor(measure, room, most)) for code, level, id, measure, room in over]
    if not bounds:
        return None
    code, level, id, most_minor = min(bounds, key=_largest)
    return code, level, id, max(0, most_minor)


def _largest(bound: Bound) -> int:
    return bound[3]


def _is_within(room: Room, stake_minor: int, most: Ratio) -> bool:
    return _measured(room[3], stake_minor, most) <= room[4]


def _measured(measure: Measure, stake_minor: int, most: Ratio) -> int:
    if measure is Measure.STAKE:
        return stake_minor
    paid_minor = half_even(stake_minor * most[0], most[1])
    return paid_minor if measure is Measure.PAYOUT else paid_minor - stake_minor


def largest_minor(measure: Measure, room_minor: int, most: Ratio) -> int:
    """The largest stake that a limit leaves (−1 where not even none fits), rounded as it will be paid: a minor unit
    more is over it.

    Paid and lost rise with the stake, so the boundary is where exact arithmetic puts it, or one or two units beside it
    by rounding.
    """
    if room_minor < 0:
        return -1
    if measure is Measure.STAKE:
        return room_minor
    numerator, denominator = most
    if measure is Measure.LOSS:
        numerator -= denominator
    if numerator <= 0:
        return MAX_MONEY_MINOR
    stake_minor = min(MAX_MONEY_MINOR, (2 * room_minor + 1) * denominator // (2 * numerator))
    while stake_minor > 0 and _measured(measure, stake_minor, most) > room_minor:
        stake_minor -= 1
    return stake_minor
