"""What left the book's memory, in plain code: nothing too early, nothing in part, nothing that changes afterwards."""

from collections.abc import Callable

from overround.sim.audit.bets import Bets
from overround.sim.audit.exchange import Exchange
from overround.sim.audit.offer import Offer
from overround.sim.audit.words import Plain, hold

AFTER_US = 30 * 86_400_000_000
OVER = ("settled", "cashed_out")
CHANGES = ("result_recorded", "result_rolled_back", "market_bets_cancelled", "market_bets_restored")


class Archive:
    """By market, of the sportsbook and of the exchange: when it was settled last, and which are archived."""

    def __init__(self, bets: Bets, offer: Offer, exchange: Exchange) -> None:
        self._bets, self._offer, self._exchange = bets, offer, exchange
        self.after_us = AFTER_US
        self.settled: dict[int, int] = {}
        self.closed: dict[int, int] = {}
        self.markets: set[int] = set()
        self.traded: set[int] = set()
        self.gone: set[int] = set()
        self.orders: set[int] = set()
        self.events: set[int] = set()
        self._steps: dict[str, Callable[[Plain, int], None]] = {
            "archive_after_set": self._after_set,
            "market_archived": self._market_archived,
            "bets_archived": self._bets_archived,
            "event_archived": self._event_archived,
            "exchange_market_archived": self._exchange_archived,
            "orders_archived": self._orders_archived,
            "bets_settled": self._bets_settled,
            "exchange_result_recorded": self._exchange_changed,
            "exchange_settled": self._exchange_changed,
            **dict.fromkeys(CHANGES, self._changed),
        }

    def apply(self, fact: Plain, at_us: int) -> None:
        """After everybody else has folded the fact."""
        step = self._steps.get(fact["kind"])
        if step is not None:
            step(fact, at_us)
        named = [fact["bet_id"]] if "bet_id" in fact else []
        again = [bet for bet in named if bet in self.gone]
        hold(not again or fact["kind"] == "request_refused", "something happened to a bet that was archived", fact)

    def refused(self, fact: Plain, asked: Plain) -> None:
        """Somebody was told that what they named is archived: so it is."""
        if fact.get("code") == "market_archived" and "market_id" in asked:
            known = asked["market_id"] in self.markets | self.traded
            hold(known, "told that a market is archived", fact, asked)

    def _after_set(self, fact: Plain, _: int) -> None:
        hold(fact["before_us"] == self.after_us, "another period was there before", fact, self.after_us)
        self.after_us = fact["after_us"]

    # ------------------------------------------------------------ the sportsbook

    def _changed(self, fact: Plain, _: int) -> None:
        hold(fact["market_id"] not in self.markets, "an archived market changed", fact)
        self.settled.pop(fact["market_id"], None)

    def _bets_settled(self, fact: Plain, at_us: int) -> None:
        rows = [row[0] for row in (*fact["bets"], *fact.get("reopened", ()))]
        hold(not self.gone.intersection(rows), "a bet settled that was archived", fact)
        if fact["last"] and self._offer.markets[fact["market_id"]].result:
            self.settled[fact["market_id"]] = at_us

    def _market_archived(self, fact: Plain, at_us: int) -> None:
        market_id = fact["market_id"]
        since_us = self.settled.pop(market_id, None)
        hold(since_us is not None, "a market archived that is not settled", fact)
        assert since_us is not None
        hold(at_us >= since_us + self.after_us, "a market archived too early", fact, since_us, self.after_us)
        self.markets.add(market_id)

    def _bets_archived(self, fact: Plain, at_us: int) -> None:
        for number in fact["bets"]:
            hold(number not in self.gone, "a bet archived twice", number, fact)
            self.gone.add(number)
        for number in fact["bets"]:
            if fact["market_id"]:
                hold(self._is_over(number), "a bet archived that may yet change", number, fact)
            else:
                self._refused_long_ago(number, fact, at_us)
            parts = [bet.id for bet in self._bets.tickets.of(self._ticket(number))] if self._ticket(number) else []
            hold(self.gone.issuperset(parts), "a ticket archived in part", number, fact)

    def _ticket(self, number: int) -> int:
        bet = self._bets.tickets.bets.get(number)
        return bet.ticket if bet is not None else 0

    def _is_over(self, number: int) -> bool:
        bet = self._bets.find(number)
        return bet is not None and bet.status in OVER and self.markets.issuperset(self._named(number))

    def _named(self, number: int) -> list[int]:
        """The markets on which a bet depends."""
        single = self._bets.bets.get(number)
        return [single.market] if single else [leg.market for leg in self._bets.tickets.bets[number].legs]

    def _refused_long_ago(self, number: int, fact: Plain, at_us: int) -> None:
        bet = self._bets.find(number)
        hold(bet is not None and bet.status == "refused", "a bet archived that stands", number, fact)
        assert bet is not None
        hold(at_us >= bet.decide_at_us + self.after_us, "a refused bet archived too early", bet, fact)

    def _event_archived(self, fact: Plain, _: int) -> None:
        event = fact["event_id"]
        left = [market.id for market in self._offer.markets.values() if market.event == event]
        hold(event not in self.events and self.markets.issuperset(left), "an event archived with a market", fact)
        hold(self._offer.events[event] == "ended", "an event archived that goes on", fact)
        self.events.add(event)

    # ------------------------------------------------------------ the exchange

    def _exchange_changed(self, fact: Plain, at_us: int) -> None:
        hold(fact["market_id"] not in self.traded, "an archived market of the exchange changed", fact)
        self.closed.pop(fact["market_id"], None)
        if fact.get("last"):
            self.closed[fact["market_id"]] = at_us

    def _exchange_archived(self, fact: Plain, at_us: int) -> None:
        since_us = self.closed.pop(fact["market_id"], None)
        hold(since_us is not None, "a market of the exchange archived that is not settled", fact)
        assert since_us is not None
        hold(at_us >= since_us + self.after_us, "a market of the exchange archived too early", fact, since_us)
        self.traded.add(fact["market_id"])

    def _orders_archived(self, fact: Plain, _: int) -> None:
        hold(fact["market_id"] in self.traded, "orders archived before their market", fact)
        for number in fact["orders"]:
            order = self._exchange.orders[number]
            whole = order.market == fact["market_id"] and not order.left and number not in self.orders
            hold(whole, "an order archived that may yet change", order, fact)
            self.orders.add(number)

    # ------------------------------------------------------------ at the end

    def is_done(self, at_us: int) -> None:
        """A house at rest has let go of all that was due."""
        late = [market for market, since_us in self.settled.items() if since_us + self.after_us < at_us]
        late += [market for market, since_us in self.closed.items() if since_us + self.after_us < at_us]
        hold(not late, "markets that should have been archived", late, at_us)
        every = (*self._bets.bets, *self._bets.tickets.bets)
        tickets = {number: self._bets.tickets.of(self._ticket(number)) for number in every if self._ticket(number)}
        left = [
            number
            for number in every
            if number not in self.gone
            and all(map(self._is_over, [bet.id for bet in tickets[number]] if number in tickets else [number]))
        ]
        hold(not left, "bets that should have been archived", left)
