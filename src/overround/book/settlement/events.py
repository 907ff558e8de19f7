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


class SettledBet(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a result made of one bet. `payout_minor` includes the stake returned; `previous_minor` was paid before."""

    bet_id: int
    customer_id: int
    outcome: Outcome
    payout_minor: int
    previous_minor: int


class BetsSettled(Posting, frozen=True, kw_only=True, tag="bets_settled"):
    """A step of a market's settlement: its next bets, in the order accepted. `last` ends the revision."""

    market_id: int
    revision: int
    bets: tuple[SettledBet, ...]
    last: bool
