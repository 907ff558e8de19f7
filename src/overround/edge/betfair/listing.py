"""What is on offer: the lists of the catalogue by sport, competition, event, time, type, country and venue, and the
market catalogue itself. All from memory."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Final

from overround.book.catalogue import Competition, Event
from overround.book.matching import OrderStatus
from overround.edge.betfair.bettingparams import (
    CatalogueParams,
    FilterParams,
    Granularity,
    MarketFilter,
    MarketProjection,
    MarketSort,
    TimeRangesParams,
)
from overround.edge.betfair.board import Board, MarketView
from overround.edge.betfair.calls import Ask
from overround.edge.betfair.definitions import (
    PASSIVE,
    PERCENT_BP,
    LadderShape,
    betting_type,
    handicap,
    is_over,
    ladder_type,
    starts_at_us,
)
from overround.edge.betfair.faults import Code, Fault
from overround.edge.betfair.figures import date, market_name, market_number, price, size
from overround.edge.betfair.selecting import chosen
from overround.edge.betfair.sports import name_of, number_of, place_of
from overround.edge.betfair.values import MAX_IDS, Shape
from overround.kernel.instant import DAY_US, HOUR_US, MINUTE_US
from overround.kernel.ladder import LadderKind

MAX_POINTS: Final = 200
"""What one request may weigh: its weight for each market times their number, as on Betfair."""

MAX_RESULTS: Final = 1_000
CATALOGUE_WEIGHTS: Final = {MarketProjection.MARKET_DESCRIPTION: 1, MarketProjection.RUNNER_METADATA: 1}
GRAINS_US: Final = {Granularity.DAYS: DAY_US, Granularity.HOURS: HOUR_US, Granularity.MINUTES: MINUTE_US}
WITH_ORDERS: Final = {
    "EXECUTABLE": (OrderStatus.EXECUTABLE, OrderStatus.PENDING),
    "EXECUTION_COMPLETE": (OrderStatus.COMPLETE, OrderStatus.EXPIRED),
}


class Named(Shape, frozen=True):
    id: str
    name: str


class EventShape(Shape, frozen=True):
    id: str
    name: str
    timezone: str
    open_date: str
    country_code: str | None = None
    venue: str | None = None


class LineRange(Shape, frozen=True):
    max_unit_value: float
    min_unit_value: float
    interval: float
    market_unit: str


class Description(Shape, frozen=True):
    persistence_enabled: bool
    bsp_market: bool
    market_time: str
    suspend_time: str
    betting_type: str
    turn_in_play_enabled: bool
    market_type: str
    regulator: str
    market_base_rate: float
    discount_allowed: bool
    wallet: str
    rules: str
    rules_has_date: bool
    price_ladder_description: LadderShape
    bet_delay_models: list[str] | None = None
    each_way_divisor: float | None = None
    line_range_info: LineRange | None = None
    race_type: str | None = None


class RunnerShape(Shape, frozen=True):
    selection_id: int
    runner_name: str
    handicap: float
    sort_priority: int
    metadata: dict[str, str] | None = None


class CatalogueShape(Shape, frozen=True):
    market_id: str
    market_name: str
    total_matched: float
    market_start_time: str | None = None
    description: Description | None = None
    competition: Named | None = None
    event: EventShape | None = None
    event_type: Named | None = None
    runners: list[RunnerShape] | None = None


def check_ids(*lists: Iterable[object] | None) -> None:
    """Raises Fault: REQUEST_SIZE_EXCEEDS_LIMIT."""
    if sum(len(tuple(each)) for each in lists if each is not None) > MAX_IDS:
        raise Fault(Code.REQUEST_SIZE_EXCEEDS_LIMIT, f"at most {MAX_IDS} ids in a request")


class Listing:
    """The handlers."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def found(self, wanted: MarketFilter, customer_id: int) -> list[MarketView]:
        """The markets that a filter means, but for those that are closed. Raises Fault: REQUEST_SIZE_EXCEEDS_LIMIT."""
        check_ids(wanted.market_ids)
        found = chosen(wanted, [view for view in self._named(wanted.market_ids) if not is_over(view.market)])
        if wanted.with_orders:
            wished = {status for name in wanted.with_orders for status in WITH_ORDERS.get(name, ())}
            found = [view for view in found if self._has_orders(view, customer_id, wished)]
        return found

    def _named(self, names: Sequence[str] | None) -> Iterable[MarketView]:
        """The markets of these ids, in the board's order; of no ids, all."""
        known = self._board.markets
        if not names:
            return known.values()
        return [known[number] for number in sorted(set(map(market_number, names))) if number in known]

    def _has_orders(self, view: MarketView, customer_id: int, wished: set[OrderStatus]) -> bool:
        return any(order.status in wished for order in self._board.orders_of(customer_id, view.id))

    def _counted(
        self, ask: Ask, key: Callable[[MarketView], Hashable], row: Callable[[MarketView], dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """One row for each value of a key, with how many markets have it."""
        asked: FilterParams = ask.params
        rows: dict[Hashable, dict[str, Any]] = {}
        for view in self.found(asked.filter, ask.customer_id):
            value = key(view)
            if value in ("", 0):
                continue
            if value not in rows:
                rows[value] = {**row(view), "marketCount": 0}
            rows[value]["marketCount"] += 1
        return list(rows.values())

    async def event_types(self, ask: Ask) -> list[dict[str, Any]]:
        return self._counted(ask, self._event_type_id, lambda view: {"eventType": self._event_type(view)})

    async def competitions(self, ask: Ask) -> list[dict[str, Any]]:
        return self._counted(
            ask,
            lambda view: self._competition(view).id,
            lambda view: {
                "competition": _named(self._competition(view)),
                "competitionRegion": view.market.terms.country,
            },
        )

    async def events(self, ask: Ask) -> list[dict[str, Any]]:
        return self._counted(ask, lambda view: view.market.event_id, lambda view: {"event": self._event(view)})

    async def market_types(self, ask: Ask) -> list[dict[str, Any]]:
        return self._counted(ask, _market_type, lambda view: {"marketType": _market_type(view)})

    async def countries(self, ask: Ask) -> list[dict[str, Any]]:
        return self._counted(ask, _country, lambda view: {"countryCode": _country(view)})

    async def venues(self, ask: Ask) -> list[dict[str, Any]]:
        return self._counted(ask, _venue, lambda view: {"venue": _venue(view)})

    async def time_ranges(self, ask: Ask) -> list[dict[str, Any]]:
        asked: TimeRangesParams = ask.params
        grain_us = GRAINS_US[asked.granularity]

        def grain(view: MarketView) -> int:
            return starts_at_us(view.market, view.catalogue) // grain_us * grain_us

        rows = self._counted(
            ask, grain, lambda view: {"timeRange": {"from": date(grain(view)), "to": date(grain(view) + grain_us)}}
        )
        return sorted(rows, key=lambda row: row["timeRange"]["from"])

    async def market_catalogue(self, ask: Ask) -> list[CatalogueShape]:
        asked: CatalogueParams = ask.params
        wanted = frozenset(asked.market_projection or ())
        if not 0 < asked.max_results <= MAX_RESULTS:
            raise Fault(Code.INVALID_INPUT_DATA, f"maxResults is 1 to {MAX_RESULTS}")
        weight = sum(CATALOGUE_WEIGHTS.get(each, 0) for each in wanted)
        if weight * asked.max_results > MAX_POINTS:
            raise Fault(Code.TOO_MUCH_DATA, f"weight {weight} × {asked.max_results} results is over {MAX_POINTS}")
        views = self.found(asked.filter, ask.customer_id)
        if asked.sort is not None:
            views.sort(key=_order(asked.sort), reverse=asked.sort.value.startswith(("MAXIMUM", "LAST")))
        return [self._catalogue(view, wanted) for view in views[: asked.max_results]]

    def _catalogue(self, view: MarketView, wanted: frozenset[MarketProjection]) -> CatalogueShape:
        market, has_metadata = view.market, MarketProjection.RUNNER_METADATA in wanted
        runners = None
        if has_metadata or MarketProjection.RUNNER_DESCRIPTION in wanted:
            runners = [
                RunnerShape(
                    selection_id=runner.selection_id,
                    runner_name=runner.name,
                    handicap=handicap(runner),
                    sort_priority=place,
                    metadata={"runnerId": str(runner.selection_id)} if has_metadata else None,
                )
                for place, runner in enumerate(market.runners, 1)
            ]
        starts_at = date(starts_at_us(market, view.catalogue))
        return CatalogueShape(
            market_id=market_name(view.id),
            market_name=market.terms.name,
            total_matched=size(view.tv_minor),
            market_start_time=starts_at if MarketProjection.MARKET_START_TIME in wanted else None,
            description=_description(view) if MarketProjection.MARKET_DESCRIPTION in wanted else None,
            competition=_named(self._competition(view)) if MarketProjection.COMPETITION in wanted else None,
            event=self._event(view) if MarketProjection.EVENT in wanted else None,
            event_type=self._event_type(view) if MarketProjection.EVENT_TYPE in wanted else None,
            runners=runners,
        )

    def _event_type_id(self, view: MarketView) -> int:
        return number_of(place_of(view.catalogue, view.market.event_id)[0])

    def _event_type(self, view: MarketView) -> Named:
        sport = place_of(view.catalogue, view.market.event_id)[0]
        return Named(id=str(number_of(sport)), name=name_of(sport))

    def _competition(self, view: MarketView) -> Competition:
        return place_of(view.catalogue, view.market.event_id)[1]

    def _event(self, view: MarketView) -> EventShape:
        event: Event = view.catalogue.events[view.market.event_id]
        terms = view.market.terms
        return EventShape(
            id=str(event.id),
            name=event.name,
            timezone=terms.timezone,
            open_date=date(event.starts_at_us),
            country_code=terms.country or None,
            venue=terms.venue or None,
        )


def _named(competition: Competition) -> Named:
    return Named(id=str(competition.id), name=competition.name)


def _market_type(view: MarketView) -> str:
    return view.market.terms.market_type


def _country(view: MarketView) -> str:
    return view.market.terms.country


def _venue(view: MarketView) -> str:
    return view.market.terms.venue


def _available(view: MarketView) -> int:
    return sum(sum(runner.ladder(name).values()) for runner in view.runners for name in ("atb", "atl"))


def _order(sort: MarketSort) -> Callable[[MarketView], int]:
    """What a sort goes by."""
    if sort in (MarketSort.MINIMUM_TRADED, MarketSort.MAXIMUM_TRADED):
        return lambda view: view.tv_minor
    if sort in (MarketSort.MINIMUM_AVAILABLE, MarketSort.MAXIMUM_AVAILABLE):
        return _available
    return lambda view: starts_at_us(view.market, view.catalogue)


def _description(view: MarketView) -> Description:
    market, terms = view.market, view.market.terms
    starts_at, ladder, lines = date(starts_at_us(market, view.catalogue)), terms.ladder, None
    if ladder.kind is LadderKind.LINE_RANGE:
        lines = LineRange(
            max_unit_value=price(ladder.high),
            min_unit_value=price(ladder.low),
            interval=price(ladder.step),
            market_unit=terms.line_unit,
        )
    return Description(
        persistence_enabled=terms.persistence,
        bsp_market=terms.bsp,
        market_time=starts_at,
        suspend_time=starts_at,
        betting_type=betting_type(terms.betting),
        turn_in_play_enabled=terms.turn_in_play,
        market_type=terms.market_type,
        regulator=", ".join(terms.regulators),
        market_base_rate=terms.base_rate_bp / PERCENT_BP,
        discount_allowed=terms.discount_allowed,
        wallet="UK wallet",
        rules="",
        rules_has_date=False,
        price_ladder_description=LadderShape(type=ladder_type(ladder)),
        bet_delay_models=[PASSIVE] if market.passive else None,
        each_way_divisor=float(terms.each_way_divisor) if terms.each_way_divisor else None,
        line_range_info=lines,
        race_type=terms.race_type or None,
    )
