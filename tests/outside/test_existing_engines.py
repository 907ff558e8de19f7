"""A house on engines that somebody else runs: all of it under `overround up`, and every role alone."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos.load import Load
from tests.chaos.story import open_market
from tests.outside.roles import CEILING_S, Outside, asked, endpoints_of, outside, until_ready, until_said

from overround.apps import demo
from overround.apps.house import Endpoints, read_endpoints
from overround.infra.nats import EmbeddedNats
from overround.infra.ports import free_port
from overround.infra.postgres import EmbeddedPostgres

pytestmark = pytest.mark.xdist_group("outside")

ROLES = ("book", "worker", "gateway")


@pytest.fixture
def existing(data_folder: Path) -> Iterator[Outside]:
    """Somebody else's PostgreSQL and NATS, over TCP with a password."""
    postgres = EmbeddedPostgres(data_folder / "theirs", port=free_port())
    nats = EmbeddedNats(data_folder / "theirs")
    try:
        postgres.start()
        urls = {"OVERROUND_DATABASE_URL": postgres.tcp_dsn, "OVERROUND_NATS_URL": nats.start()}
        with outside(data_folder, urls) as place:
            yield place
    finally:
        nats.stop()
        postgres.stop()


async def bet(endpoints: Endpoints) -> None:
    """Ten customers place at least thirty bets, and are told of every one."""
    load = Load(endpoints, market_id=await open_market(endpoints), seed=1)
    await load.start()
    await load.goes_on(20)
    await load.stop()
    assert not load.refused
    async with asked(endpoints.database_url) as connection:
        count = await connection.fetchval("SELECT count(*) FROM journal.event WHERE kind = 'bet_accepted'")
    assert count == len(load.acknowledged)


async def holder(dsn: str) -> str:
    async with asked(dsn) as connection:
        return str(await connection.fetchval("SELECT holder FROM journal.lease"))


def agrees(place: Outside) -> None:
    audited = place.call("audit", "verify", "--json")
    assert audited.returncode == 0, audited.stdout + audited.stderr


async def told(path: Path) -> Endpoints:
    """The endpoints, which a house writes a moment after its gateway is ready."""
    for _ in range(300):
        endpoints = read_endpoints(path)
        if endpoints is not None:
            return endpoints
        await asyncio.sleep(0.1)
    raise TimeoutError(path)


async def test_up_starts_no_engine_where_settings_name_one(existing: Outside) -> None:
    existing.start("up", "--no-feed")
    await until_ready(existing, "no-feed")
    data = existing.folder / "data"
    endpoints = await told(data / "endpoints.json")
    await bet(await demo.seed(endpoints))
    agrees(existing)
    existing.stop("--no-feed")
    assert await holder(endpoints.database_url) == ""
    assert sorted(path.name for path in data.iterdir()) == [
        "endpoints.json", "house.lock", "logs", "stream.crt", "stream.key"
    ]  # fmt: skip
    logs = {path.name: path.read_text() for path in (data / "logs").iterdir()}
    assert sorted(logs) == ["book-1.log", "gateway.log", "worker.log"]
    for name, log in logs.items():
        assert "Traceback" not in log, f"{name}\n{log}"
        assert '"level":"warning"' not in log, f"{name}\n{log}"


async def test_each_role_runs_alone(existing: Outside) -> None:
    assert existing.call("migrate").stdout == "up to date\n"
    token = existing.token()
    for role in ROLES:
        existing.start("run", role)
    await until_ready(existing, "gateway")
    endpoints = await demo.seed(endpoints_of(existing, token))
    await bet(endpoints)
    agrees(existing)

    # The feed needs no engine, only the gateway.
    existing.start("run", "feed", OVERROUND_GATEWAY_URL=existing.base_url, OVERROUND_OPERATOR_TOKEN=token)
    await until_said(existing, "feed", "the match day goes on")
    existing.stop("feed")

    assert await holder(endpoints.database_url) == "book"
    for role in reversed(ROLES):
        for line in existing.stop(role).splitlines():
            assert json.loads(line)["level"] == "info", line
    assert await holder(endpoints.database_url) == ""


async def test_roles_wait_for_what_is_not_there_yet(existing: Outside) -> None:
    # given a database that nobody has migrated
    for role in ROLES:
        existing.start("run", role)
    for role in ROLES:
        await until_said(existing, role, "run `overround migrate`")
    # when somebody does
    assert existing.call("migrate").returncode == 0
    # then they begin
    await until_ready(existing, "gateway")
    for role in ROLES:
        existing.stop(role)


@pytest.mark.parametrize("missing", ["OVERROUND_DATABASE_URL", "OVERROUND_NATS_URL"])
async def test_who_waits_for_an_engine_can_be_stopped(existing: Outside, missing: str) -> None:
    existing.call("migrate")
    existing.environment[missing] = f"{existing.environment[missing].partition('://')[0]}://127.0.0.1:{free_port()}/x"
    for role in ROLES:
        existing.start("run", role)
    for role in ROLES:
        await until_said(existing, role, "ConnectionRefusedError")
    await asyncio.sleep(1.5)  # long enough to ask again several times
    for role in ROLES:
        assert existing.stop(role).count("ConnectionRefusedError") == 1  # and it was said once


async def test_the_tokens_of_an_operator(existing: Outside) -> None:
    existing.call("migrate")
    secret = existing.call("token", "create", "--scopes", "operator, read_only", "--name", "night desk", "--days", "7")
    assert secret.stdout.startswith("ovr_")
    listed = json.loads(existing.call("token", "list", "--json").stdout)
    assert [(each["name"], each["scopes"]) for each in listed] == [("night desk", ["operator", "read_only"])]
    assert secret.stdout.strip() not in existing.call("token", "list").stdout
    assert existing.call("token", "revoke", str(listed[0]["id"])).returncode == 0
    assert existing.call("token", "list").stdout == ""
    again = existing.call("token", "revoke", str(listed[0]["id"]))
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    refused = existing.call("token", "create", "--scopes", "customer", "--name", "x")
    assert (refused.returncode, refused.stderr) == (2, "overround: scopes_invalid\n")


async def test_the_tables_are_folded_again_while_the_house_runs(existing: Outside) -> None:
    existing.call("migrate")
    token = existing.token()
    for role in ROLES:
        existing.start("run", role)
    await until_ready(existing, "gateway")
    endpoints = await demo.seed(endpoints_of(existing, token))
    await bet(endpoints)
    assert existing.call("projections", "rebuild").returncode == 0
    due = time.monotonic() + CEILING_S
    async with asked(endpoints.database_url) as connection:
        while await connection.fetchval("SELECT seq FROM read.checkpoint") < await connection.fetchval(
            "SELECT max(seq) FROM journal.event"
        ):
            assert time.monotonic() < due, existing.log("worker")
            await asyncio.sleep(0.05)
    agrees(existing)
    shown = json.loads(existing.call("journal", "show", "--json").stdout)
    assert shown["tables_seq"] == shown["seq"] > 0
    assert shown["holder"] == "book"
    for role in reversed(ROLES):
        existing.stop(role)
