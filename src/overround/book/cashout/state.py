"""Quotes, cash-outs that wait, standing rules and how far they are seen, and how facts change them."""

import heapq
from bisect import bisect_left, bisect_right

import msgspec

from overround.book.cashout.events import CashOutDelayed, CashOutQuoted, CashOutRuleSet, CashOutRulesSeen
from overround.book.cashout.types import MAX_QUOTES, RULE_STEP, Kept, Quote, Rule, Scan, Waiting


class CashOutState(msgspec.Struct):
    """`quotes` by id, oldest first; `waiting` and `rules` by bet; `scans` by market, whose next step is due first.

    Found again from these: `quoted` (the quote of each bet), `due` (a heap of what waits: when, bet), `ruled` (by
    market, the ids of its rules ascending), `owners` (the bet of each rule).
    """

    made: int = 0
    rules_made: int = 0
    quotes: dict[int, Quote] = {}
    waiting: dict[int, Waiting] = {}
    rules: dict[int, Rule] = {}
    scans: dict[int, Scan] = {}
    quoted: dict[int, int] = {}
    due: list[tuple[int, int]] = []
    ruled: dict[int, list[int]] = {}
    owners: dict[int, int] = {}

    def is_full(self, now_us: int) -> bool:
        """Whether there are as many quotes as may be. The oldest are forgotten with the next, once they are over."""
        if len(self.quotes) < MAX_QUOTES:
            return False
        return next(iter(self.quotes.values())).expires_at_us > now_us

    def keep(self) -> Kept:
        """What a snapshot keeps."""
        return Kept(
            self.made,
            self.rules_made,
            list(self.quotes.values()),
            list(self.waiting.values()),
            list(self.rules.values()),
            self.scans,
        )


def index(kept: Kept) -> CashOutState:
    """The state again from what a snapshot kept."""
    state = CashOutState(
        made=kept.made,
        rules_made=kept.rules_made,
        quotes={quote.id: quote for quote in kept.quotes},
        waiting={each.bet_id: each for each in kept.waiting},
        rules={rule.bet_id: rule for rule in kept.rules},
        scans=kept.scans,
        quoted={quote.bet_id: quote.id for quote in kept.quotes},
        due=[(each.decide_at_us, each.bet_id) for each in kept.waiting],
    )
    heapq.heapify(state.due)
    for rule in kept.rules:
        _index_rule(state, rule)
    return state


def _index_rule(state: CashOutState, rule: Rule) -> None:
    """Ids only ever rise, so a new one goes to the end."""
    state.owners[rule.id] = rule.bet_id
    for market_id in rule.markets:
        state.ruled.setdefault(market_id, []).append(rule.id)


# ---------------------------------------------------------------- quotes


def quote(state: CashOutState, fact: CashOutQuoted, *, at_us: int) -> None:
    """A new quote takes the place of the bet's last one; those whose time is over are forgotten."""
    _forget_expired(state, at_us)
    _drop_quote(state, fact.bet_id)
    state.made = fact.quote_id
    state.quotes[fact.quote_id] = Quote(
        fact.quote_id, fact.bet_id, fact.customer_id, fact.stake_minor, fact.amount_minor, fact.expires_at_us
    )
    state.quoted[fact.bet_id] = fact.quote_id


def _forget_expired(state: CashOutState, at_us: int) -> None:
    expired: list[int] = []
    for each in state.quotes.values():
        if each.expires_at_us > at_us:
            break
        expired.append(each.bet_id)
    for bet_id in expired:
        _drop_quote(state, bet_id)


def _drop_quote(state: CashOutState, bet_id: int) -> None:
    quote_id = state.quoted.pop(bet_id, None)
    if quote_id is not None:
        del state.quotes[quote_id]


# ---------------------------------------------------------------- taking


def begin(state: CashOutState, fact: CashOutDelayed, *, at_us: int) -> None:
    """A cash-out waits. The bet's quote is spent."""
    _drop_quote(state, fact.bet_id)
    state.made = max(state.made, fact.quote_id)
    state.waiting[fact.bet_id] = Waiting(
        fact.quote_id,
        fact.bet_id,
        fact.stake_minor,
        fact.amount_minor,
        at_us,
        fact.decide_at_us,
        fact.versions,
        fact.by_rule,
    )
    heapq.heappush(state.due, (fact.decide_at_us, fact.bet_id))


def end(state: CashOutState, *, bet_id: int, quote_id: int) -> None:
    """A cash-out was taken, or refused after its delay. The bet's quote is spent."""
    _drop_quote(state, bet_id)
    state.made = max(state.made, quote_id)
    if state.waiting.pop(bet_id, None) is not None:
        heapq.heappop(state.due)


# ---------------------------------------------------------------- rules


def set_rule(state: CashOutState, fact: CashOutRuleSet, markets: tuple[int, ...]) -> None:
    """A rule, which is looked at soon: it may be fulfilled already."""
    remove_rule(state, fact.bet_id)
    rule = Rule(fact.rule_id, fact.bet_id, fact.at_least_minor, fact.portion_bps, markets)
    state.rules[fact.bet_id] = rule
    state.rules_made = fact.rule_id
    _index_rule(state, rule)
    look_again(state, fact.bet_id)


def look_again(state: CashOutState, bet_id: int) -> None:
    """The rule of a bet, if it has one, is looked at soon."""
    rule = state.rules.get(bet_id)
    if rule is None:
        return
    market_id = rule.markets[0]
    if market_id in state.scans:
        wake(state, market_id)
    else:
        state.scans[market_id] = Scan(after=rule.id - 1)


def remove_rule(state: CashOutState, bet_id: int) -> None:
    """A bet has no rule any more, if it had one."""
    rule = state.rules.pop(bet_id, None)
    if rule is None:
        return
    del state.owners[rule.id]
    for market_id in rule.markets:
        ruled = state.ruled[market_id]
        del ruled[bisect_left(ruled, rule.id)]
        if not ruled:
            del state.ruled[market_id]
            state.scans.pop(market_id, None)


def wake(state: CashOutState, market_id: int) -> None:
    """Something changed that every rule of a market may wait for: all are looked at, beginning where it stands."""
    if market_id not in state.ruled:
        return
    scan = state.scans.get(market_id)
    if scan is None:
        state.scans[market_id] = Scan()
    else:
        scan.until, scan.wrapped = scan.after, False


def next_rules(state: CashOutState, market_id: int, scan: Scan, *, step: int = RULE_STEP) -> list[int]:
    """The ids of the rules that come next; fewer than `step` where the end is passed, or `until` the second time."""
    ruled = state.ruled[market_id]
    start = bisect_right(ruled, scan.after)
    stop = bisect_right(ruled, scan.until) if scan.wrapped else len(ruled)
    return ruled[start : min(start + step, stop)]


def seen(state: CashOutState, fact: CashOutRulesSeen) -> None:
    """A step is done. The market goes to the end of the queue, so that a huge one does not keep small ones waiting."""
    scan = state.scans.pop(fact.market_id, None)
    if scan is None or fact.last:
        return
    scan.after, scan.wrapped = (0, True) if fact.wrapped else (fact.after, scan.wrapped)
    state.scans[fact.market_id] = scan
