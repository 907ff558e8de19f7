"""The bets room owns every bet from request to settlement, and what each market owes on them.

Invariants: a bet stands at a price its customer takes, on a market that takes bets, within every limit, or not at all;
a delayed bet is held, then checked again whole; exposure is kept as bets come, never recomputed.
"""

from overround.book.bets.events import BetAccepted, BetDelayed, DelayedBetAccepted, DelayedBetRefused
from overround.book.bets.rules import Refusal, over_limit, takes_price, unavailable
from overround.book.bets.state import (
    BetsState,
    accept,
    accept_delayed,
    delay,
    index,
    refuse_delayed,
    release,
    settle,
)
from overround.book.bets.types import BET_LIFE, Bet, BetAction, BetStatus, Exposure, OddsChange
from overround.book.tickets import Outcome

__all__ = [
    "BET_LIFE",
    "Bet",
    "BetAccepted",
    "BetAction",
    "BetDelayed",
    "BetStatus",
    "BetsState",
    "DelayedBetAccepted",
    "DelayedBetRefused",
    "Exposure",
    "OddsChange",
    "Outcome",
    "Refusal",
    "accept",
    "accept_delayed",
    "delay",
    "index",
    "over_limit",
    "refuse_delayed",
    "release",
    "settle",
    "takes_price",
    "unavailable",
]
