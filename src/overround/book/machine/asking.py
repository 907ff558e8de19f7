"""Queries: what the machine knows now, for those who must not wait for a projection."""

from overround.book import limits
from overround.book.bets import Bet
from overround.book.ledger import Refusal, Wallet
from overround.book.limits import NO_LIMIT, Limit, LimitKind, Purse
from overround.book.machine.answers import Answer, Balance, Balances, BetFound, LimitNow, LimitsNow
from overround.book.machine.commands import FindBet, GetBalances, GetLimits
from overround.book.machine.finding import own_bet
from overround.book.machine.memory import KeyRefusal, Remembered, scope
from overround.book.machine.state import State
from overround.kernel.ids import InvalidKey
from overround.kernel.refusal import Refused

BET_NOT_FOUND = "bet_not_found"


def get_balances(state: State, query: GetBalances, now_us: int) -> Answer:
    player = state.limits.players.get(query.customer_id)
    if player is None:
        return Refused(Refusal.CUSTOMER_NOT_FOUND)
    wallets = state.ledger.wallets
    balances = tuple(_balance(currency, wallets[player.id, currency]) for currency in player.purses)
    return Balances(player.id, balances, state.seq)


def _balance(currency: str, wallet: Wallet) -> Balance:
    return Balance(
        currency,
        wallet.cash.id,
        wallet.cash.balance_minor,
        wallet.cash.available_minor,
        wallet.cash.held_minor,
        wallet.bonus.balance_minor,
        -wallet.debt.balance_minor,
    )


def get_limits(state: State, query: GetLimits, now_us: int) -> Answer:
    player = state.limits.players.get(query.customer_id)
    if player is None:
        return Refused(Refusal.CUSTOMER_NOT_FOUND)
    rows = tuple(
        _limit(currency, purse, kind, limit, now_us)
        for currency, purse in player.purses.items()
        for kind, limit in purse.limits.items()
    )
    return LimitsNow(player.id, player.cooling_until_us, player.excluded_until_us, rows, state.seq)


def _limit(currency: str, purse: Purse, kind: LimitKind, limit: Limit, now_us: int) -> LimitNow:
    amount_minor = limit.at(now_us)
    room_minor = limits.room_minor(purse, kind, limit, now_us=now_us)
    pending = limit.pending_at_us > now_us
    return LimitNow(
        currency,
        kind,
        None if amount_minor == NO_LIMIT else amount_minor,
        None if amount_minor == NO_LIMIT else max(0, room_minor),
        None if not pending or limit.pending_minor == NO_LIMIT else limit.pending_minor,
        limit.pending_at_us if pending else 0,
    )


def find_bet(state: State, query: FindBet, now_us: int) -> Answer:
    """By id, or by key: a key that was refused answers with that refusal. Others' bets are not found."""
    if query.bet_id:
        return _found(own_bet(state, query.bet_id, query.customer_id, BET_NOT_FOUND))
    return _found(bet_of_key(state, query.customer_id, query.key, BET_NOT_FOUND))


def bet_of_key(state: State, customer_id: int, key: str, not_found: str) -> Bet | Refused:
    """The bet that a key led to, the first of its ticket; a key that was refused answers with that refusal."""
    try:
        entry = state.memory.entries.get(scope(customer_id, key))
    except InvalidKey:
        return Refused(KeyRefusal.KEY_INVALID)
    if isinstance(entry, Remembered):
        if isinstance(entry.answer, Refused):
            return entry.answer
        answer = entry.answer
        found = getattr(answer, "ticket_id", 0) or getattr(answer, "bet_id", 0)
        return own_bet(state, found, customer_id, not_found)
    return entry or Refused(not_found)


def _found(bet: Bet | Refused) -> Answer:
    return bet if isinstance(bet, Refused) else bet_found(bet)


def bet_found(bet: Bet) -> BetFound:
    """A bet as it is."""
    return BetFound(
        bet.id,
        bet.customer_id,
        bet.market_id,
        bet.selection_id,
        bet.currency,
        bet.stake_minor,
        bet.price_milli,
        bet.placed_at_us,
        bet.status,
        bet.outcome,
        bet.payout_minor,
        bet.seq,
        bet.slip,
        bet.ticket,
        bet.potential_minor,
        bet.cashed,
        bet.decide_at_us,
    )
