"""After a load: is every acknowledged bet in the journal exactly once, and does the ledger add up to zero?"""

from pathlib import Path
from typing import Final

import msgspec

from bench.apart import apart
from bench.stage import Failed
from bench.stand import Stand
from overround import journal
from overround.book import ledger
from overround.book.machine import decode_fact, empty, fold
from overround.kernel.ids import parse_key

KEYS: Final = "SELECT (body::jsonb)->'cause'->>1 FROM journal.event WHERE kind = 'bet_accepted' AND seq > $1"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which journal, after which sequence, and the file with the acknowledged keys (empty for none)."""

    dsn: str
    after: int
    keys: str = ""


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal holds: accepted bets, different keys among them, acknowledged keys that are not there, and the
    sums of the ledger folded anew, by currency."""

    bets: int
    keys: int
    missing: int
    sums_minor: dict[str, int]


async def verify(stand: Stand, *, after: int, taken: int, spare: int = 0, keys: Path | None = None) -> str:
    """Raises Failed unless the journal has each bet once, at least the `taken` that were acknowledged and at most
    `spare` more (answers still on their way when the load ended), and sums of zero. Says what it saw."""
    asked = Asked(dsn=stand.dsn, after=after, keys=str(keys) if keys else "")
    books = await apart(examine, asked)
    if books.keys != books.bets or books.missing or not taken <= books.bets <= taken + spare:
        raise Failed(f"{taken} bets were acknowledged, the journal has {books}")
    if any(books.sums_minor.values()):
        raise Failed(f"the ledger is out of balance: {books.sums_minor}")
    each = "each by its key" if keys else f"{books.bets - taken} more were on their way at the end"
    return f"{taken:,} acknowledged, all in the journal exactly once ({each}); ledger sum 0"


async def examine(asked: Asked) -> Books:
    connection = await journal.connect(asked.dsn)
    try:
        found = [parse_key(row[0]) for row in await connection.fetch(KEYS, asked.after)]
        sums_minor = await _sums(connection)
    finally:
        await connection.close()
    missing = _acknowledged(asked.keys) - set(found)
    return Books(bets=len(found), keys=len(set(found)), missing=len(missing), sums_minor=sums_minor)


def _acknowledged(file: str) -> set[bytes]:
    """The keys that `bench.load` wrote down."""
    keys = Path(file).read_bytes() if file else b""
    return {keys[at : at + 16] for at in range(0, len(keys), 16)}


async def _sums(connection: "journal.connection.Connection") -> dict[str, int]:
    """Fold the whole journal and add up every account."""
    state = empty()
    while rows := await journal.read(connection, state.seq):
        for row in rows:
            fold(state, decode_fact(row.body), row.at_us)
    return ledger.sums_minor(state.ledger)
