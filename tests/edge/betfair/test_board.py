"""A board that begins from the tables shows what one shows that folded every fact; and it lets go of what closed."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest
from tests.projections.exchanges import drawn, exchange_day
from tests.projections.stories import House, connected, pooled

from overround import projections
from overround.book import catalogue
from overround.book.catalogue import CatalogueState
from overround.book.exchange import RunnersResult, Share, Status, VoidResult
from overround.book.machine import Pending, decode_fact
from overround.book.machine.commands import CreateCompetition, CreateSport, OpenCustomer
from overround.book.machine.exchange_commands import RecordExchangeResult, SetDiscount
from overround.book.matching import FORGET_AFTER_US, Order, OrderStatus
from overround.edge.betfair.asked import MarketSubscription, OrderSubscription
from overround.edge.betfair.board import KEPT_CLOSED_US, REMEMBER_KEYS_US, Board, MarketView
from overround.edge.betfair.subscribers import MarketHeard, OrderHeard
from overround.edge.betfair.telling import Teller
from overround.edge.gateway import TablesAndJournal
from overround.kernel.instant import DAY_US, SECOND_US

SEEDS = (1, 3, 7, 10)
LADDERS = ("atb", "atl", "trd", "spb", "spl")
BESTS = ("batb", "batl", "bdatb", "bdatl")


class Tables(TablesAndJournal):
    """The tables for real, and a journal in memory."""

    def __init__(self, pool: Any, facts: Sequence[Pending]) -> None:
        super().__init__(pool)
        self._facts = facts

    async def identity(self) -> str:
        return "0" * 32

    async def before(self, at_us: int) -> int:
        return sum(fact.at_us < at_us for fact in self._facts)

    async def read_kinds(self, kinds: Sequence[str], after: int, upto: int, limit: int) -> Sequence[Any]:
        return [fact for fact in self._facts[after:upto] if fact.kind in kinds][:limit]


class Folding:
    """A board beside a catalogue, as the live view folds both."""

    def __init__(self) -> None:
        self.catalogue = CatalogueState()
        self.board = Board(lambda: self.catalogue)

    def hear(self, facts: Sequence[Pending]) -> None:
        for fact in facts:
            catalogue.apply(self.catalogue, decode_fact(fact.body), fact.at_us)
            if fact.kind in self.board.kinds:
                self.board.fact(fact.seq, fact.at_us, fact.kind, fact.body)
            self.board.told(fact.seq)


def seen(view: MarketView) -> Iterator[object]:
    """All that anybody is shown of a market."""
    yield view.id, view.stamp, view.tv_minor, view.last_match_us, view.definition()
    for runner in view.runners:
        yield runner.selection_id, runner.ltp_milli, runner.tv_minor, runner.near_milli, runner.far_milli
        yield [dict(runner.ladder(name)) for name in LADDERS]
        yield [runner.best(name, 5) for name in BESTS]
    yield {who: {n: of for n, of in runners.items() if of} for who, runners in view.matched.items()}


def own(board: Board, since_us: int) -> dict[object, object]:
    """Every customer's orders, but for their place in a queue and for what came to nothing before an instant."""
    found: dict[object, object] = {}
    for customer, markets in board.of_customer.items():
        for market_id, stamp in markets.items():
            orders = [msgspec.structs.replace(order, rank=0) for order in board.orders_of(customer, market_id)]
            found[customer, market_id] = stamp, [order for order in orders if is_remembered(order, since_us)]
    return found


def is_remembered(order: Order, since_us: int) -> bool:
    over_us = max(order.lapsed_at_us, order.cancelled_at_us)
    live = order.status in (OrderStatus.PENDING, OrderStatus.EXECUTABLE)
    return live or bool(order.matched_minor or order.voided_minor) or over_us >= since_us


def assert_alike(begun: Board, folded: Board) -> None:
    """A market that was let go and then corrected is shown again only by who begins anew."""
    for market_id in [each for each, view in begun.markets.items() if view.market.revision > 1]:
        if market_id not in folded.markets:
            begun._drop(market_id)
    assert begun.markets.keys() == folded.markets.keys()
    for market_id, view in begun.markets.items():
        assert list(seen(view)) == list(seen(folded.markets[market_id])), market_id
    since_us = begun.at_us - FORGET_AFTER_US
    assert own(begun, since_us) == own(folded, since_us)
    assert begun.seq == folded.seq
    fresh = {key: at_us for key, at_us in folded.keys.items() if at_us >= begun.at_us - REMEMBER_KEYS_US}
    assert fresh.items() <= begun.keys.items()
    assert (begun.state.rates, begun.state.discounts) == (folded.state.rates, folded.state.discounts)


