"""The trading desk over HTTP: what operators decide, what everyone sees of it, and what is written down of it."""

from datetime import datetime
from typing import Any

import pytest
from tests.edge.conftest import Player, bet_on
from tests.edge.running import Api, Running
from tests.edge.test_live_view import NOON_US, Book, folded

from overround.book.machine.commands import (
    SetPrices,
)
from overround.book.machine.desk_commands import (
    ApproveCompetition,
    LiftOverride,
    OverridePrice,
    RequireApproval,
    ResumeLevel,
    SuspendLevel,
)
from overround.kernel.instant import HOUR_US
from overround.kernel.level import Level

LEVELS = ("platform", "sport", "competition", "event", "market", "selection")


def place_of(market: dict[str, int], level: str) -> dict[str, Any]:
    ids = {"platform": 0, "selection": market["market_id"], **{name[:-3]: each for name, each in market.items()}}
    selection = {"selection_id": 1} if level == "selection" else {}
    return {"level": level, "id": ids[level], **selection}


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_is_suspended_and_resumed(
    player: Player, operator: Api, anyone: Api, market: dict[str, int], level: str
) -> None:
    place = place_of(market, level)
    seq = operator.made("/v1/operator/suspensions", {**place, "reason": "floodlights"})["seq"]
    try:
        refused = player.api.post("/v1/bets", bet_on(market)).json()
        assert (refused["code"], refused["level"]) == ("market_suspended", level)
        shown = anyone.get(f"/v1/markets/{market['market_id']}", min_seq=seq).json()
        assert shown["available"] == (level == "selection")
        assert shown["selections"][0]["price_milli"] == (0 if level == "selection" else 2_100)
        controls = operator.get(f"/v1/operator/markets/{market['market_id']}/controls", min_seq=seq).json()
        if level == "selection":
            assert controls["selections"][0]["suspended"] == "floodlights"
        else:
            assert controls["suspended_at"] == level
            assert {each["level"]: each["suspended"] for each in controls["levels"]}[level] == "floodlights"
            every = operator.get("/v1/operator/controls", min_seq=seq).json()["suspensions"]
            assert [each["reason"] for each in every if (each["level"], each["id"]) == (level, place["id"])]
    finally:
        operator.made("/v1/operator/resumptions", place)
    assert operator.post("/v1/operator/resumptions", place).json()["code"] == "not_suspended"
    assert player.api.post("/v1/bets", bet_on(market)).status_code == 201


def test_a_price_is_overridden_and_lifted(player: Player, operator: Api, market: dict[str, int]) -> None:
    own = f"/v1/operator/markets/{market['market_id']}"
    asked = {"selection_id": 1, "price_milli": 1_800, "until": "2030-01-01T00:00:00Z"}
    assert operator.post(f"{own}/override", asked).json()["code"] == "expiry_invalid"
    now_us = _now_us(operator, market)
    both = {**asked, "until_us": now_us}
    assert operator.post(f"{own}/override", both).json()["code"] == "body_invalid"
    operator.made(f"{own}/override", {"selection_id": 1, "price_milli": 1_800, "until_us": now_us + HOUR_US})
    seq = operator.made(f"{own}/prices", {"prices": [{"selection_id": 1, "price_milli": 2_400}]})["seq"]
    first = operator.get(f"{own}/controls", min_seq=seq).json()["selections"][0]
    assert (first["price_milli"], first["feed_price_milli"], first["override_milli"]) == (1_800, 2_400, 1_800)
    assert player.api.post("/v1/bets", bet_on(market)).json()["price_milli"] == 1_800
    assert player.api.post("/v1/bets", bet_on(market, price_milli=1_800)).status_code == 201
    seq = operator.made(f"{own}/lift", {"selection_id": 1})["seq"]
    assert operator.get(f"{own}/controls", min_seq=seq).json()["selections"][0]["price_milli"] == 2_400
    history = operator.get(f"/v1/markets/{market['market_id']}/prices", selection_id=1, min_seq=seq).json()["items"]
    assert [point["price_milli"] for point in history] == [2_400, 1_800, 2_100]


def _now_us(operator: Api, market: dict[str, int]) -> int:
    """The house's time, from a fact's own instant."""
    operator.made(f"/v1/operator/markets/{market['market_id']}/change", {"delay_ms": 0, "liability_minor": 0})
    seq = operator.made(f"/v1/operator/markets/{market['market_id']}/change", {"delay_ms": 0, "liability_minor": 0})
    at = operator.get("/v1/operator/actions", min_seq=seq["seq"], limit=1).json()["items"][0]["at"]
    return int(datetime.fromisoformat(at).timestamp() * 1_000_000)


