"""Settling a market step by step: the next bets of a market whose result is in, and the money that moves for them."""

from overround.book import ledger, settlement
from overround.book.bets import Bet, BetStatus
from overround.book.ledger import Transfer, Wallet
from overround.book.machine.state import State
from overround.book.settlement import SETTLE_STEP, BetsSettled, SettledBet, Settling


def settle_next(state: State, settling: Settling, *, step: int = SETTLE_STEP) -> BetsSettled:
    """The next step: up to `step` bets in the order accepted."""
    market = state.catalogue.markets[settling.market_id]
    result = state.settlement.results[settling.market_id]
    bets = state.bets.by_market.get(settling.market_id, [])
    ahead = bets[settling.done : settling.done + step]
    selections = dict.fromkeys(bet.selection_id for bet in ahead)
    outcomes = {selection: settlement.outcome(market, selection, result) for selection in selections}
    funds = _Funds(state)
    settled: list[SettledBet] = []
    transfers: list[Transfer] = []
    for bet in ahead:
        outcome = outcomes[bet.selection_id]
        payout_minor = settlement.payout(outcome, stake_minor=bet.stake_minor, price_milli=bet.price_milli)
        settled.append(SettledBet(bet.id, bet.customer_id, outcome, payout_minor, bet.payout_minor))
        transfers += funds.transfers(bet, payout_minor)
    return BetsSettled(
        market_id=market.id,
        revision=settling.revision,
        bets=tuple(settled),
        last=settling.done + len(ahead) >= len(bets),
        transfers=tuple(transfers),
    )


class _Funds:
    """What customers have while one step is being decided: its earlier transfers count for its later ones."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._moved: dict[int, int] = {}

    def transfers(self, bet: Bet, payout_minor: int) -> tuple[Transfer, ...]:
        wallet = self._state.ledger.wallets[bet.customer_id, bet.currency]
        made = self._decide(wallet, bet, payout_minor)
        moved = self._moved
        for transfer in made:
            moved[transfer.debit] = moved.get(transfer.debit, 0) - transfer.amount_minor
            moved[transfer.credit] = moved.get(transfer.credit, 0) + transfer.amount_minor
        return made

    def _decide(self, wallet: Wallet, bet: Bet, payout_minor: int) -> tuple[Transfer, ...]:
        house = self._state.ledger.house[bet.currency]
        owed_minor = -wallet.debt.balance_minor - self._moved.get(wallet.debt.id, 0)
        if bet.status is not BetStatus.SETTLED:
            paid = ledger.settle(wallet, house, stake_minor=bet.stake_minor, payout_minor=payout_minor, ref=bet.id)
            if not owed_minor:
                return paid
            return paid + ledger.recover(wallet, credited_minor=payout_minor, owed_minor=owed_minor, ref=bet.id)
        if bet.payout_minor == payout_minor:
            return ()
        return ledger.resettle(
            wallet,
            house,
            stake_minor=bet.stake_minor,
            old_payout_minor=bet.payout_minor,
            payout_minor=payout_minor,
            spendable_minor=wallet.cash.available_minor + self._moved.get(wallet.cash.id, 0),
            owed_minor=owed_minor,
            ref=bet.id,
        )
