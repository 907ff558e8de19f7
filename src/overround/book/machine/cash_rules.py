"""Standing rules: a bet that is cashed out by itself once it is worth enough, also when nobody is logged in."""

from overround.book import cashout
from overround.book.bets import BetStatus
from overround.book.cashout import (
    CashedOut,
    CashOutDelayed,
    CashOutRuleRemoved,
    CashOutRuleSet,
    CashOutRulesSeen,
    Refusal,
    Rule,
)
from overround.book.machine.cash_commands import RemoveCashOutRule, SetCashOutRule
from overround.book.machine.cashing import Values, Worth, begin, never_offered, open_bet
from overround.book.machine.finding import own_bet
from overround.book.machine.state import State
from overround.kernel.fact import Fact
from overround.kernel.money import MAX_MONEY_MINOR
from overround.kernel.refusal import Refused

Facts = tuple[Fact, ...] | Refused


def set_rule(state: State, command: SetCashOutRule, now_us: int) -> Facts:
    bet = open_bet(state, customer_id=command.customer_id, bet_id=command.bet_id, portion_bps=command.portion_bps)
    if isinstance(bet, Refused):
        return bet
    if not 0 < command.at_least_minor <= MAX_MONEY_MINOR:
        return Refused(Refusal.AMOUNT_INVALID)
    never = never_offered(bet)
    if never is not None:
        return never
    if len(state.cashout.rules) >= cashout.MAX_RULES and bet.id not in state.cashout.rules:
        return Refused(Refusal.TOO_MANY_CASH_OUT_RULES, {"max_rules": cashout.MAX_RULES})
    return (
        CashOutRuleSet(
            rule_id=state.cashout.rules_made + 1,
            bet_id=bet.id,
            customer_id=bet.customer_id,
            at_least_minor=command.at_least_minor,
            portion_bps=command.portion_bps,
        ),
    )


def remove_rule(state: State, command: RemoveCashOutRule, now_us: int) -> Facts:
    bet = own_bet(state, command.bet_id, command.customer_id, Refusal.BET_NOT_FOUND)
    if isinstance(bet, Refused):
        return bet
    if bet.id not in state.cashout.rules:
        return Refused(Refusal.CASH_OUT_RULE_NOT_FOUND)
    return (CashOutRuleRemoved(bet_id=bet.id, customer_id=bet.customer_id),)


def see_next(state: State, now_us: int, *, step: int = cashout.RULE_STEP) -> tuple[Fact, ...]:
    """One step of the market whose rules are due first: up to `step` of them, or up to the first that is fulfilled,
    whose cash-out begins."""
    kept = state.cashout
    market_id, scan = next(iter(kept.scans.items()))
    ids, values = cashout.next_rules(kept, market_id, scan, step=step), Values(state, now_us=now_us)
    for rule_id in ids:
        rule = kept.rules[kept.owners[rule_id]]
        begun = _fulfilled(state, values, rule, now_us)
        if begun is not None:
            return CashOutRulesSeen(market_id=market_id, after=rule_id, last=False), begun
    after, ended = ids[-1] if ids else scan.after, len(ids) < step
    last = ended and (scan.wrapped or not scan.until)
    return (CashOutRulesSeen(market_id=market_id, after=after, last=last, wrapped=ended and not last),)


def _fulfilled(state: State, values: Values, rule: Rule, now_us: int) -> CashedOut | CashOutDelayed | None:
    bet = state.bets.bets[rule.bet_id]
    if bet.status is not BetStatus.OPEN or bet.id in state.cashout.waiting:
        return None
    worth = values.worth(bet, portion_bps=rule.portion_bps)
    if not isinstance(worth, Worth) or worth.amount_minor < rule.at_least_minor:
        return None
    return begin(state, bet, worth, quote_id=state.cashout.made + 1, now_us=now_us, by_rule=True)
