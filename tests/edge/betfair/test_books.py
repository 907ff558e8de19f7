"""How a market book is asked for: levels rolled up, sizes in another currency, matches with and without the whole."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.edge.betfair.house import Market, Trader, limit
from tests.edge.betfair.raw import Raw
from tests.edge.running import Api

Make = Callable[..., Any]


@pytest.fixture
def raw(trader: Trader) -> Raw:
    return Raw(trader)


@pytest.fixture
def offered(new_trader: Make, market: Market) -> Market:
    """A market with 2 at 3.0, 3 at 2.9, 10 at 2.8 and 1 at 2.7 to back."""
    orders = [limit(market.selections[0], "LAY", at, size) for at, size in ((3.0, 2), (2.9, 3), (2.8, 10), (2.7, 1))]
    Raw(new_trader()).call("placeOrders", marketId=market.id, instructions=orders)
    return market


def to_back(raw: Raw, market: Market, overrides: dict[str, Any], **more: Any) -> list[tuple[float, float]]:
    data = {"priceData": ["EX_BEST_OFFERS"], "exBestOffersOverrides": overrides}
    (book,) = raw.call("listMarketBook", marketIds=[market.id], priceProjection=data, **more)["result"]
    return [(level["price"], level["size"]) for level in book["runners"][0]["ex"]["availableToBack"]]


@pytest.mark.parametrize(
    ("overrides", "levels"),
    [
        ({}, [(3.0, 2.0), (2.9, 3.0), (2.8, 10.0)]),
        ({"bestPricesDepth": 1}, [(3.0, 2.0)]),
        ({"rollupModel": "NONE", "rollupLimit": 5}, [(3.0, 2.0), (2.9, 3.0), (2.8, 10.0)]),
        ({"rollupModel": "MANAGED_LIABILITY", "rollupLimit": 5}, [(3.0, 2.0), (2.9, 3.0), (2.8, 10.0)]),
        ({"rollupModel": "STAKE"}, [(3.0, 2.0), (2.9, 3.0), (2.8, 10.0)]),
        ({"rollupModel": "STAKE", "rollupLimit": 5}, [(2.9, 5.0), (2.8, 10.0)]),
        ({"rollupModel": "STAKE", "rollupLimit": 11}, [(2.8, 15.0)]),
        ({"rollupModel": "PAYOUT", "rollupLimit": 7}, [(2.9, 5.0), (2.8, 10.0)]),
        ({"rollupModel": "PAYOUT", "rollupLimit": 6}, [(3.0, 2.0), (2.9, 3.0), (2.8, 10.0)]),
        ({"rollupModel": "STAKE", "rollupLimit": 5, "bestPricesDepth": 1}, [(2.9, 5.0)]),
        ({"rollupModel": "STAKE", "rollupLimit": 100}, []),
    ],
)
def test_levels_are_rolled_up_to_a_stake_or_a_payout(
    raw: Raw, offered: Market, overrides: dict[str, Any], levels: list[tuple[float, float]]
) -> None:
    assert to_back(raw, offered, overrides) == levels


def test_sizes_in_another_currency(raw: Raw, offered: Market, operator: Api) -> None:
    """A pound is 12.5 kronor: sizes are, prices are not."""
    operator.made("/v1/operator/customers", {"currency": "NOK"})
    reply = operator.send("PUT", "/v1/operator/exchange/rates/NOK", {"minor": 1_250, "book_minor": 100})
    assert reply.is_success, reply.text
    while not any(row["currencyCode"] == "NOK" for row in raw.call("listCurrencyRates", service="account")["result"]):
        pass  # the gateway hears of it in a moment
    assert to_back(raw, offered, {"bestPricesDepth": 1}, currencyCode="NOK") == [(3.0, 25.0)]
    assert to_back(raw, offered, {"bestPricesDepth": 1}, currencyCode="GBP") == [(3.0, 2.0)]
    (book,) = raw.call("listMarketBook", marketIds=[offered.id], currencyCode="NOK")["result"]
    assert book["totalAvailable"] == 200.0
    assert raw.code("listMarketBook", marketIds=[offered.id], currencyCode="XXX") == "INVALID_INPUT_DATA"


def test_matches_may_come_by_strategy_alone(raw: Raw, offered: Market) -> None:
    order = limit(offered.selections[0], "BACK", 3.0, 2.0)
    raw.call("placeOrders", marketId=offered.id, instructions=[order], customerStrategyRef="mine")
    raw.call("listCurrentOrders")  # it waits until this gateway has the order
    asked: dict[str, Any] = {"matchProjection": "ROLLED_UP_BY_PRICE", "partitionMatchedByStrategyRef": True}
    whole = [{"side": "BACK", "price": 3.0, "size": 2.0}]
    for is_whole, told in ((None, True), (True, True), (False, False)):
        more: dict[str, Any] = {} if is_whole is None else {"includeOverallPosition": is_whole}
        (book,) = raw.call("listMarketBook", marketIds=[offered.id], **asked, **more)["result"]
        first = book["runners"][0]
        assert first["matchesByStrategy"] == {"mine": whole}
        assert first.get("matches") == (whole if told else None)
