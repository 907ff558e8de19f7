"""The stream of a running house: images, changes, clocks, limits. Every line is also read by betfair_parser."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.edge.betfair.house import Market, Trader, limit
from tests.edge.betfair.wire import EVERY_FIELD, connected, let_in, markets
from tests.edge.running import Api, Running

from overround.apps.settings import Settings
from overround.edge.betfair import server
from overround.edge.betfair.server import CONNECTIONS_PER_CUSTOMER

Make = Callable[..., Any]


def runner(change: dict[str, Any], selection_id: int) -> dict[str, Any]:
    """What a change message says of one runner, its `mc` or `oc` being of one market."""
    rows = change["mc"][0].get("rc", []) if "mc" in change else change["oc"][0].get("orc", [])
    return next((row for row in rows if row["id"] == selection_id), {})


def test_an_image_then_changes(trader: Trader, new_trader: Make, market: Market) -> None:
    first, other = market.selections[0], new_trader().client()
    with let_in(trader) as line:
        number = line.ask("marketSubscription", **markets(market.id, heartbeatMs=5_000, conflateMs=0))
        assert line.read()["statusCode"] == "SUCCESS"
        image = line.read()
        assert (image["id"], image["ct"], image["mc"][0]["img"]) == (number, "SUB_IMAGE", True)
        assert (image["conflateMs"], image["heartbeatMs"]) == (0, 5_000)
        definition = image["mc"][0]["marketDefinition"]
        assert (definition["status"], definition["eventTypeId"], definition["version"]) == ("OPEN", "1", 2)
        assert [row["sortPriority"] for row in definition["runners"]] == [1, 2, 3]
        other.betting.place_orders(market.id, [limit(first, "BACK", 3.0, 5.0)])
        assert runner(line.change("mcm"), first) == {
            "id": first,
            "atl": [[3.0, 5.0]],
            "batl": [[0, 3.0, 5.0]],
            "bdatl": [[0, 3.0, 5.0]],
        }
        trader.client().betting.place_orders(market.id, [limit(first, "LAY", 3.0, 2.0)])
        change = line.change("mcm")
        assert runner(change, first) == {
            "id": first,
            "atl": [[3.0, 3.0]],
            "batl": [[0, 3.0, 3.0]],
            "bdatl": [[0, 3.0, 3.0]],
            "trd": [[3.0, 4.0]],
            "ltp": 3.0,
            "tv": 4.0,
        }
        assert change["mc"][0]["tv"] == 4.0
        other.betting.cancel_orders(market.id)
        assert runner(line.change("mcm"), first)["atl"] == [[3.0, 0]]


def test_the_order_stream_has_orders_whole_and_matches(trader: Trader, new_trader: Make, market: Market) -> None:
    first, own, other = market.selections[0], trader.client(), new_trader().client()
    with let_in(trader) as line:
        line.ask("orderSubscription", orderFilter={"includeOverallPosition": True})
        line.read()
        assert line.read()["ct"] == "SUB_IMAGE"
        made = own.betting.place_orders(
            market.id, [limit(first, "BACK", 3.0, 5.0, customerOrderRef="mine")], customer_strategy_ref="s1"
        )
        bet_id = made.place_instruction_reports[0].bet_id
        order = runner(line.change("ocm"), first)["uo"][0]
        assert {name: order[name] for name in ("id", "p", "s", "side", "status", "ot", "pt", "rfo", "rfs")} == {
            "id": bet_id, "p": 3.0, "s": 5.0, "side": "B", "status": "E", "ot": "L", "pt": "L",
            "rfo": "mine", "rfs": "s1",
        }  # fmt: skip
        other.betting.place_orders(market.id, [limit(first, "LAY", 3.0, 2.0)])
        row = runner(line.change("ocm"), first)
        assert (row["uo"][0]["sm"], row["uo"][0]["sr"], row["uo"][0]["avp"], row["mb"]) == (2.0, 3.0, 3.0, [[3.0, 2.0]])
        own.betting.cancel_orders(market.id)
        last = runner(line.change("ocm"), first)["uo"][0]
        assert (last["status"], last["sc"], last["sr"]) == ("EC", 3.0, 0.0)
    with let_in(trader) as line:
        line.ask("orderSubscription", orderFilter={"partitionMatchedByStrategyRef": True})
        line.read()
        image = line.read()
        assert image["oc"][0]["fullImage"] is True
        row = runner(image, first)
        assert [(order["id"], order["status"]) for order in row.pop("uo")] == [(bet_id, "EC")]  # it is just complete
        assert row == {
            "id": first,
            "fullImage": True,
            "mb": [[3.0, 2.0]],
            "smc": {"s1": {"mb": [[3.0, 2.0]]}},
        }


def test_others_orders_are_nobody_elses(trader: Trader, new_trader: Make, market: Market) -> None:
    with let_in(trader) as line:
        line.ask("orderSubscription")
        line.read()
        line.read()
        new_trader().client().betting.place_orders(market.id, [limit(market.selections[0], "BACK", 3.0, 5.0)])
        trader.client().betting.place_orders(market.id, [limit(market.selections[1], "BACK", 4.0, 5.0)])
        change = line.change("ocm")
        assert [row["id"] for row in change["oc"][0]["orc"]] == [market.selections[1]]


def test_the_stream_says_why_an_order_lapsed_before_it_came_to_the_book(
    trader: Trader, new_market: Make, operator: Api
) -> None:
    """A market that has moved on; a suspension in the delay, of which an asynchronous client hears by the stream."""
    market = new_market(turn_in_play=True, bet_delay_ms=5_000)
    order, betting = [limit(market.selections[0], "BACK", 3.0, 5.0)], trader.client().betting
    here = f"/v1/operator/exchange/markets/{market.number}"
    with let_in(trader) as line:
        line.ask("orderSubscription")
        line.read()
        line.read()
        betting.place_orders(market.id, order, market_version={"version": 1})
        (told,) = line.change("ocm")["oc"][0]["orc"][0]["uo"]
        assert (told["status"], told["sl"], told["lsrc"]) == ("EC", 5.0, "MKT_VERSION")
        assert told["ld"] >= told["pd"]
        betting.place_orders(market.id, order)
        line.change("ocm")
        operator.made(f"{here}/turn-in-play", {})
        (told,) = line.change("ocm")["oc"][0]["orc"][0]["uo"]
        assert (told["status"], told["sl"], told["lsrc"]) == ("EC", 5.0, "MKT_INVALID")
        operator.made(f"{here}/open", {})
        betting.place_orders(market.id, order, async_=True)
        operator.made(f"{here}/suspend", {"reason": "goal"})
        (told,) = line.change("ocm")["oc"][0]["orc"][0]["uo"]
        assert (told["status"], told["sl"], told["lsrc"]) == ("EC", 5.0, "MKT_SUSPENDED")


def test_a_strategy_hears_of_its_own_orders(trader: Trader, market: Market) -> None:
    own = trader.client()
    with let_in(trader) as line:
        line.ask("orderSubscription", orderFilter={"customerStrategyRefs": ["mine"]})
        line.read()
        line.read()
        for strategy, selection in (("other", 0), ("mine", 1)):
            order = limit(market.selections[selection], "BACK", 3.0, 5.0)
            own.betting.place_orders(market.id, [order], customer_strategy_ref=strategy)
        assert [row["uo"][0]["rfs"] for row in line.change("ocm")["oc"][0]["orc"]] == ["mine"]


def test_clocks_resume_where_they_stopped(trader: Trader, new_trader: Make, new_market: Make) -> None:
    quiet, busy = new_market(), new_market()
    asked = markets(quiet.id, busy.id)
    with let_in(trader) as line:
        line.ask("marketSubscription", **asked)
        line.read()
        image = line.read()
    new_trader().client().betting.place_orders(busy.id, [limit(busy.selections[0], "BACK", 3.0, 5.0)])
    with let_in(trader) as line:
        line.ask("marketSubscription", **{**asked, "initialClk": image["initialClk"], "clk": image["clk"]})
        assert line.read()["statusCode"] == "SUCCESS"
        resumed = line.read()
        assert resumed["ct"] == "RESUB_DELTA"
        assert [(change["id"], change["img"]) for change in resumed["mc"]] == [(busy.id, True)]
        assert int(resumed["clk"]) > int(image["clk"])


def test_clocks_go_on_at_another_gateway(
    trader: Trader, new_trader: Make, new_market: Make, shop: Running, secured: Settings
) -> None:
    """What one told up to a clk, the other tells from there: what changed, and nothing twice."""
    there = Running(settings=secured, operator=shop.operator)
    quiet, busy = new_market(), new_market()
    asked = markets(quiet.id, busy.id)
    with let_in(trader) as line:
        line.ask("marketSubscription", **asked)
        image = line.change("mcm") if line.read()["op"] == "status" else {}
    new_trader().client().betting.place_orders(busy.id, [limit(busy.selections[0], "BACK", 3.0, 5.0)])
    with let_in(msgspec.structs.replace(trader, house=there)) as line:
        line.ask("marketSubscription", **{**asked, "initialClk": image["initialClk"], "clk": image["clk"]})
        assert line.read()["statusCode"] == "SUCCESS"
        resumed = line.read()
        if not resumed.get("mc"):  # this gateway had yet to hear of the order
            assert resumed["ct"] == "RESUB_DELTA"
            resumed = line.change("mcm")
        assert runner(resumed, busy.selections[0])["atl"] == [[3.0, 5.0]]
        line.ask("heartbeat")
        line.until(lambda message: message["op"] == "status")
        told = [change["id"] for message in line.lines for change in message.get("mc", [])]
        assert told == [busy.id]


def test_a_clock_that_is_far_ahead_is_of_another_house_and_gets_an_image(trader: Trader, market: Market) -> None:
    """A strategy that outlives a house's data would ask with its old clk for ever, and hear nothing or be refused."""
    with let_in(trader) as line:
        line.ask("marketSubscription", **markets(market.id))
        image = line.change("mcm") if line.read()["op"] == "status" else {}
        clocks = {"initialClk": image["initialClk"], "clk": str(int(image["clk"]) + 50_000)}
        line.ask("marketSubscription", **markets(market.id, **clocks))
        line.read()
        anew = line.read()
        assert (anew["ct"], anew["mc"][0]["img"]) == ("SUB_IMAGE", True)


