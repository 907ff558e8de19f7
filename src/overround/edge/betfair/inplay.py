"""The in-play service: whether an event has begun or ended, and the score of the result that it was settled by. While a
match is played nobody tells the house its score, so none is told then.
"""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qs

from overround.book.catalogue import CatalogueState, Event, EventStatus
from overround.edge.betfair import framing
from overround.edge.betfair.finals import Finals
from overround.edge.betfair.sports import number_of
from overround.edge.routes import Reply

MAX_EVENTS: Final = 100
STATUSES: Final = {EventStatus.SCHEDULED: "PRE_EVENT", EventStatus.IN_PLAY: "IN_PLAY"}
BETWEEN: Final = (" v ", " – ", " vs ", " - ")
NOBODY: Final = {"halfTimeScore": "", "fullTimeScore": "", "penaltiesScore": "", "penaltiesSequence": []}


class InPlay:
    """The handlers; everybody may ask."""

    def __init__(self, catalogue: Callable[[], CatalogueState], finals: Finals) -> None:
        self._catalogue, self._finals = catalogue, finals

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
        score = {"score": self._score(event)} if self._finals.of(event.id) else {}
        return {
            **score,
            "eventId": event.id,
            "eventTypeId": self._event_type(event),
            "status": status,
            "inPlayMatchStatus": "InPlay" if status == "IN_PLAY" else status,
            "timeElapsed": 0,
            "elapsedRegularTime": 0,
            "updateDetails": [],
        }

    def _scores(self, event: Event) -> dict[str, Any]:
        return {
            "eventId": event.id,
            "eventTypeId": self._event_type(event),
            "status": STATUSES.get(event.status, "COMPLETED"),
            "matchStatus": STATUSES.get(event.status, "COMPLETED"),
            "timeElapsed": 0,
            "elapsedRegularTime": 0,
            "timeElapsedSeconds": 0,
            "fullTimeElapsed": {"hour": 0, "min": 0, "sec": 0},
            "score": self._score(event),
        }

    def _score(self, event: Event) -> dict[str, Any]:
        """Both sides; what is not known is empty, as it is of a match before its first goal."""
        final = self._finals.of(event.id)
        sides = {}
        for place, (side, name) in enumerate(zip(("home", "away"), sides_of(event.name), strict=True)):
            told: dict[str, str] = {}
            if final is not None:
                goals = str((final.home, final.away)[place])
                told = {"score": goals, "fullTimeScore": goals}
                if final.half_time is not None:
                    told["halfTimeScore"] = str(final.half_time[place])
            sides[side] = {"name": name, **NOBODY, **told}
        return sides


def sides_of(name: str) -> tuple[str, str]:
    """Home and away, where the event is named after both.

    >>> sides_of("Ayr v Dundee"), sides_of("Ascot 1st Dec")
    (('Ayr', 'Dundee'), ('Ascot 1st Dec', ''))
    """
    for between in BETWEEN:
        home, found, away = name.partition(between)
        if found:
            return home, away
    return name, ""
