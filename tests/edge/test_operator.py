"""Operators: opening customers, keeping the catalogue, money with a reason, lists, and many commands at once."""

import time
from typing import Any

import pytest
from tests.edge.conftest import Player, bet_on
from tests.edge.running import Api, Running, new_key


def test_a_customer_with_a_login_logs_in_and_out(anyone: Api, operator: Api, house: Running) -> None:
    asked = {"currency": "EUR", "username": f"ada-{new_key()}", "password": "correct horse"}
    key = new_key()
    made = operator.post("/v1/operator/customers", asked, key=key)
    assert made.status_code == 201
    assert operator.post("/v1/operator/customers", asked, key=key).json() == made.json()
    login = {"username": asked["username"], "password": asked["password"]}
    session = anyone.made("/v1/sessions", login)
    assert session["customer_id"] == made.json()["customer_id"]
    own = Api(house, session["token"])
    assert own.get("/v1/balance").json()["wallets"][0]["account_id"] == made.json()["account_id"]
    assert own.send("DELETE", "/v1/sessions/current", key="").status_code == 204
    assert own.get("/v1/balance").json()["code"] == "token_invalid"
    own.close()
    found = operator.get("/v1/operator/customers", username=asked["username"], min_seq=made.json()["seq"]).json()
    assert [item["customer_id"] for item in found["items"]] == [made.json()["customer_id"]]
    taken = operator.post("/v1/operator/customers", {**asked, "password": "another one"})
    assert (taken.status_code, taken.json()["code"]) == (409, "username_taken")


def test_wrong_passwords_are_refused_and_then_slowed_down(anyone: Api) -> None:
    login = {"username": f"nobody-{new_key()}", "password": "guess what"}
    replies = [anyone.post("/v1/sessions", login, key="") for _ in range(7)]
    assert replies[0].json()["code"] == "credentials_wrong"
    assert replies[-1].status_code == 429
    assert replies[-1].json()["code"] == "locked_out"
    assert int(replies[-1].headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"currency": "XXX"}, "currency_unknown"),
        ({"currency": "EUR", "username": "without a password"}, "body_invalid"),
        ({"currency": "EUR", "username": "short", "password": "short"}, "password_invalid"),
        ({"currency": "EUR", "username": "two words", "password": "long enough"}, "username_invalid"),
    ],
)
def test_customers_who_cannot_be_opened(operator: Api, asked: dict[str, Any], code: str) -> None:
    assert operator.post("/v1/operator/customers", asked).json()["code"] == code


def test_money_moves_with_a_reason(player: Player, operator: Api) -> None:
    funds = f"/v1/operator/customers/{player.customer_id}/funds"
    short = operator.post(funds, {"currency": "EUR", "amount_minor": -9_999_999, "note": "too much"})
    assert short.json()["code"] == "insufficient_funds"
    assert short.json()["available_minor"] == 1_000_000
    operator.made(funds, {"currency": "EUR", "amount_minor": -400_000, "note": "paid out"})
    balance = operator.get(f"/v1/operator/customers/{player.customer_id}/balance").json()
    assert balance["wallets"][0]["cash_minor"] == 600_000
    assert balance == player.api.get("/v1/balance").json()


def test_one_more_wallet(player: Player, operator: Api) -> None:
    wallets = f"/v1/operator/customers/{player.customer_id}/wallets"
    operator.made(wallets, {"currency": "GBP"})
    assert operator.post(wallets, {"currency": "GBP"}).json()["code"] == "wallet_exists"
    assert [wallet["currency"] for wallet in player.api.get("/v1/balance").json()["wallets"]] == ["EUR", "GBP"]


def test_terms_for_one_customer_and_for_the_house(player: Player, operator: Api, market: dict[str, int]) -> None:
    path = f"/v1/operator/customers/{player.customer_id}/terms"
    body = {"currency": "EUR", "max_stake_minor": 200, "max_payout_minor": 0}
    assert operator.send("PUT", path, body).status_code == 200
    refused = player.api.post("/v1/bets", bet_on(market)).json()
    assert (refused["code"], refused["max_stake_minor"]) == ("stake_limit", 200)
    house = operator.send("PUT", "/v1/operator/terms/EUR", {"max_stake_minor": 1_000_000})
    assert house.status_code == 200
    assert operator.send("PUT", "/v1/operator/terms/XTS", {}).json()["code"] == "currency_unknown"


