"""What a feed must ask for, given what the house shows now: a pure step, so a restart simply goes on.

Nothing is remembered between steps. Every second the house's view of an event is compared with what its fixture says at
that instant, and the difference is asked for.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

import msgspec

from overround.feeds import orders
from overround.feeds.fixture import Fixture
from overround.feeds.orders import Order
from overround.kernel.instant import SECOND_US
from overround.kernel.level import Level
from overround.trading import FULL_TIME_MINUTES, Finding, Kind, Question, Shade, market_within_band

CONFIRM_EVERY_S: Final = 10
"""Each market's prices are sent this often even when they stand, so that a silence of the feed heals."""

OUT_OF_BAND: Final = "price_band"
OWN_REASONS: Final = frozenset({"new", "goal", "turn_in_play", OUT_OF_BAND})
"""Suspensions that the feed lifts. Any other is an operator's, and stays."""

OPEN_STATES: Final = frozenset({"open", "suspended"})


class ShownSelection(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    selection_id: int
    price_milli: int


class ShownMarket(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """As `GET /v1/events/{id}` shows it."""

    market_id: int
    type: str
    specifiers: dict[str, int]
    status: str
    reason: str
    version: int
    available: bool
    selections: tuple[ShownSelection, ...]

    @property
    def question(self) -> Question | None:
        """What the market asks, or None where no goals answer it."""
        try:
            return Question(Kind(self.type), self.specifiers.get("line_quarters"), self.specifiers.get("goal_number"))
        except ValueError:
            return None

    @property
    def is_next_goal(self) -> bool:
        return self.type == Kind.NEXT_GOAL

    @property
    def prices_milli(self) -> tuple[int, ...]:
        return tuple(selection.price_milli for selection in self.selections)


class ShownEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """As `GET /v1/events/{id}` shows it."""

    event_id: int
    name: str
    starts_at: str
    status: str
    markets: tuple[ShownMarket, ...]
    competition_id: int
    sport_id: int


class House(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How the feed offers its markets: its name, how long a goal suspends, the in-play delay, and how prices move with
    the house's liability, if they do."""

    feed: str
    suspension_us: int = 6 * SECOND_US
    delay_ms: int = 2_000
    shade: Shade | None = None


Losses = Mapping[int, tuple[int, ...]]
"""By market: what the house loses if each of its selections wins, in minor units."""

UNKNOWN: Final[Losses] = MappingProxyType({})

Margins = Mapping[tuple[Level, int], int]
"""What the desk set, by level and id, in hundredths of a per cent."""

NONE_SET: Final[Margins] = MappingProxyType({})
WHOLE_BPS: Final = 10_000

MOST_MARGIN: Final = 0.45
"""No market has more: shares of three selections of which two win can add up to three at most, and those of two to two;
where nothing is left to spread a margin over, the power method leaves prices fair."""


def losses_of(sheet: Mapping[str, Any], currency: str) -> dict[int, tuple[int, ...]]:
    """The losses of a field sheet as the API shows it, in one currency; a match day's events fit on its first page."""
    return {
        market["market_id"]: tuple(line["lost_minor"] for line in book["lines"])
        for market in sheet["markets"]
        for book in market["books"]
        if book["currency"] == currency
    }


def margins_of(controls: Mapping[str, Any]) -> dict[tuple[Level, int], int]:
    """The margins of the desk's controls as the API shows them."""
    return {(Level(each["level"]), each["id"]): each["margin_bps"] for each in controls["margins"]}


def margin_of(event: ShownEvent, market_id: int, margins: Margins) -> float | None:
    """What the narrowest level of a market says that its prices have, at most `MOST_MARGIN`; None where no level says
    anything. Of a market that is not there yet the id is 0."""
    path = (
        (Level.MARKET, market_id),
        (Level.EVENT, event.event_id),
        (Level.COMPETITION, event.competition_id),
        (Level.SPORT, event.sport_id),
        (Level.PLATFORM, 0),
    )
    return next((min(margins[place] / WHOLE_BPS, MOST_MARGIN) for place in path if place in margins), None)


def micros_of(at: str) -> int:
    """An RFC 3339 instant, as the API writes it, in microseconds."""
    return (datetime.fromisoformat(at) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def wanted(
    event: ShownEvent,
    fixture: Fixture,
    *,
    house: House,
    now_us: int,
    losses: Losses = UNKNOWN,
    margins: Margins = NONE_SET,
) -> list[Order]:
    """What to ask for at this instant, in its order."""
    if event.status == "ended":
        return []
    minute = fixture.minute(now_us)
    if minute >= FULL_TIME_MINUTES:
        return list(_full_time(event, fixture, now_us))
    if minute >= 0 and event.status == "scheduled":
        return [orders.start_event(event.event_id)]
    if fixture.scored_within(now_us, house.suspension_us):
        is_open = any(market.status == "open" for market in event.markets)
        return [orders.suspend_event(event.event_id, reason="goal")] if is_open else []
    return [
        *_missing(event, fixture, house, margins, now_us),
        *_offered(event, fixture, house, losses, margins, now_us),
    ]


def _full_time(event: ShownEvent, fixture: Fixture, now_us: int) -> Iterator[Order]:
    home, away = fixture.score(now_us)
    if event.markets:
        sides = ["home" if goal.home else "away" for goal in fixture.goals]
        yield orders.record_event_result(
            event.event_id, home=home, away=away, half_time=fixture.half_time(), sides=sides
        )
    else:
        yield orders.end_event(event.event_id)


def _missing(event: ShownEvent, fixture: Fixture, house: House, margins: Margins, now_us: int) -> Iterator[Order]:
    """Markets that are not there yet. They are born suspended; the next step opens them."""
    there = {market.question for market in event.markets}
    margin = margin_of(event, 0, margins)
    for question in fixture.questions(now_us):
        prices = fixture.prices_milli(question, now_us, margin=margin) if question not in there else None
        if prices is not None and out_of_band(prices, fixture, question, now_us, margin=margin) is None:
            yield orders.create_market(
                event_id=event.event_id,
                kind=question.kind,
                line_quarters=question.line_quarters,
                goal_number=question.goal_number,
                selections=question.names,
                prices_milli=prices,
                feed=house.feed,
                in_play=True,
                delay_ms=house.delay_ms,
            )


def _offered(
    event: ShownEvent, fixture: Fixture, house: House, losses: Losses, margins: Margins, now_us: int
) -> Iterator[Order]:
    """Prices for every market of ours that can be priced; one whose question is answered closes.

    Nothing is published that is out of the sanity band: such a market is suspended until its prices are sane again.
    """
    ours = {*fixture.questions(now_us), *(market.question for market in event.markets if market.is_next_goal)}
    for market in event.markets:
        question = market.question
        if market.status not in OPEN_STATES or question is None or question not in ours:
            continue
        lost = losses.get(market.market_id, ())
        margin = margin_of(event, market.market_id, margins)
        prices = fixture.prices_milli(question, now_us, margin=margin, losses_minor=lost, shade=house.shade)
        if prices is None:
            yield orders.close_market(market.market_id)
            continue
        if out_of_band(prices, fixture, question, now_us, margin=margin) is not None:
            if market.status == "open":
                yield orders.suspend_market(market.market_id, reason=OUT_OF_BAND)
            continue
        resumes = market.status == "suspended" and market.reason in OWN_REASONS
        due = now_us // SECOND_US % CONFIRM_EVERY_S == market.market_id % CONFIRM_EVERY_S
        unconfirmed = market.status == "open" and not market.available
        if prices != market.prices_milli or resumes or due or unconfirmed:
            yield orders.set_prices(market_id=market.market_id, prices_milli=prices)
        if resumes:
            yield orders.resume_market(market.market_id)


def out_of_band(
    prices_milli: tuple[int, ...], fixture: Fixture, question: Question, now_us: int, *, margin: float | None = None
) -> Finding | None:
    """What is wrong with prices beside the model's at the same margin, or None."""
    model = fixture.model_milli(question, now_us, margin=margin)
    winners = 2 if question.kind is Kind.DOUBLE_CHANCE else 1
    found = market_within_band(prices_milli, model_milli=model or (0,) * len(prices_milli), winners=winners)
    return None if found.is_sane else found
