"""What is refused, and how far a refusal goes. Each code by itself is in `test_codes`."""

from collections.abc import Callable
from typing import Any, NoReturn

import betfair_parser.spec.betting as spec
import pytest
from betfair_parser.spec.betting.type_definitions import ReplaceInstruction
from tests.edge.betfair.house import Market, Trader, limit
from tests.edge.betfair.raw import Raw
from tests.edge.betfair.strict import Strict
from tests.edge.running import Api, Running

from overround.edge.asking import Asker
from overround.edge.betfair.http import MAX_BODY_BYTES
from overround.edge.problems import Problem

Make = Callable[..., Any]


@pytest.fixture
def raw(trader: Trader) -> Raw:
    return Raw(trader)


# ------------------------------------------------------------------ who asks

WHO = {
    "NO_APP_KEY": {"X-Application": ""},
    "INVALID_APP_KEY": {"X-Application": "nonsense"},
    "NO_SESSION": {"X-Authentication": ""},
    "INVALID_SESSION_INFORMATION": {"X-Authentication": "nonsense"},
}


@pytest.mark.parametrize("service", ["betting", "account", "heartbeat"])
@pytest.mark.parametrize("code", WHO)
def test_who_asks(trader: Trader, service: str, code: str) -> None:
    name = {"betting": "listEventTypes", "account": "getAccountFunds", "heartbeat": "heartbeat"}[service]
    assert Raw(trader, **WHO[code]).code(name, service=service, filter={}) == code


def test_an_operator_is_no_customer(trader: Trader, shop: Running) -> None:
    headers = {"X-Authentication": shop.operator}
    assert Raw(trader, **headers).code("listEventTypes", filter={}) == "ACCESS_DENIED"


def test_a_delayed_key_reads_and_moves_no_money(trader: Trader, market: Market) -> None:
    delayed = Raw(trader, **{"X-Application": trader.delayed_key})
    assert delayed.call("listMarketBook", marketIds=[market.id])["result"][0]["isMarketDataDelayed"] is True
    assert delayed.code("placeOrders", marketId=market.id, instructions=[]) == "ACCESS_DENIED"


def test_a_token_that_only_reads_moves_no_money(trader: Trader, operator: Api, market: Market) -> None:
    path = f"/v1/operator/customers/{trader.customer_id}/tokens"
    token = operator.made(path, {"name": "dashboard", "scopes": ["read_only"]})["token"]
    reader = Raw(trader, **{"X-Authentication": token})
    assert reader.call("listCurrentOrders")["result"]["currentOrders"] == []
    assert reader.code("placeOrders", marketId=market.id, instructions=[]) == "ACCESS_DENIED"


# ------------------------------------------------------------------ what is asked


def test_frames_that_are_none(raw: Raw) -> None:
    for body, number in ((b"{", -32700), (b"[]", -32600), (b'{"id":1}', -32600)):
        answer = raw.post("/exchange/betting/json-rpc/v1", body).json()
        assert answer["error"]["code"] == number


def test_batches_and_addresses_with_a_method(raw: Raw, market: Market) -> None:
    calls = [
        {"method": "SportsAPING/v1.0/listEventTypes", "params": {"filter": {"marketIds": [market.id]}}, "id": "a"},
        {"method": "SportsAPING/v1.0/nothing", "id": 2},
    ]
    first, second = raw.post("/exchange/betting/json-rpc/v1", calls).json()
    assert (first["id"], first["result"][0]["marketCount"]) == ("a", 1)
    assert (second["id"], second["error"]["code"]) == (2, -32601)
    path = "/exchange/account/json-rpc/v1/AccountAPING/v1.0/getAccountDetails"
    assert raw.post(path, {"params": None, "id": 7}).json()["result"]["currencyCode"] == "GBP"


def test_bodies_that_are_no_json(raw: Raw) -> None:
    assert raw.post("/exchange/betting/rest/v1.0/listEvents/", b"<x/>").json()["faultstring"] == "DSC-0008"
    assert raw.post("/exchange/scores/json-rpc/v1", b"<x/>").json()["error"]["message"] == "DSC-0008"


