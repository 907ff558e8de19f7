"""Every type of market, any result, withdrawals at any time: the house and its plain twin say the same of each bet."""

import random
from collections import Counter

from tests.book import plain, verdicts
from tests.book.twin import NAMES
from tests.book.wishes import COUNTS, LINES, OFTEN, OWN, SELDOM, new_market, result

from overround.book.catalogue import MARKET_TYPES, Ending, Market, MarketTerms, Selection, Side, Withdrawn
from overround.book.machine import commands as c
from overround.book.settlement import Goal, Score, fits, leg_result
from overround.book.settlement.rules import MARGINS, WORDS
from overround.book.tickets import Leg, Slip, payout

MARKETS = 4_000
RESULTS = 12


def both(rng: random.Random) -> tuple[Market, plain.Market]:
    """A market as the house has it, and as the twin has it."""
    made = new_market(rng, 1)
    names = made.selections or NAMES.get(made.type, ("home", "away"))
    kind = MARKET_TYPES[made.type]
    assert names == (kind.outcomes or made.selections)
    selections = {number: Selection(number, name) for number, name in enumerate(names, 1)}
    market = Market(1, 1, made.type, made.specifiers, selections, "", False, 0, 0, terms=made.terms or MarketTerms())
    twin = plain.Market(1, made, names, dict.fromkeys(selections, 2_000), 0, 0, 0)
    for runner in rng.sample(sorted(selections), rng.choice((0, 0, 0, 1, 2))):
        at_us, price_milli = rng.randint(1, 9), rng.choice((0, 1_100, 1_905, 4_000, 15_000, 40_000))
        selections[runner].withdrawn_at_us = at_us
        market.withdrawals.append(Withdrawn(runner, at_us, price_milli))
        twin.withdrawn.append((runner, at_us, price_milli))
    return market, twin


def test_the_house_and_its_twin_say_the_same_of_every_bet() -> None:
    rng = random.Random(1_127)
    said: Counter[tuple[str, str]] = Counter()
    for _ in range(MARKETS):
        market, twin = both(rng)
        for given in (result(rng) for _ in range(RESULTS)):
            assert fits(market, given) == verdicts.fits(twin, given), (market, given)
            if not fits(market, given):
                continue
            for number in market.selections:
                stake, price, at_us = rng.choice((1, 1_001, 99_999)), rng.randint(1_001, 20_000), rng.randint(0, 10)
                bet = plain.Bet(1, c.PlaceBet(1, 1, number, "EUR", stake, price), at_us, 1, price, "open")
                outcome, exact = verdicts.verdict(twin, bet, given)
                found = leg_result(market, number, given, terms=None, taken_at_us=at_us)
                assert found.win.outcome == outcome, (market, number, given)
                paid = payout(Slip((Leg(number, 1, price),), (1,), stake), [found])
                assert paid.payout_minor == round(exact), (market, number, given)
                said[market.type, outcome] += 1
    drawn = {*OFTEN, *SELDOM, *COUNTS, *LINES, *OWN}
    assert {(kind, end) for kind in drawn for end in ("won", "lost", "void")} <= set(said)
    assert {(kind, end) for kind in LINES for end in ("half_won", "half_lost")} <= set(said)


DECIDED = ("total", "home_total", "both_teams_to_score", "next_goal", "first_goalscorer", "half_time_result")


def test_what_is_decided_is_what_nothing_more_can_change() -> None:
    """An abandoned match settles a selection just where every way to go on for three goals more comes to the same."""
    rng = random.Random(28)
    seen: Counter[bool] = Counter()
    while sum(seen.values()) < 1_500:
        made = new_market(rng, 1)
        if made.type not in DECIDED:
            continue
        names = MARKET_TYPES[made.type].outcomes or made.selections
        selections = {number: Selection(number, name) for number, name in enumerate(names, 1)}
        market = Market(1, 1, made.type, made.specifiers, selections, "", False, 0, 0)
        given = result(rng)
        if not isinstance(given, Score) or given.goals is None or not fits(market, given):
            continue
        given = Score(given.home, given.away, given.half_time, given.goals)
        broken_off = Score(given.home, given.away, given.half_time, given.goals, ending=Ending.ABANDONED)
        if not fits(market, broken_off) or not fits(market, given):
            continue
        for number in selections:
            ends = {leg_result(market, number, each, terms=None, taken_at_us=0) for each in [given, *further(given)]}
            left = leg_result(market, number, broken_off, terms=None, taken_at_us=0)
            decided = len(ends) == 1
            assert left.win.outcome == (ends.pop().win.outcome if decided else "void"), (market, number, given)
            seen[decided] += 1
    assert min(seen.values()) > 100


def further(score: Score) -> list[Score]:
    """Ways in which a match might have gone on after its half-time, by three goals at most."""
    goals = score.goals or ()
    ways = [goals]
    for _ in range(3):
        ways += [(*way, Goal(side, who)) for way in ways for side in Side for who in ("Kane", "Saka", "Rice")]
    return [
        Score(
            sum(goal.side is Side.HOME for goal in way),
            sum(goal.side is Side.AWAY for goal in way),
            score.half_time,
            way,
        )
        for way in dict.fromkeys(ways)
    ]


def test_every_rule_of_a_score_is_drawn() -> None:
    assert {MARKET_TYPES[kind].rule for kind in {*OFTEN, *SELDOM}} >= {*MARGINS, *WORDS} - {"odd_even", "scorer"}
