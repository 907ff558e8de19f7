"""Cash-out owns what an open bet is worth now, the quotes given for it, what waits to be taken, and standing rules.

Invariants: no leg is worth more than its present price says; a quote pays what it said or nothing; what waits is
checked again whole; a bet has at most one quote, one wait and one rule; every rule of a market is looked at after each
change that may matter to it.
"""

from overround.book.cashout.events import (
    CashedOut,
    CashOutDelayed,
    CashOutQuoted,
    CashOutRefused,
    CashOutRuleRemoved,
    CashOutRuleSet,
    CashOutRulesSeen,
)
from overround.book.cashout.rules import (
    WHOLE_BPS,
    Ratio,
    Refusal,
    Why,
    amount_minor,
    book,
    expected_factor,
    part_minor,
)
from overround.book.cashout.state import (
    CashOutState,
    begin,
    end,
    index,
    look_again,
    next_rules,
    quote,
    remove_rule,
    seen,
    set_rule,
    wake,
)
from overround.book.cashout.types import (
    MAX_QUOTES,
    MAX_RULES,
    QUOTE_US,
    RULE_STEP,
    Kept,
    Quote,
    Rule,
    Scan,
    Waiting,
)

__all__ = [
    "MAX_QUOTES",
    "MAX_RULES",
    "QUOTE_US",
    "RULE_STEP",
    "WHOLE_BPS",
    "CashOutDelayed",
    "CashOutQuoted",
    "CashOutRefused",
    "CashOutRuleRemoved",
    "CashOutRuleSet",
    "CashOutRulesSeen",
    "CashOutState",
    "CashedOut",
    "Kept",
    "Quote",
    "Ratio",
    "Refusal",
    "Rule",
    "Scan",
    "Waiting",
    "Why",
    "amount_minor",
    "begin",
    "book",
    "end",
    "expected_factor",
    "index",
    "look_again",
    "next_rules",
    "part_minor",
    "quote",
    "remove_rule",
    "seen",
    "set_rule",
    "wake",
]
