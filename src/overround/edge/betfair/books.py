"""Market books, runner books, and what a customer's position on a market would come to."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from overround.book.exchange import Betting, RunnerStatus
from overround.book.matching import Order
from overround.edge.betfair.bettingparams import (
    BestOffersOverrides,
    BookParams,
    MarketBookParams,
    MatchProjection,
    PriceData,
    PriceProjection,
    ProfitParams,
    RollupModel,
    RunnerBookParams,
)
from overround.edge.betfair.board import Board, Both, MarketView, RunnerView
from overround.edge.betfair.calls import Ask
from overround.edge.betfair.current import OrderRow, is_projected, order_row
from overround.edge.betfair.definitions import (
    PASSIVE,
    PERCENT_BP,
    active_count,
    bet_delay_s,
    handicap,
    removal_date,
    status_of,
)
from overround.edge.betfair.faults import Code, Fault
from overround.edge.betfair.figures import (
    SCALES,
    UNIT_MILLI,
    date,
    date_or_none,
    market_name,
    market_number,
    micros,
    price,
    size,
)
from overround.edge.betfair.listing import MAX_POINTS, check_ids
from overround.edge.betfair.pictures import Ladder, Levels
from overround.edge.betfair.values import Shape
from overround.kernel.rounding import half_even

DEFAULT_DEPTH: Final = 3
MOST_DEPTH: Final = 10
ALL_LEVELS: Final = 10_000
DEFAULT_ROLLUP: Final = 1
"""The least stake of a level that is rolled up, in units of the market's currency, where no limit is given."""

PROFIT_WEIGHT: Final = 4


class PriceSize(Shape, frozen=True):
    price: float
    size: float


class Exchange(Shape, frozen=True):
    available_to_back: list[PriceSize]
    available_to_lay: list[PriceSize]
    traded_volume: list[PriceSize]


class RunnerBookShape(Shape, frozen=True):
    selection_id: int
    handicap: float
    status: str
    total_matched: float
    adjustment_factor: float | None = None
    last_price_traded: float | None = None
    removal_date: str | None = None
    sp: dict[str, Any] | None = None
    ex: Exchange | None = None
    orders: list[OrderRow] | None = None
    matches: list[dict[str, Any]] | None = None
    matches_by_strategy: dict[str, list[dict[str, Any]]] | None = None


class MarketBookShape(Shape, frozen=True):
    market_id: str
    is_market_data_delayed: bool
    status: str
    bet_delay: int
    bsp_reconciled: bool
    complete: bool
    inplay: bool
    number_of_winners: int
    number_of_runners: int
    number_of_active_runners: int
    total_matched: float
    total_available: float
    cross_matching: bool
    runners_voidable: bool
    version: int
    runners: list[RunnerBookShape]
    last_match_time: str | None = None
    bet_delay_models: list[str] | None = None


class RunnerProfit(Shape, frozen=True):
    selection_id: int
    if_win: float
    if_lose: float | None = None


class MarketProfit(Shape, frozen=True):
    market_id: str
    profit_and_losses: list[RunnerProfit]
    commission_applied: float | None = None


def weight_of(wanted: PriceProjection | None) -> float:
    """What one market weighs in a request, by Betfair's table of market data request limits."""
    data = frozenset(wanted.price_data or ()) if wanted is not None else frozenset()
    if not data:
        return 2
    weight = 0.0
    if PriceData.SP_AVAILABLE in data:
        weight += 3
    if PriceData.SP_TRADED in data:
        weight += 7
    traded = PriceData.EX_TRADED in data
    if PriceData.EX_ALL_OFFERS in data:
        weight += 32 if traded else 17
    elif PriceData.EX_BEST_OFFERS in data:
        weight += (20 if traded else 5) * depth_of(wanted) / DEFAULT_DEPTH
    elif traded:
        weight += 17
    return weight


def depth_of(wanted: PriceProjection | None) -> int:
    """How many levels of best offers."""
    overrides = wanted.ex_best_offers_overrides if wanted is not None else None
    return min((overrides.best_prices_depth if overrides is not None else None) or DEFAULT_DEPTH, MOST_DEPTH)