@pytest.mark.parametrize(
    "clocks",
    [
        {"clk": "5"},
        {"initialClk": "x", "clk": "5"},
        {"clk": "soon"},
        {"clk": "9" * 40},
        {"clk": "-1"},
    ],
)
def test_other_clocks_are_invalid(trader: Trader, market: Market, clocks: dict[str, str]) -> None:
    with let_in(trader) as line:
        line.ask("marketSubscription", **markets(market.id))
        line.read()
        image = line.read()
        given = {"initialClk": image["initialClk"], **clocks} if len(clocks) == 1 and clocks["clk"] != "5" else clocks
        line.ask("marketSubscription", **{**markets(market.id), **given})
        assert line.ended()["errorCode"] == "INVALID_CLOCK"


def test_a_new_subscription_takes_the_place_of_the_old(trader: Trader, new_trader: Make, new_market: Make) -> None:
    old, new = new_market(), new_market()
    with let_in(trader) as line:
        line.ask("marketSubscription", **markets(old.id))
        second = line.ask("marketSubscription", **markets(new.id))
        line.until(lambda message: message.get("ct") == "SUB_IMAGE" and message["id"] == second)
        other = new_trader().client()
        for market in (old, new):
            other.betting.place_orders(market.id, [limit(market.selections[0], "BACK", 3.0, 5.0)])
        change = line.change("mcm")
        assert (change["id"], [row["id"] for row in change["mc"]]) == (second, [new.id])


