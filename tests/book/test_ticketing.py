"""Tickets through the whole machine: taken whole or not at all, settled when decided, opened again when a result
goes."""

import random
from collections.abc import Callable
from fractions import Fraction
from itertools import combinations

import msgspec
import pytest
from tests.book.house import House
from tests.book.tables import number, table

from overround.book.bets import Bet, BetStatus, OddsChange, Outcome, TicketAccepted
from overround.book.catalogue import EachWay, MarketStatus, MarketTerms
from overround.book.limits import Cap
from overround.book.machine import (
    Answer,
    Machine,
    TicketAnswer,
    decode_fact,
    decode_snapshot,
    encode_snapshot,
    fold,
    state_hash,
)
from overround.book.machine import commands as c
from overround.book.machine.commands import BetAsked, LegAsked
from overround.book.machine.state import empty
from overround.book.settlement import Finish, Score, Void
from overround.book.tickets import SYSTEMS
from overround.kernel.instant import SECOND_US
from overround.kernel.level import Level
from overround.kernel.refusal import Refused

HOME_WINS, DRAW, AWAY_WINS = Score(1, 0), Score(0, 0), Score(0, 1)


def leg(house: House, market: int, selection: int = 1, *, price: int | None = None, banker: bool = False) -> LegAsked:
    on_offer = house.machine.state.catalogue.markets[market].selections[selection].price_milli
    return LegAsked(market, selection, on_offer if price is None else price, banker)


def ask(house: House, customer: int, *bets: BetAsked, **asked: object) -> Answer:
    command = msgspec.structs.replace(c.PlaceTicket(customer, "EUR", bets), **asked)
    return house.ask(command, actor=customer)


def taken(house: House, customer: int, *bets: BetAsked, **asked: object) -> tuple[Bet, ...]:
    """The bets of a ticket that must be taken, or wait."""
    answer = ask(house, customer, *bets, **asked)
    assert isinstance(answer, TicketAnswer), answer
    return tuple(house.machine.state.bets.bets[each.bet_id] for each in answer.bets)


def multiple(house: House, markets: list[int], stake_minor: int = 1_000, folds: tuple[int, ...] = ()) -> BetAsked:
    """A bet on the home side of each market: one line of all, or these folds."""
    return BetAsked(tuple(leg(house, market) for market in markets), folds or (len(markets),), stake_minor)


def result(house: House, market: int, score: object) -> None:
    house.do(c.RecordResult(market, score))  # type: ignore[arg-type]
    house.wait()


# ---------------------------------------------------------------- taken whole, refused whole


def test_a_double_is_taken_and_paid_when_both_have_won() -> None:
    house = House()
    customer, markets = house.customer(cash_minor=10_000), [house.market(), house.market()]
    (bet,) = taken(house, customer, multiple(house, markets))
    assert (house.cash(customer), bet.potential_minor) == (9_000, 4_000)
    result(house, markets[0], HOME_WINS)
    assert bet.status is BetStatus.OPEN
    result(house, markets[1], HOME_WINS)
    assert (bet.status, bet.outcome, bet.payout_minor) == (BetStatus.SETTLED, Outcome.WON, 4_000)
    assert house.cash(customer) == 13_000


def test_a_double_is_lost_with_its_first_loser() -> None:
    house = House()
    customer, markets = house.customer(cash_minor=10_000), [house.market(), house.market()]
    (bet,) = taken(house, customer, multiple(house, markets))
    result(house, markets[0], DRAW)
    assert (bet.status, bet.outcome, bet.payout_minor) == (BetStatus.SETTLED, Outcome.LOST, 0)
    assert house.trading() == 1_000


@pytest.mark.parametrize("name", ["trixie", "patent", "yankee", "lucky_15", "goliath"])
def test_a_system_pays_each_of_its_lines(name: str) -> None:
    house, system = House(), SYSTEMS[name]
    customer = house.customer(cash_minor=100_000)
    house.terms(max_payout_minor=10**12, market_liability_minor=10**12, house_liability_minor=10**12)
    markets = [house.market() for _ in range(system.legs)]
    (bet,) = taken(house, customer, multiple(house, markets, 50_000, system.folds))
    result(house, markets[0], AWAY_WINS)
    for market in markets[1:]:
        result(house, market, HOME_WINS)
    lines = [pick for fold in system.folds for pick in combinations(range(system.legs), fold)]
    won = sum(Fraction(50_000, len(lines)) * 2 ** len(pick) for pick in lines if 0 not in pick)
    assert bet.payout_minor == round(won)


def test_a_ticket_is_refused_whole_for_one_leg() -> None:
    house = House()
    customer, markets = house.customer(cash_minor=10_000), [house.market() for _ in range(3)]
    house.do(c.SuspendMarket(markets[2], "goal"))
    answer = ask(house, customer, multiple(house, markets[:2]), multiple(house, markets))
    version = house.machine.state.catalogue.markets[markets[2]].version
    assert answer == Refused("market_suspended", {"bet": 2, "leg": 3, "market_version": version})
    assert (house.cash(customer), len(house.machine.state.bets.bets)) == (10_000, 0)


def test_two_selections_of_one_event_are_related() -> None:
    house = House()
    customer, event = house.customer(cash_minor=10_000), house.event()
    markets = [
        house.market(event_id=event),
        house.market("both_teams_to_score", event_id=event, prices_milli=(1_800, 1_900)),
    ]
    assert ask(house, customer, multiple(house, markets)) == Refused("legs_related", {"bet": 1})


def test_a_key_has_one_ticket() -> None:
    house = House()
    customer, market = house.customer(cash_minor=10_000), house.market()
    command, key = c.PlaceTicket(customer, "EUR", (multiple(house, [market]),)), house.key()
    first = house.ask(command, key=key, actor=customer)
    assert house.ask(command, key=key, actor=customer) == first
    assert house.cash(customer) == 9_000
    found = house.ask(c.FindBet(customer, key=key), actor=customer)
    assert getattr(found, "bet_id", 0) == getattr(first, "ticket_id", -1)


@pytest.mark.parametrize(
    ("policy", "price", "answer"),
    [
        (OddsChange.NONE, 2_100, "price_changed"),
        (OddsChange.HIGHER, 2_100, 2_100),
        (OddsChange.HIGHER, 1_900, "price_changed"),
        (OddsChange.LOWER, 1_900, 1_900),
        (OddsChange.LOWER, 2_100, "price_changed"),
        (OddsChange.ANY, 1_900, 1_900),
    ],
)
def test_the_odds_really_taken_are_in_the_answer(policy: OddsChange, price: int, answer: str | int) -> None:
    house = House()
    customer, market = house.customer(cash_minor=10_000), house.market()
    asked = multiple(house, [market])
    house.do(c.SetPrices(market, ((1, price),)))
    told = ask(house, customer, asked, odds_change=policy)
    if isinstance(told, TicketAnswer):
        assert told.bets[0].slip.legs[0].price_milli == answer
    else:
        assert told == Refused(str(answer), {"bet": 1, "leg": 1, "price_milli": price})


# ---------------------------------------------------------------- limits at every level


def levels(house: House, market: int) -> dict[Level, tuple[int, int]]:
    """The id of each level above a selection of a market."""
    on_offer = house.machine.state.catalogue
    event = on_offer.events[on_offer.markets[market].event_id]
    competition = on_offer.competitions[event.competition_id]
    return {
        Level.SELECTION: (market, 1),
        Level.MARKET: (market, 0),
        Level.EVENT: (event.id, 0),
        Level.COMPETITION: (competition.id, 0),
        Level.SPORT: (competition.sport_id, 0),
        Level.PLATFORM: (0, 0),
    }


@pytest.mark.parametrize("level", [level for level in Level if level is not Level.PLAYER])
@pytest.mark.parametrize("row", table("acceptance.md", "Limits at every level"), ids=lambda row: row["limit"])
def test_the_narrowest_level_speaks(level: Level, row: dict[str, str]) -> None:
    house, (what, amount) = House(), row["limit"].split()
    cap = Cap(**{f"max_{what}_minor": number(amount)})
    single, double = number(row["largest single"]), number(row["largest double"])
    customer, markets = house.customer(cash_minor=10_000), [house.market(), house.market()]
    id, selection = levels(house, markets[0])[level]
    house.do(c.SetCap(level, id, "EUR", cap, selection))
    named = {"level": level.value, "level_id": selection or id}
    answer = house.bet(customer, markets[0], stake_minor=1_000)
    assert answer == Refused(row["single"], {"max_stake_minor": single, **named})
    answer = ask(house, customer, multiple(house, markets))
    assert answer == Refused(row["double"], {"bet": 1, "max_stake_minor": double, **named})
    assert isinstance(ask(house, customer, multiple(house, markets, double)), TicketAnswer)


