"""The audit of a small real house: clean when all agrees, and exact about the first thing that does not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.projections.stories import OPERATOR, House, append, connected, fold_all, play

from overround.apps import snapshot
from overround.apps.audit import words
from overround.apps.auditor import Finding, verify
from overround.book.machine import state_hash
from overround.book.machine.commands import EndEvent
from overround.book.machine.desk_commands import SetArchiveAfter
from overround.kernel.instant import DAY_US

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def house() -> House:
    return play(customers=6, bets=30)


async def open_house(dsn: str, house: House, *, tables: int | None = None) -> None:
    """The house's journal, two snapshots on the way, and its tables up to a fact."""
    half = len(house.facts) // 2
    head = await append(dsn, house.facts[:half])
    await snapshot.take(dsn)
    head = await append(dsn, house.facts[half : half + 80], head=head)
    await snapshot.take(dsn)
    await append(dsn, house.facts[half + 80 :], head=head)
    async with connected(dsn) as connection:
        await fold_all(connection, house.recorded()[:tables])


async def spoil(dsn: str, statement: str) -> None:
    """Change what nothing in the house could: as a superuser, past every trigger."""
    async with connected(dsn) as connection:
        await connection.execute("SET session_replication_role = replica")
        assert await connection.execute(statement) in ("UPDATE 1", "DELETE 1", "INSERT 0 1")


async def finding(dsn: str) -> Finding:
    report = await verify(dsn)
    assert not report.ok
    assert report.finding is not None
    assert report.finding.place in words(report)
    return report.finding


async def test_an_honest_house_is_clean(journal_dsn: str, house: House) -> None:
    await open_house(journal_dsn, house)
    seen: list[tuple[str, int, int]] = []
    report = await verify(journal_dsn, lambda *progress: seen.append(progress))
    assert report.finding is None
    assert report.ok
    assert report.facts == report.tables_seq == len(house.facts)
    assert report.state_hash == state_hash(house.machine.state).hex()
    assert len(report.snapshots) == 2
    assert set(report.sums_minor.values()) == {0}
    assert {what for what, _, _ in seen} == {"chain", "replay", "tables"}


@pytest.fixture(scope="module")
def forgetful() -> House:
    """The same house months later, when nothing that was settled is in the book any more."""
    house = play(seed=9, customers=6, bets=30)
    bets, orders = len(house.machine.state.bets.bets), len(house.machine.state.exchange.orders.by_id)
    house.done(SetArchiveAfter(DAY_US))
    for event in house.machine.state.catalogue.events.values():
        house.ask(OPERATOR, EndEvent(event.id))
    for _ in range(40):
        house.wait(3 * DAY_US)
    state = house.machine.state
    assert len(state.bets.bets) < bets // 4
    assert len(state.exchange.orders.by_id) < orders
    assert len(state.catalogue.markets) < state.catalogue.markets_made // 2
    return house


async def test_a_house_that_archived_is_clean(journal_dsn: str, forgetful: House) -> None:
    """The tables keep what the book has let go, and the audit explains every amount in them."""
    house = forgetful
    archiving = next(n for n, fact in enumerate(house.facts) if fact.kind == "bets_archived")
    head = await append(journal_dsn, house.facts[: archiving + 3])
    for first, last in ((archiving + 3, archiving + 20), (archiving + 20, len(house.facts))):
        await snapshot.take(journal_dsn)
        head = await append(journal_dsn, house.facts[first:last], head=head)
    await snapshot.take(journal_dsn)
    async with connected(journal_dsn) as connection:
        await fold_all(connection, house.recorded())
    report = await verify(journal_dsn)
    assert report.finding is None, report.finding
    assert report.state_hash == state_hash(house.machine.state).hex()
    assert report.bets == house.machine.state.bets.made
    assert len(report.snapshots) == 3


@pytest.mark.parametrize("tables", [0, 1, 137])
async def test_tables_that_are_behind_are_compared_where_they_stand(
    journal_dsn: str, house: House, tables: int
) -> None:
    await open_house(journal_dsn, house, tables=tables)
    report = await verify(journal_dsn)
    assert report.finding is None
    assert report.tables_seq == tables


async def test_a_journal_without_tables_or_snapshots_is_audited_too(journal_dsn: str, house: House) -> None:
    await append(journal_dsn, house.facts)
    report = await verify(journal_dsn)
    assert (report.ok, report.tables_seq, report.snapshots) == (True, None, ())


