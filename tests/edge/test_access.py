"""Who may do what, and how often."""

import pytest
from tests.edge.conftest import Player
from tests.edge.running import Api, Running

from overround.edge.access import Bucket, Need, needs_met
from overround.identity import Scope, Token


def token(*scopes: Scope, customer_id: int | None) -> Token:
    return Token(
        id=1,
        actor=customer_id or -1,
        scopes=scopes,
        customer_id=customer_id,
        name="test",
        created_at_us=0,
        expires_at_us=0,
        revoked_at_us=0,
    )


@pytest.mark.parametrize(
    ("scopes", "customer_id", "met"),
    [
        ((Scope.CUSTOMER,), 7, {Need.CUSTOMER, Need.CUSTOMER_READ}),
        ((Scope.READ_ONLY,), 7, {Need.CUSTOMER_READ}),
        ((Scope.OPERATOR,), None, {Need.OPERATOR, Need.OPERATOR_READ}),
        ((Scope.READ_ONLY,), None, {Need.OPERATOR_READ}),
    ],
)
def test_a_customer_is_no_operator_whatever_the_scopes(
    scopes: tuple[Scope, ...], customer_id: int | None, met: set[Need]
) -> None:
    assert needs_met(token(*scopes, customer_id=customer_id)) == met | {Need.NOTHING, Need.SESSION}


def test_a_bucket_takes_a_burst_and_then_its_rate() -> None:
    bucket = Bucket(per_s=10, burst=2, now_s=100.0)
    assert [bucket.take(100.0) for _ in range(3)] == [True, True, False]
    assert not bucket.take(100.05)
    assert bucket.take(100.15)
    assert not bucket.take(100.15)


@pytest.mark.parametrize(
    "authorization",
    ["Bearer", "Bearer x", "Bearer ovr_" + "a" * 43, "Bearer " + "x" * 5_000, "Basic YTpi", "bearer", "Bearer \xe9"],
)
def test_wrong_tokens_are_refused_alike(anyone: Api, authorization: str) -> None:
    reply = anyone.post("/v1/bets", {}, authorization=authorization)
    assert reply.status_code == 401
    assert reply.json()["code"] in ("token_invalid", "token_required")
    assert reply.headers["www-authenticate"] == "Bearer"
    assert "ovr_" not in reply.text


def test_nobody_bets_without_a_token(anyone: Api) -> None:
    assert anyone.post("/v1/bets", {}).json()["code"] == "token_required"


@pytest.mark.parametrize("path", ["/v1/operator/customers", "/v1/operator/bets", "/v1/operator/customers/1/balance"])
def test_a_customers_read_only_token_reads_no_operators_lists(
    player: Player, operator: Api, house: Running, path: str
) -> None:
    tokens = f"/v1/operator/customers/{player.customer_id}/tokens"
    reader = Api(house, operator.made(tokens, {"name": "eyes", "scopes": ["read_only"]})["token"])
    assert reader.get("/v1/balance").status_code == 200
    assert reader.post("/v1/cool-off", {"days": 1}).json()["code"] == "scope_required"
    refused = reader.get(path)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_required")
    reader.close()


def test_operators_place_no_bets(operator: Api) -> None:
    assert operator.post("/v1/bets", {}).json()["code"] == "scope_required"


def test_every_reply_is_private_and_of_its_type(anyone: Api) -> None:
    for path in ("/v1/sports", "/docs", "/nowhere"):
        headers = anyone.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers
