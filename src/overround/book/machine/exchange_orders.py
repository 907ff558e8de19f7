"""Placing orders: which facts a customer's request leads to, at once and after an in-play delay."""

from bisect import insort
from collections.abc import Sequence
from typing import Final

from overround.book import exchange, ledger, limits, matching
from overround.book.exchange import (
    MAX_INSTRUCTIONS,
    MAX_LIVE_ORDERS,
    MAX_MARKET_ORDERS,
    Betting,
    Cut,
    ExchangeMarket,
    OrdersActivated,
    OrdersPlaced,
    Refusal,
    Status,
)
from overround.book.exposure import Position, Side
from overround.book.ledger import Wallet
from overround.book.machine.exchange_checks import DEFAULT_MINIMUMS, NO_MINIMUMS, instruction_refusal
from overround.book.machine.exchange_commands import (
    PlaceInstruction,
    PlaceOrders,
)
from overround.book.machine.exchange_trial import Trial
from overround.book.machine.finding import no_exchange_market
from overround.book.machine.state import State
from overround.book.matching import (
    AverageWant,
    Fill,
    Lapse,
    Order,
    OrderType,
    Placed,
    Target,
    TimeInForce,
    Trade,
    Wait,
    Want,
    any_price,
)
from overround.kernel.fact import Fact
from overround.kernel.refusal import Refused

# Members found once: Python 3.11 takes longer to look one up in its enum than to compare it.
BACK: Final = Side.BACK
LAY: Final = Side.LAY
LIMIT: Final = OrderType.LIMIT
FILL_OR_KILL: Final = TimeInForce.FILL_OR_KILL
REST: Final = TimeInForce.REST
SIZE: Final = Target.SIZE
OPEN: Final = Status.OPEN

Facts = tuple[Fact, ...] | Refused
NOBODY: Final[Sequence[Order]] = ()


def place_orders(state: State, command: PlaceOrders, now_us: int) -> Facts:
    """Take all orders of a request, or none. The order of the checks is the order of `docs/rules/exchange.md`."""
    market = state.exchange.markets.get(command.market_id)
    refused = wallet_refusal(state, command.customer_id, command.currency, now_us)
    refused = refused or market_refusal(state, command.market_id)
    if refused is not None:
        return refused
    assert market is not None
    refused = desk_refusal(state, market, asked_at_us=now_us, now_us=now_us)
    if refused is not None:
        return refused
    if not 0 < len(command.instructions) <= MAX_INSTRUCTIONS:
        return Refused(Refusal.TOO_MANY_INSTRUCTIONS, {"max_instructions": MAX_INSTRUCTIONS})
    refused = crowded(state, market, command.customer_id, len(command.instructions))
    if refused is not None:
        return refused
    opening = opening_of(state, market, command.customer_id, command.currency)
    if isinstance(opening, Refused):
        return opening
    placing = Placing(state, market, command.customer_id, now_us, opening)
    if command.as_maker:
        placing.serve_maker()
    placing.is_stale = is_stale(market, command.market_version)
    for number, instruction in enumerate(command.instructions):
        refusal = placing.instruct(instruction, command.strategy)
        if refusal is not None:
            return Refused(Refusal.BET_ACTION_ERROR, {"instruction": number, "reason": refusal.value})
    short = placing.shortage()
    if short is not None:
        return short
    return (
        OrdersPlaced(
            market_id=market.id,
            customer_id=command.customer_id,
            currency=command.currency,
            orders=tuple(placing.orders),
            rate=(opening.rate_to, opening.rate_from) if opening else None,
            decide_at_us=now_us + placing.delay_us if placing.waiting else 0,
            waiting=tuple(placing.waiting),
            market_version=command.market_version if placing.waiting else 0,
            stale=placing.is_stale,
            trades=tuple(placing.trades),
            holds=placing.trial.holds(),
        ),
    )


