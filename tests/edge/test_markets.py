"""Markets of every kind over HTTP: terms, late selections, withdrawals, moments, and results in all their forms."""

from typing import Any

import pytest
from tests.edge.conftest import Player, bet_on, make_market
from tests.edge.running import Api, Running
from tests.edge.test_stream import listening

RUNNERS = ["Ayr", "Bob", "Cid", "Dot"]
OWN_GOAL = {"side": "away", "own": True}
HALF_LOST = {"selection_id": 2, "outcome": "half_lost"}
FIVE_TO_ONE = [6_000, 6_000, 6_000, 6_000]


@pytest.fixture
def race(operator: Api) -> dict[str, int]:
    terms = {"each_way": {"numerator": 1, "denominator": 5, "places": 3}, "best_odds": True}
    return make_market(operator, type="race_win", selections=RUNNERS, prices_milli=FIVE_TO_ONE, terms=terms)


def own(market: dict[str, int]) -> str:
    return f"/v1/operator/markets/{market['market_id']}"


def shown(operator: Api, market: dict[str, int], seq: int) -> dict[str, Any]:
    found: dict[str, Any] = operator.get(f"/v1/markets/{market['market_id']}", min_seq=seq).json()
    return found


def test_terms_are_shown_as_they_hold(operator: Api, race: dict[str, int]) -> None:
    terms = shown(operator, race, 0)["terms"]
    assert terms == {
        "each_way": {"numerator": 1, "denominator": 5, "places": 3},
        "starting_prices": False,
        "best_odds": True,
        "rule_4": True,
        "certainty": 2,
        "moment_delays_ms": {},
        "rule_set": "",
    }
    changed = operator.made(f"{own(race)}/change", {"delay_ms": 0, "liability_minor": 0})
    assert shown(operator, race, changed["seq"])["terms"] == terms
    given = {"rule_4": False, "certainty": 1, "moment_delays_ms": {"var": 9_000}}
    changed = operator.made(f"{own(race)}/change", {"delay_ms": 0, "liability_minor": 0, "terms": given})
    found = shown(operator, race, changed["seq"])["terms"]
    assert (found["each_way"], found["best_odds"]) == (None, False)
    assert {name: found[name] for name in given} == given
    listed = operator.get("/v1/operator/markets", min_seq=changed["seq"]).json()["items"]
    own_row = next(row for row in listed if row["market_id"] == race["market_id"])
    assert own_row["terms"]["certainty"] == 1


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"each_way": {"numerator": 2, "denominator": 1, "places": 3}}, "market_terms_invalid"),
        ({"rule_set": "moon"}, "market_terms_invalid"),
        ({"moment_delays_ms": {"var": 13_000}}, "market_terms_invalid"),
        ({"moment_delays_ms": {"lunch": 1_000}}, "body_invalid"),
        ({"each_way": {"numerator": 1, "denominator": 5}}, "body_invalid"),
        ({"each_weigh": None}, "body_invalid"),
    ],
)
def test_terms_that_are_none(operator: Api, race: dict[str, int], terms: dict[str, Any], code: str) -> None:
    reply = operator.post(f"{own(race)}/change", {"delay_ms": 0, "liability_minor": 0, "terms": terms})
    assert reply.json()["code"] == code


async def test_a_withdrawal_is_seen_and_heard(
    house: Running, operator: Api, race: dict[str, int], player: Player
) -> None:
    async with listening(house) as listener:
        await listener.say("subscribe", id="a", markets=[race["market_id"]], conflate_ms=0)
        await listener.hear("image")
        seq = operator.made(f"{own(race)}/withdraw", {"selection_id": 2, "price_milli": 3_500})["seq"]
        delta = await listener.hear("delta", seq=seq)
        assert (delta["withdrawn"], delta["prices"]) == ([2], [[2, 0]])
        assert (delta["status"], delta["reason"], delta["available"]) == ("suspended", "withdrawal", False)
        seq = operator.made(f"{own(race)}/change", {"delay_ms": 0, "liability_minor": 0, "terms": {}})["seq"]
        assert (await listener.hear("delta", seq=seq))["terms"]["each_way"] is None
    found = shown(operator, race, seq)
    assert [each["withdrawn"] for each in found["selections"]] == [False, True, False, False]
    for asked, code in (
        ({"selection_id": 2, "price_milli": 3_500}, "selection_withdrawn"),
        ({"selection_id": 9, "price_milli": 3_500}, "selection_not_found"),
        ({"selection_id": 1, "price_milli": 999}, "price_invalid"),
        ({"selection_id": 1}, "body_invalid"),
    ):
        assert operator.post(f"{own(race)}/withdraw", asked).json()["code"] == code
    operator.made(f"{own(race)}/resume")
    refused = player.api.post("/v1/bets", bet_on(race, selection_id=2, price_milli=6_000))
    assert refused.status_code == 422


