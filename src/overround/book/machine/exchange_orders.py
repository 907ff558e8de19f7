"""Placing, cancelling, updating and replacing orders: which facts a customer's request leads to."""

from collections.abc import Iterable

from overround.book import exchange, ledger, limits, matching
from overround.book.exchange import (
    MAX_CHANGES,
    MAX_INSTRUCTIONS,
    MAX_LIVE_ORDERS,
    Cut,
    ExchangeMarket,
    Failed,
    Hold,
    OrdersActivated,
    OrdersCancelled,
    OrdersPlaced,
    OrdersReplaced,
    OrdersUpdated,
    Refusal,
    Status,
)
from overround.book.exposure import Position, Side
from overround.book.ledger import Wallet
from overround.book.machine.exchange_checks import instruction_refusal, persistence_refusal
from overround.book.machine.exchange_commands import (
    CancelInstruction,
    CancelOrders,
    PlaceInstruction,
    PlaceOrders,
    ReplaceOrders,
    UpdateOrders,
)
from overround.book.machine.exchange_trial import Trial
from overround.book.machine.state import State
from overround.book.matching import (
    Fill,
    Order,
    OrderStatus,
    OrderType,
    Placed,
    Target,
    TimeInForce,
    Trade,
    Want,
)
from overround.kernel.fact import Fact
from overround.kernel.refusal import Refused

Facts = tuple[Fact, ...] | Refused


def place_orders(state: State, command: PlaceOrders, now_us: int) -> Facts:
    """Take all orders of a request, or none. The order of the checks is the order of `docs/rules/exchange.md`."""
    market = state.exchange.markets.get(command.market_id)
    refused = _wallet_refusal(state, command, now_us) or _market_refusal(market, command.market_version)
    if refused is not None:
        return refused
    assert market is not None
    if not 0 < len(command.instructions) <= MAX_INSTRUCTIONS:
        return Refused(Refusal.TOO_MANY_INSTRUCTIONS, {"max_instructions": MAX_INSTRUCTIONS})
    live = len(state.exchange.orders.live_on(command.customer_id, market.id))
    if live + len(command.instructions) > MAX_LIVE_ORDERS:
        return Refused(Refusal.TOO_MANY_ORDERS, {"max_orders": MAX_LIVE_ORDERS})
    position = market.positions.get(command.customer_id)
    opening = None
    if position is None:
        rate = exchange.rate_of(state.exchange.rates, wallet=command.currency, market=market.terms.currency)
        if rate is None or state.ledger.house[command.currency].exchange is None:
            return Refused(Refusal.NO_RATE)
        position = opening = Position(command.customer_id, command.currency, *rate, {})
    elif position.currency != command.currency:
        return Refused(Refusal.CURRENCY_FIXED, {"currency": position.currency})
    placing = Placing(state, market, command.customer_id, now_us, opening)
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
            trades=tuple(placing.trades),
            holds=placing.trial.holds(),
        ),
    )


def _wallet_refusal(state: State, command: PlaceOrders, now_us: int) -> Refused | None:
    player = state.limits.players.get(command.customer_id)
    if player is None:
        return Refused(ledger.Refusal.CUSTOMER_NOT_FOUND)
    if (command.customer_id, command.currency) not in state.ledger.wallets:
        return Refused(ledger.Refusal.WALLET_NOT_FOUND)
    shut_out = limits.shut_out(player, now_us=now_us)
    return Refused(shut_out) if shut_out else None


