"""The gateway as its clients see it: a key for every command, and the same key again until there is an answer.

A request that got no answer may have been decided. So whatever may pass (a closed connection, a timeout, 502, 503, 504,
429) is tried again under the same key and with the same bytes, until `patience_s` is over; the house answers a repeated
key with its first answer. Everything else is a `Problem` at once.
"""

import asyncio
import random
import ssl
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

import httpx
import msgspec

from overround.kernel.ids import make_key

Json = Any
"""What JSON decodes to. The contract is the API's document; callers read the fields they know."""

MAY_PASS: Final = frozenset({429, 502, 503, 504})
UNDECIDED: Final = frozenset({"outcome_unknown", "overloaded"})
"""Codes in a batch's results after which that bet is sent again with its key."""

SERVICES: Final = {"betting": "SportsAPING", "account": "AccountAPING"}
"""The dialect's services, by their address."""

MAX_BATCH: Final = 200
FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 2.0
MAX_CONNECTIONS: Final = 32


class Problem(Exception):
    """The house said no: an RFC 9457 problem. `code` is stable; `body` has the numbers that go with it."""

    def __init__(self, *, status: int, code: str, body: Mapping[str, Json]) -> None:
        super().__init__(f"{status} {code}: {body.get('detail') or body.get('title') or ''}".rstrip(": "))
        self.status = status
        self.code = code
        self.body = body


class Unreachable(Exception):
    """No answer within the patience. Whether the last command was decided is unknown: ask by its key."""


class Door:
    """One bearer's way into the house. Doors made by `to` share the connections of the first, which is closed last."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        token: str,
        now_us: Callable[[], int],
        chance: random.Random,
        patience_s: float = 60.0,
    ) -> None:
        self._http = http
        self._headers = {"authorization": f"Bearer {token}"} if token else {}
        self._now_us = now_us
        self._chance = chance
        self._patience_s = patience_s

    def to(self, token: str) -> "Door":
        """The same house for another bearer."""
        return Door(self._http, token=token, now_us=self._now_us, chance=self._chance, patience_s=self._patience_s)

    def trading(self, token: str, *, app_key: str) -> "Door":
        """The same house for a trader, who speaks the exchange's dialect."""
        door = self.to("")
        door._headers = {"x-application": app_key, "x-authentication": token}
        return door

    async def call(self, service: str, method: str, **params: Json) -> Json:
        """The result of a call of the dialect. Raises Problem (with the errorCode as its `code`), Unreachable."""
        body = {"jsonrpc": "2.0", "method": f"{SERVICES[service]}/v1.0/{method}", "params": params, "id": 1}
        answer = await self._ask("POST", f"/exchange/{service}/json-rpc/v1", body=body)
        if "error" in answer:
            data = answer["error"].get("data", {})
            told = data.get(data.get("exceptionname"), {})
            raise Problem(status=200, code=told.get("errorCode", answer["error"]["message"]), body=told)
        return answer["result"]

    def key(self) -> str:
        """A fresh UUIDv7."""
        return make_key(at_us=self._now_us(), chance=self._chance.getrandbits(74))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str, **query: str | int) -> Json:
        """Raises Problem, Unreachable."""
        return await self._ask("GET", path, query=query)

    async def post(self, path: str, body: Json = None, *, key: str = "") -> Json:
        """A command, under a fresh key unless one is given. Raises Problem, Unreachable."""
        return await self._ask("POST", path, body=body, headers={"idempotency-key": key or self.key()})

    async def put(self, path: str, body: Json) -> Json:
        """A command, under a fresh key. Raises Problem, Unreachable."""
        return await self._ask("PUT", path, body=body, headers={"idempotency-key": self.key()})

    async def each(self, path: str, **query: str | int) -> list[Json]:
        """All items of a list, page after page. Raises Problem, Unreachable."""
        page = await self.get(path, **query)
        items: list[Json] = list(page["items"])
        while page.get("next_cursor"):
            page = await self.get(path, **{**query, "cursor": page["next_cursor"]})
            items += page["items"]
        return items

    async def place(self, bets: Sequence[Mapping[str, Json]]) -> list[Json]:
        """Bets as `POST /v1/bets/batch` takes them, each with its `key`: what became of each, in their order.

        What was left undecided is asked again. Raises Problem, Unreachable.
        """
        return await self._batch("/v1/bets/batch", "bets", bets)

    async def command(self, commands: Sequence[Mapping[str, Json]]) -> list[Json]:
        """An operator's commands, each `{"command": name, …}`, under fresh keys and in their order."""
        return await self._batch(
            "/v1/operator/commands", "commands", [{"key": self.key(), **command} for command in commands]
        )

    async def _batch(self, path: str, field: str, entries: Sequence[Mapping[str, Json]]) -> list[Json]:
        results: dict[str, Json] = {}
        for start in range(0, len(entries), MAX_BATCH):
            waiting = list(entries[start : start + MAX_BATCH])
            patience = self._patience()
            while waiting:
                answer = await self._ask("POST", path, body={field: waiting})
                results.update((result["key"], result) for result in answer["results"])
                waiting = [entry for entry in waiting if results.get(entry["key"], {}).get("code") in UNDECIDED]
                if waiting:
                    await patience.pause(0.0, "undecided")
        return [results[entry["key"]] for entry in entries]

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Json = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        content = None if body is None else msgspec.json.encode(body)
        sent = {**self._headers, **(headers or {})}
        if content is not None:
            sent["content-type"] = "application/json"
        patience = self._patience()
        while True:
            try:
                reply = await self._http.request(method, path, params=query, content=content, headers=sent)
            except httpx.TransportError as error:
                await patience.pause(0.0, f"{method} {path}: {type(error).__name__}")
                continue
            if reply.status_code not in MAY_PASS:
                return _answer(reply)
            await patience.pause(_retry_after_s(reply), f"{method} {path}: {reply.status_code}")

    def _patience(self) -> "_Patience":
        return _Patience(seconds=self._patience_s, chance=self._chance)


