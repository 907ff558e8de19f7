"""The hash chain and the bytes of an append. Pure.

The chain of a batch is sha256(chain of the batch before, then every row of the batch). A row is written as
binary COPY writes it with an empty chain, all numbers big-endian:

    int16 7 | int32 8, int64 seq | int32 8, int64 batch | int32 8, int64 epoch | int32 8, int64 at_us
            | int32 length, kind in UTF-8 | int32 length, body in UTF-8 | int32 -1

So one buffer is hashed and sent: only the end of a batch's last row differs. A batch ends at the end of a
partition even when more rows are committed together, so that a partition can be archived with its chain.
"""

import hashlib
import struct
from collections.abc import Iterable, Sequence

from overround.journal.types import (
    GENESIS,
    MAX_BATCH_BYTES,
    MAX_BATCH_ROWS,
    MAX_BODY_BYTES,
    MAX_KIND_BYTES,
    Difference,
    Disordered,
    Head,
    TooLarge,
    What,
    WholeRow,
)

Entry = tuple[int, str, str | bytes]
"""at_us, kind, body; a body of bytes is UTF-8 already."""

_COPY_BEGIN = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END = b"\xff\xff"
_NO_CHAIN = b"\xff\xff\xff\xff"
_CHAIN_LENGTH = b"\0\0\0\x20"

_row_begin = struct.Struct(">hiqiqiqiqi").pack
_length = struct.Struct(">i").pack


def seal(head: Head, epoch: int, entries: Sequence[Entry], partition_rows: int) -> tuple[bytes, Head]:
    """The binary COPY of `entries` as the rows after `head`, and the head after them.

    Raises `TooLarge` or `Disordered`.
    """
    if len(entries) > MAX_BATCH_ROWS:
        raise TooLarge(f"a batch of {len(entries)} rows, the limit is {MAX_BATCH_ROWS}")
    pieces = [_COPY_BEGIN]
    start = 0
    while start < len(entries):
        stop = start + partition_rows - head.seq % partition_rows
        sealed, head = _seal_batch(head, epoch, entries[start:stop])
        pieces.append(sealed)
        start = stop
    pieces.append(_COPY_END)
    data = b"".join(pieces)
    if len(data) > MAX_BATCH_BYTES:
        raise TooLarge(f"a batch of {len(data)} bytes, the limit is {MAX_BATCH_BYTES}")
    return data, head


def _seal_batch(head: Head, epoch: int, entries: Sequence[Entry]) -> tuple[bytes, Head]:
    body_of_all = _rows(head, epoch, entries)
    chain = hashlib.sha256(head.chain + body_of_all).digest()
    sealed = b"".join((body_of_all[:-4], _CHAIN_LENGTH, chain))
    return sealed, Head(head.seq + len(entries), chain, entries[-1][0])


def _rows(head: Head, epoch: int, entries: Iterable[Entry]) -> bytes:
    """The hot loop of an append."""
    pieces: list[bytes] = []
    add = pieces.append
    seq, before_us = head.seq, head.at_us
    batch = seq + 1
    for at_us, kind, body in entries:
        seq += 1
        if at_us < before_us:
            raise Disordered(f"row {seq} at {at_us} after {before_us}")
        before_us = at_us
        try:
            kind_bytes = kind.encode()
            body_bytes = body.encode() if isinstance(body, str) else body
            if body_bytes is body and not body_bytes.isascii():
                body_bytes.decode()
        except UnicodeError as error:
            raise TooLarge(f"row {seq} is not text: {error}") from error
        if len(kind_bytes) > MAX_KIND_BYTES or len(body_bytes) > MAX_BODY_BYTES or b"\0" in body_bytes:
            raise TooLarge(f"row {seq}: a kind of {len(kind_bytes)} and a body of {len(body_bytes)} bytes")
        add(_row_begin(7, 8, seq, 8, batch, 8, epoch, 8, at_us, len(kind_bytes)))
        add(kind_bytes)
        add(_length(len(body_bytes)))
        add(body_bytes)
        add(_NO_CHAIN)
    return b"".join(pieces)


class Checker:
    """Takes stored rows in order and compares them with what a writer would have stored.

    `check` returns the first `Difference` or None; after a difference it is not to be used again. `head` is
    the last sealed row that was right.
    """

    def __init__(self, head: Head) -> None:
        self.head = head
        self._rows: list[WholeRow] = []
        self._epoch = 0

    def check(self, rows: Iterable[WholeRow]) -> Difference | None:
        for row in rows:
            difference = self._check_row(row)
            if difference is None and row.chain is not None:
                difference = self._check_chain(row)
            if difference is not None:
                return difference
        return None

    def finish(self) -> Difference | None:
        """Nothing may be left over at the end."""
        if not self._rows:
            return None
        last_seq = self._rows[-1].seq
        return Difference(
            seq=self._rows[0].seq, last_seq=last_seq, what=What.UNSEALED, expected="a chain", found="none"
        )

    def _check_row(self, row: WholeRow) -> Difference | None:
        before = self._rows[-1] if self._rows else None
        seq = before.seq + 1 if before else self.head.seq + 1
        if row.seq != seq:
            return _at(seq, What.SEQUENCE, f"row {seq}", f"row {row.seq}", last_seq=row.seq - 1)
        if row.batch != self.head.seq + 1:
            return _at(seq, What.BATCH, str(self.head.seq + 1), str(row.batch))
        if row.epoch < self._epoch:
            return _at(seq, What.EPOCH, f"{self._epoch} or later", str(row.epoch))
        before_us = before.at_us if before else self.head.at_us
        if row.at_us < before_us:
            return _at(seq, What.TIME, f"{before_us} or later", str(row.at_us))
        self._epoch = row.epoch
        self._rows.append(row)
        return None

    def _check_chain(self, row: WholeRow) -> Difference | None:
        first = self._rows[0]
        chain = hashlib.sha256(self.head.chain + stored(self._rows)).digest()
        if chain != row.chain:
            found = bytes(row.chain or b"").hex()
            return _at(first.seq, What.CHAIN, chain.hex(), found, last_seq=row.seq)
        self.head = Head(row.seq, chain, row.at_us)
        self._rows.clear()
        return None


def stored(rows: Iterable[WholeRow]) -> bytes:
    """What of stored rows goes into the chain."""
    pieces: list[bytes] = []
    add = pieces.append
    for row in rows:
        kind_bytes, body_bytes = row.kind.encode(), row.body.encode()
        add(_row_begin(7, 8, row.seq, 8, row.batch, 8, row.epoch, 8, row.at_us, len(kind_bytes)))
        add(kind_bytes)
        add(_length(len(body_bytes)))
        add(body_bytes)
        add(_NO_CHAIN)
    return b"".join(pieces)


def _at(seq: int, what: What, expected: str, found: str, *, last_seq: int | None = None) -> Difference:
    return Difference(
        seq=seq, last_seq=seq if last_seq is None else last_seq, what=what, expected=expected, found=found
    )


def empty() -> Head:
    """The head of a journal without rows."""
    return Head(0, GENESIS)
