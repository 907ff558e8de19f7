"""A gateway that cannot hear the house tells its stream clients so; then they hear what they missed."""

import asyncio
from pathlib import Path
from typing import Any

from tests.edge.betfair.house import close_all, new_market, new_trader
from tests.edge.betfair.wire import Line, let_in, markets
from tests.edge.cable import cable_to
from tests.edge.running import Api, Running, new_key, running
from tests.edge.test_cut_off import desk_beside

from overround.book.exposure import Side
from overround.book.machine import OrdersAnswer
from overround.book.machine.exchange_commands import PlaceInstruction, PlaceOrders


async def test_a_gateway_cut_off_says_503_and_goes_on_where_it_was(
    postgres_dsn: str, nats_url: str, data_folder: Path
) -> None:
    async with (
        cable_to(nats_url) as (cable, other_end),
        running(postgres_dsn, nats_url, gateway_nats_url=other_end, data=data_folder / "data") as house,
        desk_beside(house.settings) as desk,
    ):
        trader, market = await asyncio.to_thread(opened, house)
        context = let_in(trader)
        line = await asyncio.to_thread(context.__enter__)
        image = await asyncio.to_thread(subscribed, line, market.id)
        cable.cut()
        lost = await asyncio.to_thread(line.until, lambda message: message.get("status") == 503)
        assert (lost["ct"], lost["clk"]) == ("HEARTBEAT", image["clk"])
        order = PlaceInstruction(market.selections[0], Side.LAY, 3_000, 500)
        asked = PlaceOrders(trader.customer_id, market.number, "GBP", (order,), 0, "")
        placed = await desk.ask(asked, actor=trader.customer_id, key=new_key())
        assert isinstance(placed, OrdersAnswer)
        still = await asyncio.to_thread(line.read)
        assert (still["ct"], still["status"], still["clk"]) == ("HEARTBEAT", 503, image["clk"])
        await cable.mend()
        change = await asyncio.to_thread(line.change, "mcm")
        assert change["mc"][0]["rc"] == [{"id": market.selections[0], "atb": [[3.0, 5.0]]}]
        assert int(change["clk"]) >= placed.seq
        beat = await asyncio.to_thread(line.until, lambda message: message.get("ct") == "HEARTBEAT")
        assert "status" not in beat
        await asyncio.to_thread(context.__exit__, None, None, None)
    close_all()


def opened(house: Running) -> tuple[Any, Any]:
    operator = Api(house, house.operator)
    market, trader = new_market(house, operator), new_trader(house, operator)
    operator.close()
    return trader, market


def subscribed(line: Line, market_id: str) -> dict[str, Any]:
    line.ask("marketSubscription", **markets(market_id, fields=["EX_ALL_OFFERS"], heartbeatMs=500))
    return line.change("mcm") if line.read()["op"] == "status" else {}
