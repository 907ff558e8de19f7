"""The journal: the append-only log of everything the book decided, in PostgreSQL.

Owns the schema `journal`: every fact as one row, the lease of the one writer, the snapshots.

Invariants:

- Rows are dense from 1 and never change. One `append` is one COPY, one transaction, one round trip: all of it
  or nothing.
- Nothing is acknowledged before its commit; a commit is never cancelled. A deadline cuts the socket, and then
  the outcome is unknown until the journal is read again.
- One writer: two cannot both write row n, and an append of an epoch that is not the lease's is refused in its
  own transaction. When `acquire` has returned a new epoch, no append of an older one can still appear: `head`
  is then final.
- After `Fenced`, `OutcomeUnknown` or a cancelled append the writer is dead. Recovery is always the same:
  `acquire` a new epoch, `latest` snapshot, `read` the rest, `Journal.open`.
- The last row of each batch carries sha256(chain before, the batch's rows); `walk` recomputes it. Whoever can
  write to the database's files or is its superuser can change rows; the chain shows it, it does not prevent
  it.

    epoch = await journal.acquire(connection, holder="book-1", ttl_s=2.0)
    head = await journal.head(connection)
    writer = await journal.Journal.open(dsn, epoch=epoch, head=head)
    head = await writer.append([(at_us, "bet_accepted", '{"stake_minor":1000}')])
"""

from overround.journal.audit import walk
from overround.journal.chain import Entry
from overround.journal.connection import (
    LOST,
    connect,
    connect_for_lease,
    connect_uncancellable,
    cut_after,
    open_first,
)
from overround.journal.lease import acquire, lease, release, renew
from overround.journal.partitions import PARTITION_ROWS, StillNeeded, archive, migrate
from overround.journal.reader import follow, head, identity, read, read_whole
from overround.journal.snapshots import latest, prune, save
from overround.journal.types import (
    GENESIS,
    MAX_BATCH_BYTES,
    MAX_BATCH_ROWS,
    MAX_BODY_BYTES,
    MAX_KIND_BYTES,
    READ_ROWS,
    Archived,
    Difference,
    Disordered,
    Fenced,
    Forked,
    Gap,
    Head,
    Lease,
    NotDurable,
    OutcomeUnknown,
    Row,
    Snapshot,
    TooLarge,
    Walk,
    What,
    WholeRow,
)
from overround.journal.writer import Journal

__all__ = [
    "GENESIS",
    "LOST",
    "MAX_BATCH_BYTES",
    "MAX_BATCH_ROWS",
    "MAX_BODY_BYTES",
    "MAX_KIND_BYTES",
    "PARTITION_ROWS",
    "READ_ROWS",
    "Archived",
    "Difference",
    "Disordered",
    "Entry",
    "Fenced",
    "Forked",
    "Gap",
    "Head",
    "Journal",
    "Lease",
    "NotDurable",
    "OutcomeUnknown",
    "Row",
    "Snapshot",
    "StillNeeded",
    "TooLarge",
    "Walk",
    "What",
    "WholeRow",
    "acquire",
    "archive",
    "connect",
    "connect_for_lease",
    "connect_uncancellable",
    "cut_after",
    "follow",
    "head",
    "identity",
    "latest",
    "lease",
    "migrate",
    "open_first",
    "prune",
    "read",
    "read_whole",
    "release",
    "renew",
    "save",
    "walk",
]
