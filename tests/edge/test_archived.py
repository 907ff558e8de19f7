"""What left the book's memory is shown as it was, and changed no more."""

import time
from collections.abc import Callable
from typing import Any

from tests.edge.conftest import Player, make_market
from tests.edge.running import PATIENCE_S, Api, new_key
from tests.edge.test_tickets import AWAY, HOME, leg, result, settled, slip, ticket

MONTH_MS = 30 * 86_400_000


def archive(operator: Api, player: Player, *bets: int) -> None:
    """For as long as these bets take to leave, the house keeps what is settled for a second."""
    due_s = time.monotonic() + PATIENCE_S
    operator.send("PUT", "/v1/operator/archive", {"after_ms": 1_000})
    try:
        for bet in bets:
            while player.api.get(f"/v1/bets/{bet}/cash-out").json().get("code") != "bet_archived":
                assert time.monotonic() < due_s, "the bet is still in the book"
                time.sleep(0.1)
    finally:
        operator.send("PUT", "/v1/operator/archive", {"after_ms": MONTH_MS})


def shown(player: Player, operator: Api, ticket_id: int, keys: tuple[str, str], bets: list[int]) -> list[Any]:
    """All that is shown of a customer's bets."""
    paths = [f"/v1/bets/{bet}" for bet in bets] + [f"/v1/bets/{bet}/working" for bet in bets]
    paths += [f"/v1/tickets/{ticket_id}", f"/v1/bets/by-key/{keys[0]}", f"/v1/tickets/by-key/{keys[1]}"]
    answers = [player.api.get(path) for path in paths]
    answers += [operator.get(f"/v1/operator/bets/{bet}/working") for bet in bets]
    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    bodies = [answer.json() for answer in answers]
    seq = player.api.get("/v1/balance").json()["seq"]
    listed = player.api.get("/v1/bets", min_seq=seq, limit=50).json()["items"]
    return [*bodies, *listed]


def test_bets_are_shown_as_before(player: Player, operator: Api) -> None:
    markets = [make_market(operator, prices_milli=(2_000, 3_000, 4_000)) for _ in range(4)]
    keys = new_key(), new_key()
    single = player.api.post(
        "/v1/bets", {**leg(markets[0]), "currency": "EUR", "stake_minor": 1_000}, key=keys[0]
    ).json()["bet_id"]
    asked = ticket(slip(markets[:2]), slip(markets, system="lucky_15", unit_stake_minor=100))
    bets = [each["bet_id"] for each in player.api.post("/v1/tickets", asked, key=keys[1]).json()["bets"]]
    quote = player.api.post(f"/v1/bets/{bets[0]}/cash-out-quotes", {"portion_bps": 4_000}).json()
    assert player.api.post("/v1/cash-outs", {"quote_id": quote["quote_id"]}).status_code == 201, quote
    for market, score in zip(markets, (HOME, AWAY, HOME, HOME), strict=True):
        result(operator, market, score)
    for bet in (single, *bets):
        settled(player, bet)
    before = shown(player, operator, bets[0], keys, [single, *bets])
    archive(operator, player, single, *bets)
    assert shown(player, operator, bets[0], keys, [single, *bets]) == before
    again = player.api.post("/v1/bets", {**leg(markets[0]), "currency": "EUR", "stake_minor": 1_000}, key=keys[0])
    assert (again.status_code, again.json()["bet_id"]) == (201, single)
    first = markets[0]["market_id"]
    for path, body in ((f"markets/{first}/result", AWAY), (f"markets/{first}/rollback", None)):
        told = operator.post(f"/v1/operator/{path}", body)
        assert (told.status_code, told.json()["code"]) == (409, "market_archived")
    assert operator.post("/v1/operator/markets/999999/rollback", None).json()["code"] == "market_not_found"
    told = player.api.post(f"/v1/bets/{single}/cash-out-quotes", {})
    assert (told.status_code, told.json()["code"]) == (409, "bet_archived")


def test_others_bets_are_not_found_when_they_have_left(new_player: Callable[..., Player], operator: Api) -> None:
    player, stranger = new_player(), new_player()
    market = make_market(operator, prices_milli=(2_000, 3_000, 4_000))
    asked = ticket(slip([market]))
    bet = player.api.post("/v1/tickets", asked).json()["bets"][0]["bet_id"]
    result(operator, market, HOME)
    settled(player, bet)
    archive(operator, player, bet)
    for path in (f"bets/{bet}", f"tickets/{bet}", f"bets/{bet}/working"):
        assert player.api.get(f"/v1/{path}").status_code == 200
        told = stranger.api.get(f"/v1/{path}")
        assert (told.status_code, told.json()["code"]) == (
            404,
            "ticket_not_found" if "tick" in path else "bet_not_found",
        )
