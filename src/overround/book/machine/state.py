"""All that the machine knows: the rooms' states, the memory of keys, and where in the journal it stands."""

import heapq
from collections import deque

import msgspec

from overround.book.bets import BetsState
from overround.book.catalogue import CatalogueState
from overround.book.ledger import LedgerState
from overround.book.limits import LimitsState
from overround.book.machine.memory import Memory
from overround.book.settlement import SettlementState


class State(msgspec.Struct):
    """A fold of the journal up to and with `seq`, whose instant is `at_us`. `delays` (due, bet_id) is found again
    from the bets."""

    seq: int
    at_us: int
    ledger: LedgerState
    catalogue: CatalogueState
    limits: LimitsState
    bets: BetsState
    settlement: SettlementState
    memory: Memory
    delays: list[tuple[int, int]]

    def pop_delay(self) -> None:
        """The bet whose delay is over first has been decided."""
        heapq.heappop(self.delays)


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
        memory=Memory(entries={}, order=deque()),
        delays=[],
    )


def delay_until(state: State, *, due_us: int, bet_id: int) -> None:
    heapq.heappush(state.delays, (due_us, bet_id))
