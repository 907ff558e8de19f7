"""One house that the edge's tests share, with a customer, money and an open market; each test makes its own things."""

import asyncio
import os
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import msgspec
import pytest
from tests.conftest import ENGINES
from tests.edge.running import Api, Running, running_beside

FUNDS_MINOR = 1_000_000
PRICES_MILLI = (2_100, 3_400, 3_750)


@pytest.fixture(scope="session")
def house(pytestconfig: pytest.Config) -> Iterator[Running]:
    """Book, worker and gateway, for the whole session."""
    engines = pytestconfig.stash[ENGINES]
    server = engines.postgres_dsn()
    name = f"edge_{os.getpid()}"
    asyncio.run(_execute(server, f"CREATE DATABASE {name}"))
    with running_beside(server.replace("/overround?", f"/{name}?"), engines.nats_url()) as shared:
        yield shared
    asyncio.run(_execute(server, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def anyone(house: Running) -> Iterator[Api]:
    """Without a token."""
    api = Api(house)
    yield api
    api.close()


@pytest.fixture
def operator(house: Running) -> Iterator[Api]:
    api = Api(house, house.operator)
    yield api
    api.close()


class Player(msgspec.Struct, frozen=True, kw_only=True):
    """A customer with money."""

    customer_id: int
    account_id: int
    api: Api


@pytest.fixture
def new_player(house: Running, operator: Api) -> Iterator[Callable[..., Player]]:
    """Makes customers with 10,000.00 EUR."""
    players: list[Player] = []

    def make(funds_minor: int = FUNDS_MINOR) -> Player:
        player = make_player(house, operator, funds_minor)
        players.append(player)
        return player

    yield make
    for player in players:
        player.api.close()


def make_player(house: Running, operator: Api, funds_minor: int = FUNDS_MINOR) -> Player:
    opened = operator.made("/v1/operator/customers", {"currency": "EUR"})
    customer_id = opened["customer_id"]
    funds = {"currency": "EUR", "amount_minor": funds_minor, "note": "to play with"}
    operator.made(f"/v1/operator/customers/{customer_id}/funds", funds)
    token = operator.made(f"/v1/operator/customers/{customer_id}/tokens", {"name": "test"})["token"]
    return Player(customer_id=customer_id, account_id=opened["account_id"], api=Api(house, token))


@pytest.fixture
def player(new_player: Callable[..., Player]) -> Player:
    return new_player()


@pytest.fixture
def market(operator: Api) -> dict[str, int]:
    """An open match-result market of an event of its own."""
    return make_market(operator)


def make_market(operator: Api, **more: Any) -> dict[str, int]:
    sport = operator.made("/v1/operator/sports", {"name": "Football"})["sport_id"]
    competition = operator.made("/v1/operator/competitions", {"sport_id": sport, "name": "League"})["competition_id"]
    asked = {"competition_id": competition, "name": "Ayr – Dundee", "starts_at": "2026-12-01T15:00:00Z"}
    event = operator.made("/v1/operator/events", asked)["event_id"]
    offered = {"event_id": event, "type": "1x2", "prices_milli": PRICES_MILLI, **more}
    market = operator.made("/v1/operator/markets", offered)["market_id"]
    seq = operator.made(f"/v1/operator/markets/{market}/resume")["seq"]
    assert operator.get(f"/v1/markets/{market}", min_seq=seq).json()["status"] == "open"
    return {"market_id": market, "event_id": event, "competition_id": competition, "sport_id": sport}


def bet_on(market: dict[str, int], **more: Any) -> dict[str, Any]:
    """A bet that is taken."""
    return {
        "market_id": market["market_id"],
        "selection_id": 1,
        "stake_minor": 1_000,
        "currency": "EUR",
        "price_milli": PRICES_MILLI[0],
        **more,
    }