Sizes = Callable[[int], float]
"""Writes minor units of a market's currency as a size."""


def rolled_up(levels: Levels, wanted: BestOffersOverrides | None) -> Levels:
    """Levels gathered, best first, until each has what the model asks for; what remains at the end is not shown."""
    model = wanted.rollup_model if wanted is not None else None
    if model not in (RollupModel.STAKE, RollupModel.PAYOUT):
        return levels
    assert wanted is not None
    limit_minor = SCALES[2] * (DEFAULT_ROLLUP if wanted.rollup_limit is None else wanted.rollup_limit)
    found, gathered = [], 0
    for at, minor in levels:
        gathered += minor
        worth = gathered if model is RollupModel.STAKE else gathered * at // UNIT_MILLI
        if worth >= limit_minor:
            found.append((at, gathered))
            gathered = 0
    return tuple(found)


class Books:
    """The handlers."""

    def __init__(self, board: Board) -> None:
        self._board = board

    async def market_book(self, ask: Ask) -> list[MarketBookShape]:
        asked: MarketBookParams = ask.params
        check_ids(asked.market_ids, asked.bet_ids)
        weight = weight_of(asked.price_projection)
        if weight * len(asked.market_ids) > MAX_POINTS:
            raise Fault(Code.TOO_MUCH_DATA, f"weight {weight:g} × {len(asked.market_ids)} markets is over {MAX_POINTS}")
        numbers = dict.fromkeys(map(market_number, asked.market_ids))
        views = [view for number in numbers if (view := self._board.markets.get(number)) is not None]
        return [self._book(ask, view, view.runners) for view in views]

    async def runner_book(self, ask: Ask) -> list[MarketBookShape]:
        asked: RunnerBookParams = ask.params
        view = self._board.markets.get(market_number(asked.market_id))
        if view is None:
            return []
        quarters = int((asked.handicap or 0) * 4)
        runners = [
            each
            for each in view.runners
            if (each.selection_id, each.runner.handicap_quarters) == (asked.selection_id, quarters)
        ]
        if not runners:
            raise Fault(Code.INVALID_INPUT_DATA, "the market has no such runner")
        return [self._book(ask, view, runners)]

    def _book(self, ask: Ask, view: MarketView, runners: Sequence[RunnerView]) -> MarketBookShape:
        market, terms = view.market, view.market.terms
        sizes = self._sizes(terms.currency, ask.params.currency_code)
        available = sum(sum(each.ladder(name).values()) for each in view.runners for name in ("atb", "atl"))
        return MarketBookShape(
            market_id=market_name(view.id),
            is_market_data_delayed=ask.is_delayed,
            status=status_of(market, view.catalogue),
            bet_delay=bet_delay_s(market),
            bsp_reconciled=market.reconciled,
            complete=True,
            inplay=market.in_play,
            number_of_winners=terms.winners,
            number_of_runners=len(market.runners),
            number_of_active_runners=active_count(market),
            total_matched=sizes(view.tv_minor),
            total_available=sizes(available),
            cross_matching=terms.crossing,
            runners_voidable=terms.runners_voidable,
            version=market.version,
            runners=[self._runner(ask, view, runner, sizes) for runner in runners],
            last_match_time=date_or_none(view.last_match_us),
            bet_delay_models=[PASSIVE] if market.passive else None,
        )

    def _sizes(self, currency: str, wanted: str | None) -> Sizes:
        """How sizes are written in the currency that is asked for, by default the market's. Raises Fault:
        INVALID_INPUT_DATA."""
        if wanted is None or wanted == currency:
            return size
        rate = self._board.rates(currency).get(wanted)
        if rate is None:
            raise Fault(Code.INVALID_INPUT_DATA, "currencyCode has no rate here")
        return lambda minor: round(size(minor) * rate, 2)

    def _runner(self, ask: Ask, view: MarketView, each: RunnerView, sizes: Sizes) -> RunnerBookShape:
        asked: BookParams = ask.params
        runner, wanted = each.runner, asked.price_projection
        data = frozenset(wanted.price_data or ()) if wanted is not None else frozenset()
        orders, matches, by_strategy = self._own(ask.customer_id, asked, view, each.number)
        return RunnerBookShape(
            selection_id=runner.selection_id,
            handicap=handicap(runner),
            status=runner.status.value.upper(),
            total_matched=sizes(each.tv_minor),
            adjustment_factor=runner.factor_bp / PERCENT_BP if runner.factor_bp else None,
            last_price_traded=price(each.ltp_milli) if each.ltp_milli else None,
            removal_date=removal_date(runner),
            sp=_start(each, sizes) if data & {PriceData.SP_AVAILABLE, PriceData.SP_TRADED} else None,
            ex=_exchange(each, data, wanted, sizes) if data - {PriceData.SP_AVAILABLE, PriceData.SP_TRADED} else None,
            orders=orders,
            matches=matches,
            matches_by_strategy=by_strategy,
        )

    def _own(
        self, customer_id: int, asked: BookParams, view: MarketView, runner: int
    ) -> tuple[list[OrderRow] | None, list[dict[str, Any]] | None, dict[str, list[dict[str, Any]]] | None]:
        """The customer's orders and matches on a runner, where they were asked for."""
        own = [
            order
            for order in self._board.orders_of(customer_id, view.id)
            if order.runner == runner
            and (not asked.bet_ids or order.id in asked.bet_ids)
            and (not asked.customer_strategy_refs or order.strategy in asked.customer_strategy_refs)
            and (asked.matched_since is None or order.matched_at_us >= micros(asked.matched_since))
        ]
        orders = None
        if asked.order_projection is not None:
            orders = [order_row(order) for order in own if is_projected(order, asked.order_projection)]
        if asked.match_projection is None:
            return orders, None, None
        if asked.match_projection is MatchProjection.NO_ROLLUP:
            return orders, _fragments(own, view), None
        by_strategy = view.matched.get(customer_id, {}).get(runner, {})
        is_average = asked.match_projection is MatchProjection.ROLLED_UP_BY_AVG_PRICE
        partitioned = None
        if asked.partition_matched_by_strategy_ref:
            partitioned = {name: _rolled(both, is_average) for name, both in by_strategy.items() if name}
        overall = None
        if asked.include_overall_position is not False:
            overall = _rolled(by_strategy.get("", ({}, {})), is_average)
        return orders, overall, partitioned

    async def profit(self, ask: Ask) -> list[MarketProfit]:
        asked: ProfitParams = ask.params
        check_ids(asked.market_ids)
        if PROFIT_WEIGHT * len(asked.market_ids) > MAX_POINTS:
            raise Fault(Code.TOO_MUCH_DATA, f"weight {PROFIT_WEIGHT} × {len(asked.market_ids)} is over {MAX_POINTS}")
        numbers = dict.fromkeys(map(market_number, asked.market_ids))
        views = [view for number in numbers if (view := self._board.markets.get(number)) is not None]
        return [
            self._profit(ask.customer_id, view, is_net=bool(asked.net_of_commission))
            for view in views
            if view.market.terms.betting is Betting.ODDS and not view.market.terms.each_way_divisor
        ]

    def _profit(self, customer_id: int, view: MarketView, *, is_net: bool) -> MarketProfit:
        terms = view.market.terms
        own = view.matched.get(customer_id, {})
        results = {number: _win_lose(own.get(number, {}).get("", ({}, {}))) for number in range(len(view.runners))}
        lost = sum(lose for _, lose in results.values())
        discount_bp = self._board.discount_bp(customer_id) if terms.discount_allowed else 0
        rate = terms.base_rate_bp * (10_000 - discount_bp) / 10_000

        def shown(milli: int) -> float:
            net = milli * (1 - rate / 10_000) if is_net and milli > 0 else milli
            return size(half_even(round(net), 1_000))

        rows = [
            RunnerProfit(
                selection_id=runner.selection_id,
                if_win=shown(win + lost - lose),
                if_lose=shown(lost - win) if terms.winners != 1 else None,
            )
            for number, (win, lose) in results.items()
            if (runner := view.market.runners[number]).status is not RunnerStatus.REMOVED
        ]
        return MarketProfit(
            market_id=market_name(view.id),
            profit_and_losses=rows,
            commission_applied=rate / PERCENT_BP if is_net else None,
        )


