"""Taking a snapshot: fold the journal's tail onto the latest one, check its chain, save the result. A short process."""

import asyncio
import gc
import hashlib
import logging
import os
from typing import TYPE_CHECKING, Final

from overround import journal
from overround.apps import settings as settings_door
from overround.book import ledger
from overround.book.machine import FORMAT, State, decode_fact, decode_snapshot, empty, encode_snapshot, fold
from overround.infra import telemetry
from overround.journal.chain import Checker

if TYPE_CHECKING:
    from overround.journal.connection import Connection

log = logging.getLogger(__name__)

NICENESS: Final = 5
KEPT: Final = 3
READ_ROWS: Final = 5_000


class Broken(Exception):
    """The journal is not what was written, or does not add up: no snapshot of it is taken."""


async def take(dsn: str) -> int:
    """Save a snapshot of the journal's head and keep the newest `KEPT`; its sequence. Raises Broken."""
    connection = await journal.connect_uncancellable(dsn)
    try:
        latest = await journal.latest(connection, format=FORMAT)
        state = decode_snapshot(latest.body) if latest else empty()
        start = journal.Head(latest.seq, latest.chain) if latest else journal.Head(0, journal.GENESIS)
        head = await _fold_tail(connection, state, start)
        if latest is None or head.seq > latest.seq:
            await _save(connection, state, head)
        return head.seq
    finally:
        connection.terminate()


async def _fold_tail(connection: "Connection", state: State, start: journal.Head) -> journal.Head:
    """Fold everything after `start` that is there now, and check that it is what was sealed."""
    target = await journal.head(connection)
    checker = Checker(start)
    while state.seq < target.seq:
        rows = await journal.read_whole(connection, state.seq, min(READ_ROWS, target.seq - state.seq))
        difference = checker.check(rows)
        if difference is not None or not rows:
            raise Broken(str(difference))
        for row in rows:
            fold(state, decode_fact(row.body), row.at_us)
    sums = {currency: sum_minor for currency, sum_minor in ledger.sums_minor(state.ledger).items() if sum_minor}
    if checker.head.seq != target.seq or sums:
        raise Broken(f"sealed up to {checker.head.seq} of {target.seq}, sums {sums}")
    return checker.head


async def _save(connection: "Connection", state: State, head: journal.Head) -> None:
    body = encode_snapshot(state)
    taken = journal.Snapshot(
        seq=head.seq, chain=head.chain, state_hash=hashlib.sha256(body).digest(), format=FORMAT, body=body
    )
    await journal.save(connection, taken)
    await journal.prune(connection, KEPT)
    log.info("snapshot of %d facts, %d bytes", head.seq, len(body))


def main() -> None:
    """`python -m overround.apps.snapshot`, with the database from the environment."""
    os.nice(NICENESS)
    gc.disable()  # it lives for seconds, and what it makes it keeps to the end
    settings = settings_door.read()
    telemetry.set_up(style=settings.log_style, level=settings.log_level, role="snapshot")
    asyncio.run(take(settings.dsn))


if __name__ == "__main__":
    main()
