"""The trading desk over HTTP: what operators decide, what everyone sees of it, and what is written down of it."""

import time
from datetime import datetime
from typing import Any

import pytest
from tests.edge.conftest import Player, bet_on
from tests.edge.running import PATIENCE_S, Api, Running, new_key
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


def test_a_level_has_limits_of_its_own(player: Player, operator: Api, market: dict[str, int]) -> None:
    place = place_of(market, "event")
    asked = {**place, "currency": "EUR", "max_stake_minor": 500}
    seq = operator.send("PUT", "/v1/operator/caps", asked).json()["seq"]
    refused = player.api.post("/v1/bets", bet_on(market)).json()
    assert (refused["code"], refused["max_stake_minor"]) == ("stake_limit", 500)
    caps = operator.get("/v1/operator/caps", min_seq=seq).json()["items"]
    amounts = {"max_stake_minor": 500, "max_payout_minor": 0, "max_liability_minor": 0}
    assert {**place, "selection_id": 0, "currency": "EUR", **amounts} in caps
    operator.send("PUT", "/v1/operator/caps", {**place, "currency": "EUR"})
    assert player.api.post("/v1/bets", bet_on(market)).status_code == 201
    wrong = operator.send("PUT", "/v1/operator/caps", {"level": "player", "id": 1, "currency": "EUR"})
    assert wrong.json()["code"] == "level_invalid"


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


def test_a_result_is_previewed_corrected_and_approved_by_another(
    house: Running, player: Player, operator: Api, market: dict[str, int]
) -> None:
    own = f"/v1/operator/markets/{market['market_id']}"
    for selection, price in ((1, 2_100), (3, 3_750)):
        player.api.made("/v1/bets", bet_on(market, selection_id=selection, price_milli=price))
    sheet = operator.get(f"/v1/operator/events/{market['event_id']}/field-sheet").json()
    (shown,) = sheet["markets"]
    (book,) = shown["books"]
    assert (book["stakes_minor"], book["worst_minor"], sheet["next"]) == (2_000, 1_750, 0)
    assert [line["lost_minor"] for line in book["lines"]] == [100, -2_000, 1_750]
    assert shown["selections"][2] == {
        "selection_id": 3, "name": "away", "price_milli": 3_750, "override_milli": None, "suspended": None,
    }  # fmt: skip
    home, away = {"score": {"home": 1, "away": 0}}, {"score": {"home": 0, "away": 1}}
    foreseen = operator.made(f"{own}/preview", home)
    assert (foreseen["sums"][0]["payouts_minor"], foreseen["is_correction"]) == (2_100, False)
    operator.made(f"{own}/result", home)
    operator.send("PUT", "/v1/operator/corrections/EUR", {"amount_minor": 1_000})
    try:
        until_settled(operator, market)
        foreseen = operator.made(f"{own}/preview", away)
        assert (foreseen["needs_approval"], foreseen["is_whole"]) == (True, True)
        assert (foreseen["sums"][0]["previous_minor"], foreseen["sums"][0]["payouts_minor"]) == (2_100, 3_750)
        assert [winner["payout_minor"] for winner in foreseen["winners"]] == [3_750]
        key = new_key()
        proposed = operator.post(f"{own}/result", away, key=key)
        assert proposed.status_code == 202
        assert operator.post(f"{own}/result", away, key=key).json() == proposed.json()
        number = proposed.json()["proposal_id"]
        (waiting,) = operator.get("/v1/operator/proposals").json()["proposals"]
        assert (waiting["proposal_id"], waiting["actor"], waiting["change_minor"]) == (number, -1, {"EUR": 5_850})
        many = [{"key": new_key(), "command": "RecordResult", "market_id": market["market_id"], "winners": [1]}]
        assert operator.post("/v1/operator/commands", {"commands": many}, key="").json()["results"][0]["code"]
        assert operator.post(f"/v1/operator/proposals/{number}/approve").json()["code"] == "own_proposal"
        second = Api(house, operator.made("/v1/operator/tokens", {"name": "second"})["token"])
        seq = second.made(f"/v1/operator/proposals/{number}/approve")["seq"]
        kinds = [each["kind"] for each in second.get("/v1/operator/actions", min_seq=seq).json()["items"]]
        assert kinds[:3] == ["proposal_approved", "result_recorded", "correction_proposed"]
        second.close()
    finally:
        operator.send("PUT", "/v1/operator/corrections/EUR", {"amount_minor": 0})


def until_settled(operator: Api, market: dict[str, int]) -> None:
    """Wait until the tables show every bet of a market settled."""
    due = time.monotonic() + PATIENCE_S
    while True:
        items = operator.get("/v1/operator/bets", market_id=market["market_id"], status="settled").json()["items"]
        if len(items) == 2:
            return
        assert time.monotonic() < due, "never settled"
        time.sleep(0.01)


def test_a_proposal_is_rejected_in_a_batch(player: Player, operator: Api, market: dict[str, int]) -> None:
    own = f"/v1/operator/markets/{market['market_id']}"
    player.api.made("/v1/bets", bet_on(market))
    operator.made(f"{own}/result", {"score": {"home": 1, "away": 0}})
    operator.send("PUT", "/v1/operator/corrections/EUR", {"amount_minor": 1})
    try:
        asked = {"command": "RecordResult", "market_id": market["market_id"], "void": {"note": "abandoned"}}
        many = {"commands": [{"key": new_key(), **asked}]}
        (result,) = operator.post("/v1/operator/commands", many, key="").json()["results"]
        assert result["status"] == "proposed"
        reject = {"key": new_key(), "command": "RejectProposal", "proposal_id": result["id"], "reason": "no"}
        (done,) = operator.post("/v1/operator/commands", {"commands": [reject]}, key="").json()["results"]
        assert (done["status"], done["id"]) == ("done", result["id"])
    finally:
        operator.send("PUT", "/v1/operator/corrections/EUR", {"amount_minor": 0})


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
