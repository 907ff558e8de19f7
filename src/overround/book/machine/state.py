"""All that the machine knows: the rooms' states, the memory of keys, and where in the journal it stands."""

import heapq
from bisect import insort
from collections import deque

import msgspec

from overround.book.archive import ArchiveState
from overround.book.bets import WAITING, Bet, BetsState
from overround.book.cashout import CashOutState
from overround.book.catalogue import CatalogueState
from overround.book.exchange import ExchangeState
from overround.book.ledger import LedgerState
from overround.book.limits import LimitsState
from overround.book.machine.memory import Memory
from overround.book.machine.proposals import Proposals
from overround.book.promotions import PromotionsState
from overround.book.settlement import SettlementState


class State(msgspec.Struct):
    """A fold of the journal up to and with `seq`, whose instant is `at_us`. `delays` (due, bet_id; of a ticket its
    first bet) is found again from the bets, `overrides` (until, market_id, selection_id; in their order) from the
    catalogue."""

    seq: int
    at_us: int
    ledger: LedgerState
    catalogue: CatalogueState
    limits: LimitsState
    bets: BetsState
    settlement: SettlementState
    exchange: ExchangeState
    cashout: CashOutState
    memory: Memory
    delays: list[tuple[int, int]]
    overrides: list[tuple[int, int, int]] = []
    promotions: PromotionsState = msgspec.field(default_factory=PromotionsState)
    proposals: Proposals = msgspec.field(default_factory=Proposals)
    archive: ArchiveState = msgspec.field(default_factory=ArchiveState)


def empty() -> State:
    """Before the first fact."""
    return State(
        seq=0,
        at_us=0,
        ledger=LedgerState(),
        catalogue=CatalogueState(),
        limits=LimitsState(),
        bets=BetsState(),
        settlement=SettlementState(),
        exchange=ExchangeState(),
        cashout=CashOutState(),
        memory=Memory(entries={}, order=deque()),
        delays=[],
    )


def delay_until(state: State, *, due_us: int, bet_id: int) -> None:
    """A bet waits: `delays` is a heap, whose first is the bet due first."""
    heapq.heappush(state.delays, (due_us, bet_id))


def delay_over(state: State) -> None:
    """A waiting bet has been decided: what is first in `delays` is again a bet that waits for just that instant."""
    delays, by_id = state.delays, state.bets.bets
    while delays and not _is_due(by_id.get(delays[0][1]), delays[0][0]):
        heapq.heappop(delays)


def forget_override(state: State, *, market_id: int, selection_id: int) -> None:
    """An override of a selection, if there is one, is due no more. There are few, and people make them."""
    state.overrides = [due for due in state.overrides if due[1:] != (market_id, selection_id)]


def remember_override(state: State, *, until_us: int, market_id: int, selection_id: int) -> None:
    """An override ends at an instant."""
    insort(state.overrides, (until_us, market_id, selection_id))


def find_overrides(state: State) -> None:
    """Find `overrides` again from the catalogue."""
    state.overrides = sorted(
        (selection.override_until_us, market.id, selection.id)
        for market in state.catalogue.markets.values()
        for selection in market.selections.values()
        if selection.override_until_us
    )


def _is_due(bet: Bet | None, due_us: int) -> bool:
    """Whether a bet waits for just this instant. One that was decided early may have left memory since."""
    return bet is not None and bet.status in WAITING and bet.decide_at_us == due_us
