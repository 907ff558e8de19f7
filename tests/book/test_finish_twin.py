"""Orders of finish beside a plain twin: a dead heat is every order in which its runners might have come in, alike."""

import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import permutations, product

import pytest
from tests.book.slips import rule_4
from tests.book.telling import market_of

from overround.book.catalogue import EachWay, Market, Withdrawn
from overround.book.settlement import Finish, fits, leg_result, outcome
from overround.book.tickets import Leg, Outcome, Slip, payout, working

ODDS = ("1/10", "4/6", "1/1", "6/4", "9/4", "3/1", "10/3", "7/1", "12/1", "20/1")
FIELDS = 400


class Race:
    """A field drawn by chance: its finish with dead heats, who did not run, who was withdrawn when and at what odds."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        runners = list(range(1, rng.randint(4, 9)))
        rng.shuffle(runners)
        self.runners = sorted(runners)
        self.withdrawn = [
            (runners.pop(), rng.randint(1, 30), rng.choice(ODDS)) for _ in range(rng.choice((0, 0, 1, 2)))
        ]
        self.out = [runners.pop() for _ in range(rng.choice((0, 0, 1))) if len(runners) > 1]
        self.levels: list[list[int]] = []
        while runners:
            tied = min(len(runners), rng.choice((1, 1, 1, 1, 2, 2, 3)))
            self.levels.append([runners.pop() for _ in range(tied)])
        self.starts = {runner: rng.randint(1_050, 30_000) for level in self.levels for runner in level}
        self.finish = Finish(
            tuple(tuple(sorted(level)) for level in self.levels),
            tuple(sorted(self.out)),
            tuple(sorted(self.starts.items())),
        )

    def orders(self) -> Iterator[list[int]]:
        """Every order in which the runners might have come in."""
        for chosen in product(*(permutations(level) for level in self.levels)):
            yield [runner for level in chosen for runner in level]

    def share(self, runner: int, places: int) -> Fraction:
        """In how many of the orders a runner is among the first."""
        orders = list(self.orders())
        return Fraction(sum(runner in order[:places] for order in orders), len(orders))

    def market(self, name: str, **terms: object) -> Market:
        market = market_of(name, own=tuple(f"Runner {runner}" for runner in self.runners), **terms)
        for number, (runner, at_us, odds) in enumerate(self.withdrawn):
            market.selections[runner].withdrawn_at_us = at_us
            milli = round((Fraction(odds) + 1) * 1_000)
            market.withdrawals.append(Withdrawn(runner, at_us, milli, number == 1))
        return market

    def is_void(self, runner: int) -> bool:
        return runner in self.out or runner in [each[0] for each in self.withdrawn]

    def odds_to_one(self, price_milli: int, withdrawn: list[str]) -> Fraction:
        return (Fraction(price_milli, 1_000) - 1) * (1 - Fraction(min(90, sum(map(rule_4, withdrawn))), 100))


def races(count: int) -> Iterator[Race]:
    rng = random.Random(20_261_127)
    for _ in range(count):
        yield Race(rng)


def test_each_way_legs_of_random_fields() -> None:
    for race in races(FIELDS):
        terms = EachWay(1, race.rng.choice((2, 3, 4, 5)), race.rng.randint(1, 5))
        market = race.market("race_win", each_way=terms)
        assert fits(market, race.finish)
        for runner in race.runners:
            taken_at_us = race.rng.randint(0, 30)
            leg = Leg(runner, 1, race.rng.choice((0, 2_500, 9_000)), terms, best_odds=False)
            result = leg_result(market, runner, race.finish, terms=terms, taken_at_us=taken_at_us)
            found = working(leg, result)
            assert found.place is not None
            if race.is_void(runner):
                assert found.win == found.place == (1, 1)
                continue
            if leg.price_milli:
                late = [odds for _, at_us, odds in race.withdrawn if at_us > taken_at_us]
                to_one = race.odds_to_one(leg.price_milli, late)
            else:
                to_one = race.odds_to_one(race.starts[runner], [odds for _, _, odds in race.withdrawn[1:]])
            part = Fraction(terms.numerator, terms.denominator)
            assert Fraction(*found.win) == race.share(runner, 1) * (1 + to_one)
            assert Fraction(*found.place) == race.share(runner, terms.places) * (1 + to_one * part)


def test_place_markets_of_random_fields() -> None:
    for race in races(FIELDS):
        places = race.rng.randint(1, 4)
        market = race.market(f"top_places {places}")
        for runner in race.runners:
            win = leg_result(market, runner, race.finish, terms=None, taken_at_us=0).win
            share = race.share(runner, places)
            named = "void" if race.is_void(runner) else "won" if share else "lost"
            assert win.outcome == outcome(market, runner, race.finish) == Outcome(named)
            if named == "won":
                assert Fraction(win.places, win.tied) == share


@pytest.mark.parametrize(
    ("name", "picks", "ordered"), [("forecast", 2, True), ("reverse_forecast", 2, False), ("tricast", 3, True)]
)
def test_forecasts_of_random_fields(name: str, picks: int, ordered: bool) -> None:
    for race in races(FIELDS // 4):
        wanted = [pick for pick in permutations(race.runners, picks) if ordered or list(pick) == sorted(pick)]
        market = market_of(name, own=tuple("-".join(map(str, pick)) for pick in wanted))
        finishers = sum(map(len, race.levels))
        assert fits(market, race.finish) == (finishers >= picks)
        if finishers < picks:
            continue
        orders = list(race.orders())
        tops = [tuple(order[:picks]) if ordered else tuple(sorted(order[:picks])) for order in orders]
        for number, pick in enumerate(wanted, 1):
            win = leg_result(market, number, race.finish, terms=None, taken_at_us=0).win
            if set(pick) & set(race.out):
                assert win.outcome is Outcome.VOID
            elif pick in tops:
                assert Fraction(win.places, win.tied) == Fraction(tops.count(pick), len(tops))
            else:
                assert win.outcome is Outcome.LOST


def test_a_race_pays_out_one_win_for_each_place() -> None:
    """However the dead heats fall, the shares of a win are one, and those of places as many as runners came in for."""
    for race in races(FIELDS):
        finishers = [runner for level in race.levels for runner in level]
        market = race.market("race_win")
        terms = EachWay(1, 4, 3)
        legs = [leg_result(market, runner, race.finish, terms=terms, taken_at_us=0) for runner in finishers]
        wins = [Fraction(leg.win.places, leg.win.tied) for leg in legs if leg.win.outcome is Outcome.WON]
        places = [Fraction(leg.place.places, leg.place.tied) for leg in legs if leg.place.outcome is Outcome.WON]
        assert (sum(wins), sum(places)) == (1, min(3, len(finishers)))


def test_a_worked_each_way_single() -> None:
    """20.00 each-way at 9.0, a quarter of the odds for three places, third in a dead heat of two after a 3/1 shot was
    withdrawn: the win part is lost; of the place part 10.00 stands, at 1 + 8 × 0.75 / 4 = 2.5, and pays 25.00."""
    terms = EachWay(1, 4, 3)
    market = market_of("race_win", each_way=terms)
    market.selections[8].withdrawn_at_us = 20
    market.withdrawals.append(Withdrawn(8, 20, 4_000))
    result = leg_result(market, 5, Finish(((1,), (2,), (4, 5))), terms=terms, taken_at_us=10)
    assert payout(Slip((Leg(5, 1, 9_000, terms),), (1,), 4_000), [result]).payout_minor == 2_500
