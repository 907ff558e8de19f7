"""Every bet, by id and by market, what each market owes, and how facts change them."""

import msgspec

from overround.book.bets.events import BetAccepted, BetDelayed, DelayedBetAccepted, DelayedBetRefused
from overround.book.bets.types import BET_LIFE, Bet, BetAction, BetStatus, Exposure
from overround.book.tickets import Outcome
from overround.kernel.price import payout_minor


class BetsState(msgspec.Struct):
    """`bets` is the truth. `by_market` (accepted bets in the order accepted) is found again from it.

    `house_worst_minor` is, by currency, the sum of the worst cases of all markets that are not resulted.
    """

    bets: dict[int, Bet] = {}
    exposures: dict[int, dict[str, Exposure]] = {}
    house_worst_minor: dict[str, int] = {}
    by_market: dict[int, list[Bet]] = {}

    def next_id(self) -> int:
        return len(self.bets) + 1

    def exposure(self, market_id: int, currency: str) -> Exposure | None:
        by_currency = self.exposures.get(market_id)
        return by_currency.get(currency) if by_currency else None


def accept(state: BetsState, fact: BetAccepted, *, at_us: int, seq: int, key: bytes, content: int) -> Bet:
    """A bet taken at once."""
    bet = state.bets[fact.bet_id] = Bet(
        fact.bet_id,
        fact.customer_id,
        fact.market_id,
        fact.selection_id,
        fact.currency,
        fact.stake_minor,
        fact.price_milli,
        fact.market_version,
        fact.odds_change,
        at_us,
        seq,
        key,
        content,
    )
    _stand(state, bet)
    return bet


def delay(state: BetsState, fact: BetDelayed, *, at_us: int, seq: int, key: bytes, content: int) -> Bet:
    """A bet that waits for its in-play delay."""
    bet = state.bets[fact.bet_id] = Bet(
        id=fact.bet_id,
        customer_id=fact.customer_id,
        market_id=fact.market_id,
        selection_id=fact.selection_id,
        currency=fact.currency,
        stake_minor=fact.stake_minor,
        price_milli=fact.price_milli,
        market_version=fact.market_version,
        odds_change=fact.odds_change,
        placed_at_us=at_us,
        seq=seq,
        key=key,
        content=content,
        status=BetStatus.DELAYED,
        decide_at_us=fact.decide_at_us,
    )
    return bet


def accept_delayed(state: BetsState, fact: DelayedBetAccepted, *, seq: int) -> Bet:
    bet = state.bets[fact.bet_id]
    bet.status = BET_LIFE[bet.status, BetAction.ACCEPT]
    bet.price_milli, bet.seq = fact.price_milli, seq
    _stand(state, bet)
    return bet


def refuse_delayed(state: BetsState, fact: DelayedBetRefused) -> Bet:
    bet = state.bets[fact.bet_id]
    bet.status = BET_LIFE[bet.status, BetAction.REFUSE]
    return bet


def settle(bet: Bet, *, outcome: Outcome, payout_minor: int) -> None:
    bet.status = BET_LIFE[bet.status, BetAction.SETTLE]
    bet.outcome, bet.payout_minor = outcome, payout_minor


def _stand(state: BetsState, bet: Bet) -> None:
    """From now on the bet is its market's, and the market owes on it."""
    stood = state.by_market.get(bet.market_id)
    if stood is None:
        stood = state.by_market[bet.market_id] = []
    stood.append(bet)
    exposure = state.exposure(bet.market_id, bet.currency)
    if exposure is None:
        exposure = state.exposures.setdefault(bet.market_id, {})[bet.currency] = Exposure()
    before = exposure.worst_minor
    payouts, selection_id = exposure.payouts_minor, bet.selection_id
    payout = payouts.get(selection_id, 0) + payout_minor(stake_minor=bet.stake_minor, price_milli=bet.price_milli)
    payouts[selection_id] = payout
    exposure.stakes_minor += bet.stake_minor
    if payout > exposure.largest_payout_minor:
        exposure.largest_payout_minor = payout
    worst = state.house_worst_minor
    worst[bet.currency] = worst.get(bet.currency, 0) + exposure.worst_minor - before


def release(state: BetsState, market_id: int) -> None:
    """A result is in: the market's exposure leaves the house's total. A correction has nothing more to release."""
    for currency, exposure in state.exposures.pop(market_id, {}).items():
        state.house_worst_minor[currency] -= exposure.worst_minor


def index(state: BetsState) -> None:
    """Find `by_market` again from the bets, in the order in which they were accepted."""
    state.by_market = {}
    stood = [bet for bet in state.bets.values() if bet.status in (BetStatus.OPEN, BetStatus.SETTLED)]
    stood.sort(key=_seq)
    for bet in stood:
        state.by_market.setdefault(bet.market_id, []).append(bet)


def _seq(bet: Bet) -> int:
    return bet.seq
