"""What must be true of the books after every command, recomputed from the bets with plain sums."""

from collections import defaultdict

from tests.book.exchange_audit import audit_exchange

from overround.book.bets import BetStatus
from overround.book.ledger import AccountKind, sums_minor
from overround.book.machine import State
from overround.kernel.price import payout_minor


def audit(state: State) -> None:
    """Raises AssertionError where money is not conserved or an index differs from what it stands for."""
    assert not any(sums_minor(state.ledger).values()), "a currency does not sum to zero"
    _nobody_is_short(state)
    assert {name: wallet.cash.held_minor for name, wallet in state.ledger.wallets.items()} == _held(state)
    for currency, house in state.ledger.house.items():
        assert house.open_stakes.balance_minor == _open_stakes_minor(state, currency)
    assert _worst(state) == {name: worst for name, worst in state.bets.house_worst_minor.items() if worst}
    waiting = [(bet.decide_at_us, bet.id) for bet in state.bets.bets.values() if bet.status is BetStatus.DELAYED]
    assert sorted(state.delays) == sorted(waiting)
    audit_exchange(state)


def _nobody_is_short(state: State) -> None:
    for account in state.ledger.accounts.values():
        if account.kind in (AccountKind.CASH, AccountKind.BONUS):
            assert 0 <= account.held_minor <= account.balance_minor, account
        elif account.kind is AccountKind.DEBT:
            assert account.balance_minor <= 0, account


def _held(state: State) -> dict[tuple[int, str], int]:
    held = dict.fromkeys(state.ledger.wallets, 0)
    for bet in state.bets.bets.values():
        if bet.status is BetStatus.DELAYED:
            held[bet.customer_id, bet.currency] += bet.stake_minor
    for market in state.exchange.markets.values():
        for position in list(market.positions.values())[1:]:
            held[position.customer_id, position.currency] += position.held_minor
    return held


def _open_stakes_minor(state: State, currency: str) -> int:
    return sum(
        bet.stake_minor for bet in state.bets.bets.values() if bet.status is BetStatus.OPEN and bet.currency == currency
    )


def _worst(state: State) -> dict[str, int]:
    """By currency, the sum over markets without a result of what the worst selection would cost."""
    stakes: dict[tuple[int, str], int] = defaultdict(int)
    payouts: dict[tuple[int, str], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for bet in state.bets.bets.values():
        if bet.status is BetStatus.OPEN and bet.market_id not in state.settlement.results:
            book = bet.market_id, bet.currency
            stakes[book] += bet.stake_minor
            payouts[book][bet.selection_id] += payout_minor(stake_minor=bet.stake_minor, price_milli=bet.price_milli)
    worst: dict[str, int] = defaultdict(int)
    for book, by_selection in payouts.items():
        worst[book[1]] += max(0, max(by_selection.values()) - stakes[book])
    return {currency: minor for currency, minor in worst.items() if minor}
