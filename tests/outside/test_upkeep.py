"""What `docs/operating.md` tells operators to do with the journal: back it up, bring it back, archive its beginning."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos.load import Load
from tests.chaos.story import open_market
from tests.outside.roles import Outside, asked, endpoints_of, outside, until_ready

from overround import identity, journal, projections
from overround.apps import demo, snapshot
from overround.infra.nats import EmbeddedNats
from overround.infra.ports import free_port
from overround.infra.postgres import EmbeddedPostgres

pytestmark = pytest.mark.xdist_group("outside")

ROLES = ("book", "worker", "gateway")
PARTITION_ROWS = 50


@pytest.fixture
def existing(data_folder: Path) -> Iterator[tuple[Outside, EmbeddedPostgres]]:
    postgres, nats = EmbeddedPostgres(data_folder / "theirs", port=free_port()), EmbeddedNats(data_folder / "theirs")
    try:
        postgres.start()
        urls = {"OVERROUND_DATABASE_URL": postgres.tcp_dsn, "OVERROUND_NATS_URL": nats.start()}
        with outside(data_folder, urls) as place:
            yield place, postgres
    finally:
        nats.stop()
        postgres.stop()


async def an_evening(place: Outside, token: str) -> None:
    """Every role runs, ten customers bet, every role stops."""
    for role in ROLES:
        place.start("run", role)
    await until_ready(place, "gateway")
    endpoints = await demo.seed(endpoints_of(place, token))
    load = Load(endpoints, market_id=await open_market(endpoints), seed=1)
    await load.start()
    await load.goes_on(100)
    await load.stop()
    for role in reversed(ROLES):
        place.stop(role)


def agreed(place: Outside) -> dict[str, object]:
    audited = place.call("audit", "verify", "--json")
    assert audited.returncode == 0, audited.stdout + audited.stderr
    report: dict[str, object] = json.loads(audited.stdout)
    return report


def run(postgres: EmbeddedPostgres, program: str, *words: str) -> None:
    subprocess.run([str(postgres.programs / program), *words], check=True, capture_output=True, cwd="/")


async def test_a_dump_of_two_schemas_is_the_whole_house(existing: tuple[Outside, EmbeddedPostgres]) -> None:
    place, postgres = existing
    assert place.call("migrate").returncode == 0
    token = place.token()
    await an_evening(place, token)
    before = agreed(place)

    dump = place.folder / "house.dump"
    old = place.environment["OVERROUND_DATABASE_URL"]
    new = old.removesuffix("/overround") + "/restored"
    for words in (
        ("pg_dump", "--format=custom", "--schema=journal", "--schema=identity", f"--file={dump}", old),
        ("psql", "--command=CREATE DATABASE restored", old),
        ("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={new}", str(dump)),
    ):
        run(postgres, *words)
    place.environment["OVERROUND_DATABASE_URL"] = new
    assert place.call("migrate").returncode == 0
    run(postgres, "psql", "--command=UPDATE journal.shape SET identity = gen_random_uuid()", new)

    after = agreed(place)
    assert [after[name] for name in ("facts", "chain", "state_hash")] == [
        before[name] for name in ("facts", "chain", "state_hash")
    ]
    await an_evening(place, token)  # the token came along, and the house goes on
    assert agreed(place)["facts"] > before["facts"]  # type: ignore[operator]  # numbers


async def test_the_beginning_of_the_journal_is_archived(existing: tuple[Outside, EmbeddedPostgres]) -> None:
    place, _ = existing
    dsn = place.environment["OVERROUND_DATABASE_URL"]
    async with asked(dsn) as connection:
        await journal.migrate(connection, partition_rows=PARTITION_ROWS)
        await projections.migrate(connection)
        await identity.migrate(connection)
    token = place.token()
    await an_evening(place, token)

    early = place.call("journal", "archive", "--before", str(PARTITION_ROWS + 1))
    assert early.returncode == 2
    assert "not in a snapshot yet" in early.stderr

    await snapshot.take(dsn)
    archived = place.call("journal", "archive", "--before", str(PARTITION_ROWS + 1))
    assert archived.stdout == f"journal_archive.event_{1:016}\n"
    assert f"archived up to {PARTITION_ROWS}" in place.call("journal", "show").stdout
    assert "no partition" in place.call("journal", "archive", "--before", str(PARTITION_ROWS + 1)).stdout

    for words in (("audit", "verify"), ("projections", "rebuild")):
        refused = place.call(*words)
        assert refused.returncode == 2
        assert "archived" in refused.stderr

    await an_evening(place, token)
