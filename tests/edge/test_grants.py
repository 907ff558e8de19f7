"""Promotions over HTTP: given, seen, used by tickets, heard of, taken back."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.edge.conftest import Player
from tests.edge.running import Api, Running
from tests.edge.test_stream import listening


def ticket(market: dict[str, int], stake_minor: int = 1_000, **more: Any) -> dict[str, Any]:
    leg = {"market_id": market["market_id"], "selection_id": 1, "price_milli": 2_100}
    return {"currency": "EUR", "bets": [{"legs": [leg], "stake_minor": stake_minor}], **more}


def terms(**more: Any) -> dict[str, Any]:
    in_a_month = datetime.now(UTC) + timedelta(days=30)
    return {"currency": "EUR", "expires_at": in_a_month.isoformat(timespec="seconds"), **more}


def given(operator: Api, player: Player, what: str, **more: Any) -> int:
    made = operator.made(f"/v1/operator/customers/{player.customer_id}/grants/{what}", terms(**more))
    grant_id: int = made["grant_id"]
    return grant_id


def test_a_free_bet_is_given_seen_and_used_once(player: Player, market: dict[str, int], operator: Api) -> None:
    grant = given(operator, player, "free-bets", amount_minor=500, min_price_milli=2_000, note="welcome")
    shown = player.api.get("/v1/grants").json()["grants"]
    assert [(row["grant_id"], row["kind"], row["available"], row["amount_minor"]) for row in shown] == [
        (grant, "free_bet", True, 500)
    ]
    assert operator.get(f"/v1/operator/customers/{player.customer_id}/grants").json()["grants"] == shown
    free = {"stake_kind": "free_bet", "grant_id": grant}
    wrong = player.api.post("/v1/tickets", ticket(market, 400, **free))
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["why"]) == (422, "grant_terms", "stake")
    placed = player.api.post("/v1/tickets", ticket(market, 500, **free))
    assert placed.status_code == 201
    assert player.api.get("/v1/balance").json()["wallets"][0]["cash_minor"] == 1_000_000
    again = player.api.post("/v1/tickets", ticket(market, 500, **free))
    assert (again.status_code, again.json()["code"]) == (422, "grant_used")
    assert not player.api.get("/v1/grants").json()["grants"][0]["available"]


def test_everything_that_was_given_is_listed(player: Player, operator: Api) -> None:
    """With its note, its giver and its end; a page at a time, of one customer or in one state."""
    address = f"/v1/operator/customers/{player.customer_id}/grants"
    first = given(operator, player, "free-bets", amount_minor=500, note="welcome")
    second = given(operator, player, "bonuses", amount_minor=700, wagering_multiple=3)
    seq = operator.made(f"{address}/{first}/revoke")["seq"]
    mine = {"customer_id": player.customer_id, "min_seq": seq}
    page = operator.get("/v1/operator/grants", limit=1, **mine).json()
    assert [(row["grant_id"], row["required_minor"], row["ended_at"]) for row in page["items"]] == [
        (second, 2_100, None)
    ]
    rest = operator.get("/v1/operator/grants", cursor=page["next_cursor"], **mine).json()
    assert [(row["grant_id"], row["status"], row["note"]) for row in rest["items"]] == [(first, "revoked", "welcome")]
    assert rest["items"][0]["ended_at"] is not None
    assert rest["items"][0]["actor"] < 0
    assert rest["next_cursor"] is None
    revoked = operator.get("/v1/operator/grants", status="revoked", **mine).json()
    assert revoked["items"] == rest["items"]
    assert operator.get("/v1/operator/grants", status="lost").json()["code"] == "query_invalid"


def test_a_boosted_price_is_in_the_answer(player: Player, market: dict[str, int], operator: Api) -> None:
    grant = given(operator, player, "boosts", percent_bps=1_000, max_stake_minor=1_000)
    preview = player.api.post("/v1/tickets/preview", ticket(market, grant_id=grant)).json()
    placed = player.api.post("/v1/tickets", ticket(market, grant_id=grant)).json()
    assert placed["bets"][0]["legs"][0]["price_milli"] == 2_210
    assert preview["potential_minor"] == placed["potential_minor"] == 2_210


async def test_a_bonus_is_heard_of_and_taken_back(house: Running, player: Player, operator: Api) -> None:
    async with listening(house, player.api.token) as listener:
        await listener.say("subscribe", bets=True, balance=True)
        await listener.hear("subscribed")
        grant = given(operator, player, "bonuses", amount_minor=700, wagering_multiple=3)
        await listener.hear("grant", grant_id=grant, status="granted")
        address = f"/v1/operator/customers/{player.customer_id}/grants"
        assert player.api.get("/v1/balance").json()["wallets"][0]["bonus_minor"] == 700
        second = operator.post(f"{address}/bonuses", terms(amount_minor=1, wagering_multiple=1))
        assert (second.status_code, second.json()["code"]) == (422, "bonus_runs")
        operator.made(f"{address}/{grant}/revoke")
        await listener.hear("grant", grant_id=grant, status="expired")
    assert player.api.get("/v1/balance").json()["wallets"][0]["bonus_minor"] == 0


def test_what_is_given_has_bounds(player: Player, operator: Api) -> None:
    address = f"/v1/operator/customers/{player.customer_id}/grants"
    far = terms(amount_minor=100) | {"expires_at": "2099-01-01T00:00:00Z"}
    for what, body, code in (
        ("free-bets", far, "grant_expiry_invalid"),
        ("boosts", terms(percent_bps=200_000, max_stake_minor=1), "grant_invalid"),
        ("bonuses", terms(amount_minor=1, wagering_multiple=101), "grant_invalid"),
    ):
        refused = operator.post(f"{address}/{what}", body)
        assert (refused.status_code, refused.json()["code"]) == (422, code)
    missing = operator.post(f"{address}/999/revoke")
    assert (missing.status_code, missing.json()["code"]) == (404, "grant_not_found")
