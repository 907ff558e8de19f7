"""Placing tickets: from what is asked to slips, each checked as a single is, all of them taken or none."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from overround.book import bets, catalogue, ledger, limits, promotions, tickets
from overround.book.bets import (
    Bet,
    BetStatus,
    Bound,
    OddsChange,
    Ratio,
    TicketAccepted,
    TicketBet,
    TicketDelayed,
    TicketReferred,
    WaitingTicketAccepted,
    WaitingTicketRefused,
)
from overround.book.catalogue import EventStatus, Market
from overround.book.ledger import StakeKind, Transfer, Wallet
from overround.book.limits import Player
from overround.book.machine import granting
from overround.book.machine.betting import no_price, no_wallet, too_much, unavailable
from overround.book.machine.commands import BetAsked, LegAsked, PlaceTicket
from overround.book.machine.finding import no_market
from overround.book.machine.limiting import Pledged, pairs_of, place_rooms, rooms
from overround.book.machine.state import State
from overround.book.promotions import Grant
from overround.book.tickets import Leg, Slip
from overround.kernel.fact import Fact
from overround.kernel.instant import SECOND_US
from overround.kernel.refusal import Refused
from overround.kernel.rounding import half_even

REFERRAL_US: Final = 60 * SECOND_US
"""How long a trader has for a referred ticket, and then the customer for the trader's offer."""

Facts = tuple[Fact, ...] | Refused


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket to be decided: who asks, for which slips, since when, and how much of the customer's money it holds.

    `within_limits` says whether the house's limits hold, `at_prices` that the prices of the slips stand whatever moved:
    a trader has promised both.
    """

    player: Player
    wallet: Wallet
    currency: str
    odds_change: OddsChange
    stake_kind: StakeKind
    slips: tuple[Slip, ...]
    first_id: int
    asked_at_us: int
    held_minor: int = 0
    within_limits: bool = True
    at_prices: bool = False
    grant: Grant | None = None

    @property
    def stake_minor(self) -> int:
        return sum(slip.stake_minor for slip in self.slips)


def place(state: State, command: PlaceTicket, now_us: int) -> Facts:
    """Decide a ticket: taken, held for its in-play delay or for a trader, or refused. The order of the checks is that
    of `docs/rules/acceptance.md`."""
    asked = asked_for(state, command, now_us)
    if isinstance(asked, Refused):
        return asked
    taken = stand(state, asked, now_us)
    if isinstance(taken, Refused):
        return _refer(state, command, asked, taken, now_us) if command.refer else taken
    delay_us = longest_delay_us(state, asked)
    return (_delayed(command, asked, now_us + delay_us) if delay_us else _accepted(state, command, asked, taken),)


def asked_for(state: State, command: PlaceTicket, now_us: int) -> Asked | Refused:
    """A ticket as asked for, on the terms on offer; or why there is nothing to decide."""
    wallet = state.ledger.wallets.get((command.customer_id, command.currency))
    if wallet is None:
        return no_wallet(state, command.customer_id)
    player = state.limits.players[command.customer_id]
    shut_out = limits.shut_out(player, now_us=now_us)
    if shut_out is not None:
        return Refused(shut_out)
    slips = _slips(state, command, player)
    if isinstance(slips, Refused):
        return slips
    grant = granting.claim(state, command, now_us)
    if isinstance(grant, Refused):
        return grant
    return Asked(
        player=player,
        wallet=wallet,
        currency=command.currency,
        odds_change=command.odds_change,
        stake_kind=command.stake_kind,
        slips=slips,
        first_id=state.bets.next_id(),
        asked_at_us=now_us,
        grant=grant,
    )


def _accepted(state: State, command: PlaceTicket, asked: Asked, taken: tuple[TicketBet, ...]) -> TicketAccepted:
    return TicketAccepted(
        ticket_id=asked.first_id,
        customer_id=command.customer_id,
        currency=command.currency,
        odds_change=command.odds_change,
        bets=taken,
        stake_kind=command.stake_kind,
        grant_id=command.grant_id,
        transfers=_stakes(state, asked, taken),
    )


def _stakes(state: State, asked: Asked, taken: tuple[TicketBet, ...]) -> tuple[Transfer, ...]:
    house = state.ledger.house[asked.currency]
    return tuple(
        transfer
        for each in taken
        for transfer in ledger.stake(
            asked.wallet, house, stake_minor=each.slip.stake_minor, ref=each.bet_id, kind=asked.stake_kind
        )
    )


def _delayed(command: PlaceTicket, asked: Asked, decide_at_us: int) -> TicketDelayed:
    return TicketDelayed(
        ticket_id=asked.first_id,
        customer_id=command.customer_id,
        currency=command.currency,
        odds_change=command.odds_change,
        bets=as_asked(asked),
        stake_kind=command.stake_kind,
        grant_id=command.grant_id,
        decide_at_us=decide_at_us,
    )


def _refer(state: State, command: PlaceTicket, asked: Asked, refused: Refused, now_us: int) -> Facts:
    """A ticket that only the house's limits are against waits for a trader, if all else lets it stand."""
    if refused.code not in bets.REFERABLE:
        return refused
    otherwise = stand(state, msgspec.structs.replace(asked, within_limits=False), now_us)
    if isinstance(otherwise, Refused):
        return otherwise
    return (
        TicketReferred(
            ticket_id=asked.first_id,
            customer_id=command.customer_id,
            currency=command.currency,
            odds_change=command.odds_change,
            bets=as_asked(asked),
            stake_kind=command.stake_kind,
            grant_id=command.grant_id,
            decide_at_us=now_us + REFERRAL_US,
            code=str(refused.code),
            detail=refused.detail,
        ),
    )


