"""The chain, without a database."""

import hashlib
import struct

import msgspec
import pytest

from overround.journal import GENESIS, Difference, Head, What, WholeRow
from overround.journal.chain import Checker, seal

ROWS = [(100, "opened", "{}"), (100, "bet", '{"stake_minor":500}'), (107, "bet", '{"stake_minor":900}')]


def written() -> list[WholeRow]:
    """Two batches, of rows 1 to 3 and 4 to 5, as they are stored."""
    first, second = Head(3, plain_chain(GENESIS, 1, ROWS)), ROWS[1:]
    rows = [WholeRow(1 + n, 1, 7, *entry, None) for n, entry in enumerate(ROWS)]
    rows[-1] = msgspec.structs.replace(rows[-1], chain=first.chain)
    later = [WholeRow(4 + n, 4, 7, 200, *entry[1:], None) for n, entry in enumerate(second)]
    chain = plain_chain(first.chain, 4, [(200, *entry[1:]) for entry in second])
    later[-1] = msgspec.structs.replace(later[-1], chain=chain)
    return rows + later


def plain_chain(before: bytes, batch: int, entries: list[tuple[int, str, str]], epoch: int = 7) -> bytes:
    """The chain as `overround.journal.chain` describes it, written a second time, field by field."""
    words = before
    for seq, (at_us, kind, body) in enumerate(entries, start=batch):
        words += struct.pack(">h", 7)
        for number in (seq, batch, epoch, at_us):
            words += struct.pack(">iq", 8, number)
        for text in (kind.encode(), body.encode()):
            words += struct.pack(">i", len(text)) + text
        words += struct.pack(">i", -1)
    return hashlib.sha256(words).digest()


def test_a_sealed_batch_ends_with_the_chain_of_its_rows() -> None:
    data, head = seal(Head(0, GENESIS), 7, ROWS, 1_000)
    assert head == Head(3, plain_chain(GENESIS, 1, ROWS), 107)
    assert data.endswith(b"\0\0\0\x20" + head.chain + b"\xff\xff")


def test_a_batch_is_sealed_at_the_end_of_a_partition_too() -> None:
    _, head = seal(Head(0, GENESIS), 7, ROWS, 2)
    middle = plain_chain(GENESIS, 1, ROWS[:2])
    assert head == Head(3, plain_chain(middle, 3, ROWS[2:]), 107)


def test_what_was_written_is_found_right() -> None:
    checker = Checker(Head(0, GENESIS))
    assert checker.check(written()) is None
    assert checker.finish() is None
    assert checker.head.seq == 5


@pytest.mark.parametrize(
    ("row", "change", "seq", "last_seq", "what"),
    [
        (2, {"body": '{"stake_minor":501}'}, 1, 3, What.CHAIN),
        (2, {"kind": "bez"}, 1, 3, What.CHAIN),
        (5, {"at_us": 201}, 4, 5, What.CHAIN),
        (2, {"at_us": 99}, 2, 2, What.TIME),
        (4, {"epoch": 6}, 4, 4, What.EPOCH),
        (4, {"batch": 1}, 4, 4, What.BATCH),
        (3, {"chain": None}, 4, 4, What.BATCH),
        (3, {"chain": b"?" * 32}, 1, 3, What.CHAIN),
        (5, {"chain": None}, 4, 5, What.UNSEALED),
        (2, {"seq": 9}, 2, 8, What.SEQUENCE),
    ],
)
def test_a_change_is_found_where_it_is(
    row: int, change: dict[str, object], seq: int, last_seq: int, what: What
) -> None:
    rows = written()
    rows[row - 1] = msgspec.structs.replace(rows[row - 1], **change)
    found = first_difference(rows)
    assert found is not None
    assert (found.seq, found.last_seq, found.what) == (seq, last_seq, what)


def test_a_missing_row_is_named() -> None:
    rows = written()
    del rows[1]
    found = first_difference(rows)
    assert found == Difference(seq=2, last_seq=2, what=What.SEQUENCE, expected="row 2", found="row 3")


def first_difference(rows: list[WholeRow]) -> Difference | None:
    checker = Checker(Head(0, GENESIS))
    return checker.check(rows) or checker.finish()