def test_a_market_from_birth_to_result(player: Player, operator: Api, market: dict[str, int]) -> None:
    own = f"/v1/operator/markets/{market['market_id']}"
    assert operator.made(f"{own}/suspend", {"reason": "team news"})["market_id"] == market["market_id"]
    assert player.api.post("/v1/bets", bet_on(market)).json()["code"] == "market_suspended"
    operator.made(f"{own}/prices", {"prices": [{"selection_id": 1, "price_milli": 2_500}]})
    operator.made(f"{own}/change", {"delay_ms": 5_000, "liability_minor": 0})
    operator.made(f"{own}/resume")
    assert player.api.post("/v1/bets", bet_on(market, price_milli=2_500)).status_code == 201
    operator.made(f"{own}/close")
    closed = operator.post(f"{own}/resume")
    assert (closed.json()["code"], closed.json()["current_status"]) == ("market_status", "closed")
    wrong = operator.post(f"{own}/result", {"winners": [1]})
    assert wrong.json()["code"] == "result_invalid"
    operator.made(f"{own}/result", {"void": {"note": "abandoned"}})
    again = operator.post(f"{own}/result", {"void": {"note": "abandoned"}})
    assert again.json()["code"] == "result_unchanged"


def test_an_event_from_schedule_to_end(operator: Api, market: dict[str, int]) -> None:
    own = f"/v1/operator/events/{market['event_id']}"
    operator.made(f"{own}/reschedule", {"starts_at_us": 1_900_000_000_000_000})
    operator.made(f"{own}/suspend", {"reason": "weather"})
    operator.made(f"{own}/resume")
    operator.made(f"{own}/start")
    assert operator.post(f"{own}/start").json()["current_status"] == "in_play"
    operator.made(f"{own}/end")
    assert operator.made(f"{own}/result", {"score": {"home": 0, "away": 0}})["event_id"] == market["event_id"]


@pytest.mark.parametrize("body", [{}, {"starts_at": "2026-12-01T15:00:00Z", "starts_at_us": 1}])
def test_one_start_and_only_one(operator: Api, market: dict[str, int], body: dict[str, Any]) -> None:
    reply = operator.post(f"/v1/operator/events/{market['event_id']}/reschedule", body)
    assert (reply.status_code, reply.json()["code"]) == (400, "body_invalid")


def test_a_feed_known_to_be_down_takes_its_markets_along(operator: Api, market: dict[str, int]) -> None:
    own = f"/v1/markets/{market['market_id']}"

    def available(seq: int) -> bool:
        return bool(operator.get(own, min_seq=seq).json()["available"])

    handed = operator.made(f"/v1/operator/markets/{market['market_id']}/feed", {"feed": "odds one"})
    assert handed["market_id"] == market["market_id"]
    assert available(handed["seq"])
    silenced = operator.made("/v1/operator/feeds/odds one/silence")
    assert not available(silenced["seq"])
    operator.made("/v1/operator/feeds/odds one/heartbeat")
    prices = {"prices": [{"selection_id": 1, "price_milli": 2_100}]}
    assert available(operator.made(f"/v1/operator/markets/{market['market_id']}/prices", prices)["seq"])


def test_a_result_is_taken_back_and_a_window_of_bets_cancelled(
    player: Player, operator: Api, market: dict[str, int]
) -> None:
    own = f"/v1/operator/markets/{market['market_id']}"
    bet = player.api.made("/v1/bets", bet_on(market))
    placed_us = time.time_ns() // 1_000
    window = {"from_us": placed_us - 60_000_000, "until_us": placed_us + 1}
    operator.made(f"{own}/cancel", {**window, "reason": "late suspension"})
    again = operator.post(f"{own}/cancel", {**window, "reason": "late suspension"})
    assert again.json()["code"] == "window_invalid"
    other = operator.post(f"{own}/restore", {"from_us": 1, "until_us": 2})
    assert (other.status_code, other.json()["code"]) == (404, "window_not_found")
    operator.made(f"{own}/restore", window)
    assert operator.post(f"{own}/rollback").json()["code"] == "market_status"
    operator.made(f"{own}/result", {"score": {"home": 2, "away": 1}})
    back = operator.made(f"{own}/rollback")
    shown = operator.get(f"/v1/markets/{market['market_id']}", min_seq=back["seq"]).json()
    assert (shown["status"], shown["reason"]) == ("closed", "rolled_back")
    operator.made(f"{own}/result", {"score": {"home": 0, "away": 1}})
    operator.made(f"/v1/operator/events/{market['event_id']}/past_post", {"began_at_us": placed_us})
    assert bet["bet_id"]


