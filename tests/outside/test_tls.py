"""Every connection of a house under TLS: PostgreSQL's, NATS's, and its own door."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.chaos.load import Load
from tests.chaos.story import open_market
from tests.outside import debian
from tests.outside.certificates import Authority
from tests.outside.roles import CEILING_S, Outside, asked, endpoints_of, outside, until_ready, until_said

from overround.apps import demo
from overround.apps.tls import trusting
from overround.infra.child import Child, launch
from overround.infra.nats import server_program
from overround.infra.ports import free_port

pytestmark = pytest.mark.xdist_group("outside")

ROLES = ("book", "worker", "gateway")


@contextmanager
def nats(folder: Path, *, certificate: Path, key: Path, authority: Path) -> Iterator[str]:
    """A server that wants TLS, a certificate of ours, and a password; its host and port."""
    port = free_port()
    file = folder / "nats.conf"
    file.write_text(
        f'host: 127.0.0.1, port: {port}\nauthorization {{ user: house, password: "p@ss/word" }}\n'
        f'tls {{ cert_file: "{certificate}", key_file: "{key}", ca_file: "{authority}", verify: true }}\n'
    )
    process = launch(Child(name="nats", argv=(str(server_program()), "-c", str(file))), folder / "nats.log")
    try:
        due = time.monotonic() + CEILING_S
        while "Server is ready" not in (folder / "nats.log").read_text():
            assert time.monotonic() < due
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(CEILING_S)


@pytest.fixture
def secured(data_folder: Path) -> Iterator[Outside]:
    """A house's surroundings, in which nobody speaks in the clear."""
    authority = Authority(data_folder / "certificates", "authority")
    theirs, bus, ours, door = (authority.sign(name) for name in ("postgres", "nats", "house", "door"))
    with (
        debian.postgres(data_folder / "theirs", certificate=theirs[0], key=theirs[1]) as dsn,
        nats(data_folder, certificate=bus[0], key=bus[1], authority=authority.certificate) as place_of_nats,
        outside(
            data_folder,
            {
                "OVERROUND_DATABASE_URL": f"{dsn}?sslmode=verify-full&sslrootcert={authority.certificate}",
                "OVERROUND_NATS_URL": f"tls://house:p%40ss%2Fword@{place_of_nats}",
                "OVERROUND_NATS_CA": str(authority.certificate),
                "OVERROUND_NATS_CERTIFICATE": str(ours[0]),
                "OVERROUND_NATS_KEY": str(ours[1]),
                "OVERROUND_TLS_CERTIFICATE": str(door[0]),
                "OVERROUND_TLS_KEY": str(door[1]),
                "OVERROUND_GATEWAY_CA": str(authority.certificate),
            },
        ) as place,
    ):
        yield place


async def test_a_house_of_single_roles_under_tls(secured: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = secured.environment["OVERROUND_GATEWAY_CA"]
    monkeypatch.setenv("SSL_CERT_FILE", authority)  # whom the customers of the test trust
    migrated = secured.call("migrate")
    assert (migrated.returncode, migrated.stdout) == (0, "up to date\n"), migrated.stderr
    token = secured.token()
    for role in ROLES:
        secured.start("run", role)
    await until_ready(secured, "gateway")

    # The door is whose it says.
    async with httpx.AsyncClient(verify=trusting(Path(authority), "authority"), trust_env=False) as client:
        assert (await client.get(f"{secured.base_url}/health/ready")).status_code == httpx.codes.OK

    endpoints = await demo.seed(endpoints_of(secured, token))
    load = Load(endpoints, market_id=await open_market(endpoints), seed=1)
    await load.start()
    await load.stop()
    audited = secured.call("audit", "verify")
    assert audited.returncode == 0, audited.stdout + audited.stderr
    async with asked(endpoints.database_url) as connection:
        assert await connection.fetchval(
            "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE client_port > 0"
        )

    secured.start("run", "feed", OVERROUND_GATEWAY_URL=secured.base_url, OVERROUND_OPERATOR_TOKEN=token)
    await until_said(secured, "feed", "the match day goes on")
    await asyncio.sleep(1)
    assert "CERTIFICATE_VERIFY_FAILED" not in secured.stop("feed")
    for role in reversed(ROLES):
        assert "eof_received" not in secured.stop(role)


async def test_an_authority_that_nobody_knows(secured: Outside) -> None:
    stranger = Authority(secured.folder / "certificates", "stranger").certificate
    url = secured.environment["OVERROUND_DATABASE_URL"]
    secured.environment["OVERROUND_DATABASE_URL"] = url.partition("sslrootcert=")[0] + f"sslrootcert={stranger}"
    refused = secured.call("migrate")
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "CERTIFICATE_VERIFY_FAILED" in refused.stderr

    secured.environment["OVERROUND_DATABASE_URL"] = url
    secured.environment["OVERROUND_NATS_CA"] = str(stranger)
    assert secured.call("migrate").returncode == 0
    secured.start("run", "book")
    await until_said(secured, "book", "CERTIFICATE_VERIFY_FAILED")
    secured.stop("book")


async def test_no_password_is_told_to_a_bus_without_tls(secured: Outside) -> None:
    """Somebody poses as NATS and says that there is no TLS here."""
    assert secured.call("migrate").returncode == 0
    with socket.create_server(("127.0.0.1", 0)) as pretender:
        pretender.settimeout(CEILING_S)
        port = pretender.getsockname()[1]
        secured.environment["OVERROUND_NATS_URL"] = f"tls://house:p%40ss%2Fword@127.0.0.1:{port}"
        secured.start("run", "book")
        heard = await asyncio.to_thread(_greet, pretender)
        assert heard == b""
        await until_said(secured, "book", "does not require TLS")
    secured.stop("book")


def _greet(pretender: socket.socket) -> bytes:
    """Everything that a client says to a server that has no TLS."""
    connection, _ = pretender.accept()
    with connection:
        connection.settimeout(CEILING_S)
        connection.sendall(b'INFO {"server_id":"x","version":"2.10.0","max_payload":1048576}\r\n')
        return connection.recv(4096)
