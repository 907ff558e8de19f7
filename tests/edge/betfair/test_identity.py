"""Logging in and out: what each endpoint answers, and how long a session lasts."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from betfair_parser import client
from betfair_parser.exceptions import LoginError
from betfair_parser.spec import accounts
from betfair_parser.spec.identity import CertLogin, KeepAlive, Login, Logout
from betfairlightweight.exceptions import APIError, KeepAliveError
from betfairlightweight.exceptions import LoginError as OtherLoginError
from tests.edge.betfair.house import PASSWORD, Trader
from tests.edge.betfair.house import new_trader as make_trader
from tests.edge.betfair.strict import Strict, endpoints
from tests.edge.running import PATIENCE_S, Running

from overround.edge.betfair.identity import Peer, peer_of

Make = Callable[..., Any]


@pytest.fixture(scope="module")
def person(shop: Running, operator: Any) -> Trader:
    """Somebody with a login."""
    return make_trader(shop, operator, has_login=True)


@pytest.fixture
def web(shop: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=shop.url, timeout=PATIENCE_S, headers={"X-Application": "key"}) as made:
        yield made


def test_the_shapes_of_both_logins(web: httpx.Client, person: Trader) -> None:
    form = {"username": person.username, "password": PASSWORD}
    interactive = web.post("/api/login", data=form).json()
    token = interactive.pop("token")
    assert interactive == {"product": "key", "status": "SUCCESS", "error": ""}
    assert token.startswith("ovr_")
    with_certificate = web.post("/api/certlogin", data=form).json()
    assert list(with_certificate) == ["loginStatus", "sessionToken"]
    assert with_certificate["loginStatus"] == "SUCCESS"


def test_a_session_by_betfair_parser(shop: Running, person: Trader) -> None:
    strict = Strict(person)
    for kind in (Login, CertLogin):
        session = client.request(
            strict.session, kind.with_params(username=person.username, password=PASSWORD), endpoints=endpoints(shop)
        )
        strict.session.headers["X-Authentication"] = session.token
        strict.ask(accounts.GetAccountFunds)
        kept = client.request(strict.session, KeepAlive(), endpoints=endpoints(shop))
        assert kept.token == session.token
        client.request(strict.session, Logout(), endpoints=endpoints(shop))
        with pytest.raises(Exception, match="INVALID_SESSION_INFORMATION"):
            strict.ask(accounts.GetAccountFunds)
    wrong = Login.with_params(username=person.username, password="wrong password")
    with pytest.raises(LoginError, match="INVALID_USERNAME_OR_PASSWORD"):
        client.request(strict.session, wrong, endpoints=endpoints(shop))


def test_a_session_by_betfairlightweight(person: Trader) -> None:
    trading = person.client()
    assert trading.login().login_status == "SUCCESS"
    assert trading.keep_alive().status == "SUCCESS"
    assert trading.account.get_account_funds().available_to_bet_balance == 10_000.0
    token = trading.session_token
    assert trading.logout().status == "SUCCESS"
    trading.set_session_token(token)
    with pytest.raises(APIError, match="INVALID_SESSION_INFORMATION"):
        trading.account.get_account_funds()
    with pytest.raises(KeepAliveError, match="NO_SESSION"):
        trading.keep_alive()
    trading.password = "wrong password"
    with pytest.raises(OtherLoginError, match="INVALID_USERNAME_OR_PASSWORD"):
        trading.login_interactive()


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"username": "ada"},
        {"password": "x" * 12},
        {"username": "x" * 65, "password": "y"},
        {"username": "", "password": ""},
    ],
)
def test_a_form_without_the_two_fields(web: httpx.Client, form: dict[str, str]) -> None:
    assert web.post("/api/login", data=form).json()["error"] == "INPUT_VALIDATION_ERROR"
    assert web.post("/api/certlogin", data=form).json() == {"loginStatus": "INPUT_VALIDATION_ERROR"}


def test_a_login_needs_an_application(shop: Running, person: Trader) -> None:
    form = {"username": person.username, "password": PASSWORD}
    answer = httpx.post(f"{shop.url}/api/login", data=form, timeout=PATIENCE_S).json()
    assert (answer["status"], answer["error"]) == ("FAIL", "INPUT_VALIDATION_ERROR")


@pytest.mark.parametrize("body", [b"\xff\xfe", b"username=%zz&password", b"&" * 500, b"username=" + b"x" * 100_000])
def test_a_form_that_is_none(web: httpx.Client, body: bytes) -> None:
    assert web.post("/api/login", content=body).json()["error"] == "INPUT_VALIDATION_ERROR"


def test_guessing_is_slowed_down(web: httpx.Client, new_trader: Make) -> None:
    username = new_trader(has_login=True).username
    guesses = [
        web.post("/api/login", data={"username": username, "password": f"guess {n}"}).json()["error"] for n in range(7)
    ]
    assert guesses[0] == "INVALID_USERNAME_OR_PASSWORD"
    assert guesses[-1] == "TEMPORARY_BAN_TOO_MANY_REQUESTS"


@pytest.mark.parametrize("name", ["keepAlive", "logout"])
def test_sessions_that_are_none(web: httpx.Client, name: str) -> None:
    nobody = web.post(f"/api/{name}").json()
    assert nobody == {"token": "", "product": "key", "status": "FAIL", "error": "NO_SESSION"}
    unknown = web.post(f"/api/{name}", headers={"X-Authentication": "ovr_" + "x" * 43}).json()
    assert unknown["error"] == "NO_SESSION"


def test_there_are_no_other_endpoints(web: httpx.Client) -> None:
    assert web.post("/api/register").status_code == 404


class Transport:
    """As much of a connection as is looked at."""

    def __init__(self, certificate: dict[str, Any] | None) -> None:
        self._certificate = certificate

    def get_extra_info(self, _name: str) -> Any:
        return None if self._certificate is None else self

    def getpeercert(self) -> dict[str, Any]:
        return self._certificate or {}


def test_who_a_certificate_names() -> None:
    subject = ((("countryName", "GB"),), (("commonName", "ada"),))
    assert peer_of(Transport({"subject": subject})) == Peer(True, "ada")
    assert peer_of(Transport({})) == Peer(True, "")
    assert peer_of(Transport(None)) == peer_of(None) == Peer(False, "")
