"""What was cleared, by plain sums over the replayed machine's orders, and as the tables answer it in SQL."""

from collections import defaultdict
from collections.abc import Iterator

import msgspec
import pytest
from tests.book.exchange_wishes import CUSTOMERS
from tests.projections.exchanges import drawn
from tests.projections.stories import House, connected, fold_all, pooled

from overround import projections
from overround.book.exposure import Side
from overround.book.machine import decode_fact, empty, fold
from overround.projections import Ending, ExchangeOrder, Grouping, NamedRunner, Reads, Wanted
from overround.projections.exchange_recompute import EXCHANGE_ROWS, ExchangePast
from overround.projections.recompute import Past

pytestmark = pytest.mark.engines

Position = tuple[int, int, bool, int, int]
"""Net, commission, void, revision, when."""


class Twin(msgspec.Struct):
    """Every order, and every position by market and customer."""

    orders: list[ExchangeOrder]
    positions: dict[tuple[int, int], Position]

    @property
    def customers(self) -> list[int]:
        return sorted({customer_id for _, customer_id in self.positions if customer_id})

    def cleared(self, customer_id: int, ending: Ending) -> list[tuple[int, int, int]]:
        """When, which order, and how much of it; the last first."""
        own = [order for order in self.orders if order.customer_id == customer_id]
        found = [(at_us, order.id, size) for order in own for at_us, size in self._of(order, ending) if size]
        return sorted(found, reverse=True)

    def _of(self, order: ExchangeOrder, ending: Ending) -> Iterator[tuple[int, int]]:
        _, _, is_void, _, settled_at_us = self.positions[order.market_id, order.customer_id]
        match ending:
            case Ending.SETTLED:
                yield settled_at_us, order.matched_minor if settled_at_us and not is_void else 0
            case Ending.VOIDED if is_void:
                yield settled_at_us, order.matched_minor + order.voided_minor
            case Ending.VOIDED:
                yield order.voided_at_us, order.voided_minor
            case Ending.LAPSED:
                yield order.lapsed_at_us, order.lapsed_minor
            case Ending.CANCELLED:
                yield order.cancelled_at_us, order.cancelled_minor


@pytest.fixture(scope="module")
def house() -> House:
    return drawn(5, 900)


@pytest.fixture(scope="module")
def twin(house: House) -> Twin:
    state, past = empty(), Past()
    for fact in house.facts:
        decoded = decode_fact(fact.body)
        fold(state, decoded, fact.at_us)
        past.see(decoded, state)

    def rows(table: str, past: ExchangePast = past.exchange) -> Iterator[tuple[object, ...]]:
        return EXCHANGE_ROWS[table](state, past)

    positions = {(row[0], row[1]): row[5:10] for row in rows("exchange_position")}
    return Twin([ExchangeOrder(*row) for row in rows("exchange_order")], positions)  # type: ignore[arg-type]  # rows


async def test_every_order_that_was_cleared(postgres_dsn: str, house: House, twin: Twin) -> None:
    await told(postgres_dsn, house)
    kinds = set()
    async with pooled(postgres_dsn) as pool:
        for customer in twin.customers:
            for ending in Ending:
                wanted = Wanted(customer_id=customer, ending=ending)
                rows, markets = await Reads(pool).exchange.cleared(wanted, first=0, count=10_000)
                expected = twin.cleared(customer, ending)
                assert [(row.cleared_at_us, row.order.id, row.cleared_minor) for row in rows] == expected
                assert {row.order.market_id for row in rows} == markets.keys()
                page, _ = await Reads(pool).exchange.cleared(wanted, first=3, count=4)
                assert [row.order.id for row in page] == [number for _, number, _ in expected[3:7]]
                kinds |= {ending for _ in rows}
    assert kinds == set(Ending)


