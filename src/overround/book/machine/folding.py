"""How a fact changes the state: the one way, whether it was decided a moment ago or a year ago."""

from collections.abc import Callable
from typing import Any

from overround.book import bets, catalogue, ledger, limits, settlement
from overround.book.bets import BetAccepted, BetDelayed, DelayedBetAccepted, DelayedBetRefused
from overround.book.control import OverrideEnded, PriceOverridden
from overround.book.ledger import CurrencyOpened, CustomerOpened, FundsMoved, WalletOpened
from overround.book.machine import exchanging
from overround.book.machine.answers import Answer, BetAnswer, Done
from overround.book.machine.events import SUBJECT, AnyFact, RequestRefused
from overround.book.machine.memory import Remembered, scope_of
from overround.book.machine.state import State, delay_over, delay_until, forget_override, remember_override
from overround.book.settlement import BetsSettled, ResultHeard, ResultRecorded
from overround.kernel.fact import Cause, Fact
from overround.kernel.refusal import Refused

NOBODY = Cause(0, "", 0)


def fold(state: State, fact: Fact, at_us: int) -> None:
    """Apply the next fact of the journal at its instant. The state's sequence rises by one."""
    state.seq += 1
    state.at_us = at_us
    step = FOLDS.get(type(fact))
    if step is not None:
        step(state, fact, at_us)
    cause = fact.cause
    if cause is not None and type(fact) is not BetAccepted:
        state.memory.remember(Remembered(scope_of(cause), at_us, cause.content, answer_of(state, fact)))
    state.memory.forget(now_us=at_us)


def answer_of(state: State, fact: Fact) -> Answer:
    """What whoever caused this fact was told; `state` has just folded it."""
    match fact:
        case RequestRefused():
            return Refused(fact.code, fact.detail)
        case BetDelayed():
            return _bet_answer(state, fact.bet_id, fact.decide_at_us)
        case _ if type(fact) in exchanging.ANSWERS:
            return exchanging.ANSWERS[type(fact)](state, fact)
        case _:
            field = SUBJECT.get(type(fact))
            return Done(getattr(fact, field) if field else 0, state.seq)


def _bet_answer(state: State, bet_id: int, decide_at_us: int) -> BetAnswer:
    bet = state.bets.bets[bet_id]
    return BetAnswer(bet.id, bet.status, bet.stake_minor, bet.price_milli, bet.placed_at_us, decide_at_us, state.seq)


def _accepted(state: State, fact: BetAccepted, at_us: int) -> None:
    ledger.post(state.ledger, fact.transfers)
    cause = fact.cause or NOBODY
    bet = bets.accept(state.bets, fact, at_us=at_us, seq=state.seq, key=scope_of(cause), content=cause.content)
    limits.use(
        state.limits.players[fact.customer_id].purses[fact.currency],
        at_us=at_us,
        staked_minor=fact.stake_minor,
        returned_minor=0,
    )
    state.memory.remember(bet)


def _delayed(state: State, fact: BetDelayed, at_us: int) -> None:
    cause = fact.cause or NOBODY
    bets.delay(state.bets, fact, at_us=at_us, seq=state.seq, key=scope_of(cause), content=cause.content)
    wallet = state.ledger.wallets[fact.customer_id, fact.currency]
    ledger.hold(state.ledger, account_id=wallet.cash.id, amount_minor=fact.stake_minor)
    purse = state.limits.players[fact.customer_id].purses[fact.currency]
    limits.use(purse, at_us=at_us, staked_minor=fact.stake_minor, returned_minor=0)
    delay_until(state, due_us=fact.decide_at_us, bet_id=fact.bet_id)


def _delayed_accepted(state: State, fact: DelayedBetAccepted, at_us: int) -> None:
    bet = bets.accept_delayed(state.bets, fact, seq=state.seq)
    wallet = state.ledger.wallets[bet.customer_id, bet.currency]
    ledger.hold(state.ledger, account_id=wallet.cash.id, amount_minor=-bet.stake_minor)
    ledger.post(state.ledger, fact.transfers)
    delay_over(state)


