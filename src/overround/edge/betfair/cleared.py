"""listClearedOrders: what became of a customer's orders, bet by bet or added up by market, event, event type or side.

Profit is in the wallet's currency and before commission, which is of a market: rows that add up whole markets have it.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from overround.book.exchange import ExchangeMarket, VoidResult, reduces
from overround.book.matching import Order
from overround.edge.betfair.bettingparams import BetStatus, ClearedOrdersParams, GroupBy
from overround.edge.betfair.board import Board, MarketView
from overround.edge.betfair.calls import Ask
from overround.edge.betfair.current import MAX_RECORDS, order_type, persistence_type, price_of
from overround.edge.betfair.definitions import handicap, starts_at_us
from overround.edge.betfair.faults import Code, Fault
from overround.edge.betfair.figures import date, date_or_none, market_name, market_number, price, size
from overround.edge.betfair.ordering import average_milli
from overround.edge.betfair.selecting import fits, is_between
from overround.edge.betfair.sports import name_of, number_of, place_of
from overround.edge.betfair.values import MAX_BET_IDS, Shape
from overround.kernel.money import MINOR_DIGITS
from overround.kernel.rounding import half_even

WHOLE_MARKETS: Final = (GroupBy.MARKET, GroupBy.EVENT, GroupBy.EVENT_TYPE)


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


class Found(msgspec.Struct, frozen=True, gc=False):
    """An order that was cleared, when, and how much of it."""

    order: Order
    view: MarketView
    at_us: int
    size_minor: int


class Cleared:
    """The handler."""

    def __init__(self, board: Board) -> None:
        self._board = board

    async def orders(self, ask: Ask) -> ClearedOrders:
        asked: ClearedOrdersParams = ask.params
        if len(asked.bet_ids or ()) > MAX_BET_IDS:
            raise Fault(Code.REQUEST_SIZE_EXCEEDS_LIMIT, f"at most {MAX_BET_IDS} betIds")
        group = asked.group_by or GroupBy.BET
        if group is not GroupBy.BET and asked.bet_status is not BetStatus.SETTLED:
            raise Fault(Code.INVALID_INPUT_DATA, "only settled bets are added up")
        found = sorted(self._found(ask.customer_id, asked), key=lambda each: (-each.at_us, -each.order.id))
        is_described = bool(asked.include_item_description)
        rows = (
            [self._bet(each, asked.bet_status, is_described=is_described) for each in found]
            if group is GroupBy.BET
            else self._grouped(ask.customer_id, found, group, is_described=is_described)
        )
        first, count = asked.from_record or 0, min(asked.record_count or MAX_RECORDS, MAX_RECORDS)
        return ClearedOrders(cleared_orders=rows[first : first + count], more_available=len(rows) > first + count)

    def _found(self, customer_id: int, asked: ClearedOrdersParams) -> Iterator[Found]:
        wanted = {market_number(text) for text in asked.market_ids} if asked.market_ids else None
        for market_id in self._board.of_customer.get(customer_id, ()):
            view = self._board.markets[market_id]
            if (wanted is not None and market_id not in wanted) or not _market_fits(view, asked):
                continue
            for order in self._board.orders_of(customer_id, market_id):
                at_us, size_minor = cleared_as(order, view.market, asked.bet_status)
                if size_minor and is_between(asked.settled_date_range, at_us) and _order_fits(order, view, asked):
                    yield Found(order, view, at_us, size_minor)

    def _bet(self, found: Found, status: BetStatus, *, is_described: bool) -> ClearedOrder:
        order, market = found.order, found.view.market
        runner = market.runners[order.runner]
        is_settled = status in (BetStatus.SETTLED, BetStatus.VOIDED)
        return ClearedOrder(
            **_place(found.view),
            selection_id=runner.selection_id,
            handicap=handicap(runner),
            bet_id=str(order.id),
            placed_date=date(order.placed_at_us),
            persistence_type=persistence_type(order),
            order_type=order_type(order),
            side=order.side.value.upper(),
            item_description=_described(found.view, order.runner) if is_described else None,
            bet_outcome=outcome(order, market) if status is BetStatus.SETTLED else "VOIDED" if is_settled else None,
            price_requested=price_of(order),
            settled_date=date_or_none(found.at_us),
            last_matched_date=date_or_none(order.matched_at_us),
            bet_count=1,
            price_matched=price(average_milli(order)) or None,
            price_reduced=_is_reduced(order, market),
            size_settled=size(found.size_minor) if is_settled else None,
            profit=self._money(order.customer_id, market, order.profit_minor) if status is BetStatus.SETTLED else None,
            size_cancelled=None if is_settled else size(found.size_minor),
            customer_order_ref=order.ref or None,
            customer_strategy_ref=order.strategy or None,
        )

    def _money(self, customer_id: int, market: ExchangeMarket, minor: int) -> float:
        """An amount of the wallet that the customer's position on a market is in."""
        return size(minor, MINOR_DIGITS[market.positions[customer_id].currency])

    def _grouped(
        self, customer_id: int, found: Iterable[Found], group: GroupBy, *, is_described: bool
    ) -> list[ClearedOrder]:
        groups: dict[tuple[object, ...], list[Found]] = {}
        for each in found:
            groups.setdefault(_group_key(each, group), []).append(each)
        return [self._sum(customer_id, members, group, is_described=is_described) for members in groups.values()]

    def _sum(self, customer_id: int, members: list[Found], group: GroupBy, *, is_described: bool) -> ClearedOrder:
        """One row for these, as far down as the group goes."""
        first, orders = members[0], [each.order for each in members]
        markets = {each.view.id: each.view.market for each in members}
        digits = MINOR_DIGITS[first.view.market.positions[customer_id].currency]
        profit = sum(order.profit_minor for order in orders)
        more: dict[str, Any] = _place(first.view)
        if group is GroupBy.EVENT_TYPE:
            more["event_id"] = None
        if group in (GroupBy.EVENT_TYPE, GroupBy.EVENT):
            more["market_id"] = None
        if group in (GroupBy.SIDE, GroupBy.RUNNER):
            more.update(_of_runner(first, orders, group))
        if group is GroupBy.STRATEGY:
            more["customer_strategy_ref"] = first.order.strategy
        if group in WHOLE_MARKETS:
            commission = sum(market.positions[customer_id].commission_minor for market in markets.values())
            more["commission"] = size(commission, digits)
        if is_described and group in (GroupBy.MARKET, GroupBy.SIDE, GroupBy.RUNNER):
            runner = None if group is GroupBy.MARKET else first.order.runner
            more["item_description"] = _described(first.view, runner)
        return ClearedOrder(
            **more,
            bet_outcome="WON" if profit > 0 else "LOST" if profit < 0 else "VOID",
            settled_date=date_or_none(max(each.at_us for each in members)),
            last_matched_date=date_or_none(max(order.matched_at_us for order in orders)),
            bet_count=len(orders),
            profit=size(profit, digits),
        )