def _win_lose(both: Both) -> tuple[int, int]:
    """What a runner's matches come to where it wins and where it loses, in thousandths of minor units."""
    backs, lays = both
    win = sum(stake * (at - 1_000) for at, stake in backs.items())
    win -= sum(stake * (at - 1_000) for at, stake in lays.items())
    return win, 1_000 * (sum(lays.values()) - sum(backs.values()))


def _levels(levels: Levels, sizes: Sizes) -> list[PriceSize]:
    return [PriceSize(price=price(at), size=sizes(minor)) for at, minor in levels]


def _ladder(ladder: Ladder, sizes: Sizes) -> list[PriceSize]:
    return _levels(tuple(sorted(ladder.items())), sizes)


def _exchange(each: RunnerView, data: frozenset[PriceData], wanted: PriceProjection | None, sizes: Sizes) -> Exchange:
    traded = _ladder(each.ladder("trd"), sizes) if PriceData.EX_TRADED in data else []
    back, lay = ([], []) if wanted is None else (_offers(each, name, data, wanted, sizes) for name in ("tb", "tl"))
    return Exchange(available_to_back=back, available_to_lay=lay, traded_volume=traded)


def _offers(
    each: RunnerView, side: str, data: frozenset[PriceData], wanted: PriceProjection, sizes: Sizes
) -> list[PriceSize]:
    """What is on offer on one side: all of it, or the best levels."""
    name = f"bda{side}" if wanted.virtualise else f"ba{side}"
    if PriceData.EX_ALL_OFFERS in data:
        return _levels(each.best(name, ALL_LEVELS), sizes)
    if PriceData.EX_BEST_OFFERS not in data:
        return []
    overrides, depth = wanted.ex_best_offers_overrides, depth_of(wanted)
    is_gathered = overrides is not None and overrides.rollup_model is not None
    levels = each.best(name, ALL_LEVELS if is_gathered else depth)
    return _levels(rolled_up(levels, overrides)[:depth], sizes)


