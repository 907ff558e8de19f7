"""What is answered about cashing bets out."""

import msgspec


class QuoteAnswer(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="quote"):
    """A part of a bet's stake may be cashed out for an amount until `expires_at_us`."""

    quote_id: int
    bet_id: int
    portion_bps: int
    stake_minor: int
    amount_minor: int
    expires_at_us: int
    seq: int


class CashOutAnswer(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="cash_out"):
    """A cash-out was paid, or waits until `decide_at_us`. `running_minor` is what runs of the bet now."""

    quote_id: int
    bet_id: int
    stake_minor: int
    amount_minor: int
    running_minor: int
    decide_at_us: int
    seq: int


class CashOutValue(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="value"):
    """What a part of a bet's stake would be cashed out for now; where it cannot be, `code` and `detail` say why.

    `at_least_minor` and `portion_bps` are the bet's standing rule, 0 for none; `decide_at_us` is when what waits is
    decided.
    """

    bet_id: int
    running_minor: int
    stake_minor: int
    amount_minor: int
    code: str
    detail: dict[str, int | str]
    at_least_minor: int
    portion_bps: int
    decide_at_us: int
    seq: int


CashOutTold = QuoteAnswer | CashOutAnswer | CashOutValue