def test_answers_are_compressed_for_whoever_takes_that(raw: Raw, new_market: Make) -> None:
    market = new_market(runners=60)
    asked = {"filter": {"marketIds": [market.id]}, "maxResults": 1, "marketProjection": ["RUNNER_DESCRIPTION"]}
    path = "/exchange/betting/rest/v1.0/listMarketCatalogue/"
    plain = raw.post(path, asked, **{"Accept-Encoding": "identity"})
    packed = raw.post(path, asked, **{"Accept-Encoding": "gzip, deflate"})
    assert ("content-encoding" in plain.headers, packed.headers["content-encoding"]) == (False, "gzip")
    assert plain.json() == packed.json()
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    short = raw.post("/exchange/account/rest/v1.0/getAccountFunds/", {}, **{"Accept-Encoding": "gzip"})
    assert "content-encoding" not in short.headers


@pytest.mark.parametrize("header", [{"Content-Type": "text/plain"}, {"Accept": "application/xml"}, {"Accept": "*/*"}])
def test_json_is_spoken_whatever_the_headers_say(raw: Raw, header: dict[str, str]) -> None:
    reply = raw.post("/exchange/account/rest/v1.0/getAccountFunds/", {}, **header)
    assert (reply.headers["content-type"], reply.json()["wallet"]) == ("application/json", "UK")


def test_the_rest_form(raw: Raw, market: Market) -> None:
    found = raw.post("/exchange/betting/rest/v1.0/listEvents/", {"filter": {"marketIds": [market.id]}})
    assert found.json()[0]["event"]["id"] == str(market.event_id)
    assert raw.post("/exchange/account/rest/v1.0/getAccountFunds/", b"").json()["wallet"] == "UK"
    wrong = raw.post("/exchange/betting/rest/v1.0/listEvents/", {})
    assert (wrong.status_code, wrong.json()["faultstring"]) == (400, "DSC-0018")
    assert raw.post("/exchange/betting/rest/v1.0/nothing/", {}).status_code == 404
    assert raw.post("/exchange/nothing", {}).status_code == 404


@pytest.mark.parametrize(
    ("name", "params", "code"),
    [
        ("listEventTypes", {}, "DSC-0018"),
        ("listEventTypes", {"filter": []}, "DSC-0009"),
        ("listMarketCatalogue", {"filter": {}, "maxResults": "many"}, "DSC-0009"),
        ("listMarketBook", {"marketIds": "1.1"}, "DSC-0009"),
        ("listTimeRanges", {"filter": {}, "granularity": "YEARS"}, "DSC-0009"),
        ("placeOrders", {"marketId": "1.1", "instructions": [{}]}, "DSC-0018"),
        ("placeOrders", {"marketId": "1.1", "instructions": [], "surprise": 1}, "DSC-0009"),
        ("cancelOrders", {"instructions": [{"betId": "1", "surprise": 1}]}, "DSC-0009"),
    ],
)
def test_parameters_that_do_not_fit(raw: Raw, name: str, params: dict[str, Any], code: str) -> None:
    assert raw.code(name, **params) == code


def test_members_that_reads_do_not_know_are_left_alone(raw: Raw) -> None:
    assert "result" in raw.call("listEventTypes", filter={"surprise": 1}, more=2)


@pytest.mark.parametrize(
    ("data", "markets", "code"),
    [
        ([], 100, None),
        ([], 101, "TOO_MUCH_DATA"),
        (["EX_BEST_OFFERS"], 40, None),
        (["EX_BEST_OFFERS"], 41, "TOO_MUCH_DATA"),
        (["EX_BEST_OFFERS", "EX_TRADED"], 11, "TOO_MUCH_DATA"),
        (["EX_ALL_OFFERS"], 12, "TOO_MUCH_DATA"),
        (["EX_ALL_OFFERS", "EX_TRADED"], 7, "TOO_MUCH_DATA"),
        (["SP_AVAILABLE", "SP_TRADED"], 21, "TOO_MUCH_DATA"),
        ([], 251, "REQUEST_SIZE_EXCEEDS_LIMIT"),
    ],
)
def test_what_a_request_weighs(raw: Raw, data: list[str], markets: int, code: str | None) -> None:
    params: dict[str, Any] = {
        "marketIds": [f"1.{n}" for n in range(1, markets + 1)],
        "priceProjection": {"priceData": data},
    }
    answer = raw.call("listMarketBook", **params)
    assert ("error" in answer) == bool(code)
    assert not code or raw.code("listMarketBook", **params) == code


