"""Bet builders of the simulated match day: priced from the match's own table of scores, and told to the house."""

from collections.abc import Sequence
from typing import Final

import msgspec

from overround.feeds.client import Door, Problem
from overround.feeds.fixture import Fixture
from overround.feeds.matchday import ShownEvent
from overround.host.builders import NO_PRICE, NOT_POSSIBLE, BuilderOffered, BuilderWanted
from overround.kernel.instant import SECOND_US
from overround.trading import Leg

LASTS_US: Final = 60 * SECOND_US
LASTS_IN_PLAY_US: Final = 10 * SECOND_US
"""How long a price holds; in play the clock alone makes another of it."""

MAX_KEPT: Final = 10_000
"""Prices given out that are told again to whoever asks for the same while half of their time is left."""


class Builders:
    """Prices what customers put together, and keeps what it gave out."""

    def __init__(self, operator: Door) -> None:
        self._operator = operator
        self._kept: dict[tuple[int, tuple[tuple[int, int], ...]], BuilderOffered] = {}

    async def offer(self, wanted: BuilderWanted, event: ShownEvent, fixture: Fixture, now_us: int) -> BuilderOffered:
        """The house's price for these selections, or why there is none. Raises Unreachable."""
        legs = legs_of(wanted, event)
        if legs is None:
            return BuilderOffered(code=NO_PRICE)
        price_milli = fixture.builder_milli(legs, now_us)
        if price_milli is None:
            return BuilderOffered(code=NOT_POSSIBLE)
        if not price_milli:
            return BuilderOffered(code=NO_PRICE)
        lasts_us = LASTS_IN_PLAY_US if event.status == "in_play" else LASTS_US
        kept = self._kept.get((wanted.event_id, wanted.parts))
        if kept is not None and kept.price_milli == price_milli and kept.expires_at_us - now_us > lasts_us // 2:
            return kept
        return await self._tell(wanted, price_milli, without_milli(fixture, legs, now_us), now_us, lasts_us)

    async def _tell(
        self, wanted: BuilderWanted, price_milli: int, without: Sequence[int], now_us: int, lasts_us: int
    ) -> BuilderOffered:
        body = {
            "event_id": wanted.event_id,
            "selections": [{"market_id": market, "selection_id": number} for market, number in wanted.parts],
            "price_milli": price_milli,
            "without_milli": [min(each, price_milli) for each in without],
            "lasts_ms": lasts_us // 1_000,
        }
        try:
            made = await self._operator.post("/v1/operator/bet-builders", body)
        except Problem:  # the event moved meanwhile
            return BuilderOffered(code=NO_PRICE)
        offered = BuilderOffered(
            builder_id=made["builder_id"], price_milli=price_milli, expires_at_us=now_us + lasts_us
        )
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        self._kept[wanted.event_id, wanted.parts] = offered
        return offered


def legs_of(wanted: BuilderWanted, event: ShownEvent) -> list[Leg] | None:
    """What is asked of the match, or None where a market is not on offer now or is none of ours."""
    markets = {market.market_id: market for market in event.markets if market.available}
    legs: list[Leg] = []
    for market_id, selection_id in wanted.parts:
        market = markets.get(market_id)
        question = market.question if market is not None else None
        if question is None:
            return None
        legs.append(Leg(question, selection_id))
    return legs


def without_milli(fixture: Fixture, legs: Sequence[Leg], now_us: int) -> list[int]:
    """What the others are worth should just one leg be void, for each; 0 where that is nothing."""
    others = ([leg for place, leg in enumerate(legs) if place != left_out] for left_out in range(len(legs)))
    return [fixture.builder_milli(each, now_us) or 0 for each in others]


decode = msgspec.json.Decoder(BuilderWanted).decode
