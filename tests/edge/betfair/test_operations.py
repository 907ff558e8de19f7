"""Every operation, read by a client that forbids what it does not know, and by betfairlightweight's own resources."""

from collections.abc import Callable
from typing import Any

import betfair_parser.spec.betting as spec
import pytest
from betfair_parser.spec import accounts, heartbeat, navigation
from betfair_parser.spec.betting.enums import (
    BetStatus,
    GroupBy,
    MarketProjection,
    MarketSort,
    MatchProjection,
    OrderBy,
    OrderProjection,
    PersistenceType,
    PriceData,
    Side,
    SortDir,
    TimeGranularity,
)
from betfair_parser.spec.betting.type_definitions import (
    CancelInstruction,
    LimitOnCloseOrder,
    LimitOrder,
    MarketFilter,
    MarketOnCloseOrder,
    PlaceInstruction,
    PriceProjection,
    ReplaceInstruction,
    UpdateInstruction,
)
from betfair_parser.spec.common import OrderStatus, OrderType
from tests.edge.betfair.house import Market, Trader, limit
from tests.edge.betfair.strict import Strict
from tests.edge.running import Api

Make = Callable[..., Any]


def order(market: Market, side: Side, price: float, size: float, *, runner: int = 0, **more: Any) -> PlaceInstruction:
    return PlaceInstruction(
        order_type=OrderType.LIMIT,
        selection_id=market.selections[runner],
        side=side,
        limit_order=LimitOrder(price=price, size=size, persistence_type=PersistenceType.LAPSE, **more),
    )


@pytest.fixture
def strict(trader: Trader) -> Strict:
    return Strict(trader)


def only(market: Market) -> MarketFilter:
    return MarketFilter(market_ids={market.id})


# ------------------------------------------------------------------ what is on offer


def test_lists_count_markets(strict: Strict, new_market: Make) -> None:
    market = new_market(market_type="WIN", venue="Ascot", country="IE")
    (sport,) = strict.ask(spec.ListEventTypes, filter=only(market))
    assert (sport.event_type.id, sport.event_type.name, sport.market_count) == (1, "Soccer", 1)
    (league,) = strict.ask(spec.ListCompetitions, filter=only(market))
    assert (league.competition.name, league.competition_region, league.market_count) == ("League", "IE", 1)
    (event,) = strict.ask(spec.ListEvents, filter=only(market))
    assert (event.event.id, event.event.name, event.event.venue) == (market.event_id, "Ayr – Dundee", "Ascot")
    (kind,) = strict.ask(spec.ListMarketTypes, filter=only(market))
    assert (kind.market_type, kind.market_count) == ("WIN", 1)
    (country,) = strict.ask(spec.ListCountries, filter=only(market))
    assert (country.country_code, country.market_count) == ("IE", 1)
    (venue,) = strict.ask(spec.ListVenues, filter=only(market))
    assert (venue.venue, venue.market_count) == ("Ascot", 1)


