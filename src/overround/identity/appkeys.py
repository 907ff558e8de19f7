"""Keys that name a customer's programs: one that sees prices as they are, one that sees them late.

A key opens nothing by itself: whoever shows it also shows a token. So it is kept as it is and may be told again.
"""

import secrets
from typing import TYPE_CHECKING, Final

from overround.identity.types import MAX_TOKEN_NAME_LENGTH, AppKey, AppKeys, IdentityRefused, Refusal

if TYPE_CHECKING:
    from asyncpg import Record

    from overround.identity.types import Asker

KEY_LENGTH: Final = 16
ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
"""As Betfair's application keys look."""


async def make_app_keys(connection: "Asker", *, customer_id: int, name: str, now_us: int) -> AppKeys:
    """The customer's keys, made now where there are none. A customer has one pair; its first name stays.

    Raises IdentityRefused: name_invalid.
    """
    if not 0 < len(name) <= MAX_TOKEN_NAME_LENGTH or not name.isprintable():
        raise IdentityRefused(Refusal.NAME_INVALID)
    await connection.execute(
        "INSERT INTO identity.app_key (customer_id, name, live, delayed, created_at_us) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (customer_id) DO NOTHING",
        customer_id,
        name,
        _fresh(),
        _fresh(),
        now_us,
    )
    made = await app_keys_of(connection, customer_id=customer_id)
    assert made is not None, "keys are never taken away"
    return made


async def app_keys_of(connection: "Asker", *, customer_id: int) -> AppKeys | None:
    """The customer's keys, if they were made."""
    row: Record | None = await connection.fetchrow(
        "SELECT customer_id, name, live, delayed, created_at_us FROM identity.app_key WHERE customer_id = $1",
        customer_id,
    )
    return AppKeys(**dict(row)) if row is not None else None


async def resolve_app_key(connection: "Asker", key: str) -> AppKey | None:
    """What a key names, or None where it is none of ours."""
    if len(key) != KEY_LENGTH or not key.isascii() or not key.isalnum():
        return None
    row = await connection.fetchrow(
        "SELECT customer_id, delayed = $1 AS is_delayed FROM identity.app_key WHERE live = $1 OR delayed = $1", key
    )
    return AppKey(owner_id=row["customer_id"], is_delayed=row["is_delayed"]) if row is not None else None


def _fresh() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(KEY_LENGTH))
