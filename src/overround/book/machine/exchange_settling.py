"""Settling an exchange market step by step: the next positions, the commission, and the money that moves for them."""

from collections.abc import Iterator
from itertools import islice

from overround.book import exchange, exposure, ledger
from overround.book.exchange import (
    ExchangeMarket,
    ExchangeResult,
    ExchangeSettled,
    ExchangeSettling,
    Hold,
    Outcome,
    SettledPosition,
)
from overround.book.exposure import Position, Shape
from overround.book.ledger import Transfer
from overround.book.machine.state import State
from overround.book.matching import MarketBook, Order
from overround.book.settlement import SETTLE_STEP


def settle_next(state: State, settling: ExchangeSettling, *, step: int = SETTLE_STEP) -> ExchangeSettled:
    """The next step: up to `step` positions in the order opened; the last one leaves the residue to the house."""
    market = state.exchange.markets[settling.market_id]
    assert market.result is not None
    outcome = Outcome(market, market.result)
    customers = len(market.positions) - 1
    first = settling.done + 1  # the house's own position is the first
    ahead = list(islice(market.positions.values(), first, first + step))
    rows = [_row(state, market, position, outcome) for position in ahead]
    transfers: list[Transfer] = []
    for position, row in zip(ahead, rows, strict=True):
        transfers += _transfers(state, market, position, row)
    last = settling.done + len(ahead) >= customers
    residues = _residues(market, rows) if last else {}
    for currency, total in residues.items():
        change = total - market.residues.get(currency, 0)
        transfers += ledger.residue(state.ledger.house[currency], amount_minor=change, ref=market.id)
    return ExchangeSettled(
        market_id=market.id,
        revision=settling.revision,
        positions=tuple(rows),
        last=last,
        residues=tuple(residues.items()),
        transfers=tuple(transfers),
        holds=tuple(
            Hold(market.id, position.customer_id, _cash_id(state, position), -position.held_minor)
            for position in ahead
            if position.held_minor
        ),
    )


def changes_minor(state: State, market: ExchangeMarket, result: ExchangeResult, *, most: int) -> dict[str, int]:
    """By currency, how much more or less than what was settled the first `most` positions would win or lose, after
    commission, if this were the result; the sum of it all, up or down."""
    outcome, changes = Outcome(market, result), dict[str, int]()
    for position in islice(market.positions.values(), 1, 1 + most):
        net, commission = _net(state, market, position, outcome)
        change = abs(net - commission - position.net_minor + position.commission_minor)
        if change:
            changes[position.currency] = changes.get(position.currency, 0) + change
    return changes


def _cash_id(state: State, position: Position) -> int:
    return state.ledger.wallets[position.customer_id, position.currency].cash.id


def _row(state: State, market: ExchangeMarket, position: Position, outcome: Outcome) -> SettledPosition:
    return SettledPosition(
        position.customer_id,
        *_net(state, market, position, outcome),
        position.net_minor,
        position.commission_minor,
        tuple(_profits(state.exchange.orders.books[market.id], position, outcome)),
    )


def _net(state: State, market: ExchangeMarket, position: Position, outcome: Outcome) -> tuple[int, int]:
    """What a position wins or, below zero, loses, and the commission on it."""
    game = state.exchange.orders.books[market.id].game
    net = exposure.net_minor(position, outcome.loss(position.cells), game.unit * outcome.whole)
    discount = state.exchange.discounts.get(position.customer_id, 0) if market.terms.discount_allowed else 0
    return net, exchange.commission_minor(net, base_rate_bp=market.terms.base_rate_bp, discount_bp=discount)


def _profits(book: MarketBook, position: Position, outcome: Outcome) -> Iterator[tuple[int, int]]:
    """What each order brought: the net so far, rounded as the net is, less what it was before the order. They add up to
    the net whatever is rounded."""
    unit, lost, before = book.game.unit * outcome.whole, 0, 0
    for order in book.own.get(position.customer_id, ()):
        if order.matched_minor:
            lost += _loss(book, order, outcome)
            so_far = exposure.net_minor(position, lost, unit)
            yield order.id, so_far - before
            before = so_far


def _loss(book: MarketBook, order: Order, outcome: Outcome) -> int:
    """What an order lost. Losses are linear in the price, so that its size and value are enough, but on a line market,
    where each line is another bet."""
    if book.game.shape is not Shape.LINE:
        losses = exposure.matched_in_all(book.game, order.side, order.matched_minor, order.matched_value)
        return outcome.of_cell(order.runner, losses)
    total = 0
    for trade in book.fills[order.id]:
        losses = exposure.matched(book.game, order.side, trade.price_milli)
        total += outcome.of_cell(trade.price_milli, losses) * trade.size_minor
    return total


def _transfers(state: State, market: ExchangeMarket, position: Position, row: SettledPosition) -> tuple[Transfer, ...]:
    old = (row.previous_net_minor, row.previous_commission_minor)
    new = (row.net_minor, row.commission_minor)
    if old == new:
        return ()
    wallet = state.ledger.wallets[position.customer_id, position.currency]
    return ledger.exchange_resettle(
        wallet,
        state.ledger.house[position.currency],
        old=old,
        new=new,
        spendable_minor=wallet.cash.available_minor + position.held_minor,
        owed_minor=-wallet.debt.balance_minor,
        ref=market.id,
    )


def _residues(market: ExchangeMarket, rows: list[SettledPosition]) -> dict[str, int]:
    """What all positions together left, by currency: this step's as they are about to be, the others as they are."""
    now = {row.customer_id: row.net_minor for row in rows}
    left: dict[str, int] = {}
    for position in islice(market.positions.values(), 1, None):
        net = now.get(position.customer_id, position.net_minor)
        left[position.currency] = left.get(position.currency, 0) - net
    return left
