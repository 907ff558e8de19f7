"""The plain twin of the exchange's fold: what its tables must show, said by the replayed machine.

The machine forgets what came to nothing, so the orders themselves are kept here; what it never knew (why something
lapsed, when it became void, which fact changed what) is gathered fact by fact.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from overround.book.archive import ExchangeMarketArchived
from overround.book.exchange import (
    APPLY,
    ExchangeMarket,
    ExchangeMarketSuspended,
    ExchangeResultRecorded,
    ExchangeSettled,
    OrdersActivated,
    OrdersPlaced,
    RunnerRemoved,
    StartReconciled,
    TurnedInPlay,
    VoidResult,
)
from overround.book.exposure import Position
from overround.book.machine import State
from overround.book.machine.exchange_above import ABOVE
from overround.book.matching import Order, OrderType, Placed, Trade
from overround.kernel.fact import Fact

Row = tuple[object, ...]

REASONS: Final[dict[type[Fact], str]] = {
    ExchangeMarketSuspended: "suspension",
    TurnedInPlay: "in_play",
    StartReconciled: "starting_price",
    RunnerRemoved: "removal",
    ExchangeResultRecorded: "result",
}


class Kept(msgspec.Struct):
    """An order as the machine has or had it, and what it does not know."""

    order: Order
    seq: int
    seen: tuple[int, int, int, str] = (0, 0, 0, "")
    reason: str | None = None
    voided_at_us: int = 0
    settled_at_us: int = 0


Archived = tuple[dict[int, Position], list[Trade]]
"""What a market had when it was archived."""


class ExchangePast(msgspec.Struct):
    """What was archived stays here, as the machine left it.

    `trades` as they were made, each with its market, instant and sequence, and in `reduced` their last lower prices;
    `settled` by market and customer: void, revision, instant; `touched` and `stamps` the last fact of each market and
    customer, and of each market."""

    orders: dict[int, Kept] = {}
    trades: dict[int, tuple[Trade, int, int, int]] = {}
    reduced: dict[int, int] = {}
    settled: dict[tuple[int, int], tuple[bool, int, int]] = {}
    touched: dict[tuple[int, int], int] = {}
    stamps: dict[int, int] = {}
    versions: dict[int, int] = {}
    markets: dict[int, ExchangeMarket] = {}
    archived: dict[int, Archived] = {}

    def see(self, fact: Fact, state: State) -> None:
        """The state has just folded this fact."""
        made = range(len(self.markets) + 1, state.exchange.made + 1)
        self.markets.update((number, state.exchange.markets[number]) for number in made)
        if isinstance(fact, ExchangeMarketArchived):
            market = self.markets[fact.market_id]
            self.archived[market.id] = dict(market.positions), list(market.trades)
        if type(fact) in ABOVE:
            for market_id in state.exchange.markets:
                self._market(market_id, state)
        if type(fact) not in APPLY:
            return
        for placed in _placed(fact):
            order = state.exchange.orders.by_id[placed.id]
            self.orders[placed.id] = Kept(order, state.seq, seen=(0, 0, 0, ""))
        for trade in getattr(fact, "trades", ()):
            self.trades[trade.id] = (trade, getattr(fact, "market_id", 0), state.at_us, state.seq)
        for number in dict.fromkeys(self._named(fact)):
            self._order(self.orders[number], fact, state, is_named=True)
        if isinstance(fact, StartReconciled):
            for kept in self.orders.values():
                if kept.order.market_id == fact.market_id and kept.order.type is not OrderType.LIMIT:
                    self._order(kept, fact, state, is_named=False)
        if isinstance(fact, RunnerRemoved):
            self.reduced.update(fact.reduced)
        if isinstance(fact, ExchangeSettled):
            self._settle(fact, state)
        self._market(getattr(fact, "market_id", 0), state)

    def _named(self, fact: Fact) -> Iterator[int]:
        """Every order that a fact names."""
        for name in ("cuts", "grown", "lapsed"):
            yield from (cut.order for cut in getattr(fact, name, ()))
        yield from (each.id if isinstance(each, Placed) else each for each in getattr(fact, "orders", ()))
        yield from (number for number, _ in getattr(fact, "updates", ()))
        yield from getattr(fact, "converted", ())
        trades: Iterable[Trade] = getattr(fact, "trades", ())
        if isinstance(fact, RunnerRemoved):
            trades = [self.trades[number][0] for number in (*fact.voided, *(number for number, _ in fact.reduced))]
        yield from (number for trade in trades for number in (trade.back, trade.lay) if number)

    def _order(self, kept: Kept, fact: Fact, state: State, *, is_named: bool) -> None:
        order = kept.order
        before, kept.seen = kept.seen, (order.lapsed_at_us, order.lapsed_minor, order.voided_minor, order.status)
        if is_named or before != kept.seen:
            self.touched[order.market_id, order.customer_id] = self.stamps[order.market_id] = state.seq
        if order.lapsed_at_us and before[:2] != kept.seen[:2]:
            kept.reason = REASONS.get(type(fact), "fill_or_kill")
            if isinstance(fact, OrdersPlaced) and fact.stale:
                kept.reason = "version"
            if isinstance(fact, OrdersActivated) and order.id in [cut.order for cut in fact.lapsed]:
                kept.reason = "delay"
        if before[2] != kept.seen[2]:
            kept.voided_at_us = state.at_us

    def _settle(self, fact: ExchangeSettled, state: State) -> None:
        is_void = isinstance(state.exchange.markets[fact.market_id].result, VoidResult)
        for position in fact.positions:
            self.settled[fact.market_id, position.customer_id] = is_void, fact.revision, state.at_us
            for number, _ in position.orders:
                self.orders[number].settled_at_us = state.at_us
        if fact.last:
            self.stamps[fact.market_id] = state.seq

    def _market(self, market_id: int, state: State) -> None:
        """A market is another one where its version rose."""
        market = state.exchange.markets.get(market_id)
        if market is not None and self.versions.get(market.id) != market.version:
            self.versions[market.id] = market.version
            self.stamps[market.id] = state.seq
            self.touched.setdefault((market.id, 0), state.seq)


def _placed(fact: Fact) -> Iterator[Placed]:
    yield from (each for each in getattr(fact, "orders", ()) if isinstance(each, Placed))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _markets(_: State, past: ExchangePast) -> Iterator[Row]:
    for market in past.markets.values():
        yield (
            market.id,
            market.event_id,
            market.terms.name,
            market.terms.market_type,
            market.terms.currency,
            _json(market.terms),
            market.bet_delay_us,
            market.passive,
            market.status,
            market.in_play,
            market.reconciled,
            market.version,
            market.created_at_us,
            market.settled_at_us,
            market.revision,
            _json(market.result) if market.result is not None else None,
            _json(market.residues),
            past.stamps[market.id],
        )


def _runners(_: State, past: ExchangePast) -> Iterator[Row]:
    for market in past.markets.values():
        for n, runner in enumerate(market.runners):
            yield (market.id, n, *msgspec.structs.astuple(runner))


def _orders(_: State, past: ExchangePast) -> Iterator[Row]:
    for kept in past.orders.values():
        order = kept.order
        yield (
            order.id,
            order.customer_id,
            order.market_id,
            order.runner,
            order.side,
            order.type,
            order.price_milli,
            order.size_minor,
            order.liability_minor,
            order.persistence,
            order.time_in_force,
            order.min_fill_minor,
            order.target,
            order.target_minor,
            order.ref,
            order.strategy,
            order.status,
            order.remaining_minor,
            order.matched_minor,
            order.matched_value,
            order.lapsed_minor,
            order.cancelled_minor,
            order.voided_minor,
            order.profit_minor,
            order.placed_at_us,
            order.decide_at_us,
            order.matched_at_us,
            order.lapsed_at_us,
            order.cancelled_at_us,
            kept.voided_at_us,
            kept.settled_at_us,
            kept.reason,
            order.lapse,
            order.market_version,
            kept.seq,
        )


def _trades(_: State, past: ExchangePast) -> Iterator[Row]:
    stands = {trade.id: trade for market in past.markets.values() for trade in _as_it_was(past, market)[1]}
    for number, (made, market_id, at_us, seq) in past.trades.items():
        now = stands.get(number)
        owners = [past.orders[order].order.customer_id if order else 0 for order in (made.back, made.lay)]
        yield (
            number,
            market_id,
            made.runner,
            past.reduced.get(number, made.price_milli) if now is None else now.price_milli,
            made.size_minor,
            made.back,
            made.lay,
            *owners,
            made.group,
            now is None,
            at_us,
            seq,
        )


def _as_it_was(past: ExchangePast, market: ExchangeMarket) -> Archived:
    """A market's positions and trades, also while they go."""
    return past.archived.get(market.id, (market.positions, market.trades))


def _positions(_: State, past: ExchangePast) -> Iterator[Row]:
    for market in past.markets.values():
        for customer_id, position in sorted(_as_it_was(past, market)[0].items()):
            place = market.id, customer_id
            yield (
                *place,
                position.currency,
                position.rate_to,
                position.rate_from,
                position.net_minor,
                position.commission_minor,
                *past.settled.get(place, (False, 0, 0)),
                past.touched[place],
            )


def _rates(state: State, _: ExchangePast) -> Iterator[Row]:
    for currency, rate in sorted(state.exchange.rates.items()):
        yield currency, rate.minor, rate.book_minor


def _discounts(state: State, _: ExchangePast) -> Iterator[Row]:
    yield from sorted(state.exchange.discounts.items())


EXCHANGE_ROWS: Final[dict[str, Callable[[State, ExchangePast], Iterator[Row]]]] = {
    "exchange_market": _markets,
    "exchange_runner": _runners,
    "exchange_order": _orders,
    "exchange_trade": _trades,
    "exchange_position": _positions,
    "exchange_rate": _rates,
    "exchange_discount": _discounts,
}
