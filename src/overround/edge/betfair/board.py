"""Every exchange market as it is now, for whoever looks: the exchange's own state, folded from the same facts, with
what only a viewer needs beside it: when each market and runner last changed, whose orders are where, what was matched.

It begins with what the tables have of markets that are live, or were settled less than `KEPT_CLOSED_US` ago, and lets a
market go when it was settled that long ago; so its memory is that of what is live. History is the tables'.

Invariants: nothing is matched or decided here; a market's stamp is the sequence of its last change, so it means the
same to every gateway.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from overround.book import auction, exchange
from overround.book.catalogue import CatalogueState
from overround.book.exchange import (
    BOOK_CURRENCY,
    ExchangeFact,
    ExchangeMarket,
    ExchangeMarketCreated,
    ExchangeSettled,
    ExchangeSettling,
    ExchangeState,
    HeartbeatMissed,
    HeartbeatSet,
    OrdersCancelled,
    Pulse,
    Rate,
    Runner,
    RunnerRemoved,
)
from overround.book.exposure import Side
from overround.book.machine import State, decode_fact, empty
from overround.book.machine.exchange_above import fold_above
from overround.book.machine.exchange_markets import bids
from overround.book.matching import Half, Order, OrderType, RunnerBook, Trade
from overround.edge.betfair import virtual
from overround.edge.betfair.definitions import definition_json
from overround.edge.betfair.pictures import Ladder, Levels
from overround.edge.betfair.touching import EXCHANGE_KINDS, Touched, customers_of, touched_by
from overround.edge.live import READ_ROWS, JournalPort, Lost
from overround.kernel.fact import Fact
from overround.kernel.instant import HOUR_US, SECOND_US
from overround.kernel.money import MINOR_DIGITS
from overround.projections import ExchangeOffer

REMEMBER_KEYS_US: Final = 130 * SECOND_US
"""Longer than two windows of customers' references."""

KEPT_CLOSED_US: Final = 2 * HOUR_US
"""How long a settled market stays; longer than the machine remembers what came to nothing."""

MAX_EXPECTED: Final = 100_000
MAX_AFTER_MISS: Final = 10_000
"""Heartbeats after a missed one, remembered until whoever asked was answered, or so many others came."""

SIDES_COUNTED: Final = 2
"""Traded sizes count the backer's stake for both sides, as Betfair's do."""

Matched = dict[int, int]
Both = tuple[Matched, Matched]
"""Matched backs and matched lays: sizes by price."""


class Listener(Protocol):
    """Whoever wants to know what changes."""

    def market_changed(self, market_id: int) -> None: ...

    def market_added(self, market_id: int) -> None: ...

    def market_gone(self, market_id: int) -> None:
        """It was settled long ago, and is shown no longer."""

    def order_changed(self, customer_id: int, market_id: int, runner: int, bet_id: int) -> None: ...

    def orders_whole(self, customer_id: int, market_id: int) -> None:
        """So much of a customer's orders changed that they are better shown anew."""

    def orders_closed(self, customer_id: int, market_id: int) -> None: ...

    def live(self) -> None: ...


class RunnerView:
    """One runner, and what was worked out of it since it last changed."""

    __slots__ = ("_book", "_market", "_worked_out", "number", "stamp")

    def __init__(self, market: "MarketView", number: int, book: RunnerBook) -> None:
        self._market, self.number, self._book = market, number, book
        self.stamp = 0
        self._worked_out: dict[str, Ladder] = {}

    def touch(self) -> None:
        self.stamp += 1
        self._worked_out.clear()

    @property
    def runner(self) -> Runner:
        return self._market.market.runners[self.number]

    @property
    def selection_id(self) -> int:
        return self.runner.selection_id

    @property
    def handicap_milli(self) -> int:
        return self.runner.handicap_quarters * 250

    @property
    def ltp_milli(self) -> int:
        return self._book.last_milli

    @property
    def tv_minor(self) -> int:
        return SIDES_COUNTED * sum(self._book.traded.values())

    @property
    def near_milli(self) -> int:
        return self._market.projected(self.number)[0]

    @property
    def far_milli(self) -> int:
        return self._market.projected(self.number)[1]

    def ladder(self, name: str) -> Ladder:
        """One of atb, atl, trd, spb, spl. Whoever gets it does not change it."""
        made = self._worked_out.get(name)
        if made is None:
            made = self._worked_out[name] = self._ladder(name)
        return made

    def _ladder(self, name: str) -> Ladder:
        match name:
            case "atb":
                return {price: level.size_minor for price, level in self._book.lays.levels.items()}
            case "atl":
                return {price: level.size_minor for price, level in self._book.backs.levels.items()}
            case "trd":
                return {price: SIDES_COUNTED * size for price, size in self._book.traded.items()}
            case "spb":
                return self._market.at_start(self.number, Side.LAY)
            case _:
                return self._market.at_start(self.number, Side.BACK)

    def best(self, name: str, levels: int) -> Levels:
        """The best of batb, batl, bdatb or bdatl; the last two with what cross matching offers beside."""
        half = self._book.lays if name.endswith("tb") else self._book.backs
        direct = best_of(half, levels)
        if name[1] != "d" or not self._market.market.terms.crossing:
            return direct
        return virtual.merged(direct, self._market.crossed(self.number, half.side, levels), half.sign, levels)


