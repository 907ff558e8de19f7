"""Customers' names and passwords, and slowing down who guesses them."""

import unicodedata
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from asyncpg import UniqueViolationError

from overround.identity.passwords import DECOY, DEFAULT_COST, Cost, Hashed, hash_password, matches
from overround.identity.types import (
    MAX_PASSWORD_LENGTH,
    MAX_USERNAME_LENGTH,
    MIN_PASSWORD_LENGTH,
    IdentityRefused,
    Refusal,
)

if TYPE_CHECKING:
    from overround.identity.types import Asker

FREE_FAILURES: Final = 5
"""Wrong passwords in a row that cost nothing; from then on each doubles the wait."""

FIRST_WAIT_US: Final = 1_000_000
LONGEST_WAIT_US: Final = 900_000_000
"""15 minutes: a guesser gets some hundred tries a day, and whose name is being guessed is back within that time."""

FORGET_AFTER_US: Final = 86_400_000_000
FORGET_AT_ONCE: Final = 100


def username_of(text: str) -> str:
    """How a username is kept and compared: NFKC, without case. Raises IdentityRefused (username_invalid)."""
    name = unicodedata.normalize("NFKC", text).casefold()
    if not 0 < len(name) <= MAX_USERNAME_LENGTH or not name.isprintable() or " " in name:
        raise IdentityRefused(Refusal.USERNAME_INVALID)
    return name


def _check_password(password: str) -> None:
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        raise IdentityRefused(Refusal.PASSWORD_INVALID)


async def create_login(
    connection: "Asker", *, customer_id: int, username: str, password: str, now_us: int, cost: Cost = DEFAULT_COST
) -> None:
    """Give a customer a name and a password (8 to 256 characters).

    Raises IdentityRefused: username_invalid, password_invalid, username_taken, login_exists, too_busy.
    """
    name = username_of(username)
    _check_password(password)
    hashed = await hash_password(password, cost=cost)
    try:
        await connection.execute(
            "INSERT INTO identity.login (customer_id, username, salt, n, r, p, hash, created_at_us)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            customer_id,
            name,
            hashed.salt,
            cost.n,
            cost.r,
            cost.p,
            hashed.hash,
            now_us,
        )
    except UniqueViolationError as taken:
        of_name = taken.constraint_name == "login_username_key"
        raise IdentityRefused(Refusal.USERNAME_TAKEN if of_name else Refusal.LOGIN_EXISTS) from None


async def change_password(connection: "Asker", *, customer_id: int, password: str, cost: Cost = DEFAULT_COST) -> bool:
    """A new password for a customer; False where there is no login. Raises IdentityRefused: password_invalid,
    too_busy."""
    _check_password(password)
    hashed = await hash_password(password, cost=cost)
    status = await connection.execute(
        "UPDATE identity.login SET salt = $2, n = $3, r = $4, p = $5, hash = $6 WHERE customer_id = $1",
        customer_id,
        hashed.salt,
        cost.n,
        cost.r,
        cost.p,
        hashed.hash,
    )
    return status == "UPDATE 1"


async def delete_login(connection: "Asker", *, customer_id: int) -> bool:
    """Erase a customer's name and password; False where there is none. The journal's numbers stay and name nobody."""
    return await connection.execute("DELETE FROM identity.login WHERE customer_id = $1", customer_id) == "DELETE 1"


async def verify_password(connection: "Asker", *, username: str, password: str, now_us: int) -> int:
    """The customer whose name and password these are. Takes as long for a name that nobody has.

    Raises IdentityRefused: credentials_wrong, locked_out (with `until_us`), too_busy.
    """
    try:
        name = username_of(username)
    except IdentityRefused:
        raise IdentityRefused(Refusal.CREDENTIALS_WRONG) from None
    if len(password) > MAX_PASSWORD_LENGTH:
        raise IdentityRefused(Refusal.CREDENTIALS_WRONG)
    name_hash = sha256(name.encode()).digest()
    await _count_attempt(connection, name_hash, now_us=now_us)
    row = await connection.fetchrow(
        "SELECT customer_id, salt, n, r, p, hash FROM identity.login WHERE username = $1", name
    )
    kept = Hashed(salt=row[1], cost=Cost(n=row[2], r=row[3], p=row[4]), hash=row[5]) if row else DECOY
    right = await matches(password, kept)
    if row is None or not right:
        raise IdentityRefused(Refusal.CREDENTIALS_WRONG)
    await connection.execute("DELETE FROM identity.attempt WHERE name_hash = $1", name_hash)
    customer_id: int = row[0]
    return customer_id


async def customer_of(connection: "Asker", *, username: str) -> int | None:
    """Whose name this is, for operators; None where it is nobody's or can be nobody's."""
    try:
        name = username_of(username)
    except IdentityRefused:
        return None
    customer_id: int | None = await connection.fetchval(
        "SELECT customer_id FROM identity.login WHERE username = $1", name
    )
    return customer_id


async def _count_attempt(connection: "Asker", name_hash: bytes, *, now_us: int) -> None:
    """Count an attempt before it is checked, so that many at once are not checked for the price of one. The right
    password forgets the count."""
    counted = await connection.fetchval(
        "INSERT INTO identity.attempt AS attempt (name_hash, failures, blocked_until_us, last_at_us)"
        " VALUES ($1, 1, 0, $2) ON CONFLICT (name_hash) DO UPDATE SET failures = attempt.failures + 1, last_at_us = $2,"
        " blocked_until_us = CASE WHEN attempt.failures + 1 < $3 THEN 0"
        " ELSE $2 + least($4 * (1::bigint << least(attempt.failures + 1 - $3, 30)), $5) END"
        " WHERE attempt.blocked_until_us <= $2 RETURNING failures",
        name_hash,
        now_us,
        FREE_FAILURES,
        FIRST_WAIT_US,
        LONGEST_WAIT_US,
    )
    if counted is None:
        until_us = await connection.fetchval(
            "SELECT blocked_until_us FROM identity.attempt WHERE name_hash = $1", name_hash
        )
        raise IdentityRefused(Refusal.LOCKED_OUT, until_us=until_us or now_us)
    await connection.execute(
        "DELETE FROM identity.attempt WHERE name_hash IN"
        " (SELECT name_hash FROM identity.attempt WHERE last_at_us < $1 ORDER BY last_at_us LIMIT $2)",
        now_us - FORGET_AFTER_US,
        FORGET_AT_ONCE,
    )
