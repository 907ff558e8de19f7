"""One house with an exchange that the dialect's tests share; each test makes its own markets and traders."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import msgspec
import pytest
from tests.conftest import ENGINES, make_folder
from tests.edge.betfair import house as people
from tests.edge.betfair.authority import Authority
from tests.edge.betfair.house import Market, Trader, close_all, open_house
from tests.edge.running import PATIENCE_S, Api, Running

from overround.apps import gateway
from overround.apps.settings import Settings
from overround.infra.ports import free_port


@pytest.fixture(scope="session")
def shop(pytestconfig: pytest.Config) -> Iterator[Running]:
    engines = pytestconfig.stash[ENGINES]
    with open_house(engines.postgres_dsn(), engines.nats_url(), make_folder() / "data") as running:
        yield running


@pytest.fixture(scope="session")
def operator(shop: Running) -> Iterator[Api]:
    api = Api(shop, shop.operator)
    yield api
    api.close()


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    yield
    close_all()


@pytest.fixture
def new_trader(shop: Running, operator: Api) -> Callable[..., Trader]:
    return lambda **more: people.new_trader(shop, operator, **more)


@pytest.fixture
def trader(new_trader: Callable[..., Trader]) -> Trader:
    return new_trader()


@pytest.fixture
def new_market(shop: Running, operator: Api) -> Callable[..., Market]:
    return lambda **terms: people.new_market(shop, operator, **terms)


@pytest.fixture
def market(new_market: Callable[..., Market]) -> Market:
    return new_market()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ours"), "ours")


@pytest.fixture(scope="session")
def secured(shop: Running, authority: Authority) -> Iterator[Settings]:
    """A second gateway of the house, with TLS, that knows who signs the customers' certificates."""
    certificate, key = authority.issue("gateway")
    settings = msgspec.structs.replace(
        shop.settings,
        port=free_port(),
        stream_port=free_port(),
        tls_certificate=certificate,
        tls_key=key,
        client_ca=authority.file,
    )
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(gateway.run(settings, stop),), daemon=True)
    thread.start()
    wait_for(settings.port)
    yield settings
    loop.call_soon_threadsafe(stop.set)
    thread.join(PATIENCE_S)
    loop.close()


def wait_for(port: int) -> None:
    due = time.monotonic() + PATIENCE_S
    while time.monotonic() < due:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise AssertionError("nobody listens")
