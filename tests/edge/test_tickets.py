"""Tickets over HTTP: placed, previewed, found, referred, settled and explained."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import nats
import pytest
from nats.aio.msg import Msg
from tests.edge.conftest import Player, make_market
from tests.edge.running import Api, Running, new_key
from tests.edge.test_stream import listening

from overround.host.builders import SUBJECT, BuilderOffered, BuilderWanted

HOME, AWAY = {"score": {"home": 1, "away": 0}}, {"score": {"home": 0, "away": 1}}


@pytest.fixture
def markets(operator: Api) -> list[dict[str, int]]:
    """Four open match results at 2.00, 3.00 and 4.00."""
    return [make_market(operator, prices_milli=(2_000, 3_000, 4_000)) for _ in range(4)]


def leg(market: dict[str, int], price_milli: int | str = 2_000, selection_id: int = 1, **more: Any) -> dict[str, Any]:
    return {"market_id": market["market_id"], "selection_id": selection_id, "price_milli": price_milli, **more}


def ticket(*bets: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"currency": "EUR", "bets": list(bets), **more}


def slip(markets: list[dict[str, int]], **more: Any) -> dict[str, Any]:
    return {"legs": [leg(market) for market in markets], **(more or {"stake_minor": 1_000})}


def result(operator: Api, market: dict[str, int], body: dict[str, Any]) -> int:
    seq: int = operator.made(f"/v1/operator/markets/{market['market_id']}/result", body)["seq"]
    return seq


def settled(player: Player, bet_id: int) -> dict[str, Any]:
    while (bet := player.api.get(f"/v1/bets/{bet_id}").json())["status"] == "open":
        pass
    found: dict[str, Any] = bet
    return found


def test_a_lucky_15_from_the_counter_to_the_last_line(
    player: Player, operator: Api, markets: list[dict[str, int]]
) -> None:
    asked = ticket(slip(markets, system="lucky_15", unit_stake_minor=100))
    seen = player.api.post("/v1/tickets/preview", asked, key="").json()
    assert (seen["code"], seen["stake_minor"], seen["bets"][0]["lines"]) == (None, 1_500, 15)
    placed = player.api.post("/v1/tickets", asked)
    assert placed.status_code == 201, placed.text
    body = placed.json()
    assert (body["status"], body["stake_minor"], body["potential_minor"]) == ("open", 1_500, 8_000)
    (bet,) = body["bets"]
    assert (bet["system"], bet["folds"], [one["price_milli"] for one in bet["legs"]]) == (
        "lucky_15",
        [1, 2, 3, 4],
        [2_000] * 4,
    )
    for market, score in zip(markets, (HOME, HOME, AWAY, HOME), strict=True):
        result(operator, market, score)
    done = settled(player, bet["bet_id"])
    assert (done["outcome"], done["payout_minor"]) == ("won", 100 * (3 * 2 + 3 * 4 + 8))
    statement = player.api.get("/v1/statement", currency="EUR", min_seq=done["seq"])
    texts = {item["text"] for item in statement.json()["items"]}
    assert f"Stake of bet {bet['bet_id']}" in texts
    working = player.api.get(f"/v1/bets/{bet['bet_id']}/working").json()
    assert sum(line["shown_minor"] for line in working["lines"]) == working["payout_minor"] == 2_600
    assert [one["win"]["factor"] for one in working["legs"]] == ["2", "2", "0", "2"]
    assert working["lines"][-1]["legs"] == [1, 2, 3, 4]
    first = player.api.get(f"/v1/bets/{bet['bet_id']}/working", limit=10).json()
    rest = player.api.get(f"/v1/bets/{bet['bet_id']}/working", after=first["next_after"]).json()
    assert (first["lines"] + rest["lines"], rest["next_after"]) == (working["lines"], None)


def test_the_list_of_bets_shows_legs_and_why(player: Player, operator: Api, markets: list[dict[str, int]]) -> None:
    placed = player.api.made("/v1/tickets", ticket(slip(markets[:2])))
    result(operator, markets[0], AWAY)
    settled(player, placed["ticket_id"])
    seq = operator.made("/v1/operator/sports", {"name": "Chess"})["seq"]
    (item,) = player.api.get("/v1/bets", min_seq=seq).json()["items"]
    assert (item["status"], item["outcome"], item["market_id"]) == ("settled", "lost", 0)
    assert item["why"] == {
        "market_id": markets[0]["market_id"],
        "rule": "1x2",
        "revision": 1,
        "factors": ["0"],
    }
    assert [one["market_id"] for one in item["slip"]["legs"]] == [market["market_id"] for market in markets[:2]]
    by_leg = operator.get("/v1/operator/bets", market_id=markets[1]["market_id"]).json()["items"]
    assert [bet["bet_id"] for bet in by_leg] == [placed["ticket_id"]]


def test_a_ticket_is_taken_whole_or_refused_whole(player: Player, operator: Api, markets: list[dict[str, int]]) -> None:
    operator.made(f"/v1/operator/markets/{markets[3]['market_id']}/suspend", {"reason": "goal"})
    reply = player.api.post("/v1/tickets", ticket(slip(markets[:2]), slip(markets)))
    assert (reply.status_code, reply.json()["code"]) == (422, "market_suspended")
    assert (reply.json()["bet"], reply.json()["leg"]) == (2, 4)
    assert player.api.get("/v1/balance").json()["wallets"][0]["cash_minor"] == 1_000_000


def test_the_same_key_has_one_ticket(player: Player, markets: list[dict[str, int]]) -> None:
    key, asked = new_key(), ticket(slip(markets[:2]), slip(markets[:1]))
    first = player.api.post("/v1/tickets", asked, key=key)
    again = player.api.post("/v1/tickets", asked, key=key)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    ticket_id = first.json()["ticket_id"]
    found = player.api.get(f"/v1/tickets/by-key/{key}").json()
    assert found == player.api.get(f"/v1/tickets/{ticket_id}").json()
    assert (found["status"], [bet["bet_id"] for bet in found["bets"]]) == ("open", [ticket_id, ticket_id + 1])
    assert player.api.get(f"/v1/tickets/{ticket_id + 1}").json() == found


def test_somebody_elses_ticket_is_not_found(new_player: Callable[..., Player], markets: list[dict[str, int]]) -> None:
    one, other = new_player(), new_player()
    placed = one.api.made("/v1/tickets", ticket(slip(markets[:2])))
    assert other.api.get(f"/v1/tickets/{placed['ticket_id']}").json()["code"] == "ticket_not_found"
    assert other.api.get(f"/v1/bets/{placed['ticket_id']}/working").json()["code"] == "bet_not_found"


@pytest.mark.parametrize(
    ("changed", "detail"),
    [
        ({"system": "yankee"}, "a yankee has 4 legs that are no bankers"),
        ({"system": "double", "folds": [2]}, "only one of system and folds"),
        ({"unit_stake_minor": 5}, "one of stake_minor and unit_stake_minor is needed"),
        ({"stake_minor": None}, "one of stake_minor and unit_stake_minor is needed"),
    ],
)
def test_a_slip_that_says_too_much_or_too_little(
    player: Player, markets: list[dict[str, int]], changed: dict[str, Any], detail: str
) -> None:
    body = {**slip(markets[:2]), **changed}
    reply = player.api.post("/v1/tickets", ticket({name: value for name, value in body.items() if value is not None}))
    assert (reply.status_code, reply.json()["code"], reply.json()["detail"]) == (400, "body_invalid", detail)


def test_each_way_at_the_starting_price_with_a_banker(player: Player, operator: Api) -> None:
    """Unit 1.00 each-way on 2.00 favourites of two races: the working says what each part came to."""
    terms = {
        "each_way": {"numerator": 1, "denominator": 5, "places": 3},
        "starting_prices": True,
        "best_odds": True,
    }
    runners = ["Ash", "Bay", "Cob", "Dun", "Elk", "Fox", "Gnu", "Hob"]
    races = [
        make_market(operator, type="race_win", selections=runners, prices_milli=[6_000] * 8, terms=terms)
        for _ in range(2)
    ]
    legs = [leg(races[0], "sp", 2, banker=True), leg(races[1], 6_000, 1)]
    placed = player.api.made("/v1/tickets", ticket({"legs": legs, "unit_stake_minor": 100, "each_way": True}))
    (bet,) = placed["bets"]
    assert (bet["lines"], placed["stake_minor"], bet["legs"][0]["price_milli"]) == (2, 200, "sp")
    assert bet["legs"][1]["best_odds"]
    assert bet["legs"][1]["each_way"] == {"numerator": 1, "denominator": 5, "places": 3}
    starts = [{"runner": number, "price_milli": 11_000} for number in range(1, 9)]
    for race in races:
        finish = {"positions": [[1], [2], [3]], "starting_prices": starts}
        result(operator, race, {"finish": finish})
    done = settled(player, bet["bet_id"])
    assert done["payout_minor"] == 100 * 3 * 3, "the win line lost; the place line is (1 + 10/5) twice"
    working = player.api.get(f"/v1/bets/{bet['bet_id']}/working").json()
    assert [(line["part"], line["shown_minor"]) for line in working["lines"]] == [("win", 0), ("place", 900)]
    assert [one["at_start"] for one in working["legs"]] == [True, True]
    assert [one["place"]["factor"] for one in working["legs"]] == ["3", "3"]


def test_a_preview_says_why_not(player: Player, markets: list[dict[str, int]]) -> None:
    legs = [leg(markets[0], 2_100), leg(markets[1])]
    seen = player.api.post("/v1/tickets/preview", ticket({"legs": legs, "stake_minor": 1_000}), key="").json()
    assert (seen["code"], seen["numbers"], seen["referable"]) == (
        "price_changed",
        {"bet": 1, "leg": 1, "price_milli": 2_000},
        False,
    )
    assert seen["bets"][0]["legs"][0]["price_milli"] == 2_100
    related = [leg(markets[0]), leg(markets[0], 3_000, 2)]
    seen = player.api.post("/v1/tickets/preview", ticket({"legs": related, "stake_minor": 1_000}), key="").json()
    assert (seen["code"], seen["bets"]) == ("legs_related", [])


def refer(player: Player, operator: Api, markets: list[dict[str, int]]) -> int:
    """A ticket over the limit of an event, referred."""
    cap = {"level": "event", "id": markets[0]["event_id"], "currency": "EUR", "max_stake_minor": 5_000}
    assert operator.send("PUT", "/v1/operator/caps", cap).is_success
    asked = ticket(slip(markets[:2], stake_minor=20_000))
    refused = player.api.post("/v1/tickets", asked)
    assert (refused.json()["code"], refused.json()["level"], refused.json()["max_stake_minor"]) == (
        "stake_limit",
        "event",
        5_000,
    )
    seen = player.api.post("/v1/tickets/preview", asked, key="").json()
    assert (seen["code"], seen["referable"]) == ("stake_limit", True)
    reply = player.api.post("/v1/tickets", {**asked, "refer": True})
    assert (reply.status_code, reply.json()["status"]) == (202, "referred")
    ticket_id: int = reply.json()["ticket_id"]
    seq = reply.json()["seq"]
    items = operator.get("/v1/operator/referrals", min_seq=seq).json()["items"]
    (item,) = [item for item in items if item["ticket_id"] == ticket_id]
    assert (item["status"], item["code"], item["bets"][0]["stake_minor"]) == ("referred", "stake_limit", 20_000)
    assert player.api.get("/v1/balance").json()["wallets"][0]["held_minor"] == 20_000
    return ticket_id


def test_a_trader_accepts(player: Player, operator: Api, markets: list[dict[str, int]]) -> None:
    ticket_id = refer(player, operator, markets)
    assert operator.made(f"/v1/operator/referrals/{ticket_id}/accept")["ticket_id"] == ticket_id
    assert player.api.get(f"/v1/tickets/{ticket_id}").json()["status"] == "open"
    again = operator.post(f"/v1/operator/referrals/{ticket_id}/accept")
    assert (again.json()["code"], again.json()["current_status"]) == ("ticket_status", "open")


def test_a_trader_declines(player: Player, operator: Api, markets: list[dict[str, int]]) -> None:
    ticket_id = refer(player, operator, markets)
    seq = operator.made(f"/v1/operator/referrals/{ticket_id}/decline")["seq"]
    found = player.api.get(f"/v1/tickets/{ticket_id}").json()
    assert found["status"] == "refused"
    assert player.api.get("/v1/balance").json()["wallets"][0]["held_minor"] == 0
    (item,) = player.api.get("/v1/bets", min_seq=seq).json()["items"]
    assert item["refusal"] == "referral_declined"


@pytest.mark.parametrize(("accept", "status", "available"), [(True, "open", 985_000), (False, "refused", 1_000_000)])
def test_a_trader_offers_and_the_customer_answers(
    player: Player, operator: Api, markets: list[dict[str, int]], accept: bool, status: str, available: int
) -> None:
    ticket_id = refer(player, operator, markets)
    offer = {"bets": [{"stake_minor": 15_000, "prices_milli": [1_900, 1_950]}]}
    operator.made(f"/v1/operator/referrals/{ticket_id}/offer", offer)
    offered = player.api.get(f"/v1/tickets/{ticket_id}").json()
    assert (offered["status"], offered["stake_minor"]) == ("offered", 15_000)
    assert offered["decide_at"] > offered["placed_at"]
    answered = player.api.made(f"/v1/tickets/{ticket_id}/answer", {"accept": accept})
    assert answered["status"] == status
    assert player.api.get("/v1/balance").json()["wallets"][0]["available_minor"] == available
    if accept:
        assert [one["price_milli"] for one in answered["bets"][0]["slip"]["legs"]] == [1_900, 1_950]
    late = player.api.post(f"/v1/tickets/{ticket_id}/answer", {"accept": True})
    assert late.json()["code"] == "ticket_status"


def test_a_builder_is_priced_by_an_operator_and_taken(player: Player, operator: Api) -> None:
    match = make_market(operator, prices_milli=(2_000, 3_000, 4_000))
    goals = {"event_id": match["event_id"], "type": "both_teams_to_score", "prices_milli": [1_800, 1_900]}
    both = operator.made("/v1/operator/markets", goals)["market_id"]
    operator.made(f"/v1/operator/markets/{both}/resume")
    parts = [{"market_id": market, "selection_id": 1} for market in (both, match["market_id"])]
    priced = {"event_id": match["event_id"], "selections": parts, "price_milli": 3_250, "lasts_ms": 60_000}
    builder_id = operator.made("/v1/operator/bet-builders", priced)["builder_id"]
    alone = {"legs": [{"builder_id": builder_id, "price_milli": 3_250}], "stake_minor": 1_000}
    placed = player.api.made("/v1/tickets", ticket(alone))
    (shown,) = placed["bets"][0]["legs"]
    assert (shown["builder_id"], sorted(part["market_id"] for part in shown["parts"])) == (
        builder_id,
        [match["market_id"], both],
    )
    operator.made(f"/v1/operator/events/{match['event_id']}/result", {"score": {"home": 2, "away": 1}})
    assert settled(player, placed["ticket_id"])["payout_minor"] == 3_250


def test_nobody_prices_builders_here(player: Player, market: dict[str, int]) -> None:
    parts = [{"market_id": market["market_id"], "selection_id": number} for number in (1, 2)]
    asked = {"event_id": market["event_id"], "selections": parts}
    reply = player.api.post("/v1/bet-builders", asked, key="")
    assert (reply.status_code, reply.json()["code"]) == (503, "no_builder_price")


def test_a_result_taken_back_opens_the_bet_again(player: Player, operator: Api, markets: list[dict[str, int]]) -> None:
    placed = player.api.made("/v1/tickets", ticket(slip(markets[:2])))
    for market in markets[:2]:
        result(operator, market, HOME)
    assert settled(player, placed["ticket_id"])["payout_minor"] == 4_000
    operator.made(f"/v1/operator/markets/{markets[1]['market_id']}/rollback")
    while (bet := player.api.get(f"/v1/bets/{placed['ticket_id']}").json())["status"] != "open":
        pass
    assert (bet["outcome"], bet["payout_minor"]) == (None, 0)
    half = player.api.get(f"/v1/bets/{placed['ticket_id']}/working").json()
    assert [one["open"] for one in half["legs"]] == [False, True]
    result(operator, markets[1], AWAY)
    assert settled(player, placed["ticket_id"])["outcome"] == "lost"
    assert player.api.get("/v1/balance").json()["wallets"][0]["cash_minor"] == 999_000


def test_caps_and_windows_are_listed(operator: Api, market: dict[str, int]) -> None:
    cap = {"level": "market", "id": market["market_id"], "currency": "EUR", "max_liability_minor": 700}
    seq = operator.send("PUT", "/v1/operator/caps", cap).json()["seq"]
    items = operator.get("/v1/operator/caps", min_seq=seq).json()["items"]
    assert {**cap, "selection_id": 0, "max_stake_minor": 0, "max_payout_minor": 0} in items
    window = {"from_us": 1, "until_us": 2, "reason": "late"}
    seq = operator.made(f"/v1/operator/markets/{market['market_id']}/cancel", window)["seq"]
    listed = operator.get("/v1/operator/windows", market_id=market["market_id"], min_seq=seq).json()["items"]
    assert [(item["from_us"], item["cancelled"], item["reason"]) for item in listed] == [(1, True, "late")]


async def test_the_stream_tells_the_life_of_a_ticket(
    house: Running, player: Player, operator: Api, markets: list[dict[str, int]]
) -> None:
    """To the customer and to the traders: referred, offered, taken, settled, opened again, settled otherwise."""
    async with listening(house, player.api.token) as own, listening(house, house.operator) as traders:
        await own.say("subscribe", bets=True)
        await traders.say("subscribe", referrals=True)
        await own.hear("subscribed")
        await traders.hear("subscribed")
        ticket_id = refer(player, operator, markets)
        waits = await own.hear("ticket", ticket_id=ticket_id)
        assert (waits["status"], waits["bets"][0]["stake_minor"]) == ("referred", 20_000)
        shown = await traders.hear("referral", ticket_id=ticket_id)
        assert (shown["status"], shown["code"], shown["customer_id"]) == (
            "referred",
            "stake_limit",
            player.customer_id,
        )
        operator.made(f"/v1/operator/referrals/{ticket_id}/offer", {"bets": [{"stake_minor": 10_000}]})
        offered = await own.hear("ticket", ticket_id=ticket_id)
        assert (offered["status"], offered["bets"][0]["stake_minor"]) == ("offered", 10_000)
        assert offered["decide_at_ms"] > offered["at_ms"]
        assert (await traders.hear("referral", ticket_id=ticket_id))["status"] == "offered"
        player.api.made(f"/v1/tickets/{ticket_id}/answer", {"accept": True})
        assert (await own.hear("ticket", ticket_id=ticket_id))["status"] == "open"
        assert (await traders.hear("referral", ticket_id=ticket_id))["status"] == "accepted"
        for market in markets[:2]:
            result(operator, market, HOME)
        done = await own.hear("bet", bet_id=ticket_id)
        assert (done["status"], done["payout_minor"]) == ("settled", 40_000)
        operator.made(f"/v1/operator/markets/{markets[0]['market_id']}/rollback")
        assert (await own.hear("bet", bet_id=ticket_id))["status"] == "open"
        await traders.say("unsubscribe", referrals=True)
        await traders.hear("unsubscribed")


async def test_a_ticket_taken_and_one_refused_after_its_delay(house: Running, player: Player, operator: Api) -> None:
    market = make_market(operator, prices_milli=(2_000, 3_000, 4_000), in_play=True, delay_ms=3_000)
    operator.made(f"/v1/operator/events/{market['event_id']}/start")
    operator.made(f"/v1/operator/markets/{market['market_id']}/resume")
    async with listening(house, player.api.token) as own:
        await own.say("subscribe", bets=True)
        await own.hear("subscribed")
        reply = player.api.post("/v1/tickets", ticket(slip([market])))
        assert (reply.status_code, reply.json()["status"]) == (202, "delayed")
        assert (await own.hear("ticket"))["status"] == "delayed"
        operator.made(f"/v1/operator/markets/{market['market_id']}/suspend", {"reason": "goal"})
        fallen = await own.hear("ticket", ticket_id=reply.json()["ticket_id"])
        assert (fallen["status"], fallen["code"]) == ("refused", "market_suspended")


async def test_referrals_are_for_operators(house: Running, player: Player) -> None:
    async with listening(house, player.api.token) as own:
        await own.say("subscribe", referrals=True)
        assert (await own.hear("error"))["code"] == "scope_required"


async def test_whoever_prices_builders_is_asked_over_the_bus(
    house: Running, player: Player, market: dict[str, int]
) -> None:
    """A pricing service hears the question and answers with the price that it told the house, or why there is none."""
    client = await nats.connect(house.settings.bus_url)
    asked: list[BuilderWanted] = []

    async def answer(message: Msg) -> None:
        wanted = msgspec.json.decode(message.data, type=BuilderWanted)
        asked.append(wanted)
        ours = wanted.event_id == market["event_id"]
        offered = BuilderOffered(builder_id=12, price_milli=3_250, expires_at_us=1_790_000_000_000_000)
        await message.respond(msgspec.json.encode(offered if ours else BuilderOffered(code="builder_not_possible")))

    subscription = await client.subscribe(SUBJECT.format(cell=house.settings.cell), cb=answer)
    await client.flush()
    parts = [{"market_id": market["market_id"], "selection_id": number} for number in (2, 1)]
    body = {"event_id": market["event_id"], "selections": parts}
    try:
        reply = await asyncio.to_thread(player.api.post, "/v1/bet-builders", body, key="")
        assert reply.json() == {"builder_id": 12, "price_milli": 3_250, "expires_at": "2026-09-21T14:13:20.000Z"}
        assert asked[0].parts == ((market["market_id"], 1), (market["market_id"], 2))
        other = {**body, "event_id": market["event_id"] + 1}
        reply = await asyncio.to_thread(player.api.post, "/v1/bet-builders", other, key="")
        assert (reply.status_code, reply.json()["code"]) == (422, "builder_not_possible")
    finally:
        await subscription.unsubscribe()
        await client.close()