async def test_late_selections_are_heard(house: Running, operator: Api) -> None:
    market = make_market(operator, type="forecast", selections=["1-2", "2-1"], prices_milli=[9_000, 9_000])
    async with listening(house) as listener:
        await listener.say("subscribe", id="a", markets=[market["market_id"]], conflate_ms=0)
        await listener.hear("image")
        asked = {"selections": ["1-3", "3-1"], "prices_milli": [12_000, 0]}
        seq = operator.made(f"{own(market)}/selections", asked)["seq"]
        delta = await listener.hear("delta", seq=seq)
    assert (delta["added"], delta["prices"]) == ([[3, "1-3"], [4, "3-1"]], [[3, 12_000], [4, 0]])
    found = shown(operator, market, seq)["selections"]
    assert [each["name"] for each in found] == ["1-2", "2-1", "1-3", "3-1"]
    assert operator.post(f"{own(market)}/selections", {"selections": ["1-1"]}).json()["code"] == "selections_invalid"


def test_a_moment_is_shown_with_its_event(operator: Api, market: dict[str, int]) -> None:
    event = f"events/{market['event_id']}"
    seq = operator.made(f"/v1/operator/{event}/moment", {"moment": "var"})["seq"]
    assert operator.get(f"/v1/{event}", min_seq=seq).json()["moment"] == "var"
    assert operator.post(f"/v1/operator/{event}/moment", {"moment": "lunch"}).json()["code"] == "body_invalid"


def test_a_finish_settles_a_race(operator: Api, race: dict[str, int]) -> None:
    finish = {"positions": [[3], [1, 4]], "non_runners": [2], "starting_prices": [{"runner": 3, "price_milli": 7_000}]}
    done = operator.made(f"/v1/operator/events/{race['event_id']}/result", {"finish": finish})
    listed = operator.get("/v1/operator/markets", min_seq=done["seq"]).json()["items"]
    row = next(row for row in listed if row["market_id"] == race["market_id"])
    assert row["result"] == ["finish", [[3], [1, 4]], [2], [[3, 7_000]]]


@pytest.mark.parametrize(
    ("kind", "own_names", "result"),
    [
        ("half_time_full_time", [], {"score": {"home": 2, "away": 1, "half_time": {"home": 0, "away": 1}}}),
        (
            "first_goalscorer",
            ["Kane", "no_goalscorer"],
            {
                "score": {
                    "home": 1,
                    "away": 1,
                    "goals": [{"side": "away", "own": True}, {"side": "home", "scorer": "Kane"}],
                }
            },
        ),
        ("total", [], {"score": {"home": 3, "away": 0, "ending": "abandoned"}}),
        ("winner", ["A", "B", "C"], {"winners": [2]}),
        ("winner", ["A", "B", "C"], {"winners": {"selections": [2], "void": [3]}}),
        (
            "winner",
            ["A", "B"],
            {
                "outcomes": [
                    {"selection_id": 1, "outcome": "won", "tied": 2},
                    {"selection_id": 2, "outcome": "half_lost"},
                ]
            },
        ),
        ("correct_score", ["1-0", "any_other"], {"void": {"note": "abandoned"}}),
    ],
)
def test_results_in_all_their_forms(operator: Api, kind: str, own_names: list[str], result: dict[str, Any]) -> None:
    specifiers = {"line_quarters": 10} if kind == "total" else {}
    market = make_market(operator, type=kind, selections=own_names, specifiers=specifiers, prices_milli=[])
    done = operator.made(f"{own(market)}/result", result)
    assert shown(operator, market, done["seq"])["status"] == "resulted"
    assert operator.post(f"{own(market)}/result", result).json()["code"] == "result_unchanged"


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"score": {"home": 1, "away": 0}, "void": {"note": "both"}},
        {"score": {"home": 1, "away": 0, "ending": "eaten"}},
        {"score": {"home": 1, "away": 0, "half_time": {"home": 1}}},
        {"score": {"home": 1, "away": 0}, "certainty": -1},
        {"winners": {"selections": [1], "unknown": 1}},
        {"finish": {"positions": [1, 2]}},
        {"outcomes": [{"selection_id": 1, "outcome": "drawn"}]},
    ],
)
def test_results_that_are_none(operator: Api, market: dict[str, int], result: dict[str, Any]) -> None:
    assert operator.post(f"{own(market)}/result", result).json()["code"] == "body_invalid"


def test_a_result_from_scouts_pays_nobody(operator: Api, market: dict[str, int], player: Player) -> None:
    bet = player.api.made("/v1/bets", bet_on(market))
    heard = operator.made(f"{own(market)}/result", {"score": {"home": 1, "away": 0}, "certainty": 1})
    found = shown(operator, market, heard["seq"])
    assert (found["status"], found["reason"]) == ("closed", "result_heard")
    listed = operator.get("/v1/operator/markets", min_seq=heard["seq"]).json()["items"]
    row = next(row for row in listed if row["market_id"] == market["market_id"])
    assert (row["heard"][1], row["result"]) == (1, None)
    assert player.api.get(f"/v1/bets/{bet['bet_id']}").json()["status"] == "open"
    wrong = operator.post(f"{own(market)}/result", {"score": {"home": 1, "away": 0}, "certainty": 3})
    assert wrong.json()["code"] == "certainty_invalid"
    done = operator.made(f"{own(market)}/result", {"score": {"home": 1, "away": 0}})
    assert shown(operator, market, done["seq"])["status"] == "resulted"
