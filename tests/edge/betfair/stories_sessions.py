"""Stories that end with a code of the stream, a login, a heartbeat or scores, or with the reason for a lapse."""

import ssl
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import httpx
from tests.edge.betfair.house import PASSWORD, new_event
from tests.edge.betfair.wire import Line, connected, let_in, markets
from tests.edge.betfair.world import World, broken, tells
from tests.edge.running import PATIENCE_S

from overround.edge.betfair import conversation, http, server
from overround.edge.betfair.calls import Calls
from overround.edge.betfair.telling import Teller
from overround.edge.problems import Problem

# ------------------------------------------------------------------ the stream


def refused(line: Line) -> Any:
    return line.ended()["errorCode"]


def refused_key(world: World, given: dict[str, str | None]) -> Any:
    with connected(world.shop) as line:
        line.ask("authentication", **{"appKey": world.trader.live_key, "session": world.trader.token, **given})
        return refused(line)


CREDENTIALS: dict[str, dict[str, str | None]] = {
    "NO_APP_KEY": {"appKey": None},
    "INVALID_APP_KEY": {"appKey": "nonsense"},
    "NO_SESSION": {"session": ""},
    "INVALID_SESSION_INFORMATION": {"session": "nonsense"},
}
for _code, _given in CREDENTIALS.items():
    tells("Stream", _code)(partial(refused_key, given=_given))

LINES = {
    "INVALID_INPUT": b"nonsense\r\n",
    "NOT_AUTHORIZED": b'{"op":"marketSubscription","id":1}\r\n',
    "INVALID_REQUEST": b'{"op":"raceSubscription","id":1}\r\n',
}


def refused_line(world: World, said: bytes) -> Any:
    with connected(world.shop) as line:
        line.send(said)
        return refused(line)


for _code, _body in LINES.items():
    tells("Stream", _code)(partial(refused_line, said=_body))


@tells("Stream", "TIMEOUT")
def silence(world: World) -> Any:
    world.patch.setattr(conversation, "FIRST_WITHIN_S", 0.1)
    return refused_line(world, b"")


@tells("Stream", "MAX_CONNECTION_LIMIT_EXCEEDED")
def one_too_many(world: World) -> Any:
    world.patch.setattr(server, "CONNECTIONS_PER_CUSTOMER", 1)
    with let_in(world.trader):
        return refused_key(world, {})


@tells("Stream", "TOO_MANY_REQUESTS")
def a_flood(world: World) -> Any:
    with let_in(world.trader) as line:
        line.send(b'{"op":"heartbeat","id":1}\r\n' * 200)
        return refused(line)


@tells("Stream", "SUBSCRIPTION_LIMIT_EXCEEDED")
def too_many_markets(world: World) -> Any:
    with let_in(world.trader) as line:
        line.ask("marketSubscription", **markets(*(f"1.{number}" for number in range(1, 202))))
        status = line.read()
        assert status["connectionClosed"] is False
        return status["errorCode"]


@tells("Stream", "INVALID_CLOCK")
def somebody_elses_clock(world: World) -> Any:
    with let_in(world.trader) as line:
        line.ask("marketSubscription", **markets(world.market.id, initialClk="x", clk="5"))
        return refused(line)


@tells("Stream", "UNEXPECTED_ERROR")
def a_broken_house(world: World) -> Any:
    with let_in(world.trader) as line:
        world.patch.setattr(Teller, "hear_orders", broken)
        line.ask("orderSubscription")
        return refused(line)


@tells("Stream", "CONNECTION_FAILED")
def identity_is_away(world: World) -> Any:
    async def away(*_: Any) -> NoReturn:
        raise Problem("unavailable")

    world.patch.setattr(Calls, "app_key", away)
    return refused_key(world, {})


# ------------------------------------------------------------------ why something lapsed


def lapsed_orders(message: dict[str, Any]) -> list[dict[str, Any]]:
    rows = [row for change in message.get("oc", []) for row in change.get("orc", [])]
    return [order for row in rows for order in row.get("uo", []) if order["sl"]]


def lapse(world: World, what: Callable[[], None]) -> Any:
    """The reason that the order stream tells of an order after something happened."""
    with let_in(world.trader) as line:
        line.ask("orderSubscription")
        line.until(lambda message: message["op"] == "ocm")
        world.place(world.back(), is_async=True)
        what()
        (order,) = lapsed_orders(line.until(lapsed_orders))
        return order["lsrc"]


@tells("LapseStatusReasonCode", "MKT_SUSPENDED")
def suspended_in_its_delay(world: World) -> Any:
    world.in_play()
    return lapse(world, lambda: world.desk("suspend", {"reason": "goal"}))


@tells("LapseStatusReasonCode", "MKT_INVALID")
def the_off(world: World) -> Any:
    world.market = world.new_market(turn_in_play=True)
    return lapse(world, lambda: world.desk("turn-in-play"))