@pytest.mark.parametrize(("grain", "hours"), [("DAYS", 24), ("HOURS", 1), ("MINUTES", 0)])
def test_time_ranges(strict: Strict, market: Market, grain: str, hours: int) -> None:
    (found,) = strict.ask(spec.ListTimeRanges, filter=only(market), granularity=TimeGranularity(grain))
    spans = found.time_range.to - found.time_range.from_
    assert (spans.total_seconds() // 3_600, found.market_count) == (hours, 1)


@pytest.mark.parametrize(
    "wanted",
    [
        {"event_type_ids": {2}},
        {"competition_ids": {999}},
        {"event_ids": {999_999}},
        {"bsp_only": True},
        {"in_play_only": True},
        {"turn_in_play_enabled": True},
        {"market_betting_types": {"LINE"}},
        {"market_countries": {"FR"}},
        {"market_type_codes": {"WIN"}},
        {"venues": {"Ascot"}},
        {"race_types": {"Flat"}},
        {"text_query": "Rangers"},
        {"with_orders": {"EXECUTABLE"}},
    ],
)
def test_each_member_of_a_filter_leaves_markets_out(strict: Strict, market: Market, wanted: dict[str, Any]) -> None:
    found = strict.ask(spec.ListEvents, filter=MarketFilter(market_ids={market.id}, **wanted))
    assert found == []


def test_the_catalogue_shows_what_was_asked_for(strict: Strict, new_market: Make) -> None:
    market = new_market(turn_in_play=True, bet_delay_ms=5_000, passive=True)
    (bare,) = strict.ask(spec.ListMarketCatalogue, filter=only(market), max_results=1)
    assert (bare.market_id, bare.market_name, bare.runners, bare.description) == (market.id, "Match Odds", None, None)
    (full,) = strict.ask(
        spec.ListMarketCatalogue, filter=only(market), max_results=10, market_projection=set(MarketProjection)
    )
    assert [(runner.selection_id, runner.metadata.runner_id) for runner in full.runners] == [
        (number, number) for number in market.selections
    ]
    assert (full.description.market_base_rate, full.description.turn_in_play_enabled) == (5.0, True)
    assert full.event.open_date == full.market_start_time
    assert full.description.price_ladder_description.type.value == "CLASSIC"


def test_lines_and_places_are_described(strict: Strict, new_market: Make) -> None:
    ladder = {"kind": "line_range", "low": 0, "high": 100_000, "step": 500}
    line = new_market(runners=1, betting="line", ladder=ladder, line_unit="runs", number_of_winners=1)
    (found,) = strict.ask(
        spec.ListMarketCatalogue,
        filter=only(line),
        max_results=1,
        market_projection={MarketProjection.MARKET_DESCRIPTION},
    )
    info = found.description.line_range_info
    assert (info.min_unit_value, info.max_unit_value, info.interval, info.market_unit) == (0.0, 100.0, 0.5, "runs")
    places = new_market(runners=8, each_way_divisor=4, number_of_winners=3, market_type="EACH_WAY")
    (found,) = strict.ask(
        spec.ListMarketCatalogue,
        filter=only(places),
        max_results=1,
        market_projection={MarketProjection.MARKET_DESCRIPTION},
    )
    assert found.description.each_way_divisor == 4.0


def test_the_catalogue_sorts(strict: Strict, trader: Trader, new_trader: Make, new_market: Make) -> None:
    quiet, busy = new_market(), new_market()
    new_trader().client().betting.place_orders(busy.id, [limit(busy.selections[0], "BACK", 3.0, 5.0)])
    trader.client().betting.place_orders(busy.id, [limit(busy.selections[0], "LAY", 3.0, 2.0)])
    both = MarketFilter(market_ids={quiet.id, busy.id})
    for sort, first in (("MAXIMUM_TRADED", busy), ("MINIMUM_TRADED", quiet), ("MAXIMUM_AVAILABLE", busy)):
        found = strict.ask(spec.ListMarketCatalogue, filter=both, max_results=2, sort=MarketSort(sort))
        assert found[0].market_id == first.id, sort


def test_the_navigation_menu_leads_to_every_market(strict: Strict, market: Market) -> None:
    menu = strict.ask(navigation.Menu)
    flat = navigation.flatten_nav_tree(menu)
    (found,) = [row for row in flat if row.market_id == market.id]
    assert (found.event_type_name, found.group_name, found.event_name) == ("Soccer", "League", "Ayr – Dundee")


# ------------------------------------------------------------------ books and orders


def test_a_market_book_has_prices_orders_and_matches(strict: Strict, new_trader: Make, market: Market) -> None:
    other = Strict(new_trader())
    other.ask(spec.PlaceOrders, market_id=market.id, instructions=[order(market, Side.LAY, 3.0, 10.0)])
    other.ask(spec.PlaceOrders, market_id=market.id, instructions=[order(market, Side.BACK, 3.2, 7.0)])
    strict.ask(
        spec.PlaceOrders,
        market_id=market.id,
        instructions=[order(market, Side.BACK, 3.0, 4.0), order(market, Side.LAY, 2.5, 6.0)],
        customer_strategy_ref="s1",
    )
    (book,) = strict.ask(
        spec.ListMarketBook,
        market_ids={market.id},
        price_projection=PriceProjection(price_data={PriceData.EX_BEST_OFFERS, PriceData.EX_TRADED}, virtualise=True),
        order_projection=OrderProjection.ALL,
        match_projection=MatchProjection.ROLLED_UP_BY_PRICE,
        partition_matched_by_strategy_ref=True,
    )
    assert (book.status.value, book.version, book.total_matched, book.is_market_data_delayed) == ("OPEN", 2, 8.0, False)
    first = book.runners[0]
    assert [(level.price, level.size) for level in first.ex.available_to_back] == [(3.0, 6.0), (2.5, 6.0)]
    assert [(level.price, level.size) for level in first.ex.available_to_lay] == [(3.2, 7.0)]
    assert [(level.price, level.size) for level in first.ex.traded_volume] == [(3.0, 8.0)]
    assert [(each.side, each.status, each.size_matched) for each in first.orders] == [
        (Side.BACK, OrderStatus.EXECUTION_COMPLETE, 4.0),
        (Side.LAY, OrderStatus.EXECUTABLE, 0.0),
    ]
    assert [(each.side, each.price, each.size) for each in first.matches] == [(Side.BACK, 3.0, 4.0)]
    assert set(first.matches_by_strategy) == {"s1"}


@pytest.mark.parametrize("match_projection", MatchProjection)
def test_a_runner_book_is_a_market_book_of_one(
    strict: Strict, new_trader: Make, market: Market, match_projection: MatchProjection
) -> None:
    for price in (3.0, 3.1):
        Strict(new_trader()).ask(
            spec.PlaceOrders, market_id=market.id, instructions=[order(market, Side.LAY, price, 2.0)]
        )
    strict.ask(spec.PlaceOrders, market_id=market.id, instructions=[order(market, Side.BACK, 3.0, 4.0)])
    (book,) = strict.ask(
        spec.ListRunnerBook,
        market_id=market.id,
        selection_id=market.selections[0],
        price_projection=PriceProjection(price_data={PriceData.EX_ALL_OFFERS, PriceData.SP_AVAILABLE}),
        match_projection=match_projection,
    )
    (found,) = book.runners
    average = match_projection is MatchProjection.ROLLED_UP_BY_AVG_PRICE
    assert [(each.price, each.size) for each in found.matches] == ([(3.05, 4.0)] if average else found_prices(found))
    assert all((each.bet_id is None) == (match_projection is not MatchProjection.NO_ROLLUP) for each in found.matches)


def found_prices(runner: Any) -> list[tuple[float, float]]:
    prices = sorted((each.price, each.size) for each in runner.matches)
    assert prices == [(3.0, 2.0), (3.1, 2.0)]
    return [(each.price, each.size) for each in runner.matches]


def test_the_starting_price_is_shown_before_and_after(
    strict: Strict, new_trader: Make, new_market: Make, operator: Api
) -> None:
    market = new_market(bsp=True)
    back = PlaceInstruction(
        order_type=OrderType.MARKET_ON_CLOSE,
        selection_id=market.selections[0],
        side=Side.BACK,
        market_on_close_order=MarketOnCloseOrder(liability=1_000.0),
    )
    lay = PlaceInstruction(
        order_type=OrderType.LIMIT_ON_CLOSE,
        selection_id=market.selections[0],
        side=Side.LAY,
        limit_on_close_order=LimitOnCloseOrder(liability=6_000.0, price=20.0),
    )
    made = strict.ask(spec.PlaceOrders, market_id=market.id, instructions=[back])
    assert made.instruction_reports[0].order_status is OrderStatus.EXECUTABLE
    other = Strict(new_trader())
    other.ask(spec.PlaceOrders, market_id=market.id, instructions=[lay])
    asked = {
        "market_ids": {market.id},
        "price_projection": PriceProjection(price_data={PriceData.SP_AVAILABLE, PriceData.SP_TRADED}),
    }
    start = strict.ask(spec.ListMarketBook, **asked)[0].runners[0].sp
    assert (start.near_price, start.far_price, start.actual_sp) == (7.0, 7.0, None)
    assert [(level.price, level.size) for level in start.back_stake_taken] == [(1.01, 1_000.0)]
    assert [(level.price, level.size) for level in start.lay_liability_taken] == [(20.0, 6_000.0)]
    operator.made(f"/v1/operator/exchange/markets/{market.number}/reconcile-start")
    book = strict.ask(spec.ListMarketBook, **asked)[0]
    assert (book.bsp_reconciled, book.runners[0].sp.actual_sp) == (True, 7.0)
    (mine,) = strict.ask(spec.ListCurrentOrders, market_ids={market.id}).current_orders
    assert (mine.size_matched, mine.average_price_matched, mine.bsp_liability) == (1_000.0, 7.0, 1_000.0)


def test_an_orders_life(strict: Strict, market: Market) -> None:
    made = strict.ask(
        spec.PlaceOrders,
        market_id=market.id,
        instructions=[order(market, Side.BACK, 3.0, 10.0), order(market, Side.BACK, 3.5, 5.0, runner=1)],
        customer_ref="r-1",
    )
    assert (made.status.value, made.customer_ref) == ("SUCCESS", "r-1")
    first, second = (report.bet_id for report in made.instruction_reports)
    updated = strict.ask(
        spec.UpdateOrders,
        market_id=market.id,
        instructions=[UpdateInstruction(bet_id=first, new_persistence_type=PersistenceType.PERSIST)],
    )
    assert updated.instruction_reports[0].status.value == "SUCCESS"
    smaller = strict.ask(
        spec.CancelOrders, market_id=market.id, instructions=[CancelInstruction(bet_id=first, size_reduction=4.0)]
    )
    assert smaller.instruction_reports[0].size_cancelled == 4.0
    replaced = strict.ask(
        spec.ReplaceOrders, market_id=market.id, instructions=[ReplaceInstruction(bet_id=first, new_price=3.2)]
    )
    (report,) = replaced.instruction_reports
    assert (report.status.value, report.cancel_instruction_report.size_cancelled) == ("SUCCESS", 6.0)
    placed = report.place_instruction_report
    assert (placed.instruction.limit_order.price, placed.instruction.limit_order.size) == (3.2, 6.0)
    assert placed.instruction.selection_id == market.selections[0]
    current = strict.ask(spec.ListCurrentOrders, market_ids={market.id}, order_projection=OrderProjection.EXECUTABLE)
    assert [(each.bet_id, each.price_size.price) for each in current.current_orders] == [
        (second, 3.5),
        (placed.bet_id, 3.2),
    ]
    everything = strict.ask(spec.CancelOrders, market_id=market.id)
    assert len(everything.instruction_reports) == 2
    left = strict.ask(spec.ListCurrentOrders, market_ids={market.id}, order_projection=OrderProjection.EXECUTABLE)
    assert left.current_orders == []


def test_cancelling_everything_everywhere(strict: Strict, new_market: Make) -> None:
    for market in (new_market(), new_market()):
        strict.ask(spec.PlaceOrders, market_id=market.id, instructions=[order(market, Side.BACK, 3.0, 10.0)])
    assert len(strict.ask(spec.CancelOrders).instruction_reports) == 2


def test_current_orders_are_filtered_sorted_and_paged(strict: Strict, new_market: Make) -> None:
    one, two = new_market(), new_market()
    bets = []
    for market, ref, strategy in ((one, "a", "x"), (two, "b", "y"), (one, "c", "x")):
        instruction = order(market, Side.BACK, 3.0, 5.0).replace(customer_order_ref=ref)
        made = strict.ask(
            spec.PlaceOrders, market_id=market.id, instructions=[instruction], customer_strategy_ref=strategy
        )
        bets.append(made.instruction_reports[0].bet_id)

    def found(**asked: Any) -> list[int]:
        return [each.bet_id for each in strict.ask(spec.ListCurrentOrders, **asked).current_orders]

    assert found() == bets
    assert found(sort_dir=SortDir.LATEST_TO_EARLIEST) == bets[::-1]
    assert found(order_by=OrderBy.BY_MARKET) == [bets[0], bets[2], bets[1]]
    assert found(order_by=OrderBy.BY_MATCH_TIME) == []
    assert found(bet_ids={bets[1]}) == found(customer_order_refs={"b"}) == found(market_ids={two.id}) == [bets[1]]
    assert found(customer_strategy_refs={"x"}) == [bets[0], bets[2]]
    page = strict.ask(spec.ListCurrentOrders, from_record=1, record_count=1, include_item_description=True)
    assert ([each.bet_id for each in page.current_orders], page.more_available) == ([bets[1]], True)
    assert page.current_orders[0].current_item_description.market_version.version == 2


# ------------------------------------------------------------------ cleared


def test_cleared_orders_add_up(strict: Strict, new_trader: Make, new_market: Make, operator: Api) -> None:
    """Won 20 on one order and lost 5 on another: 15, of which 5 % are 0.75."""
    market, other = new_market(), Strict(new_trader())
    other.ask(spec.PlaceOrders, market_id=market.id, instructions=[order(market, Side.LAY, 3.0, 10.0)])
    other.ask(spec.PlaceOrders, market_id=market.id, instructions=[order(market, Side.LAY, 4.0, 5.0, runner=1)])
    strict.ask(
        spec.PlaceOrders,
        market_id=market.id,
        instructions=[order(market, Side.BACK, 3.0, 10.0), order(market, Side.BACK, 4.0, 5.0, runner=1)],
    )
    strict.ask(spec.PlaceOrders, market_id=market.id, instructions=[order(market, Side.BACK, 900.0, 2.0, runner=2)])
    profit = {row.selection_id: row.if_win for row in profits(strict, market)}
    assert profit == dict(zip(market.selections, (15.0, 5.0, -15.0), strict=True))
    before = strict.ask(accounts.GetAccountFunds)
    assert (before.available_to_bet_balance, before.exposure) == (9_985.0, -15.0)
    result = {"result": {"kind": "runners", "winners": [{"runner": 0}]}}
    operator.made(f"/v1/operator/exchange/markets/{market.number}/result", result)
    settled = until_settled(strict, market)
    assert sorted((each.profit, each.bet_outcome) for each in settled) == [(-5.0, "LOST"), (20.0, "WON")]
    assert settled[0].item_description.market_desc == "Match Odds"
    for group in (GroupBy.MARKET, GroupBy.EVENT, GroupBy.EVENT_TYPE):
        (row,) = cleared(strict, market, group_by=group)
        assert (row.profit, row.commission, row.bet_count) == (15.0, 0.75, 2), group
    sides = cleared(strict, market, group_by=GroupBy.SIDE)
    assert sorted((row.selection_id, row.side, row.price_matched, row.size_settled, row.profit) for row in sides) == [
        (market.selections[0], Side.BACK, 3.0, 10.0, 20.0),
        (market.selections[1], Side.BACK, 4.0, 5.0, -5.0),
    ]
    assert [each.size_cancelled for each in cleared(strict, market, bet_status=BetStatus.LAPSED)] == [2.0]
    assert cleared(strict, market, bet_status=BetStatus.VOIDED) == []
    assert strict.ask(accounts.GetAccountFunds).available_to_bet_balance == 10_014.25
    assert strict.ask(spec.ListCurrentOrders, market_ids={market.id}).current_orders == []


def profits(strict: Strict, market: Market, **more: Any) -> list[Any]:
    (found,) = strict.ask(spec.ListMarketProfitAndLoss, market_ids={market.id}, **more)
    rows: list[Any] = found.profit_and_losses
    return rows


def cleared(strict: Strict, market: Market, *, bet_status: BetStatus = BetStatus.SETTLED, **more: Any) -> list[Any]:
    report = strict.ask(
        spec.ListClearedOrders,
        bet_status=bet_status,
        market_ids={market.id},
        include_item_description=True,
        **more,
    )
    rows: list[Any] = report.cleared_orders
    return rows


def until_settled(strict: Strict, market: Market) -> list[Any]:
    while not (found := cleared(strict, market)):
        pass
    return found


def test_profit_net_of_commission(strict: Strict, new_trader: Make, market: Market) -> None:
    Strict(new_trader()).ask(spec.PlaceOrders, market_id=market.id, instructions=[order(market, Side.LAY, 3.0, 10.0)])
    strict.ask(spec.PlaceOrders, market_id=market.id, instructions=[order(market, Side.BACK, 3.0, 10.0)])
    assert [row.if_win for row in profits(strict, market, net_of_commission=True)] == [19.0, -10.0, -10.0]


def test_a_void_market_is_cleared_as_void(strict: Strict, new_trader: Make, market: Market, operator: Api) -> None:
    Strict(new_trader()).ask(spec.PlaceOrders, market_id=market.id, instructions=[order(market, Side.LAY, 3.0, 10.0)])
    strict.ask(spec.PlaceOrders, market_id=market.id, instructions=[order(market, Side.BACK, 3.0, 10.0)])
    void = {"result": {"kind": "void", "note": "abandoned"}}
    operator.made(f"/v1/operator/exchange/markets/{market.number}/result", void)
    while not (rows := cleared(strict, market, bet_status=BetStatus.VOIDED)):
        pass
    assert [(row.size_settled, row.bet_outcome) for row in rows] == [(10.0, "VOIDED")]
    assert cleared(strict, market) == []


# ------------------------------------------------------------------ accounts and the rest


def test_the_statement_explains_every_movement(strict: Strict) -> None:
    report = strict.ask(accounts.GetAccountStatement)
    (line,) = report.account_statement
    assert (line.amount, line.balance, line.legacy_data.win_lose.value) == (10_000.0, 10_000.0, "RESULT_NOT_APPLICABLE")
    assert report.more_available is False


def test_currency_rates_are_those_of_the_exchange(strict: Strict, operator: Api) -> None:
    operator.made("/v1/operator/customers", {"currency": "EUR"})
    reply = operator.send("PUT", "/v1/operator/exchange/rates/EUR", {"minor": 117, "book_minor": 100})
    assert reply.is_success, reply.text
    rates: dict[str, float] = {}
    while "EUR" not in rates:
        found = strict.ask(accounts.ListCurrencyRates, from_currency="GBP")
        rates = {row.currency_code: row.rate for row in found}
    assert rates["EUR"] == 1.17


def test_a_heartbeat_is_a_dead_mans_switch(strict: Strict) -> None:
    for asked, actual in ((60, 60), (5, 10), (999, 300), (0, 0)):
        report = strict.ask(heartbeat.Heartbeat, preferred_timeout_seconds=asked)
        assert (report.actual_timeout_seconds, report.action_performed.value) == (actual, "NONE")


def test_betfairlightweight_reads_all_of_it(trader: Trader, new_trader: Make, market: Market, shop: Any) -> None:
    """Each of its resources is made from each answer."""
    client, other = trader.client(), new_trader().client()
    betting, account = client.betting, client.account
    other.betting.place_orders(market.id, [limit(market.selections[0], "LAY", 3.0, 5.0)])
    made = betting.place_orders(market.id, [limit(market.selections[0], "BACK", 3.0, 10.0)])
    bet_id = made.place_instruction_reports[0].bet_id
    assert (made.place_instruction_reports[0].size_matched, made.place_instruction_reports[0].order_status) == (
        5.0,
        "EXECUTABLE",
    )
    wanted = {"marketIds": [market.id]}
    assert betting.list_event_types(wanted)[0].event_type.name == "Soccer"
    assert betting.list_competitions(wanted)[0].competition.name == "League"
    assert betting.list_time_ranges(wanted, granularity="DAYS")[0].market_count == 1
    assert betting.list_events(wanted)[0].event.time_zone == "Europe/London"
    assert betting.list_market_types(wanted)[0].market_type == "MATCH_ODDS"
    assert betting.list_countries(wanted)[0].country_code == "GB"
    assert betting.list_venues(wanted) == []
    everything = [projection.value for projection in MarketProjection]
    catalogue = betting.list_market_catalogue(wanted, market_projection=everything, max_results=10)[0]
    assert catalogue.description.betting_type == "ODDS"
    data = {"priceData": ["EX_BEST_OFFERS", "EX_TRADED", "SP_AVAILABLE"]}
    book = betting.list_market_book([market.id], data, order_projection="ALL", match_projection="NO_ROLLUP")[0]
    assert book.runners[0].orders[0].bet_id == book.runners[0].matches[0].bet_id == bet_id
    runner_book = betting.list_runner_book(market.id, market.selections[0], handicap=0, price_projection=data)[0]
    assert runner_book.runners[0].last_price_traded == 3.0
    assert betting.list_current_orders(include_item_description=True).orders[0].bet_id == bet_id
    assert betting.list_cleared_orders(include_item_description=True).orders == []
    assert betting.list_market_profit_and_loss([market.id])[0].profit_and_losses[0].if_win == 10.0
    assert betting.update_orders(market.id, [{"betId": bet_id, "newPersistenceType": "PERSIST"}]).status == "SUCCESS"
    replaced = betting.replace_orders(market.id, [{"betId": bet_id, "newPrice": 3.5}])
    anew = replaced.replace_instruction_reports[0].place_instruction_reports
    assert anew.instruction.limit_order.price == 3.5
    cancelled = betting.cancel_orders(market.id, [{"betId": anew.bet_id}])
    assert cancelled.cancel_instruction_reports[0].size_cancelled == 5.0
    assert account.get_account_funds().available_to_bet_balance == 9_995.0
    assert account.get_account_details().currency_code == "GBP"
    assert account.get_account_statement().account_statement[0].legacy_data.transaction_type == "ACCOUNT_CREDIT"
    account.list_currency_rates()
    assert client.navigation.list_navigation()["type"] == "GROUP"
    in_play(client, market, shop)


def in_play(client: Any, market: Market, shop: Any) -> None:
    """The in-play service's address is written into the client; its subclass points it here."""
    service = type("Here", (type(client.in_play_service),), {"url": f"{shop.url}/inplayservice/v1.1/"})(client)
    assert service.get_event_timeline(market.event_id).status == "PRE_EVENT"
    assert [each.event_id for each in service.get_event_timelines([market.event_id, 999_999])] == [market.event_id]
    assert service.get_scores([market.event_id])[0].score.home.name == "Ayr"
    assert service.get_scores_and_broadcast([market.event_id])[0].match_status == "PRE_EVENT"
