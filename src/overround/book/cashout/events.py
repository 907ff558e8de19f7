"""What cash-outs tell the rest of the house."""

from overround.book.ledger import Posting
from overround.kernel.fact import Fact


class CashOutQuoted(Fact, frozen=True, kw_only=True, tag="cash_out_quoted"):
    """A part of a bet's stake may be cashed out for an amount until `expires_at_us`. An earlier quote for the bet is
    void."""

    quote_id: int
    bet_id: int
    customer_id: int
    currency: str
    portion_bps: int
    stake_minor: int
    amount_minor: int
    expires_at_us: int


class CashOutDelayed(Fact, frozen=True, kw_only=True, tag="cash_out_delayed"):
    """A cash-out waits for the longest in-play delay of the bet's open legs, whose markets were at `versions`."""

    quote_id: int
    bet_id: int
    customer_id: int
    stake_minor: int
    amount_minor: int
    decide_at_us: int
    versions: tuple[tuple[int, int], ...]
    by_rule: bool = False


class CashedOut(Posting, frozen=True, kw_only=True, tag="cashed_out"):
    """A part of a bet's stake is gone, and was paid for. `running_minor` still runs; at 0 the bet is over."""

    quote_id: int
    bet_id: int
    customer_id: int
    currency: str
    stake_minor: int
    amount_minor: int
    running_minor: int
    by_rule: bool = False


class CashOutRefused(Fact, frozen=True, kw_only=True, tag="cash_out_refused"):
    """The delay is over and nothing is cashed out; the bet runs on, and so does its rule."""

    quote_id: int
    bet_id: int
    customer_id: int
    code: str
    detail: dict[str, int | str]


class CashOutRuleSet(Fact, frozen=True, kw_only=True, tag="cash_out_rule_set"):
    """A bet is to be cashed out by itself once that pays `at_least_minor`. Takes the place of an earlier rule."""

    rule_id: int
    bet_id: int
    customer_id: int
    at_least_minor: int
    portion_bps: int


class CashOutRuleRemoved(Fact, frozen=True, kw_only=True, tag="cash_out_rule_removed"):
    """The customer took the rule of a bet back. A bet that ends, or is cashed out by its rule, loses it without
    this."""

    bet_id: int
    customer_id: int


class CashOutRulesSeen(Fact, frozen=True, kw_only=True, tag="cash_out_rules_seen"):
    """A step through the standing rules of a market, up to and with the rule `after`; `last` ends it."""

    market_id: int
    after: int
    last: bool
    wrapped: bool = False
