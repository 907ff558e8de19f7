"""A day of tickets for the stories: every way in which one is taken, waits, falls, is settled, and is corrected."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from overround.book.bets import OddsChange
from overround.book.catalogue import EachWay, MarketTerms
from overround.book.limits import Cap
from overround.book.machine import Done, TicketAnswer
from overround.book.machine.commands import (
    AcceptReferral,
    AnswerOffer,
    BetAsked,
    BetOffered,
    CancelMarketBets,
    CreateEvent,
    CreateMarket,
    DeclineReferral,
    EndEvent,
    LegAsked,
    MoveFunds,
    OfferReferral,
    OpenCustomer,
    PlaceTicket,
    PriceBuilder,
    RecordResult,
    RestoreMarketBets,
    ResumeEvent,
    ResumeMarket,
    RollbackResult,
    SetCap,
    SetPrices,
    StartEvent,
    SweepPastPost,
)
from overround.book.settlement import Finish, Score
from overround.book.tickets import SYSTEMS
from overround.kernel.instant import DAY_US, SECOND_US
from overround.kernel.level import Level
from overround.kernel.refusal import Refused

if TYPE_CHECKING:
    from tests.projections.stories import House

HOME, DRAW = Score(1, 0), Score(0, 0)


def tickets(house: "House", competition: int) -> None:
    """Four matches, a race and two customers with much money."""
    rich, careful = (house.done(OpenCustomer("EUR")) for _ in range(2))
    for customer in (rich, careful):
        house.done(MoveFunds(customer, "EUR", 5_000_000, "deposit"))
    matches = [_match(house, competition, number) for number in range(4)]
    markets = [market for _, market in matches]
    four = _legs(house, markets)
    _taken(house, rich, BetAsked(four[:2], (2,), 1_000), BetAsked(four, SYSTEMS["lucky_15"].folds, 1_500))
    _taken(house, careful, BetAsked((LegAsked(markets[0], 1, 1_900, banker=True), *four[1:]), (2,), 300))
    _refused(house, careful, BetAsked(four[:2], (2,), 1_000_001))
    goals = _builder(house, careful, matches[3], other=markets[2])
    race = _race(house, competition, rich)
    house.done(SetCap(Level.EVENT, matches[0][0], "EUR", Cap(max_stake_minor=2_000)))
    house.done(SetCap(Level.SELECTION, markets[1], "EUR", Cap(max_payout_minor=900_000), 2))
    house.done(SetCap(Level.PLATFORM, 0, "EUR", Cap(max_liability_minor=900_000_000)))
    house.done(SetCap(Level.PLATFORM, 0, "EUR", Cap()))
    _referred(house, rich, four[:2])
    waiting = _delayed(house, rich, matches)
    _results(house, markets, race, goals)
    _corrected(house, matches, waiting)


def _match(house: "House", competition: int, number: int) -> tuple[int, int]:
    event = house.done(CreateEvent(competition, f"Ticket {number} – Office", house.now_us + DAY_US))
    terms = (2_000 + 100 * number, 3_000, 4_000)
    market = house.done(CreateMarket(event, "1x2", prices_milli=terms, in_play=number == 2, delay_us=4 * SECOND_US))
    house.done(ResumeEvent(event))
    return event, market


def _legs(house: "House", markets: Sequence[int], selection: int = 1) -> tuple[LegAsked, ...]:
    on_offer = house.machine.state.catalogue.markets
    return tuple(
        LegAsked(market, selection, on_offer[market].selections[selection].price_milli, market_version=0)
        for market in markets
    )


def _taken(house: "House", customer: int, *bets: BetAsked, refer: bool = False) -> int:
    answer = house.ask(customer, PlaceTicket(customer, "EUR", bets, OddsChange.ANY, refer=refer))
    assert isinstance(answer, TicketAnswer), answer
    return answer.ticket_id


def _refused(house: "House", customer: int, *bets: BetAsked) -> None:
    answer = house.ask(customer, PlaceTicket(customer, "EUR", bets))
    assert isinstance(answer, Refused), answer


def _builder(house: "House", customer: int, match: tuple[int, int], *, other: int) -> int:
    """Two selections of one event at one price, alone and beside another leg."""
    event, market = match
    goals = house.done(CreateMarket(event, "both_teams_to_score", prices_milli=(1_800, 1_900)))
    house.done(ResumeMarket(goals))
    builder = house.done(PriceBuilder(event, ((market, 1), (goals, 1)), 3_250, 60 * SECOND_US))
    _taken(house, customer, BetAsked((LegAsked(0, 0, 3_250, builder_id=builder),), (1,), 400))
    _taken(house, customer, BetAsked((LegAsked(0, 0, 3_250, builder_id=builder), *_legs(house, [other])), (1, 2), 400))
    return goals


def _race(house: "House", competition: int, customer: int) -> int:
    event = house.done(CreateEvent(competition, "Ticket Stakes", house.now_us + DAY_US))
    terms = MarketTerms(each_way=EachWay(1, 5, 3), starting_prices=True, best_odds=True)
    runners = ("Elm", "Fir", "Gum", "Hop", "Ivy")
    race = house.done(CreateMarket(event, "race_win", {}, runners, (3_000, 4_500, 5_000, 6_000, 9_000), terms=terms))
    house.done(ResumeEvent(event))
    _taken(house, customer, BetAsked((LegAsked(race, 2, 4_500),), (1,), 1_001, each_way=True))
    _taken(house, customer, BetAsked((LegAsked(race, 3, 0),), (1,), 500))
    return race


def _referred(house: "House", customer: int, legs: tuple[LegAsked, ...]) -> None:
    """Accepted, declined, offered and taken, offered and left, and forgotten by both sides."""
    large = BetAsked(legs, (2,), 3_000)
    house.done(AcceptReferral(_taken(house, customer, large, refer=True)))
    house.done(DeclineReferral(_taken(house, customer, large, BetAsked(legs[:1], (1,), 2_500), refer=True)))
    for accept in (True, False, None):
        ticket = _taken(house, customer, large, refer=True)
        house.done(OfferReferral(ticket, (BetOffered(2_500, (1_800, 1_900)),)))
        if accept is not None:
            answer = house.ask(customer, AnswerOffer(customer, ticket, accept))
            assert isinstance(answer, Done)
    _taken(house, customer, large, refer=True)
    house.wait(100 * SECOND_US)
    _taken(house, customer, large, refer=True)


def _delayed(house: "House", customer: int, matches: Sequence[tuple[int, int]]) -> int:
    """In play: one stands after its delay at a better price, one falls, one still waits at the end of the story."""
    event, market = matches[2]
    legs = _legs(house, [market, matches[3][1]])
    house.done(StartEvent(event))
    house.done(ResumeMarket(market))
    legs = _legs(house, [market, matches[3][1]])
    _taken(house, customer, BetAsked(legs, (1, 2), 600), BetAsked(legs[:1], (1,), 300))
    house.done(SetPrices(market, ((1, 2_300),)))
    house.wait(5 * SECOND_US)
    answer = house.ask(customer, PlaceTicket(customer, "EUR", (BetAsked(_legs(house, [market]), (1,), 900),)))
    assert isinstance(answer, TicketAnswer)
    house.done(SetPrices(market, ((1, 2_100),)))
    house.wait(5 * SECOND_US)
    return market


def _results(house: "House", markets: Sequence[int], race: int, goals: int) -> None:
    starting = (1, 2_900), (2, 4_800), (3, 5_200), (4, 6_000), (5, 9_000)
    house.done(RecordResult(race, Finish(((1,), (2, 3, 4)), (), starting)))
    for market in (markets[0], markets[1]):
        house.done(RecordResult(market, HOME))
        house.settle()
    house.done(RecordResult(markets[3], Score(2, 1)))
    house.done(RecordResult(goals, Score(2, 1)))
    house.settle()


def _corrected(house: "House", matches: Sequence[tuple[int, int]], in_play: int) -> None:
    """A result is taken back, its bets open again and settle otherwise; windows are cancelled, restored and swept."""
    (_, first), (second_event, second) = matches[:2]
    house.done(RollbackResult(first))
    house.settle()
    house.done(RecordResult(first, DRAW))
    house.settle()
    house.done(RollbackResult(second))
    house.settle()
    struck = [bet.placed_at_us for bet in house.machine.state.bets.by_market[first]]
    window = struck[0], struck[0] + 1
    house.done(CancelMarketBets(first, *window, "late team sheet"))
    house.settle()
    house.done(RestoreMarketBets(first, *window))
    house.settle()
    house.done(CancelMarketBets(first, struck[-1], struck[-1] + 1, "late team sheet"))
    house.done(SweepPastPost(second_event, struck[-1]))
    house.settle()
    house.done(EndEvent(matches[2][0]))
    house.done(RecordResult(in_play, HOME))
    house.settle()
