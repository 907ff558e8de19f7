"""What settlement tells the rest of the house."""

import msgspec

from overround.book.bets import Outcome
from overround.book.ledger import Posting
from overround.book.settlement.types import Result
from overround.kernel.fact import Fact


class ResultHeard(Fact, frozen=True, kw_only=True, tag="result_heard"):
    """A result that is less certain than its market wants. The market takes no more bets, and pays nobody yet."""

    market_id: int
    result: Result
    certainty: int


class ResultRecorded(Fact, frozen=True, kw_only=True, tag="result_recorded"):
    """A market's result. `revision` counts from 1; a later one corrects the one before."""

    market_id: int
    revision: int
    result: Result
    certainty: int = 2


class ResultRolledBack(Fact, frozen=True, kw_only=True, tag="result_rolled_back"):
    """A market's result was taken back: what it settled opens again, and the market waits for another."""

    market_id: int
    revision: int
    before: Result


class MarketBetsCancelled(Fact, frozen=True, kw_only=True, tag="market_bets_cancelled"):
    """What was struck on a market in `from_us` to before `until_us` is void."""

    market_id: int
    revision: int
    from_us: int
    until_us: int
    reason: str


class MarketBetsRestored(Fact, frozen=True, kw_only=True, tag="market_bets_restored"):
    """A cancellation was taken back."""

    market_id: int
    revision: int
    from_us: int
    until_us: int


class SettledBet(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a result made of one bet. `payout_minor` includes the stake returned (not that of a free bet);
    `previous_minor` was paid before."""

    bet_id: int
    customer_id: int
    outcome: Outcome
    payout_minor: int
    previous_minor: int


class ReopenedBet(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A bet that runs again: what `previous_minor` paid was taken back."""

    bet_id: int
    customer_id: int
    previous_minor: int


class BetsSettled(Posting, frozen=True, kw_only=True, tag="bets_settled"):
    """A step of a market's settlement: its next bets, in the order accepted. `last` ends the revision.

    `seen` is how many were looked at; those with more to come, or with nothing to change, are not among `bets`.
    `factors` say, by bet, what the leg on this market multiplies a line by, for a bet that is no plain single:
    numerator and denominator of its win part, then of its place part, in lowest terms.
    """

    market_id: int
    revision: int
    bets: tuple[SettledBet, ...]
    last: bool
    reopened: tuple[ReopenedBet, ...] = ()
    seen: int = 0
    factors: dict[int, tuple[int, ...]] = msgspec.field(default_factory=dict)
