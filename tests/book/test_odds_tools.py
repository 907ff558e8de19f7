"""`odds-tools`, by others and in floats, agrees where it covers the case: prices taken that won, lost or were void."""

import random

import odds_tools
import pytest

from overround.book import tickets
from overround.book.bets import Outcome

RESULTS = {"win": Outcome.WON, "lose": Outcome.LOST, "void": Outcome.VOID}


def drawn_folds(rng: random.Random, legs: int) -> list[int]:
    return sorted(rng.sample(range(1, legs + 1), rng.randint(1, legs)))


@pytest.mark.parametrize("seed", range(5))
def test_systems_and_accumulators_pay_the_same(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(1_000):
        count = rng.randint(1, 10)
        folds, stake_minor = drawn_folds(rng, count), rng.randint(1_100, 100_000)
        prices = [rng.randint(1_001, 9_000) for _ in range(count)]
        ends = rng.choices(("win", "lose", "void"), (5, 2, 1), k=count)
        theirs = odds_tools.system_payout([price / 1_000 for price in prices], folds, stake_minor, ends)
        bet = tickets.Slip(tuple(tickets.Leg(n, n, price) for n, price in enumerate(prices)), tuple(folds), stake_minor)
        ours = tickets.payout(bet, [tickets.settled(RESULTS[end]) for end in ends])
        assert ours.returns_minor == pytest.approx(theirs, abs=0.501, rel=1e-13)


def test_a_payout_of_their_page() -> None:
    """2/3 for 30 at 1.9, 2.1 and 2.4, the last one lost: 39.90."""
    bet = tickets.Slip(tuple(tickets.Leg(n, n, price) for n, price in enumerate((1_900, 2_100, 2_400))), (2,), 3_000)
    ends = [tickets.settled(outcome) for outcome in (Outcome.WON, Outcome.WON, Outcome.LOST)]
    assert tickets.payout(bet, ends).payout_minor == 3_990
