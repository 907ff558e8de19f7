"""Markets as the dialect describes them: the stream's marketDefinition, and the description of the catalogue."""

from typing import Any, Final

import msgspec

from overround.book.catalogue import CatalogueState
from overround.book.exchange import Betting, ExchangeMarket, Runner, RunnerStatus, Status
from overround.edge.betfair.figures import date, date_or_none, price
from overround.edge.betfair.sports import number_of, place_of
from overround.edge.betfair.values import Shape
from overround.kernel.instant import SECOND_US
from overround.kernel.ladder import Ladder, LadderKind

PERCENT_BP: Final = 100
PASSIVE: Final = "PASSIVE"


class LadderShape(Shape, frozen=True):
    type: str


class RunnerDefinition(Shape, frozen=True):
    """A runner in a marketDefinition."""

    id: int
    sort_priority: int
    status: str
    hc: float | None = None
    adjustment_factor: float | None = None
    bsp: float | None = None
    removal_date: str | None = None


class MarketDefinition(Shape, frozen=True):
    """Always whole. Rates and factors are per cent."""

    bet_delay: int
    betting_type: str
    bsp_market: bool
    bsp_reconciled: bool
    complete: bool
    cross_matching: bool
    discount_allowed: bool
    event_id: str
    event_type_id: str
    in_play: bool
    market_base_rate: float
    market_time: str
    market_type: str
    number_of_active_runners: int
    number_of_winners: int
    open_date: str
    persistence_enabled: bool
    price_ladder_definition: LadderShape
    regulators: tuple[str, ...]
    runners: list[RunnerDefinition]
    runners_voidable: bool
    status: str
    suspend_time: str
    timezone: str
    turn_in_play_enabled: bool
    version: int
    bet_delay_models: list[str] | None = None
    country_code: str | None = None
    each_way_divisor: float | None = None
    event_name: str | None = None
    line_interval: float | None = None
    line_max_unit: float | None = None
    line_min_unit: float | None = None
    name: str | None = None
    race_type: str | None = None
    settled_time: str | None = None
    venue: str | None = None


_encode = msgspec.json.Encoder().encode


def betting_type(betting: Betting) -> str:
    """ODDS, LINE, ASIAN_HANDICAP_DOUBLE_LINE."""
    return betting.value.upper()


def ladder_type(ladder: Ladder) -> str:
    return ladder.kind.value.upper()


def bet_delay_s(market: ExchangeMarket) -> int:
    """The in-play delay in seconds as it holds now: none before the off."""
    return market.bet_delay_us // SECOND_US if market.in_play else 0


def definition(market: ExchangeMarket, catalogue: CatalogueState) -> MarketDefinition:
    """A market as the stream describes it."""
    terms = market.terms
    sport, _, event = place_of(catalogue, market.event_id)
    lines: dict[str, Any] = {}
    if terms.ladder.kind is LadderKind.LINE_RANGE:
        ladder = terms.ladder
        lines = {
            "line_interval": price(ladder.step),
            "line_min_unit": price(ladder.low),
            "line_max_unit": price(ladder.high),
        }
    return MarketDefinition(
        bet_delay=bet_delay_s(market),
        betting_type=betting_type(terms.betting),
        bsp_market=terms.bsp,
        bsp_reconciled=market.reconciled,
        complete=True,
        cross_matching=terms.crossing,
        discount_allowed=terms.discount_allowed,
        event_id=str(market.event_id),
        event_type_id=str(number_of(sport)),
        in_play=market.in_play,
        market_base_rate=terms.base_rate_bp / PERCENT_BP,
        market_time=date(starts_at_us(market, catalogue)),
        market_type=terms.market_type,
        number_of_active_runners=active_count(market),
        number_of_winners=terms.winners,
        open_date=date(event.starts_at_us),
        persistence_enabled=terms.persistence,
        price_ladder_definition=LadderShape(type=ladder_type(terms.ladder)),
        regulators=terms.regulators,
        runners=[runner_definition(runner, place) for place, runner in enumerate(market.runners, 1)],
        runners_voidable=terms.runners_voidable,
        status=status_of(market, catalogue),
        suspend_time=date(starts_at_us(market, catalogue)),
        timezone=terms.timezone,
        turn_in_play_enabled=terms.turn_in_play,
        version=market.version,
        bet_delay_models=[PASSIVE] if market.passive else None,
        country_code=terms.country or None,
        each_way_divisor=float(terms.each_way_divisor) if terms.each_way_divisor else None,
        event_name=event.name,
        name=terms.name,
        race_type=terms.race_type or None,
        settled_time=date_or_none(market.settled_at_us),
        venue=terms.venue or None,
        **lines,
    )


def definition_json(market: ExchangeMarket, catalogue: CatalogueState) -> bytes:
    return _encode(definition(market, catalogue))


def runner_definition(runner: Runner, place: int) -> RunnerDefinition:
    return RunnerDefinition(
        id=runner.selection_id,
        sort_priority=place,
        status=runner.status.value.upper(),
        hc=handicap(runner) or None,
        adjustment_factor=runner.factor_bp / PERCENT_BP if runner.factor_bp else None,
        bsp=price(runner.sp_milli) if runner.sp_milli else None,
        removal_date=removal_date(runner),
    )


def removal_date(runner: Runner) -> str | None:
    """Since when a runner is out; none of one that came back."""
    return date_or_none(runner.removed_at_us) if runner.status is RunnerStatus.REMOVED else None


def handicap(runner: Runner) -> float:
    """In goals."""
    return runner.handicap_quarters / 4


def active_count(market: ExchangeMarket) -> int:
    """How many runners may still win."""
    return sum(runner.status is RunnerStatus.ACTIVE for runner in market.runners)


def status_of(market: ExchangeMarket, catalogue: CatalogueState) -> str:
    """As orders find it: an open market is suspended where the desk suspended its event or a level above, and inactive
    where its competition is not approved."""
    if market.status is not Status.OPEN:
        return market.status.value.upper()
    takes = catalogue.takes_orders(market.event_id, asked_at_us=0, now_us=0)
    status = Status.OPEN if takes is True else Status.INACTIVE if takes is False else Status.SUSPENDED
    return status.value.upper()


def starts_at_us(market: ExchangeMarket, catalogue: CatalogueState) -> int:
    """A market's own start, or its event's where it has none."""
    return market.terms.starts_at_us or catalogue.events[market.event_id].starts_at_us


def is_over(market: ExchangeMarket) -> bool:
    return market.status is Status.CLOSED
