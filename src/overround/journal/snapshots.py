"""Snapshots: the book's whole state at a row, so that recovery reads only what came after it.

A snapshot is a cache of the journal: losing one costs time, never a fact.
"""

import asyncio
import hashlib
import logging
from typing import TYPE_CHECKING

from overround.journal.types import Snapshot

if TYPE_CHECKING:
    from asyncpg import Record

    from overround.journal.connection import Connection

PART_BYTES = 8 * 1024 * 1024

_log = logging.getLogger(__name__)


async def save(connection: "Connection", snapshot: Snapshot) -> None:
    """Store it, all or nothing, in parts of 8 MB. Storing the same `seq` again replaces it."""
    body = memoryview(snapshot.body)
    parts = [body[start : start + PART_BYTES] for start in range(0, len(body), PART_BYTES)]
    digest = await asyncio.to_thread(_digest, body)
    async with connection.transaction():
        await connection.execute("DELETE FROM journal.snapshot WHERE seq = $1", snapshot.seq)
        await connection.execute(
            "INSERT INTO journal.snapshot (seq, chain, state_hash, format, parts, digest)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            snapshot.seq,
            snapshot.chain,
            snapshot.state_hash,
            snapshot.format,
            len(parts),
            digest,
        )
        for n, part in enumerate(parts):
            await connection.execute(
                "INSERT INTO journal.snapshot_part VALUES ($1, $2, $3)",
                snapshot.seq,
                n,
                part,
            )


async def latest(connection: "Connection", *, format: int | None = None) -> Snapshot | None:
    """The newest snapshot that is whole and belongs to this journal (its chain is the journal's at that row),
    of one `format` if given. None when there is none: start from the first row."""
    query = """
        SELECT snapshot.* FROM journal.snapshot
            LEFT JOIN journal.event USING (seq)
            CROSS JOIN journal.shape
        WHERE ($1::integer IS NULL OR format = $1)
            AND (event.chain = snapshot.chain
                 OR (snapshot.seq, snapshot.chain) = (archived_seq, archived_chain))
        ORDER BY seq DESC"""
    for row in await connection.fetch(query, format):
        body = await _load(connection, row)
        if body is not None:
            return Snapshot(
                seq=row["seq"],
                chain=row["chain"],
                state_hash=row["state_hash"],
                format=row["format"],
                body=body,
            )
        _log.error("the snapshot at row %d is damaged and left out", row["seq"])
    return None


async def _load(connection: "Connection", row: "Record") -> bytes | None:
    parts = []
    for n in range(row["parts"]):
        part = await connection.fetchval(
            "SELECT body FROM journal.snapshot_part WHERE seq = $1 AND n = $2", row["seq"], n
        )
        if part is None:
            return None
        parts.append(part)
    body = b"".join(parts)
    digest = await asyncio.to_thread(_digest, memoryview(body))
    return body if digest == row["digest"] else None


async def prune(connection: "Connection", keep: int = 3) -> int:
    """Remove all but the newest `keep` snapshots; returns how many went."""
    status: str = await connection.execute(
        "DELETE FROM journal.snapshot WHERE seq NOT IN (SELECT seq FROM journal.snapshot ORDER BY seq DESC LIMIT $1)",
        keep,
    )
    return int(status.split()[-1])


def _digest(body: memoryview) -> bytes:
    return hashlib.sha256(body).digest()
