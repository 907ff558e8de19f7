"""Everything that can be wrong with a request: a typed error, no trace of our insides, nothing changed."""

from typing import Any

import pytest
from tests.edge.conftest import Player, bet_on
from tests.edge.running import Api, new_key

HUGE = 2**70

WRONG_BODIES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"bet"',
    b"NaN",
    b'{"market_id":NaN}',
    b"\xff\xfe",
    b'{"currency":"\\ud800"}',
    b"[" * 30_000,
    b'{"market_id":1}' * 2,
]

WRONG_FIELDS: list[dict[str, Any]] = [
    {"stake_minor": "1000"},
    {"stake_minor": 10.5},
    {"stake_minor": 1e300},
    {"stake_minor": None},
    {"stake_minor": True},
    {"stake_minor": HUGE},
    {"stake_minor": -HUGE},
    {"market_id": 0},
    {"market_id": -1},
    {"selection_id": HUGE},
    {"price_milli": "2.10"},
    {"currency": "eur"},
    {"currency": "EUR\x00"},
    {"currency": "E" * 10_000},
    {"currency": 978},
    {"odds_change": "some"},
    {"market_version": -1},
    {"surprise": 1},
    {"customer_id": 1},
]

REFUSED_FIELDS: list[tuple[dict[str, Any], int, str]] = [
    ({"stake_minor": 0}, 422, "stake_invalid"),
    ({"stake_minor": -1_000}, 422, "stake_invalid"),
    ({"stake_minor": 2**53 - 1}, 422, "stake_invalid"),
    ({"price_milli": 1_000}, 422, "price_invalid"),
    ({"price_milli": -2_100}, 422, "price_invalid"),
    ({"price_milli": 2**53 - 1}, 422, "price_invalid"),
    ({"currency": "XXX"}, 404, "wallet_not_found"),
    ({"currency": "GBP"}, 404, "wallet_not_found"),
    ({"market_id": 2**53 - 1}, 404, "market_not_found"),
    ({"selection_id": 4}, 404, "selection_not_found"),
    ({"market_version": 77}, 422, "market_changed"),
    ({"stake_minor": 1}, 422, "stake_below_minimum"),
]


def untouched(player: Player) -> None:
    assert player.api.get("/v1/balance").json()["wallets"][0]["available_minor"] == 1_000_000


@pytest.mark.parametrize("body", WRONG_BODIES, ids=lambda body: repr(body[:20]))
def test_bodies_that_are_no_bet(player: Player, body: bytes) -> None:
    reply = player.api.post("/v1/bets", body)
    assert (reply.status_code, reply.json()["code"]) == (400, "body_invalid")
    assert "Traceback" not in reply.text


@pytest.mark.parametrize("wrong", WRONG_FIELDS, ids=lambda wrong: str(wrong)[:40])
def test_fields_that_are_no_bets(player: Player, market: dict[str, int], wrong: dict[str, Any]) -> None:
    reply = player.api.post("/v1/bets", bet_on(market, **wrong))
    assert (reply.status_code, reply.json()["code"]) == (400, "body_invalid")
    assert next(iter(wrong)) in reply.json()["detail"] or wrong.get("stake_minor") in (HUGE, -HUGE)
    untouched(player)


def test_a_field_that_is_missing(player: Player, market: dict[str, int]) -> None:
    bet = bet_on(market)
    del bet["price_milli"]
    reply = player.api.post("/v1/bets", bet)
    assert reply.json()["code"] == "body_invalid"
    assert "price_milli" in reply.json()["detail"]


@pytest.mark.parametrize(("wrong", "status", "code"), REFUSED_FIELDS, ids=lambda value: str(value)[:40])
def test_bets_that_are_refused(
    player: Player, market: dict[str, int], wrong: dict[str, Any], status: int, code: str
) -> None:
    reply = player.api.post("/v1/bets", bet_on(market, **wrong))
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    untouched(player)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "idempotency_key_required"),
        ("1", "key_invalid"),
        ("not-a-key-but-36-characters-in-length", "key_invalid"),
        ("0190163d-8694-4abc-8def-0123456789ab", "key_invalid"),
        ("x" * 5_000, "key_invalid"),
        ("é" * 36, "key_invalid"),
    ],
)
def test_keys_that_are_none(player: Player, market: dict[str, int], key: str, code: str) -> None:
    reply = player.api.post("/v1/bets", bet_on(market), key=key)
    assert (reply.status_code, reply.json()["code"]) == (400, code)
    untouched(player)


