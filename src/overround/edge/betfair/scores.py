"""The scores API: how far races are, and that there are no scores.

The house is told of results and not of scores, so no event has any; races are as far as their markets say.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

import msgspec

from overround.book.catalogue import CatalogueState, Event, EventStatus
from overround.book.exchange import ExchangeMarket, VoidResult
from overround.edge.betfair.board import Board, MarketView
from overround.edge.betfair.calls import Ask
from overround.edge.betfair.definitions import is_over, starts_at_us
from overround.edge.betfair.figures import date
from overround.edge.betfair.listing import check_ids
from overround.edge.betfair.sports import GREYHOUNDS, HORSES, number_of, place_of
from overround.edge.betfair.values import Name, Number, Params, Shape

RACING: Final = (HORSES, GREYHOUNDS)
STATUSES: Final = {EventStatus.SCHEDULED: "UPCOMING", EventStatus.IN_PLAY: "IN_PLAY"}


class Response(StrEnum):
    """How an answer about one race or event was come by."""

    OK = "OK"
    NO_LIVE_DATA_AVAILABLE = "NO_LIVE_DATA_AVAILABLE"


class RaceParams(Params, frozen=True):
    meeting_ids: tuple[Number, ...] | None = None
    race_ids: tuple[Name, ...] | None = None


class EventsParams(Params, frozen=True):
    event_ids: tuple[Number, ...] | None = None
    event_type_ids: tuple[Number, ...] | None = None
    event_status: tuple[Name, ...] | None = None


class UpdateKey(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    event_id: Number
    last_update_sequence_processed: int | None = None


class UpdatesParams(Params, frozen=True):
    update_keys: tuple[UpdateKey, ...]


class RaceDetails(Shape, frozen=True):
    """`race_id` is the meeting's with the time of the race, of GMT."""

    meeting_id: str
    race_id: str
    race_status: str
    sequence: int
    response_code: Response


class Scoreless(Shape, frozen=True):
    """An event of which no score is known."""

    event_id: str
    event_type_id: str
    event_status: str
    response_code: Response


class Scores:
    """The handlers."""

    def __init__(self, board: Board, catalogue: Callable[[], CatalogueState]) -> None:
        self._board, self._catalogue = board, catalogue

    async def races(self, ask: Ask) -> list[RaceDetails]:
        """One row for each race that was asked for: its first market speaks for it."""
        asked: RaceParams = ask.params
        check_ids(asked.meeting_ids, asked.race_ids)
        found: dict[str, RaceDetails] = {}
        for view in self._board.markets.values():
            sport, _, event = place_of(view.catalogue, view.market.event_id)
            if number_of(sport) in RACING and (not asked.meeting_ids or event.id in asked.meeting_ids):
                race = _race(view, event)
                if not asked.race_ids or race.race_id in asked.race_ids:
                    found.setdefault(race.race_id, race)
        return list(found.values())

    async def available_events(self, ask: Ask) -> list[Any]:  # noqa: ARG002  # as every handler
        """Events with scores."""
        return []

    async def events(self, ask: Ask) -> list[Scoreless]:
        """The events asked for, each without a score or incident; those that nobody knows are left out."""
        asked: UpdatesParams = ask.params
        check_ids(asked.update_keys)
        catalogue = self._catalogue()
        known = [each.event_id for each in asked.update_keys if each.event_id in catalogue.events]
        return [_scoreless(catalogue, event_id) for event_id in known]


def _race(view: MarketView, event: Event) -> RaceDetails:
    start = date(starts_at_us(view.market, view.catalogue))
    return RaceDetails(
        meeting_id=str(event.id),
        race_id=f"{event.id}.{start[11:13]}{start[14:16]}",
        race_status=_race_status(view.market),
        sequence=view.stamp,
        response_code=Response.OK,
    )


def _race_status(market: ExchangeMarket) -> str:
    if is_over(market):
        return "RACEVOID" if isinstance(market.result, VoidResult) else "RESULT"
    return "OFF" if market.in_play else "DORMANT"


def _scoreless(catalogue: CatalogueState, event_id: int) -> Scoreless:
    sport, _, event = place_of(catalogue, event_id)
    return Scoreless(
        event_id=str(event_id),
        event_type_id=str(number_of(sport)),
        event_status=STATUSES.get(event.status, "FINISHED"),
        response_code=Response.NO_LIVE_DATA_AVAILABLE,
    )
