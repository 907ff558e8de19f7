"""What the desk decides above a market, as betfairlightweight sees it: in listMarketBook and on the stream."""

import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.edge.betfair.house import Trader, limit
from tests.edge.betfair.wire import let_in, markets
from tests.edge.running import Api, Running

Make = Callable[..., Any]
PATIENCE_S = 20.0


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


def test_another_result_waits_for_another_operator(
    new_trader: Make, new_market: Make, operator: Api, shop: Running
) -> None:
    backer, layer, market = new_trader(), new_trader(), new_market()
    for trader, side in ((backer, "BACK"), (layer, "LAY")):
        trader.client().betting.place_orders(market.id, [limit(market.selections[0], side, 3.0, 5.0)])
    results = [{"result": {"kind": "runners", "winners": [{"runner": runner}]}} for runner in (0, 1)]
    path = f"/v1/operator/exchange/markets/{market.number}/result"
    operator.made(path, results[0])
    operator.send("PUT", "/v1/operator/corrections/GBP", {"amount_minor": 1})
    second = Api(shop, operator.made("/v1/operator/tokens", {"name": "second"})["token"])
    try:
        waits = operator.post(path, results[1])
        assert waits.status_code == 202
        number = waits.json()["proposal_id"]
        proposals = operator.get("/v1/operator/proposals").json()["proposals"]
        (proposal,) = (each for each in proposals if each["proposal_id"] == number)
        assert (proposal["command"], proposal["bets"]) == ("RecordExchangeResult", 2)
        approve = f"/v1/operator/proposals/{number}/approve"
        assert operator.post(approve).json()["code"] == "own_proposal"
        second.made(approve)
    finally:
        operator.send("PUT", "/v1/operator/corrections/GBP", {"amount_minor": 0})
        second.close()
    deadline = time.monotonic() + PATIENCE_S
    while winners(backer, market.id) != [market.selections[1]]:
        assert time.monotonic() < deadline, "the gateway does not hear of it"
        time.sleep(0.01)


def winners(trader: Trader, market_id: str) -> list[int]:
    (book,) = trader.client().betting.list_market_book([market_id])
    return [runner.selection_id for runner in book.runners if runner.status == "WINNER"]


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