def test_the_bets_of_one_ticket_count_together() -> None:
    house = House()
    customer, markets = house.customer(cash_minor=10_000), [house.market(), house.market()]
    house.do(c.SetCap(Level.PLATFORM, 0, "EUR", Cap(max_liability_minor=5_000)))
    asked = multiple(house, markets)  # loses the house 3,000
    answer = ask(house, customer, asked, asked)
    assert answer == Refused("level_liability", {"bet": 2, "max_stake_minor": 666, "level": "platform", "level_id": 0})


def test_what_a_ticket_and_a_day_may_pay() -> None:
    house = House()
    customer, markets = house.customer(cash_minor=10_000), [house.market(), house.market()]
    house.terms(max_ticket_payout_minor=5_000, max_day_payout_minor=9_000)
    asked = multiple(house, markets)
    assert house_code(ask(house, customer, asked, asked)) == "ticket_payout"
    taken(house, customer, asked)
    taken(house, customer, asked)
    answer = ask(house, customer, asked)
    assert answer == Refused("day_payout", {"bet": 1, "max_stake_minor": 250, "level": "player", "level_id": customer})
    assert house_code(house.bet(customer, markets[0], stake_minor=501)) == "day_payout"
    assert isinstance(house.taken(customer, markets[0], stake_minor=500), int)


def house_code(answer: Answer) -> str:
    assert isinstance(answer, Refused), answer
    return answer.code


# ---------------------------------------------------------------- waiting


def in_play(house: House, delay_us: int = 5 * SECOND_US) -> list[int]:
    return [house.in_play_market(delay_us=delay_us), house.in_play_market(delay_us=0)]


def test_a_ticket_waits_for_its_longest_delay() -> None:
    house = House()
    customer, markets = house.customer(cash_minor=10_000), in_play(house)
    (bet,) = taken(house, customer, multiple(house, markets))
    wallet = house.wallet(customer).cash
    assert (bet.status, wallet.balance_minor, wallet.held_minor) == (BetStatus.DELAYED, 10_000, 1_000)
    house.wait(5 * SECOND_US)
    assert (bet.status, wallet.balance_minor, wallet.held_minor) == (BetStatus.OPEN, 9_000, 0)


@pytest.mark.parametrize("index", [0, 1])
def test_a_suspension_within_the_delay_refuses_the_ticket(index: int) -> None:
    house = House()
    customer, markets = house.customer(cash_minor=10_000), in_play(house)
    first, second = taken(house, customer, multiple(house, markets), multiple(house, markets))
    house.do(c.SuspendMarket(markets[index], "goal"))
    house.do(c.ResumeMarket(markets[index]))
    house.wait(5 * SECOND_US)
    assert (first.status, second.status) == (BetStatus.REFUSED, BetStatus.REFUSED)
    assert house.wallet(customer).cash.available_minor == 10_000


def referred(house: House) -> tuple[int, list[int], Bet]:
    """A double of 1,000 where 700 is the most: it waits for a trader."""
    customer, markets = house.customer(cash_minor=10_000), [house.market(), house.market()]
    house.do(c.SetCap(Level.PLATFORM, 0, "EUR", Cap(max_stake_minor=700)))
    (bet,) = taken(house, customer, multiple(house, markets), refer=True)
    assert (bet.status, house.wallet(customer).cash.held_minor) == (BetStatus.REFERRED, 1_000)
    return customer, markets, bet


