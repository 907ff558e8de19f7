"""Logging in with a certificate, over TLS with a checked authority, as unmodified clients do it."""

import socket
import ssl
from typing import Any

import pytest
import requests
from betfairlightweight import APIClient
from betfairlightweight.exceptions import LoginError
from tests.edge.betfair.authority import Authority
from tests.edge.betfair.house import PASSWORD, Trader, kept, new_trader
from tests.edge.running import PATIENCE_S, Running

from overround.apps.settings import Settings


@pytest.fixture(scope="module")
def person(shop: Running, operator: Any) -> Trader:
    return new_trader(shop, operator, has_login=True)


def client_of(person: Trader, secured: Settings, authority: Authority, files: Any) -> APIClient:
    """betfairlightweight with certificate files and a checked server."""
    session = kept(requests.Session())
    session.trust_env, session.verify = False, str(authority.file)
    client = APIClient(
        person.username,
        PASSWORD,
        app_key=person.live_key,
        cert_files=tuple(str(file) for file in files),
        session=session,
    )
    client.identity_uri = client.identity_cert_uri = f"https://localhost:{secured.port}/api/"
    client.api_uri = f"https://localhost:{secured.port}/exchange/"
    return client


def test_the_certificate_of_the_customer_lets_in(person: Trader, secured: Settings, authority: Authority) -> None:
    client = client_of(person, secured, authority, authority.issue(person.username))
    assert client.login().login_status == "SUCCESS"
    assert client.account.get_account_funds().available_to_bet_balance == 10_000.0
    client.password = "wrong password"
    with pytest.raises(LoginError, match="INVALID_USERNAME_OR_PASSWORD"):
        client.login()


def test_the_certificate_of_somebody_else_does_not(person: Trader, secured: Settings, authority: Authority) -> None:
    client = client_of(person, secured, authority, authority.issue("somebody-else"))
    with pytest.raises(LoginError, match="CERT_AUTH_REQUIRED"):
        client.login()


def test_no_certificate_is_none(person: Trader, secured: Settings, authority: Authority) -> None:
    form = {"username": person.username, "password": PASSWORD}
    answer = requests.post(
        f"https://localhost:{secured.port}/api/certlogin",
        data=form,
        headers={"X-Application": person.live_key},
        verify=str(authority.file),
        timeout=PATIENCE_S,
    )
    assert answer.json() == {"loginStatus": "CERT_AUTH_REQUIRED"}


def test_a_certificate_that_strangers_signed_ends_the_connection(
    person: Trader, secured: Settings, authority: Authority, tmp_path: Any
) -> None:
    client = client_of(person, secured, authority, Authority(tmp_path, "theirs").issue(person.username))
    with pytest.raises(Exception, match=r"(?i)ssl|reset|aborted|alert"):
        client.login()


def test_the_stream_shows_the_gateways_certificate(secured: Settings, authority: Authority) -> None:
    context = ssl.create_default_context(cafile=str(authority.file))
    assert secured.stream_port is not None
    plain = socket.create_connection(("127.0.0.1", secured.stream_port), timeout=PATIENCE_S)
    with plain, context.wrap_socket(plain, server_hostname="localhost") as line:
        assert b'"op":"connection"' in line.recv(1 << 12)
