"""One journal, one state: in any process, under any hash seed, folded from the first fact or from a snapshot."""

import os
import random
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.book.auditing import audit
from tests.book.house import NOON_US
from tests.book.wishes import prelude, wait_us, wish

from overround.book.machine import (
    Machine,
    Pending,
    State,
    decode_fact,
    decode_snapshot,
    empty,
    encode_fact,
    encode_snapshot,
    fold,
    kind_of,
    next_due_us,
    request,
    state_hash,
)
from overround.book.machine.memory import arrived_at_us
from overround.kernel.ids import make_key

ROOT = Path(__file__).resolve().parents[2]


class Life:
    """A machine that lives by chance, and the journal that it leaves. A delay may be waiting at its end."""

    def __init__(self, rng: random.Random, machine: Machine | None = None, at_us: int = NOON_US) -> None:
        self.rng, self.machine, self.at_us = rng, machine or Machine(), at_us
        self.journal: list[Pending] = []
        self.answers: list[object] = []

    def begin(self) -> None:
        for command in prelude():
            self._send(command)

    def go_on(self, commands: int) -> None:
        for _ in range(commands):
            self.at_us += wait_us(self.rng)
            while self.rng.random() < 0.9 and self.machine.advance(self.at_us):
                pass
            self._send(wish(self.rng, self.machine.state))

    def until_a_bet_waits(self) -> None:
        for _ in range(5_000):
            if self.machine.state.delays:
                return
            self.go_on(1)
        raise LookupError("no bet waited")

    def _send(self, command: object) -> None:
        key = make_key(at_us=self.at_us, chance=self.rng.getrandbits(74))
        asked = request(actor=3, key=key, command=command)  # type: ignore[arg-type]
        self.answers.append(self.machine.execute(asked, self.at_us))
        self.journal += self.machine.drain()


def life(seed: int | random.Random, commands: int) -> Life:
    lived = Life(seed if isinstance(seed, random.Random) else random.Random(seed))
    lived.begin()
    lived.go_on(commands)
    return lived


def folded(journal: list[Pending], state: State | None = None) -> State:
    state = state or empty()
    for pending in journal:
        fold(state, decode_fact(pending.body), pending.at_us)
        assert state.seq == pending.seq
    return state


def same(one: State, other: State) -> None:
    """Equal in what a snapshot holds and in what it does not."""
    assert state_hash(one) == state_hash(other)
    assert one.memory.entries == other.memory.entries
    for state in (one, other):
        arrivals = [arrived_at_us(state.memory.entries[key]) for key in state.memory.order]
        assert arrivals == sorted(arrivals)
        assert sorted(state.memory.order) == sorted(state.memory.entries)
    assert sorted(one.delays) == sorted(other.delays)
    assert one.bets == other.bets
    assert one.ledger == other.ledger
    assert next_due_us(one) == next_due_us(other)


@settings(max_examples=25)
@given(st.randoms(use_true_random=False), st.integers(0, 60))
def test_a_journal_folds_to_the_state_that_wrote_it(rng: random.Random, commands: int) -> None:
    lived = life(rng, commands)
    same(folded(lived.journal), lived.machine.state)


@settings(max_examples=25)
@given(st.randoms(use_true_random=False), st.integers(0, 60))
def test_a_snapshot_is_the_state(rng: random.Random, commands: int) -> None:
    state = life(rng, commands).machine.state
    body = encode_snapshot(state)
    restored = decode_snapshot(body)
    assert encode_snapshot(restored) == body
    same(restored, state)
    audit(restored)


@pytest.mark.parametrize("seed", range(8))
def test_a_machine_from_a_snapshot_goes_on_as_the_one_that_was_not(seed: int) -> None:
    whole = life(seed, 150)
    whole.until_a_bet_waits()
    restored = Machine(decode_snapshot(encode_snapshot(whole.machine.state)))
    again = Life(random.Random(seed + 1), restored, whole.at_us)
    whole.rng = random.Random(seed + 1)
    whole.journal.clear()
    whole.answers.clear()
    for one in (whole, again):
        one.go_on(150)
    assert again.journal == whole.journal
    assert again.answers == whole.answers
    same(again.machine.state, whole.machine.state)


@pytest.mark.parametrize("seed", range(3))
def test_a_snapshot_and_the_rest_of_the_journal_are_the_whole(seed: int) -> None:
    lived = life(seed, 200)
    lived.until_a_bet_waits()
    for cut in (*range(0, len(lived.journal), 37), len(lived.journal)):
        early = folded(lived.journal[:cut])
        same(folded(lived.journal[cut:], decode_snapshot(encode_snapshot(early))), lived.machine.state)


def test_every_body_is_one_fact_and_back() -> None:
    kinds: set[str] = set()
    for seed in range(6):
        for pending in life(seed, 200).journal:
            fact = decode_fact(pending.body)
            assert encode_fact(fact) == pending.body
            assert kind_of(fact) == pending.kind
            kinds.add(pending.kind)
    assert len(kinds) > 25


def test_a_damaged_snapshot_is_an_error_or_another_state() -> None:
    body = bytearray(encode_snapshot(life(1, 60).machine.state))
    rng = random.Random(5)
    for _ in range(300):
        where = rng.randrange(len(body))
        was = body[where]
        body[where] = rng.randrange(256)
        with suppress(msgspec.DecodeError):
            decode_snapshot(bytes(body))
        body[where] = was
    for cut in range(0, len(body), 101):
        with pytest.raises(msgspec.DecodeError):
            decode_snapshot(bytes(body[:cut]))


HASHES = """
from tests.book.test_snapshot import life
from overround.book.machine import state_hash
for seed in range(3):
    print(state_hash(life(seed, 200).machine.state).hex())
"""


def test_other_processes_with_other_hash_seeds_come_to_the_same_hash() -> None:
    here = [state_hash(life(seed, 200).machine.state).hex() for seed in range(3)]
    for hash_seed in ("1", "2026"):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
        made = subprocess.run(
            [sys.executable, "-c", HASHES], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert made.stdout.split() == here