def _market_refusal(market: ExchangeMarket | None, version: int) -> Refused | None:
    if market is None:
        return Refused(Refusal.INVALID_MARKET_ID)
    if market.status is Status.SUSPENDED:
        return Refused(Refusal.MARKET_SUSPENDED, {"market_version": market.version})
    if market.status is not Status.OPEN:
        return Refused(Refusal.MARKET_NOT_OPEN_FOR_BETTING, {"market_version": market.version})
    if version and version != market.version:
        return Refused(Refusal.INVALID_MARKET_VERSION, {"market_version": market.version})
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
        self._resting: dict[tuple[int, Side], int] = {}

    def instruct(self, asked: PlaceInstruction, strategy: str) -> Refusal | None:
        """Add the order of an instruction, or say why not."""
        runner = exchange.find_runner(self.market, asked.selection_id, asked.handicap_quarters)
        refusal = instruction_refusal(self.state, self.market, runner, asked, strategy)
        if refusal is not None or runner is None:
            return refusal or Refusal.INVALID_RUNNER
        target = asked.target
        size = asked.size_minor
        return self.add(
            Placed(
                self.state.exchange.orders.next_id() + len(self.orders),
                runner,
                asked.side,
                asked.price_milli,
                size if target is Target.SIZE else Want(target, size).size_at(asked.price_milli),
                asked.persistence,
                asked.ref,
                strategy,
                asked.type,
                asked.liability_minor,
                asked.time_in_force,
                asked.min_fill_minor,
                target,
                0 if target is Target.SIZE else size,
            )
        )

    def add(self, placed: Placed) -> Refusal | None:
        """Add an order: it waits for its delay, or trades and rests."""
        if placed.type is not OrderType.LIMIT:
            self.orders.append(placed)
            self.trial.wait(self.customer_id, placed, placed.liability_minor)
            return None
        if self.delay_us and not self.market.passive:
            self._wait(placed)
            return None
        fills, placed = self.fills(placed)
        if any(fill.maker is not None and fill.maker.customer_id == self.customer_id for fill in fills):
            return Refusal.INVALID_BACK_LAY_COMBINATION
        if self.delay_us and fills:
            self._wait(placed)
            return None
        matched = sum(fill.size_minor for fill in fills)
        rest = 0 if placed.time_in_force is TimeInForce.FILL_OR_KILL else placed.size_minor - matched
        if rest and not self._may_rest(placed):
            return Refusal.INVALID_BACK_LAY_COMBINATION
        for fill in fills:
            self._trade(placed, fill)
        self.orders.append(placed)
        if rest:
            self.trial.wait(self.customer_id, placed, rest)
        return None

    def _wait(self, placed: Placed) -> None:
        self.orders.append(placed)
        self.waiting.append(placed.id)
        self.trial.wait(self.customer_id, placed, placed.size_minor)

    def fills(self, placed: Placed) -> tuple[list[Fill], Placed]:
        """What an order gets now, and the order with the size that its target then comes to."""
        target = placed.target
        want = Want(target, placed.size_minor if target is Target.SIZE else placed.target_minor)
        book, market = self.trial.book, self.market
        price = placed.price_milli
        if market.terms.crossing:
            fills = matching.match_across(
                book.runners, book.active, market.terms.ladder, self.customer_id, placed.runner, placed.side, price,
                want, self.taken,
            )  # fmt: skip
        else:
            fills = matching.match(book.runners, placed.runner, placed.side, price, want, self.taken)
        matched = sum(fill.size_minor for fill in fills)
        size = placed.size_minor
        if target is not Target.SIZE:
            size = matched + want.size_at(price)
            placed = resized(placed, size)
        if placed.time_in_force is TimeInForce.FILL_OR_KILL and matched < (placed.min_fill_minor or size):
            return [], placed
        return fills, placed

    def _may_rest(self, placed: Placed) -> bool:
        """Whether it can rest beside those of the same request, which it must not meet."""
        mine = self._resting
        best = mine.get((placed.runner, Side.LAY if placed.side is Side.BACK else Side.BACK))
        if best is not None and (
            best >= placed.price_milli if placed.side is Side.BACK else best <= placed.price_milli
        ):
            return False
        own = mine.get((placed.runner, placed.side), placed.price_milli)
        pick = min if placed.side is Side.BACK else max
        mine[placed.runner, placed.side] = pick(own, placed.price_milli)
        return True

    def _trade(self, placed: Placed, fill: Fill) -> None:
        """Turn a fill into trades: one with a resting order, or one a runner with the house in between."""
        trial, side = self.trial, placed.side
        number = self.state.exchange.orders.traded + len(self.trades) + 1
        if fill.maker is not None:
            maker = fill.maker
            pair = (placed.id, maker.id) if side is Side.BACK else (maker.id, placed.id)
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

    def shortage(self) -> Refused | None:
        """Why the customer cannot carry the orders so far; None where they can."""
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
    pair = (order, 0) if side is Side.BACK else (0, order)
    return Trade(number, runner, price_milli, size_minor, *pair, group)


# ---------------------------------------------------------------- after the delay