def test_margins_are_kept_for_whoever_makes_prices(operator: Api, market: dict[str, int]) -> None:
    for level, margin in (("sport", 600), ("event", 400)):
        place = place_of(market, level)
        assert operator.send("PUT", "/v1/operator/margins", {**place, "margin_bps": margin}).status_code == 200
    answer = operator.send("PUT", "/v1/operator/margins", {**place_of(market, "competition"), "margin_bps": 10_001})
    assert answer.json()["code"] == "margin_invalid"
    seq = operator.send("PUT", "/v1/operator/margins", {**place_of(market, "event"), "margin_bps": None}).json()["seq"]
    controls = operator.get(f"/v1/operator/markets/{market['market_id']}/controls", min_seq=seq).json()
    assert (controls["margin_bps"], controls["margin_from"]) == (600, "sport")
    margins = operator.get("/v1/operator/controls", min_seq=seq).json()["margins"]
    assert {"level": "sport", "id": market["sport_id"], "margin_bps": 600} in margins


def test_what_is_not_approved_takes_no_bets(player: Player, operator: Api, anyone: Api, market: dict[str, int]) -> None:
    seq = operator.send("PUT", "/v1/operator/approval", {"required": True}).json()["seq"]
    try:
        assert player.api.post("/v1/bets", bet_on(market)).json()["code"] == "not_approved"
        assert not anyone.get(f"/v1/markets/{market['market_id']}", min_seq=seq).json()["available"]
        approval = f"/v1/operator/competitions/{market['competition_id']}/approval"
        assert operator.send("PUT", approval, {"approved": True}).status_code == 200
        assert player.api.post("/v1/bets", bet_on(market)).status_code == 201
    finally:
        operator.send("PUT", "/v1/operator/approval", {"required": False})


def test_a_customer_is_blocked_and_unblocked(player: Player, operator: Api, market: dict[str, int]) -> None:
    own = f"/v1/operator/customers/{player.customer_id}"
    operator.made(f"{own}/block", {"reason": "chargeback"})
    assert player.api.post("/v1/bets", bet_on(market)).json()["code"] == "player_blocked"
    operator.made(f"{own}/unblock")
    assert operator.post(f"{own}/unblock").json()["code"] == "not_blocked"
    assert player.api.post("/v1/bets", bet_on(market)).status_code == 201


def test_decisions_are_written_down_with_before_and_after(house: Running, operator: Api, player: Player) -> None:
    made = operator.made("/v1/operator/tokens", {"name": "second trader"})
    assert made["actor"] < -1
    second = Api(house, made["token"])
    own = f"/v1/operator/customers/{player.customer_id}/terms"
    operator.send("PUT", own, {"currency": "EUR", "max_stake_minor": 500, "max_payout_minor": 0})
    seq = second.send("PUT", own, {"currency": "EUR", "max_stake_minor": 900, "max_payout_minor": 1_000}).json()["seq"]
    newest = second.get("/v1/operator/actions", actor=made["actor"], min_seq=seq).json()["items"]
    assert [(each["actor"], each["kind"], each["subject"], each["before"], each["after"]) for each in newest] == [
        (
            made["actor"],
            "player_terms_set",
            {"customer_id": player.customer_id, "currency": "EUR"},
            {"max_stake_minor": 500},
            {"max_stake_minor": 900, "max_payout_minor": 1_000},
        )
    ]
    page = operator.get("/v1/operator/actions", kind="player_terms_set", limit=1, min_seq=seq).json()
    rest = operator.get("/v1/operator/actions", kind="player_terms_set", limit=1, cursor=page["next_cursor"]).json()
    assert (page["items"][0]["actor"], rest["items"][0]["actor"]) == (made["actor"], -1)
    again = operator.made("/v1/operator/tokens", {"name": "the same again", "operator": made["actor"]})
    assert again["actor"] == made["actor"]
    second.close()


def test_watchers_hear_what_a_suspension_far_above_does() -> None:
    book = Book()
    offered = book.offers()
    until_us = NOON_US + HOUR_US
    later = book.does(
        SuspendLevel(Level.SPORT, 1, "x"),
        SuspendLevel(Level.EVENT, 1, "x"),
        ResumeLevel(Level.SPORT, 1),
        ResumeLevel(Level.EVENT, 1),
        RequireApproval(True),
        ApproveCompetition(1, True),
        OverridePrice(1, 1, 1_500, until_us),
        SetPrices(1, ((1, 1_900), (2, 3_300))),
        SuspendLevel(Level.SELECTION, 1, "x", 1),
        ResumeLevel(Level.SELECTION, 1, 1),
        LiftOverride(1, 1),
    )
    changes, told = folded(offered, later)
    assert changes.state == book.machine.state.catalogue
    assert [(each.delta.available, each.delta.prices) for each in told[-9:]] == [
        (False, None),
        (True, None),
        (False, None),
        (True, None),
        (None, ((1, 1_500),)),
        (None, ((1, 1_500), (2, 3_300))),
        (None, ((1, 0),)),
        (None, ((1, 1_500),)),
        (None, ((1, 1_900),)),
    ]
