"""Tickets from a seed, settled by the house and by the plain twin: the same to the last minor unit.

CI draws 100,000 in ten chunks; OVERROUND_TICKETS sets how many a longer run draws.
"""

import os
import random

import pytest
from tests.book import slips
from tests.book.drawn import Pool

from overround.book import tickets
from overround.kernel.money import MAX_MONEY_MINOR

CHUNKS = 10
TICKETS = int(os.environ.get("OVERROUND_TICKETS", "100000"))


def agree(pool: Pool) -> None:
    """One ticket of one bet, drawn and settled twice."""
    drawn, folds, stake_minor = pool.draw()
    slip = {"legs": [each.plain for each in drawn], "folds": folds, "stake_minor": stake_minor}
    bet = tickets.Slip(tuple(each.leg for each in drawn), tuple(folds), stake_minor)
    exactly = slips.returns(slip, [each.factors for each in drawn])
    paid = tickets.payout(bet, [each.result for each in drawn])
    assert paid.returns_minor == round(exactly), slip
    assert paid.payout_minor == min(round(exactly), MAX_MONEY_MINOR), slip


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_house_and_the_twin_agree(chunk: int) -> None:
    pool = Pool(random.Random(f"tickets {chunk}"))
    for _ in range(TICKETS // CHUNKS):
        agree(pool)
