"""Which limits of the house a bet meets: those of its customer, its selections and markets, and every level above."""

from collections.abc import Iterator
from typing import Final

import msgspec

from overround.book import bets, catalogue
from overround.book.bets import Exposure, Measure, Refusal, Room
from overround.book.limits import Player
from overround.book.machine.state import State
from overround.book.tickets import Slip
from overround.kernel.level import Level

Pair = tuple[int, int]


PLATFORM: Final = ((Level.PLATFORM, 0),)
ANY: Final = 0


class Pledged(msgspec.Struct):
    """What earlier bets of a ticket under decision would add to what is owed: by (market, selection), with ANY
    selection where others may be paid beside it, and by level."""

    lost_minor: dict[Pair, int] = {}
    worst_minor: dict[tuple[Level, int], int] = {}
    paid_minor: int = 0

    def add(self, state: State, slip: Slip, *, most_minor: int) -> None:
        pairs, stake_minor = pairs_of(slip), slip.stake_minor
        loss_minor = max(0, most_minor - stake_minor)
        for market_id, selection_id in pairs:
            alone = not slip.each_way and catalogue.winners(state.catalogue.markets[market_id]) == 1
            pair = market_id, selection_id if alone else ANY
            self.lost_minor[pair] = self.lost_minor.get(pair, 0) + loss_minor
        for scope in bets.above(state.catalogue, [market_id for market_id, _ in pairs]):
            self.worst_minor[scope] = self.worst_minor.get(scope, 0) + loss_minor
        self.paid_minor += most_minor

    def lost_in_minor(self, market_id: int, selection_id: int) -> int:
        return self.lost_minor.get((market_id, selection_id), 0) + self.lost_minor.get((market_id, ANY), 0)


def pairs_of(slip: Slip) -> tuple[Pair, ...]:
    """Every (market, selection) on which a slip depends."""
    return tuple(pair for leg in slip.legs for pair in leg.selections)


def place_rooms(state: State, currency: str, pairs: tuple[Pair, ...], *, pledged: Pledged) -> Iterator[Room]:
    """What the place part of an each-way bet may cost its markets: that of a selection which another has beaten."""
    terms, caps = state.limits.terms[currency], state.limits.caps
    for market_id, selection_id in pairs:
        lost_minor = state.bets.lost_if_placed_minor(market_id, selection_id, currency)
        lost_minor += sum(minor for (market, _), minor in pledged.lost_minor.items() if market == market_id)
        yield bets.market_room(state.catalogue.markets[market_id], terms, lost_minor=lost_minor)
        capped = bets.cap_rooms(caps, (Level.MARKET, market_id, 0, currency), lost_minor)
        yield from (room for room in capped if room[3] is Measure.LOSS)


def rooms(
    state: State,
    player: Player,
    currency: str,
    pairs: tuple[Pair, ...],
    *,
    now_us: int,
    pledged: Pledged | None = None,
    spare_minor: int = 0,
) -> Iterator[Room]:
    """Every limit over a bet on these (market, selection), narrow levels first.

    `spare_minor` is how much of a single's loss the worst case of its market counts already, so that it does not make
    the levels above lose more.
    """
    pledged = pledged or Pledged()
    terms, purse, caps = state.limits.terms[currency], player.purses[currency], state.limits.caps
    yield from bets.player_rooms(
        terms, purse, player.id, day_minor=purse.potential_of_day_minor(now_us) + pledged.paid_minor
    )
    if terms.max_ticket_payout_minor:
        left_minor = terms.max_ticket_payout_minor - pledged.paid_minor
        yield Refusal.TICKET_PAYOUT, Level.PLATFORM, 0, Measure.PAYOUT, left_minor
    markets = tuple(dict.fromkeys(market_id for market_id, _ in pairs))
    for market_id, selection_id in pairs:
        lost_minor = state.bets.lost_minor(market_id, selection_id, currency)
        lost_minor += pledged.lost_in_minor(market_id, selection_id)
        yield bets.market_room(state.catalogue.markets[market_id], terms, lost_minor=lost_minor)
        if caps:
            yield from bets.cap_rooms(caps, (Level.SELECTION, market_id, selection_id, currency), lost_minor)
            yield from bets.cap_rooms(caps, (Level.MARKET, market_id, 0, currency), lost_minor)
    for level, id in bets.above(state.catalogue, markets) if caps else PLATFORM:
        worst_minor = (
            state.bets.worst_minor(level, id, currency) + pledged.worst_minor.get((level, id), 0) - spare_minor
        )
        if caps:
            yield from bets.cap_rooms(caps, (level, id, 0, currency), worst_minor)
        if level is Level.PLATFORM:
            most_minor = terms.house_liability_minor - worst_minor
            yield Refusal.HOUSE_LIABILITY, level, id, Measure.LOSS, most_minor


def losing(state: State, market_id: int, selection_id: int, currency: str) -> tuple[int, int]:
    """What a market loses now if a selection wins, and how much more of it its worst case on singles counts already."""
    singles = state.bets.exposure(market_id, currency)
    lost_minor, spare_minor = 0, 0
    if singles is not None:
        lost_minor = singles.lost_minor(selection_id)
        spare_minor = singles.worst_minor - lost_minor
    carried = state.bets.carried.get(market_id)
    if carried:
        lost_minor += carried.get(currency, NOTHING).lost_minor(selection_id)
        lost_minor += state.bets.placed_minor(market_id, selection_id, currency)
    return lost_minor, spare_minor


NOTHING = Exposure()
