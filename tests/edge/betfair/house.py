"""A running house with an exchange, and the people who trade on it with unmodified clients of Betfair's API."""

import asyncio
import collections
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx
import msgspec
import requests
from betfairlightweight import APIClient
from betfairlightweight.streaming.betfairstream import BetfairStream
from tests.edge.running import PATIENCE_S, Api, Running, running_beside

Client = TypeVar("Client")

PASSWORD = "correct horse"
FUNDS_MINOR = 1_000_000
FIRST_SELECTION = 1_001

_open: list[Any] = []


def kept(client: Client) -> Client:
    """Something with a connection, closed when the test ends."""
    _open.append(client)
    return client


def close_all() -> None:
    while _open:
        _open.pop().close()


@contextmanager
def open_house(dsn: str, nats_url: str, data: Path) -> Iterator[Running]:
    """A house of its own database, with its stream on a port of its own."""
    name = f"exchange_{os.getpid()}_{secrets.token_hex(3)}"
    asyncio.run(execute(dsn, f"CREATE DATABASE {name}"))
    with running_beside(dsn.replace("/overround?", f"/{name}?"), nats_url, data=data) as shop:
        yield shop
    asyncio.run(execute(dsn, f"DROP DATABASE {name} WITH (FORCE)"))


async def execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


class Trader(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with money, a session and a pair of application keys; with a login where the test logs in."""

    house: Running
    customer_id: int
    username: str
    token: str
    live_key: str
    delayed_key: str

    def client(self, *, lightweight: bool = False, app_key: str = "") -> APIClient:
        """betfairlightweight, pointed at the house as `overround connect` says."""
        client = APIClient(
            self.username,
            PASSWORD,
            app_key=app_key or self.live_key,
            cert_files=("", ""),
            lightweight=lightweight,
            session=kept(requests.Session()),
        )
        point(client, self.house)
        client.set_session_token(self.token)
        return client


def point(client: APIClient, house: Running) -> None:
    """The lines of docs/exchange-api.md."""
    client.identity_uri = client.identity_cert_uri = f"{house.url}/api/"
    client.api_uri = f"{house.url}/exchange/"
    client.navigation_uri = f"{house.url}/exchange/betting/rest/v1/en/navigation/menu.json"
    BetfairStream.HOSTS = collections.defaultdict(lambda: "127.0.0.1")
    BetfairStream._BetfairStream__port = house.settings.stream_port


def new_trader(
    house: Running, operator: Api, *, funds_minor: int = FUNDS_MINOR, currency: str = "GBP", has_login: bool = False
) -> Trader:
    username = f"trader-{secrets.token_hex(6)}"
    login = {"username": username, "password": PASSWORD} if has_login else {}
    customer_id = operator.made("/v1/operator/customers", {"currency": currency, **login})["customer_id"]
    funds = {"currency": currency, "amount_minor": funds_minor, "note": "to trade with"}
    operator.made(f"/v1/operator/customers/{customer_id}/funds", funds)
    token = operator.made(f"/v1/operator/customers/{customer_id}/tokens", {"name": "test"})["token"]
    live, delayed = app_keys(house, token)
    return Trader(
        house=house, customer_id=customer_id, username=username, token=token, live_key=live, delayed_key=delayed
    )


def app_keys(house: Running, token: str) -> tuple[str, str]:
    """What createDeveloperAppKeys makes; it needs no key yet."""
    body = {"method": "AccountAPING/v1.0/createDeveloperAppKeys", "params": {"appName": "bot"}, "id": 1}
    headers = {"X-Authentication": token}
    url = f"{house.url}/exchange/account/json-rpc/v1"
    made = httpx.post(url, json=body, headers=headers, timeout=PATIENCE_S).json()["result"]
    versions = {version["delayData"]: version["applicationKey"] for version in made["appVersions"]}
    return versions[False], versions[True]


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """An exchange market, by its numbers here and there."""

    number: int
    event_id: int
    selections: tuple[int, ...]

    @property
    def id(self) -> str:
        return f"1.{self.number}"


_place: dict[int, tuple[int, int]] = {}
_places = threading.Lock()


def new_event(house: Running, operator: Api, *, name: str = "Ayr – Dundee") -> int:
    """An event of one football league that every test shares."""
    with _places:
        port = house.settings.port
        if port not in _place:
            operator.made(
                "/v1/operator/customers", {"currency": "GBP"}
            )  # a house takes a currency with its first wallet
            sport = operator.made("/v1/operator/sports", {"name": "Football"})["sport_id"]
            league = {"sport_id": sport, "name": "League"}
            _place[port] = sport, operator.made("/v1/operator/competitions", league)["competition_id"]
    asked = {"competition_id": _place[port][1], "name": name, "starts_at": "2026-12-01T15:00:00Z"}
    event: int = operator.made("/v1/operator/events", asked)["event_id"]
    return event


def new_market(house: Running, operator: Api, *, runners: int = 3, is_open: bool = True, **terms: Any) -> Market:
    event_id = terms.pop("event_id", 0) or new_event(house, operator)
    selections = tuple(range(FIRST_SELECTION, FIRST_SELECTION + runners))
    named = [{"selection_id": number, "name": f"Runner {place}"} for place, number in enumerate(selections, 1)]
    asked = {"event_id": event_id, "name": "Match Odds", "runners": named, **terms}
    number = operator.made("/v1/operator/exchange/markets", asked)["market_id"]
    if is_open:
        operator.made(f"/v1/operator/exchange/markets/{number}/open")
    return Market(number=number, event_id=event_id, selections=selections)


def limit(selection_id: int, side: str, price: float, size: float, **more: Any) -> dict[str, Any]:
    """An instruction to place a LIMIT order."""
    own: dict[str, Any] = {name: more.pop(name) for name in ("handicap", "customerOrderRef") if name in more}
    order = {"price": price, "size": size, "persistenceType": "LAPSE", **more}
    return {"orderType": "LIMIT", "selectionId": selection_id, "side": side, "limitOrder": order, **own}