@pytest.mark.parametrize("seed", SEEDS)
async def test_beginning_from_the_tables_is_as_good_as_from_the_first_fact(postgres_dsn: str, seed: int) -> None:
    """At several places, and again after the facts that follow."""
    house = drawn(seed, 500)
    facts = house.recorded()
    folded, begun, told = Folding(), Folding(), 0
    async with connected(postgres_dsn) as connection, pooled(postgres_dsn) as pool:
        await projections.migrate(connection)
        for stop in (len(facts) // 3, 2 * len(facts) // 3, len(facts) - 30):
            await projections.advance(connection, facts[told:stop])
            folded.hear(house.facts[told:stop])
            told = stop
            begun = Folding()
            begun.catalogue = folded.catalogue
            await begun.board.begin(Tables(pool, house.facts), stop - 2)
            assert_alike(begun.board, folded.board)
    begun.catalogue = CatalogueState()
    begun.hear(house.facts)
    folded.hear(house.facts[told:])
    assert_alike(begun.board, folded.board)


async def test_what_closed_long_ago_is_let_go(postgres_dsn: str) -> None:
    """By a board that runs, and by one that begins."""
    house = drawn(5, 300)
    folded = Folding()
    folded.hear(house.facts)
    before = len(house.facts)
    markets = house.machine.state.exchange.markets
    closed = {market.id for market in markets.values() if market.settled_at_us}
    assert closed & folded.board.markets.keys()
    house.now_us += KEPT_CLOSED_US + SECOND_US
    quiet(house)
    folded.hear(house.facts[before:])
    left = set(markets) - closed
    assert folded.board.markets.keys() == left == folded.board.state.orders.books.keys()
    assert {order.market_id for order in folded.board.state.orders.by_id.values()} <= left
    assert {market_id for of in folded.board.of_customer.values() for market_id in of} <= left
    async with connected(postgres_dsn) as connection, pooled(postgres_dsn) as pool:
        await projections.migrate(connection)
        await projections.advance(connection, house.recorded())
        begun = Board(lambda: folded.catalogue)
        await begun.begin(Tables(pool, house.facts), house.facts[-1].seq)
        assert begun.markets.keys() == left


class Reader:
    """A subscriber's end of a connection."""

    def __init__(self) -> None:
        self.is_full = False
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def warn(self, trouble: object) -> None:
        raise AssertionError(trouble)


async def test_subscribers_forget_what_was_let_go() -> None:
    """Nothing is kept for them, and they hear on of the rest; the market closed and was told, long ago."""
    house = House()
    competition = house.done(CreateCompetition(house.done(CreateSport("Racing")), "Ascot"))
    house.done(OpenCustomer("EUR"))
    exchange_day(house, competition)
    folded, reader = Folding(), Reader()
    teller = Teller(folded.board, now_us=lambda: house.now_us)
    folded.hear(house.facts)
    folded.board.is_stale = False
    traders = list(folded.board.of_customer)
    heard = MarketHeard(reader, MarketSubscription(id=1), least_conflation_ms=0, now_s=0.0)
    orders = OrderHeard(reader, OrderSubscription(id=2), customer_id=traders[0], now_s=0.0)
    won, live = (market.id for market in folded.board.markets.values() if market.market.terms.name in ("Won", "Live"))
    for market_id in (won, live):
        heard.dirty[market_id] = None
        teller.note(heard, market_id, is_conflated=False)
        teller._group(heard).watchers[market_id] = {heard: None}
        orders.whole[market_id] = None
        orders.told[market_id, 0] = {}
    teller._orders[traders[0]] = {orders: None}
    house.now_us += DAY_US
    before = len(house.facts)
    quiet(house)
    folded.hear(house.facts[before:])
    assert won not in folded.board.markets
    assert list(heard.told) == list(heard.dirty) == list(teller._group(heard).watchers) == [live]
    assert (list(orders.whole), list(orders.told)) == ([live], [(live, 0)])


def quiet(house: House) -> None:
    """Somebody does something small."""
    house.done(SetDiscount(1, 77))


def test_a_fact_about_a_market_that_was_let_go_is_nothing_to_show() -> None:
    """Its result is corrected a day later."""
    house = drawn(5, 100)
    folded = Folding()
    house.now_us += DAY_US
    quiet(house)
    folded.hear(house.facts)
    before, gone = len(house.facts), correct(house)
    folded.hear(house.facts[before:])
    assert {fact.kind for fact in house.facts[before:]} >= {"exchange_result_recorded", "exchange_settled"}
    assert gone not in folded.board.markets
    assert folded.board.seq == house.facts[-1].seq


def correct(house: House) -> int:
    """The first market that is settled had another result; its id."""
    market = next(each for each in house.machine.state.exchange.markets.values() if each.terms.name == "Won")
    assert market.status is Status.CLOSED
    other = RunnersResult((Share(2),)) if isinstance(market.result, VoidResult) else VoidResult("no race")
    house.done(RecordExchangeResult(market.id, other))
    house.wait(0)
    return market.id
