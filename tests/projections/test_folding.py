"""The tables show what the journal says, however the facts arrive in batches and whatever interrupts them."""

import pytest
from tests.projections.stories import House, connected, contents, fold_all, play

from overround import projections
from overround.kernel.instant import DAY_US
from overround.projections.tables import TABLES

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def house() -> House:
    return play()


async def test_balances_are_the_machines(postgres_dsn: str, house: House) -> None:
    async with connected(postgres_dsn) as connection:
        await fold_all(connection, house.recorded())
        rows = await connection.fetch("SELECT id, balance_minor, held_minor FROM read.account ORDER BY id")
    accounts = house.machine.state.ledger.accounts
    assert [tuple(row) for row in rows] == [(a.id, a.balance_minor, a.held_minor) for a in accounts.values()]


async def test_bets_are_the_machines(postgres_dsn: str, house: House) -> None:
    async with connected(postgres_dsn) as connection:
        await fold_all(connection, house.recorded())
        rows = await connection.fetch(
            "SELECT id, status, outcome, payout_minor, price_milli, seq, decide_at_us FROM read.bet ORDER BY id"
        )
    bets = house.machine.state.bets.bets.values()
    assert [tuple(row) for row in rows] == [
        (bet.id, bet.status, bet.outcome, bet.payout_minor, bet.price_milli, bet.seq, bet.decide_at_us) for bet in bets
    ]
    assert {bet.status for bet in bets} >= {"settled", "refused"}


async def test_grants_say_what_became_of_them(postgres_dsn: str, house: House) -> None:
    """The last two of the story: a free bet that came back for a week, and a bonus towards which two bets count."""
    async with connected(postgres_dsn) as connection:
        await fold_all(connection, house.recorded(), batch=50)
        rows = await connection.fetch("SELECT * FROM read.grant ORDER BY id")
    free, bonus = rows[-2:]
    assert (free["kind"], free["status"], free["ended_at_us"]) == ("free_bet", "open", 0)
    assert free["expires_at_us"] > free["granted_at_us"] + 6 * DAY_US
    shown = [bonus[name] for name in ("kind", "required_minor", "wagered_minor", "note")]
    assert shown == ["bonus", 100_000, 70 + 60, "long"]
    assert {row["status"] for row in rows} == {"open", "released", "expired", "revoked"}
    assert all((row["status"] == "open") == (row["ended_at_us"] == 0) for row in rows)
    kept = house.machine.state.promotions.grants
    assert {row["id"]: row["wagered_minor"] for row in rows if row["id"] in kept} == {
        grant.id: grant.wagered_minor for grant in kept.values()
    }


async def test_markets_are_the_machines(postgres_dsn: str, house: House) -> None:
    async with connected(postgres_dsn) as connection:
        await fold_all(connection, house.recorded())
        rows = await connection.fetch(
            "SELECT id, status, reason, version, confirmed_at_us, revision, available FROM read.market_now ORDER BY id"
        )
    catalogue = house.machine.state.catalogue
    assert [tuple(row) for row in rows] == [
        (m.id, m.status, m.reason, m.version, m.confirmed_at_us, m.revision, catalogue.is_available(m))
        for m in catalogue.markets.values()
    ]


async def test_the_offer_that_gateways_begin_with_is_the_machines(postgres_dsn: str, house: House) -> None:
    async with connected(postgres_dsn) as connection:
        await fold_all(connection, house.recorded())
        seq, offer = await projections.offer(connection)
        heard = await connection.fetch("SELECT id FROM read.market WHERE heard IS NOT NULL")
    assert seq == house.machine.state.seq
    catalogue = house.machine.state.catalogue
    assert (offer.events, offer.markets, offer.feeds) == (catalogue.events, catalogue.markets, catalogue.feeds)
    assert {row["id"] for row in heard} == set(house.machine.state.settlement.heard) != set()


@pytest.mark.parametrize("batch", [1, 7, 10_000])
async def test_the_size_of_a_batch_changes_nothing(postgres_dsn: str, house: House, batch: int) -> None:
    async with connected(postgres_dsn) as connection:
        await fold_all(connection, house.recorded(), batch=64)
        once = await contents(connection)
        await projections.drop(connection)
        await fold_all(connection, house.recorded(), batch=batch)
        again = await contents(connection)
    for table in TABLES:
        assert again[table.name] == once[table.name], table.name
    assert all(once.values()), "every table has rows"


async def test_a_silent_feed_makes_its_markets_unavailable(postgres_dsn: str, house: House) -> None:
    facts = house.recorded()
    silent = next(n for n, recorded in enumerate(facts) if type(recorded.fact).__name__ == "FeedSilenced")
    async with connected(postgres_dsn) as connection:
        await fold_all(connection, facts[:silent])
        before = await connection.fetchval("SELECT available FROM read.market_now WHERE id = 1")
        await projections.advance(connection, facts[silent : silent + 1])
        after = await connection.fetchrow("SELECT available, status FROM read.market_now WHERE id = 1")
    assert before is True
    assert tuple(after or ()) == (False, "open")


async def test_facts_out_of_step_change_nothing(postgres_dsn: str, house: House) -> None:
    facts = house.recorded()
    async with connected(postgres_dsn) as connection:
        await fold_all(connection, facts[:100])
        before = await contents(connection)
        for wrong in (facts[50:120], facts[101:120], [facts[100], facts[102]]):
            with pytest.raises(projections.OutOfStep):
                await projections.advance(connection, wrong)
        assert await contents(connection) == before
        await projections.advance(connection, facts[100:])
        assert await projections.checkpoint(connection) == facts[-1].seq


@pytest.mark.parametrize("at", [300, 440, 500])
async def test_a_worker_that_dies_in_the_middle_leaves_no_trace(postgres_dsn: str, house: House, at: int) -> None:
    """The connection is cut while a batch is being written; the next worker folds the same batch, and all is there
    once."""
    facts = house.recorded()
    async with connected(postgres_dsn) as connection:
        await fold_all(connection, facts)
        whole = await contents(connection)
        await projections.drop(connection)
    async with connected(postgres_dsn) as dying:
        await dying.transaction().start()
        await projections.advance(dying, facts[:at])
        assert await projections.checkpoint(dying) == at
    async with connected(postgres_dsn) as connection:
        assert await projections.checkpoint(connection) == 0
        await fold_all(connection, facts)
        assert await contents(connection) == whole


async def test_tables_of_another_version_are_folded_again(postgres_dsn: str, house: House) -> None:
    async with connected(postgres_dsn) as connection:
        await fold_all(connection, house.recorded())
        assert await projections.migrate(connection) is False
        await connection.execute("UPDATE read.checkpoint SET version = version - 1")
        assert await projections.migrate(connection) is True
        assert await projections.checkpoint(connection) == 0


async def test_the_code_knows_the_tables_as_they_are(postgres_dsn: str) -> None:
    async with connected(postgres_dsn) as connection:
        await projections.migrate(connection)
        for table in TABLES:
            rows = await connection.fetch(
                "SELECT column_name, data_type FROM information_schema.columns"
                " WHERE table_schema = 'read' AND table_name = $1 ORDER BY ordinal_position",
                table.name,
            )
            assert [tuple(row) for row in rows] == list(zip(table.columns, table.types, strict=True))