def best_of(half: Half, levels: int) -> Levels:
    """The first prices of one side, best first."""
    found = []
    for key in reversed(half.keys[-levels:]):
        price = key * half.sign
        found.append((price, half.levels[price].size_minor))
    return tuple(found)


class MarketView:
    """One market. `stamp` is the sequence of its last change."""

    def __init__(
        self, market: ExchangeMarket, whole: State, catalogue: Callable[[], CatalogueState], stamp: int
    ) -> None:
        self.market, self.stamp = market, stamp
        self.book = whole.exchange.orders.books[market.id]
        self._whole = whole
        self.runners = [RunnerView(self, number, book) for number, book in enumerate(self.book.runners)]
        self.matched: dict[int, dict[int, dict[str, Both]]] = {}
        self.last_match_us = 0
        self._catalogue = catalogue
        self._definition: bytes | None = None
        self._projected: dict[int, tuple[int, int]] = {}

    @property
    def id(self) -> int:
        return self.market.id

    @property
    def catalogue(self) -> CatalogueState:
        return self._catalogue()

    @property
    def tv_minor(self) -> int:
        return sum(runner.tv_minor for runner in self.runners)

    def definition(self) -> bytes:
        """The marketDefinition as JSON; the same object until it changes."""
        if self._definition is None:
            self._definition = definition_json(self.market, self._catalogue())
        return self._definition

    def touch(self, seq: int, runners: Iterable[int] | None) -> None:
        """Something changed: these runners, or (None) the market itself and all of them."""
        self.stamp = seq
        if runners is None:
            self._definition = None
        everyone = runners is None or self.market.terms.crossing
        for number in range(len(self.runners)) if everyone or runners is None else runners:
            self.runners[number].touch()
            self._projected.pop(number, None)

    def crossed(self, number: int, side: Side, levels: int) -> Levels:
        """What backs (or lays) on all other runners together offer on this one."""
        others = [
            best_of(self.book.runners[other].against(side), levels) for other in self.book.active if other != number
        ]
        return virtual.levels_of(others, Side.BACK if side is Side.LAY else Side.LAY, self.market.terms.ladder, levels)

    def at_start(self, number: int, side: Side) -> Ladder:
        """What waits for the starting price on one side, by limit: backers' stakes, or what layers may lose."""
        waiting: dict[int, int] = {}
        for order in self.book.start.values():
            if order.runner == number and order.side is side and order.liability_minor:
                price = order.price_milli if order.type is OrderType.LIMIT_ON_CLOSE else virtual.any_price(side)
                waiting[price] = waiting.get(price, 0) + order.liability_minor
        return waiting

    def projected(self, number: int) -> tuple[int, int]:
        """Near and far price of a runner as it is now, in whole hundredths, 0 where there is none."""
        if not self.market.terms.bsp or self.market.reconciled:
            return 0, 0
        found = self._projected.get(number)
        if found is None:
            start, book = bids(self._whole, self.market, number, near=False), self.book.runners[number]
            backs, lays = (best_of(half, len(half.keys)) for half in (book.backs, book.lays))
            far = auction.price(start) // auction.NEAR_STEP_MILLI * auction.NEAR_STEP_MILLI
            found = self._projected[number] = auction.near(start, backs, lays), far
        return found

    def note(self, trades: Iterable[Trade], state: ExchangeState, at_us: int) -> None:
        """Remember for each side of a trade what it was matched."""
        for trade in trades:
            self.last_match_us = at_us
            for bet_id, is_lay in ((trade.back, False), (trade.lay, True)):
                if bet_id:
                    order = state.orders.by_id[bet_id]
                    for strategy in {"", order.strategy}:
                        both = self.matched_by(order.customer_id, trade.runner).setdefault(strategy, ({}, {}))
                        prices = both[is_lay]
                        prices[trade.price_milli] = prices.get(trade.price_milli, 0) + trade.size_minor

    def matched_by(self, customer_id: int, runner: int) -> dict[str, Both]:
        """A customer's matched sizes on a runner, by strategy; "" is all of them."""
        return self.matched.setdefault(customer_id, {}).setdefault(runner, {})

    def recount(self, state: ExchangeState, at_us: int) -> None:
        """The same, from the market's trades: where some of them became void or other."""
        self.matched.clear()
        self.note(self.book.trades, state, at_us)


