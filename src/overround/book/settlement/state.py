"""Every result, and how far its settlement has come."""

import msgspec

from overround.book.settlement.events import BetsSettled, ResultRecorded
from overround.book.settlement.types import Result, Settling


class SettlementState(msgspec.Struct):
    """`results` by market, the present one of each; `settling` by market, in the order begun."""

    results: dict[int, Result] = {}
    settling: dict[int, Settling] = {}


def record(state: SettlementState, fact: ResultRecorded) -> None:
    """A result is in: settlement of its market begins, or begins again from the first bet."""
    state.results[fact.market_id] = fact.result
    state.settling[fact.market_id] = Settling(market_id=fact.market_id, revision=fact.revision)


def advance(state: SettlementState, fact: BetsSettled) -> None:
    """A step is done."""
    if fact.last:
        del state.settling[fact.market_id]
    else:
        state.settling[fact.market_id].done += len(fact.bets)
