"""The exchange's tables are what the replayed machine says, whatever happens and however the facts arrive."""

import random

import pytest
from tests.projections.exchanges import drawn
from tests.projections.stories import Connection, House, connected, fold_all, play

from overround import projections
from overround.book.machine import decode_fact, empty, fold
from overround.projections.comparing import TableDifference, compare_now
from overround.projections.recompute import Past

pytestmark = pytest.mark.engines


async def difference(connection: Connection, house: House) -> TableDifference | None:
    """What an audit finds."""
    state, past = empty(), Past()
    for fact in house.facts:
        decoded = decode_fact(fact.body)
        fold(state, decoded, fact.at_us)
        past.see(decoded, state)
    async with connection.transaction(readonly=True):
        return await compare_now(connection, state, past)


@pytest.mark.parametrize("seed", [3, 7, 10, 13])
async def test_whatever_people_ask_the_twin_agrees(postgres_dsn: str, seed: int) -> None:
    """In batches of any size; now and then a worker begins anew and carries nothing."""
    house, rng = drawn(seed, 600), random.Random(seed)
    facts, done, carried = house.recorded(), 0, projections.Carried()
    async with connected(postgres_dsn) as connection:
        await projections.migrate(connection)
        while done < len(facts):
            batch = facts[done : done + rng.choice((1, 5, 40, 200))]
            await projections.advance(connection, batch, carried=carried)
            carried = carried if rng.random() < 0.8 else projections.Carried()
            done += len(batch)
        assert await difference(connection, house) is None
    orders = house.machine.state.exchange.orders
    kinds = {fact.kind for fact in house.facts}
    assert kinds >= {"orders_replaced", "orders_activated", "runner_removed", "start_reconciled", "exchange_settled"}
    assert kinds >= {"level_suspended", "event_rescheduled", "runner_reinstated"}
    assert len(orders.by_id) < orders.placed, "the machine forgot some"


@pytest.fixture(scope="module")
def house() -> House:
    return play(customers=6, bets=5)


async def test_a_day_on_which_everything_happens(postgres_dsn: str, house: House) -> None:
    async with connected(postgres_dsn) as connection:
        await fold_all(connection, house.recorded())
        assert await difference(connection, house) is None
        reasons = await connection.fetch("SELECT DISTINCT lapse_reason FROM read.exchange_order")
        assert {row[0] for row in reasons} >= {None, "fill_or_kill", "suspension", "in_play", "removal"}
        sums = await connection.fetchval(
            "SELECT count(*) FROM read.exchange_order WHERE size_minor <> remaining_minor + matched_minor"
            " + lapsed_minor + cancelled_minor + voided_minor"
        )
        assert sums == 0
        nets = await connection.fetchval(
            "SELECT count(*) FROM (SELECT market_id, customer_id, sum(profit_minor) AS made FROM read.exchange_order"
            " GROUP BY 1, 2) AS own JOIN read.exchange_position USING (market_id, customer_id) WHERE made <> net_minor"
        )
        assert nets == 0
