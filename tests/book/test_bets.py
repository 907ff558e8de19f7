"""What the house owes: exposure kept bet by bet, against exposure added up again from all bets."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from overround.book import bets, catalogue
from overround.book.bets import (
    BET_LIFE,
    Bet,
    BetAccepted,
    BetAction,
    BetDelayed,
    BetsState,
    BetStatus,
    DelayedBetAccepted,
    DelayedBetRefused,
    OddsChange,
    Outcome,
)
from overround.book.catalogue import (
    CatalogueState,
    CompetitionCreated,
    EventCreated,
    MarketCreated,
    SportCreated,
    result_market,
)
from overround.kernel.level import Level
from overround.kernel.price import payout_minor

markets = st.integers(1, 3)
asked = st.fixed_dictionaries(
    {
        "market_id": markets,
        "selection_id": st.integers(1, 3),
        "currency": st.sampled_from(("EUR", "GBP")),
        "stake_minor": st.integers(1, 5_000),
        "price_milli": st.integers(1_001, 20_000),
    }
)


def three_markets() -> CatalogueState:
    """Three markets of one event."""
    state = CatalogueState()
    for fact in (
        SportCreated(sport_id=1, name="football"),
        CompetitionCreated(competition_id=1, sport_id=1, name="cup"),
        EventCreated(event_id=1, competition_id=1, name="final", starts_at_us=0),
        *(
            MarketCreated(
                market_id=number,
                event_id=1,
                type="1x2",
                specifiers={},
                selections=("home", "draw", "away"),
                prices_milli=(2_000, 3_000, 4_000),
                feed="",
                in_play=False,
                delay_us=0,
                liability_minor=0,
            )
            for number in (1, 2, 3)
        ),
    ):
        catalogue.apply(state, fact, 0)
    return state


class BetsModel(RuleBasedStateMachine):
    """Bets are taken, wait, stand or do not, and their markets get results, in any order that the life allows."""

    def __init__(self) -> None:
        super().__init__()
        self.state = BetsState()
        self.catalogue = three_markets()
        self.seq = 0
        self.resulted: set[int] = set()

    def fields(self, asked: dict[str, object]) -> dict[str, object]:
        self.seq += 1
        ids = {"bet_id": self.state.next_id(), "customer_id": 1, "market_version": 1}
        return {**asked, **ids, "odds_change": OddsChange.NONE}

    @rule(asked=asked)
    def take(self, asked: dict[str, object]) -> None:
        if asked["market_id"] not in self.resulted:
            fact = BetAccepted(**self.fields(asked))  # type: ignore[arg-type]
            most = payout_minor(stake_minor=fact.stake_minor, price_milli=fact.price_milli)
            bets.accept(
                self.state, self.catalogue, fact, at_us=self.seq, seq=self.seq, key=b"", content=0, most_minor=most
            )

    @rule(asked=asked)
    def wait(self, asked: dict[str, object]) -> None:
        if asked["market_id"] not in self.resulted:
            fact = BetDelayed(**self.fields(asked), decide_at_us=9)  # type: ignore[arg-type]
            bets.delay(self.state, fact, at_us=self.seq, seq=self.seq, key=b"", content=0)

    def waiting(self) -> list[Bet]:
        return [bet for bet in self.state.bets.values() if bet.status is BetStatus.DELAYED]

    @precondition(lambda self: self.waiting())
    @rule(which=st.integers(0, 9), price=st.integers(1_001, 20_000), stands=st.booleans())
    def decide(self, which: int, price: int, stands: bool) -> None:
        waiting = self.waiting()
        bet = waiting[which % len(waiting)]
        self.seq += 1
        if stands and bet.market_id not in self.resulted:
            fact = DelayedBetAccepted(bet_id=bet.id, customer_id=1, price_milli=price)
            bets.accept_delayed(self.state, self.catalogue, fact, seq=self.seq)
        else:
            bets.refuse_delayed(self.state, DelayedBetRefused(bet_id=bet.id, customer_id=1, code="no", detail={}))

    @rule(market=markets, outcome=st.sampled_from(Outcome))
    def result(self, market: int, outcome: Outcome) -> None:
        self.resulted.add(market)
        result_market(self.catalogue.markets[market])
        bets.release((self.state, self.catalogue), market)
        for bet in self.state.by_market.get(market, ()):
            bets.settle((self.state, self.catalogue), bet, outcome=outcome, payout_minor=7)

    @invariant()
    def exposure_is_what_adding_up_says(self) -> None:
        for market in (1, 2, 3):
            for currency in ("EUR", "GBP"):
                self.compare(market, currency)
        for (level, _, currency), tally in self.state.worst.items():
            assert level is not Level.SELECTION
            books = (by_currency.get(currency) for by_currency in self.state.exposures.values())
            assert tally.minor == sum(book.worst_minor for book in books if book)

    def compare(self, market: int, currency: str) -> None:
        stand = [
            bet
            for bet in self.state.bets.values()
            if (bet.market_id, bet.currency, bet.status) == (market, currency, BetStatus.OPEN)
        ]
        exposure = self.state.exposure(market, currency)
        assert (exposure is None) == (not stand)
        if exposure:
            payouts: dict[int, int] = {}
            for bet in stand:
                paid = payout_minor(stake_minor=bet.stake_minor, price_milli=bet.price_milli)
                payouts[bet.selection_id] = payouts.get(bet.selection_id, 0) + paid
            assert exposure.payouts_minor == payouts
            assert exposure.stakes_minor == sum(bet.stake_minor for bet in stand)
            assert exposure.worst_minor == max(0, max(payouts.values()) - exposure.stakes_minor)

    @invariant()
    def the_index_is_found_again_from_the_bets(self) -> None:
        again = BetsState(bets=self.state.bets)
        bets.index(again, self.catalogue)
        assert again.by_market == self.state.by_market


TestBetsModel = BetsModel.TestCase


def test_a_bet_has_no_other_life() -> None:
    ends = {(status, action): BET_LIFE.get((status, action)) for status in BetStatus for action in BetAction}
    assert {step: following for step, following in ends.items() if following} == {
        (BetStatus.DELAYED, BetAction.ACCEPT): BetStatus.OPEN,
        (BetStatus.DELAYED, BetAction.REFUSE): BetStatus.REFUSED,
        (BetStatus.REFERRED, BetAction.ACCEPT): BetStatus.OPEN,
        (BetStatus.REFERRED, BetAction.REFUSE): BetStatus.REFUSED,
        (BetStatus.REFERRED, BetAction.OFFER): BetStatus.OFFERED,
        (BetStatus.OFFERED, BetAction.ACCEPT): BetStatus.OPEN,
        (BetStatus.OFFERED, BetAction.REFUSE): BetStatus.REFUSED,
        (BetStatus.OPEN, BetAction.CASH_OUT): BetStatus.CASHED_OUT,
        (BetStatus.SETTLED, BetAction.REOPEN): BetStatus.OPEN,
        (BetStatus.OPEN, BetAction.SETTLE): BetStatus.SETTLED,
        (BetStatus.SETTLED, BetAction.SETTLE): BetStatus.SETTLED,
    }
