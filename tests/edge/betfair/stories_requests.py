"""Stories that end with a code of a request: frames, exceptions, execution reports."""

import re
import socket
from functools import partial
from typing import Any

from tests.edge.betfair.house import limit
from tests.edge.betfair.raw import Raw
from tests.edge.betfair.world import Story, World, broken, tells
from tests.edge.running import PATIENCE_S, Api

from overround.edge.access import Bucket
from overround.edge.betfair import framing, http, placing
from overround.kernel.ids import make_key

# ------------------------------------------------------------------ frames

FRAMES = {
    "DSC-0008": b"{",
    "DSC-0009": b'{"method":"SportsAPING/v1.0/listEvents","params":{"filter":[]}}',
    "DSC-0018": b'{"method":"SportsAPING/v1.0/listEvents","params":{}}',
    "DSC-0021": b'{"method":"SportsAPING/v1.0/nothing","params":{}}',
    "DSC-0024": b"[]",
}


def refused_frame(world: World, body: bytes) -> str:
    return str(world.raw.post("/exchange/betting/json-rpc/v1", body).json()["error"]["message"])


for _code, _body in FRAMES.items():
    tells("Frames", _code)(partial(refused_frame, body=_body))


# ------------------------------------------------------------------ exceptions

SERVICES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "APINGException": ("betting", "listEventTypes", {"filter": {}}),
    "AccountAPINGException": ("account", "getAccountFunds", {}),
}


def asks(section: str, world: World, headers: dict[str, str]) -> str:
    """The code of a plain question of that API."""
    service, name, params = SERVICES[section]
    return Raw(world.trader, **headers).code(name, service=service, **params)


def failing(section: str, code: str) -> Story:
    def story(world: World) -> str:
        service = SERVICES[section][0]
        if code == "UNEXPECTED_ERROR":
            world.patch.setattr(framing, "open_calls", broken)
        elif code == "SERVICE_BUSY":
            world.patch.setattr(http, "MAX_UNDER_WAY", 0)
        elif code == "TOO_MANY_REQUESTS":
            world.patch.setattr(Bucket, "take", lambda *_: False)
        elif code == "TIMEOUT_ERROR":
            return slow_body(world, service)
        reply = world.raw.post(f"/exchange/{service}/json-rpc/v1", ASKED[service]).json()
        data = reply["error"]["data"]
        return str(data[section]["errorCode"])

    return story


ASKED = {
    "betting": b'{"method":"SportsAPING/v1.0/listEventTypes","params":{"filter":{}}}',
    "account": b'{"method":"AccountAPING/v1.0/getAccountFunds"}',
}


def slow_body(world: World, service: str) -> str:
    world.patch.setattr(http, "BODY_WITHIN_S", 0.1)
    with socket.create_connection(("127.0.0.1", world.shop.settings.port), timeout=PATIENCE_S) as slow:
        slow.sendall(b"POST /exchange/%b/json-rpc/v1 HTTP/1.1\r\nContent-Length: 9\r\n\r\n{" % service.encode())
        (code,) = re.findall(r'"errorCode":"(\w+)"', slow.recv(4_096).decode())
        return str(code)


for _section in SERVICES:
    for _code, _headers in {
        "NO_APP_KEY": {"X-Application": ""},
        "INVALID_APP_KEY": {"X-Application": "nonsense"},
        "NO_SESSION": {"X-Authentication": ""},
        "INVALID_SESSION_INFORMATION": {"X-Authentication": "nonsense"},
    }.items():
        tells(_section, _code)(partial(asks, _section, headers=_headers))
    for _code in ("UNEXPECTED_ERROR", "SERVICE_BUSY", "TOO_MANY_REQUESTS", "TIMEOUT_ERROR"):
        tells(_section, _code)(failing(_section, _code))


@tells("APINGException", "TOO_MUCH_DATA")
def too_much_data(world: World) -> str:
    return world.raw.code("listMarketBook", marketIds=[f"1.{number}" for number in range(1, 102)])


@tells("APINGException", "REQUEST_SIZE_EXCEEDS_LIMIT")
def too_many_ids(world: World) -> str:
    return world.raw.code("listCurrentOrders", marketIds=["1.1"] * 126, betIds=["1"] * 125)


@tells("APINGException", "INVALID_INPUT_DATA")
def no_instructions(world: World) -> str:
    return world.raw.code("placeOrders", marketId=world.market.id, instructions=[])


@tells("APINGException", "ACCESS_DENIED")
def a_delayed_key(world: World) -> str:
    raw = Raw(world.trader, **{"X-Application": world.trader.delayed_key})
    return raw.code("placeOrders", marketId=world.market.id, instructions=[world.back()])


@tells("AccountAPINGException", "INVALID_INPUT_DATA")
def too_deep_a_statement(world: World) -> str:
    return world.raw.code("getAccountStatement", service="account", fromRecord=10_001)


