"""A strategy trades while the gateway and the book are killed: it goes on, and no order is lost or doubled.

flumine is unmodified. It connects again by itself, its market stream by `clk`.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from betfairlightweight import BetfairError
from betfairlightweight.streaming.listener import StreamListener
from tests.chaos.story import show_logs, verify
from tests.edge.betfair.bot import Bot, running_bot
from tests.edge.betfair.house import Market, Trader, close_all, limit, new_market, new_trader
from tests.edge.running import Api, Running

from overround.apps.house import House
from overround.apps.settings import Settings
from overround.infra.ports import free_port

pytestmark = [
    pytest.mark.xdist_group("chaos"),
    pytest.mark.filterwarnings("ignore:ssl.PROTOCOL_TLS is deprecated:DeprecationWarning"),
]

ORDERS_A_ROUND = 25
GOES_ON_WITHIN_S = 60.0
Kill = Callable[[str], None]


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    yield
    close_all()


async def test_a_strategy_outlives_the_gateway_and_the_book(data_folder: Path) -> None:
    settings = Settings(data=data_folder / "data", port=free_port(), stream_port=free_port())
    house = House(settings)

    def kill(name: str) -> None:
        pid = house.supervisor.pid(name)
        assert pid is not None, f"{name} is down"
        os.kill(pid, signal.SIGKILL)

    try:
        endpoints = await house.start()
        running = Running(settings=house.settings, operator=endpoints.operator_token)
        await asyncio.to_thread(trading_day, running, kill)
        await verify(house)
    except BaseException:
        show_logs(settings.data / "logs")
        raise
    finally:
        await house.stop()


def trading_day(house: Running, kill: Kill) -> None:
    operator = Api(house, house.operator)
    market, trader, other = new_market(house, operator), new_trader(house, operator), new_trader(house, operator)
    operator.close()
    with heard_streams() as heard, running_bot(trader, market) as bot:
        chance = random.Random(3)
        trade(bot, other, market, chance)
        for victim in ("gateway", "book-1", "gateway", "book-1"):
            kill(victim)
            trade(bot, other, market, chance)
            goes_on(bot, market)
        compare(bot, trader)
        assert heard.changes("mcm", "SUB_IMAGE") == 1, "the market stream began anew"
        assert heard.changes("mcm", "RESUB_DELTA") >= 2, "the market stream did not go on by its clk"
        assert heard.changes("ocm", "SUB_IMAGE") >= 3, "the order stream has no clk, so it begins anew"


class HeardStreams:
    """What every stream of this process's clients was told."""

    def __init__(self) -> None:
        self._kinds: Counter[tuple[str, str]] = Counter()

    def note(self, data: dict[str, Any]) -> None:
        if "segmentType" not in data or data["segmentType"] == "SEG_END":
            self._kinds[data["op"], data.get("ct", "")] += 1

    def changes(self, op: str, kind: str) -> int:
        return self._kinds[op, kind]


@contextmanager
def heard_streams() -> Iterator[HeardStreams]:
    """Listen beside the listeners, which are as they were."""
    heard, before = HeardStreams(), StreamListener._on_change_message

    def beside(listener: StreamListener, data: dict[str, Any], unique_id: int) -> None:
        heard.note(data)
        before(listener, data, unique_id)

    StreamListener._on_change_message = beside
    try:
        yield heard
    finally:
        StreamListener._on_change_message = before


def trade(bot: Bot, other: Trader, market: Market, chance: random.Random) -> None:
    """Orders placed and cancelled, and some matched, whatever becomes of the requests."""
    counter = other.client()
    for number in range(ORDERS_A_ROUND):
        selection, price = chance.choice(market.selections), chance.choice((3.0, 3.1, 3.2))
        order = bot.place(selection, "BACK", price, 2.0)
        if number % 3 == 0:
            try:
                counter.betting.place_orders(market.id, [limit(selection, "LAY", 3.2, 1.0)])
            except BetfairError:
                time.sleep(0.05)  # nobody is there; the bot goes on all the same
        if number % 4 == 0 and order.status.name == "EXECUTABLE":
            bot.do(partial(cancel, order))
        time.sleep(0.02)


def goes_on(bot: Bot, market: Market) -> None:
    """An order is placed, and both streams tell of it."""
    due = time.monotonic() + GOES_ON_WITHIN_S
    while time.monotonic() < due:
        order = bot.place(market.selections[0], "BACK", 500.0, 2.0)
        before = bot.strategy.books
        try:
            bot.until(partial(is_told, order), within_s=8.0)
            bot.until(partial(is_ahead, bot, before), within_s=8.0)
        except AssertionError:
            continue
        return
    raise AssertionError("the strategy never went on")


def cancel(order: Any, market: Any) -> None:
    market.cancel_order(order)


def is_told(order: Any) -> bool:
    """Whether the order stream told of it."""
    return bool(order.bet_id) and getattr(order.current_order, "size_remaining", None) == 2.0


def is_ahead(bot: Bot, before: int) -> bool:
    return bot.strategy.books > before


def compare(bot: Bot, trader: Trader) -> None:
    """What the exchange has and what the strategy knows, order by order."""
    own = {order.customer_order_ref: order for order in bot.market.blotter}
    standing = {order.customer_order_ref: order for order in current(trader)}
    assert len(standing) == len(current(trader)), "a reference has two orders"
    assert set(standing) <= set(own), "an order that nobody placed"
    lost = [order.bet_id for order in own.values() if order.bet_id and order.customer_order_ref not in standing]
    assert lost == [], "an order that was acknowledged is gone"
    assert len(standing) > 2 * ORDERS_A_ROUND

    def known() -> bool:
        now = {order.customer_order_ref: order for order in current(trader)}
        return all(
            (order.size_matched, order.size_remaining) == (now[ref].size_matched, now[ref].size_remaining)
            for ref, order in own.items()
            if order.bet_id and ref in now
        )

    bot.until(known)


def current(trader: Trader) -> list[Any]:
    orders: list[Any] = trader.client().betting.list_current_orders().orders
    return orders