def as_asked(asked: Asked) -> tuple[TicketBet, ...]:
    """The slips as asked for, while they wait."""
    numbered = enumerate(asked.slips, asked.first_id)
    return tuple(TicketBet(bet_id, slip, most_minor(slip)) for bet_id, slip in numbered)


def longest_delay_us(state: State, asked: Asked) -> int:
    """The in-play delay of a ticket."""
    return max(_delays_us(state, asked.slips))


def _delays_us(state: State, slips: Sequence[Slip]) -> Iterator[int]:
    """The in-play delay of every market on which the slips depend."""
    for slip in slips:
        for leg in slip.legs:
            for market_id, _ in leg.selections:
                market = state.catalogue.markets[market_id]
                yield catalogue.delay_us(market, state.catalogue.events[market.event_id])


# ---------------------------------------------------------------- from what is asked to slips


def _slips(state: State, command: PlaceTicket, player: Player) -> tuple[Slip, ...] | Refused:
    """The slips of a ticket at the prices asked for, on the terms on offer; or why this is no ticket."""
    terms, purse = state.limits.terms[command.currency], player.purses[command.currency]
    payout_limit_minor = purse.max_payout_minor or terms.max_payout_minor
    slips: list[Slip] = []
    for position, asked in enumerate(command.bets, 1):
        legs = _legs(state, asked)
        if isinstance(legs, Refused):
            return Refused(legs.code, {"bet": position, **legs.detail})
        slips.append(Slip(legs, asked.folds, asked.stake_minor, payout_limit_minor))
    return tickets.refusal(tickets.Ticket(tuple(slips))) or tuple(slips)


def _legs(state: State, asked: BetAsked) -> tuple[Leg, ...] | Refused:
    legs: list[Leg] = []
    for position, each in enumerate(asked.legs[: tickets.MAX_LEGS + 1], 1):
        leg = _builder_leg(state, each, asked) if each.builder_id else _leg(state, each, asked)
        if isinstance(leg, Refused):
            return Refused(leg.code, {"leg": position, **leg.detail})
        legs.append(leg)
    return tuple(legs)


