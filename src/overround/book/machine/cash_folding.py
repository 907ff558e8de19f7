"""Cash-outs in the machine: which command leads where, how their facts fold, what wakes standing rules, and answers."""

from collections.abc import Callable, Sequence
from typing import Any

from overround.book import bets, cashout, ledger, limits
from overround.book.cashout import (
    CashedOut,
    CashOutDelayed,
    CashOutQuoted,
    CashOutRefused,
    CashOutRuleRemoved,
    CashOutRuleSet,
    CashOutRulesSeen,
)
from overround.book.catalogue import (
    MarketChanged,
    MarketHandedOver,
    MarketResumed,
    PricesSet,
    SelectionWithdrawn,
)
from overround.book.control import (
    ApprovalRequired,
    CompetitionApproved,
    LevelResumed,
    LevelSuspended,
    OverrideEnded,
    PriceOverridden,
)
from overround.book.limits import HouseTermsSet
from overround.book.machine import cash_rules, cashing
from overround.book.machine.answers import Answer
from overround.book.machine.cash_answers import CashOutAnswer, QuoteAnswer
from overround.book.machine.cash_commands import (
    QuoteCashOut,
    RemoveCashOutRule,
    SetCashOutRule,
    TakeCashOut,
    ValueCashOut,
)
from overround.book.machine.command import Command
from overround.book.machine.state import State
from overround.book.settlement import MarketBetsCancelled, MarketBetsRestored, ResultRecorded, ResultRolledBack
from overround.kernel.fact import Fact
from overround.kernel.level import Level
from overround.kernel.refusal import Refused

DECIDE: dict[type[Command], Callable[[State, Any, int], tuple[Fact, ...] | Refused]] = {
    QuoteCashOut: cashing.quote,
    TakeCashOut: cashing.take,
    SetCashOutRule: cash_rules.set_rule,
    RemoveCashOutRule: cash_rules.remove_rule,
}

ASK: dict[type[Command], Callable[[State, Any, int], Answer]] = {ValueCashOut: cashing.value}

# ---------------------------------------------------------------- folding


def _quoted(state: State, fact: CashOutQuoted, at_us: int) -> None:
    cashout.quote(state.cashout, fact, at_us=at_us)


def _delayed(state: State, fact: CashOutDelayed, at_us: int) -> None:
    cashout.begin(state.cashout, fact, at_us=at_us)


def _refused(state: State, fact: CashOutRefused, at_us: int) -> None:
    cashout.end(state.cashout, bet_id=fact.bet_id, quote_id=fact.quote_id)
    cashout.look_again(state.cashout, fact.bet_id)


def _cashed_out(state: State, fact: CashedOut, at_us: int) -> None:
    """What was paid counts as returned in the customer's own limits."""
    ledger.post(state.ledger, fact.transfers)
    bet = state.bets.bets[fact.bet_id]
    bets.cash_out((state.bets, state.catalogue), bet, stake_minor=fact.stake_minor, paid_minor=fact.amount_minor)
    purse = state.limits.players[fact.customer_id].purses[fact.currency]
    limits.use(purse, at_us=at_us, staked_minor=0, returned_minor=fact.amount_minor)
    cashout.end(state.cashout, bet_id=bet.id, quote_id=fact.quote_id)
    if fact.by_rule or not fact.running_minor:
        cashout.remove_rule(state.cashout, bet.id)
    else:  # what changed while the rest of it waited went by its rule
        cashout.look_again(state.cashout, bet.id)


def _rule_set(state: State, fact: CashOutRuleSet, at_us: int) -> None:
    cashout.set_rule(state.cashout, fact, bets.markets_of(state.bets.bets[fact.bet_id]))


def _rule_removed(state: State, fact: CashOutRuleRemoved, at_us: int) -> None:
    cashout.remove_rule(state.cashout, fact.bet_id)


def _seen(state: State, fact: CashOutRulesSeen, at_us: int) -> None:
    cashout.seen(state.cashout, fact)


FOLDS: dict[type[Fact], Callable[[State, Any, int], None]] = {
    CashOutQuoted: _quoted,
    CashOutDelayed: _delayed,
    CashOutRefused: _refused,
    CashedOut: _cashed_out,
    CashOutRuleSet: _rule_set,
    CashOutRuleRemoved: _rule_removed,
    CashOutRulesSeen: _seen,
}

WAKES: tuple[type[Fact], ...] = (
    PricesSet,
    MarketResumed,
    MarketChanged,
    SelectionWithdrawn,
    PriceOverridden,
    OverrideEnded,
    MarketHandedOver,
    LevelSuspended,
    LevelResumed,
    ResultRecorded,
    ResultRolledBack,
    MarketBetsCancelled,
    MarketBetsRestored,
    CompetitionApproved,
    ApprovalRequired,
    HouseTermsSet,
)
"""After these the rules of the markets concerned are looked at."""


def waking(step: Callable[[State, Any, int], None]) -> Callable[[State, Any, int], None]:
    """How such a fact folds: as it did, and then the market's rules are due."""

    def apply(state: State, fact: Any, at_us: int) -> None:
        step(state, fact, at_us)
        if state.cashout.rules:
            for market_id in _markets_of(state, fact):
                cashout.wake(state.cashout, market_id)

    return apply


def _markets_of(state: State, fact: Any) -> Sequence[int]:
    """The markets that a fact may concern. A selection that is suspended leaves the book of its market, so that the
    others are worth more. What is wider than an event concerns every market that has rules: nobody
    does that often."""
    match fact:
        case LevelSuspended(level=Level.SELECTION) | LevelResumed(level=Level.MARKET | Level.SELECTION):
            return (fact.id,)
        case LevelSuspended():
            return ()
        case LevelResumed(level=Level.EVENT):
            return state.catalogue.events[fact.id].markets
        case LevelResumed() | CompetitionApproved() | ApprovalRequired() | HouseTermsSet():
            return sorted(state.cashout.ruled)
        case _:
            return (fact.market_id,)


# ---------------------------------------------------------------- answers


def _quote_answer(state: State, fact: CashOutQuoted) -> QuoteAnswer:
    return QuoteAnswer(
        fact.quote_id,
        fact.bet_id,
        fact.portion_bps,
        fact.stake_minor,
        fact.amount_minor,
        fact.expires_at_us,
        state.seq,
    )


def _taken_answer(state: State, fact: CashedOut) -> CashOutAnswer:
    return CashOutAnswer(
        fact.quote_id, fact.bet_id, fact.stake_minor, fact.amount_minor, fact.running_minor, 0, state.seq
    )


def _waiting_answer(state: State, fact: CashOutDelayed) -> CashOutAnswer:
    running_minor = state.bets.bets[fact.bet_id].running_minor
    return CashOutAnswer(
        fact.quote_id,
        fact.bet_id,
        fact.stake_minor,
        fact.amount_minor,
        running_minor,
        fact.decide_at_us,
        state.seq,
    )


ANSWERS: dict[type[Fact], Callable[[State, Any], Answer]] = {
    CashOutQuoted: _quote_answer,
    CashedOut: _taken_answer,
    CashOutDelayed: _waiting_answer,
}
