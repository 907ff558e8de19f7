"""Names and passwords: who may come in, and how guessing is slowed down without telling who exists."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from overround import identity
from overround.identity import Cost, IdentityRefused, Refusal
from overround.identity.logins import FIRST_WAIT_US, FORGET_AFTER_US, FREE_FAILURES, LONGEST_WAIT_US

pytestmark = pytest.mark.engines

NOW_US = 1_763_900_000_000_000
CHEAP = Cost(n=16, r=8, p=1)


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
    async with asyncpg.create_pool(dsn, min_size=1, max_size=4) as pool:
        async with pool.acquire() as connection:
            await identity.migrate(connection)
        await identity.create_login(
            pool, customer_id=7, username="Ada", password="correct horse", now_us=NOW_US, cost=CHEAP
        )
        yield pool


async def refusal_of(pool: "asyncpg.Pool[asyncpg.Record]", username: str, password: str, now_us: int) -> Refusal:
    with pytest.raises(IdentityRefused) as refused:
        await identity.verify_password(pool, username=username, password=password, now_us=now_us)
    return refused.value.code


async def test_the_right_password_opens(postgres_dsn: str) -> None:
    async with opened(postgres_dsn) as pool:
        for username in ("Ada", "ada", "ＡＤＡ"):
            entered = await identity.verify_password(pool, username=username, password="correct horse", now_us=NOW_US)
            assert entered == 7


async def test_operators_find_a_customer_by_name(postgres_dsn: str) -> None:
    async with opened(postgres_dsn) as pool:
        assert await identity.customer_of(pool, username="ADA") == 7
        assert await identity.customer_of(pool, username="nobody") is None
        assert await identity.customer_of(pool, username="") is None


@pytest.mark.parametrize(
    ("username", "password"),
    [("ada", "correct horsf"), ("ada", ""), ("nobody", "correct horse"), ("", "x"), ("ada", "x" * 10_000)],
)
async def test_wrong_is_wrong_whatever_was_wrong(postgres_dsn: str, username: str, password: str) -> None:
    async with opened(postgres_dsn) as pool:
        assert await refusal_of(pool, username, password, NOW_US) is Refusal.CREDENTIALS_WRONG


@pytest.mark.parametrize("username", ["ada", "nobody"])
async def test_guessing_is_slowed_down_alike_for_a_name_that_nobody_has(postgres_dsn: str, username: str) -> None:
    async with opened(postgres_dsn) as pool:
        for _ in range(FREE_FAILURES):
            assert await refusal_of(pool, username, "guess guess", NOW_US) is Refusal.CREDENTIALS_WRONG
        assert await refusal_of(pool, username, "guess guess", NOW_US) is Refusal.LOCKED_OUT
        assert await refusal_of(pool, username, "correct horse", NOW_US) is Refusal.LOCKED_OUT
        later_us = NOW_US + FIRST_WAIT_US
        assert await refusal_of(pool, username, "guess guess", later_us) is Refusal.CREDENTIALS_WRONG
        assert await refusal_of(pool, username, "guess guess", later_us + FIRST_WAIT_US) is Refusal.LOCKED_OUT


async def test_the_wait_doubles_up_to_a_limit_and_the_owner_is_back_then(postgres_dsn: str) -> None:
    async with opened(postgres_dsn) as pool:
        now_us = NOW_US
        waits = []
        for _ in range(20):
            with pytest.raises(IdentityRefused) as refused:
                await identity.verify_password(pool, username="ada", password="guess guess", now_us=now_us)
            if refused.value.code is Refusal.LOCKED_OUT:
                waits.append(refused.value.until_us - now_us)
                now_us = refused.value.until_us
        assert waits[:3] == [FIRST_WAIT_US, 2 * FIRST_WAIT_US, 4 * FIRST_WAIT_US]
        assert max(waits) <= LONGEST_WAIT_US
        now_us += LONGEST_WAIT_US
        assert await identity.verify_password(pool, username="ada", password="correct horse", now_us=now_us) == 7
        assert await pool.fetchval("SELECT count(*) FROM identity.attempt") == 0


async def test_old_attempts_are_forgotten(postgres_dsn: str) -> None:
    async with opened(postgres_dsn) as pool:
        for guess in range(10):
            await refusal_of(pool, f"guess{guess}", "guess guess", NOW_US)
        await refusal_of(pool, "ada", "guess guess", NOW_US + FORGET_AFTER_US + 1)
        assert await pool.fetchval("SELECT count(*) FROM identity.attempt") == 1


@pytest.mark.parametrize(
    ("customer_id", "username", "password", "code"),
    [
        (8, "ADA", "long enough", Refusal.USERNAME_TAKEN),
        (7, "grace", "long enough", Refusal.LOGIN_EXISTS),
        (8, "", "long enough", Refusal.USERNAME_INVALID),
        (8, "a b", "long enough", Refusal.USERNAME_INVALID),
        (8, "g\n", "long enough", Refusal.USERNAME_INVALID),
        (8, "g" * 65, "long enough", Refusal.USERNAME_INVALID),
        (8, "grace", "short", Refusal.PASSWORD_INVALID),
        (8, "grace", "x" * 257, Refusal.PASSWORD_INVALID),
    ],
)
async def test_a_login_that_cannot_be(
    postgres_dsn: str, customer_id: int, username: str, password: str, code: Refusal
) -> None:
    async with opened(postgres_dsn) as pool:
        with pytest.raises(IdentityRefused) as refused:
            await identity.create_login(
                pool, customer_id=customer_id, username=username, password=password, now_us=NOW_US, cost=CHEAP
            )
        assert refused.value.code is code
        assert await pool.fetchval("SELECT count(*) FROM identity.login") == 1


async def test_a_password_is_changed_and_a_login_erased(postgres_dsn: str) -> None:
    async with opened(postgres_dsn) as pool:
        assert await identity.change_password(pool, customer_id=7, password="battery staple", cost=CHEAP)
        assert await refusal_of(pool, "ada", "correct horse", NOW_US) is Refusal.CREDENTIALS_WRONG
        assert await identity.verify_password(pool, username="ada", password="battery staple", now_us=NOW_US) == 7
        assert await identity.delete_login(pool, customer_id=7)
        assert await refusal_of(pool, "ada", "battery staple", NOW_US) is Refusal.CREDENTIALS_WRONG
        assert not await identity.change_password(pool, customer_id=7, password="battery staple", cost=CHEAP)


async def test_no_password_is_kept(postgres_dsn: str) -> None:
    async with opened(postgres_dsn) as pool:
        row = await pool.fetchrow("SELECT * FROM identity.login")
        assert row is not None
        assert b"correct horse" not in b"".join(value for value in row.values() if isinstance(value, bytes))
        assert "correct horse" not in str(tuple(row.values()))
        await identity.create_login(
            pool, customer_id=8, username="grace", password="correct horse", now_us=NOW_US, cost=CHEAP
        )
        assert await pool.fetchval("SELECT count(DISTINCT hash) FROM identity.login") == 2


async def test_an_unknown_name_costs_as_much_as_a_known_one() -> None:
    """The decoy is hashed with the cost that logins have unless told otherwise."""
    assert identity.passwords.DECOY.cost == identity.DEFAULT_COST
