"""A customer's own account: balance, statement, bets by page, limits and exclusions."""

from collections.abc import Callable

import pytest
from tests.edge.conftest import Player, bet_on
from tests.edge.running import FAR_AHEAD, Api


def test_the_statement_explains_every_line_and_runs_a_balance(
    player: Player, market: dict[str, int], operator: Api
) -> None:
    bet_id = player.api.made("/v1/bets", bet_on(market))["bet_id"]
    operator.made(f"/v1/operator/events/{market['event_id']}/result", {"score": {"home": 1, "away": 0}})
    while player.api.get(f"/v1/bets/{bet_id}").json()["status"] != "settled":
        pass
    seq = player.api.get("/v1/balance").json()["seq"]
    page = player.api.get("/v1/statement", currency="EUR", min_seq=seq).json()
    told = [(line["text"], line["amount_minor"], line["balance_minor"]) for line in page["items"]]
    assert told == [
        (f"Winnings of bet {bet_id}", 1_100, 1_001_100),
        (f"Stake of bet {bet_id} returned", 1_000, 1_000_000),
        (f"Stake of bet {bet_id}", -1_000, 999_000),
        ("Deposit", 1_000_000, 1_000_000),
    ]
    assert page["items"][3]["note"] == "to play with"


def test_own_bets_come_in_pages_and_through_filters(player: Player, market: dict[str, int]) -> None:
    ids = [player.api.made("/v1/bets", bet_on(market))["bet_id"] for _ in range(3)]
    seq = player.api.get("/v1/balance").json()["seq"]
    first = player.api.get("/v1/bets", limit=2, min_seq=seq).json()
    rest = player.api.get("/v1/bets", limit=2, cursor=first["next_cursor"]).json()
    assert [bet["bet_id"] for bet in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next_cursor"] is None
    assert player.api.get("/v1/bets", status="settled").json()["items"] == []
    assert len(player.api.get("/v1/bets", market_id=market["market_id"]).json()["items"]) == 3


def test_one_reads_ones_own_writes_or_is_told_to_wait(player: Player) -> None:
    reply = player.api.get("/v1/bets", min_seq=FAR_AHEAD)
    assert (reply.status_code, reply.json()["code"]) == (503, "projection_behind")
    assert reply.headers["retry-after"] == "1"


def test_a_limit_holds_at_once_and_a_looser_one_waits(player: Player, market: dict[str, int]) -> None:
    set_ = player.api.send("PUT", "/v1/limits/stake_day", {"currency": "EUR", "amount_minor": 1_500})
    assert set_.status_code == 200
    player.api.made("/v1/bets", bet_on(market))
    refused = player.api.post("/v1/bets", bet_on(market))
    assert refused.json()["code"] == "limit_stake_day"
    assert refused.json()["max_stake_minor"] == 500
    player.api.send("PUT", "/v1/limits/stake_day", {"currency": "EUR", "amount_minor": None})
    (limit,) = player.api.get("/v1/limits").json()["limits"]
    assert limit["kind"] == "stake_day"
    assert (limit["amount_minor"], limit["room_minor"], limit["pending_minor"]) == (1_500, 500, None)
    assert limit["pending_at"] is not None


def test_an_unknown_kind_of_limit(player: Player) -> None:
    reply = player.api.send("PUT", "/v1/limits/stake_hour", {"currency": "EUR", "amount_minor": 1})
    assert (reply.status_code, reply.json()["code"]) == (422, "limit_invalid")


@pytest.mark.parametrize(
    ("path", "days", "field", "code"),
    [
        ("/v1/cool-off", 7, "cooling_until", "cooling_off"),
        ("/v1/self-exclusion", 180, "excluded_until", "self_excluded"),
    ],
)
def test_nobody_bets_while_shut_out(
    new_player: Callable[..., Player], market: dict[str, int], path: str, days: int, field: str, code: str
) -> None:
    player = new_player()
    assert player.api.post(path, {"days": 1_000 * days}).json()["code"] in ("duration_invalid", "body_invalid")
    player.api.made(path, {"days": days})
    assert player.api.get("/v1/limits").json()[field] is not None
    assert player.api.post("/v1/bets", bet_on(market)).json()["code"] == code
