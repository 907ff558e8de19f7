"""betfair_parser pointed at a house. It forbids members that it does not know: what it reads has Betfair's shapes."""

from typing import Any

import requests
from betfair_parser import client
from betfair_parser.endpoints import EndpointConfig
from betfair_parser.spec.common import Request
from tests.edge.betfair.house import Trader, kept
from tests.edge.running import Running


def endpoints(house: Running) -> EndpointConfig:
    """The lines of docs/exchange-api.md."""
    exchange = f"{house.url}/exchange"

    class Endpoints(EndpointConfig):  # type: ignore[misc]  # it ships no types
        accounts = f"{exchange}/account/json-rpc/v1/"
        betting = f"{exchange}/betting/json-rpc/v1/"
        scores = f"{exchange}/scores/json-rpc/v1/"

    return Endpoints(
        identity=f"{house.url}/api/",
        identity_cert=f"{house.url}/api/",
        navigation=f"{exchange}/betting/rest/v1/en/navigation/menu.json",
        heartbeat=f"{exchange}/heartbeat/json-rpc/v1/",
        stream=f"ndjson://127.0.0.1:{house.settings.stream_port}",
    )


class Strict:
    """One customer's requests."""

    def __init__(self, trader: Trader, *, app_key: str = "", token: str = "") -> None:
        self._endpoints = endpoints(trader.house)
        self.session = kept(requests.Session())
        self.session.headers.update(
            {"X-Application": app_key or trader.live_key, "X-Authentication": token or trader.token}
        )

    def ask(self, kind: type[Request], **params: Any) -> Any:
        """The parsed result. Raises what betfair_parser raises for an error."""
        return client.request(self.session, kind.with_params(**params), endpoints=self._endpoints)
