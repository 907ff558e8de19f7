"""Seeds that once broke. Each stays whole."""

import pytest

from overround.sim import simulate

SEEDS = {
    1: "a book whose clock was behind began its term at a time before the last fact's",
    4: "the same at the end of a month, after a killed book whose clock was ahead",
    7: "the same after a clock had jumped by minutes; then a standing rule unsold when its event was resumed",
    11: "a standing rule unsold when the suspension of another selection made its bet worth more",
    2031: "a book that had waited too long began a term on a lease that had run out",
}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_that_once_broke(seed: int) -> None:
    assert simulate(seed).broken == ""