ENDS: dict[str, Callable[[House, int, int], object]] = {
    "the trader accepts": lambda house, ticket, _: house.do(c.AcceptReferral(ticket)),
    "the trader declines": lambda house, ticket, _: house.do(c.DeclineReferral(ticket)),
    "a minute passes": lambda house, ticket, _: house.wait(60 * SECOND_US),
    "the trader offers": lambda house, ticket, _: offer(house, ticket),
    "the trader offers, the customer takes it": lambda house, ticket, who: answer_offer(house, ticket, who, yes=True),
    "the trader offers, the customer leaves it": lambda house, ticket, who: answer_offer(house, ticket, who, yes=False),
    "the trader offers, a minute passes": lambda house, ticket, _: offer(house, ticket, wait_s=60),
}


def offer(house: House, ticket: int, wait_s: int = 0) -> None:
    house.do(c.OfferReferral(ticket, (c.BetOffered(600, (1_900, 2_000)),)))
    house.wait(wait_s * SECOND_US)


def answer_offer(house: House, ticket: int, customer: int, *, yes: bool) -> None:
    offer(house, ticket)
    house.ask(c.AnswerOffer(customer, ticket, yes), actor=customer)


@pytest.mark.parametrize("row", table("acceptance.md", "Referral"), ids=lambda row: row["what happens"])
def test_what_becomes_of_a_referred_ticket(row: dict[str, str]) -> None:
    house = House()
    customer, _, bet = referred(house)
    ENDS[row["what happens"]](house, bet.id, customer)
    cash = house.wallet(customer).cash
    assert (bet.status, cash.balance_minor, cash.held_minor) == (row["then"], number(row["cash"]), number(row["held"]))


def test_an_offer_stands_at_its_prices_whatever_moved() -> None:
    house = House()
    customer, markets, bet = referred(house)
    offer(house, bet.id)
    house.do(c.SetPrices(markets[0], ((1, 1_500),)))
    house.ask(c.AnswerOffer(customer, bet.id, True), actor=customer)
    assert bet.slip is not None
    assert [leg.price_milli for leg in bet.slip.legs] == [1_900, 2_000]
    assert house.refusal(c.AcceptReferral(bet.id)) == "ticket_status"


def test_what_a_trader_takes_over_the_payout_limit_is_paid_in_full() -> None:
    house = House()
    customer, markets = house.customer(cash_minor=10_000), [house.market(), house.market()]
    house.terms(max_payout_minor=3_000)
    (bet,) = taken(house, customer, multiple(house, markets), refer=True)
    house.do(c.AcceptReferral(bet.id))
    for market in markets:
        result(house, market, HOME_WINS)
    assert (bet.potential_minor, bet.payout_minor) == (4_000, 4_000)


def test_a_customers_own_limit_is_never_referred() -> None:
    house = House()
    customer, market = house.customer(cash_minor=500), house.market()
    assert house_code(ask(house, customer, multiple(house, [market]), refer=True)) == "insufficient_funds"


# ---------------------------------------------------------------- taken back


def test_a_lost_double_opens_again_with_the_correction_and_wins() -> None:
    house = House()
    customer, markets = house.customer(cash_minor=1_000), [house.market(), house.market()]
    (bet,) = taken(house, customer, multiple(house, markets))
    result(house, markets[0], DRAW)
    result(house, markets[0], HOME_WINS)
    assert (bet.status, bet.payout_minor) == (BetStatus.OPEN, 0)
    result(house, markets[1], HOME_WINS)
    assert (bet.status, house.cash(customer)) == (BetStatus.SETTLED, 4_000)


def test_one_double_through_everything_that_may_be_taken_back() -> None:
    house = House()
    customer, (first, second) = house.customer(cash_minor=10_000), (house.market(), house.market())
    window = house.at_us, house.at_us + 1
    (bet,) = taken(house, customer, multiple(house, [first, second]))
    happens: dict[str, c.AnyCommand] = {
        "the first match is drawn": c.RecordResult(first, DRAW),
        "corrected: the first has won": c.RecordResult(first, HOME_WINS),
        "the second has won": c.RecordResult(second, HOME_WINS),
        "the first result is taken back": c.RollbackResult(first),
        "the first has won": c.RecordResult(first, HOME_WINS),
        "what was struck on the first is cancelled": c.CancelMarketBets(first, *window, "a wrong price"),
        "that is restored": c.RestoreMarketBets(first, *window),
        "the first is void": c.RecordResult(first, Void("abandoned")),
    }
    for row in table("settlement.md", "Bets of several legs"):
        house.do(happens[row["what happens"]])
        house.wait()
        now = bet.status, bet.payout_minor, house.cash(customer)
        assert now == (row["bet"], number(row["paid so far"]), number(row["cash"])), row


