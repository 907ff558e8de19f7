"""One house with an exchange, on which recordings are played."""

from collections.abc import Iterator

import pytest
from tests.conftest import ENGINES, make_folder
from tests.edge.betfair.house import open_house
from tests.edge.running import Running


@pytest.fixture(scope="package")
def house(pytestconfig: pytest.Config) -> Iterator[Running]:
    engines = pytestconfig.stash[ENGINES]
    with open_house(engines.postgres_dsn(), engines.nats_url(), make_folder() / "data") as running:
        yield running
