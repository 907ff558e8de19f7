"""A gateway that begins anew: what was cleared is there, clocks of the one before go on, references are remembered."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec
import pytest
import uvloop
from betfairlightweight.exceptions import APIError
from tests.conftest import ENGINES, make_folder
from tests.edge.betfair import house as people
from tests.edge.betfair.house import Market, Trader, limit, open_house
from tests.edge.betfair.strict import Strict
from tests.edge.betfair.test_operations import until_settled
from tests.edge.betfair.wire import let_in, markets
from tests.edge.running import PATIENCE_S, Api, Running, until

from overround.apps import gateway
from overround.infra.ports import free_port

Make = Callable[..., Any]


@contextmanager
def another_gateway(shop: Running) -> Iterator[Running]:
    """One more of the same house, begun now."""
    settings = msgspec.structs.replace(shop.settings, port=free_port(), stream_port=free_port())
    house = Running(settings=settings, operator=shop.operator)
    loop, stop = uvloop.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=loop.run_forever, name="gateway", daemon=True)
    thread.start()
    running = asyncio.run_coroutine_threadsafe(gateway.run(settings, stop), loop)
    try:
        asyncio.run(until(lambda: is_ready(house)))
        yield house
    finally:
        loop.call_soon_threadsafe(stop.set)
        running.result(PATIENCE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_S)
        loop.close()


def is_ready(house: Running) -> bool:
    try:
        return httpx.get(f"{house.url}/health/ready").is_success
    except httpx.TransportError:
        return False


def moved(trader: Trader, house: Running) -> Trader:
    return msgspec.structs.replace(trader, house=house)


def test_what_was_cleared_is_there_after_a_restart(
    shop: Running, trader: Trader, new_trader: Make, new_market: Make, operator: Api
) -> None:
    settled, live = new_market(), new_market()
    for market in (settled, live):
        new_trader().client().betting.place_orders(market.id, [limit(market.selections[0], "LAY", 3.0, 5.0)])
        trader.client().betting.place_orders(market.id, [limit(market.selections[0], "BACK", 3.0, 8.0)])
        trader.client().betting.place_orders(market.id, [limit(market.selections[1], "BACK", 5.0, 2.0)])
    bet = trader.client().betting.list_current_orders().orders[-1]
    trader.client().betting.cancel_orders(live.id, [{"betId": bet.bet_id}])
    result = {"result": {"kind": "runners", "winners": [{"runner": 0}]}}
    operator.made(f"/v1/operator/exchange/markets/{settled.number}/result", result)
    until_settled(Strict(trader), settled)
    with another_gateway(shop) as house:
        before, after = trader.client(lightweight=True).betting, moved(trader, house).client(lightweight=True).betting
        for asked in (
            {"bet_status": "SETTLED"},
            {"bet_status": "SETTLED", "group_by": "MARKET"},
            {"bet_status": "LAPSED"},
            {"bet_status": "CANCELLED"},
        ):
            told = after.list_cleared_orders(**asked)
            assert told == before.list_cleared_orders(**asked)
            assert told["clearedOrders"], asked
        assert after.list_current_orders() == before.list_current_orders()
        ids, data = [settled.id, live.id], {"priceData": ["EX_ALL_OFFERS", "EX_TRADED"]}
        books = after.list_market_book(ids, data, order_projection="ALL", match_projection="NO_ROLLUP")
        assert books == before.list_market_book(ids, data, order_projection="ALL", match_projection="NO_ROLLUP")
        assert [book["status"] for book in books] == ["CLOSED", "OPEN"]
        assert after.list_market_profit_and_loss(ids) == before.list_market_profit_and_loss(ids)
        assert [row["marketId"] for row in after.list_market_catalogue({"marketIds": ids})] == [live.id]


def test_clocks_go_on_at_a_gateway_that_began_later(
    shop: Running, trader: Trader, new_trader: Make, new_market: Make
) -> None:
    """Of three markets only the one that changed since comes again; of the orders, too."""
    quiet, busy, other = new_market(), new_market(), new_market()
    asked = markets(quiet.id, busy.id, other.id)
    for market in (quiet, busy):
        trader.client().betting.place_orders(market.id, [limit(market.selections[1], "LAY", 2.0, 3.0)])
    with let_in(trader) as line:
        line.ask("marketSubscription", **asked)
        line.read()
        image = line.read()
    with let_in(trader) as line:
        line.ask("orderSubscription")
        line.read()
        orders = line.read()
    new_trader().client().betting.place_orders(busy.id, [limit(busy.selections[1], "BACK", 2.0, 1.0)])
    with another_gateway(shop) as house:
        with let_in(moved(trader, house)) as line:
            line.ask("marketSubscription", **{**asked, "initialClk": image["initialClk"], "clk": image["clk"]})
            line.read()
            resumed = line.read()
            assert (resumed["ct"], [each["id"] for each in resumed["mc"]]) == ("RESUB_DELTA", [busy.id])
        with let_in(moved(trader, house)) as line:
            line.ask("orderSubscription", initialClk=orders["initialClk"], clk=orders["clk"])
            line.read()
            resumed = line.read()
            assert (resumed["ct"], [each["id"] for each in resumed["oc"]]) == ("RESUB_DELTA", [busy.id])


@pytest.fixture
def wiped(pytestconfig: pytest.Config) -> Iterator[Running]:
    """A house as one is after its data was deleted."""
    engines = pytestconfig.stash[ENGINES]
    with open_house(engines.postgres_dsn(), engines.nats_url(), make_folder() / "data") as running:
        yield running


def subscribed(trader: Trader, op: str, **asked: Any) -> dict[str, Any]:
    """The first thing that a subscription is told, as one message however many segments it came in."""
    with let_in(trader) as line:
        line.ask(op, **asked)
        assert line.read()["statusCode"] == "SUCCESS"
        whole: dict[str, Any] = {}
        while whole.get("segmentType", "SEG_START") != "SEG_END":
            part = line.read()
            for named in ("mc", "oc"):
                if named in part and named in whole:
                    part[named] = whole[named] + part[named]
            whole = {"segmentType": "SEG_END", **whole, **part}
        return whole


FIRST = {"marketFilter": {"marketIds": ["1.1"]}}


@pytest.mark.parametrize(
    ("op", "named", "asked"), [("marketSubscription", "mc", FIRST), ("orderSubscription", "oc", {})]
)
def test_the_clocks_of_other_data_get_an_image(
    shop: Running, operator: Api, wiped: Running, op: str, named: str, asked: dict[str, Any]
) -> None:
    """However near they are: were a clk taken for one of this house, what is there already would be left out."""
    there = people.kept(Api(wiped, wiped.operator))
    people.new_trader(wiped, there)  # so that the other house's customers have other numbers
    before, after = [trades(house, who) for house, who in ((shop, operator), (wiped, there))]
    image = subscribed(before, op, **asked)
    clocks = {"initialClk": image["initialClk"], "clk": image["clk"]}
    assert subscribed(before, op, **asked, **clocks)["ct"] == "RESUB_DELTA"
    now = subscribed(after, op, **asked)
    near = {**clocks, "clk": now["clk"]}
    unnamed = {**near, "initialClk": near["initialClk"][-18:]}  # as older versions told it
    for other in (clocks, near, unnamed):
        anew = subscribed(after, op, **asked, **other)
        assert (anew["ct"], anew[named]) == ("SUB_IMAGE", now[named])


def trades(house: Running, operator: Api) -> Trader:
    """Somebody with an order in a market."""
    trader, market = people.new_trader(house, operator), people.new_market(house, operator)
    trader.client().betting.place_orders(market.id, [limit(market.selections[1], "LAY", 2.0, 3.0)])
    return trader


def test_a_reference_used_before_the_restart_is_a_duplicate_after(
    shop: Running, trader: Trader, market: Market
) -> None:
    order = [limit(market.selections[0], "BACK", 3.0, 5.0)]
    assert trader.client().betting.place_orders(market.id, order, customer_ref="once").status == "SUCCESS"
    with another_gateway(shop) as house:
        again = moved(trader, house).client().betting.place_orders(market.id, order, customer_ref="once")
        assert (again.status, again.error_code) == ("FAILURE", "DUPLICATE_TRANSACTION")


def test_pages_lead_no_deeper_than_they_may(trader: Trader) -> None:
    with pytest.raises(APIError, match="INVALID_INPUT_DATA"):
        trader.client().betting.list_cleared_orders(from_record=10**9)
