"""Every result, and how far its settlement has come."""

import msgspec

from overround.book.settlement.events import BetsSettled, ResultHeard, ResultRecorded, ResultRolledBack
from overround.book.settlement.types import Heard, Result, Settling


class SettlementState(msgspec.Struct):
    """`results` by market, the present one of each; `heard` by market, what is not certain enough yet; `settling` by
    market, whose next step is due first."""

    results: dict[int, Result] = {}
    heard: dict[int, Heard] = {}
    settling: dict[int, Settling] = {}


def hear(state: SettlementState, fact: ResultHeard) -> None:
    """A result that pays nobody yet."""
    state.heard[fact.market_id] = Heard(fact.result, fact.certainty)


def record(state: SettlementState, fact: ResultRecorded) -> None:
    """A result is in: settlement of its market begins, or begins again from the first bet."""
    state.results[fact.market_id] = fact.result
    state.heard.pop(fact.market_id, None)
    begin(state, market_id=fact.market_id, revision=fact.revision)


def roll_back(state: SettlementState, fact: ResultRolledBack) -> None:
    """A result is out again."""
    del state.results[fact.market_id]
    begin(state, market_id=fact.market_id, revision=fact.revision)


def begin(state: SettlementState, *, market_id: int, revision: int) -> None:
    """The bets of a market are gone through from the first: something that decides them has changed."""
    state.settling[market_id] = Settling(market_id=market_id, revision=revision)


def advance(state: SettlementState, fact: BetsSettled) -> None:
    """A step is done. The market goes to the end of the queue, so that a huge one does not keep small ones waiting."""
    settling = state.settling.pop(fact.market_id)
    if not fact.last:
        settling.done += fact.seen or len(fact.bets)
        state.settling[fact.market_id] = settling