def _delayed_refused(state: State, fact: DelayedBetRefused, at_us: int) -> None:
    bet = bets.refuse_delayed(state.bets, fact)
    wallet = state.ledger.wallets[bet.customer_id, bet.currency]
    ledger.hold(state.ledger, account_id=wallet.cash.id, amount_minor=-bet.stake_minor)
    purse = state.limits.players[bet.customer_id].purses[bet.currency]
    limits.give_back(purse, placed_at_us=bet.placed_at_us, stake_minor=bet.stake_minor)
    delay_over(state)


def _funds_moved(state: State, fact: FundsMoved, at_us: int) -> None:
    ledger.post(state.ledger, fact.transfers)


def _currency_opened(state: State, fact: CurrencyOpened, at_us: int) -> None:
    ledger.open_currency(state.ledger, fact)
    limits.APPLY[CurrencyOpened](state.limits, fact, at_us)


def _customer_opened(state: State, fact: CustomerOpened, at_us: int) -> None:
    ledger.open_customer(state.ledger, fact)
    limits.APPLY[CustomerOpened](state.limits, fact, at_us)


def _wallet_opened(state: State, fact: WalletOpened, at_us: int) -> None:
    ledger.open_wallet(state.ledger, fact)
    limits.APPLY[WalletOpened](state.limits, fact, at_us)


def _result_heard(state: State, fact: ResultHeard, at_us: int) -> None:
    catalogue.hear_result(state.catalogue.markets[fact.market_id])
    settlement.hear(state.settlement, fact)


def _price_overridden(state: State, fact: PriceOverridden, at_us: int) -> None:
    catalogue.apply(state.catalogue, fact, at_us)
    forget_override(state, market_id=fact.market_id, selection_id=fact.selection_id)
    remember_override(state, until_us=fact.until_us, market_id=fact.market_id, selection_id=fact.selection_id)


def _override_ended(state: State, fact: OverrideEnded, at_us: int) -> None:
    catalogue.apply(state.catalogue, fact, at_us)
    forget_override(state, market_id=fact.market_id, selection_id=fact.selection_id)


def _result_recorded(state: State, fact: ResultRecorded, at_us: int) -> None:
    catalogue.result_market(state.catalogue.markets[fact.market_id])
    bets.release(state.bets, fact.market_id)
    settlement.record(state.settlement, fact)


def _bets_settled(state: State, fact: BetsSettled, at_us: int) -> None:
    ledger.post(state.ledger, fact.transfers)
    settlement.advance(state.settlement, fact)
    by_id, players = state.bets.bets, state.limits.players
    for row in fact.bets:
        bet = by_id[row.bet_id]
        bets.settle(bet, outcome=row.outcome, payout_minor=row.payout_minor)
        limits.use(
            players[row.customer_id].purses[bet.currency],
            at_us=at_us,
            staked_minor=0,
            returned_minor=row.payout_minor - row.previous_minor,
        )


def _into(room: str, step: Callable[[Any, Any, int], None]) -> Callable[[State, Any, int], None]:
    """A fact that changes one room only."""

    def apply(state: State, fact: AnyFact, at_us: int) -> None:
        step(getattr(state, room), fact, at_us)

    return apply


FOLDS: dict[type[Fact], Callable[[State, Any, int], None]] = {
    **{kind: _into("catalogue", step) for kind, step in catalogue.APPLY.items()},
    **{kind: _into("limits", step) for kind, step in limits.APPLY.items()},
    **exchanging.FOLDS,
    CurrencyOpened: _currency_opened,
    CustomerOpened: _customer_opened,
    WalletOpened: _wallet_opened,
    FundsMoved: _funds_moved,
    BetAccepted: _accepted,
    BetDelayed: _delayed,
    DelayedBetAccepted: _delayed_accepted,
    DelayedBetRefused: _delayed_refused,
    ResultHeard: _result_heard,
    PriceOverridden: _price_overridden,
    OverrideEnded: _override_ended,
    ResultRecorded: _result_recorded,
    BetsSettled: _bets_settled,
}
