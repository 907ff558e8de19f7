"""Cashing out over HTTP, and what the customer hears of it."""

from tests.edge.conftest import Player, bet_on, make_market
from tests.edge.running import Api, Running
from tests.edge.test_stream import listening, prices


def placed(player: Player, market: dict[str, int]) -> int:
    bet_id: int = player.api.post("/v1/bets", bet_on(market)).json()["bet_id"]
    return bet_id


def test_a_quote_is_taken_in_part_and_then_whole(player: Player, market: dict[str, int]) -> None:
    bet = placed(player, market)
    worth = player.api.get(f"/v1/bets/{bet}/cash-out").json()
    assert (worth["stake_minor"], worth["code"], worth["rule"]) == (1_000, None, None)
    half = player.api.post(f"/v1/bets/{bet}/cash-out-quotes", {"portion_bps": 5_000})
    assert half.status_code == 201
    assert half.json()["stake_minor"] == 500
    assert half.json()["expires_at"].endswith("Z")
    taken = player.api.post("/v1/cash-outs", {"quote_id": half.json()["quote_id"]})
    assert (taken.status_code, taken.json()["running_minor"]) == (201, 500)
    again = player.api.post("/v1/cash-outs", {"quote_id": half.json()["quote_id"]})
    assert (again.status_code, again.json()["code"]) == (404, "quote_not_found")
    rest = player.api.post(f"/v1/bets/{bet}/cash-out-quotes", {}).json()
    assert player.api.post("/v1/cash-outs", {"quote_id": rest["quote_id"]}).json()["running_minor"] == 0
    paid = taken.json()["amount_minor"] + rest["amount_minor"]
    assert abs(paid - worth["amount_minor"]) <= 1
    assert player.api.get("/v1/balance").json()["wallets"][0]["cash_minor"] == 999_000 + paid
    assert player.api.get(f"/v1/bets/{bet}").json()["status"] == "cashed_out"
    over = player.api.post(f"/v1/bets/{bet}/cash-out-quotes", {})
    assert (over.status_code, over.json()["code"], over.json()["current_status"]) == (422, "bet_not_open", "cashed_out")


def test_a_suspended_market_has_no_price_and_says_why(player: Player, market: dict[str, int], operator: Api) -> None:
    bet = placed(player, market)
    operator.made(f"/v1/operator/markets/{market['market_id']}/suspend", {"reason": "goal"})
    refused = player.api.post(f"/v1/bets/{bet}/cash-out-quotes", {}).json()
    assert (refused["code"], refused["why"], refused["leg"]) == ("cash_out_unavailable", "suspended", 1)
    worth = player.api.get(f"/v1/bets/{bet}/cash-out").json()
    assert (worth["amount_minor"], worth["code"], worth["why"]) == (0, "cash_out_unavailable", "suspended")
    operator.made(f"/v1/operator/markets/{market['market_id']}/resume")


async def test_a_rule_sells_when_nobody_is_logged_in(house: Running, player: Player, operator: Api) -> None:
    market = make_market(operator)
    bet = placed(player, market)
    address = f"/v1/bets/{bet}/cash-out-rule"
    assert player.api.send("PUT", address, {"at_least_minor": 1_500}).status_code == 200
    assert player.api.get(f"/v1/bets/{bet}/cash-out").json()["rule"] == {"at_least_minor": 1_500, "portion_bps": 10_000}
    assert player.api.send("DELETE", address).status_code == 200
    gone = player.api.send("DELETE", address)
    assert (gone.status_code, gone.json()["code"]) == (404, "cash_out_rule_not_found")
    assert player.api.send("PUT", address, {"at_least_minor": 1_500}).status_code == 200
    async with listening(house, player.api.token) as listener:
        await listener.say("subscribe", bets=True)
        await listener.hear("subscribed")
        prices(operator, market, (1, 1_100), (2, 12_000), (3, 15_000))
        heard = await listener.hear("cash_out", status="paid", bet_id=bet, running_minor=0, by_rule=True)
    assert heard["amount_minor"] >= 1_500
    assert player.api.get(f"/v1/bets/{bet}").json()["status"] == "cashed_out"
    reasons = {line["reason"] for line in player.api.get("/v1/statement", min_seq=heard["seq"]).json()["items"]}
    assert {"cash_out", "cash_out_gain"} <= reasons
