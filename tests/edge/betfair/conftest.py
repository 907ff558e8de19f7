"""One house with an exchange that the dialect's tests share; each test makes its own markets and traders."""

from collections.abc import Callable, Iterator

import pytest
from tests.conftest import ENGINES, make_folder
from tests.edge.betfair import house as people
from tests.edge.betfair.house import Market, Trader, close_all, open_house
from tests.edge.running import Api, Running


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