def test_winnings_spent_before_a_rollback_are_owed() -> None:
    house = House()
    customer, market = house.customer(cash_minor=1_000), house.market()
    (bet,) = taken(house, customer, multiple(house, [market]))
    single = house.taken(house.customer(cash_minor=1_000), market)
    result(house, market, HOME_WINS)
    house.do(c.MoveFunds(customer, "EUR", -1_500, "withdrawal"))
    house.do(c.RollbackResult(market))
    house.wait()
    assert [bet.status, house.machine.state.bets.bets[single].status] == [BetStatus.OPEN, BetStatus.OPEN]
    assert (house.cash(customer), house.owed(customer)) == (0, 1_500)
    result(house, market, HOME_WINS)
    assert (house.cash(customer), house.owed(customer)) == (500, 0)


def test_only_what_was_struck_in_the_window_is_cancelled() -> None:
    house = House()
    customer, markets = house.customer(cash_minor=10_000), [house.market(), house.market()]
    (before,) = taken(house, customer, multiple(house, markets))
    house.wait(SECOND_US)
    began = house.at_us
    (within,) = taken(house, customer, multiple(house, markets))
    single = house.taken(customer, markets[0])
    house.wait(SECOND_US)
    house.do(c.CancelMarketBets(markets[0], began, house.at_us, "late suspension"))
    house.wait()
    assert house.machine.state.bets.bets[single].outcome is Outcome.VOID
    result(house, markets[1], HOME_WINS)
    result(house, markets[0], HOME_WINS)
    assert (before.payout_minor, within.payout_minor) == (4_000, 2_000)
    house.do(c.RestoreMarketBets(markets[0], began, house.at_us))
    house.wait()
    assert (within.payout_minor, house.machine.state.bets.bets[single].payout_minor) == (4_000, 2_000)


def test_past_post_bets_are_swept() -> None:
    house = House()
    customer, market = house.customer(cash_minor=10_000), house.market()
    early = house.taken(customer, market)
    house.wait(SECOND_US)
    off = house.at_us
    late = house.taken(customer, market)
    house.wait(SECOND_US)
    event = house.machine.state.catalogue.markets[market].event_id
    house.do(c.SweepPastPost(event, off))
    house.wait()
    by_id = house.machine.state.bets.bets
    assert (by_id[early].status, by_id[late].outcome) == (BetStatus.OPEN, Outcome.VOID)
    assert house_code(house.bet(customer, market)) == "market_closed"


# ---------------------------------------------------------------- each-way, starting prices, builders


def race(house: House, **terms: object) -> int:
    runners = tuple(f"runner {number}" for number in range(1, 9))
    made = MarketTerms(**terms)  # type: ignore[arg-type]
    return house.market("race_win", prices_milli=(9_000,) * 8, selections=runners, terms=made)


def test_each_way_with_a_dead_heat_for_the_last_place() -> None:
    house = House()
    customer, market = house.customer(cash_minor=10_000), race(house, each_way=EachWay(1, 5, 3))
    asked = BetAsked((leg(house, market, 1),), (1,), 2_000, each_way=True)
    (bet,) = taken(house, customer, asked)
    result(house, market, Finish(((4,), (5,), (1, 2))))
    # 1,000 to be placed at 1 + 8/5, on half of it: 1,300.
    assert bet.payout_minor == 1_300


def test_the_terms_are_those_at_acceptance() -> None:
    house = House()
    customer, market = house.customer(cash_minor=10_000), race(house)
    asked = BetAsked((leg(house, market, 1),), (1,), 2_000, each_way=True)
    assert house_code(ask(house, customer, asked)) == "each_way_not_offered"


