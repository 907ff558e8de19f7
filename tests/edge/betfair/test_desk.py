"""What the desk decides above a market, as betfairlightweight sees it: in listMarketBook and on the stream."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from tests.edge.betfair.house import Trader, limit
from tests.edge.betfair.wire import let_in, markets
from tests.edge.running import Api

Make = Callable[..., Any]


def new_place(operator: Api) -> list[tuple[str, int]]:
    """Every level that a new event lies in."""
    sport = operator.made("/v1/operator/sports", {"name": f"Sport {secrets.token_hex(4)}"})["sport_id"]
    asked = {"sport_id": sport, "name": "League"}
    competition = operator.made("/v1/operator/competitions", asked)["competition_id"]
    event = {"competition_id": competition, "name": "Ayr – Dundee", "starts_at": "2026-12-01T15:00:00Z"}
    event_id = operator.made("/v1/operator/events", event)["event_id"]
    return [("platform", 0), ("sport", sport), ("competition", competition), ("event", event_id)]


def seen(trader: Trader, market_id: str) -> tuple[str, int]:
    (book,) = trader.client().betting.list_market_book([market_id])
    return book.status, book.version


@pytest.mark.parametrize("place", range(4), ids=["platform", "sport", "competition", "event"])
def test_a_suspended_level_is_seen_on_the_markets_below(
    trader: Trader, new_market: Make, operator: Api, place: int
) -> None:
    levels = new_place(operator)
    market = new_market(event_id=levels[-1][1])
    at = dict(zip(("level", "id"), levels[place], strict=True))
    status, version = seen(trader, market.id)
    assert status == "OPEN"
    order = [limit(market.selections[0], "BACK", 3.0, 5.0)]
    with let_in(trader) as line:
        line.ask("marketSubscription", **markets(market.id))
        line.read()
        line.read()
        operator.made("/v1/operator/suspensions", {**at, "reason": "floodlights"})
        definition = line.change("mcm")["mc"][0]["marketDefinition"]
        assert (definition["status"], definition["version"]) == ("SUSPENDED", version + 1)
        assert seen(trader, market.id) == ("SUSPENDED", version + 1)
        refused = trader.client().betting.place_orders(market.id, order)
        assert refused.error_code == "MARKET_SUSPENDED"
        operator.made("/v1/operator/resumptions", at)
        definition = line.change("mcm")["mc"][0]["marketDefinition"]
        assert (definition["status"], definition["version"]) == ("OPEN", version + 2)
    assert seen(trader, market.id) == ("OPEN", version + 2)
    stale = trader.client().betting.place_orders(market.id, order, market_version={"version": version})
    assert stale.error_code == "BET_ACTION_ERROR"
    assert (
        trader.client().betting.place_orders(market.id, order, market_version={"version": version + 2}).status
        == "SUCCESS"
    )


def test_a_start_that_is_moved_is_seen(trader: Trader, new_market: Make, operator: Api) -> None:
    """The market's own, and where it has none its event's."""
    market = new_market()
    with let_in(trader) as line:
        line.ask("marketSubscription", **markets(market.id))
        line.read()
        line.read()

        def told() -> str:
            time: str = line.change("mcm")["mc"][0]["marketDefinition"]["marketTime"]
            return time

        operator.made(f"/v1/operator/events/{market.event_id}/reschedule", {"starts_at": "2026-12-02T15:00:00Z"})
        assert told() == "2026-12-02T15:00:00.000Z"
        path = f"/v1/operator/exchange/markets/{market.number}/reschedule"
        operator.made(path, {"starts_at": "2026-12-03T16:00:00Z"})
        assert told() == "2026-12-03T16:00:00.000Z"
        operator.made(path, {"starts_at_us": 0})
        assert told() == "2026-12-02T15:00:00.000Z"
    (row,) = trader.client().betting.list_market_catalogue(
        filter={"marketIds": [market.id]}, market_projection=["MARKET_START_TIME"]
    )
    assert f"{row.market_start_time:%d %H:%M}" == "02 15:00"
