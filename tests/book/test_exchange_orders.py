"""Orders: who meets whom, what rests, what is held, and what is refused."""

from tests.book.exchanging import BACK, LAY, Exchange

from overround.book.matching import OrderStatus


def test_a_back_meets_a_lay_and_the_winner_is_paid_less_commission() -> None:
    house = Exchange()
    market, layer, backer = house.exchange_market(), house.trader(), house.trader()
    house.order(layer, market, LAY, 3_000, 1_000)
    assert house.held(layer) == 2_000
    taken = house.report(backer, market, BACK, 2_900, 600)
    assert (taken.matched_minor, taken.matched_value, taken.status) == (600, 600 * 3_000, OrderStatus.COMPLETE)
    assert (house.held(backer), house.held(layer)) == (600, 2_000)
    house.win(market, 0)
    assert house.pounds(backer) == 100_000 + 1_200 - 60
    assert house.pounds(layer) == 100_000 - 1_200
    assert house.trading("GBP") == 60
    assert (house.held(backer), house.held(layer)) == (0, 0)


def test_best_price_first_then_first_come() -> None:
    house = Exchange()
    market, one, two, backer = house.exchange_market(), house.trader(), house.trader(), house.trader()
    first = house.order(one, market, LAY, 3_000, 500)
    second = house.order(two, market, LAY, 3_000, 500)
    better = house.order(two, market, LAY, 3_050, 200)
    assert house.book(market) == "3.05×200 3×1000 | "
    house.order(backer, market, BACK, 3_000, 900)
    assert [house.order_of(order).matched_minor for order in (better, first, second)] == [200, 500, 200]
    assert house.book(market) == "3×300 | "
    house.order(backer, market, BACK, 3_000, 500)
    assert house.book(market) == " | 3×200"
