"""What a bet is cashed out for, once more: with fractions, line by line, from prices and results that all can see."""

from fractions import Fraction
from itertools import combinations
from math import floor

from overround.book.bets import Bet
from overround.book.catalogue import EventStatus, Market, MarketStatus
from overround.book.machine.state import State
from overround.book.settlement import Score, Void

WINNERS = {"1x2": 1, "double_chance": 2, "draw_no_bet": 1, "winner": 1, "anytime_goalscorer": 0}
NAMED = {(1, 0): 1, (0, 0): 2, (0, 1): 3}


def fair(prices: list[Fraction], own: Fraction, winners: int) -> Fraction:
    """The probability that the prices of a market (0 for none) give to one of them."""
    book = sum((1 / price for price in prices if price), Fraction(0))
    return winners / (own * book) if winners and book > winners else 1 / own


def fair_returns(stake: int, folds: tuple[int, ...], factors: list[Fraction]) -> Fraction:
    """Every line by itself, an equal part of the stake on each."""
    lines = [pick for fold in folds for pick in combinations(range(len(factors)), fold)]
    total = Fraction(0)
    for pick in lines:
        product = Fraction(stake, len(lines))
        for place in pick:
            product *= factors[place]
        total += product
    return total


def part_of(running: int, portion_bps: int, lines: int) -> int | None:
    part = running if portion_bps == 10_000 else floor(Fraction(running * portion_bps, 10_000))
    fits = part == running or (part >= lines and running - part >= lines)
    return part if fits else None


def prices_of(market: Market) -> list[Fraction]:
    return [Fraction(selection.price_milli, 1_000) for selection in market.selections.values()]


def leg_factor(state: State, bet: Bet, leg: tuple[int, int, int]) -> tuple[Fraction | None, bool]:
    """What a leg of a match result multiplies a line by, None while nobody can say; and whether it is decided."""
    market_id, selection, taken = leg
    market, said = state.catalogue.markets[market_id], state.settlement.results.get(market_id)
    struck = max(bet.placed_at_us, bet.decide_at_us)
    if any(start <= struck < end for start, end in market.cancelled) or isinstance(said, Void):
        return Fraction(1), True
    if isinstance(said, Score):
        won = NAMED[said.home, said.away] == selection
        return Fraction(taken, 1_000) if won else Fraction(0), True
    own = Fraction(market.selections[selection].price_milli, 1_000)
    if market.status is not MarketStatus.OPEN or not own:
        return None, False
    return Fraction(taken, 1_000) * fair(prices_of(market), own, WINNERS[market.type]), False


def legs_of(bet: Bet) -> tuple[list[tuple[int, int, int]], tuple[int, ...]]:
    if bet.slip is None:
        return [(bet.market_id, bet.selection_id, bet.price_milli)], (1,)
    return [(leg.market_id, leg.selection_id, leg.price_milli) for leg in bet.slip.legs], bet.slip.folds


def is_decided(folds: tuple[int, ...], known: list[Fraction | None]) -> bool:
    """Whether every line is all decided, or has a lost leg."""
    lines = [pick for fold in folds for pick in combinations(range(len(known)), fold)]
    return all(
        any(known[place] == 0 for place in pick) or all(known[place] is not None for place in pick) for pick in lines
    )


def worth(state: State, bet: Bet, portion_bps: int, *, margin_bps: int = 500) -> tuple[int, int] | None:
    """The stake sold and the price of a portion of an open bet on match results; None where it has none."""
    if bet.ticket is not None and bet.ticket.stake_kind != "cash":
        return None
    legs, folds = legs_of(bet)
    running = bet.stake_minor - (bet.cashed.stake_minor if bet.cashed else 0)
    found = [leg_factor(state, bet, leg) for leg in legs]
    known = [factor if decided else None for factor, decided in found]
    lines = sum(1 for fold in folds for _ in combinations(range(len(legs)), fold))
    part = part_of(running, portion_bps, lines)
    if part is None or is_decided(folds, known) or any(factor is None for factor, _ in found):
        return None
    fair_minor = fair_returns(part, folds, [factor for factor, _ in found if factor is not None])
    price = floor(fair_minor * (10_000 - margin_bps) / 10_000)
    if bet.slip is not None:
        price = min(price, floor(Fraction(max(bet.slip.payout_limit_minor, running) * part, running)))
    return (part, price) if price else None


def delay_us(state: State, bet: Bet) -> int:
    """The longest in-play delay of the legs without a result that were not cancelled."""
    markets = [state.catalogue.markets[leg[0]] for leg in legs_of(bet)[0] if not leg_factor(state, bet, leg)[1]]
    in_play = [each for each in markets if state.catalogue.events[each.event_id].status is EventStatus.IN_PLAY]
    return max((market.delay_us for market in in_play), default=0)