def test_a_deeper_ladder_weighs_more(raw: Raw) -> None:
    deep = {"priceData": ["EX_BEST_OFFERS"], "exBestOffersOverrides": {"bestPricesDepth": 9}}
    ids = [f"1.{n}" for n in range(1, 15)]
    assert raw.code("listMarketBook", marketIds=ids, priceProjection=deep) == "TOO_MUCH_DATA"


def test_a_catalogue_weighs_too(raw: Raw) -> None:
    asked: dict[str, Any] = {"filter": {}, "marketProjection": ["MARKET_DESCRIPTION", "RUNNER_METADATA"]}
    assert "result" in raw.call("listMarketCatalogue", maxResults=100, **asked)
    assert raw.code("listMarketCatalogue", maxResults=101, **asked) == "TOO_MUCH_DATA"
    assert raw.code("listMarketCatalogue", maxResults=0, filter={}) == "INVALID_INPUT_DATA"
    assert raw.code("listMarketProfitAndLoss", marketIds=["1.1"] * 51) == "TOO_MUCH_DATA"


def test_too_long_a_body(raw: Raw) -> None:
    answer = raw.post("/exchange/betting/json-rpc/v1", b" " * (MAX_BODY_BYTES + 1)).json()
    assert answer["error"]["data"]["APINGException"]["errorCode"] == "REQUEST_SIZE_EXCEEDS_LIMIT"


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("placeOrders", {"marketId": "1.1", "instructions": []}),
        ("placeOrders", {"marketId": "1.1", "instructions": [limit(1, "BACK", 2.0, 2.0)] * 201}),
        ("placeOrders", {"marketId": "1.1", "instructions": [limit(1, "BACK", 2.0, 2.0)], "customerRef": "x" * 33}),
        (
            "placeOrders",
            {"marketId": "1.1", "instructions": [limit(1, "BACK", 2.0, 2.0)], "customerStrategyRef": "x" * 16},
        ),
        (
            "placeOrders",
            {"marketId": "1.1", "instructions": [{**limit(1, "BACK", 2, 2), "orderType": "LIMIT_ON_CLOSE"}]},
        ),
        ("placeOrders", {"marketId": "1.1", "instructions": [{"orderType": "LIMIT", "selectionId": 1, "side": "LAY"}]}),
        ("cancelOrders", {"instructions": [{"betId": "1"}]}),
        ("cancelOrders", {"marketId": "1.1", "instructions": [{"betId": str(n)} for n in range(61)]}),
        ("updateOrders", {"marketId": "1.1", "instructions": []}),
        ("replaceOrders", {"marketId": "1.1", "instructions": [{"betId": "1", "newPrice": 2.0}] * 61}),
        ("listCurrentOrders", {"betIds": [], "marketIds": [], "fromRecord": -1}),
        ("listClearedOrders", {"betStatus": "LAPSED", "groupBy": "MARKET"}),
        ("listRunnerBook", {"marketId": "{market}", "selectionId": 5}),
    ],
)
def test_input_that_makes_no_sense(raw: Raw, market: Market, name: str, params: dict[str, Any]) -> None:
    given = {key: market.id if value == "{market}" else value for key, value in params.items()}
    assert raw.code(name, **given) in ("INVALID_INPUT_DATA", "DSC-0009")


def test_accounts_have_codes_of_their_own(raw: Raw) -> None:
    assert raw.code("transferFunds", service="account") == "WALLET_TRANSFER_ERROR"
    assert raw.code("createDeveloperAppKeys", service="account", appName="again") == "APP_KEY_CREATION_FAILED"
    assert raw.code("getAccountStatement", service="account", fromRecord=10_001) == "INVALID_INPUT_DATA"
    answer = raw.call("transferFunds", service="account")["error"]
    assert (answer["message"][:5], answer["data"]["exceptionname"]) == ("AANGX", "AccountAPINGException")
    keys = raw.call("getDeveloperAppKeys", service="account")["result"]
    assert [version["delayData"] for version in keys[0]["appVersions"]] == [False, True]


# ------------------------------------------------------------------ reports

BACK = {"selectionId": 0, "side": "BACK", "orderType": "LIMIT"}


