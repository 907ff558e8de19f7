"""Placing bets over HTTP: taken, refused, repeated, in batches, and found again."""

from collections.abc import Callable

from tests.edge.conftest import Player, bet_on, make_market
from tests.edge.running import Api, new_key


def test_a_bet_is_taken_and_found_by_id_and_by_key(player: Player, market: dict[str, int]) -> None:
    key = new_key()
    reply = player.api.post("/v1/bets", bet_on(market), key=key)
    assert reply.status_code == 201
    placed = reply.json()
    assert placed["status"] == "open"
    assert (placed["stake_minor"], placed["price_milli"]) == (1_000, 2_100)
    assert placed["placed_at"].endswith("Z")
    by_id = player.api.get(f"/v1/bets/{placed['bet_id']}").json()
    assert by_id == player.api.get(f"/v1/bets/by-key/{key}").json()
    assert by_id["market_id"] == market["market_id"]
    assert by_id["customer_id"] == player.customer_id


def test_the_same_key_has_one_effect_and_one_answer(player: Player, market: dict[str, int]) -> None:
    key, bet = new_key(), bet_on(market)
    first = player.api.post("/v1/bets", bet, key=key)
    again = player.api.post("/v1/bets", bet, key=key)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert player.api.get("/v1/balance").json()["wallets"][0]["cash_minor"] == 999_000
    other = player.api.post("/v1/bets", {**bet, "stake_minor": 2_000}, key=key)
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")


def test_a_refusal_says_what_would_do_better(player: Player, market: dict[str, int]) -> None:
    reply = player.api.post("/v1/bets", bet_on(market, price_milli=2_200))
    assert reply.status_code == 422
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json()
    assert problem["code"] == "price_changed"
    assert problem["price_milli"] == 2_100
    assert problem["type"] == "/docs#price_changed"
    assert problem["status"] == 422


def test_a_refused_key_is_refused_alike_for_ever(player: Player, market: dict[str, int]) -> None:
    key = new_key()
    first = player.api.post("/v1/bets", bet_on(market, stake_minor=99_000_000), key=key)
    assert first.json()["code"] == "stake_limit"
    assert player.api.get(f"/v1/bets/by-key/{key}").json() == first.json()


def test_a_delayed_bet_is_held_and_then_stands(player: Player, operator: Api) -> None:
    market = make_market(operator, in_play=True, delay_ms=1)
    operator.made(f"/v1/operator/events/{market['event_id']}/start")
    operator.made(f"/v1/operator/markets/{market['market_id']}/resume")
    reply = player.api.post("/v1/bets", bet_on(market))
    assert reply.status_code == 202
    assert reply.json()["status"] == "delayed"
    assert reply.json()["decide_at"] > reply.json()["placed_at"]
    bet_id = reply.json()["bet_id"]
    while (found := player.api.get(f"/v1/bets/{bet_id}").json())["status"] == "delayed":
        pass
    assert found["status"] == "open"


def test_each_bet_of_a_batch_is_decided_by_itself(player: Player, market: dict[str, int]) -> None:
    good, poor, odd = new_key(), new_key(), "0" * 36
    bets = [
        {"key": good, **bet_on(market)},
        {"key": poor, **bet_on(market, market_id=999_999)},
        {"key": odd, **bet_on(market)},
        {"key": good, **bet_on(market)},
    ]
    results = player.api.post("/v1/bets/batch", {"bets": bets}, key="").json()["results"]
    assert [result["status"] for result in results] == ["open", "refused", "refused", "open"]
    assert [result.get("code") for result in results] == [None, "market_not_found", "key_invalid", None]
    assert results[0] == results[3]
    assert results[0]["bet_id"] == player.api.get(f"/v1/bets/by-key/{good}").json()["bet_id"]


def test_a_batch_of_two_hundred(player: Player, market: dict[str, int]) -> None:
    bets = [{"key": new_key(), **bet_on(market, stake_minor=100)} for _ in range(200)]
    results = player.api.post("/v1/bets/batch", {"bets": bets}, key="").json()["results"]
    assert [result["key"] for result in results] == [bet["key"] for bet in bets]
    assert {result["status"] for result in results} == {"open"}
    more = player.api.post("/v1/bets/batch", {"bets": [*bets, bets[0]]}, key="")
    assert (more.status_code, more.json()["code"]) == (400, "body_invalid")


def test_other_peoples_bets_are_not_found(new_player: Callable[..., Player], market: dict[str, int]) -> None:
    one, other = new_player(), new_player()
    key = new_key()
    bet_id = one.api.post("/v1/bets", bet_on(market), key=key).json()["bet_id"]
    for path in (f"/v1/bets/{bet_id}", f"/v1/bets/by-key/{key}"):
        reply = other.api.get(path)
        assert (reply.status_code, reply.json()["code"]) == (404, "bet_not_found")


def test_an_old_key_and_one_of_the_future_are_refused(player: Player, market: dict[str, int]) -> None:
    for key, code in ((new_key(at_us=10**15), "key_expired"), (new_key(at_us=4 * 10**15), "key_from_the_future")):
        reply = player.api.post("/v1/bets", bet_on(market), key=key)
        assert (reply.status_code, reply.json()["code"]) == (400, code)
