"""A mass quote: the house's market maker says how much it wants at some prices, and the machine cuts, grows and places.

The machine knows what is there, so nothing that the maker has not heard yet can make it wrong. Rules and worked
numbers: docs/rules/exchange.md, "Mass quotes".
"""

from typing import Any, Final

from overround.book import matching
from overround.book.exchange import (
    MAX_ORDER_MINOR,
    MAX_QUOTE_ENTRIES,
    Cut,
    ExchangeMarket,
    OrdersPlaced,
    OrdersReplaced,
    Refusal,
    RunnerStatus,
    Status,
)
from overround.book.exposure import Side, add_unmatched
from overround.book.machine.exchange_commands import MassQuote, QuoteEntry
from overround.book.machine.exchange_orders import (
    Facts,
    Placing,
    crowded,
    desk_refusal,
    market_refusal,
    opening_of,
    wallet_refusal,
)
from overround.book.machine.state import State
from overround.book.matching import Level, Order, Persistence, Placed
from overround.kernel.refusal import Refused

# Members found once: Python 3.11 takes longer to look one up in its enum than to compare it.
CLOSED: Final = Status.CLOSED
ACTIVE: Final = RunnerStatus.ACTIVE
LAPSE: Final = Persistence.LAPSE
BACK: Final = Side.BACK

NOTHING: Final[dict[int, Level]] = {}


def mass_quote(state: State, command: MassQuote, now_us: int) -> Facts:
    """Make every quoted price just as large as is asked, all or none: what is too much is cut from the newest orders,
    what is missing joins the end of the queue. While the market takes no orders, nothing grows."""
    market = state.exchange.markets.get(command.market_id)
    refused = wallet_refusal(state, command.customer_id, command.currency, now_us)
    refused = refused or _quote_refusal(state, market, command)
    if refused is not None:
        return refused
    assert market is not None
    opening = opening_of(state, market, command.customer_id, command.currency)
    if isinstance(opening, Refused):
        return opening
    quoting = Quoting(Placing(state, market, command.customer_id, now_us, opening))
    refused = quoting.look(command.entries) or quoting.fill(now_us)
    if refused is not None:
        return refused
    placing, cuts, grown = quoting.placing, tuple(quoting.cuts), tuple(quoting.grown)
    if not (cuts or grown or placing.orders):
        return ()
    orders, trades, holds = tuple(placing.orders), tuple(placing.trades), placing.trial.holds()
    whose: dict[str, Any] = {"market_id": market.id, "customer_id": command.customer_id, "currency": command.currency}
    if opening is not None:
        rate = opening.rate_to, opening.rate_from
        return (OrdersPlaced(**whose, orders=orders, rate=rate, trades=trades, holds=holds),)
    return (OrdersReplaced(**whose, cuts=cuts, grown=grown, orders=orders, trades=trades, holds=holds),)


def _quote_refusal(state: State, market: ExchangeMarket | None, command: MassQuote) -> Refused | None:
    if market is None or market.status is CLOSED:
        return market_refusal(state, command.market_id)
    if not 0 < len(command.entries) <= MAX_QUOTE_ENTRIES:
        return Refused(Refusal.TOO_MANY_INSTRUCTIONS, {"max_instructions": MAX_QUOTE_ENTRIES})
    places = {(entry.selection_id, entry.handicap_quarters, entry.side, entry.price_milli) for entry in command.entries}
    if len(places) < len(command.entries):
        return Refused(Refusal.DUPLICATE_BETIDS)
    return crowded(state, market, command.customer_id, len(command.entries))