def wallet_refusal(state: State, customer_id: int, currency: str, now_us: int) -> Refused | None:
    """Whether there is such a customer, with such a wallet, who may play."""
    player = state.limits.players.get(customer_id)
    if player is None:
        return Refused(ledger.Refusal.CUSTOMER_NOT_FOUND)
    if (customer_id, currency) not in state.ledger.wallets:
        return Refused(ledger.Refusal.WALLET_NOT_FOUND)
    shut_out = limits.shut_out(player, now_us=now_us)
    return Refused(shut_out) if shut_out else None


def desk_refusal(state: State, market: ExchangeMarket, *, asked_at_us: int, now_us: int) -> Refused | None:
    """Whether the desk has suspended the event of a market, or a level above it, or does not approve of it."""
    takes = state.catalogue.takes_orders(market.event_id, asked_at_us=asked_at_us, now_us=now_us)
    if takes is True:
        return None
    if takes is False:
        return Refused(Refusal.MARKET_NOT_OPEN_FOR_BETTING, {"market_version": market.version})
    return Refused(Refusal.MARKET_SUSPENDED, {"market_version": market.version, "level": takes.value})


def market_refusal(state: State, market_id: int) -> Refused | None:
    market = state.exchange.markets.get(market_id)
    if market is None:
        return no_exchange_market(state, market_id)
    if market.status is OPEN:
        return None
    refusal = Refusal.MARKET_SUSPENDED if market.status is Status.SUSPENDED else Refusal.MARKET_NOT_OPEN_FOR_BETTING
    return Refused(refusal, {"market_version": market.version})


def is_stale(market: ExchangeMarket, version: int) -> bool:
    """Whether something that an order must know about has happened since this version of a market; 0 names none."""
    return 0 < version < market.material_version


def opening_of(state: State, market: ExchangeMarket, customer_id: int, currency: str) -> Position | Refused | None:
    """The position that a customer's first orders on a market open; None where there is one, in this currency."""
    position = market.positions.get(customer_id)
    if position is not None:
        same = position.currency == currency
        return None if same else Refused(Refusal.CURRENCY_FIXED, {"currency": position.currency})
    rate = exchange.rate_of(state.exchange.rates, wallet=currency, market=market.terms.currency)
    if rate is None or state.ledger.house[currency].exchange is None:
        return Refused(Refusal.NO_RATE)
    return Position(customer_id, currency, *rate, {})


def crowded(state: State, market: ExchangeMarket, customer_id: int, more: int) -> Refused | None:
    """Whether there would be more unmatched orders than one customer, or all together, may have on a market."""
    orders = state.exchange.orders
    if len(orders.live_on(customer_id, market.id)) + more > MAX_LIVE_ORDERS:
        return Refused(Refusal.TOO_MANY_ORDERS, {"max_orders": MAX_LIVE_ORDERS})
    if orders.books[market.id].live + more > MAX_MARKET_ORDERS:
        return Refused(Refusal.TOO_MANY_ORDERS, {"max_market_orders": MAX_MARKET_ORDERS})
    return None