@tells("AccountAPINGException", "APP_KEY_CREATION_FAILED")
def keys_again(world: World) -> str:
    return world.raw.code("createDeveloperAppKeys", service="account", appName="again")


@tells("AccountAPINGException", "WALLET_TRANSFER_ERROR")
def a_transfer(world: World) -> str:
    return world.raw.code("transferFunds", service="account")


# ------------------------------------------------------------------ reports


@tells("ExecutionReportErrorCode", "PROCESSED_WITH_ERRORS")
def one_cancelled_of_two(world: World) -> Any:
    return world.change("cancelOrders", {"betId": world.bet()}, {"betId": "999999999"})["errorCode"]


@tells("ExecutionReportErrorCode", "BET_ACTION_ERROR")
def one_wrong_of_two(world: World) -> Any:
    return world.place(world.back(), world.back(price=3.01))["errorCode"]


@tells("ExecutionReportErrorCode", "INVALID_ACCOUNT_STATE")
def somebody_who_cools_off(world: World) -> Any:
    own = Api(world.shop, world.trader.token)
    own.made("/v1/cool-off", {"days": 2})
    own.close()
    return world.place(world.back())["errorCode"]


@tells("ExecutionReportErrorCode", "INVALID_WALLET_STATUS")
def a_currency_without_a_rate(world: World) -> Any:
    return world.place(world.back(), raw=Raw(world.new_trader(currency="SEK")))["errorCode"]


@tells("ExecutionReportErrorCode", "INSUFFICIENT_FUNDS")
def more_than_there_is(world: World) -> Any:
    return world.place(world.back(size=10_001.0))["errorCode"]


def careful(world: World) -> dict[str, Any]:
    own = Api(world.shop, world.trader.token)
    assert own.send("PUT", "/v1/limits/loss_day", {"currency": "GBP", "amount_minor": 400}).is_success
    own.close()
    return world.place(world.back())


@tells("ExecutionReportErrorCode", "LOSS_LIMIT_EXCEEDED")
def more_than_was_allowed(world: World) -> Any:
    return careful(world)["errorCode"]


@tells("ExecutionReportErrorCode", "MARKET_SUSPENDED")
def a_suspended_market(world: World) -> Any:
    world.desk("suspend", {"reason": "goal"})
    return world.place(world.back())["errorCode"]


@tells("ExecutionReportErrorCode", "MARKET_NOT_OPEN_FOR_BETTING")
def a_market_that_is_over(world: World) -> Any:
    world.ends()
    return world.place(world.back())["errorCode"]


@tells("ExecutionReportErrorCode", "DUPLICATE_TRANSACTION")
def a_reference_twice(world: World) -> Any:
    return [world.place(world.back(), customerRef="once").get("errorCode") for _ in range(2)][1]


@tells("ExecutionReportErrorCode", "INVALID_MARKET_ID")
def no_market(world: World) -> Any:
    return world.place(world.back(), marketId="1.999999")["errorCode"]


@tells("ExecutionReportErrorCode", "DUPLICATE_BETIDS")
def a_bet_twice(world: World) -> Any:
    bet = {"betId": world.bet()}
    return world.change("cancelOrders", bet, bet)["errorCode"]


@tells("ExecutionReportErrorCode", "TOO_MANY_INSTRUCTIONS")
def too_many_orders(world: World) -> Any:
    world.patch.setattr("overround.book.machine.exchange_orders.MAX_LIVE_ORDERS", 1)
    return world.place(world.back(), world.back())["errorCode"]


@tells("ExecutionReportErrorCode", "INVALID_MARKET_VERSION")
def a_version_that_is_none(world: World) -> Any:
    placed = world.place(world.back(), marketVersion={"version": 10**12})
    replaced = world.change(
        "replaceOrders", {"betId": "1", "newPrice": 2.0}, marketVersion={"version": "1234567890123"}
    )
    assert placed["errorCode"] == replaced["errorCode"]
    return placed["errorCode"]