async def test_sums_are_sums(postgres_dsn: str, house: House, twin: Twin) -> None:
    await told(postgres_dsn, house)
    by_id = {order.id: order for order in twin.orders}
    async with pooled(postgres_dsn) as pool:
        for customer in twin.customers:
            wanted = Wanted(customer_id=customer, ending=Ending.SETTLED)
            own = [by_id[number] for _, number, _ in twin.cleared(customer, Ending.SETTLED)]
            for by in Grouping:
                rows, _ = await Reads(pool).exchange.added_up(wanted, by, first=0, count=10_000)
                found = {_key(row, by): (row.orders, row.profit_minor, row.matched_value) for row in rows}
                sums: dict[object, list[int]] = defaultdict(lambda: [0, 0, 0])
                for order in own:
                    for n, value in enumerate((1, order.profit_minor, order.matched_value)):
                        sums[_key(order, by)][n] += value
                assert found == {key: tuple(value) for key, value in sums.items()}, by
                if by in (Grouping.MARKET, Grouping.SPORT):
                    markets = {order.market_id for order in own}
                    commission = sum(twin.positions[market, customer][1] for market in markets)
                    assert sum(row.commission_minor for row in rows) == commission


def _key(row: object, by: Grouping) -> object:
    """By what a row is told apart. There is one sport; nobody trades on two events."""
    names = {"market": (), "runner": ("runner",), "side": ("runner", "side"), "strategy": ("strategy",)}
    return tuple(getattr(row, name) for name in ("market_id", *names[by])) if by in names else 1


async def test_each_filter_leaves_out_the_rest(postgres_dsn: str, house: House, twin: Twin) -> None:
    await told(postgres_dsn, house)
    customer = max(CUSTOMERS, key=lambda number: len(twin.cleared(number, Ending.SETTLED)))
    everything = twin.cleared(customer, Ending.SETTLED)
    by_id = {order.id: order for order in twin.orders}
    at_us, number, _ = everything[len(everything) // 2]
    order = by_id[number]
    runner = house.machine.state.exchange.markets[order.market_id].runners[order.runner]
    named = NamedRunner(order.market_id, runner.selection_id, runner.handicap_quarters)
    of_runner = {each.id for each in twin.orders if (each.market_id, each.runner) == (order.market_id, order.runner)}
    cases: list[tuple[dict[str, object], set[int]]] = [
        ({"market_ids": (order.market_id,)}, {o.id for o in twin.orders if o.market_id == order.market_id}),
        ({"order_ids": (number,)}, {number}),
        ({"side": Side.LAY}, {o.id for o in twin.orders if o.side is Side.LAY}),
        ({"refs": ("ref",)}, {o.id for o in twin.orders if o.ref == "ref"}),
        ({"strategies": ("none",)}, set()),
        ({"runners": (named,)}, of_runner),
        ({"runners": (NamedRunner(order.market_id, runner.selection_id, None),)}, of_runner),
        ({"sport_ids": (1,), "event_ids": (1,)}, set(by_id)),
        ({"sport_ids": (2,)}, set()),
        ({"from_us": at_us}, {n for when, n, _ in everything if when >= at_us}),
        ({"until_us": at_us}, {n for when, n, _ in everything if when <= at_us}),
    ]
    async with pooled(postgres_dsn) as pool:
        for more, kept in cases:
            wanted = Wanted(customer_id=customer, ending=Ending.SETTLED, **more)  # type: ignore[arg-type]
            rows, _ = await Reads(pool).exchange.cleared(wanted, first=0, count=10_000)
            assert [row.order.id for row in rows] == [n for _, n, _ in everything if n in kept], more


async def test_lists_of_orders_and_trades_go_on_where_they_ended(postgres_dsn: str, house: House, twin: Twin) -> None:
    await told(postgres_dsn, house)
    async with pooled(postgres_dsn) as pool:
        exchange, numbers, cursor = Reads(pool).exchange, [], None
        while True:
            rows, cursor = await exchange.orders(customer_id=2, cursor=cursor, limit=7)
            numbers += [row.id for row in rows]
            if cursor is None:
                break
        assert numbers == [order.id for order in reversed(twin.orders) if order.customer_id == 2]
        on_market, _ = await exchange.orders(market_id=1, limit=200)
        assert [row.id for row in on_market] == [o.id for o in reversed(twin.orders) if o.market_id == 1][:200]
        trades, _ = await exchange.trades(customer_id=2, limit=200)
        assert trades
        assert all(2 in (trade.back_customer_id, trade.lay_customer_id) for trade in trades)
        with pytest.raises(projections.InvalidCursor):
            await exchange.trades(cursor="no cursor")


async def told(dsn: str, house: House) -> None:
    async with connected(dsn) as connection:
        await fold_all(connection, house.recorded(), batch=500)