async def test_an_empty_journal_is_clean(journal_dsn: str) -> None:
    assert (await verify(journal_dsn)).ok


async def test_one_byte_of_one_body_is_found_and_its_batch_named(journal_dsn: str, house: House) -> None:
    await open_house(journal_dsn, house)
    spoilt = next(fact.seq for fact in house.facts if fact.kind == "bet_accepted")
    await spoil(
        journal_dsn,
        f"UPDATE journal.event SET body = replace(body, 'bet_id', 'bet_iD') WHERE seq = {spoilt}",  # noqa: S608
    )
    found = await finding(journal_dsn)
    assert (found.part, found.what) == ("journal", "chain")
    assert found.seq is not None
    assert found.last_seq is not None
    assert found.seq <= spoilt <= found.last_seq
    assert found.last_seq - found.seq < 40, "the rows of one commit"


async def test_a_missing_row_is_found(journal_dsn: str, house: House) -> None:
    await open_house(journal_dsn, house)
    await spoil(journal_dsn, "DELETE FROM journal.event WHERE seq = 77")
    found = await finding(journal_dsn)
    assert (found.part, found.what, found.seq) == ("journal", "sequence", 77)


async def test_a_journal_that_lost_its_end_is_found_by_what_was_folded_from_it(journal_dsn: str, house: House) -> None:
    await open_house(journal_dsn, house)
    async with connected(journal_dsn) as connection:
        await connection.execute("SET session_replication_role = replica")
        last = await connection.fetchval(
            "SELECT max(seq) FROM journal.event WHERE chain IS NOT NULL AND seq < $1", len(house.facts)
        )
        await connection.execute("DELETE FROM journal.event WHERE seq > $1", last)
    found = await finding(journal_dsn)
    assert (found.part, found.seq, found.expected) == ("journal", last, f"row {len(house.facts)}")


@pytest.mark.parametrize(
    ("table", "column", "row", "difference"),
    [
        ("account", "balance_minor", "id 4", 1),
        ("account", "held_minor", "id 7", 5),
        ("bet", "payout_minor", "id 3", 1),
        ("bet", "stake_minor", "id 9", -1),
        ("bet", "price_milli", "id 9", 1),
        ("selection", "price_milli", "market_id 2, id 1", 1),
        ("grant", "wagered_minor", "id 3", 100),
        ("exchange_order", "matched_value", "id 1", 1),
        ("exchange_order", "cancelled_minor", "id 5", -1),
        ("exchange_trade", "price_milli", "id 1", 10),
    ],
)
async def test_a_changed_number_is_found_and_named(
    journal_dsn: str, house: House, table: str, column: str, row: str, difference: int
) -> None:
    await open_house(journal_dsn, house)
    where = " AND ".join(f"{name} = {value}" for name, value in (each.split() for each in row.split(", ")))
    await spoil(journal_dsn, f"UPDATE read.{table} SET {column} = {column} + {difference} WHERE {where}")  # noqa: S608
    found = await finding(journal_dsn)
    assert (found.part, found.table, found.row, found.column) == ("table", table, row, column)
    assert int(found.found) - int(found.expected) == difference


FIRST = "(SELECT min(seq) FROM read.{})"
SPOILT_TABLES = {
    "bet": ("DELETE FROM read.bet WHERE id = 5", "none"),
    "customer": ("INSERT INTO read.customer VALUES (99, 0)", "a row"),
    "refusal": ("DELETE FROM read.refusal WHERE seq = {first}", "none"),
    "transfer": ("UPDATE read.transfer SET balance_minor = -1 WHERE n = 0 AND seq = {first}", "-1"),
    "price_history": ("UPDATE read.price_history SET price_milli = 7 WHERE selection_id = 2 AND seq = {first}", "7"),
    "market": ("UPDATE read.market SET version = 1 WHERE id = 1", "1"),
    "feed": ("UPDATE read.feed SET back_at_us = 12 WHERE name = 'odds'", "12"),
    "market_status_history": ("DELETE FROM read.market_status_history WHERE seq = {first}", "none"),
    "result": ("INSERT INTO read.result VALUES (1, 9, 1000000, 0, '[]', 0)", "a row"),
    "control": ("UPDATE read.control SET active = NOT active WHERE level = 'sport'", "True"),
    "competition": ("UPDATE read.competition SET approved = false", "False"),
    "operator_action": ("UPDATE read.operator_action SET actor = -9 WHERE seq = {first}", "-9"),
    "limit_change": ("DELETE FROM read.limit_change WHERE kind = 'cool_off'", "none"),
    "grant": ("UPDATE read.grant SET status = 'open' WHERE kind = 'bonus' AND status = 'released'", "open"),
    "exchange_market": ("UPDATE read.exchange_market SET changed_seq = 3 WHERE id = 1", "3"),
    "exchange_runner": ("UPDATE read.exchange_runner SET status = 'winner' WHERE market_id = 3 AND n = 0", "winner"),
    "exchange_order": ("UPDATE read.exchange_order SET lapse_reason = 'mood' WHERE id = 1", "mood"),
    "exchange_trade": ("DELETE FROM read.exchange_trade WHERE id = 2", "none"),
    "exchange_rate": ("UPDATE read.exchange_rate SET minor = 7", "7"),
    "exchange_discount": ("DELETE FROM read.exchange_discount", "none"),
    "exchange_position": (
        "UPDATE read.exchange_position SET commission_minor = -7 WHERE market_id = 1 AND customer_id = 9",
        "-7",
    ),
}


