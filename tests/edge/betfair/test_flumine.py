"""A strategy's day: log in, stream, place, be matched in part and whole, replace, cancel, go in play, be paid."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from flumine import worker
from flumine.order.order import OrderStatus
from tests.edge.betfair.bot import Bot, running_bot
from tests.edge.betfair.house import Market, limit
from tests.edge.running import Api

Make = Callable[..., Any]

# betfairlightweight asks for ssl.PROTOCOL_TLS, which the standard library would rather not have asked for.
pytestmark = pytest.mark.filterwarnings("ignore:ssl.PROTOCOL_TLS is deprecated:DeprecationWarning")


@pytest.fixture(autouse=True)
def _no_errors(caplog: pytest.LogCaptureFixture) -> Any:
    """flumine logs what it did not expect as errors; there must be none."""
    yield
    wrong = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert wrong == []


def other_side(client: Any, market: Market, selection: int, side: str, price: float, size: float) -> None:
    report = client.betting.place_orders(market.id, [limit(market.selections[selection], side, price, size)])
    assert report.status == "SUCCESS", report._data


def test_a_strategys_day(new_trader: Make, new_market: Make, operator: Api) -> None:
    market = new_market(turn_in_play=True, bet_delay_ms=1_000)
    trader, other = new_trader(has_login=True), new_trader().client()
    with running_bot(trader, market) as bot:
        assert bot.client.account_details.currency_code == "GBP"
        assert bot.client.account_funds.available_to_bet_balance == 10_000.0
        first = matched_in_part_and_replaced(bot, other, market)
        cancelled_and_made_smaller(bot, market)
        in_play(bot, other, market, operator)
        paid(bot, market, operator)
        assert first.profit == 0.0 or first.size_matched


def matched_in_part_and_replaced(bot: Bot, other: Any, market: Market) -> Any:
    order = bot.place(market.selections[0], "BACK", 3.0, 10.0)
    bot.until(lambda: bot.known(order))
    other_side(other, market, 0, "LAY", 3.0, 4.0)
    bot.until(lambda: order.size_matched == 4.0 and order.size_remaining == 6.0)
    bot.until(lambda: bot.market.market_book.runners[0].ex.traded_volume)
    bot.do(lambda found: found.replace_order(order, 2.9))
    anew = bot.until(lambda: next((each for each in bot.market.blotter if each.order_type.price == 2.9), None))
    bot.until(lambda: bot.known(anew))
    bot.until(lambda: (order.status, order.size_cancelled) == (OrderStatus.EXECUTION_COMPLETE, 6.0))
    other_side(other, market, 0, "LAY", 2.9, 6.0)
    bot.until(lambda: (anew.size_matched, anew.average_price_matched) == (6.0, 2.9))
    return order


def cancelled_and_made_smaller(bot: Bot, market: Market) -> None:
    order = bot.place(market.selections[1], "LAY", 2.0, 10.0)
    bot.until(lambda: bot.known(order))
    bot.do(lambda found: found.cancel_order(order, 4.0))
    bot.until(lambda: order.size_remaining == 6.0 and order.status is OrderStatus.EXECUTABLE)
    bot.do(lambda found: found.update_order(order, "PERSIST"))
    bot.until(lambda: order.current_order.persistence_type == "PERSIST")
    bot.do(lambda found: found.cancel_order(order))
    bot.until(lambda: (order.size_cancelled, order.size_matched) == (10.0, 0.0))


def in_play(bot: Bot, other: Any, market: Market, operator: Api) -> None:
    """The off: what lapses is gone; then an order waits for its second."""
    lapsing = bot.place(market.selections[1], "BACK", 50.0, 2.0)
    bot.until(lambda: bot.known(lapsing))
    path = f"/v1/operator/exchange/markets/{market.number}"
    operator.made(f"{path}/turn-in-play")
    bot.until(lambda: lapsing.status is OrderStatus.EXECUTION_COMPLETE and lapsing.size_lapsed == 2.0)
    bot.until(lambda: bot.market.market_book.status == "SUSPENDED")
    operator.made(f"{path}/open")
    bot.until(lambda: bot.market.market_book.inplay and bot.market.market_book.bet_delay == 1)
    other_side(other, market, 1, "BACK", 4.0, 3.0)
    order = bot.place(market.selections[1], "LAY", 4.0, 3.0)
    bot.until(lambda: order.size_matched == 3.0)


def paid(bot: Bot, market: Market, operator: Api) -> None:
    """The first wins: 4 at 3.0, 6 at 2.9 and a lay of 3 that nobody pays: 8 + 11.4 + 3 = 22.4, less 5 %."""
    result = {"result": {"kind": "runners", "winners": [{"runner": 0}]}}
    operator.made(f"/v1/operator/exchange/markets/{market.number}/result", result)
    bot.until(lambda: bot.strategy.closed == [market.id])
    api = bot.client.betting_client.betting
    bot.until(lambda: api.list_cleared_orders(market_ids=[market.id], group_by="MARKET").orders)
    worker.poll_market_closure({}, bot.flumine)
    # A replacement keeps its order's reference, by which flumine finds both, so one of the two has the last row.
    bot.until(lambda: sum(each.cleared_order is not None for each in bot.market.blotter) == 2)
    profits = sorted(each.profit for each in api.list_cleared_orders(market_ids=[market.id]).orders)
    assert profits == [3.0, 8.0, 11.4]
    (row,) = api.list_cleared_orders(market_ids=[market.id], group_by="MARKET").orders
    assert (row.profit, row.commission, row.bet_count) == (22.4, 1.12, 3)
    bot.client.update_account_details()
    assert bot.client.account_funds.available_to_bet_balance == 10_021.28
