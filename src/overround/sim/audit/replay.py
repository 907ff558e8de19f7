"""The same facts make the same state: folded as they are committed, from zero, from a snapshot, and in a live book."""

from collections.abc import Sequence

from overround.book.machine import (
    Machine,
    Pending,
    State,
    decode_fact,
    decode_snapshot,
    empty,
    encode_snapshot,
    fold,
    state_hash,
)
from overround.sim.audit.money import Money
from overround.sim.audit.words import hold


class Replay:
    """A fold of the journal that keeps pace with it."""

    def __init__(self) -> None:
        self.state = empty()

    def follow(self, facts: Sequence[Pending]) -> None:
        for fact in facts:
            fold(self.state, decode_fact(fact.body), fact.at_us)

    @property
    def is_at_rest(self) -> bool:
        """Whether the house would say that it has nothing to do now by itself."""
        return Machine(self.state).next_due_us() != 0

    def snapshot(self) -> bytes:
        """What the snapshotter saves: read back, it must be the same state."""
        body = encode_snapshot(self.state)
        hold(state_hash(decode_snapshot(body)) == state_hash(self.state), "a snapshot is not the state", self.state.seq)
        return body

    def same_as(self, machine: Machine) -> None:
        """A live book at this very seq, with nothing on its way, has the same state."""
        same = state_hash(machine.state) == state_hash(self.state)
        hold(same, "a book's state is not what its journal says", machine.state.seq)

    def books_balance(self, money: Money) -> None:
        """The machine's balances are those that the transfers add up to."""
        accounts = self.state.ledger.accounts
        differing = {
            account.id: (account.balance_minor, money.balances[account.id])
            for account in accounts.values()
            if account.balance_minor != money.balances[account.id]
        }
        hold(not differing, "a balance is not the sum of its transfers", differing)
        held = {purse.cash: purse.held_minor for purse in money.purses.values()}
        held |= {purse.bonus: purse.bonus_held_minor for purse in money.purses.values()}
        wrong = [account for account in accounts.values() if account.held_minor != held.get(account.id, 0)]
        hold(not wrong, "a hold is not the sum of the bets that wait", wrong)


def replayed(rows: Sequence[Pending], state: State) -> bytes:
    """The state's hash after all the rows that come after it."""
    for row in rows[state.seq :]:
        fold(state, decode_fact(row.body), row.at_us)
    return state_hash(state)