def test_many_commands_at_once(operator: Api, market: dict[str, int]) -> None:
    market_id = market["market_id"]
    commands: list[dict[str, Any]] = [
        {"command": "SetPrices", "market_id": market_id, "prices": [{"selection_id": 2, "price_milli": 3_600}]},
        {"command": "SuspendMarket", "market_id": market_id, "reason": "goal"},
        {"command": "ResumeMarket", "market_id": 999_999},
        {"command": "FeedHeartbeat", "feed": "test"},
        {"command": "CreateEvent", "competition_id": 1, "name": "A – B", "starts_at_us": 1_900_000_000_000_000},
        {"command": "SetHouseTerms", "currency": "EUR"},
        {"command": "RecordEventResult", "event_id": market["event_id"], "score": {"home": 1, "away": 1}},
    ]
    keyed = [{"key": new_key(), **command} for command in commands]
    results = operator.post("/v1/operator/commands", {"commands": keyed}, key="").json()["results"]
    statuses = [result["status"] for result in results]
    assert statuses == ["done", "done", "refused", "done", "done", "done", "done"]
    assert results[0]["id"] == market_id
    assert results[2]["code"] == "market_not_found"
    unknown = operator.post("/v1/operator/commands", {"commands": [{"key": new_key(), "command": "Rob"}]}, key="")
    assert (unknown.status_code, unknown.json()["code"]) == (400, "body_invalid")


def test_operators_see_everything_in_lists(player: Player, operator: Api, market: dict[str, int]) -> None:
    bet_id = player.api.made("/v1/bets", bet_on(market))["bet_id"]
    player.api.post("/v1/bets", bet_on(market, selection_id=9))
    seq = player.api.get("/v1/balance").json()["seq"]

    def items(path: str, **query: Any) -> list[dict[str, Any]]:
        reply = operator.get(f"/v1/operator/{path}", min_seq=seq, **query)
        assert reply.status_code == 200, reply.text
        found: list[dict[str, Any]] = reply.json()["items"]
        return found

    assert items("customers", limit=1)[0]["customer_id"] >= player.customer_id
    assert [bet["bet_id"] for bet in items("bets", customer_id=player.customer_id)] == [bet_id]
    reasons = [row["reason"] for row in items("transfers", account_id=player.account_id)]
    assert reasons == ["stake", "deposit"]
    assert [row["code"] for row in items("refusals", actor=player.customer_id)] == ["selection_not_found"]
    assert [row["market_id"] for row in items("markets", event_id=market["event_id"])] == [market["market_id"]]


def test_tokens_are_issued_and_revoked(player: Player, operator: Api, house: Running) -> None:
    feed = operator.made("/v1/operator/tokens", {"name": "feed", "scopes": ["read_only"]})
    reader = Api(house, feed["token"])
    assert reader.get("/v1/operator/customers").status_code == 200
    assert reader.post("/v1/operator/sports", {"name": "Football"}).json()["code"] == "scope_required"
    assert operator.send("DELETE", f"/v1/operator/tokens/{feed['token_id']}", key="").status_code == 204
    assert reader.get("/v1/operator/customers").json()["code"] == "token_invalid"
    reader.close()
    gone = operator.send("DELETE", f"/v1/operator/tokens/{feed['token_id']}", key="")
    assert (gone.status_code, gone.json()["code"]) == (404, "token_not_found")
    tokens = f"/v1/operator/customers/{player.customer_id}/tokens"
    wrong = operator.post(tokens, {"name": "x", "scopes": ["operator"]})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "scopes_invalid")