def _start(each: RunnerView, sizes: Sizes) -> dict[str, Any]:
    found: dict[str, Any] = {
        "backStakeTaken": _ladder(each.ladder("spl"), sizes),
        "layLiabilityTaken": _ladder(each.ladder("spb"), sizes),
    }
    named = (("nearPrice", each.near_milli), ("farPrice", each.far_milli), ("actualSP", each.runner.sp_milli))
    found.update({name: price(milli) for name, milli in named if milli})
    return found


def _rolled(both: Both, is_average: bool) -> list[dict[str, Any]]:
    """Matches by price, or one for each side at its average."""
    rows = []
    for side, prices in zip(("BACK", "LAY"), both, strict=True):
        whole = sum(prices.values())
        if is_average and whole:
            average = half_even(sum(at * minor for at, minor in prices.items()), whole)
            rows.append({"side": side, "price": price(average), "size": size(whole)})
        elif not is_average:
            rows += [{"side": side, "price": price(at), "size": size(minor)} for at, minor in sorted(prices.items())]
    return rows


def _fragments(own: Iterable[Order], view: MarketView) -> list[dict[str, Any]]:
    """Every match of these orders by itself."""
    ids = {order.id: order for order in own if order.matched_minor}
    return [
        {
            "betId": str(order.id),
            "matchId": str(trade.id),
            "side": order.side.value.upper(),
            "price": price(trade.price_milli),
            "size": size(trade.size_minor),
            "matchDate": date(order.matched_at_us),
        }
        for trade in view.book.trades
        for number in (trade.back, trade.lay)
        if (order := ids.get(number)) is not None
    ]