class Placing:
    """New orders of one customer on one market, one after the other, each seeing what those before it took."""

    def __init__(
        self, state: State, market: ExchangeMarket, customer_id: int, now_us: int, opening: Position | None = None
    ) -> None:
        self.state, self.market, self.customer_id, self.now_us = state, market, customer_id, now_us
        self.trial = Trial(state, market, opening)
        self.orders: list[Placed] = []
        self.trades: list[Trade] = []
        self.waiting: list[int] = []
        self.taken: dict[int, int] = {}
        self.delay_us = market.bet_delay_us if market.in_play else 0
        self.is_direct = not market.terms.crossing
        self.is_stale = False
        self.averages = market.terms.betting is not Betting.LINE
        self.minimums = state.exchange.minimums.get(market.terms.currency, DEFAULT_MINIMUMS)
        self.first_id = state.exchange.orders.next_id()
        self.resting: dict[tuple[int, Side], list[tuple[Placed, int]]] = {}
        """What would rest of this request and how much of it, by runner and side."""

        self._joined: dict[tuple[int, Side], list[Order]] = {}
        self._best: dict[tuple[int, Side], int] = {}
        """The best price of those."""

    def serve_maker(self) -> None:
        """What holds for the house's own market maker: no in-play delay, no smallest size, direct matches alone, each
        of them within the limit."""
        self.delay_us, self.minimums, self.is_direct, self.averages = 0, NO_MINIMUMS, True, False

    def instruct(self, asked: PlaceInstruction, strategy: str) -> Refusal | None:
        """Add the order of an instruction, or say why not."""
        runner = self.trial.book.places.get((asked.selection_id, asked.handicap_quarters))
        refusal = instruction_refusal(self.market, runner, asked, strategy, self.minimums)
        if refusal is not None or runner is None:
            return refusal or Refusal.INVALID_RUNNER
        target = asked.target
        size = asked.size_minor
        return self.add(
            Placed(
                self.first_id + len(self.orders),
                runner,
                asked.side,
                asked.price_milli,
                size if target is SIZE else Want(target, size).size_at(asked.price_milli),
                asked.persistence,
                asked.ref,
                strategy,
                asked.type,
                asked.liability_minor,
                asked.time_in_force,
                asked.min_fill_minor,
                target,
                0 if target is SIZE else size,
            )
        )

    def add(self, placed: Placed) -> Refusal | None:
        """Add an order: it waits for its delay, or trades and rests; where the market has moved on, it just lapses."""
        if self.is_stale:
            self.orders.append(placed)
            return None
        if placed.type is not LIMIT:
            self.orders.append(placed)
            self.trial.wait(self.customer_id, placed, placed.liability_minor)
            return None
        if self.delay_us and not self.market.passive:
            self._wait(placed)
            return None
        fills: Sequence[Fill] = ()
        joined = (
            self.joined(placed.runner, LAY if placed.side is BACK else BACK)
            if self.meets_joined(placed.runner, placed.side, placed.price_milli, placed.time_in_force)
            else NOBODY
        )
        direct = self.trial.book.runners[placed.runner]
        if joined or not self.is_direct or matching.meets(direct, placed.side, placed.price_milli):
            fills, placed = self.fills(placed, joined)
            if self._meets_own(fills):
                return Refusal.INVALID_BACK_LAY_COMBINATION
        matched = sum(fill.size_minor for fill in fills) if fills else 0
        kills = placed.time_in_force is FILL_OR_KILL
        if kills and matched < _least_fill(placed):
            fills, matched = (), 0
        if self.delay_us and fills:
            self._wait(placed)
            return None
        for fill in fills:
            self._trade(placed, fill)
        self.orders.append(placed)
        rest = placed.size_minor - matched
        if rest and not kills:
            self.trial.wait(self.customer_id, placed, rest)
            self._join(placed, rest)
        return None

    def rests(self, placed: Placed) -> None:
        """Add a limit order that meets nobody."""
        self.orders.append(placed)
        self.trial.rest(self.customer_id, placed.runner, placed.side, placed.price_milli, placed.size_minor)
        self._join(placed, placed.size_minor)

    def _join(self, placed: Placed, rest: int) -> None:
        """An order comes to rest; the best price of those of one request is kept, as most meet none of them."""
        place, price = (placed.runner, placed.side), placed.price_milli
        self.resting.setdefault(place, []).append((placed, rest))
        best = self._best.get(place, price)
        self._best[place] = min(best, price) if placed.side is BACK else max(best, price)

    def meets_joined(self, runner: int, side: Side, price_milli: int, time_in_force: TimeInForce = REST) -> bool:
        """Whether an order might meet one from earlier in the same request."""
        if not self._best:
            return False
        backs = side is BACK
        best = self._best.get((runner, LAY if backs else BACK))
        if best is None:
            return False
        if time_in_force is FILL_OR_KILL and self.averages:
            return True
        return best >= price_milli if backs else best <= price_milli

    def _wait(self, placed: Placed) -> None:
        self.orders.append(placed)
        self.waiting.append(placed.id)
        self.trial.wait(self.customer_id, placed, placed.size_minor)

    def fills(self, placed: Placed, joined: Sequence[Order]) -> tuple[list[Fill], Placed]:
        """What an order gets now, and the order with the size that its target then comes to. `joined` are the
        customer's own that it might meet, from earlier in the same request."""
        target = placed.target
        wanted = placed.size_minor if target is SIZE else placed.target_minor
        book, market = self.trial.book, self.market
        price = limit = placed.price_milli
        if placed.time_in_force is FILL_OR_KILL and self.averages:
            want: Want = AverageWant(target, wanted, placed.side, price)
            limit = any_price(placed.side)
        else:
            want = Want(target, wanted)
        if not self.is_direct:
            fills = matching.match_across(
                book.runners, book.active, market.terms.ladder, self.customer_id, placed.runner, placed.side, limit,
                want, self.taken, self.joined,
            )  # fmt: skip
        else:
            fills = matching.match(book.runners, placed.runner, placed.side, limit, want, self.taken, joined)
        if target is not SIZE:
            matched = sum(fill.size_minor for fill in fills)
            placed = resized(placed, matched + want.size_at(price))
        return fills, placed

    def _meets_own(self, fills: Sequence[Fill]) -> bool:
        """Whether an order would meet another of the same customer, in the book or earlier in the same request."""
        customer_id = self.customer_id
        return any(fill.maker is not None and fill.maker.customer_id == customer_id for fill in fills)

    def joined(self, runner: int, side: Side) -> Sequence[Order]:
        """The customer's orders that came to rest earlier in the same request, best first. They are kept as such for
        those that come after, but for a request whose last order was taken back."""
        found = self.resting.get((runner, side))
        if not found:
            return NOBODY
        made, sign = self._joined.setdefault((runner, side), []), 1 if side is BACK else -1
        own = (self.customer_id, self.market.id, runner, side)
        for order, left in found[len(made) :]:
            joins = Order(order.id, *own, order.type, order.price_milli, left, self.now_us, remaining_minor=left)
            insort(made, joins, key=lambda each: each.price_milli * sign)
        return made

    def _trade(self, placed: Placed, fill: Fill) -> None:
        """Turn a fill into trades: one with a resting order, or one a runner with the house in between."""
        trial, side = self.trial, placed.side
        number = self.state.exchange.orders.traded + len(self.trades) + 1
        if fill.maker is not None:
            maker = fill.maker
            pair = (placed.id, maker.id) if side is BACK else (maker.id, placed.id)
            trade = Trade(number, placed.runner, fill.price_milli, fill.size_minor, *pair)
            self.trades.append(trade)
            trial.join(self.customer_id, trade, side)
            self._take(maker, trade)
            return
        own = leg(number, placed.runner, fill.price_milli, fill.size_minor, placed.id, side, number)
        self.trades.append(own)
        trial.join(self.customer_id, own, side)
        for maker, size in fill.others:
            other = leg(number + 1, maker.runner, maker.price_milli, size, maker.id, side, own.id)
            number += 1
            self.trades.append(other)
            self._take(maker, other)

    def _take(self, maker: Order, trade: Trade) -> None:
        size = trade.size_minor
        self.taken[maker.id] = self.taken.get(maker.id, 0) + size
        self.trial.wait(maker.customer_id, maker, -size)
        self.trial.join(maker.customer_id, trade, maker.side)

    def forget_last(self, trades: int, waiting: int, taken: dict[int, int]) -> None:
        """The last order is not placed after all: there are as many trades and waiting orders as before, and `taken` is
        what it was."""
        placed = self.orders.pop()
        resting = self.resting.get((placed.runner, placed.side))
        if resting and resting[-1][0].id == placed.id:
            resting.pop()
            self._joined.pop((placed.runner, placed.side), None)
            del self._best[placed.runner, placed.side]
            if resting:
                prices = [order.price_milli for order, _ in resting]
                self._best[placed.runner, placed.side] = min(prices) if placed.side is BACK else max(prices)
        self.taken = taken
        del self.trades[trades:], self.waiting[waiting:]

    def shortage(self) -> Refused | None:
        """Why the customer cannot carry the orders so far; None where they can."""
        if self.trial.is_too_large:
            return Refused(Refusal.INVALID_BET_SIZE)
        position = self.trial.position(self.customer_id)
        needed = self.trial.needed_minor(self.customer_id)
        change = needed - position.held_minor
        if change <= 0:
            return None
        wallet: Wallet = self.state.ledger.wallets[self.customer_id, position.currency]
        if change > wallet.cash.available_minor:
            return Refused(
                Refusal.INSUFFICIENT_FUNDS,
                {"available_minor": wallet.cash.available_minor, "needed_minor": change},
            )
        purse = self.state.limits.players[self.customer_id].purses[position.currency]
        room = limits.stake_room(purse, now_us=self.now_us) if purse.limits else None
        if room is not None and needed - position.staked_minor > room[1]:
            return Refused(room[0], {"max_stake_minor": max(0, room[1])})
        return None