class _Patience:
    """Pauses that grow, with chance in them so that clients do not come back all at once."""

    def __init__(self, *, seconds: float, chance: random.Random) -> None:
        self._until = asyncio.get_running_loop().time() + seconds
        self._chance = chance
        self._pause_s = FIRST_PAUSE_S

    async def pause(self, least_s: float, why: str) -> None:
        if asyncio.get_running_loop().time() >= self._until:
            raise Unreachable(why)
        await asyncio.sleep(max(least_s, self._pause_s * self._chance.uniform(0.5, 1.0)))
        self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 2)


def open_door(
    base_url: str,
    *,
    token: str,
    now_us: Callable[[], int],
    chance: random.Random,
    patience_s: float = 60.0,
    timeout_s: float = 15.0,
    verify: ssl.SSLContext | bool = True,
) -> Door:
    """A door with connections of its own; `async with` closes them. `verify` says whose certificates it takes: those
    that this machine trusts, those of a context, or (False) any."""
    limits = httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS)
    # No proxies and certificates of the environment: the address is the operator's own.
    http = httpx.AsyncClient(base_url=base_url, limits=limits, trust_env=False, timeout=timeout_s, verify=verify)
    return Door(http, token=token, now_us=now_us, chance=chance, patience_s=patience_s)


def _answer(reply: httpx.Response) -> Json:
    if reply.is_success:
        return msgspec.json.decode(reply.content) if reply.content else None
    try:
        body = msgspec.json.decode(reply.content, type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError):
        body = {}
    raise Problem(status=reply.status_code, code=str(body.get("code", "")), body=body)


def _retry_after_s(reply: httpx.Response) -> float:
    text = reply.headers.get("retry-after", "")
    return min(float(text), LONGEST_PAUSE_S) if text.isdecimal() else 0.0