@pytest.mark.parametrize(
    ("instruction", "code"),
    [
        (limit(99, "BACK", 3.0, 5.0), "INVALID_RUNNER"),
        (limit(0, "BACK", 3.01, 5.0), "INVALID_ODDS"),
        (limit(0, "BACK", 3.0001, 5.0), "INVALID_ODDS"),
        (limit(0, "BACK", 3.0, 0.5), "INVALID_BET_SIZE"),
        (limit(0, "BACK", 3.0, 5.001), "INVALID_BET_SIZE"),
        (limit(0, "BACK", 3.0, -5.0), "INVALID_BET_SIZE"),
        (limit(0, "BACK", 3.0, 5.0, handicap=0.1), "INVALID_RUNNER"),
        (limit(0, "BACK", 3.0, 5.0, customerOrderRef="x" * 33), "INVALID_CUSTOMER_ORDER_REF"),
        (limit(0, "BACK", 3.0, 5.0, persistenceType="MARKET_ON_CLOSE"), "INVALID_PERSISTENCE_TYPE"),
        (
            limit(0, "BACK", 3.0, 5.0, timeInForce="FILL_OR_KILL", persistenceType="PERSIST"),
            "UNEXPECTED_PERSISTENCE_TYPE",
        ),
        (limit(0, "BACK", 3.0, 5.0, timeInForce="FILL_OR_KILL", minFillSize=9.0), "INVALID_MIN_FILL_SIZE"),
        (limit(0, "BACK", 3.0, 5.0, minFillSize=2.0), "UNEXPECTED_MIN_FILL_SIZE"),
        (
            {**BACK, "orderType": "MARKET_ON_CLOSE", "marketOnCloseOrder": {"liability": 5.0}},
            "MARKET_NOT_OPEN_FOR_BSP_BETTING",
        ),
    ],
)
def test_instructions_that_are_refused_refuse_all(
    raw: Raw, market: Market, instruction: dict[str, Any], code: str
) -> None:
    first = market.selections[0]
    wrong = {**instruction, "selectionId": instruction["selectionId"] or first}
    good = limit(first, "BACK", 3.0, 5.0)
    report = raw.report("placeOrders", marketId=market.id, instructions=[good, wrong])
    assert report == ("BET_ACTION_ERROR", ["ERROR_IN_ORDER", code])
    assert raw.call("listCurrentOrders")["result"]["currentOrders"] == []


def test_a_self_match_is_refused(raw: Raw, market: Market) -> None:
    first = market.selections[0]
    raw.call("placeOrders", marketId=market.id, instructions=[limit(first, "BACK", 3.0, 5.0)])
    report = raw.report("placeOrders", marketId=market.id, instructions=[limit(first, "LAY", 3.5, 5.0)])
    assert report == ("BET_ACTION_ERROR", ["INVALID_BACK_LAY_COMBINATION"])


def test_markets_that_take_no_orders(raw: Raw, new_market: Make, operator: Api) -> None:
    market = new_market(is_open=False)
    asked: dict[str, Any] = {"marketId": market.id, "instructions": [limit(market.selections[0], "BACK", 3.0, 5.0)]}
    closed = ("MARKET_NOT_OPEN_FOR_BETTING", ["MARKET_NOT_OPEN_FOR_BETTING"])
    assert raw.report("placeOrders", **asked) == closed
    operator.made(f"/v1/operator/exchange/markets/{market.number}/suspend", {"reason": "goal"})
    assert raw.report("placeOrders", **asked) == ("MARKET_SUSPENDED", ["ERROR_IN_ORDER"])
    void = {"result": {"kind": "void", "note": "off"}}
    operator.made(f"/v1/operator/exchange/markets/{market.number}/result", void)
    assert raw.report("placeOrders", **asked) == closed
    nowhere = {**asked, "marketId": "1.999999"}
    assert raw.report("placeOrders", **nowhere) == ("INVALID_MARKET_ID", ["ERROR_IN_ORDER"])
    assert raw.report("cancelOrders", marketId="2.1") == ("INVALID_MARKET_ID", [])


def test_money_that_is_not_there(new_trader: Make, market: Market) -> None:
    poor = Raw(new_trader(funds_minor=1_000))
    orders = [limit(market.selections[0], "BACK", 3.0, 11.0)]
    report = poor.report("placeOrders", marketId=market.id, instructions=orders)
    assert report == ("INSUFFICIENT_FUNDS", ["INSUFFICIENT_FUNDS"])