def activate(state: State, market_id: int, customer_id: int, now_us: int) -> OrdersActivated:
    """The in-play delay of a customer's orders on a market is over: they trade and rest, but for those that would meet
    the customer's own, or whose customer has been shut out."""
    market = state.exchange.markets[market_id]
    book = state.exchange.orders.books[market_id]
    due = [o for o in book.pending.values() if o.customer_id == customer_id and o.decide_at_us <= now_us]
    placing = Placing(state, market, customer_id, now_us)
    placing.delay_us = 0
    shut_out = limits.shut_out(state.limits.players[customer_id], now_us=now_us)
    lapsed, sizes = [], []
    for order in due:
        placing.trial.wait(customer_id, order, -order.remaining_minor)
        placed = _as_placed(order)
        if shut_out is not None or placing.add(placed) is not None:
            lapsed.append(Cut(order.id, order.remaining_minor))
        elif placing.orders[-1].size_minor != order.size_minor:
            sizes.append((order.id, placing.orders[-1].size_minor))
    return OrdersActivated(
        market_id=market_id,
        customer_id=customer_id,
        orders=tuple(placed.id for placed in placing.orders),
        sizes=tuple(sizes),
        lapsed=tuple(lapsed),
        trades=tuple(placing.trades),
        holds=placing.trial.holds(),
    )


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


# ---------------------------------------------------------------- cancel, update, replace


def cancel_orders(state: State, command: CancelOrders, now_us: int) -> Facts:
    """Each instruction by itself; with none, everything that may be cancelled."""
    if command.customer_id not in state.limits.players:
        return Refused(ledger.Refusal.CUSTOMER_NOT_FOUND)
    if command.market_id and command.market_id not in state.exchange.markets:
        return Refused(Refusal.INVALID_MARKET_ID)
    refused = _changes_refusal([asked.order_id for asked in command.instructions], may_be_none=True)
    if refused is not None:
        return refused
    instructions: Iterable[CancelInstruction] = command.instructions
    if not command.instructions:
        instructions = [
            CancelInstruction(order.id) for order in cancellable(state, command.customer_id, command.market_id)
        ]
    cuts, answered, failed = [], [], []
    for number, asked in enumerate(instructions):
        order = _own_live(state, asked.order_id, command.customer_id, command.market_id)
        if isinstance(order, Refusal) or asked.reduction_minor < 0:
            failed.append(Failed(number, order if isinstance(order, Refusal) else Refusal.INVALID_BET_SIZE))
            answered.append(0)
            continue
        cuts.append(Cut(order.id, min(asked.reduction_minor or order.remaining_minor, order.remaining_minor)))
        answered.append(order.id)
    return (
        OrdersCancelled(
            customer_id=command.customer_id,
            market_id=command.market_id,
            cuts=tuple(cuts),
            answered=tuple(answered),
            failed=tuple(failed),
            holds=cut_holds(state, cuts),
        ),
    )


def cancellable(state: State, customer_id: int, market_id: int) -> list[Order]:
    """A customer's resting orders on a market, or with 0 on all, by id."""
    by_market = state.exchange.orders.live.get(customer_id, {})
    live = [by_market.get(market_id, {})] if market_id else list(by_market.values())
    return sorted((order for orders in live for order in orders.values() if order.rank), key=_id)


def _id(order: Order) -> int:
    return order.id


def cut_holds(state: State, cuts: Iterable[Cut]) -> tuple[Hold, ...]:
    """How what is held changes when parts of orders are no longer there, market by market."""
    trials: dict[int, Trial] = {}
    orders = state.exchange.orders.by_id
    for cut in cuts:
        order = orders[cut.order]
        trial = trials.get(order.market_id)
        if trial is None:
            trial = trials[order.market_id] = Trial(state, state.exchange.markets[order.market_id])
        trial.wait(order.customer_id, order, -cut.size_minor)
    if len(trials) < 2:
        return tuple(hold for trial in trials.values() for hold in trial.holds())
    holds = (hold for number in sorted(trials) for hold in trials[number].holds())
    return tuple(hold for hold in holds if hold.change_minor < 0)  # what is short on several markets stays so


def _changes_refusal(numbers: list[int], *, may_be_none: bool = False) -> Refused | None:
    if len(numbers) > MAX_CHANGES or not (numbers or may_be_none):
        return Refused(Refusal.TOO_MANY_INSTRUCTIONS, {"max_instructions": MAX_CHANGES})
    return Refused(Refusal.DUPLICATE_BETIDS) if len(set(numbers)) < len(numbers) else None


def _own_live(state: State, number: int, customer_id: int, market_id: int) -> Order | Refusal:
    """A customer's resting order, or why it cannot be changed."""
    order = state.exchange.orders.by_id.get(number)
    if order is None or order.customer_id != customer_id or (market_id and order.market_id != market_id):
        return Refusal.INVALID_BET_ID
    if order.status is OrderStatus.PENDING:
        return Refusal.BET_IN_PROGRESS
    return order if order.rank and order.remaining_minor else Refusal.BET_TAKEN_OR_LAPSED