def test_a_bet_at_the_starting_price() -> None:
    house = House()
    customer, market = house.customer(cash_minor=10_000), race(house, starting_prices=True)
    (bet,) = taken(house, customer, BetAsked((leg(house, market, 1, price=0),), (1,), 1_000))
    result(house, market, Finish(((1,),), starting_prices=tuple((number, 4_500) for number in range(1, 9))))
    assert bet.payout_minor == 4_500


def test_best_odds_are_guaranteed_where_they_are_on_offer() -> None:
    house = House()
    customer, market = house.customer(cash_minor=10_000), race(house, best_odds=True)
    (bet,) = taken(house, customer, BetAsked((leg(house, market, 1),), (1,), 1_000))
    result(house, market, Finish(((1,),), starting_prices=tuple((number, 12_000) for number in range(1, 9))))
    assert bet.payout_minor == 12_000


def built(house: House) -> tuple[int, list[int], int]:
    """A bet builder on the home win and both sides scoring, at 4.5 for a minute."""
    customer, event = house.customer(cash_minor=10_000), house.event()
    markets = [
        house.market(event_id=event),
        house.market("both_teams_to_score", event_id=event, prices_milli=(1_800, 1_900)),
    ]
    builder = house.do(c.PriceBuilder(event, ((markets[0], 1), (markets[1], 1)), 4_500, 60 * SECOND_US))
    return customer, markets, builder


@pytest.mark.parametrize(
    ("score", "payout"), [(Score(2, 1), 4_500), (Score(1, 0), 0), (Score(1, 2), 0), (Void("abandoned"), 1_000)]
)
def test_all_parts_of_a_builder_must_win(score: object, payout: int) -> None:
    house = House()
    customer, markets, builder = built(house)
    (bet,) = taken(house, customer, BetAsked((LegAsked(0, 0, 4_500, builder_id=builder),), (1,), 1_000))
    for market in markets:
        result(house, market, score)
    assert (bet.status, bet.payout_minor) == (BetStatus.SETTLED, payout)


def test_a_builder_ends_with_its_time_and_with_any_change_of_a_market() -> None:
    house = House()
    customer, markets, builder = built(house)
    asked = BetAsked((LegAsked(0, 0, 4_500, builder_id=builder),), (1,), 1_000)
    house.do(c.SuspendMarket(markets[1], "penalty"))
    house.do(c.ResumeMarket(markets[1]))
    assert house_code(ask(house, customer, asked)) == "builder_expired"
    customer, markets, builder = built(house)
    house.wait(60 * SECOND_US)
    asked = BetAsked((LegAsked(0, 0, 4_500, builder_id=builder),), (1,), 1_000)
    assert house_code(ask(house, customer, asked)) == "builder_expired"


# ---------------------------------------------------------------- any life


class Evening:
    """Tickets, results, corrections, rollbacks and cancellations in any order, from a seed."""

    def __init__(self, seed: int) -> None:
        self.rng, self.house = random.Random(seed), House()
        self.customers = [self.house.customer(cash_minor=1_000_000) for _ in range(3)]
        self.markets = [self.house.market() for _ in range(5)] + [self.house.in_play_market(delay_us=SECOND_US)]
        self.house.do(c.SetCap(Level.SPORT, 1, "EUR", Cap(max_stake_minor=4_000)))

    def open(self) -> list[int]:
        on_offer = self.house.machine.state.catalogue.markets
        return [market for market in self.markets if on_offer[market].status is MarketStatus.OPEN]

    def ticket(self) -> None:
        rng, house = self.rng, self.house
        customer = rng.choice(self.customers)
        if rng.random() < 0.2:
            house.bet(customer, rng.choice(self.markets), rng.randint(1, 3), stake_minor=rng.randint(10, 5_000))
            return
        bets = []
        for _ in range(rng.randint(1, 2)):
            chosen = rng.sample(self.open() if rng.random() < 0.9 else self.markets, rng.randint(1, 4))
            legs = tuple(leg(house, market, rng.randint(1, 3)) for market in chosen)
            folds = tuple(sorted(rng.sample(range(1, len(legs) + 1), rng.randint(1, len(legs)))))
            bets.append(BetAsked(legs, folds, rng.randint(20, 5_000)))
        ask(house, customer, *bets, refer=rng.random() < 0.5)

    def act(self) -> None:
        rng, house, market = self.rng, self.house, self.rng.choice(self.markets)
        waiting = [bet for bet in house.machine.state.bets.bets.values() if bet.status is BetStatus.REFERRED]
        while len(self.open()) < 4:
            self.markets.append(house.market())
        roll = rng.random()
        if roll < 0.5:
            self.ticket()
        elif roll < 0.6 and waiting:
            house.ask(rng.choice((c.AcceptReferral, c.DeclineReferral))(rng.choice(waiting).ticket.id))  # type: ignore[union-attr]
        elif roll < 0.75:
            house.ask(c.RecordResult(market, rng.choice((HOME_WINS, DRAW, AWAY_WINS, Void("no")))))
        elif roll < 0.82:
            house.ask(c.RollbackResult(market))
        elif roll < 0.9:
            house.ask(c.CancelMarketBets(market, house.at_us - rng.randint(1, 20) * SECOND_US, house.at_us, "late"))
        elif windows := house.machine.state.catalogue.markets[market].cancelled:
            house.ask(c.RestoreMarketBets(market, *rng.choice(windows)))
        house.at_us += rng.randint(0, 3) * SECOND_US
        if rng.random() < 0.7:
            house.step()


