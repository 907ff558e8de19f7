"""Positions as they would be: what one decision about a market does to them, and so to what is held."""

from itertools import chain

from overround.book import exposure, matching
from overround.book.exchange import MAX_RISK, ExchangeMarket, Hold
from overround.book.exposure import Cells, Position, Side
from overround.book.ledger import LedgerState
from overround.book.machine.state import State
from overround.book.matching import MarketBook, Order, Placed, Trade


class Trial:
    """Copies of the cells that a decision touches, with its changes. Nothing of the state is changed."""

    def __init__(self, state: State, market: ExchangeMarket, opening: Position | None = None) -> None:
        self._ledger: LedgerState = state.ledger
        self._market = market
        self._opening = opening
        self.book: MarketBook = state.exchange.orders.books[market.id]
        self.active = len(self.book.active)
        """How many runners may win, as it would be."""

        self._cells: dict[int, Cells] = {}
        self._needed: dict[int, int] = {}
        self._undo: list[tuple[Cells, Trade | Order | Placed, Side | None, int]] | None = None

    def position(self, customer_id: int) -> Position:
        """A position as it is, or the one that this decision opens."""
        found = self._market.positions.get(customer_id)
        if found is not None:
            return found
        assert self._opening is not None
        return self._opening

    def cells(self, customer_id: int) -> Cells:
        """A customer's cells as they would be."""
        cells = self._cells.get(customer_id)
        if cells is None:
            cells = self._cells[customer_id] = self.position(customer_id).cells.copy()
        return cells

    def wait(self, customer_id: int, order: Order | Placed, size_minor: int) -> None:
        """A part of an order waits to be matched, or (below zero) waits no more."""
        cells = self._cells.get(customer_id) or self.cells(customer_id)
        if self._needed:
            self._needed.pop(customer_id, None)
        matching.wait(cells, self.book.game, order, size_minor)
        if self._undo is not None:
            self._undo.append((cells, order, None, size_minor))

    def rest(self, customer_id: int, runner: int, side: Side, price_milli: int, size_minor: int) -> None:
        """A part of a limit order rests, or (below zero) rests no more. It cannot be taken back."""
        assert self._undo is None
        cells = self._cells.get(customer_id) or self.cells(customer_id)
        if self._needed:
            self._needed.pop(customer_id, None)
        exposure.add_unmatched(cells, self.book.game, runner, side, price_milli, size_minor)

    def join(self, customer_id: int, trade: Trade, side: Side, sign: int = 1) -> None:
        """One side of a trade joins a position, or (`sign` −1) leaves it. The house's own is not looked at."""
        if customer_id:
            cells = self.cells(customer_id)
            self._needed.pop(customer_id, None)
            matching.join(cells, self.book.game, trade, side, sign)
            if self._undo is not None:
                self._undo.append((cells, trade, side, sign))

    def touch_all(self) -> None:
        """Every position is another one now, whether or not it had to do with what changed."""
        for customer_id in self._market.positions:
            if customer_id:
                self.cells(customer_id)

    def mark(self) -> int:
        """Where `back_to` can go back to; changes are remembered from the first mark on."""
        if self._undo is None:
            self._undo = []
        return len(self._undo)

    def back_to(self, mark: int) -> None:
        """Take back every change since a mark."""
        assert self._undo is not None
        for cells, what, side, number in reversed(self._undo[mark:]):
            if isinstance(what, Trade):
                matching.join(cells, self.book.game, what, side or Side.BACK, -number)
            else:
                matching.wait(cells, self.book.game, what, -number)
        del self._undo[mark:]
        self._needed.clear()

    def needed_minor(self, customer_id: int, removed: int = -1) -> int:
        """What a customer's worst case would take, in the wallet's currency; without a runner that is `removed`."""
        needed = self._needed.get(customer_id)
        if needed is None or removed >= 0:
            book, cells = self.book, self.cells(customer_id)
            count = self.active
            if removed >= 0:
                cells.pop(removed, None)
                count -= 1
            risk = exposure.worst(book.game, cells, count, book.handicaps)
            needed = exposure.needed_minor(self.position(customer_id), risk, book.game.unit)
            self._needed[customer_id] = needed
        return needed

    @property
    def is_too_large(self) -> bool:
        """Whether a position would be beyond what can be counted."""
        for cells in self._cells.values():
            losses = list(chain.from_iterable(cells.values()))
            if losses and (max(losses) > MAX_RISK or min(losses) < -MAX_RISK):
                return True
        return False

    def holds(self, removed: int = -1) -> tuple[Hold, ...]:
        """How what is held changes, of everybody touched. Where the money is not there, what is there is held."""
        holds = []
        for customer_id in self._cells:
            position = self.position(customer_id)
            cash = self._ledger.wallets[customer_id, position.currency].cash
            change = min(self.needed_minor(customer_id, removed) - position.held_minor, cash.available_minor)
            if change:
                holds.append(Hold(self._market.id, customer_id, cash.id, change))
        return tuple(holds)