def test_customers_who_may_not(new_trader: Make, market: Market, shop: Running) -> None:
    orders = [limit(market.selections[0], "BACK", 3.0, 11.0)]
    careful, tired = new_trader(), new_trader()
    own = Api(shop, careful.token)
    assert own.send("PUT", "/v1/limits/loss_day", {"currency": "GBP", "amount_minor": 500}).is_success
    assert Raw(careful).report("placeOrders", marketId=market.id, instructions=orders)[0] == "LOSS_LIMIT_EXCEEDED"
    own.close()
    own = Api(shop, tired.token)
    own.made("/v1/cool-off", {"days": 2})
    own.close()
    assert Raw(tired).report("placeOrders", marketId=market.id, instructions=orders)[0] == "INVALID_ACCOUNT_STATE"


def test_a_market_that_moved_on(raw: Raw, market: Market) -> None:
    orders = [limit(market.selections[0], "BACK", 3.0, 5.0)]
    version = {"version": 2}
    assert "error" not in raw.call("placeOrders", marketId=market.id, instructions=orders, marketVersion=version)
    report = raw.report("placeOrders", marketId=market.id, instructions=orders, marketVersion={"version": 1})
    assert report == ("BET_ACTION_ERROR", ["BET_TAKEN_OR_LAPSED"])
    answer = raw.call("placeOrders", marketId=market.id, instructions=orders, marketVersion={"version": 1})
    (row,) = answer["result"]["instructionReports"]
    assert int(row["betId"]) > 0
    assert (row["orderStatus"], row["sizeMatched"]) == ("EXECUTION_COMPLETE", 0.0)
    assert "error" not in raw.call("placeOrders", marketId=market.id, instructions=orders, marketVersion={"version": 9})


def test_a_removed_runner(raw: Raw, market: Market, operator: Api) -> None:
    gone = {"selection_id": market.selections[2], "factor_bp": 1_000}
    operator.made(f"/v1/operator/exchange/markets/{market.number}/remove-runner", gone)
    orders = [limit(market.selections[2], "BACK", 3.0, 5.0)]
    assert raw.report("placeOrders", marketId=market.id, instructions=orders)[1] == ["RUNNER_REMOVED"]
    assert shown(raw, market) == ("REMOVED", True)
    operator.made(
        f"/v1/operator/exchange/markets/{market.number}/reinstate-runner", {"selection_id": gone["selection_id"]}
    )
    assert raw.call("placeOrders", marketId=market.id, instructions=orders)["result"]["status"] == "SUCCESS"
    assert shown(raw, market) == ("ACTIVE", False)


def shown(raw: Raw, market: Market) -> tuple[str, bool]:
    """The last runner's status, and whether it says since when it is out."""
    (book,) = raw.call("listMarketBook", marketIds=[market.id])["result"]
    return book["runners"][2]["status"], "removalDate" in book["runners"][2]


def test_a_reference_twice_is_a_duplicate_and_places_once(raw: Raw, market: Market) -> None:
    asked: dict[str, Any] = {
        "marketId": market.id,
        "instructions": [limit(market.selections[0], "BACK", 3.0, 5.0)],
        "customerRef": "once",
    }
    assert raw.call("placeOrders", **asked)["result"]["status"] == "SUCCESS"
    assert raw.report("placeOrders", **asked) == ("DUPLICATE_TRANSACTION", ["ERROR_IN_ORDER"])
    other = {**asked, "instructions": [limit(market.selections[1], "BACK", 3.0, 5.0)]}
    assert raw.report("placeOrders", **other)[0] == "DUPLICATE_TRANSACTION"
    assert len(raw.call("listCurrentOrders")["result"]["currentOrders"]) == 1


