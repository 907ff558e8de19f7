"""The peer: FastAPI and SQLAlchemy on asyncpg, one transaction a bet, written as well as its shape allows.

One worker of uvicorn with uvloop and httptools, statements prepared once, the account locked in the statement
that reads the price, four statements and a commit a bet. Run as `python -m bench.peers.service DSN PORT POOL`.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

import uvicorn
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import BigInteger, Boolean, Column, MetaData, Table, Text, Uuid, and_, bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

METADATA = MetaData(schema="peer")
ACCOUNT = Table(
    "account",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("token", Text),
    Column("balance_minor", BigInteger),
    Column("max_stake_minor", BigInteger),
)
SELECTION = Table(
    "selection",
    METADATA,
    Column("market_id", BigInteger, primary_key=True),
    Column("selection_id", BigInteger, primary_key=True),
    Column("price_milli", BigInteger),
    Column("open", Boolean),
)
BET = Table(
    "bet",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("account_id", BigInteger),
    Column("key", Uuid),
    Column("market_id", BigInteger),
    Column("selection_id", BigInteger),
    Column("stake_minor", BigInteger),
    Column("price_milli", BigInteger),
)
TRANSFER = Table(
    "transfer",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("account_id", BigInteger),
    Column("bet_id", BigInteger),
    Column("amount_minor", BigInteger),
)


# Statements are made once, so that no request pays for putting them together.
LOCK = (
    select(ACCOUNT.c.balance_minor, ACCOUNT.c.max_stake_minor, SELECTION.c.price_milli, SELECTION.c.open)
    .join_from(
        ACCOUNT,
        SELECTION,
        and_(SELECTION.c.market_id == bindparam("market"), SELECTION.c.selection_id == bindparam("selection")),
    )
    .where(ACCOUNT.c.id == bindparam("account"))
    .with_for_update(of=ACCOUNT)
)
TAKE = insert(BET).on_conflict_do_nothing().returning(BET.c.id)
FIND = select(BET.c.id).where(BET.c.account_id == bindparam("account"), BET.c.key == bindparam("asked_key"))
MOVE = TRANSFER.insert().inline()
PAY = (
    ACCOUNT.update()
    .where(ACCOUNT.c.id == bindparam("account"))
    .values(balance_minor=ACCOUNT.c.balance_minor - bindparam("stake"))
)


class Bet(BaseModel):
    """What a customer asks for, as in the house's own API."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    market_id: int
    selection_id: int
    stake_minor: int = Field(gt=0)
    currency: str
    price_milli: int


class Placed(BaseModel):
    bet_id: int
    status: str = "open"
    stake_minor: int
    price_milli: int


class Peer:
    """The engine and the tokens, once the service is up. Tokens are looked up in memory: a present to the peer."""

    engine: AsyncEngine
    accounts: dict[str, int]


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    dsn, pool = sys.argv[1], int(sys.argv[3])
    Peer.engine = create_async_engine(
        dsn.replace("postgresql://", "postgresql+asyncpg://"), pool_size=pool, max_overflow=0, pool_reset_on_return=None
    )
    async with Peer.engine.connect() as connection:
        rows = await connection.execute(select(ACCOUNT.c.token, ACCOUNT.c.id))
        Peer.accounts = {row.token: row.id for row in rows}
    yield
    await Peer.engine.dispose()


app = FastAPI(lifespan=lifespan, openapi_url=None)


@app.get("/ready")
async def ready() -> str:
    return "ready"


@app.post("/v1/bets", status_code=201)
async def place(
    bet: Bet, authorization: Annotated[str, Header()], idempotency_key: Annotated[UUID, Header()]
) -> Placed:
    """One transaction: lock, check, bet, transfer, balance."""
    account_id = Peer.accounts.get(authorization.removeprefix("Bearer "))
    if account_id is None:
        raise HTTPException(401)
    async with Peer.engine.begin() as connection:
        await _check(connection, account_id, bet)
        bet_id = await _insert(connection, account_id, idempotency_key, bet)
    return Placed(bet_id=bet_id, stake_minor=bet.stake_minor, price_milli=bet.price_milli)


async def _check(connection: AsyncConnection, account_id: int, bet: Bet) -> None:
    """Lock the account's row and refuse what may not stand."""
    asked = {"account": account_id, "market": bet.market_id, "selection": bet.selection_id}
    row = (await connection.execute(LOCK, asked)).one_or_none()
    if row is None:
        raise HTTPException(404, "selection_not_found")
    if not row.open:
        raise HTTPException(422, "market_suspended")
    if row.price_milli != bet.price_milli:
        raise HTTPException(422, "price_changed")
    if bet.stake_minor > row.max_stake_minor:
        raise HTTPException(422, "stake_limit")
    if bet.stake_minor > row.balance_minor:
        raise HTTPException(422, "insufficient_funds")


async def _insert(connection: AsyncConnection, account_id: int, key: UUID, bet: Bet) -> int:
    """The bet, its transfer and the balance; a key that was used before answers with its bet."""
    asked = {
        "account_id": account_id,
        "key": key,
        "market_id": bet.market_id,
        "selection_id": bet.selection_id,
        "stake_minor": bet.stake_minor,
        "price_milli": bet.price_milli,
    }
    bet_id: int | None = (await connection.execute(TAKE, asked)).scalar_one_or_none()
    if bet_id is None:
        return int((await connection.execute(FIND, {"account": account_id, "asked_key": key})).scalar_one())
    moved = {"account_id": account_id, "bet_id": bet_id, "amount_minor": -bet.stake_minor}
    await connection.execute(MOVE, moved)
    await connection.execute(PAY, {"account": account_id, "stake": bet.stake_minor})
    return bet_id


if __name__ == "__main__":
    uvicorn.run(
        app, host="127.0.0.1", port=int(sys.argv[2]), loop="uvloop", http="httptools", access_log=False, workers=1
    )
