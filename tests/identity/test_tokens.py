"""Tokens: shown once, kept as a hash, good for what they were issued for, until revoked or expired."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from overround import identity
from overround.identity import OPERATOR_ACTOR, IdentityRefused, Scope

pytestmark = pytest.mark.engines

NOW_US = 1_763_900_000_000_000


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
    async with asyncpg.create_pool(dsn, min_size=1, max_size=4) as pool:
        async with pool.acquire() as connection:
            await identity.migrate(connection)
            await identity.migrate(connection)
        yield pool


async def test_a_token_says_who_comes_and_for_what(postgres_dsn: str) -> None:
    async with opened(postgres_dsn) as pool:
        issued = await identity.issue_token(
            pool, actor=7, scopes=("read_only", "customer"), name="phone", now_us=NOW_US
        )
        assert issued.secret.startswith("ovr_")
        assert issued.secret not in repr(issued)
        token = await identity.resolve_token(pool, issued.secret)
        assert token is not None
        assert (token.id, token.actor, token.customer_id, token.name) == (issued.id, 7, 7, "phone")
        assert token.scopes == (Scope.CUSTOMER, Scope.READ_ONLY)
        assert await identity.resolve_hash(pool, identity.hash_of(issued.secret)) == token


async def test_operators_are_actors_below_zero_and_no_customers(postgres_dsn: str) -> None:
    async with opened(postgres_dsn) as pool:
        issued = await identity.issue_token(
            pool, actor=OPERATOR_ACTOR, scopes=("operator",), name="desk", now_us=NOW_US
        )
        token = await identity.resolve_token(pool, issued.secret)
        assert token is not None
        assert (token.actor, token.customer_id) == (-1, None)


@pytest.mark.parametrize("secret", ["", "ovr_", "ovr_" + "A" * 43, "x" * 47, "ovr_" + "é" * 43, "ovr_" + "\ud800" * 43])
async def test_what_is_no_token_opens_nothing(postgres_dsn: str, secret: str) -> None:
    async with opened(postgres_dsn) as pool:
        assert await identity.resolve_token(pool, secret) is None


async def test_only_the_hash_is_kept(postgres_dsn: str) -> None:
    async with opened(postgres_dsn) as pool:
        issued = await identity.issue_token(pool, actor=7, scopes=("customer",), name="phone", now_us=NOW_US)
        row = await pool.fetchrow("SELECT * FROM identity.token")
        assert row is not None
        assert issued.secret not in str(tuple(row.values()))
        assert issued.secret[4:].encode() not in row["hash"]


async def test_a_revoked_token_is_dead_and_listed_no_more(postgres_dsn: str) -> None:
    async with opened(postgres_dsn) as pool:
        one = await identity.issue_token(pool, actor=7, scopes=("customer",), name="phone", now_us=NOW_US)
        two = await identity.issue_token(pool, actor=7, scopes=("customer",), name="desk", now_us=NOW_US)
        assert not await identity.revoke_token(pool, one.id, now_us=NOW_US, actor=8), "not another's to revoke"
        assert await identity.revoke_token(pool, one.id, now_us=NOW_US, actor=7)
        assert not await identity.revoke_token(pool, one.id, now_us=NOW_US)
        assert await identity.resolve_token(pool, one.secret) is None
        assert [token.id for token in await identity.list_tokens(pool, actor=7)] == [two.id]


async def test_an_expired_token_is_dead(postgres_dsn: str) -> None:
    now_us = time.time_ns() // 1_000
    async with opened(postgres_dsn) as pool:
        for expires_at_us, alive in ((now_us - 1_000_000, False), (now_us + 3_600_000_000, True), (0, True)):
            issued = await identity.issue_token(
                pool, actor=7, scopes=("customer",), name="phone", now_us=now_us, expires_at_us=expires_at_us
            )
            assert (await identity.resolve_token(pool, issued.secret) is not None) is alive


@pytest.mark.parametrize(
    ("actor", "scopes", "name"),
    [
        (7, ("operator",), "phone"),
        (7, ("customer", "operator"), "phone"),
        (-1, ("customer",), "desk"),
        (0, ("read_only",), "nobody"),
        (7, (), "phone"),
        (7, ("everything",), "phone"),
        (7, ("customer",), ""),
        (7, ("customer",), "x" * 101),
        (7, ("customer",), "a\nb"),
    ],
)
async def test_a_token_that_cannot_be(postgres_dsn: str, actor: int, scopes: tuple[str, ...], name: str) -> None:
    async with opened(postgres_dsn) as pool:
        with pytest.raises(IdentityRefused):
            await identity.issue_token(pool, actor=actor, scopes=scopes, name=name, now_us=NOW_US)
        assert await pool.fetchval("SELECT count(*) FROM identity.token") == 0