def test_changes_stand_each_by_itself(raw: Raw, new_trader: Make, market: Market) -> None:
    orders = [limit(market.selections[0], "BACK", price, 5.0) for price in (3.0, 3.5)]
    placed = raw.call("placeOrders", marketId=market.id, instructions=orders)["result"]["instructionReports"]
    first, second = (report["betId"] for report in placed)
    mixed = [{"betId": first}, {"betId": "999999999"}]
    assert raw.report("cancelOrders", marketId=market.id, instructions=mixed) == (
        "PROCESSED_WITH_ERRORS",
        [None, "INVALID_BET_ID"],
    )
    gone = [{"betId": first}]
    assert raw.report("cancelOrders", marketId=market.id, instructions=gone) == (
        "BET_ACTION_ERROR",
        ["BET_TAKEN_OR_LAPSED"],
    )
    twice = [{"betId": second}] * 2
    assert raw.report("cancelOrders", marketId=market.id, instructions=twice)[0] == "DUPLICATE_BETIDS"
    zero = [{"betId": second, "sizeReduction": 0}]
    assert raw.report("cancelOrders", marketId=market.id, instructions=zero)[0] == "BET_ACTION_ERROR"
    foreign = Raw(new_trader())
    assert foreign.report("cancelOrders", marketId=market.id, instructions=[{"betId": second}])[1] == ["INVALID_BET_ID"]
    same = [{"betId": second, "newPersistenceType": "LAPSE"}]
    assert raw.report("updateOrders", marketId=market.id, instructions=same)[1] == ["NO_ACTION_REQUIRED"]
    wrong = [{"betId": second, "newPersistenceType": "MARKET_ON_CLOSE"}]
    assert raw.report("updateOrders", marketId=market.id, instructions=wrong)[1] == ["INVALID_PERSISTENCE_TYPE"]


def test_replacements_that_cannot_be(raw: Raw, market: Market) -> None:
    orders = [limit(market.selections[0], "BACK", 3.0, 5.0)]
    placed = raw.call("placeOrders", marketId=market.id, instructions=orders)["result"]["instructionReports"]
    bet_id = placed[0]["betId"]

    def replaced(new_price: float, bet: str = bet_id, **more: Any) -> tuple[str, str, str]:
        params = {"marketId": market.id, "instructions": [{"betId": bet, "newPrice": new_price}], **more}
        (row,) = raw.call("replaceOrders", **params)["result"]["instructionReports"]
        cancel, place = row["cancelInstructionReport"], row["placeInstructionReport"]
        return row.get("errorCode"), cancel.get("errorCode", cancel["status"]), place.get("errorCode")

    assert replaced(3.01) == ("INVALID_ODDS", "INVALID_ODDS", "RELATED_ACTION_FAILED")
    assert replaced(3.0) == ("INVALID_PRICE_EDIT", "INVALID_PRICE_EDIT", "RELATED_ACTION_FAILED")
    assert replaced(3.5, "999999999") == ("INVALID_BET_ID", "INVALID_BET_ID", "RELATED_ACTION_FAILED")
    stale = replaced(3.5, marketVersion={"version": 1})
    assert stale == ("CANCELLED_NOT_PLACED", "SUCCESS", "CANCELLED_NOT_PLACED")


def test_no_answer_in_time_is_said_of_the_whole_and_of_each_instruction(
    trader: Trader, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The book may have done it or not; both clients read that they must look."""
    betting, strict = trader.client().betting, Strict(trader)
    made = betting.place_orders(market.id, [limit(market.selections[0], "BACK", 3.0, 5.0)])
    bet = {"betId": made.place_instruction_reports[0].bet_id}

    async def silent(*_: Any, **__: Any) -> NoReturn:
        raise Problem("outcome_unknown")

    monkeypatch.setattr(Asker, "ask", silent)
    placed = betting.place_orders(market.id, [limit(market.selections[0], "BACK", 3.0, 5.0)])
    assert (placed.status, placed.place_instruction_reports[0].status) == ("TIMEOUT", "TIMEOUT")
    cancelled = betting.cancel_orders(market.id, [bet])
    assert (cancelled.status, cancelled.cancel_instruction_reports[0].status) == ("TIMEOUT", "TIMEOUT")
    updated = betting.update_orders(market.id, [{**bet, "newPersistenceType": "PERSIST"}])
    assert (updated.status, updated.update_instruction_reports[0].status) == ("TIMEOUT", "TIMEOUT")
    replaced = betting.replace_orders(market.id, [{**bet, "newPrice": 3.5}])
    (row,) = replaced.replace_instruction_reports
    assert (replaced.status, row.status) == ("TIMEOUT", "TIMEOUT")
    assert (row.cancel_instruction_reports.status, row.place_instruction_reports.status) == ("TIMEOUT", "TIMEOUT")
    report = strict.ask(
        spec.ReplaceOrders, market_id=market.id, instructions=[ReplaceInstruction(bet_id=bet["betId"], new_price=3.5)]
    )
    assert report.instruction_reports[0].status.value == "TIMEOUT"
    assert strict.ask(spec.CancelOrders).status.value == "TIMEOUT"
