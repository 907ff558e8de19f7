"""Placing bets: gather what the rooms know, let each say no in its turn, and put the outcome into facts."""

from enum import StrEnum

from overround.book import bets, catalogue, ledger, limits
from overround.book.bets import Bet, BetAccepted, BetDelayed, Bound, DelayedBetAccepted, DelayedBetRefused
from overround.book.catalogue import Market, Selection
from overround.book.ledger import Wallet
from overround.book.limits import Purse
from overround.book.machine.commands import PlaceBet
from overround.book.machine.finding import no_market
from overround.book.machine.limiting import losing, rooms
from overround.book.machine.state import State
from overround.kernel.fact import Cause, Fact
from overround.kernel.level import Level
from overround.kernel.money import MAX_MONEY_MINOR
from overround.kernel.price import UNIT, is_price
from overround.kernel.refusal import Refused


def place(state: State, command: PlaceBet, now_us: int, cause: Cause) -> Fact | Refused:
    """Decide a single bet: taken, held for its in-play delay, or refused. The order of the checks is the order of
    `docs/rules/acceptance.md`."""
    wallet = state.ledger.wallets.get((command.customer_id, command.currency))
    if wallet is None:
        return no_wallet(state, command.customer_id)
    player = state.limits.players[command.customer_id]
    if now_us < player.excluded_until_us or now_us < player.cooling_until_us or player.blocked:
        return Refused(str(limits.shut_out(player, now_us=now_us)))
    if not 0 < command.stake_minor <= MAX_MONEY_MINOR:
        return Refused(bets.Refusal.STAKE_INVALID)
    if not is_price(command.price_milli):
        return Refused(catalogue.Refusal.PRICE_INVALID)
    market = state.catalogue.markets.get(command.market_id)
    if market is None:
        return no_market(state, command.market_id)
    purse = player.purses[command.currency]
    taken = _terms(state, market, wallet, purse, command, now_us=now_us, asked_at_us=now_us, held_minor=0)
    if isinstance(taken, Refused):
        return taken
    delay_us = catalogue.delay_us(market, state.catalogue.events[market.event_id])
    if delay_us:
        return BetDelayed(
            cause=cause,
            bet_id=state.bets.next_id(),
            customer_id=command.customer_id,
            market_id=command.market_id,
            selection_id=command.selection_id,
            currency=command.currency,
            stake_minor=command.stake_minor,
            price_milli=command.price_milli,
            market_version=market.version,
            odds_change=command.odds_change,
            decide_at_us=now_us + delay_us,
        )
    bet_id = state.bets.next_id()
    return BetAccepted(
        cause=cause,
        bet_id=bet_id,
        customer_id=command.customer_id,
        market_id=command.market_id,
        selection_id=command.selection_id,
        currency=command.currency,
        stake_minor=command.stake_minor,
        price_milli=taken,
        market_version=market.version,
        odds_change=command.odds_change,
        transfers=ledger.stake(
            wallet, state.ledger.house[command.currency], stake_minor=command.stake_minor, ref=bet_id
        ),
    )


def no_wallet(state: State, customer_id: int) -> Refused:
    """Why somebody has no wallet in a currency."""
    if customer_id in state.limits.players:
        return Refused(ledger.Refusal.WALLET_NOT_FOUND)
    return Refused(ledger.Refusal.CUSTOMER_NOT_FOUND)


