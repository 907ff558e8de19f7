"""flumine, unmodified, with a strategy that does what a test tells it to, in flumine's own thread."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flumine import BaseStrategy, Flumine, clients
from flumine.events import events
from flumine.markets.market import Market as BotMarket
from flumine.order.order import BaseOrder
from flumine.order.ordertype import LimitOrder
from flumine.order.trade import Trade as BotTrade
from flumine.streams.betfairmarketstream import BetfairMarketStream
from tests.edge.betfair.house import Market, Trader
from tests.edge.running import PATIENCE_S


class Strategy(BaseStrategy):  # type: ignore[misc]  # it ships no types
    """Notes what it sees."""

    def add(self, _flumine: Any) -> None:
        self.closed: list[str] = []
        self.books = 0

    def check_market_book(self, _market: BotMarket, _book: Any) -> bool:
        self.books += 1
        return True

    def process_closed_market(self, market: BotMarket, _book: Any) -> None:
        self.closed.append(market.market_id)


class Bot:
    """A running flumine and its one market."""

    def __init__(self, trader: Trader, market: Market, *, interactive: bool) -> None:
        betting_client = trader.client()
        self.client = clients.BetfairClient(betting_client, interactive_login=interactive, username=trader.username)
        self.flumine = Flumine(self.client)
        stream = BetfairMarketStream(market_filter={"marketIds": [market.id]}, conflate_ms=0)
        self.strategy = Strategy(name="told", streams=[stream], max_live_trade_count=1_000)
        self.flumine.add_strategy(self.strategy)
        self._thread = threading.Thread(target=self.flumine.run, name="flumine", daemon=True)
        self._market = market

    def start(self) -> None:
        self._thread.start()
        self.until(lambda: self._market.id in self.flumine.markets.markets)

    def stop(self) -> None:
        self.flumine._workers.clear()  # they sleep for minutes, are daemons, and would each be waited for
        self.flumine.handler_queue.put(events.TerminationEvent(None))
        self._thread.join(PATIENCE_S)

    def until(self, condition: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
        due = time.monotonic() + within_s
        while not (found := condition()):
            assert time.monotonic() < due, "never came true"
            assert self._thread.is_alive(), "flumine ended"
            time.sleep(0.01)
        return found

    @property
    def market(self) -> BotMarket:
        return self.flumine.markets.markets[self._market.id]

    def do(self, action: Callable[[BotMarket], Any]) -> Any:
        """Run something in flumine's own thread, as a strategy would."""
        done: queue.Queue[Any] = queue.Queue()
        callback = lambda *_: done.put(action(self.market))  # noqa: E731  # flumine takes a callable
        self.flumine.handler_queue.put(events.CustomEvent(None, callback))
        return done.get(timeout=PATIENCE_S)

    def place(self, selection_id: int, side: str, price: float, size: float, **more: Any) -> BaseOrder:
        trade = BotTrade(self._market.id, selection_id, 0, self.strategy)
        order = trade.create_order(side, LimitOrder(price, size, **more))
        assert self.do(lambda market: market.place_order(order))
        return order

    def known(self, order: BaseOrder) -> bool:
        """Whether the order has its bet id and stands in the exchange."""
        return order.bet_id is not None and order.status.name == "EXECUTABLE"


@contextmanager
def running_bot(trader: Trader, market: Market, *, interactive: bool = False) -> Iterator[Bot]:
    bot = Bot(trader, market, interactive=interactive)
    bot.start()
    try:
        yield bot
    finally:
        bot.stop()