@tells("LapseStatusReasonCode", "MKT_UNKNOWN")
def the_end(world: World) -> Any:
    return lapse(world, world.ends)


@tells("LapseStatusReasonCode", "MKT_VERSION")
def a_market_that_moved_on(world: World) -> Any:
    with let_in(world.trader) as line:
        line.ask("orderSubscription")
        line.until(lambda message: message["op"] == "ocm")
        world.place(world.back(), marketVersion={"version": 1})
        (order,) = lapsed_orders(line.until(lapsed_orders))
        return order["lsrc"]


@tells("LapseStatusReasonCode", "RNR_UNKNOWN")
def a_removal(world: World) -> Any:
    gone = {"selection_id": world.first, "factor_bp": 1_000}
    return lapse(world, lambda: world.desk("remove-runner", gone))


# ------------------------------------------------------------------ sessions


def log_in(world: World, **form: str) -> Any:
    headers = {"X-Application": "key"}
    return httpx.post(f"{world.shop.url}/api/login", data=form, headers=headers, timeout=PATIENCE_S).json()["error"]


@tells("Login", "INPUT_VALIDATION_ERROR")
def half_a_form(world: World) -> Any:
    return log_in(world, username="ada")


@tells("Login", "INVALID_USERNAME_OR_PASSWORD")
def a_wrong_password(world: World) -> Any:
    return log_in(world, username=world.new_trader(has_login=True).username, password="a guess of mine")


@tells("Login", "TEMPORARY_BAN_TOO_MANY_REQUESTS")
def six_wrong_passwords(world: World) -> Any:
    name = world.new_trader(has_login=True).username
    return [log_in(world, username=name, password=f"guess {number}") for number in range(7)][-1]


@tells("Login", "INTERNAL_ERROR")
def a_busy_house(world: World) -> Any:
    world.patch.setattr(http, "MAX_UNDER_WAY", 0)
    return log_in(world, username="ada", password=PASSWORD)


@tells("Login", "NO_SESSION")
def keeping_nothing_alive(world: World) -> Any:
    headers = {"X-Application": "key", "X-Authentication": "nonsense"}
    return httpx.post(f"{world.shop.url}/api/keepAlive", headers=headers, timeout=PATIENCE_S).json()["error"]


@tells("Login", "CERT_AUTH_REQUIRED")
def no_certificate(world: World) -> Any:
    url = f"https://localhost:{world.secured.port}/api/certlogin"
    form = {"username": world.trader.username, "password": PASSWORD}
    headers = {"X-Application": "key"}
    trusted = ssl.create_default_context(cafile=str(world.authority.file))
    reply = httpx.post(url, data=form, headers=headers, verify=trusted, timeout=PATIENCE_S)
    return reply.json()["loginStatus"]


# ------------------------------------------------------------------ heartbeats and scores


def beat(world: World, seconds: int) -> Any:
    return world.raw.call("heartbeat", service="heartbeat", preferredTimeoutSeconds=seconds)["result"][
        "actionPerformed"
    ]


@tells("ActionPerformed", "NONE")
def a_first_heartbeat(world: World) -> Any:
    return beat(world, 60)


@tells("ActionPerformed", "ALL_BETS_CANCELLED")
def a_heartbeat_too_late(world: World) -> Any:
    for room in ("overround.edge.betfair.placing", "overround.book.machine.exchange_markets"):
        world.patch.setattr(f"{room}.MIN_HEARTBEAT_US", 1_000_000)
    world.bet()
    assert beat(world, 1) == "NONE"
    due = time.monotonic() + PATIENCE_S
    while world.raw.call("listCurrentOrders", orderProjection="EXECUTABLE")["result"]["currentOrders"]:
        assert time.monotonic() < due, "never cancelled"
        time.sleep(0.05)
    told = beat(world, 0)
    assert beat(world, 0) == "NONE", "it is told once"
    return told


@tells("ResponseCode", "OK")
def a_race(world: World) -> Any:
    new_event(world.shop, world.operator)
    sport = world.operator.made("/v1/operator/sports", {"name": "Greyhounds"})["sport_id"]
    track = world.operator.made("/v1/operator/competitions", {"sport_id": sport, "name": "Towcester"})["competition_id"]
    asked = {"competition_id": track, "name": "Towcester 1st Dec", "starts_at": "2026-12-01T15:00:00Z"}
    event = world.operator.made("/v1/operator/events", asked)["event_id"]
    world.new_market(event_id=event)
    return world.raw.call("listRaceDetails", service="scores", meetingIds=[event])["result"][0]["responseCode"]


@tells("ResponseCode", "NO_LIVE_DATA_AVAILABLE")
def no_score(world: World) -> Any:
    keys = [{"eventId": world.market.event_id}]
    return world.raw.call("listScores", service="scores", updateKeys=keys)["result"][0]["responseCode"]