def _terms(
    state: State,
    market: Market,
    wallet: Wallet,
    purse: Purse,
    asked: PlaceBet | Bet,
    *,
    now_us: int,
    asked_at_us: int,
    held_minor: int,
) -> int | Refused:
    """The price at which a bet would stand now, or why it would not. Checked alike at once and after a delay, when
    `held_minor` of the customer's cash is this bet's own since `asked_at_us`."""
    if not state.catalogue.takes_bet(market, asked_at_us=asked_at_us, now_us=now_us):
        return unavailable(state, market, asked_at_us=asked_at_us, now_us=now_us)
    if asked.market_version and asked.market_version != market.version:
        return Refused(bets.Refusal.MARKET_CHANGED, {"market_version": market.version})
    selection = market.selections.get(asked.selection_id)
    if selection is None:
        return Refused(bets.Refusal.SELECTION_NOT_FOUND)
    price_milli = selection.price_milli
    if not price_milli:
        return no_price(market, selection)
    if price_milli != asked.price_milli and not bets.takes_price(
        asked.odds_change, asked_milli=asked.price_milli, current_milli=price_milli
    ):
        return Refused(bets.Refusal.PRICE_CHANGED, {"price_milli": price_milli, "market_version": market.version})
    stake_minor, currency = asked.stake_minor, asked.currency
    terms = state.limits.terms[currency]
    if stake_minor < terms.min_stake_minor:
        return Refused(bets.Refusal.STAKE_BELOW_MINIMUM, {"min_stake_minor": terms.min_stake_minor})
    lost_minor, spare_minor = losing(state, market.id, asked.selection_id, currency)
    over: Bound | None = None
    if state.limits.caps or not bets.within_defaults(
        stake_minor=stake_minor,
        price_milli=price_milli,
        terms=terms,
        purse=purse,
        market=market,
        lost_minor=lost_minor,
        spare_minor=spare_minor,
        house_worst_minor=state.bets.house_worst_minor(market.id, currency),
    ):
        player = state.limits.players[asked.customer_id]
        pairs = ((market.id, asked.selection_id),)
        bounds = rooms(state, player, currency, pairs, now_us=now_us, spare_minor=spare_minor)
        over = bets.narrowest(bounds, stake_minor=stake_minor, most=(price_milli, UNIT))
    room: tuple[StrEnum, int] | None = None
    if purse.limits:
        room = limits.stake_room(purse, now_us=now_us, held_minor=held_minor, held_at_us=asked_at_us)
    available_minor = wallet.cash.available_minor + held_minor
    if over is None and (room is None or stake_minor <= room[1]):
        if stake_minor <= available_minor:
            return price_milli
        return Refused(ledger.Refusal.INSUFFICIENT_FUNDS, {"available_minor": available_minor})
    return too_much(over, room, available_minor=available_minor, min_stake_minor=terms.min_stake_minor)


def unavailable(state: State, market: Market, *, asked_at_us: int, now_us: int) -> Refused:
    """Why a market takes no bet: it is over, or suspended, or not approved. The widest level that the desk suspended is
    named."""
    code, detail = bets.unavailable(market), dict[str, int | str](market_version=market.version)
    if code is bets.Refusal.MARKET_SUSPENDED:
        level = state.catalogue.stopped_at(market, asked_at_us=asked_at_us, now_us=now_us)
        if level is not None:
            detail["level"] = level.value
        elif state.catalogue.is_offered(market, asked_at_us=asked_at_us, now_us=now_us):
            code = bets.Refusal.NOT_APPROVED
    return Refused(code, detail)


def no_price(market: Market, selection: Selection) -> Refused:
    if selection.stopped:
        detail: dict[str, int | str] = {"market_version": market.version, "level": Level.SELECTION.value}
        return Refused(bets.Refusal.MARKET_SUSPENDED, detail)
    return Refused(bets.Refusal.NO_PRICE)


def too_much(
    over: Bound | None, room: tuple[StrEnum, int] | None, *, available_minor: int, min_stake_minor: int
) -> Refused:
    """The refusal of a stake over a limit: the house's limits speak first, naming their level, and `max_stake_minor` is
    what every limit and the customer's cash would let stand, 0 where that is nothing."""
    largest = min(available_minor, *(found[-1] for found in (over, room) if found is not None))
    detail: dict[str, int | str] = {"max_stake_minor": largest if largest >= max(1, min_stake_minor) else 0}
    if over is not None:
        code, level, id, _ = over
        return Refused(code, {**detail, "level": level.value, "level_id": id})
    if room is None:
        raise ValueError("no limit is over")
    return Refused(room[0], detail)


def decide_delayed(state: State, bet_id: int, now_us: int) -> DelayedBetAccepted | DelayedBetRefused:
    """The delay of a waiting bet is over: everything is checked again, whole."""
    bet = state.bets.bets[bet_id]
    wallet = state.ledger.wallets[bet.customer_id, bet.currency]
    player = state.limits.players[bet.customer_id]
    shut_out = limits.shut_out(player, now_us=now_us)
    taken = (
        Refused(shut_out)
        if shut_out
        else _terms(
            state,
            state.catalogue.markets[bet.market_id],
            wallet,
            player.purses[bet.currency],
            bet,
            now_us=now_us,
            asked_at_us=bet.placed_at_us,
            held_minor=bet.stake_minor,
        )
    )
    if isinstance(taken, Refused):
        return DelayedBetRefused(bet_id=bet_id, customer_id=bet.customer_id, code=taken.code, detail=taken.detail)
    return DelayedBetAccepted(
        bet_id=bet_id,
        customer_id=bet.customer_id,
        price_milli=taken,
        transfers=ledger.stake(wallet, state.ledger.house[bet.currency], stake_minor=bet.stake_minor, ref=bet_id),
    )