def _leg(state: State, asked: LegAsked, bet: BetAsked) -> Leg | Refused:
    market = state.catalogue.markets.get(asked.market_id)
    if market is None:
        return no_market(state, asked.market_id)
    if bet.each_way and market.each_way is None:
        return Refused(bets.Refusal.EACH_WAY_NOT_OFFERED)
    if not asked.price_milli and not market.starting_prices:
        return Refused(bets.Refusal.STARTING_PRICE_NOT_OFFERED)
    if asked.market_version and asked.market_version != market.version:
        return Refused(bets.Refusal.MARKET_CHANGED, {"market_version": market.version})
    return Leg(
        selection_id=asked.selection_id,
        event_id=market.event_id,
        price_milli=asked.price_milli,
        each_way=market.each_way if bet.each_way else None,
        best_odds=bool(asked.price_milli) and _guarantees_best_odds(state, market),
        banker=asked.banker,
        market_id=market.id,
        market_version=market.version,
    )


def _guarantees_best_odds(state: State, market: Market) -> bool:
    return market.best_odds and state.catalogue.events[market.event_id].status is EventStatus.SCHEDULED


def _builder_leg(state: State, asked: LegAsked, bet: BetAsked) -> Leg | Refused:
    builder = state.bets.builders.get(asked.builder_id)
    if builder is None:
        return Refused(bets.Refusal.BUILDER_NOT_FOUND)
    for market_id, _ in builder.parts:
        if market_id not in state.catalogue.markets:
            return no_market(state, market_id)
    if bet.each_way:
        return Refused(bets.Refusal.EACH_WAY_NOT_OFFERED)
    return Leg(
        selection_id=builder.builder_id,
        event_id=builder.event_id,
        price_milli=asked.price_milli,
        banker=asked.banker,
        parts=builder.parts,
        without_milli=builder.without_milli,
    )


# ---------------------------------------------------------------- whether it stands


def stand(state: State, asked: Asked, now_us: int) -> tuple[TicketBet, ...] | Refused:
    """The bets of a ticket as they would stand now, or why it does not stand. Checked alike at once, after a delay and
    after a trader has spoken."""
    terms = state.limits.terms[asked.currency]
    pledged, taken = Pledged(), []
    for position, asked_slip in enumerate(asked.slips, 1):
        slip = _priced(state, asked, asked_slip, now_us)
        if isinstance(slip, Refused):
            return Refused(slip.code, {"bet": position, **slip.detail})
        if asked.grant is not None:
            unfit = promotions.unfit(asked.grant, slip, bets=len(asked.slips))
            if unfit is not None:
                return unfit
            slip = promotions.boosted(asked.grant, slip)
        if slip.stake_minor < terms.min_stake_minor:
            least: dict[str, int | str] = {"bet": position, "min_stake_minor": terms.min_stake_minor}
            return Refused(bets.Refusal.STAKE_BELOW_MINIMUM, least)
        most = tickets.most_ratio(slip, start_ceiling_milli=tickets.START_CEILING_MILLI)
        over = _over(state, asked, slip, most, pledged, now_us) if asked.within_limits else None
        if over is not None:
            available_minor = _available_minor(asked)
            refused = too_much(over, None, available_minor=available_minor, min_stake_minor=terms.min_stake_minor)
            return Refused(refused.code, {"bet": position, **refused.detail})
        potential_minor = most_minor(slip, most)
        if potential_minor > slip.payout_limit_minor:  # a trader takes it, and so all that it may pay
            slip = msgspec.structs.replace(slip, payout_limit_minor=potential_minor)
        if position < len(asked.slips):
            pledged.add(state, slip, most_minor=potential_minor)
        taken.append(TicketBet(asked.first_id + position - 1, slip, potential_minor))
    return _affordable(state, asked, now_us) or tuple(taken)