def test_bodies_over_their_limit(player: Player) -> None:
    for path, size in (("/v1/bets", 64 * 1024), ("/v1/bets/batch", 1024 * 1024)):
        reply = player.api.post(path, b" " * (size + 1), key=new_key())
        assert (reply.status_code, reply.json()["code"]) == (413, "body_too_large")
        assert reply.json()["max_bytes"] == size


@pytest.mark.parametrize(
    "path",
    ["/", "/v1", "/v1/bets/0", "/v1/bets/-1", "/v1/bets/x", "/v1/bets/1/", f"/v1/bets/{HUGE}", "/v1//bets", "/%00"],
)
def test_addresses_where_nothing_is(player: Player, path: str) -> None:
    reply = player.api.get(path)
    assert (reply.status_code, reply.json()["code"]) == (404, "route_not_found")


def test_methods_that_an_address_does_not_take(player: Player) -> None:
    reply = player.api.send("DELETE", "/v1/bets")
    assert (reply.status_code, reply.json()["code"]) == (405, "method_not_allowed")
    assert reply.headers["allow"] == "GET, POST"
    assert player.api.send("PATCH", "/v1/bets/7").headers["allow"] == "GET"


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=1&limit=2",
        "surprise=1",
        "status=lost",
        "market_id=0",
        "=",
        "&&",
        "%ff",
    ],
)
def test_queries_that_cannot_be(player: Player, query: str) -> None:
    reply = player.api.get(f"/v1/bets?{query}")
    assert (reply.status_code, reply.json()["code"]) == (400, "query_invalid")


@pytest.mark.parametrize("cursor", ["x", "0", "é", "A" * 500, "ga5zdGF0ZW1lbnSSAQE"])
def test_cursors_that_were_never_given_out(player: Player, cursor: str) -> None:
    reply = player.api.get("/v1/bets", cursor=cursor)
    assert (reply.status_code, reply.json()["code"]) == (400, "cursor_invalid")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("sports", {"name": "x" * 201}),
        ("sports", {"name": "a\x00b"}),
        ("sports", {"name": ["Football"]}),
        ("markets", {"event_id": 1, "type": "1x2", "specifiers": {"line": 1.5}}),
        ("markets", {"event_id": 1, "type": "1x2", "prices_milli": [1, -1]}),
        ("events", {"competition_id": 1, "name": "A", "starts_at": "tomorrow"}),
        ("events", {"competition_id": 1, "name": "A", "starts_at": "2026-12-01T15:00:00"}),
        ("customers/1/funds", {"currency": "EUR", "amount_minor": 1, "note": "nul \x00"}),
        ("markets/1/result", {"score": {"home": 1}}),
        ("markets/1/result", {"winners": [0]}),
        ("markets/1/result", {}),
    ],
    ids=str,
)
def test_operators_bodies_that_cannot_be(operator: Api, path: str, body: dict[str, Any]) -> None:
    reply = operator.post(f"/v1/operator/{path}", body)
    assert (reply.status_code, reply.json()["code"]) == (400, "body_invalid")


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("sports", {"name": ""}, "name_invalid"),
        ("events", {"competition_id": 10**9, "name": "A", "starts_at_us": 0}, "competition_not_found"),
        ("events", {"competition_id": 1, "name": "A", "starts_at": "9999-01-01T00:00:00Z"}, "starts_at_invalid"),
        ("markets", {"event_id": 10**9, "type": "1x2"}, "event_not_found"),
        ("customers/1/funds", {"currency": "EUR", "amount_minor": 0, "note": "x"}, "amount_invalid"),
        ("customers/999999/funds", {"currency": "EUR", "amount_minor": 1, "note": "x"}, "wallet_not_found"),
        ("customers/999999/wallets", {"currency": "EUR"}, "customer_not_found"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("player", "market")
def test_operators_requests_that_are_refused(operator: Api, path: str, body: dict[str, Any], code: str) -> None:
    assert operator.post(f"/v1/operator/{path}", body).json()["code"] == code
