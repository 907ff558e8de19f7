"""Every byte from outside: requests made from the OpenAPI document, right and wrong, and noise on the stream."""

import contextlib
import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.edge.conftest import make_market, make_player
from tests.edge.running import Api, Running
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close
from websockets.sync.client import connect

LEFT_OUT = (
    "/v1/sessions",  # each guess costs a password's hash, and identity has tests of its own
    "/v1/sessions/current",  # would end the tokens that the others use
    "/v1/operator/tokens/{token_id}",
)

CHECKS = [content_type_conformance, response_schema_conformance, status_code_conformance]

FEW = settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def tokens(house: Running) -> dict[str, str]:
    """What each operation needs."""
    operator = Api(house, house.operator)
    make_market(operator)
    player = make_player(house, operator)
    player.api.close()
    operator.close()
    own, all_ = player.api.token, house.operator
    return {"customer": own, "customer_read": own, "operator": all_, "operator_read": all_}


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_whatever_is_asked_the_answer_is_one_that_is_documented(
    house: Running, tokens: dict[str, str], mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_url(f"{house.url}/openapi.json")
    operations = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    asked = 0
    for operation in operations:
        if operation.path in LEFT_OUT:
            continue
        needs = operation.definition.raw.get("x-needs")
        ask(operation, mode, {"Authorization": f"Bearer {tokens[needs]}"} if needs else {})
        asked += 1
    assert asked > 40


def ask(operation: Any, mode: GenerationMode, headers: dict[str, str]) -> None:
    """A few requests, right or wrong as the document has it, and what comes back is documented too."""

    @FEW
    @given(operation.as_strategy(mode))
    def check(case: Any) -> None:
        response = case.call(headers=headers)
        assert response.status_code != 500, response.text
        case.validate_response(response, checks=CHECKS)

    with contextlib.suppress(Unsatisfiable):  # some operations take nothing that could be wrong
        check()


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.fixed_dictionaries(
    {"op": st.sampled_from(["subscribe", "unsubscribe", "auth", "rob"]) | JSONS},
    optional={
        name: JSONS | st.integers(-5, 300) | st.lists(st.integers(-1, 300), max_size=210) | st.booleans()
        for name in ("id", "markets", "events", "bets", "balance", "conflate_ms", "seq", "token", "surprise")
    },
)
NOISE = st.lists(st.text(max_size=200) | st.binary(max_size=200) | FIELDS.map(json.dumps), min_size=1, max_size=6)


ANSWERS = {"subscribed", "unsubscribed", "image", "error", "delta", "heartbeat", "stale", "live", "event"}
ENDINGS = {"message_invalid", "token_required", "token_invalid", "rate_limited"}


def test_whatever_is_said_on_the_stream_it_answers_or_ends_with_an_error(house: Running) -> None:
    @settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(NOISE)
    def say(messages: list[str | bytes]) -> None:
        ending = converse(house, messages)
        assert ending is None or (ending.code == 1008 and ending.reason in ENDINGS)

    say()


def converse(house: Running, messages: list[str | bytes]) -> Close | None:
    """Say it all and hear all answers; how the other end closed, if it did."""
    with connect(house.stream, compression=None) as connection:
        try:
            for message in messages:
                connection.send(message)
            connection.send('{"op":"unsubscribe","id":"end"}')
            told: dict[str, Any] = {}
            while told.get("id") != "end":
                told = json.loads(connection.recv(timeout=30))
                assert told["op"] in ANSWERS
        except ConnectionClosed as closed:
            return closed.rcvd
    return None


def test_the_house_still_stands(anyone: Api, operator: Api) -> None:
    assert anyone.get("/health/ready").status_code == 200
    metrics = anyone.get("/metrics").text
    assert 'status="500"' not in metrics
    operator.made("/v1/operator/sports", {"name": "Football"})