def test_filters_find_markets_and_new_ones_join(trader: Trader, new_market: Make, operator: Api) -> None:
    wanted = {"marketTypes": ["ODD_TYPE"], "turnInPlayEnabled": True, "countryCodes": ["IE"], "eventTypeIds": ["1"]}
    shape = {"market_type": "ODD_TYPE", "turn_in_play": True, "country": "IE"}
    first = new_market(**shape)
    new_market(**{**shape, "country": "GB"})
    with let_in(trader) as line:
        line.ask("marketSubscription", **{**markets(), "marketFilter": wanted})
        line.read()
        assert [row["id"] for row in line.read()["mc"]] == [first.id]
        later = new_market(**shape, is_open=False)
        joined = line.change("mcm")["mc"][0]
        assert (joined["id"], joined["img"], joined["marketDefinition"]["status"]) == (later.id, True, "INACTIVE")
        operator.made(f"/v1/operator/exchange/markets/{later.number}/open")
        change = line.change("mcm")["mc"][0]
        assert (change["id"], change["marketDefinition"]["status"]) == (later.id, "OPEN")


def settled(operator: Api, market: Market) -> None:
    result = {"result": {"kind": "runners", "winners": [{"runner": 0}]}}
    operator.made(f"/v1/operator/exchange/markets/{market.number}/result", result)


