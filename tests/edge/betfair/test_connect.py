"""`overround connect`: what it prints runs."""

from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from tests.edge.betfair.house import PASSWORD, Trader, close_all
from tests.edge.betfair.house import new_trader as make_trader
from tests.edge.running import Api, Running

from overround.apps import connect
from overround.apps.house import Customer, Endpoints, write_endpoints


@pytest.fixture(scope="module")
def person(shop: Running, operator: Api) -> Trader:
    """A demo customer of the house, as `overround up` makes them."""
    person = make_trader(shop, operator, has_login=True)
    shop.settings.data.mkdir(parents=True, exist_ok=True)
    customer = Customer(
        username=person.username, password=PASSWORD, token="", customer_id=person.customer_id, account_id=0
    )
    endpoints = Endpoints(
        http=shop.url,
        stream=shop.stream,
        docs="",
        metrics="",
        database_url=shop.settings.dsn,
        nats_url=shop.settings.bus_url,
        operator_token="",
        exchange_stream=f"127.0.0.1:{shop.settings.stream_port}",
        customers=(customer,),
    )
    write_endpoints(shop.settings.endpoints_file, endpoints)
    return person


@pytest.fixture
def printed(shop: Running, person: Trader, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What the command prints."""
    monkeypatch.setenv("OVERROUND_DATA", str(shop.settings.data))

    def run(*arguments: str) -> str:
        outcome = CliRunner().invoke(connect.command, arguments, catch_exceptions=False)
        assert outcome.exit_code == 0, outcome.output
        assert person.live_key in outcome.output
        return outcome.output

    yield run
    close_all()


def test_betfairlightweight(printed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(printed("betfairlightweight"), "bot.py", "exec"), {})  # noqa: S102  # what a reader pastes
    assert capsys.readouterr().out == "10000.0\n"


def test_betfair_parser(printed: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "")
    names: dict[str, Any] = {}
    exec(compile(printed("betfair_parser"), "bot.py", "exec"), names)  # noqa: S102  # what a reader pastes
    names["session"].close()
    assert "available_to_bet_balance=10000.0" in capsys.readouterr().out


def test_flumine(printed: Any) -> None:
    lines = printed("flumine")
    assert lines.endswith("framework.run()\n")
    names: dict[str, Any] = {}
    exec(compile(lines.replace("framework.run()", ""), "bot.py", "exec"), names)  # noqa: S102  # what a reader pastes
    assert names["trading"].login_interactive().session_token is None  # the interactive login calls it `token`
    assert names["trading"].session_token.startswith("ovr_")


def test_somebody_elses_name(printed: Any, person: Trader) -> None:
    assert f'"{PASSWORD}"' in printed("betfairlightweight", "--username", person.username)


@pytest.mark.usefixtures("person")
def test_no_house_and_nobody(shop: Running, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERROUND_DATA", str(tmp_path))
    outcome = CliRunner().invoke(connect.command, ["flumine"])
    assert "no house has written" in str(outcome.exception)
    monkeypatch.setenv("OVERROUND_DATA", str(shop.settings.data))
    outcome = CliRunner().invoke(connect.command, ["flumine", "--username", "nobody-at-all"])
    assert "nobody's login is" in str(outcome.exception)
