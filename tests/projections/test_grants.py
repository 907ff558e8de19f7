"""Grants through whole seasons, drawn by chance: the table says what the machine does, in batches of any size."""

import pytest
from tests.book.test_promotions import Season
from tests.projections.stories import connected, fold_all

from overround.book.machine import decode_fact, fold
from overround.book.machine.state import empty
from overround.projections import Recorded
from overround.projections.grant_recompute import GrantsPast
from overround.projections.tables import GRANT

pytestmark = pytest.mark.engines


@pytest.mark.parametrize(("seed", "batch"), [(seed, batch) for seed in (40, 49, 54, 56) for batch in (9, 60)])
async def test_the_table_says_what_the_machine_does(postgres_dsn: str, seed: int, batch: int) -> None:
    season = Season(seed)
    season.house.audited = False
    for _ in range(250):
        season.act()
    state, past, facts = empty(), GrantsPast(), list[Recorded]()
    for seq, pending in enumerate(season.house.journal, 1):
        fact = decode_fact(pending.body)
        fold(state, fact, pending.at_us)
        past.see(fact, state)
        facts.append(Recorded(seq, pending.at_us, fact))
    async with connected(postgres_dsn) as connection:
        await fold_all(connection, facts, batch=batch)
        rows = [tuple(row) for row in await connection.fetch(GRANT.select + " ORDER BY id")]
    assert rows == list(past.rows())
    assert any(row[GRANT.columns.index("wagered_minor")] for row in rows), "a season that says nothing"
