"""What the operator sees of the exchange: the orders and trades of a market, and of a customer."""

from collections.abc import Callable
from typing import Any

from tests.edge.betfair.house import Market, Trader, limit
from tests.edge.running import Api

Make = Callable[..., Any]


def test_orders_and_trades_of_a_market_and_of_a_customer(
    trader: Trader, new_trader: Make, market: Market, operator: Api
) -> None:
    other = new_trader()
    other.client().betting.place_orders(market.id, [limit(market.selections[0], "LAY", 3.0, 5.0)])
    trader.client().betting.place_orders(
        market.id, [limit(market.selections[0], "BACK", 3.0, 2.0), limit(market.selections[1], "BACK", 5.0, 2.0)]
    )
    seq = operator.made(f"/v1/operator/exchange/markets/{market.number}/suspend", {"reason": "goal"})["seq"]

    def listed(what: str, **query: Any) -> list[dict[str, Any]]:
        reply = operator.get(f"/v1/operator/exchange/{what}", min_seq=seq, **query)
        assert reply.is_success, reply.text
        items: list[dict[str, Any]] = reply.json()["items"]
        return items

    backs = listed("orders", customer_id=trader.customer_id)
    assert [(each["runner"], each["matched_minor"], each["status"]) for each in backs] == [
        (1, 0, "executable"),
        (0, 200, "execution_complete"),
    ]
    on_market = listed("orders", market_id=market.number)
    assert [each["order_id"] for each in on_market[:2]] == [each["order_id"] for each in backs]
    assert (on_market[2]["customer_id"], on_market[2]["remaining_minor"]) == (other.customer_id, 300)
    (trade,) = listed("trades", market_id=market.number)
    assert (trade["back_order_id"], trade["lay_order_id"]) == (backs[1]["order_id"], on_market[2]["order_id"])
    assert (trade["price_milli"], trade["size_minor"], trade["voided"]) == (3_000, 200, False)
    assert (
        listed("trades", customer_id=trader.customer_id) == listed("trades", customer_id=other.customer_id) == [trade]
    )
    first = operator.get("/v1/operator/exchange/orders", market_id=market.number, limit=1).json()
    after = operator.get(
        "/v1/operator/exchange/orders", market_id=market.number, limit=1, cursor=first["next_cursor"]
    ).json()
    assert [page["items"][0]["order_id"] for page in (first, after)] == [each["order_id"] for each in backs]


def test_a_customer_may_not_look(trader: Trader) -> None:
    api = Api(trader.house, trader.token)
    reply = api.get("/v1/operator/exchange/orders")
    api.close()
    assert (reply.status_code, reply.json()["code"]) == (403, "scope_required")
