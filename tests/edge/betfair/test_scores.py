"""The scores API: races as far as their markets are, and no scores, as no feed tells any. The in-play service: scores
of results."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from betfair_parser.spec.race_status import ListRaceDetails, RaceStatus
from betfairlightweight import APIClient
from betfairlightweight.endpoints.inplayservice import InPlayService
from tests.edge.betfair.house import Market, Trader, new_event
from tests.edge.betfair.strict import Strict
from tests.edge.betfair.test_restart import another_gateway
from tests.edge.running import PATIENCE_S, Api, Running

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


def in_play(house: Running) -> InPlayService:
    """The client's own, whose address is written into it, so that a subclass points it here."""
    url = f"{house.url}/inplayservice/v1.1/"
    service: InPlayService = type("Here", (InPlayService,), {"url": url})(APIClient("", "", app_key="none"))
    return service


def told(house: Running, event_id: int) -> tuple[str, str, str]:
    """Full time and half time of both sides."""
    (found,) = in_play(house).get_scores([event_id])
    home, away = found.score.home, found.score.away
    names, full = f"{home.name} {away.name}", f"{home.full_time_score}-{away.full_time_score}"
    return names, full, f"{home.half_time_score}-{away.half_time_score}"


def test_a_match_has_the_score_that_it_was_settled_by(shop: Running, operator: Api) -> None:
    """At every gateway, also one that began later; and another after a correction, and none after a rollback."""
    event_id = new_event(shop, operator, name="Ayr v Dundee")
    offered = {"event_id": event_id, "type": "1x2", "prices_milli": [2_000, 3_000, 4_000]}
    market_id = operator.made("/v1/operator/markets", offered)["market_id"]
    assert told(shop, event_id) == ("Ayr Dundee", "-", "-")
    assert in_play(shop).get_event_timeline(event_id).score is None
    score = {"home": 2, "away": 1, "half_time": {"home": 0, "away": 1}}
    operator.made(f"/v1/operator/events/{event_id}/result", {"score": score})
    until_told(shop, event_id, ("Ayr Dundee", "2-1", "0-1"))
    timeline = in_play(shop).get_event_timeline(event_id)
    assert (timeline.status, timeline.score.home.score, timeline.score.away.score) == ("COMPLETED", "2", "1")
    with another_gateway(shop) as later:
        assert told(later, event_id) == ("Ayr Dundee", "2-1", "0-1")
        operator.made(f"/v1/operator/markets/{market_id}/result", {"score": {"home": 2, "away": 2}})
        for house in (shop, later):
            until_told(house, event_id, ("Ayr Dundee", "2-2", "-"))
        operator.made(f"/v1/operator/markets/{market_id}/rollback")
        for house in (shop, later):
            until_told(house, event_id, ("Ayr Dundee", "-", "-"))


def until_told(house: Running, event_id: int, wanted: tuple[str, str, str]) -> None:
    due = time.monotonic() + PATIENCE_S
    while (found := told(house, event_id)) != wanted:
        assert time.monotonic() < due, found
        time.sleep(0.02)
