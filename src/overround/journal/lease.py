"""The lease: one row that says who may write, until when by the clock of the database.

The lease decides who *tries*; the epoch, checked inside every append, decides who *can*. Acquiring a new
epoch waits for an append that is just committing, so what the new holder then reads is the end of the
journal: no older writer adds to it.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from overround.journal.types import Lease

if TYPE_CHECKING:
    from overround.journal.connection import Reader


async def acquire(connection: "Reader", holder: str, ttl_s: float) -> int | None:
    """A new epoch, if the lease is free, expired or already `holder`'s (a restart need not wait); otherwise
    None.

    Asking in vain costs one read, so followers may ask often. Every success makes a new epoch and fences the
    one before.
    """
    epoch: int | None = await connection.fetchval(
        "SELECT journal.acquire_lease($1, $2)", holder, timedelta(seconds=ttl_s)
    )
    return epoch


async def renew(connection: "Reader", epoch: int, ttl_s: float) -> bool:
    """Extend the lease of `epoch` to `ttl_s` from now. False when another epoch holds it: stop writing."""
    status = await connection.execute(
        "UPDATE journal.lease SET expires_at = clock_timestamp() + $2 WHERE epoch = $1",
        epoch,
        timedelta(seconds=ttl_s),
    )
    return status == "UPDATE 1"


async def release(connection: "Reader", epoch: int) -> bool:
    """Let a follower take over at once. False when another epoch holds the lease."""
    status = await connection.execute(
        "UPDATE journal.lease SET expires_at = '-infinity', holder = '' WHERE epoch = $1", epoch
    )
    return status == "UPDATE 1"


async def lease(connection: "Reader") -> Lease:
    """Who holds the lease now. `left_us` is very negative when it was released or never held."""
    row = await connection.fetchrow(
        "SELECT epoch, holder, CASE WHEN isfinite(expires_at)"
        " THEN (extract(epoch FROM expires_at - clock_timestamp()) * 1000000)::bigint"
        " ELSE -9223372036854775808 END FROM journal.lease"
    )
    if row is None:
        return Lease(epoch=0, holder="", left_us=-(2**63))
    return Lease(epoch=row[0], holder=row[1], left_us=row[2])
