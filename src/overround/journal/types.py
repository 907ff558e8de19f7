"""What crosses the journal's door: rows, heads, leases, snapshots, differences, and what can go wrong."""

import hashlib
from enum import StrEnum

import msgspec

GENESIS = hashlib.sha256(b"overround journal").digest()
"""The chain before the first row."""

MAX_BATCH_ROWS = 20_000
MAX_BATCH_BYTES = 64 * 1024 * 1024
MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_KIND_BYTES = 64
READ_ROWS = 20_000
"""How many rows the readers fetch at a time."""


class Fenced(Exception):
    """Another writer took over. Nothing of this batch was written, and this writer must stop."""


class OutcomeUnknown(Exception):
    """The commit may or may not have happened. Drop memory, acquire a new epoch, and read the journal."""


class TooLarge(ValueError):
    """A batch, kind or body over its limit, or not encodable. Nothing was sent; the writer goes on."""


class Disordered(ValueError):
    """Time ran backwards: a row is older than the one before it. Nothing was sent; the writer goes on."""


class NotDurable(Exception):
    """The server is set up so that it may lose what it acknowledged (`fsync` or `synchronous_commit` is
    off)."""


class Forked(Exception):
    """The journal is not a continuation of what was read before: rows that were seen are gone or differ."""


class Archived(Exception):
    """The rows asked for have been archived. Start from a snapshot."""


class Gap(Exception):
    """A row that must exist is missing."""


class Row(msgspec.Struct, frozen=True, gc=False):
    """One fact. `at_us`: microseconds since the Unix epoch. `body`: JSON text."""

    seq: int
    at_us: int
    kind: str
    body: str


class WholeRow(msgspec.Struct, frozen=True, gc=False):
    """A row with everything that is stored. `chain` only on the last row of a batch."""

    seq: int
    batch: int
    epoch: int
    at_us: int
    kind: str
    body: str
    chain: bytes | None


class Head(msgspec.Struct, frozen=True, gc=False):
    """The end of the journal: its last row's number, chain and time; 0, `GENESIS` and 0 when it is empty."""

    seq: int
    chain: bytes
    at_us: int = 0


class Lease(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Who may write. `left_us` is how long it still lasts by the database's clock; negative once expired."""

    epoch: int
    holder: str
    left_us: int


class Snapshot(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The book's whole state after row `seq`, the last row of a batch, whose chain is `chain`.

    `format` numbers the encoding of `body`; `state_hash` is the book's own.
    """

    seq: int
    chain: bytes
    state_hash: bytes
    format: int
    body: bytes


class What(StrEnum):
    """What an audit can find wrong with the journal."""

    SEQUENCE = "sequence"  # a row is missing
    BATCH = "batch"  # a row says that it belongs to another batch
    EPOCH = "epoch"  # a row of an older writer after one of a newer
    TIME = "time"  # a row older than the one before it
    CHAIN = "chain"  # what the batch says is not what was sealed
    UNSEALED = "unsealed"  # the last batch has no chain
    UNREADABLE = "unreadable"  # PostgreSQL itself finds the stored page damaged


class Difference(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The first place where the journal is not what was written: rows `seq` to `last_seq` (often one row)."""

    seq: int
    last_seq: int
    what: What
    expected: str
    found: str


class Walk(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How far an audit came: the last sealed row that is right, and the first difference, if any."""

    head: Head
    rows: int
    difference: Difference | None
