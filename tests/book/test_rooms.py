"""Models of the catalogue and of settlement's progress: strings and counters instead of tables and indexes."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.book.house import NOON_US

from overround.book import catalogue, settlement
from overround.book.bets import Outcome
from overround.book.catalogue import (
    CatalogueState,
    CompetitionCreated,
    EventCreated,
    EventEnded,
    EventStarted,
    FeedSeen,
    FeedSilenced,
    MarketAction,
    MarketClosed,
    MarketCreated,
    MarketResumed,
    MarketStatus,
    MarketSuspended,
    PricesSet,
    SportCreated,
)
from overround.book.settlement import BetsSettled, ResultRecorded, Score, SettledBet, SettlementState
from overround.kernel.fact import Fact

MARKETS = (1, 2, 3)
markets = st.sampled_from(MARKETS)
SILENCE_US = 20_000_000
BETS = {1: 5, 2: 0}
"""How many bets each market of the settlement has."""


class CatalogueModel(RuleBasedStateMachine):
    """One event, a market in play, one kept by a feed, one not in play. The model remembers when the feed spoke."""

    def __init__(self) -> None:
        super().__init__()
        self.state = CatalogueState()
        self.at_us = NOON_US
        self.fold(SportCreated(sport_id=1, name="Football"))
        self.fold(CompetitionCreated(competition_id=1, sport_id=1, name="League"))
        self.fold(EventCreated(event_id=1, competition_id=1, name="A – B", starts_at_us=0))
        for market, (feed, in_play) in enumerate((("", True), ("odds", True), ("", False)), 1):
            self.fold(
                MarketCreated(
                    market_id=market, event_id=1, type="1x2", specifiers={}, selections=("home", "draw", "away"),
                    prices_milli=(2_000, 3_000, 4_000), feed=feed, in_play=in_play, delay_us=0, liability_minor=0,
                )
            )  # fmt: skip
        self.status = dict.fromkeys(MARKETS, "suspended")
        self.changes = dict.fromkeys(MARKETS, 1)
        self.event = "scheduled"
        self.heard = [self.at_us]
        self.confirmed = self.at_us

    def fold(self, fact: Fact) -> None:
        assert catalogue.apply(self.state, fact, self.at_us)

    @rule(us=st.sampled_from((1, 1_000_000, 9_000_000, 20_000_000, 60_000_000)))
    def time_passes(self, us: int) -> None:
        self.at_us += us
        feed = self.state.feeds["odds"]
        silent = self.at_us - self.heard[-1] >= SILENCE_US
        assert catalogue.is_silent(feed, now_us=self.at_us) == (silent and not feed.silent)
        if catalogue.is_silent(feed, now_us=self.at_us) and us > 1:
            self.fold(FeedSilenced(feed="odds"))

    @rule()
    def the_feed_speaks(self) -> None:
        self.fold(FeedSeen(feed="odds"))
        self.heard.append(self.at_us)

    def step(self, market: int, action: MarketAction, fact: Fact, status: str) -> None:
        allowed = self.status[market] in ("open", "suspended")
        assert catalogue.may(self.state.markets[market], action) == allowed
        if allowed:
            self.fold(fact)
            self.status[market] = status
            self.changes[market] += 1

    @rule(market=markets)
    def suspend(self, market: int) -> None:
        self.step(market, MarketAction.SUSPEND, MarketSuspended(market_id=market, reason="goal"), "suspended")

    @rule(market=markets)
    def resume(self, market: int) -> None:
        self.step(market, MarketAction.RESUME, MarketResumed(market_id=market), "open")
        if market == 2:
            self.confirmed = self.at_us

    @rule(market=markets)
    def close(self, market: int) -> None:
        self.step(market, MarketAction.CLOSE, MarketClosed(market_id=market), "closed")

    @rule(market=markets)
    def result(self, market: int) -> None:
        assert catalogue.may(self.state.markets[market], MarketAction.RESULT)
        catalogue.result_market(self.state.markets[market])
        self.status[market] = "resulted"
        self.changes[market] += 1

    @rule(market=markets, price=st.integers(900, 3_000))
    def set_price(self, market: int, price: int) -> None:
        refusal = catalogue.prices_refusal(self.state.markets[market], ((1, price),))
        assert (refusal is None) == (self.status[market] in ("open", "suspended") and price >= 1_001)
        if refusal is None:
            self.fold(PricesSet(market_id=market, prices=((1, price),)))
            assert self.state.markets[market].selections[1].price_milli == price
            self.confirmed = self.at_us if market == 2 else self.confirmed

    @rule()
    def start(self) -> None:
        if self.event == "scheduled":
            self.fold(EventStarted(event_id=1))
            self.event = "in_play"
            self.move_all({1: "suspended", 2: "suspended", 3: "closed"})

    @rule(likely=st.integers(0, 4))
    def end(self, likely: int) -> None:
        if self.event != "ended" and not likely:
            self.fold(EventEnded(event_id=1))
            self.event = "ended"
            self.move_all(dict.fromkeys(MARKETS, "closed"))

    def move_all(self, to: dict[int, str]) -> None:
        for market, status in to.items():
            if self.status[market] in ("open", "suspended"):
                self.status[market] = status
                self.changes[market] += 1

    @invariant()
    def statuses_and_versions_agree(self) -> None:
        assert self.state.events[1].status == self.event
        for market in MARKETS:
            found = self.state.markets[market]
            assert (found.status, found.version) == (MarketStatus(self.status[market]), self.changes[market])

    @invariant()
    def bets_are_taken_while_the_feed_speaks(self) -> None:
        gaps = [
            after for before, after in zip(self.heard, self.heard[1:], strict=False) if after - before >= SILENCE_US
        ]
        back_at_us = max(gaps, default=0)
        speaks = self.at_us - self.heard[-1] < SILENCE_US and self.confirmed >= back_at_us
        for market in MARKETS:
            takes = self.state.takes_bet(self.state.markets[market], asked_at_us=self.at_us, now_us=self.at_us)
            assert takes == (self.status[market] == "open" and (market != 2 or speaks))


TestCatalogueModel = CatalogueModel.TestCase


class SettlementModel(RuleBasedStateMachine):
    """Results and steps of two markets in any order: the last result settles every bet once, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.state = SettlementState()
        self.revisions = {1: 0, 2: 0}
        self.done: dict[int, list[int]] = {1: [], 2: []}

    @rule(market=st.sampled_from((1, 2)), home=st.integers(0, 3))
    def record(self, market: int, home: int) -> None:
        self.revisions[market] += 1
        result = Score(home, 0)
        fact = ResultRecorded(market_id=market, revision=self.revisions[market], result=result)
        settlement.record(self.state, fact)
        self.done[market] = []
        assert self.state.results[market] == result

    @rule(size=st.integers(1, 3))
    def step(self, size: int) -> None:
        for settling in self.state.settling.values():
            ahead = range(settling.done, min(settling.done + size, BETS[settling.market_id]))
            assert settling.revision == self.revisions[settling.market_id]
            self.done[settling.market_id] += ahead
            rows = tuple(SettledBet(bet + 1, 1, Outcome.LOST, 0, 0) for bet in ahead)
            last = settling.done + len(rows) >= BETS[settling.market_id]
            settlement.advance(
                self.state,
                BetsSettled(market_id=settling.market_id, revision=settling.revision, bets=rows, last=last),
            )
            return

    @invariant()
    def each_bet_is_settled_once_by_the_last_result(self) -> None:
        for market, done in self.done.items():
            assert done == list(range(len(done)))
            finished = market not in self.state.settling
            assert finished == (not self.revisions[market] or len(done) == BETS[market]) or not BETS[market]


TestSettlementModel = SettlementModel.TestCase
