"""Bearer tokens: issued once, kept as a hash, looked up, listed, revoked."""

import secrets
from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from overround.identity.types import (
    MAX_TOKEN_NAME_LENGTH,
    MAX_TOKENS_PER_ACTOR,
    IdentityRefused,
    Issued,
    Refusal,
    Scope,
    Token,
)

if TYPE_CHECKING:
    from asyncpg import Record

    from overround.identity.types import Asker

PREFIX: Final = "ovr_"
SECRET_BYTES: Final = 32
SECRET_LENGTH: Final = 47
"""`ovr_` and 32 bytes of chance in base64url."""

COLUMNS: Final = "id, actor, scopes, customer_id, name, created_at_us, expires_at_us, revoked_at_us"


def hash_of(secret: str) -> bytes:
    """What is kept of a token. It holds 256 bits of chance, so one round of SHA-256 is enough."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


async def issue_token(
    connection: "Asker", *, actor: int, scopes: Iterable[str], name: str, now_us: int, expires_at_us: int = 0
) -> Issued:
    """A new token for an actor: a customer by id, or below zero an operator or service. `name` is for people.

    Raises IdentityRefused: scopes_invalid, name_invalid, too_many_tokens.
    """
    granted = _scopes(actor, scopes)
    if not 0 < len(name) <= MAX_TOKEN_NAME_LENGTH or not name.isprintable():
        raise IdentityRefused(Refusal.NAME_INVALID)
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    token_id = await connection.fetchval(
        "INSERT INTO identity.token (hash, actor, scopes, customer_id, name, created_at_us, expires_at_us)"
        " SELECT $1, $2, $3, $4, $5, $6, $7 WHERE (SELECT count(*) FROM identity.token WHERE actor = $2"
        " AND revoked_at_us = 0 AND (expires_at_us = 0 OR expires_at_us > $6)) < $8 RETURNING id",
        hash_of(secret),
        actor,
        [scope.value for scope in granted],
        actor if actor > 0 else None,
        name,
        now_us,
        expires_at_us,
        MAX_TOKENS_PER_ACTOR,
    )
    if token_id is None:
        raise IdentityRefused(Refusal.TOO_MANY_TOKENS)
    return Issued(id=token_id, secret=secret)


def _scopes(actor: int, scopes: Iterable[str]) -> tuple[Scope, ...]:
    """Scopes in their order, each once. A customer is no operator, and an operator no customer."""
    known = {scope.value for scope in Scope}
    wanted = set(scopes)
    foreign = Scope.OPERATOR if actor > 0 else Scope.CUSTOMER
    if not wanted or not wanted <= known or foreign in wanted or actor == 0:
        raise IdentityRefused(Refusal.SCOPES_INVALID)
    return tuple(scope for scope in Scope if scope in wanted)


async def resolve_token(connection: "Asker", secret: str) -> Token | None:
    """The token with this secret, if it may be used now; None otherwise, whatever was wrong with it."""
    if len(secret) != SECRET_LENGTH or not secret.startswith(PREFIX):
        return None
    return await resolve_hash(connection, hash_of(secret))


async def resolve_hash(connection: "Asker", digest: bytes) -> Token | None:
    """As `resolve_token`, by the SHA-256 of the secret. Expiry is by the database's clock, as there is one of it."""
    row = await connection.fetchrow(
        f"SELECT {COLUMNS} FROM identity.token WHERE hash = $1 AND revoked_at_us = 0"  # noqa: S608  # our own words
        " AND (expires_at_us = 0 OR expires_at_us > extract(epoch FROM clock_timestamp()) * 1000000)",
        digest,
    )
    return _token(row) if row is not None else None


async def new_operator(connection: "Asker") -> int:
    """The number of one more operator or service: another pair of eyes than all before."""
    number: int = await connection.fetchval("SELECT nextval('identity.operator')")
    return number


async def extend_token(connection: "Asker", token_id: int, *, expires_at_us: int) -> bool:
    """Let a token that can be used, and that ends, end later. False where there is none."""
    status = await connection.execute(
        "UPDATE identity.token SET expires_at_us = greatest(expires_at_us, $2) WHERE id = $1 AND revoked_at_us = 0"
        " AND expires_at_us > extract(epoch FROM clock_timestamp()) * 1000000",
        token_id,
        expires_at_us,
    )
    return status == "UPDATE 1"


async def revoke_token(
    connection: "Asker", token_id: int, *, now_us: int, actor: int | None = None, operators: bool = False
) -> bool:
    """End a token (of this actor, or of `operators` and services only, where that is asked for). False where there is
    none that could be used."""
    status = await connection.execute(
        "UPDATE identity.token SET revoked_at_us = $2"
        " WHERE id = $1 AND revoked_at_us = 0 AND ($3::bigint IS NULL OR actor = $3) AND (actor < 0 OR NOT $4)",
        token_id,
        now_us,
        actor,
        operators,
    )
    return status == "UPDATE 1"


async def list_tokens(connection: "Asker", *, actor: int) -> tuple[Token, ...]:
    """An actor's tokens that were not revoked, newest first."""
    rows = await connection.fetch(
        f"SELECT {COLUMNS} FROM identity.token WHERE actor = $1 AND revoked_at_us = 0"  # noqa: S608  # our own words
        " ORDER BY id DESC LIMIT $2",
        actor,
        MAX_TOKENS_PER_ACTOR,
    )
    return tuple(map(_token, rows))


async def list_operators_tokens(connection: "Asker") -> tuple[Token, ...]:
    """The tokens of all operators and services that were not revoked, newest first."""
    rows = await connection.fetch(
        f"SELECT {COLUMNS} FROM identity.token WHERE actor < 0 AND revoked_at_us = 0"  # noqa: S608  # our own words
        " ORDER BY id DESC LIMIT $1",
        MAX_TOKENS_PER_ACTOR,
    )
    return tuple(map(_token, rows))


def _token(row: "Record") -> Token:
    return Token(
        id=row["id"],
        actor=row["actor"],
        scopes=tuple(Scope(scope) for scope in row["scopes"]),
        customer_id=row["customer_id"],
        name=row["name"],
        created_at_us=row["created_at_us"],
        expires_at_us=row["expires_at_us"],
        revoked_at_us=row["revoked_at_us"],
    )
