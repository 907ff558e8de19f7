"""What to ask of the house for a change, given what it shows of the event now. Pure; nothing is remembered.

The difference alone is asked for, so a change that was brought already asks for nothing, except results, which the
house itself finds unchanged.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final

import msgspec

from overround.feeds import orders
from overround.feeds.changes import (
    Cancel,
    Change,
    End,
    Offer,
    Question,
    Reschedule,
    Restore,
    Settle,
    SettleScore,
    Start,
    State,
    Stop,
    Unsettle,
)
from overround.feeds.orders import Order

OWN_REASONS: Final = frozenset({"new", "turn_in_play"})
"""Suspensions that a feed lifts, beside those whose reason begins with `OWN`. Any other is an operator's, and stays."""

OWN: Final = "feed: "
OPEN_STATES: Final = frozenset({"open", "suspended"})


class ShownSelection(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    selection_id: int
    name: str
    price_milli: int


class ShownMarket(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """As `GET /v1/events/{id}` shows it."""

    market_id: int
    type: str
    specifiers: dict[str, int]
    status: str
    reason: str
    available: bool
    selections: tuple[ShownSelection, ...]

    @property
    def is_ours_to_resume(self) -> bool:
        return self.status == "suspended" and (self.reason in OWN_REASONS or self.reason.startswith(OWN))

    def answers(self, question: Question) -> bool:
        return self.type == question.type and self.specifiers == question.specifiers


class ShownEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """As `GET /v1/events/{id}` shows it."""

    event_id: int
    starts_at: str
    status: str
    markets: tuple[ShownMarket, ...]

    def market(self, question: Question) -> ShownMarket | None:
        """The newest of them that is not over, else the newest."""
        found = [market for market in self.markets if market.answers(question)]
        alive = [market for market in found if market.status in OPEN_STATES]
        newest = alive or found
        return newest[-1] if newest else None


class House(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a feed's markets are offered: their in-play delay, and whether at all in play."""

    in_play: bool = True
    delay_ms: int = 5_000


class Unbrought(StrEnum):
    """Why a change asks for nothing although it wants something."""

    NO_MARKET = "no_market"
    INCOMPLETE_RESULT = "incomplete_result"


def creations(event: ShownEvent, changes: Iterable[Change], house: House) -> list[Order]:
    """Markets that are to be open and are not there, each once. They are born suspended; the plan opens them."""
    if event.status == "ended":
        return []
    wanted = {
        change.question.key: change
        for change in changes
        if isinstance(change, Offer) and change.state is State.OPEN and event.market(change.question) is None
    }
    return [
        orders.create_named_market(
            event_id=event.event_id,
            kind=offer.question.type,
            specifiers=offer.question.specifiers,
            prices_milli={name: offer.prices_milli.get(name, 0) for name in offer.selections},
            feed=offer.feed,
            in_play=house.in_play,
            delay_ms=house.delay_ms,
        )
        for offer in wanted.values()
    ]


Planned = tuple[list[Order], Unbrought | None]


def plan(event: ShownEvent, change: Change) -> Planned:
    """What to ask for, in its order, and why it is less than the change wants."""
    match change:
        case Start():
            return ([orders.start_event(event.event_id)] if event.status == "scheduled" else []), None
        case End():
            return ([orders.end_event(event.event_id)] if event.status != "ended" else []), None
        case Reschedule(starts_at_us=starts_at_us):
            moved = event.status == "scheduled" and orders.starts_at(starts_at_us) != event.starts_at
            return ([orders.reschedule_event(event.event_id, starts_at_us=starts_at_us)] if moved else []), None
        case Stop():
            return list(_stop(event, change)), None
        case SettleScore(home=home, away=away):
            return ([orders.record_event_result(event.event_id, home=home, away=away)] if event.markets else []), None
        case Offer() | Settle() | Unsettle() | Cancel() | Restore():
            return _of_market(event, change)


OfMarket = Offer | Settle | Unsettle | Cancel | Restore


def _of_market(event: ShownEvent, change: OfMarket) -> Planned:
    market = event.market(change.question)
    if market is None:
        unwanted = isinstance(change, Offer) and change.state is not State.OPEN
        return [], None if unwanted else Unbrought.NO_MARKET
    return _on_market(market, change)


def _on_market(market: ShownMarket, change: OfMarket) -> Planned:
    match change:
        case Offer():
            return list(_offer(market, change)), None
        case Settle():
            return _settle(market, change)
        case Unsettle():
            return ([orders.roll_back_result(market.market_id)] if market.status == "resulted" else []), None
        case Cancel(from_us=from_us, until_us=until_us, reason=reason):
            return [orders.cancel_bets(market.market_id, from_us=from_us, until_us=until_us, reason=reason)], None
        case Restore(from_us=from_us, until_us=until_us):
            return [orders.restore_bets(market.market_id, from_us=from_us, until_us=until_us)], None


def _stop(event: ShownEvent, stop: Stop) -> Iterator[Order]:
    for market in event.markets:
        reached = not stop.types or market.type in stop.types
        spared = any(market.answers(question) for question in stop.spared)
        if market.status == "open" and reached and not spared:
            yield orders.suspend_market(market.market_id, reason=stop.reason)


def _offer(market: ShownMarket, offer: Offer) -> Iterator[Order]:
    """A suspension goes before the prices that come with it, and prices before the market opens with them."""
    if market.status not in OPEN_STATES:
        return
    if offer.state is State.CLOSED:
        yield orders.close_market(market.market_id)
        return
    if offer.state is State.SUSPENDED and market.status == "open":
        yield orders.suspend_market(market.market_id, reason=offer.reason)
    opens = offer.state is State.OPEN and market.is_ours_to_resume
    confirms = offer.state is State.OPEN and not market.available
    prices = _prices(market, offer, every=opens or confirms)
    if prices:
        yield orders.set_some_prices(market_id=market.market_id, prices_milli=prices)
    if opens:
        yield orders.resume_market(market.market_id)


def _prices(market: ShownMarket, offer: Offer, *, every: bool) -> dict[int, int]:
    """By selection id: those that are different, or all that the offer names."""
    return {
        selection.selection_id: offer.prices_milli[selection.name]
        for selection in market.selections
        if selection.name in offer.prices_milli
        and (every or offer.prices_milli[selection.name] != selection.price_milli)
    }


def _settle(market: ShownMarket, settle: Settle) -> Planned:
    """A result says what became of every selection, or it is none."""
    verdicts = {each.selection_id: settle.verdicts.get(each.name) for each in market.selections}
    known = {number: verdict for number, verdict in verdicts.items() if verdict is not None}
    if len(known) < len(verdicts):
        return [], Unbrought.INCOMPLETE_RESULT
    return [orders.record_outcomes(market.market_id, verdicts=known, certainty=settle.certainty)], None
