"""The machine that a book process, a follower, the simulation and the tests all run."""

import msgspec

from overround.book.bets import BetAccepted
from overround.book.machine.answers import Answer
from overround.book.machine.commands import Request
from overround.book.machine.deciding import decide, decide_due, next_due_us, timer_due_us
from overround.book.machine.events import KINDS, encode_fact
from overround.book.machine.folding import fold
from overround.book.machine.memory import first_answer
from overround.book.machine.state import State, empty
from overround.book.settlement import SETTLE_STEP
from overround.kernel.fact import Fact


class Pending(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A fact decided and folded but not yet committed: its place, instant, kind and JSON body for the journal."""

    seq: int
    at_us: int
    kind: str
    body: bytes


class Machine:
    """Decide, fold, encode. `outbox` holds what the journal has yet to commit, in order: sequence, instant and fact.

    `settle_step` is how many bets one fact settles; facts of any step fold alike.
    """

    settle_step: int = SETTLE_STEP

    def __init__(self, state: State | None = None) -> None:
        self.state = state or empty()
        self.outbox: list[tuple[int, int, Fact]] = []

    def execute(self, request: Request, now_us: int) -> Answer:
        """Decide a request at an instant (never before the last one) and fold what follows from it."""
        if now_us < self.state.at_us:
            now_us = self.state.at_us
        decided = decide(self.state, request, now_us)
        if not isinstance(decided, tuple):
            return decided
        for fact in decided:
            self.record(fact, now_us)
        last = decided[-1]
        if type(last) is BetAccepted:
            return first_answer(self.state.bets.bets[last.bet_id])
        return first_answer(self.state.memory.latest())

    def advance(self, now_us: int) -> int:
        """Take one step of what is due by itself. How many facts it led to; 0 when nothing is due."""
        now_us = max(now_us, self.state.at_us)
        facts = decide_due(self.state, now_us, settle_step=self.settle_step)
        for fact in facts:
            self.record(fact, now_us)
        return len(facts)

    def run_timers(self, now_us: int) -> bool:
        """Decide every delay that is over and every silence. Whether there were any."""
        began = self.state.seq
        while (due_us := timer_due_us(self.state)) is not None and due_us <= max(now_us, self.state.at_us):
            self.advance(now_us)
        return self.state.seq > began

    def next_due_us(self) -> int | None:
        """When `advance` next has something to do; None for never."""
        return next_due_us(self.state)

    def record(self, fact: Fact, now_us: int) -> None:
        """Fold a fact, at an instant never before the last one, and put it up for the journal."""
        if now_us < self.state.at_us:
            now_us = self.state.at_us
        fold(self.state, fact, now_us)
        self.outbox.append((self.state.seq, now_us, fact))

    def drain(self) -> list[Pending]:
        """Everything that is to be committed next, in order; a request's facts are never parted."""
        drained, self.outbox = self.outbox, []
        return [Pending(seq, at_us, KINDS[type(fact)], encode_fact(fact)) for seq, at_us, fact in drained]

    def forgo(self) -> None:
        """Let go of what is to be committed: this house lives in memory alone, and nobody keeps a journal of it."""
        self.outbox.clear()
