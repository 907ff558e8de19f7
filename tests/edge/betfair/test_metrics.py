"""What the gateway counts of the dialect."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from betfairlightweight.exceptions import APIError
from tests.edge.betfair.wire import let_in
from tests.edge.running import Api

CALLS = "overround_gateway_dialect_calls_total"
CLIENTS = "overround_gateway_dialect_stream_clients"


def number(operator: Api, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", operator.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_calls_are_counted_by_how_they_ended(operator: Api, new_trader: Callable[..., Any]) -> None:
    answered, failed = (
        f'{CALLS}{{operation="SportsAPING/v1.0/listEventTypes",outcome="{outcome}"}}'
        for outcome in ("answered", "failed")
    )
    before = number(operator, answered), number(operator, failed)
    client = new_trader().client()
    client.betting.list_event_types()
    client.set_session_token("ovr_nobody")
    with pytest.raises(APIError, match="INVALID_SESSION_INFORMATION"):
        client.betting.list_event_types()
    assert (number(operator, answered), number(operator, failed)) == (before[0] + 1, before[1] + 1)


def test_connections_of_the_stream_are_counted(operator: Api, new_trader: Callable[..., Any]) -> None:
    with let_in(new_trader()):
        assert number(operator, CLIENTS) >= 1
