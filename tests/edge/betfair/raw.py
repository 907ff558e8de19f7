"""Requests as bytes, for what no client would send."""

import json
from typing import Any

import httpx
from tests.edge.betfair.house import Trader, kept
from tests.edge.running import PATIENCE_S

PREFIXES = {
    "betting": "SportsAPING",
    "account": "AccountAPING",
    "heartbeat": "HeartbeatAPING",
    "scores": "ScoresAPING",
}


class Raw:
    """JSON as it is sent, with whatever headers."""

    def __init__(self, trader: Trader, **headers: str) -> None:
        own = {"X-Application": trader.live_key, "X-Authentication": trader.token, **headers}
        given = {name: value for name, value in own.items() if value}
        self._client = kept(httpx.Client(base_url=trader.house.url, headers=given, timeout=PATIENCE_S))

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._client.post(path, content=content, headers=headers)

    def call(self, name: str, *, service: str = "betting", **params: Any) -> dict[str, Any]:
        body = {"jsonrpc": "2.0", "method": f"{PREFIXES[service]}/v1.0/{name}", "params": params, "id": 5}
        reply = self.post(f"/exchange/{service}/json-rpc/v1", body)
        assert reply.status_code == 200
        answer: dict[str, Any] = reply.json()
        assert answer["id"] == 5
        return answer

    def code(self, name: str, *, service: str = "betting", **params: Any) -> str:
        """The errorCode of an exception, or the message of an error of the frame."""
        error = self.call(name, service=service, **params)["error"]
        if "data" not in error:
            return str(error["message"])
        return str(error["data"][error["data"]["exceptionname"]]["errorCode"])

    def report(self, name: str, **params: Any) -> tuple[str | None, list[str | None]]:
        """The errorCode of an execution report, and those of its instructions."""
        result = self.call(name, **params)["result"]
        assert result["status"] != "SUCCESS"
        return result.get("errorCode"), [each.get("errorCode") for each in result["instructionReports"]]
