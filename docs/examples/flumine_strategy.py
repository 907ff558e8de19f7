"""A whole flumine strategy, to be run against a replayed market: see docs/sandbox.md.

    overround connect betfairlightweight > house.py
    python flumine_strategy.py          # the next race; or name a market: python flumine_strategy.py 1.4

It offers to back the favourite where others lay it, and to lay it where others back it, two units at a time, before the
off and in play, and ends when the market is settled with what was won, lost and paid.
"""

import logging
import sys

from flumine import BaseStrategy, Flumine, clients
from flumine.events.events import TerminationEvent
from flumine.order.order import OrderStatus
from flumine.order.ordertype import LimitOrder
from flumine.order.trade import Trade
from flumine.streams.betfairmarketstream import BetfairMarketStream
from house import trading

SIZE = 2.0
DONE = (OrderStatus.EXECUTION_COMPLETE, OrderStatus.VIOLATION, OrderStatus.EXPIRED)


class Scalper(BaseStrategy):
    """Joins both queues of the favourite; an order that is no longer at the best price is cancelled."""

    played = None

    def check_market_book(self, market, book):
        return book.status == "OPEN" and self.played in (None, market.market_id)

    def process_market_book(self, market, book):
        self.played = market.market_id
        favourite = min(
            (runner for runner in book.runners if runner.ex.available_to_back and runner.ex.available_to_lay),
            key=lambda runner: runner.ex.available_to_back[0]["price"],
            default=None,
        )
        if favourite is None:
            return
        bid = favourite.ex.available_to_back[0]["price"]
        offer = favourite.ex.available_to_lay[0]["price"]
        mine = market.blotter.strategy_selection_orders(self, favourite.selection_id, favourite.handicap)
        for side, price in (("LAY", bid), ("BACK", offer)):
            live = [order for order in mine if order.side == side and order.status not in DONE]
            if not live:
                trade = Trade(market.market_id, favourite.selection_id, favourite.handicap, self)
                market.place_order(trade.create_order(side, LimitOrder(price, SIZE)))
            for order in live:
                if order.status == OrderStatus.EXECUTABLE and order.order_type.price != price:
                    market.cancel_order(order)

    def process_closed_market(self, market, book):
        if market.market_id == self.played:
            framework.handler_queue.put(TerminationEvent(None))


def cleared(market_id):
    """What the house says of a settled market; asked for again until it is settled."""
    for _ in range(100):
        found = trading.betting.list_cleared_orders(market_ids=[market_id], group_by="MARKET").orders
        if found:
            return found[0]
    return None


logging.basicConfig(level=logging.WARNING)
framework = Flumine(clients.BetfairClient(trading, interactive_login=True))
wanted = {"marketIds": sys.argv[1:]} if sys.argv[1:] else {"eventTypeIds": ["7"]}  # 7 is horse racing
stream = BetfairMarketStream(market_filter=wanted, conflate_ms=0)
strategy = Scalper(name="scalper", streams=[stream], max_live_trade_count=4, max_order_exposure=500)
framework.add_strategy(strategy)
framework.run()
trading.login_interactive()  # flumine logs out at its end
market = cleared(strategy.played)
if market is None:
    print("nothing was matched")
else:
    print(f"{market.bet_count} bets, profit {market.profit:.2f}, commission {market.commission:.2f}")
