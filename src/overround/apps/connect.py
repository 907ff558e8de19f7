"""`overround connect`: the lines that point an unmodified client of Betfair's API at this house, ready to paste."""

import asyncio
import time
from typing import Final

import click

from overround import identity
from overround.apps import engines
from overround.apps import settings as settings_door
from overround.apps.house import Customer, Endpoints, known_dsn, read_endpoints
from overround.apps.settings import InvalidSetting, Settings

APP_NAME: Final = "overround connect"
PASSWORD: Final = "YOUR PASSWORD"  # noqa: S105  # what a person puts there

BETFAIRLIGHTWEIGHT: Final = """\
import collections

import betfairlightweight
from betfairlightweight.streaming.betfairstream import BetfairStream

trading = betfairlightweight.APIClient("{username}", "{password}", app_key="{app_key}", cert_files=("", ""))
trading.identity_uri = trading.identity_cert_uri = "{http}/api/"
trading.api_uri = "{http}/exchange/"
trading.navigation_uri = "{http}/exchange/betting/rest/v1/en/navigation/menu.json"
BetfairStream.HOSTS = collections.defaultdict(lambda: "{stream_host}")
BetfairStream._BetfairStream__port = {stream_port}  # always TLS, whatever the certificate
"""
LOG_IN: Final = """\
trading.login_interactive()
print(trading.account.get_account_funds().available_to_bet_balance)
"""
FLUMINE: Final = """\
from flumine import Flumine, clients

framework = Flumine(clients.BetfairClient(trading, interactive_login=True))
# framework.add_strategy(...)
framework.run()
"""
BETFAIR_PARSER: Final = """\
import os

import requests
from betfair_parser import client
from betfair_parser.endpoints import EndpointConfig
from betfair_parser.spec import accounts

os.environ["SSL_CERT_FILE"] = "{certificate}"  # for the stream


class Endpoints(EndpointConfig):
    accounts = "{http}/exchange/account/json-rpc/v1/"
    betting = "{http}/exchange/betting/json-rpc/v1/"
    scores = "{http}/exchange/scores/json-rpc/v1/"


endpoints = Endpoints(
    identity="{http}/api/",
    identity_cert="{http}/api/",
    navigation="{http}/exchange/betting/rest/v1/en/navigation/menu.json",
    heartbeat="{http}/exchange/heartbeat/json-rpc/v1/",
    stream="ndjson://{stream_host}:{stream_port}",
)
session = requests.Session()
client.login(session, "{username}", "{password}", "{app_key}", endpoints=endpoints)
print(client.request(session, accounts.GetAccountFunds.with_params(), endpoints=endpoints))
"""

LINES: Final = {
    "betfairlightweight": BETFAIRLIGHTWEIGHT + LOG_IN,
    "flumine": BETFAIRLIGHTWEIGHT + FLUMINE,
    "betfair_parser": BETFAIR_PARSER,
}


@click.command(name="connect")
@click.argument("client", type=click.Choice(tuple(LINES)))
@click.option("--username", help="Whose login; the first demo customer where it is left out.")
def command(client: str, username: str | None) -> None:
    """Print what points a client of Betfair's API at the house whose data folder is OVERROUND_DATA.

    The customer's application keys are made where there are none yet.

    Example: overround connect flumine > bot.py
    """
    settings = settings_door.read()
    endpoints = read_endpoints(settings.endpoints_file)
    if endpoints is None or not endpoints.exchange_stream:
        raise InvalidSetting(
            f"no house has written {settings.endpoints_file}; run `overround up`, or set OVERROUND_DATA"
        )
    click.echo(lines(client, settings, endpoints, username), nl=False)


def lines(client: str, settings: Settings, endpoints: Endpoints, username: str | None) -> str:
    """The lines for one client. Raises InvalidSetting, EngineTrouble."""
    person = _person(endpoints, username)
    keys = asyncio.run(_keys(known_dsn(settings), person.username))
    host, _, port = endpoints.exchange_stream.rpartition(":")
    certificate = settings.stream_certificate or settings.tls_certificate or settings.data / "stream.crt"
    return LINES[client].format(
        http=endpoints.http,
        stream_host=host.strip("[]"),
        stream_port=port,
        username=person.username,
        password=person.password,
        app_key=keys.live,
        certificate=certificate,
    )


def _person(endpoints: Endpoints, username: str | None) -> Customer:
    """The demo customer of this name, or whoever it is with a password to fill in."""
    for customer in endpoints.customers:
        if username in (None, customer.username):
            return customer
    if username is None:
        raise InvalidSetting(
            "there are no demo customers; wait until `overround up` says it is open, or name one with --username"
        )
    return Customer(username=username, password=PASSWORD, token="", customer_id=0, account_id=0)


async def _keys(dsn: str, username: str) -> identity.AppKeys:
    async with engines.database(dsn) as connection:
        customer_id = await identity.customer_of(connection, username=username)
        if customer_id is None:
            raise InvalidSetting(f"nobody's login is {username!r}")
        now_us = time.time_ns() // 1_000
        return await identity.make_app_keys(connection, customer_id=customer_id, name=APP_NAME, now_us=now_us)
    raise AssertionError
