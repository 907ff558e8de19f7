"""Exchanges that are broken on purpose."""

from collections import deque

import msgspec

from overround.book import matching
from overround.book.exchange import (
    Betting,
    ExchangeMarket,
    ExchangeResultRecorded,
    ExchangeSettled,
    OrdersPlaced,
    RunnerReinstated,
    RunnerRemoved,
    RunnersResult,
)
from overround.book.exposure import Side
from overround.book.ledger import Reason
from overround.book.machine import Answer, Machine
from overround.book.machine.commands import Request
from overround.book.machine.exchange_commands import PlaceOrders, ReinstateRunner
from overround.kernel.fact import Fact


class Trusting(Machine):
    """Holds nothing for orders."""

    def record(self, fact: Fact, now_us: int) -> None:
        if isinstance(fact, OrdersPlaced):
            fact = msgspec.structs.replace(fact, holds=())
        super().record(fact, now_us)


class LastComeFirst(Machine):
    """Turns the queue at every price around."""

    def execute(self, request: Request, now_us: int) -> Answer:
        for book in self.state.exchange.orders.books.values():
            for runner in book.runners:
                for half in (runner.backs, runner.lays):
                    for level in half.levels.values():
                        level.orders = deque(sorted(level.orders, key=lambda order: -order.rank))
        return super().execute(request, now_us)


class PaysForCrossing(Machine):
    """Gives whoever backs across runners twice the price."""

    def record(self, fact: Fact, now_us: int) -> None:
        if isinstance(fact, OrdersPlaced) and any(trade.group for trade in fact.trades):
            trades = [
                msgspec.structs.replace(trade, price_milli=trade.price_milli * (1 + (trade.id == trade.group)))
                for trade in fact.trades
            ]
            fact = msgspec.structs.replace(fact, trades=tuple(trades))
        super().record(fact, now_us)


class NeverCrosses(Machine):
    """Says of a market that it is cross matched, and matches directly alone."""

    def execute(self, request: Request, now_us: int) -> Answer:
        if not self._is_direct(request):
            return super().execute(request, now_us)
        markets = list(self.state.exchange.markets.values())
        promised = [(market, market.terms) for market in markets]
        for market, terms in promised:
            market.terms = msgspec.structs.replace(terms, crossing=False)
        try:
            return super().execute(request, now_us)
        finally:
            for market, terms in promised:
                market.terms = terms

    def _is_direct(self, request: Request) -> bool:
        return isinstance(request.command, PlaceOrders)


class DirectFirst(NeverCrosses):
    """Matches an order directly where it can, whatever orders on the other runners would give."""

    def _is_direct(self, request: Request) -> bool:
        command = request.command
        if not isinstance(command, PlaceOrders) or command.market_id not in self.state.exchange.markets:
            return False
        book = self.state.exchange.orders.books[command.market_id]
        return any(
            matching.meets(
                book.runners[book.places[asked.selection_id, asked.handicap_quarters]], asked.side, asked.price_milli
            )
            for asked in command.instructions
        )


class KeepsTheDifference(Machine):
    """Gives whoever crosses no more than the limit of their order."""

    def record(self, fact: Fact, now_us: int) -> None:
        if isinstance(fact, OrdersPlaced) and any(trade.group for trade in fact.trades):
            limits = {order.id: order.price_milli for order in fact.orders}
            trades = [
                msgspec.structs.replace(trade, price_milli=limits[trade.back or trade.lay])
                if trade.group and trade.id == trade.group
                else trade
                for trade in fact.trades
            ]
            fact = msgspec.structs.replace(fact, trades=tuple(trades))
        super().record(fact, now_us)


class Revives(Machine):
    """Takes up again what the removal of a runner had voided, when the runner is back."""

    def record(self, fact: Fact, now_us: int) -> None:
        if isinstance(fact, RunnerRemoved):
            market = self.state.exchange.markets[fact.market_id]
            off = [trade for trade in market.trades if trade.id in fact.voided and trade.runner == fact.runner]
            self._off = {**getattr(self, "_off", {}), (market.id, fact.runner): off}
        super().record(fact, now_us)

    def execute(self, request: Request, now_us: int) -> Answer:
        if isinstance(request.command, ReinstateRunner):
            self._revive(request.command)
        return super().execute(request, now_us)

    def _revive(self, command: ReinstateRunner) -> None:
        orders = self.state.exchange.orders
        market = self.state.exchange.markets.get(command.market_id)
        if market is None:
            return
        runner = orders.books[market.id].places[command.selection_id, command.handicap_quarters]
        for trade in getattr(self, "_off", {}).pop((market.id, runner), ()):
            market.trades.append(trade)
            self._join(market, trade)

    def _join(self, market: ExchangeMarket, trade: matching.Trade) -> None:
        orders = self.state.exchange.orders
        for side, number in ((Side.BACK, trade.back), (Side.LAY, trade.lay)):
            if number:
                cells = market.positions[orders.by_id[number].customer_id].cells
                matching.join(cells, orders.books[market.id].game, trade, side)


class ForgetsTheBack(Machine):
    """Holds as if a runner that came back could not win."""

    def record(self, fact: Fact, now_us: int) -> None:
        if isinstance(fact, RunnerReinstated):
            fact = msgspec.structs.replace(fact, holds=())
        super().record(fact, now_us)


class OneOfThemWins(Machine):
    """Settles a market of runners that each win by themselves as if the first had won alone."""

    def record(self, fact: Fact, now_us: int) -> None:
        super().record(fact, now_us)
        if isinstance(fact, ExchangeResultRecorded) and isinstance(fact.result, RunnersResult):
            market = self.state.exchange.markets[fact.market_id]
            if market.terms.betting is Betting.SINGLE:
                market.result = RunnersResult(fact.result.winners[:1])


class TakesNoCommission(Machine):
    """Settles exchange markets without commission."""

    def record(self, fact: Fact, now_us: int) -> None:
        if isinstance(fact, ExchangeSettled):
            rows = [msgspec.structs.replace(row, commission_minor=0) for row in fact.positions]
            kept = tuple(transfer for transfer in fact.transfers if transfer.reason is not Reason.COMMISSION)
            fact = msgspec.structs.replace(fact, positions=tuple(rows), transfers=kept)
        super().record(fact, now_us)