def most_minor(slip: Slip, most: Ratio | None = None) -> int:
    """The most that a slip counts for in limits and liability; `most` is its ratio where that is known."""
    numerator, denominator = most or tickets.most_ratio(slip, start_ceiling_milli=tickets.START_CEILING_MILLI)
    paid_minor = half_even(slip.stake_minor * numerator, denominator)
    return min(paid_minor, max(slip.payout_limit_minor, slip.stake_minor)) if _depends_on_start(slip) else paid_minor


def _depends_on_start(slip: Slip) -> bool:
    return any(not leg.price_milli for leg in slip.legs)


def _over(state: State, asked: Asked, slip: Slip, most: Ratio, pledged: Pledged, now_us: int) -> Bound | None:
    """The narrowest of the house's limits that a slip is over, the earlier bets of its ticket counted."""
    bounds = rooms(state, asked.player, asked.currency, pairs_of(slip), now_us=now_us, pledged=pledged)
    if _depends_on_start(slip):  # its payout is bounded when it is paid
        bounds = (bound for bound in bounds if bound[0] is not bets.Refusal.PAYOUT_LIMIT)
    over = bets.narrowest(bounds, stake_minor=slip.stake_minor, most=most)
    if not slip.each_way:
        return over
    placed = tickets.place_ratio(slip, start_ceiling_milli=tickets.START_CEILING_MILLI)
    bounds = place_rooms(state, asked.currency, pairs_of(slip), pledged=pledged)
    also = bets.narrowest(bounds, stake_minor=slip.stake_minor, most=placed)
    return min((each for each in (over, also) if each is not None), key=_largest, default=None)


def _largest(bound: Bound) -> int:
    return bound[-1]


def _available_minor(asked: Asked) -> int:
    return asked.wallet.account(asked.stake_kind).available_minor + asked.held_minor


def _affordable(state: State, asked: Asked, now_us: int) -> Refused | None:
    """Whether the customer may and can stake all of a ticket."""
    if asked.stake_kind is StakeKind.FREE_BET:
        return None
    purse, stake_minor = asked.player.purses[asked.currency], asked.stake_minor
    available_minor = _available_minor(asked)
    room = limits.stake_room(purse, now_us=now_us, held_minor=asked.held_minor, held_at_us=asked.asked_at_us)
    if room is not None and stake_minor > room[1]:
        return too_much(None, room, available_minor=available_minor, min_stake_minor=0)
    if stake_minor > available_minor:
        return Refused(ledger.Refusal.INSUFFICIENT_FUNDS, {"available_minor": available_minor})
    return None


def _priced(state: State, asked: Asked, slip: Slip, now_us: int) -> Slip | Refused:
    """A slip at the prices that hold now, each of which the customer takes."""
    legs: list[Leg] = []
    for position, leg in enumerate(slip.legs, 1):
        price = _builder_price(state, asked, leg, now_us) if leg.parts else _price(state, asked, leg, now_us)
        if isinstance(price, Refused):
            return Refused(price.code, {"leg": position, **price.detail})
        legs.append(leg if price == leg.price_milli else msgspec.structs.replace(leg, price_milli=price))
    return slip if all(map(_is, legs, slip.legs)) else msgspec.structs.replace(slip, legs=tuple(legs))


def _is(one: object, other: object) -> bool:
    return one is other


def _price(state: State, asked: Asked, leg: Leg, now_us: int) -> int | Refused:
    market = state.catalogue.markets[leg.market_id]
    if not state.catalogue.takes_bet(market, asked_at_us=asked.asked_at_us, now_us=now_us):
        return unavailable(state, market, asked_at_us=asked.asked_at_us, now_us=now_us)
    if leg.market_version != market.version:
        return Refused(bets.Refusal.MARKET_CHANGED, {"market_version": market.version})
    selection = market.selections.get(leg.selection_id)
    if selection is None:
        return Refused(bets.Refusal.SELECTION_NOT_FOUND)
    if not leg.price_milli:
        return no_price(market, selection) if selection.stopped or selection.withdrawn_at_us else 0
    if not selection.price_milli:
        return no_price(market, selection)
    return _taken(asked, leg, selection.price_milli)