def update_orders(state: State, command: UpdateOrders, now_us: int) -> Facts:
    market = state.exchange.markets.get(command.market_id)
    if market is None:
        return Refused(Refusal.INVALID_MARKET_ID)
    refused = _changes_refusal([asked.order_id for asked in command.instructions])
    if refused is not None:
        return refused
    updates, answered, failed = [], [], []
    for number, asked in enumerate(command.instructions):
        order = _own_live(state, asked.order_id, command.customer_id, market.id)
        refusal = order if isinstance(order, Refusal) else persistence_refusal(market, asked.persistence)
        if refusal is None and isinstance(order, Order) and order.persistence is asked.persistence:
            refusal = Refusal.NO_ACTION_REQUIRED
        if refusal is None:
            updates.append((asked.order_id, asked.persistence))
        else:
            failed.append(Failed(number, refusal))
        answered.append(0 if refusal else asked.order_id)
    return (
        OrdersUpdated(
            market_id=market.id,
            customer_id=command.customer_id,
            updates=tuple(updates),
            answered=tuple(answered),
            failed=tuple(failed),
        ),
    )


def replace_orders(state: State, command: ReplaceOrders, now_us: int) -> Facts:
    """Cancel every order that can be, then place what was left of each at its new price, as far as the money goes."""
    market = state.exchange.markets.get(command.market_id)
    refused = _market_refusal(market, 0) or _changes_refusal([asked.order_id for asked in command.instructions])
    if refused is not None:
        return refused
    assert market is not None
    stale = bool(command.market_version) and command.market_version != market.version
    position = market.positions.get(command.customer_id)
    placing = Placing(state, market, command.customer_id, now_us)
    found = [_replaceable(state, market, command, number) for number in range(len(command.instructions))]
    cuts = [Cut(order.id, order.remaining_minor) for order in found if isinstance(order, Order)]
    for order in found:
        if isinstance(order, Order):
            placing.trial.wait(command.customer_id, order, -order.remaining_minor)
            placing.taken[order.id] = order.remaining_minor
    shut_out = _shut_out(state, command.customer_id, now_us)
    placed_by, failed = [], []
    for number, order in enumerate(found):
        refusal = order if isinstance(order, Refusal) else None
        if isinstance(order, Order):
            price = command.instructions[number].price_milli
            refusal = Refusal.CANCELLED_NOT_PLACED if stale or shut_out else _place_anew(placing, order, price)
        if refusal is not None:
            failed.append(Failed(number, refusal))
        placed_by.append(0 if refusal else placing.orders[-1].id)
    return (
        OrdersReplaced(
            market_id=market.id,
            customer_id=command.customer_id,
            currency=position.currency if position else "",
            cuts=tuple(cuts),
            orders=tuple(placing.orders),
            answered=tuple(order.id if isinstance(order, Order) else 0 for order in found),
            placed_by=tuple(placed_by),
            failed=tuple(failed),
            decide_at_us=now_us + placing.delay_us if placing.waiting else 0,
            waiting=tuple(placing.waiting),
            trades=tuple(placing.trades),
            holds=placing.trial.holds(),
        ),
    )


def _shut_out(state: State, customer_id: int, now_us: int) -> bool:
    player = state.limits.players.get(customer_id)
    return player is not None and limits.shut_out(player, now_us=now_us) is not None


def _replaceable(state: State, market: ExchangeMarket, command: ReplaceOrders, number: int) -> Order | Refusal:
    asked = command.instructions[number]
    order = _own_live(state, asked.order_id, command.customer_id, market.id)
    if isinstance(order, Refusal):
        return order
    if not market.terms.ladder.has(asked.price_milli):
        return Refusal.INVALID_ODDS
    return Refusal.INVALID_PRICE_EDIT if asked.price_milli == order.price_milli else order


def _place_anew(placing: Placing, order: Order, price_milli: int) -> Refusal | None:
    """Place what was left of an order at another price, unless that cannot be carried."""
    mark, trades, waiting = placing.trial.mark(), len(placing.trades), len(placing.waiting)
    taken = dict(placing.taken)
    number = placing.state.exchange.orders.next_id() + len(placing.orders)
    placed = Placed(
        number,
        order.runner,
        order.side,
        price_milli,
        order.remaining_minor,
        order.persistence,
        order.ref,
        order.strategy,
    )
    refusal = placing.add(placed)
    if refusal is not None:
        return refusal
    if placing.shortage() is None:
        return None
    placing.trial.back_to(mark)
    placing.orders.pop()
    placing.taken = taken
    del placing.trades[trades:], placing.waiting[waiting:]
    return Refusal.CANCELLED_NOT_PLACED