def _least_fill(placed: Placed) -> int:
    """Of how much a fill-or-kill order must be matched. A target is reached or not, whatever was named beside it."""
    return (placed.min_fill_minor if placed.target is SIZE else 0) or placed.size_minor


def resized(placed: Placed, size_minor: int) -> Placed:
    """The order with another size."""
    return Placed(
        placed.id,
        placed.runner,
        placed.side,
        placed.price_milli,
        size_minor,
        placed.persistence,
        placed.ref,
        placed.strategy,
        placed.type,
        placed.liability_minor,
        placed.time_in_force,
        placed.min_fill_minor,
        placed.target,
        placed.target_minor,
    )


def leg(number: int, runner: int, price_milli: int, size_minor: int, order: int, side: Side, group: int) -> Trade:
    """One leg of a cross match: an order with the house."""
    pair = (order, 0) if side is BACK else (0, order)
    return Trade(number, runner, price_milli, size_minor, *pair, group)


# ---------------------------------------------------------------- after the delay


def activate(state: State, wait: Wait, now_us: int) -> OrdersActivated:
    """The in-play delay of a customer's orders on a market is over: they trade and rest, but for those that would meet
    the customer's own, whose customer has been shut out, that slept through a suspension by the desk, or for which the
    market has moved on."""
    _, market_id, customer_id = wait
    market = state.exchange.markets[market_id]
    due = state.exchange.orders.due[wait].values()
    placing = Placing(state, market, customer_id, now_us)
    placing.delay_us = 0
    shut_out = limits.shut_out(state.limits.players[customer_id], now_us=now_us)
    lapsed, whys, sizes = [], [], []
    for order in due:
        placing.trial.wait(customer_id, order, -order.remaining_minor)
        why = _lapse_after_delay(state, market, order, now_us)
        if why is not Lapse.NONE or shut_out is not None or placing.add(_as_placed(order)) is not None:
            lapsed.append(Cut(order.id, order.remaining_minor))
            whys.append(why)
        elif placing.orders[-1].size_minor != order.size_minor:
            sizes.append((order.id, placing.orders[-1].size_minor))
    return OrdersActivated(
        market_id=market_id,
        customer_id=customer_id,
        orders=tuple(placed.id for placed in placing.orders),
        sizes=tuple(sizes),
        lapsed=tuple(lapsed),
        whys=tuple(whys),
        trades=tuple(placing.trades),
        holds=placing.trial.holds(),
    )


def _lapse_after_delay(state: State, market: ExchangeMarket, order: Order, now_us: int) -> Lapse:
    """Why the market is not the one any more for which an order was meant."""
    if is_stale(market, order.market_version):
        return Lapse.MARKET_VERSION
    stopped = desk_refusal(state, market, asked_at_us=order.placed_at_us, now_us=now_us)
    if stopped is None:
        return Lapse.NONE
    return Lapse.MARKET_SUSPENDED if stopped.code == Refusal.MARKET_SUSPENDED else Lapse.MARKET_INVALID


def _as_placed(order: Order) -> Placed:
    return Placed(
        order.id,
        order.runner,
        order.side,
        order.price_milli,
        order.remaining_minor,
        order.persistence,
        order.ref,
        order.strategy,
        order.type,
        order.liability_minor,
        order.time_in_force,
        order.min_fill_minor,
        order.target,
        order.target_minor,
    )
