"""What if: what bets would come to if facts were recorded that are not. Nothing is changed by asking."""

from collections import ChainMap
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from overround.book.bets import Bet, BetStatus
from overround.book.catalogue import Market
from overround.book.exchange import ExchangeResultRecorded
from overround.book.machine.settling import Funds, Results
from overround.book.machine.state import State
from overround.book.settlement import MarketBetsCancelled, MarketBetsRestored, Result, ResultRecorded, ResultRolledBack
from overround.kernel.fact import Fact

MOST_BETS: Final = 5_000
"""Bets looked at by one question, so that it keeps nobody waiting."""


class Supposed(msgspec.Struct, frozen=True, gc=False):
    """A bet, what it would pay (None while it would still be open), and what that would put on its customer's debt
    (below zero: repay)."""

    bet: Bet
    payout_minor: int | None
    debt_minor: int

    @property
    def change_minor(self) -> int:
        """How much more the bet would pay than it has paid."""
        return (self.payout_minor or 0) - self.bet.payout_minor


def is_correction(state: State, fact: Fact) -> bool:
    """Whether a fact changes what has been decided before, rather than deciding something."""
    match fact:
        case ResultRecorded(market_id=market_id):
            return market_id in state.settlement.results
        case ExchangeResultRecorded(market_id=market_id):
            return state.exchange.markets[market_id].result is not None
        case ResultRolledBack() | MarketBetsCancelled() | MarketBetsRestored():
            return True
        case _:
            return False


def bets_of(state: State, facts: Sequence[Fact]) -> list[Bet]:
    """Every bet that the facts may change, each once, in the order accepted on each market."""
    markets = dict.fromkeys(market_id for market_id in map(_market_of, facts) if market_id)
    found = {bet.id: bet for market_id in markets for bet in state.bets.by_market.get(market_id, ())}
    return list(found.values())


def _market_of(fact: Fact) -> int:
    match fact:
        case ResultRecorded() | ResultRolledBack() | MarketBetsCancelled() | MarketBetsRestored():
            return fact.market_id
        case _:
            return 0


def suppose(state: State, facts: Sequence[Fact], bets: Sequence[Bet]) -> Iterator[Supposed]:
    """What each of these bets would come to after the facts. Debts are as if the bets were settled in this order, from
    what their customers have now."""
    results, funds = _results(state, facts), Funds(state)
    for bet in bets:
        if bet.status is BetStatus.CASHED_OUT:
            continue
        due = results.due(bet)
        payout_minor = due[1] if due is not None else None
        debt = state.ledger.wallets[bet.customer_id, bet.currency].debt.id
        moved = funds.transfers(bet, payout_minor)
        owed_minor = sum(each.amount_minor for each in moved if each.debit == debt)
        owed_minor -= sum(each.amount_minor for each in moved if each.credit == debt)
        yield Supposed(bet, payout_minor, owed_minor)


def _results(state: State, facts: Sequence[Fact]) -> Results:
    """The results and cancellations that would hold, over those that do."""
    results: dict[int, Result | None] = {}
    markets: dict[int, Market] = {}
    for fact in facts:
        market_id = _market_of(fact)
        market = markets.get(market_id) or state.catalogue.markets.get(market_id)
        match fact:
            case ResultRecorded():
                results[market_id] = fact.result
            case ResultRolledBack():
                results[market_id] = None
            case MarketBetsCancelled() if market is not None:
                markets[market_id] = _windows(market, [*market.cancelled, (fact.from_us, fact.until_us)])
            case MarketBetsRestored() if market is not None:
                window = fact.from_us, fact.until_us
                markets[market_id] = _windows(market, [each for each in market.cancelled if each != window])
            case _:
                pass
    known: dict[int, Result | None] = state.settlement.results  # type: ignore[assignment]  # read only
    return Results(state, results=ChainMap(results, known), markets=ChainMap(markets, state.catalogue.markets))


def _windows(market: Market, cancelled: list[tuple[int, int]]) -> Market:
    return msgspec.structs.replace(market, cancelled=cancelled)
