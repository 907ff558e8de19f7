"""The provider's HTTP side: recoveries are asked for here, and fixtures and market descriptions read."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

import httpx

from overround.feeds.uof.messages import Document, Fixture, MarketDescriptions
from overround.feeds.uof.parsing import Malformed, parse
from overround.feeds.uof.producer import Recover

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 5.0
TRIES: Final = 2

NAMES: Final[Mapping[int, str]] = {1: "liveodds", 3: "pre", 4: "betpal", 5: "premium_cricket", 6: "vf"}
"""Producers' names in the addresses of recoveries; another is asked by its number."""


class Provider(Protocol):
    """What the adapter asks of a provider outside the message stream."""

    async def recover(self, request: Recover) -> bool:
        """Whether the provider took the request."""

    async def fixture(self, event: str) -> Fixture | None:
        """None where the provider does not say."""

    async def descriptions(self) -> MarketDescriptions | None:
        """None where the provider does not say."""


class Api:
    """One provider's API at `base_url` (its path up to and with the version). The token goes into a header and nowhere
    else."""

    def __init__(self, base_url: str, *, token: str, node: int = 0, language: str = "en") -> None:
        self._node, self._language = node, language
        self._http = httpx.AsyncClient(
            base_url=base_url.rstrip("/"), headers={"x-access-token": token}, timeout=TIMEOUT_S, trust_env=False
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def recover(self, request: Recover) -> bool:
        query = {"request_id": request.request_id}
        if request.after_ms:
            query["after"] = request.after_ms
        if self._node:
            query["node_id"] = self._node
        name = NAMES.get(request.product, str(request.product))
        try:
            reply = await self._http.post(f"/{name}/recovery/initiate_request", params=query)
        except httpx.TransportError as error:
            log.warning("recovery %d of producer %d: %s", request.request_id, request.product, type(error).__name__)
            return False
        if not reply.is_success:
            log.warning("recovery %d of producer %d: %d", request.request_id, request.product, reply.status_code)
        return reply.is_success

    async def fixture(self, event: str) -> Fixture | None:
        document = await self._read(f"/sports/{self._language}/sport_events/{event}/fixture.xml")
        return document if isinstance(document, Fixture) else None

    async def descriptions(self) -> MarketDescriptions | None:
        document = await self._read(f"/descriptions/{self._language}/markets.xml")
        return document if isinstance(document, MarketDescriptions) else None

    async def _read(self, path: str) -> Document | None:
        for _ in range(TRIES):
            try:
                reply = await self._http.get(path)
            except httpx.TransportError as error:
                log.warning("GET %s: %s", path, type(error).__name__)
                continue
            if reply.is_success:
                return _document(path, reply.content)
            log.warning("GET %s: %d", path, reply.status_code)
            if reply.is_client_error:
                return None
        return None


def _document(path: str, body: bytes) -> Document | None:
    document = parse(body)
    if isinstance(document, Malformed):
        log.warning("GET %s: %s", path, document.detail)
        return None
    return document  # type: ignore[return-value]  # what it is, the caller looks at


class Told:
    """A provider whose documents came with the messages, as in a recording: a recovery is over when it is asked for.

    `take` hears that it is, as an adapter hears messages.
    """

    def __init__(self) -> None:
        self.take: Callable[[str, bytes], Awaitable[None]] | None = None
        self._fixtures: dict[str, Fixture] = {}
        self._descriptions: MarketDescriptions | None = None

    def tell(self, document: Document) -> None:
        match document:
            case Fixture(event=event):
                self._fixtures[event] = document
            case MarketDescriptions():
                self._descriptions = document
            case _:
                pass

    async def recover(self, request: Recover) -> bool:
        assert self.take is not None
        await self.take("", COMPLETE % (request.product, request.request_id, request.after_ms))
        return True

    async def fixture(self, event: str) -> Fixture | None:
        return self._fixtures.get(event)

    async def descriptions(self) -> MarketDescriptions | None:
        return self._descriptions


COMPLETE: Final = b'<snapshot_complete product="%d" request_id="%d" timestamp="%d"/>'
