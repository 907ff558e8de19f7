"""The scores API: races as far as their markets are, and no scores, as no feed tells any."""

from collections.abc import Callable
from typing import Any

import pytest
from betfair_parser.spec.race_status import ListRaceDetails, RaceStatus
from tests.edge.betfair.house import Market, Trader, new_event
from tests.edge.betfair.strict import Strict
from tests.edge.running import Api, Running

Make = Callable[..., Any]


@pytest.fixture(scope="module")
def meeting(shop: Running, operator: Api) -> int:
    """A race meeting: it starts at three."""
    new_event(shop, operator)
    sport = operator.made("/v1/operator/sports", {"name": "Horse Racing"})["sport_id"]
    course = {"sport_id": sport, "name": "Ascot"}
    course_id = operator.made("/v1/operator/competitions", course)["competition_id"]
    asked = {"competition_id": course_id, "name": "Ascot 1st Dec", "starts_at": "2026-12-01T15:00:00Z"}
    event: int = operator.made("/v1/operator/events", asked)["event_id"]
    return event


def test_a_race_goes_as_its_market_goes(trader: Trader, new_market: Make, operator: Api, meeting: int) -> None:
    market = new_market(event_id=meeting, turn_in_play=True, market_type="WIN")
    place = new_market(event_id=meeting, market_type="PLACE", is_open=False)
    path = f"/v1/operator/exchange/markets/{market.number}"

    def status(**asked: Any) -> list[RaceStatus]:
        return [race.race_status for race in Strict(trader).ask(ListRaceDetails, **asked)]

    assert status(meeting_ids={str(meeting)}) == status(race_ids={f"{meeting}.1500"}) == [RaceStatus.DORMANT]
    assert status(race_ids={f"{meeting}.1430"}) == status(meeting_ids={"999999"}) == []
    operator.made(f"{path}/turn-in-play")
    assert status(meeting_ids={str(meeting)}) == [RaceStatus.OFF]
    (race,) = trader.client().scores.list_race_details(meeting_ids=[meeting])
    assert (race.meeting_id, race.race_id, race.response_code) == (str(meeting), f"{meeting}.1500", "OK")
    operator.made(f"{path}/result", {"result": {"kind": "runners", "winners": [{"runner": 0}]}})
    assert status(race_ids={f"{meeting}.1500"}) == [RaceStatus.RESULT]
    assert place.event_id == meeting


def test_nobody_knows_a_score(trader: Trader, market: Market) -> None:
    scores = trader.client().scores
    keys = [{"eventId": str(number), "lastUpdateSequenceProcessed": 2} for number in (market.event_id, 999_999)]
    assert scores.list_available_events(event_ids=[market.event_id]) == []
    for ask in (scores.list_scores, scores.list_incidents):
        (found,) = ask(update_keys=keys)
        assert (found.event_id, found.event_type_id, found.event_status, found.response_code) == (
            str(market.event_id),
            "1",
            "UPCOMING",
            "NO_LIVE_DATA_AVAILABLE",
        )