def is_settled(message: dict[str, Any], market: Market) -> bool:
    """Whether a message tells that a market is settled."""
    changes = {change["id"]: change for change in message.get("mc", [])}
    return bool(changes.get(market.id, {}).get("marketDefinition", {}).get("settledTime"))


def test_a_filter_finds_no_markets_that_are_over(trader: Trader, new_market: Make, operator: Api) -> None:
    """Unless they ended since the clk that it goes on from; by its number a market is found for ever."""
    over, runs = new_market(market_type="SOON_OVER"), new_market(market_type="SOON_OVER")
    asked = {**markets(fields=["EX_MARKET_DEF"]), "marketFilter": {"marketTypes": ["SOON_OVER"]}}
    with let_in(trader) as line:
        line.ask("marketSubscription", **asked)
        line.read()
        before = line.read()
        assert [row["id"] for row in before["mc"]] == [over.id, runs.id]
        settled(operator, over)
        line.until(lambda message: is_settled(message, over))
    with let_in(trader) as line:
        line.ask("marketSubscription", **asked)
        line.read()
        assert [row["id"] for row in line.read()["mc"]] == [runs.id]
        line.ask("marketSubscription", **{**asked, "initialClk": before["initialClk"], "clk": before["clk"]})
        line.read()
        assert [row["id"] for row in line.read()["mc"]] == [over.id]
        line.ask("marketSubscription", **markets(over.id))
        line.read()
        assert [row["id"] for row in line.read()["mc"]] == [over.id]