class Board:
    """The view, folded beside the live one. `listener` hears what changed. `of_customer` has for each customer the
    markets with orders of theirs and the sequence of the last change of any; `keys` when each key was used; `journal`
    is the identity of the journal that it is folded from."""

    kinds = frozenset(EXCHANGE_KINDS)

    def __init__(self, catalogue: Callable[[], CatalogueState]) -> None:
        self._whole = empty()
        self.markets: dict[int, MarketView] = {}
        self.journal = ""
        self.seq = self.at_us = 0
        self.is_stale = True
        self.listener: Listener | None = None
        self.of_customer: dict[int, dict[int, int]] = {}
        self.keys: dict[str, int] = {}
        self._catalogue = catalogue
        self._missed: dict[int, None] = {}
        self._after_miss: dict[str, None] = {}
        self._closed: deque[tuple[int, int]] = deque()
        self._expected: dict[int, int] = {}

    # Folding.

    async def begin(self, journal: JournalPort, seq: int) -> None:
        """From the tables, which may be ahead of where the live view begins. Raises Lost."""
        self.journal = await journal.identity()
        offer = await journal.exchange(closed_for_us=KEPT_CLOSED_US)
        if offer.seq < seq:
            raise Lost("the tables are being made anew")
        await self._recall(journal, offer)
        self._whole, self.markets = empty(), {}
        self._whole.exchange = offer.state
        for market_id, stamp in offer.stamps.items():
            view = self.markets[market_id] = MarketView(
                offer.state.markets[market_id], self._whole, self._catalogue, stamp
            )
            view.note(view.book.trades, offer.state, 0)
            view.last_match_us = offer.matched_at_us.get(market_id, 0)
            await asyncio.sleep(0)
        self._closed = deque(
            sorted((market.settled_at_us, market.id) for market in offer.state.markets.values() if market.settled_at_us)
        )
        self.of_customer, self.seq, self.at_us = offer.touched, offer.seq, offer.at_us

    async def _recall(self, journal: JournalPort, offer: ExchangeOffer) -> None:
        """The keys used in the last minutes before the tables' last fact, and whose heartbeat was missed in them and
        was not heard since."""
        self.keys.clear()
        after = await journal.before(offer.at_us - REMEMBER_KEYS_US)
        while rows := await journal.read_kinds(sorted(self.kinds), after, offer.seq, READ_ROWS):
            for row in rows:
                caused = decode_fact(row.body)
                if caused.cause is not None:
                    self._remember(caused.cause.key, row.at_us)
                self._hear_beat(caused)
            after = rows[-1].seq
            await asyncio.sleep(0)

    def told(self, seq: int) -> None:
        self.seq = max(seq, self.seq)
        while self._closed and self._closed[0][0] < self.at_us - KEPT_CLOSED_US:
            settled_at_us, market_id = self._closed.popleft()
            if market_id in self.markets and self.state.markets[market_id].settled_at_us == settled_at_us:
                self._drop(market_id)

    def _drop(self, market_id: int) -> None:
        """Nobody is shown a market any longer, nor the orders on it."""
        for customer_id in self.state.markets[market_id].positions:
            markets = self.of_customer.get(customer_id, {})
            markets.pop(market_id, None)
            if not markets:
                self.of_customer.pop(customer_id, None)
        del self.markets[market_id]
        exchange.drop(self.state, market_id)
        if self.listener is not None:
            self.listener.market_gone(market_id)

    def stale(self) -> None:
        self.is_stale = True

    def live(self) -> None:
        self.is_stale = False
        if self.listener is not None:
            self.listener.live()

    def fact(self, seq: int, at_us: int, kind: str, body: str | bytes) -> None:  # noqa: ARG002  # the port has it
        """Fold a fact, and say what it changed."""
        if seq <= self.seq:
            return
        fact = decode_fact(body)
        self.seq, self.at_us = seq, at_us
        if not self._knows(fact):
            return
        exchange.apply(self.state, fact, at_us)
        if fact.cause is not None:
            self._remember(fact.cause.key, at_us)
        if isinstance(fact, ExchangeMarketCreated):
            self._add(fact.market_id, seq)
            return
        self._hear_beat(fact)
        touched = touched_by(fact, self.state)
        for market_id in fold_above(self.state, self._catalogue(), fact):
            touched.markets[market_id] = None
        for market_id, runners in touched.markets.items():
            self._touch(market_id, runners, seq, at_us, fact)
        for customer_id, market_id, _, _ in touched.orders:
            self.of_customer.setdefault(customer_id, {})[market_id] = seq
        for customer_id in customers_of(fact, touched):
            self.expect(customer_id, seq)
        if self.listener is not None:
            self._tell(self.listener, touched)

    def _hear_beat(self, fact: Fact) -> None:
        """A miss is told with the first heartbeat after it in the journal, and so by one gateway alone."""
        if isinstance(fact, HeartbeatMissed):
            self._missed[fact.customer_id] = None
        elif isinstance(fact, HeartbeatSet) and fact.customer_id in self._missed:
            del self._missed[fact.customer_id]
            if fact.cause is not None:
                self._after_miss[fact.cause.key] = None
            if len(self._after_miss) > MAX_AFTER_MISS:
                del self._after_miss[next(iter(self._after_miss))]

    def _knows(self, fact: Fact) -> bool:
        """False where a fact is of a market that was let go. What the tables do not keep, since nobody is shown it, is
        made up before a fact ends it."""
        market_id = getattr(fact, "market_id", 0)
        if market_id and market_id not in self.markets and not isinstance(fact, ExchangeMarketCreated):
            return not isinstance(fact, (ExchangeFact, ExchangeSettled, OrdersCancelled))
        if isinstance(fact, HeartbeatMissed):
            self.state.pulses.setdefault(fact.customer_id, Pulse(0, 0))
        elif isinstance(fact, ExchangeSettled):
            self.state.settling.setdefault(market_id, ExchangeSettling(market_id, fact.revision))
            if fact.last:
                self._closed.append((self.at_us, market_id))
        return True

    def _add(self, market_id: int, seq: int) -> None:
        view = MarketView(self.state.markets[market_id], self._whole, self._catalogue, seq)
        self.markets[market_id] = view
        if self.listener is not None:
            self.listener.market_added(view.id)

    def _touch(self, market_id: int, runners: dict[int, None] | None, seq: int, at_us: int, fact: Fact) -> None:
        view = self.markets[market_id]
        view.touch(seq, runners)
        if isinstance(fact, RunnerRemoved):
            before = dict(view.matched)
            view.recount(self.state, view.last_match_us)
            for customer_id in before:
                if view.matched.get(customer_id) != before[customer_id]:
                    self.of_customer.setdefault(customer_id, {})[market_id] = seq
        elif isinstance(fact, ExchangeFact) and fact.trades:
            view.note(fact.trades, self.state, at_us)

    def _tell(self, listener: Listener, touched: Touched) -> None:
        for market_id in touched.markets:
            listener.market_changed(market_id)
        for customer_id, market_id, runner, bet_id in touched.orders:
            listener.order_changed(customer_id, market_id, runner, bet_id)
        for customer_id, market_id in touched.whole:
            listener.orders_whole(customer_id, market_id)
        for customer_id, market_id in touched.closed:
            listener.orders_closed(customer_id, market_id)

    def _remember(self, key: str, at_us: int) -> None:
        """When a key was used, for as long as a customer's reference may not be used again."""
        keys = self.keys
        keys[key] = at_us
        while (first := next(iter(keys))) != key and keys[first] < at_us - REMEMBER_KEYS_US:
            del keys[first]

    # Looking.

    @property
    def state(self) -> ExchangeState:
        return self._whole.exchange

    def is_after_miss(self, customer_id: int, key: str) -> bool:
        """Whether the heartbeat under this key is the customer's first after one that was missed. While it was not
        heard yet it is, where one was."""
        return key in self._after_miss or (key not in self.keys and customer_id in self._missed)

    def expect(self, customer_id: int, seq: int) -> None:
        """A customer was told of a sequence, and must find it in what is read from now on."""
        self._expected.pop(customer_id, None)
        self._expected[customer_id] = seq
        if len(self._expected) > MAX_EXPECTED:
            del self._expected[next(iter(self._expected))]

    def expected(self, customer_id: int) -> int:
        """The last sequence that a customer was told of here."""
        return self._expected.get(customer_id, 0)

    @property
    def catalogue(self) -> CatalogueState:
        return self._catalogue()

    def orders_of(self, customer_id: int, market_id: int) -> Sequence[Order]:
        """A customer's orders on a market, in the order placed."""
        book = self.state.orders.books.get(market_id)
        return book.own.get(customer_id, ()) if book is not None else ()

    def discount_bp(self, customer_id: int) -> int:
        """What a customer pays less of commission, in basis points."""
        return self.state.discounts.get(customer_id, 0)

    def rates(self, currency: str) -> dict[str, float]:
        """What one unit of a currency is in each other that has a rate."""
        known = {BOOK_CURRENCY: Rate(), **self.state.rates}
        base = known.get(currency)
        if base is None:
            return {}
        return {
            code: rate.minor * base.book_minor / (rate.book_minor * base.minor) * 10 ** _digits(currency, code)
            for code, rate in known.items()
            if code != currency
        }


def _digits(currency: str, other: str) -> int:
    """By how many decimals the minor units of two currencies differ."""
    return MINOR_DIGITS[currency] - MINOR_DIGITS[other]
