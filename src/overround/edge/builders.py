"""Bet builders: a customer asks what several selections of one event cost together, and whoever prices them answers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from overround.edge.problems import KINDS, Problem
from overround.edge.routes import Call, Reply
from overround.edge.ticket_operations import Parts
from overround.edge.values import AtText, Id, at_text
from overround.host.builders import NO_PRICE, BuilderOffered, BuilderWanted

ANSWER_WITHIN_S: Final = 2.0
MAX_WAITING: Final = 200
"""Questions under way at a time; who comes then is told to come again."""

AskPrice = Callable[[bytes], Awaitable[bytes | None]]
"""A question to whoever prices bet builders; None where nobody does."""


async def nobody(_: bytes) -> bytes | None:
    """A house in which nobody prices bet builders."""
    return None


class BuilderAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Selections of one event that must all win."""

    event_id: Id
    selections: Parts


class BuilderPrice(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The price (thousandths) of a bet builder. A leg of a ticket takes it by `builder_id`, at least until
    `expires_at`, while no market of it changes."""

    builder_id: int
    price_milli: int
    expires_at: AtText


class Builders:
    """The handlers."""

    def __init__(self, ask_price: AskPrice) -> None:
        self._ask_price = ask_price
        self._waiting = 0

    async def price(self, call: Call) -> Reply:
        body: BuilderAsked = call.body
        parts = sorted((each.market_id, each.selection_id) for each in body.selections)
        offered = await self._ask(BuilderWanted(event_id=body.event_id, parts=tuple(parts)))
        if not offered.builder_id:
            raise Problem(offered.code if offered.code in KINDS else NO_PRICE)
        price = BuilderPrice(
            builder_id=offered.builder_id,
            price_milli=offered.price_milli,
            expires_at=at_text(offered.expires_at_us),
        )
        return Reply(200, price)

    async def _ask(self, wanted: BuilderWanted) -> BuilderOffered:
        """Raises Problem: overloaded, no_builder_price."""
        if self._waiting >= MAX_WAITING:
            raise Problem("overloaded")
        self._waiting += 1
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answer = await self._ask_price(msgspec.json.encode(wanted))
            if answer is None:
                raise Problem("no_builder_price")
            return msgspec.json.decode(answer, type=BuilderOffered)
        except (TimeoutError, msgspec.DecodeError):
            raise Problem("no_builder_price") from None
        finally:
            self._waiting -= 1