def cleared_as(order: Order, market: ExchangeMarket, status: BetStatus) -> tuple[int, int]:
    """When an order was cleared with a status, and how much of it; nothing where it was not."""
    match status:
        case BetStatus.SETTLED:
            is_void = isinstance(market.result, VoidResult)
            return market.settled_at_us, order.matched_minor if market.settled_at_us and not is_void else 0
        case BetStatus.VOIDED:
            if isinstance(market.result, VoidResult) and market.settled_at_us:
                return market.settled_at_us, order.matched_minor + order.voided_minor
            runner = market.runners[order.runner]
            return runner.removed_at_us, order.voided_minor
        case BetStatus.LAPSED:
            return order.lapsed_at_us, order.lapsed_minor
        case BetStatus.CANCELLED:
            return order.cancelled_at_us, order.cancelled_minor


def outcome(order: Order, market: ExchangeMarket) -> str:
    """WON or LOST by what it made; where that is nothing, a part of it was lost and a part won, or it was off."""
    if order.profit_minor:
        return "WON" if order.profit_minor > 0 else "LOST"
    return "VOID" if isinstance(market.result, VoidResult) else "LOST"


def _market_fits(view: MarketView, asked: ClearedOrdersParams) -> bool:
    sport, _, event = place_of(view.catalogue, view.market.event_id)
    return fits(asked.event_type_ids, number_of(sport)) and fits(asked.event_ids, event.id)


def _order_fits(order: Order, view: MarketView, asked: ClearedOrdersParams) -> bool:
    runner = view.market.runners[order.runner]
    named = asked.runner_ids is None or any(
        (market_number(each.market_id), each.selection_id) == (view.id, runner.selection_id)
        and (each.handicap is None or int(each.handicap * 4) == runner.handicap_quarters)
        for each in asked.runner_ids
    )
    return (
        named
        and fits(asked.bet_ids, order.id)
        and fits(asked.customer_order_refs, order.ref)
        and fits(asked.customer_strategy_refs, order.strategy)
        and (asked.side is None or order.side.value == asked.side.value.lower())
    )


def _group_key(found: Found, group: GroupBy) -> tuple[object, ...]:
    order, view = found.order, found.view
    match group:
        case GroupBy.EVENT_TYPE:
            return (number_of(place_of(view.catalogue, view.market.event_id)[0]),)
        case GroupBy.EVENT:
            return (view.market.event_id,)
        case GroupBy.MARKET | GroupBy.BET:
            return (view.id,)
        case GroupBy.RUNNER:
            return view.id, order.runner
        case GroupBy.SIDE:
            return view.id, order.runner, order.side
        case GroupBy.STRATEGY:
            return view.id, order.strategy


def _of_runner(first: Found, orders: list[Order], group: GroupBy) -> dict[str, Any]:
    """What a row about one runner also has."""
    runner = first.view.market.runners[first.order.runner]
    more: dict[str, Any] = {"selection_id": runner.selection_id, "handicap": handicap(runner)}
    if group is GroupBy.SIDE:
        matched = sum(order.matched_minor for order in orders)
        value = sum(order.matched_value for order in orders)
        asked = sum(order.matched_minor * order.price_milli for order in orders)
        more.update(
            side=first.order.side.value.upper(),
            price_matched=price(half_even(value, matched)),
            price_requested=price(half_even(asked, matched)),
            size_settled=size(matched),
        )
    return more


def _place(view: MarketView) -> dict[str, Any]:
    sport, _, event = place_of(view.catalogue, view.market.event_id)
    return {"event_type_id": str(number_of(sport)), "event_id": str(event.id), "market_id": market_name(view.id)}


def _described(view: MarketView, runner: int | None) -> ItemDescription:
    sport, _, event = place_of(view.catalogue, view.market.event_id)
    terms = view.market.terms
    return ItemDescription(
        event_type_desc=name_of(sport),
        event_desc=event.name,
        market_desc=terms.name,
        market_type=terms.market_type,
        market_start_time=date(starts_at_us(view.market, view.catalogue)),
        number_of_winners=terms.winners,
        runner_desc=view.market.runners[runner].name if runner is not None else None,
        each_way_divisor=float(terms.each_way_divisor) if terms.each_way_divisor else None,
    )


def _is_reduced(order: Order, market: ExchangeMarket) -> bool:
    """Whether a runner was removed after the order was placed that reduced the prices of the others."""
    return any(
        runner.removed_at_us > order.placed_at_us and reduces(runner.factor_bp) and number != order.runner
        for number, runner in enumerate(market.runners)
    )