@tells("ExecutionReportErrorCode", "ERROR_IN_MATCHER")
def a_wrong_clock(world: World) -> Any:
    world.patch.setattr(placing, "make_key", lambda at_us, chance: make_key(at_us=at_us // 2, chance=chance))
    return world.place(world.back())["errorCode"]


def of(report: dict[str, Any], number: int = 0) -> Any:
    """The errorCode of one instruction."""
    return report["instructionReports"][number]["errorCode"]


ORDERS: dict[str, dict[str, Any]] = {
    "INVALID_BET_SIZE": {"size": 0.5},
    "INVALID_ODDS": {"price": 3.01},
    "INVALID_PERSISTENCE_TYPE": {"persistenceType": "MARKET_ON_CLOSE"},
    "UNEXPECTED_PERSISTENCE_TYPE": {"timeInForce": "FILL_OR_KILL", "persistenceType": "PERSIST"},
    "UNEXPECTED_MIN_FILL_SIZE": {"minFillSize": 2.0},
    "INVALID_MIN_FILL_SIZE": {"timeInForce": "FILL_OR_KILL", "minFillSize": 9.0},
    "INVALID_CUSTOMER_ORDER_REF": {"customerOrderRef": "x" * 33},
    "INSUFFICIENT_FUNDS": {"size": 10_001.0},
}


def wrong_order(world: World, order: dict[str, Any]) -> Any:
    return of(world.place(world.back(**order)))


for _code, _order in ORDERS.items():
    tells("InstructionReportErrorCode", _code)(partial(wrong_order, order=_order))


@tells("InstructionReportErrorCode", "INVALID_RUNNER")
def no_runner(world: World) -> Any:
    return of(world.place(limit(99, "BACK", 3.0, 5.0)))


@tells("InstructionReportErrorCode", "ERROR_IN_ORDER")
def beside_a_wrong_one(world: World) -> Any:
    return of(world.place(world.back(), world.back(price=3.01)))


@tells("InstructionReportErrorCode", "RUNNER_REMOVED")
def a_runner_that_is_out(world: World) -> Any:
    world.desk("remove-runner", {"selection_id": world.first, "factor_bp": 1_000})
    return of(world.place(world.back()))


@tells("InstructionReportErrorCode", "MARKET_NOT_OPEN_FOR_BETTING")
def an_inactive_market(world: World) -> Any:
    world.market = world.new_market(is_open=False)
    return of(world.place(world.back()))


@tells("InstructionReportErrorCode", "LOSS_LIMIT_EXCEEDED")
def more_than_was_allowed_each(world: World) -> Any:
    return of(careful(world))


@tells("InstructionReportErrorCode", "MARKET_NOT_OPEN_FOR_BSP_BETTING")
def no_starting_price(world: World) -> Any:
    order = {"orderType": "MARKET_ON_CLOSE", "selectionId": world.first, "side": "BACK"}
    return of(world.place({**order, "marketOnCloseOrder": {"liability": 5.0}}))


@tells("InstructionReportErrorCode", "INVALID_ORDER_TYPE")
def a_target_on_a_line(world: World) -> Any:
    ladder = {"kind": "line_range", "low": 0, "high": 100_000, "step": 500}
    world.market = world.new_market(runners=1, betting="line", ladder=ladder, line_unit="runs")
    target = {"price": 50.5, "betTargetType": "PAYOUT", "betTargetSize": 10.0, "persistenceType": "LAPSE"}
    order = {"orderType": "LIMIT", "selectionId": world.first, "side": "BACK", "limitOrder": target}
    return of(world.place(order))


@tells("InstructionReportErrorCode", "INVALID_BACK_LAY_COMBINATION")
def with_oneself(world: World) -> Any:
    world.bet()
    return of(world.place(limit(world.first, "LAY", 3.5, 5.0)))


@tells("InstructionReportErrorCode", "BET_TAKEN_OR_LAPSED")
def a_bet_that_is_gone(world: World) -> Any:
    gone = {"betId": world.bet()}
    world.change("cancelOrders", gone)
    return of(world.change("cancelOrders", gone))


@tells("InstructionReportErrorCode", "BET_IN_PROGRESS")
def a_bet_that_waits(world: World) -> Any:
    world.in_play()
    waiting = world.place(world.back(), is_async=True)["instructionReports"][0]
    assert waiting["orderStatus"] == "PENDING"
    return of(world.change("cancelOrders", {"betId": waiting["betId"]}))


@tells("InstructionReportErrorCode", "INVALID_BET_ID")
def somebody_elses_bet(world: World) -> Any:
    bet, world.raw = world.bet(), Raw(world.new_trader())
    return of(world.change("cancelOrders", {"betId": bet}))


@tells("InstructionReportErrorCode", "NO_ACTION_REQUIRED")
def the_same_persistence(world: World) -> Any:
    return of(world.change("updateOrders", {"betId": world.bet(), "newPersistenceType": "LAPSE"}))


@tells("InstructionReportErrorCode", "INVALID_PRICE_EDIT")
def the_same_price(world: World) -> Any:
    return of(world.change("replaceOrders", {"betId": world.bet(), "newPrice": 3.0}))


@tells("InstructionReportErrorCode", "CANCELLED_NOT_PLACED")
def a_replacement_for_another_version(world: World) -> Any:
    edit = {"betId": world.bet(), "newPrice": 3.5}
    return of(world.change("replaceOrders", edit, marketVersion={"version": 1}))


@tells("InstructionReportErrorCode", "RELATED_ACTION_FAILED")
def a_replacement_of_nothing(world: World) -> Any:
    (row,) = world.change("replaceOrders", {"betId": "999999999", "newPrice": 3.5})["instructionReports"]
    return row["placeInstructionReport"]["errorCode"]