def test_settled_markets_make_room_for_new_ones(
    trader: Trader, new_market: Make, operator: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should there be none that are settled, it is said once that there are more markets."""
    monkeypatch.setattr("overround.edge.betfair.telling.MAX_MARKETS", 2)
    first, second = (new_market(market_type="CROWDED") for _ in range(2))
    with let_in(trader) as line:
        subscribed = line.ask(
            "marketSubscription", **{**markets(fields=["EX_MARKET_DEF"]), "marketFilter": {"marketTypes": ["CROWDED"]}}
        )
        line.until(lambda message: message.get("ct") == "SUB_IMAGE")
        left_out = [new_market(market_type="CROWDED", is_open=False) for _ in range(2)]
        status = line.until(lambda message: message["op"] == "status")
        assert (status["id"], status["errorCode"], status["connectionClosed"]) == (
            subscribed,
            "SUBSCRIPTION_LIMIT_EXCEEDED",
            False,
        )
        settled(operator, first)
        line.until(lambda message: is_settled(message, first))
        joined = new_market(market_type="CROWDED", is_open=False)
        image = line.until(lambda message: message.get("mc", [{}])[0].get("img"))
        assert image["mc"][0]["id"] == joined.id
        settled(operator, second)
        line.until(lambda message: is_settled(message, second))
        told = {row["id"] for message in line.lines for row in message.get("mc", [])}
        assert told == {first.id, second.id, joined.id}
        assert not told & {market.id for market in left_out}
        assert sum(message["op"] == "status" for message in line.lines) == 3


def test_orders_are_conflated_where_that_is_asked(trader: Trader, market: Market) -> None:
    own = trader.client()
    with let_in(trader) as line:
        line.ask("orderSubscription", conflateMs=700)
        line.read()
        image = line.read()
        assert image["conflateMs"] == 700
        for price in (3.0, 3.1, 3.2):
            own.betting.place_orders(market.id, [limit(market.selections[0], "BACK", price, 5.0)])
        told = [order["p"] for order in runner(line.change("ocm"), market.selections[0])["uo"]]
        while len(told) < 3:  # where the machine is slow, some come after
            told += [order["p"] for order in runner(line.change("ocm"), market.selections[0])["uo"]]
        assert told == [3.0, 3.1, 3.2]


def test_who_logged_out_hears_no_more(new_trader: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "CHECK_EVERY_S", 0.0)
    trader = new_trader(has_login=True)
    client = trader.client()
    client.login_interactive()
    with let_in(trader) as other, let_in(trader, session=client.session_token) as line:
        line.ask("orderSubscription")
        line.until(lambda message: message["op"] == "ocm")
        client.logout()
        assert line.ended()["errorCode"] == "INVALID_SESSION_INFORMATION"
        other.ask("heartbeat")
        assert other.read()["statusCode"] == "SUCCESS"


def test_who_subscribes_to_nothing_is_sent_away(trader: Trader, monkeypatch: pytest.MonkeyPatch) -> None:
    with let_in(trader) as line, let_in(trader) as other:
        other.ask("orderSubscription")
        other.until(lambda message: message["op"] == "ocm")
        monkeypatch.setattr("overround.edge.betfair.conversation.FIRST_WITHIN_S", 0.1)
        assert line.ended()["errorCode"] == "TIMEOUT"
        other.ask("heartbeat")
        assert other.read()["statusCode"] == "SUCCESS"


def test_heartbeats_come_when_nothing_else_does(trader: Trader, market: Market) -> None:
    with let_in(trader) as line:
        line.ask("marketSubscription", **markets(market.id, heartbeatMs=500))
        line.ask("orderSubscription", heartbeatMs=500)
        beats = [line.until(lambda message: message.get("ct") == "HEARTBEAT") for _ in range(4)]
        assert {beat["op"] for beat in beats} == {"mcm", "ocm"}
        assert all(beat["clk"] for beat in beats)


def test_conflated_subscriptions_are_told_later_and_once(trader: Trader, new_trader: Make, market: Market) -> None:
    other = new_trader().client()
    with let_in(trader) as line:
        line.ask("marketSubscription", **markets(market.id, fields=["EX_ALL_OFFERS"], conflateMs=700))
        line.read()
        assert line.read()["conflateMs"] == 700
        other.betting.place_orders(market.id, [limit(market.selections[0], "BACK", 3.0, 5.0)])
        line.change("mcm")
        for price in (3.05, 3.1, 3.15):
            other.betting.place_orders(market.id, [limit(market.selections[0], "BACK", price, 5.0)])
        change = line.change("mcm")
        assert change["mc"][0]["con"] is True
        assert sorted(runner(change, market.selections[0])["atl"]) == [[3.05, 5.0], [3.1, 5.0], [3.15, 5.0]]


def test_a_delayed_key_is_conflated_and_trades_not(trader: Trader, market: Market) -> None:
    with let_in(trader, app_key=trader.delayed_key) as line:
        line.ask("marketSubscription", **markets(market.id, conflateMs=0))
        line.read()
        assert line.read()["conflateMs"] == 5_000


def test_a_long_image_comes_in_segments(trader: Trader, new_market: Make) -> None:
    many = [new_market(runners=60, is_open=False) for _ in range(12)]
    with let_in(trader) as line:
        line.ask("marketSubscription", **markets(*(market.id for market in many), fields=["EX_MARKET_DEF"]))
        line.read()
        parts = [line.read()]
        while parts[-1].get("segmentType") not in (None, "SEG_END"):
            parts.append(line.read())
        kinds = [part.get("segmentType") for part in parts]
        assert kinds == ["SEG_START", *["SEG"] * (len(parts) - 2), "SEG_END"]
        assert ["clk" in part for part in parts] == [False] * (len(parts) - 1) + [True]
        assert [row["id"] for part in parts for row in part["mc"]] == [market.id for market in many]
        line.ask("marketSubscription", **markets(*(market.id for market in many), segmentationEnabled=False))
        line.read()
        assert "segmentType" not in line.read()


def test_a_heartbeat_is_answered(trader: Trader) -> None:
    with let_in(trader) as line:
        number = line.ask("heartbeat")
        status = line.read()
        assert (status["id"], status["statusCode"]) == (number, "SUCCESS")


def test_too_many_markets_are_refused_and_the_connection_goes_on(trader: Trader, market: Market) -> None:
    with let_in(trader) as line:
        line.ask("marketSubscription", **markets(*(f"1.{number}" for number in range(1, 202))))
        status = line.read()
        assert (status["errorCode"], status["connectionClosed"]) == ("SUBSCRIPTION_LIMIT_EXCEEDED", False)
        line.ask("marketSubscription", **markets(market.id))
        assert line.read()["statusCode"] == "SUCCESS"


WRONG_CREDENTIALS: dict[str, dict[str, str | None]] = {
    "NO_APP_KEY": {"appKey": "", "session": "{session}"},
    "INVALID_APP_KEY": {"appKey": "x" * 16, "session": "{session}"},
    "NO_SESSION": {"appKey": "{key}", "session": None},
    "INVALID_SESSION_INFORMATION": {"appKey": "{key}", "session": "ovr_" + "x" * 43},
    "NOT_AUTHORIZED": {"appKey": "{key}", "session": "{operator}"},
}


@pytest.mark.parametrize("code", WRONG_CREDENTIALS)
def test_who_may_not_come_in_is_told_why(trader: Trader, shop: Running, code: str) -> None:
    known = {"session": trader.token, "key": trader.live_key, "operator": shop.operator}
    given = {name: text and text.format(**known) for name, text in WRONG_CREDENTIALS[code].items()}
    with connected(shop) as line:
        assert line.read()["op"] == "connection"
        line.ask("authentication", **given)
        assert line.ended()["errorCode"] == code


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"nonsense\r\n", "INVALID_INPUT"),
        (b'{"op":"marketSubscription","id":1}\r\n', "NOT_AUTHORIZED"),
        (b'{"op":"raceSubscription","id":1}\r\n', "INVALID_REQUEST"),
        (b'{"op":"heartbeat"}\r\n' * 0 + b"x" * 70_000, "INVALID_INPUT"),
    ],
)
def test_what_is_wrong_ends_the_connection(shop: Running, data: bytes, code: str) -> None:
    with connected(shop) as line:
        line.send(data)
        assert line.ended()["errorCode"] == code


def test_somebody_elses_accounts_cannot_be_heard(trader: Trader) -> None:
    with let_in(trader) as line:
        line.ask("orderSubscription", orderFilter={"accountIds": [1]})
        assert line.ended()["errorCode"] == "INVALID_INPUT"


def test_a_customer_has_so_many_connections(new_trader: Make) -> None:
    trader = new_trader()
    session = trader.token
    lines = []
    for left in range(CONNECTIONS_PER_CUSTOMER - 1, -1, -1):
        context = connected(trader.house)
        line = context.__enter__()
        lines.append(context)
        line.read()
        line.ask("authentication", appKey=trader.live_key, session=session)
        assert line.read()["connectionsAvailable"] == left
    with connected(trader.house) as line:
        line.ask("authentication", appKey=trader.live_key, session=session)
        assert line.ended()["errorCode"] == "MAX_CONNECTION_LIMIT_EXCEEDED"
    for context in lines:
        context.__exit__(None, None, None)
    with let_in(trader):
        pass


def test_too_many_messages_end_it(trader: Trader) -> None:
    with let_in(trader) as line:
        line.send(b'{"op":"heartbeat","id":1}\r\n' * 200)
        assert line.ended()["errorCode"] == "TOO_MANY_REQUESTS"


def test_a_market_closes_with_its_winners(trader: Trader, market: Market, operator: Api) -> None:
    trader.client().betting.place_orders(market.id, [limit(market.selections[0], "BACK", 3.0, 5.0)])
    with let_in(trader) as line:
        line.ask("marketSubscription", **markets(market.id, fields=["EX_MARKET_DEF"]))
        line.ask("orderSubscription")
        line.until(lambda message: message["op"] == "ocm")
        result = {"result": {"kind": "runners", "winners": [{"runner": 0}]}}
        operator.made(f"/v1/operator/exchange/markets/{market.number}/result", result)
        closed = line.until(
            lambda message: (
                message["op"] == "mcm" and message.get("mc", [{}])[0].get("marketDefinition", {}).get("settledTime")
            )
        )["mc"][0]["marketDefinition"]
        assert closed["status"] == "CLOSED"
        assert [row["status"] for row in closed["runners"]] == ["WINNER", "LOSER", "LOSER"]
        changes = [change for message in line.lines if message["op"] == "ocm" for change in message.get("oc", [])]
        assert {"id": market.id, "closed": True} in changes


def test_the_fields_are_all_that_there_are() -> None:
    assert len(EVERY_FIELD) == len(set(EVERY_FIELD)) == 9
    json.dumps(EVERY_FIELD)