def _taken(asked: Asked, leg: Leg, price_milli: int) -> int | Refused:
    if asked.at_prices:
        return leg.price_milli
    if bets.takes_price(asked.odds_change, asked_milli=leg.price_milli, current_milli=price_milli):
        return price_milli
    return Refused(bets.Refusal.PRICE_CHANGED, {"price_milli": price_milli})


def _builder_price(state: State, asked: Asked, leg: Leg, now_us: int) -> int | Refused:
    """A bet builder's price holds while no market of it has changed, and for whoever asked before it expired."""
    builder = state.bets.builders.get(leg.selection_id)
    if builder is None or asked.asked_at_us >= builder.expires_at_us:
        return Refused(bets.Refusal.BUILDER_EXPIRED)
    for (market_id, _), version in zip(builder.parts, builder.versions, strict=True):
        market = state.catalogue.markets[market_id]
        if not state.catalogue.takes_bet(market, asked_at_us=asked.asked_at_us, now_us=now_us):
            return unavailable(state, market, asked_at_us=asked.asked_at_us, now_us=now_us)
        if market.version != version:
            return Refused(bets.Refusal.BUILDER_EXPIRED)
    return _taken(asked, leg, builder.price_milli)


# ---------------------------------------------------------------- what waited


def waiting(state: State, bet: Bet, *, within_limits: bool = True) -> Asked:
    """A waiting ticket as it was asked for, or as a trader offered it; its stakes are held."""
    ticket = bet.ticket
    if ticket is None:
        raise ValueError(f"bet {bet.id} is not of a ticket")
    parts = [state.bets.bets[bet_id] for bet_id in ticket.bet_ids]
    return Asked(
        player=state.limits.players[bet.customer_id],
        wallet=state.ledger.wallets[bet.customer_id, bet.currency],
        currency=bet.currency,
        odds_change=bet.odds_change,
        stake_kind=ticket.stake_kind,
        slips=tuple(each.slip for each in parts if each.slip is not None),
        first_id=ticket.id,
        asked_at_us=bet.placed_at_us,
        held_minor=0 if ticket.stake_kind is StakeKind.FREE_BET else sum(each.stake_minor for each in parts),
        within_limits=within_limits,
        grant=state.promotions.grants.get(ticket.grant_id) if ticket.grant_id else None,
    )


def decide_waiting(state: State, bet: Bet, now_us: int) -> Fact:
    """What a ticket waited for is over: its delay, so that everything is checked again; or the time of whoever had to
    answer."""
    match bet.status:
        case BetStatus.REFERRED:
            return refuse(bet, Refused(bets.Refusal.REFERRAL_EXPIRED))
        case BetStatus.OFFERED:
            return refuse(bet, Refused(bets.Refusal.OFFER_EXPIRED))
        case _:
            return conclude(state, waiting(state, bet), bet, now_us)


def conclude(state: State, asked: Asked, bet: Bet, now_us: int) -> WaitingTicketAccepted | WaitingTicketRefused:
    """A waiting ticket stands now, or does not."""
    shut_out = limits.shut_out(asked.player, now_us=now_us)
    taken = Refused(shut_out) if shut_out else stand(state, asked, now_us)
    if isinstance(taken, Refused):
        return refuse(bet, taken)
    return WaitingTicketAccepted(
        ticket_id=asked.first_id,
        customer_id=asked.player.id,
        bets=taken,
        transfers=_stakes(state, asked, taken),
    )


def refuse(bet: Bet, refused: Refused) -> WaitingTicketRefused:
    ticket_id = bet.ticket.id if bet.ticket else bet.id
    return WaitingTicketRefused(
        ticket_id=ticket_id, customer_id=bet.customer_id, code=str(refused.code), detail=refused.detail
    )