def comes_to(house: House, bet: Bet) -> int | None:
    """What a bet pays, line by line with fractions; None while it is open."""
    state = house.machine.state
    struck = max(bet.placed_at_us, bet.decide_at_us)
    pairs = [(bet.market_id, bet.selection_id, bet.price_milli)]
    folds: tuple[int, ...] = (1,)
    if bet.slip is not None:
        pairs = [(each.market_id, each.selection_id, each.price_milli) for each in bet.slip.legs]
        folds = bet.slip.folds
    factors: list[Fraction | None] = []
    for market_id, selection, price in pairs:
        market, said = state.catalogue.markets[market_id], state.settlement.results.get(market_id)
        if any(start <= struck < end for start, end in market.cancelled) or isinstance(said, Void):
            factors.append(Fraction(1))
        elif said is None:
            factors.append(None)
        else:
            won = {HOME_WINS: 1, DRAW: 2, AWAY_WINS: 3}[said] == selection  # type: ignore[index]
            factors.append(Fraction(price, 1_000) if won else Fraction(0))
    lines = [pick for fold in folds for pick in combinations(range(len(pairs)), fold)]
    total = Fraction(0)
    for pick in lines:
        product = Fraction(bet.stake_minor, len(lines))
        if any(factors[place] == 0 for place in pick):
            continue
        for place in pick:
            if (factor := factors[place]) is None:
                return None
            product *= factor
        total += product
    return round(total)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_each_bet_comes_to_what_its_lines_say(seed: int) -> None:
    evening = Evening(seed)
    for _ in range(120):
        evening.act()
    house = evening.house
    while house.step():
        pass
    stood = [bet for bet in house.machine.state.bets.bets.values() if bet.status in (BetStatus.OPEN, BetStatus.SETTLED)]
    assert len(stood) > 20
    for bet in stood:
        expected = comes_to(house, bet)
        assert (bet.status is BetStatus.OPEN) == (expected is None)
        assert bet.payout_minor == (expected or 0)


@pytest.mark.parametrize("seed", range(12, 16))
def test_the_journal_and_a_snapshot_make_the_same_house(seed: int) -> None:
    evening = Evening(seed)
    for _ in range(100):
        evening.act()
    machine = evening.house.machine
    folded = empty()
    for pending in evening.house.journal:
        fold(folded, decode_fact(pending.body), pending.at_us)
    assert state_hash(folded) == state_hash(machine.state)
    again = Machine(decode_snapshot(encode_snapshot(machine.state)))
    assert state_hash(again.state) == state_hash(machine.state)
    evening.house.machine = again
    for _ in range(40):
        evening.act()


def test_a_ticket_bet_is_what_the_journal_keeps() -> None:
    house = House()
    customer, markets = house.customer(cash_minor=10_000), [house.market(), house.market()]
    taken(house, customer, multiple(house, markets))
    fact = decode_fact(house.journal[-1].body)
    assert isinstance(fact, TicketAccepted)
    assert [each.potential_minor for each in fact.bets] == [4_000]