@pytest.mark.parametrize("table", SPOILT_TABLES)
async def test_any_table_that_differs_is_named(journal_dsn: str, house: House, table: str) -> None:
    await open_house(journal_dsn, house)
    statement, stands = SPOILT_TABLES[table]
    await spoil(journal_dsn, statement.format(first=FIRST.format(table)))
    found = await finding(journal_dsn)
    assert (found.part, found.table, found.found) == ("table", table, stands)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE journal.snapshot_part SET body = set_byte(body, 90, get_byte(body, 90) # 1)", "content"),
        ("UPDATE journal.snapshot SET state_hash = sha256(state_hash)", "state hash"),
        ("UPDATE journal.snapshot SET chain = sha256(chain)", "chain"),
        ("DELETE FROM journal.snapshot_part", "content"),
    ],
)
async def test_a_changed_snapshot_is_found(journal_dsn: str, house: House, statement: str, what: str) -> None:
    await open_house(journal_dsn, house)
    seq = len(house.facts) // 2
    await spoil(journal_dsn, f"{statement} WHERE seq = {seq}")
    found = await finding(journal_dsn)
    assert (found.part, found.what, found.seq) == ("snapshot", what, seq)


async def test_a_well_sealed_lie_is_found_by_the_replay(journal_dsn: str, house: House) -> None:
    """Whoever holds the pen can seal nonsense: the chain is right, and the fold says no."""
    lie = '{"kind":"funds_moved","customer_id":1,"currency":"EUR","amount_minor":-9,"note":"theft",'
    lie += '"transfers":[[4,3,999999999,"withdrawal"]]}'
    head = await append(journal_dsn, house.facts[:60])
    await append(journal_dsn, [type(house.facts[0])(61, house.now_us, "funds_moved", lie.encode())], head=head)
    found = await finding(journal_dsn)
    assert (found.part, found.seq) == ("replay", 61)


async def test_the_command_says_it_in_words_and_in_json_and_by_its_exit_code(journal_dsn: str, house: House) -> None:
    await open_house(journal_dsn, house)
    code, said = command(journal_dsn)
    assert code == 0
    assert said.startswith("ALL AGREES")
    code, said = command(journal_dsn, "--json")
    assert (code, json.loads(said)["ok"]) == (0, True)
    await spoil(journal_dsn, "UPDATE read.account SET balance_minor = 1 WHERE id = 4")
    code, said = command(journal_dsn)
    assert code == 1
    assert said.startswith("DIFFERENCE at read.account, row id 4, column balance_minor")
    code, said = command(journal_dsn, "--json")
    assert (code, json.loads(said)["finding"]["column"]) == (1, "balance_minor")


def test_a_house_that_cannot_be_reached_is_neither_clean_nor_wrong(tmp_path: Path) -> None:
    done = audit(f"postgresql://nobody@/nothing?host={tmp_path}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("overround: the house could not be audited: ")


def command(dsn: str, *arguments: str) -> tuple[int, str]:
    done = audit(dsn, *arguments)
    assert done.stderr == ""
    return done.returncode, done.stdout


def audit(dsn: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "overround", "audit", "verify", *arguments],
        env={"OVERROUND_DATABASE_URL": dsn, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
