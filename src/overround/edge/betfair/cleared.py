"""listClearedOrders: what became of a customer's orders, bet by bet or added up by market, event, event type or side.

Read from the tables, which know every order there ever was; the answer shows at least what this gateway has told the
customer. Profit is in the wallet's currency and before commission, which is of a market: rows that add up whole markets
have it.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from overround.book.catalogue import CatalogueState
from overround.book.exchange import ExchangeMarket, reduces
from overround.book.exposure import Side
from overround.edge.betfair.bettingparams import BetStatus, ClearedOrdersParams, GroupBy
from overround.edge.betfair.board import Board
from overround.edge.betfair.calls import Ask
from overround.edge.betfair.current import MAX_RECORDS, order_type, persistence_type, price_of
from overround.edge.betfair.definitions import handicap, starts_at_us
from overround.edge.betfair.faults import Code, Fault
from overround.edge.betfair.figures import date, date_or_none, market_name, market_number, micros, price, size
from overround.edge.betfair.ordering import average_milli
from overround.edge.betfair.sports import name_of, number_of, place_of
from overround.edge.betfair.values import MAX_BET_IDS, Shape
from overround.edge.reading import Reading
from overround.kernel.money import MINOR_DIGITS
from overround.kernel.rounding import half_even
from overround.projections import ClearedOrder as Row
from overround.projections import ClearedSum, Ending, ExchangeOrder, Grouping, Markets, NamedRunner, Reads, Wanted

GROUPS: Final = {
    GroupBy.EVENT_TYPE: Grouping.SPORT,
    GroupBy.EVENT: Grouping.EVENT,
    GroupBy.MARKET: Grouping.MARKET,
    GroupBy.RUNNER: Grouping.RUNNER,
    GroupBy.SIDE: Grouping.SIDE,
    GroupBy.STRATEGY: Grouping.STRATEGY,
}
WHOLE_MARKETS: Final = (GroupBy.MARKET, GroupBy.EVENT, GroupBy.EVENT_TYPE)
MAX_DEEP: Final = 100_000
"""How far into a list `fromRecord` leads: every record before it is read, too. A date range leads further."""

MAX_SPORTS: Final = 10_000
DESCRIBED: Final = (GroupBy.MARKET, GroupBy.SIDE, GroupBy.RUNNER)


class ItemDescription(Shape, frozen=True):
    event_type_desc: str
    event_desc: str
    market_desc: str
    market_type: str
    market_start_time: str
    number_of_winners: int
    runner_desc: str | None = None
    each_way_divisor: float | None = None


class ClearedOrder(Shape, frozen=True):
    event_type_id: str
    event_id: str | None = None
    market_id: str | None = None
    selection_id: int | None = None
    handicap: float | None = None
    bet_id: str | None = None
    placed_date: str | None = None
    persistence_type: str | None = None
    order_type: str | None = None
    side: str | None = None
    item_description: ItemDescription | None = None
    bet_outcome: str | None = None
    price_requested: float | None = None
    settled_date: str | None = None
    last_matched_date: str | None = None
    bet_count: int | None = None
    commission: float | None = None
    price_matched: float | None = None
    price_reduced: bool | None = None
    size_settled: float | None = None
    profit: float | None = None
    size_cancelled: float | None = None
    customer_order_ref: str | None = None
    customer_strategy_ref: str | None = None


class ClearedOrders(Shape, frozen=True, omit_defaults=False):
    cleared_orders: list[ClearedOrder]
    more_available: bool


class Cleared:
    """The handler."""

    def __init__(self, board: Board, reading: Reading) -> None:
        self._board, self._reading = board, reading

    async def orders(self, ask: Ask) -> ClearedOrders:
        asked: ClearedOrdersParams = ask.params
        if len(asked.bet_ids or ()) > MAX_BET_IDS:
            raise Fault(Code.REQUEST_SIZE_EXCEEDS_LIMIT, f"at most {MAX_BET_IDS} betIds")
        group = asked.group_by or GroupBy.BET
        if group is not GroupBy.BET and asked.bet_status is not BetStatus.SETTLED:
            raise Fault(Code.INVALID_INPUT_DATA, "only settled bets are added up")
        first, count = asked.from_record or 0, min(asked.record_count or MAX_RECORDS, MAX_RECORDS)
        if first > MAX_DEEP:
            raise Fault(Code.INVALID_INPUT_DATA, f"fromRecord is at most {MAX_DEEP}")
        wanted = wanted_of(ask.customer_id, asked, self._board.catalogue)
        rows = await (
            self._bets(wanted, asked, first, count + 1)
            if group is GroupBy.BET
            else self._sums(wanted, asked, group, first, count + 1)
        )
        return ClearedOrders(cleared_orders=rows[:count], more_available=len(rows) > count)

    async def _bets(self, wanted: Wanted, asked: ClearedOrdersParams, first: int, count: int) -> list[ClearedOrder]:
        async def found(reads: Reads) -> tuple[list[Row], Markets]:
            return await reads.exchange.cleared(wanted, first=first, count=count)

        rows, markets = await self._reading.ask(found, min_seq=self._board.expected(wanted.customer_id))
        catalogue, is_described = self._board.catalogue, bool(asked.include_item_description)
        return [
            _bet(row, markets[row.order.market_id], catalogue, asked.bet_status, is_described=is_described)
            for row in rows
        ]

    async def _sums(
        self, wanted: Wanted, asked: ClearedOrdersParams, group: GroupBy, first: int, count: int
    ) -> list[ClearedOrder]:
        """Several sports may have one number here, so those are all read and then put together."""
        is_wide = group is GroupBy.EVENT_TYPE

        async def found(reads: Reads) -> tuple[list[ClearedSum], Markets]:
            whole = {"first": 0, "count": MAX_SPORTS} if is_wide else {"first": first, "count": count}
            return await reads.exchange.added_up(wanted, GROUPS[group], **whole)

        rows, markets = await self._reading.ask(found, min_seq=self._board.expected(wanted.customer_id))
        catalogue = self._board.catalogue
        if is_wide:
            rows = _by_number(rows, catalogue)[first : first + count]
        is_described = bool(asked.include_item_description) and group in DESCRIBED
        return [_sum(row, markets.get(row.market_id), catalogue, group, is_described=is_described) for row in rows]


def wanted_of(customer_id: int, asked: ClearedOrdersParams, catalogue: CatalogueState) -> Wanted:
    """What a request asks the tables for."""
    between, numbers = asked.settled_date_range, asked.event_type_ids
    runners = [
        NamedRunner(
            market_number(each.market_id), each.selection_id, None if each.handicap is None else int(each.handicap * 4)
        )
        for each in asked.runner_ids or ()
    ]
    return Wanted(
        customer_id=customer_id,
        ending=Ending(asked.bet_status.value.lower()),
        market_ids=tuple(map(market_number, asked.market_ids)) if asked.market_ids else None,
        event_ids=asked.event_ids or None,
        sport_ids=(
            tuple(sport.id for sport in catalogue.sports.values() if number_of(sport) in numbers) if numbers else None
        ),
        runners=tuple(runners) if asked.runner_ids is not None else None,
        order_ids=asked.bet_ids or None,
        refs=asked.customer_order_refs or None,
        strategies=asked.customer_strategy_refs or None,
        side=Side(asked.side.value.lower()) if asked.side is not None else None,
        from_us=micros(between.from_) if between is not None and between.from_ is not None else None,
        until_us=micros(between.to) if between is not None and between.to is not None else None,
    )


def _bet(
    row: Row, market: ExchangeMarket, catalogue: CatalogueState, status: BetStatus, *, is_described: bool
) -> ClearedOrder:
    order = row.order
    runner = market.runners[order.runner]
    is_settled = status in (BetStatus.SETTLED, BetStatus.VOIDED)
    return ClearedOrder(
        **_place(market, catalogue),
        selection_id=runner.selection_id,
        handicap=handicap(runner),
        bet_id=str(order.id),
        placed_date=date(order.placed_at_us),
        persistence_type=persistence_type(order),
        order_type=order_type(order),
        side=order.side.value.upper(),
        item_description=_described(market, order.runner, catalogue) if is_described else None,
        bet_outcome=_outcome(order.profit_minor) if status is BetStatus.SETTLED else "VOIDED" if is_settled else None,
        price_requested=price_of(order),
        settled_date=date_or_none(row.cleared_at_us),
        last_matched_date=date_or_none(order.matched_at_us),
        bet_count=1,
        price_matched=price(average_milli(order)) or None,
        price_reduced=_is_reduced(order, market),
        size_settled=size(row.cleared_minor) if is_settled else None,
        profit=size(order.profit_minor, MINOR_DIGITS[row.currency]) if status is BetStatus.SETTLED else None,
        size_cancelled=None if is_settled else size(row.cleared_minor),
        customer_order_ref=order.ref or None,
        customer_strategy_ref=order.strategy or None,
    )


def _outcome(profit_minor: int) -> str:
    """WON or LOST by what it made; where that is nothing, a part of it was lost and a part won."""
    return "WON" if profit_minor > 0 else "LOST"


def _by_number(rows: Iterable[ClearedSum], catalogue: CatalogueState) -> list[ClearedSum]:
    """Sums of sports that share a number, together."""
    merged: dict[int, ClearedSum] = {}
    for row in rows:
        number = number_of(catalogue.sports[row.sport_id])
        other = merged.get(number)
        merged[number] = row if other is None else _merged(other, row)
    return list(merged.values())


def _merged(one: ClearedSum, other: ClearedSum) -> ClearedSum:
    added = ("orders", "profit_minor", "commission_minor", "matched_minor", "matched_value", "asked_value")
    more = {name: getattr(one, name) + getattr(other, name) for name in added}
    latest = {name: max(getattr(one, name), getattr(other, name)) for name in ("settled_at_us", "matched_at_us")}
    return msgspec.structs.replace(one, **more, **latest)


def _sum(
    row: ClearedSum,
    market: ExchangeMarket | None,
    catalogue: CatalogueState,
    group: GroupBy,
    *,
    is_described: bool,
) -> ClearedOrder:
    """One row for several orders, as far down as the group goes."""
    digits = MINOR_DIGITS[row.currency]
    more: dict[str, Any] = {"event_type_id": str(number_of(catalogue.sports[row.sport_id]))}
    if row.event_id:
        more["event_id"] = str(row.event_id)
    if market is not None:
        more.update(_place(market, catalogue), **_of_runner(row, market, group))
        if is_described:
            more["item_description"] = _described(market, row.runner, catalogue)
    if group is GroupBy.STRATEGY:
        more["customer_strategy_ref"] = row.strategy
    if group in WHOLE_MARKETS:
        more["commission"] = size(row.commission_minor, digits)
    return ClearedOrder(
        **more,
        bet_outcome="WON" if row.profit_minor > 0 else "LOST" if row.profit_minor < 0 else "VOID",
        settled_date=date_or_none(row.settled_at_us),
        last_matched_date=date_or_none(row.matched_at_us),
        bet_count=row.orders,
        profit=size(row.profit_minor, digits),
    )


def _of_runner(row: ClearedSum, market: ExchangeMarket, group: GroupBy) -> dict[str, Any]:
    """What a row about one runner also has."""
    if row.runner is None:
        return {}
    runner = market.runners[row.runner]
    more: dict[str, Any] = {"selection_id": runner.selection_id, "handicap": handicap(runner)}
    if group is GroupBy.SIDE:
        more.update(
            side=row.side.upper(),
            price_matched=price(half_even(row.matched_value, row.matched_minor)),
            price_requested=price(half_even(row.asked_value, row.matched_minor)),
            size_settled=size(row.matched_minor),
        )
    return more


def _place(market: ExchangeMarket, catalogue: CatalogueState) -> dict[str, Any]:
    sport, _, event = place_of(catalogue, market.event_id)
    return {"event_type_id": str(number_of(sport)), "event_id": str(event.id), "market_id": market_name(market.id)}


def _described(market: ExchangeMarket, runner: int | None, catalogue: CatalogueState) -> ItemDescription:
    sport, _, event = place_of(catalogue, market.event_id)
    terms = market.terms
    return ItemDescription(
        event_type_desc=name_of(sport),
        event_desc=event.name,
        market_desc=terms.name,
        market_type=terms.market_type,
        market_start_time=date(starts_at_us(market, catalogue)),
        number_of_winners=terms.winners,
        runner_desc=market.runners[runner].name if runner is not None else None,
        each_way_divisor=float(terms.each_way_divisor) if terms.each_way_divisor else None,
    )


def _is_reduced(order: ExchangeOrder, market: ExchangeMarket) -> bool:
    """Whether a runner was removed after the order was placed that reduced the prices of the others."""
    return any(
        runner.removed_at_us > order.placed_at_us and reduces(runner.factor_bp) and number != order.runner
        for number, runner in enumerate(market.runners)
    )