class Quoting:
    """One mass quote: all cuts first, so that what is cut meets nobody, then what grows and what is new."""

    def __init__(self, placing: Placing) -> None:
        placing.serve_maker()
        self.placing = placing
        self.cuts: list[Cut] = []
        self.grown: list[Cut] = []
        self._missing: list[tuple[int, QuoteEntry, int, Level | None, int]] = []
        self._cells, self._game = placing.trial.cells(placing.customer_id), placing.trial.book.game

    def look(self, entries: tuple[QuoteEntry, ...]) -> Refused | None:
        """Cut what is too much, and note what is missing."""
        placing, customer_id = self.placing, self.placing.customer_id
        book, market = placing.trial.book, placing.market
        name, runner, lays, backs = (0, 0), -1, NOTHING, NOTHING
        has = market.terms.ladder.has
        for number, entry in enumerate(entries):
            if runner < 0 or name != (entry.selection_id, entry.handicap_quarters):  # entries of a runner are together
                name = entry.selection_id, entry.handicap_quarters
                runner = book.places.get(name, -1)
                if runner < 0 or market.runners[runner].status is not ACTIVE:
                    return _refused(number, Refusal.RUNNER_REMOVED if runner >= 0 else Refusal.INVALID_RUNNER)
                lays, backs = book.runners[runner].lays.levels, book.runners[runner].backs.levels
            price, missing = entry.price_milli, entry.size_minor
            level = (backs if entry.side is BACK else lays).get(price)
            if level is None and not has(price):  # where orders rest, there is such a price
                return _refused(number, Refusal.INVALID_ODDS)
            if not 0 <= missing <= MAX_ORDER_MINOR:
                return _refused(number, Refusal.INVALID_BET_SIZE)
            if level is not None:
                for order in level.orders:
                    if order.customer_id == customer_id:
                        missing -= order.remaining_minor
            if missing > 0:
                self._missing.append((number, entry, runner, level, missing))
            elif missing and level is not None:
                self._cut(level, -missing)
        return None

    def _cut(self, level: Level, excess_minor: int) -> None:
        """From the newest orders, so that the oldest keep their place."""
        customer_id, taken = self.placing.customer_id, self.placing.taken
        for order in reversed(level.orders):
            left = order.remaining_minor
            if left and order.customer_id == customer_id:
                part = left if left < excess_minor else excess_minor
                self.cuts.append(Cut(order.id, part))
                add_unmatched(self._cells, self._game, order.runner, order.side, order.price_milli, -part)
                taken[order.id] = part
                excess_minor -= part
                if not excess_minor:
                    return

    def fill(self, now_us: int) -> Refused | None:
        """Grow or place what is missing, where the market takes orders and the money is there."""
        placing = self.placing
        state, market = placing.state, placing.market
        stopped = market_refusal(state, market.id) or desk_refusal(state, market, asked_at_us=now_us, now_us=now_us)
        for missing in self._missing if stopped is None else ():
            refused = self._fill(*missing)
            if refused is not None:
                return refused
        return placing.shortage()

    def _fill(
        self, number: int, entry: QuoteEntry, runner: int, level: Level | None, size_minor: int
    ) -> Refused | None:
        """What is missing of one level."""
        placing, side, price = self.placing, entry.side, entry.price_milli
        if matching.meets(placing.trial.book.runners[runner], side, price) or placing.meets_joined(runner, side, price):
            refusal = placing.add(self._placed(runner, entry, size_minor))
            return None if refusal is None else _refused(number, refusal)
        last = _last(level) if level is not None else None
        if last is not None and last.customer_id == placing.customer_id and last.persistence is LAPSE:
            self.grown.append(Cut(last.id, size_minor))
            add_unmatched(self._cells, self._game, runner, side, price, size_minor)
        else:
            placing.rests(self._placed(runner, entry, size_minor))
        return None

    def _placed(self, runner: int, entry: QuoteEntry, size_minor: int) -> Placed:
        placing = self.placing
        return Placed(placing.first_id + len(placing.orders), runner, entry.side, entry.price_milli, size_minor)


def _refused(number: int, refusal: Refusal) -> Refused:
    return Refused(Refusal.BET_ACTION_ERROR, {"instruction": number, "reason": refusal.value})


def _last(level: Level) -> Order | None:
    """Who came last of those that are still there: behind that order nobody waits, so it may grow where it is."""
    for order in reversed(level.orders):
        if order.remaining_minor:
            return order
    return None
