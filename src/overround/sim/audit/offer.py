"""What was on offer at each moment, in plain code: markets, prices, versions, and when each feed last spoke."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from overround.sim.audit.control import Control
from overround.sim.audit.words import Plain, hold

SILENCE_US = 20_000_000


@dataclass
class Market:
    id: int
    event: int
    type: str
    specifiers: dict[str, int]
    prices: dict[int, int]
    feed: str
    in_play: bool
    delay_us: int
    liability_minor: int
    confirmed_at_us: int
    status: str = "suspended"
    version: int = 1
    revision: int = 0
    result: list[Any] = field(default_factory=list)
    cancelled: list[tuple[int, int]] = field(default_factory=list)
    """Windows in which what was struck is void."""
    names: dict[int, str] = field(default_factory=dict)
    terms: Plain = field(default_factory=dict)
    withdrawn: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By selection: when, and at which price."""

    said: dict[int, int] = field(default_factory=dict)
    """What the feed said last; `prices` is on offer."""

    by_hand: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By selection: a price set by hand, and until when."""

    stopped: dict[int, str] = field(default_factory=dict)
    """By selection: why the desk suspended it."""

    def offer(self) -> None:
        """What is on offer: nothing where a selection is out or stopped, a hand's price before the feed's."""
        for selection, said in self.said.items():
            by_hand, _ = self.by_hand.get(selection, (0, 0))
            out = self.stopped.get(selection) or selection in self.withdrawn
            self.prices[selection] = 0 if out else by_hand or said

    def costs(self, winner: int, paid: Counter[int]) -> int:
        """What is paid at most if a selection wins, given what each is paid: with it win two of the three double
        chances, as many as there are places, any other scorer, or nobody."""
        several = {"double_chance": 2, "anytime_goalscorer": len(self.prices)}
        together = several.get(self.type, self.specifiers.get("places", 1))
        others = sorted((minor for selection, minor in paid.items() if selection != winner), reverse=True)
        return paid[winner] + sum(others[: together - 1])

    @property
    def wants(self) -> int:
        """How certain a result must be."""
        return int(self.terms.get("certainty", 2))


@dataclass
class Feed:
    seen_at_us: int
    silent: bool = False
    back_at_us: int = 0


class Offer:
    """Folds the facts about the catalogue."""

    def __init__(self) -> None:
        self.markets: dict[int, Market] = {}
        self.feeds: dict[str, Feed] = {}
        self.events: dict[int, str] = {}
        self.moments: dict[int, str] = {}
        self.control = Control()

    @property
    def is_open(self) -> bool:
        """Whether any market takes bets, as far as its status goes."""
        return any(market.status == "open" for market in self.markets.values())

    def apply(self, fact: Plain, at_us: int) -> None:
        self.control.apply(fact, at_us)
        step = getattr(self, "_" + fact["kind"], None)
        if step is not None:
            step(fact, at_us)

    def _event_created(self, fact: Plain, _: int) -> None:
        hold(fact["event_id"] == len(self.events) + 1, "an event out of order", fact)
        self.events[fact["event_id"]] = "scheduled"

    def _market_created(self, fact: Plain, at_us: int) -> None:
        hold(fact["market_id"] == len(self.markets) + 1, "a market out of order", fact)
        self.markets[fact["market_id"]] = Market(
            id=fact["market_id"],
            event=fact["event_id"],
            type=fact["type"],
            specifiers=fact["specifiers"],
            prices=dict(enumerate(fact["prices_milli"], 1)),
            said=dict(enumerate(fact["prices_milli"], 1)),
            feed=fact["feed"],
            in_play=fact["in_play"],
            delay_us=fact["delay_us"],
            liability_minor=fact["liability_minor"],
            confirmed_at_us=at_us,
            names=dict(enumerate(fact["selections"], 1)),
            terms=fact.get("terms") or {},
        )
        if fact["feed"]:
            self.feeds.setdefault(fact["feed"], Feed(at_us))

    def _prices_set(self, fact: Plain, at_us: int) -> None:
        market = self.markets[fact["market_id"]]
        hold(market.status in ("open", "suspended"), "a price on a market that is over", fact)
        back = [selection for selection, price in fact["prices"] if price and selection in market.withdrawn]
        hold(not back, "a price for a runner that was withdrawn", back, fact, market)
        market.said.update(dict(fact["prices"]))
        market.offer()
        market.confirmed_at_us = at_us

    def _price_overridden(self, fact: Plain, at_us: int) -> None:
        market, selection = self.markets[fact["market_id"]], fact["selection_id"]
        hold(market.status in ("open", "suspended"), "a price by hand on a market that is over", fact)
        hold(fact["before_milli"] == market.prices[selection], "another price before", fact, market)
        hold(fact["until_us"] > at_us, "a price by hand that is over at once", fact)
        market.by_hand[selection] = (fact["price_milli"], fact["until_us"])
        market.offer()

    def _override_ended(self, fact: Plain, at_us: int) -> None:
        market, selection = self.markets[fact["market_id"]], fact["selection_id"]
        hold(fact["before_milli"] == market.prices[selection], "another price before", fact, market)
        _, until_us = market.by_hand.pop(selection)
        hold(not fact.get("expired", False) or at_us >= until_us, "a price by hand ended too early", fact, until_us)
        market.offer()
        hold(fact["price_milli"] == market.prices[selection], "another price after", fact, market)

    def _level_suspended(self, fact: Plain, _: int) -> None:
        if fact["level"] == "selection":
            self._stop(fact, fact["reason"])

    def _level_resumed(self, fact: Plain, _: int) -> None:
        if fact["level"] == "selection":
            self._stop(fact, "")

    def _stop(self, fact: Plain, reason: str) -> None:
        market, selection = self.markets[fact["id"]], fact["selection_id"]
        hold(fact.get("before", "") == market.stopped.get(selection, ""), "another suspension before", fact, market)
        market.stopped[selection] = reason
        market.offer()
        market.version += 1

    def _market_suspended(self, fact: Plain, _: int) -> None:
        self._become(fact["market_id"], "suspended", fact)

    def _market_resumed(self, fact: Plain, at_us: int) -> None:
        self._become(fact["market_id"], "open", fact)
        self.markets[fact["market_id"]].confirmed_at_us = at_us

    def _market_closed(self, fact: Plain, _: int) -> None:
        self._become(fact["market_id"], "closed", fact)

    def _become(self, market_id: int, status: str, fact: Plain) -> None:
        market = self.markets[market_id]
        hold(market.status in ("open", "suspended"), "a market came back from its end", fact, market)
        market.status = status
        market.version += 1

    def _market_changed(self, fact: Plain, _: int) -> None:
        market = self.markets[fact["market_id"]]
        market.delay_us, market.liability_minor = fact["delay_us"], fact["liability_minor"]
        market.terms = fact.get("terms", market.terms)
        market.version += 1

    def _moment_set(self, fact: Plain, _: int) -> None:
        hold(self.events[fact["event_id"]] != "ended", "a moment of an event that is over", fact)
        self.moments[fact["event_id"]] = fact["moment"]

    def delay_us(self, market: Market) -> int:
        """How long a bet waits: as the market says for the moment, in play."""
        if self.events[market.event] != "in_play":
            return 0
        by_moment = market.terms.get("moment_delays_us", {})
        return int(by_moment.get(self.moments.get(market.event, "normal"), market.delay_us))

    def _selection_withdrawn(self, fact: Plain, at_us: int) -> None:
        market = self.markets[fact["market_id"]]
        gone = fact["selection_id"] in market.withdrawn or market.status == "resulted"
        hold(not gone, "a runner withdrawn twice, or after the result", fact, market)
        market.withdrawn[fact["selection_id"]] = at_us, fact["price_milli"]
        market.prices[fact["selection_id"]] = 0
        market.status = "suspended" if market.status == "open" else market.status
        market.version += 1

    def _result_heard(self, fact: Plain, _: int) -> None:
        market = self.markets[fact["market_id"]]
        hold(fact["certainty"] < market.wants, "a result was certain enough and settles nothing", fact, market)
        if market.status in ("open", "suspended"):
            market.status = "closed"
            market.version += 1

    def _event_started(self, fact: Plain, _: int) -> None:
        hold(self.events[fact["event_id"]] == "scheduled", "an event started twice", fact)
        self.events[fact["event_id"]] = "in_play"
        for market in self._running(fact):
            market.status = "suspended" if market.in_play else "closed"
            market.version += 1

    def _event_ended(self, fact: Plain, _: int) -> None:
        hold(self.events[fact["event_id"]] != "ended", "an event ended twice", fact)
        self.events[fact["event_id"]] = "ended"
        for market in self._running(fact):
            market.status = "closed"
            market.version += 1

    def _running(self, fact: Plain) -> list[Market]:
        return [
            market
            for market in self.markets.values()
            if market.event == fact["event_id"] and market.status in ("open", "suspended")
        ]

    def _result_recorded(self, fact: Plain, _: int) -> None:
        market = self.markets[fact["market_id"]]
        hold(fact["revision"] == market.revision + 1, "a result's revision is out of order", fact, market)
        hold(fact["result"] != market.result, "a result recorded twice", fact)
        hold(fact.get("certainty", 2) >= market.wants, "a result that is not certain enough", fact, market)
        market.revision, market.result, market.status = fact["revision"], fact["result"], "resulted"
        market.version += 1

    def _result_rolled_back(self, fact: Plain, _: int) -> None:
        market = self.markets[fact["market_id"]]
        hold(fact["revision"] == market.revision + 1, "a rollback's revision is out of order", fact, market)
        hold(fact["before"] == market.result != [], "a result taken back that did not stand", fact, market)
        market.revision, market.result, market.status = fact["revision"], [], "closed"
        market.version += 1

    def _market_bets_cancelled(self, fact: Plain, _: int) -> None:
        self._window(fact).append((fact["from_us"], fact["until_us"]))

    def _market_bets_restored(self, fact: Plain, _: int) -> None:
        self._window(fact).remove((fact["from_us"], fact["until_us"]))

    def _window(self, fact: Plain) -> list[tuple[int, int]]:
        market = self.markets[fact["market_id"]]
        hold(fact["revision"] == market.revision + 1, "a cancellation's revision is out of order", fact, market)
        market.revision = fact["revision"]
        market.version += 1
        return market.cancelled

    def _market_handed_over(self, fact: Plain, at_us: int) -> None:
        self.markets[fact["market_id"]].feed = fact["feed"]
        if fact["feed"]:
            self.feeds.setdefault(fact["feed"], Feed(at_us))

    def _feed_seen(self, fact: Plain, at_us: int) -> None:
        feed = self.feeds.setdefault(fact["feed"], Feed(at_us))
        feed.seen_at_us = at_us
        if feed.silent:
            feed.silent, feed.back_at_us = False, at_us

    def _feed_silenced(self, fact: Plain, at_us: int) -> None:
        feed = self.feeds.setdefault(fact["feed"], Feed(at_us))
        asked_for = fact.get("cause") is not None
        hold(asked_for or at_us >= feed.seen_at_us + SILENCE_US, "a feed silenced too early", fact, feed)
        feed.silent = True

    def takes_bets(self, market: Market, at_us: int, fact: Plain, *, since_us: int | None = None) -> None:
        """The market takes bets, and did while one waited since an instant."""
        why_not = self.why_not(market, at_us, since_us=since_us)
        hold(not why_not, why_not, market, at_us, fact)

    def why_not(self, market: Market, at_us: int, *, since_us: int | None = None) -> str:
        """Nothing where the market is open, whoever keeps it has spoken of it lately, and the desk lets it be, and did
        since an instant."""
        stopped = self.control.why_not(market.id, at_us, at_us if since_us is None else since_us)
        if stopped or market.status != "open":
            return stopped or "a bet on a market that is not open"
        if not market.feed:
            return ""
        feed = self.feeds[market.feed]
        if feed.silent:
            return "a bet on a market whose feed is silent"
        if at_us >= feed.seen_at_us + SILENCE_US:
            return "a bet on a price of a silent feed"
        return "" if market.confirmed_at_us >= feed.back_at_us else "a bet on a price from before the silence"
