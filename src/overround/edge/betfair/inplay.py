"""The in-play service: whether an event has begun or ended. There are no scores in the house, so none are told."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qs

from overround.book.catalogue import CatalogueState, Event, EventStatus
from overround.edge.betfair import framing
from overround.edge.betfair.sports import number_of
from overround.edge.routes import Reply

MAX_EVENTS: Final = 100
STATUSES: Final = {EventStatus.SCHEDULED: "PRE_EVENT", EventStatus.IN_PLAY: "IN_PLAY"}
NOBODY: Final = {"halfTimeScore": "", "fullTimeScore": "", "penaltiesScore": "", "penaltiesSequence": []}


class InPlay:
    """The handlers; everybody may ask."""

    def __init__(self, catalogue: Callable[[], CatalogueState]) -> None:
        self._catalogue = catalogue

    def answer(self, name: str, query: bytes) -> Reply:
        """Timelines and scores of the events named; those that nobody knows are left out."""
        try:
            asked = parse_qs(query.decode("ascii"), max_num_fields=20)
        except ValueError:
            return Reply(400, b"[]")
        events = self._events(asked.get("eventIds", asked.get("eventId", [""]))[0])
        match name:
            case "eventTimeline":
                return Reply(200, framing.encode(self._timeline(events[0]) if events else {}))
            case "eventTimelines":
                return Reply(200, framing.encode([self._timeline(event) for event in events]))
            case "scores" | "scoresAndBroadcast":
                return Reply(200, framing.encode([self._scores(event) for event in events]))
            case _:
                return Reply(404, b"{}")

    def _events(self, ids: str) -> list[Event]:
        known = self._catalogue().events
        numbers = [int(text) for text in ids.split(",")[:MAX_EVENTS] if text.isdecimal() and len(text) <= 15]
        return [known[number] for number in numbers if number in known]

    def _event_type(self, event: Event) -> int:
        catalogue = self._catalogue()
        return number_of(catalogue.sports[catalogue.competitions[event.competition_id].sport_id])

    def _timeline(self, event: Event) -> dict[str, Any]:
        status = STATUSES.get(event.status, "COMPLETED")
        return {
            "eventId": event.id,
            "eventTypeId": self._event_type(event),
            "status": status,
            "inPlayMatchStatus": "InPlay" if status == "IN_PLAY" else status,
            "timeElapsed": 0,
            "elapsedRegularTime": 0,
            "updateDetails": [],
        }

    def _scores(self, event: Event) -> dict[str, Any]:
        names = event.name.split(" – ") if " – " in event.name else [event.name, ""]
        sides = {side: {"name": name, **NOBODY} for side, name in zip(("home", "away"), names, strict=False)}
        return {
            "eventId": event.id,
            "eventTypeId": self._event_type(event),
            "status": STATUSES.get(event.status, "COMPLETED"),
            "matchStatus": STATUSES.get(event.status, "COMPLETED"),
            "timeElapsed": 0,
            "elapsedRegularTime": 0,
            "timeElapsedSeconds": 0,
            "fullTimeElapsed": {"hour": 0, "min": 0, "sec": 0},
            "score": sides,
        }
