"""Settlement owns results and turns them into payouts.

Invariants: a bet is paid once for each revision of its market's result, and a correction takes back just what was paid;
a market is settled in steps of bounded size, and half-way is a state like any other.
"""

from overround.book.settlement.events import (
    BetsSettled,
    MarketBetsCancelled,
    MarketBetsRestored,
    ReopenedBet,
    ResultHeard,
    ResultRecorded,
    ResultRolledBack,
    SettledBet,
)
from overround.book.settlement.rules import Refusal, fits, if_won, is_same, leg_result, outcome, payout
from overround.book.settlement.state import SettlementState, advance, begin, hear, record, roll_back
from overround.book.settlement.types import (
    SETTLE_STEP,
    Finish,
    Goal,
    Heard,
    Outcomes,
    Result,
    Score,
    Settling,
    Void,
    Winners,
)

__all__ = [
    "SETTLE_STEP",
    "BetsSettled",
    "Finish",
    "Goal",
    "Heard",
    "MarketBetsCancelled",
    "MarketBetsRestored",
    "Outcomes",
    "Refusal",
    "ReopenedBet",
    "Result",
    "ResultHeard",
    "ResultRecorded",
    "ResultRolledBack",
    "Score",
    "SettledBet",
    "SettlementState",
    "Settling",
    "Void",
    "Winners",
    "advance",
    "begin",
    "fits",
    "hear",
    "if_won",
    "is_same",
    "leg_result",
    "outcome",
    "payout",
    "record",
    "roll_back",
]
