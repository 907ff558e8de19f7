"""Bytes to messages, and nothing else: no I/O, no state, and no exception for anything that a provider may send.

Attributes and elements that are not known are passed over, so that a provider may add to its schema. What a message
cannot do without, and numbers that are none, make the whole of it `Malformed`: half a message is never acted on.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from xml.etree.ElementTree import Element, ParseError  # the names only; defusedxml does the parsing

import msgspec
from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]  # it has no stubs
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]  # it has no stubs

from overround.feeds.uof.messages import (
    MANY,
    Alive,
    BetCancel,
    BetSettlement,
    BetStop,
    Document,
    EventStatus,
    FeedMessage,
    Fixture,
    FixtureChange,
    MarketDescription,
    MarketDescriptions,
    MarketName,
    MarketOdds,
    MarketResult,
    MarketStatus,
    OddsChange,
    OutcomeDescription,
    OutcomeOdds,
    OutcomeResult,
    PlayerProfile,
    ProductDown,
    ProductUp,
    RollbackBetCancel,
    RollbackBetSettlement,
    SnapshotComplete,
    Specifiers,
)
from overround.kernel import price
from overround.kernel.instant import SECOND_US

MAX_BYTES: Final = 4 * 1024 * 1024
_WHOLE: Final = re.compile(r"-?[0-9]{1,18}")
_DECIMAL: Final = re.compile(r"[0-9]{1,6}(\.[0-9]{1,20})?")
_URN: Final = re.compile(r"[a-z]{1,10}:[a-z_]{1,40}:[A-Za-z0-9_.-]{1,40}")


class Fault(StrEnum):
    """Why bytes are no message."""

    TOO_LONG = "too_long"
    NOT_XML = "not_xml"
    UNSAFE_XML = "unsafe_xml"
    UNKNOWN_KIND = "unknown_kind"
    FIELD_INVALID = "field_invalid"


class Malformed(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal of bytes. `detail` is a few words for the log, without the bytes themselves."""

    fault: Fault
    detail: str


class _Wrong(Exception):
    """A field that cannot be."""


def parse(body: bytes) -> FeedMessage | Document | Malformed:
    """The message or document in these bytes."""
    if len(body) > MAX_BYTES:
        return Malformed(fault=Fault.TOO_LONG, detail=f"{len(body)} bytes")
    try:
        root = fromstring(body, forbid_dtd=True)
    except DefusedXmlException as unsafe:
        return Malformed(fault=Fault.UNSAFE_XML, detail=type(unsafe).__name__)
    except (ParseError, ValueError, LookupError) as wrong:
        return Malformed(fault=Fault.NOT_XML, detail=str(wrong)[:100])
    kind = _local(root)
    read = KINDS.get(kind)
    if read is None:
        return Malformed(fault=Fault.UNKNOWN_KIND, detail=kind[:100])
    try:
        return read(root)
    except _Wrong as wrong:
        return Malformed(fault=Fault.FIELD_INVALID, detail=f"{kind}: {wrong}"[:200])


# ------------------------------------------------------------------ messages


def _alive(root: Element) -> Alive:
    return Alive(product=_product(root), timestamp_ms=_timestamp(root), subscribed=_whole(root, "subscribed", 1) != 0)


def _snapshot_complete(root: Element) -> SnapshotComplete:
    return SnapshotComplete(
        product=_product(root), timestamp_ms=_timestamp(root), request_id=_needed_whole(root, "request_id")
    )


def _product_down(root: Element) -> ProductDown:
    return ProductDown(product=_product(root), timestamp_ms=_timestamp(root))


def _product_up(root: Element) -> ProductUp:
    return ProductUp(product=_product(root), timestamp_ms=_timestamp(root))


def _odds_change(root: Element) -> OddsChange:
    status = _child(root, "sport_event_status")
    return OddsChange(
        product=_product(root),
        timestamp_ms=_timestamp(root),
        event=_event(root),
        request_id=_whole(root, "request_id"),
        status=None if status is None else _event_status(status),
        home_score="" if status is None else status.get("home_score", ""),
        away_score="" if status is None else status.get("away_score", ""),
        markets=tuple(map(_market_odds, _below(root, "odds", "market"))),
    )


def _event_status(status: Element) -> EventStatus | None:
    try:
        return EventStatus(_whole(status, "status", -1))
    except ValueError:
        return None


def _market_odds(market: Element) -> MarketOdds:
    return MarketOdds(
        market=_market(market),
        status=_market_status(market, "status", MarketStatus.ACTIVE),
        outcomes=tuple(map(_outcome_odds, _children(market, "outcome"))),
    )


def _outcome_odds(outcome: Element) -> OutcomeOdds:
    return OutcomeOdds(
        id=_needed(outcome, "id"), price_milli=_price_milli(outcome), active=_whole(outcome, "active", 1) == 1
    )


def _price_milli(outcome: Element) -> int:
    """Exact, as `kernel.price` reads decimals; 0 where there are none or they lie outside what the house offers."""
    text = _decimal(outcome, "odds")
    price_milli = price.parse(text) if text else 0
    return price_milli if price.is_price(price_milli) else 0


def _bet_stop(root: Element) -> BetStop:
    return BetStop(
        product=_product(root),
        timestamp_ms=_timestamp(root),
        event=_event(root),
        request_id=_whole(root, "request_id"),
        groups=_groups(root) or ("all",),
        market_status=_market_status(root, "market_status", MarketStatus.SUSPENDED),
    )


def _bet_settlement(root: Element) -> BetSettlement:
    certainty = _whole(root, "certainty", 1)
    if certainty not in (1, 2):
        raise _Wrong("certainty")
    return BetSettlement(
        product=_product(root),
        timestamp_ms=_timestamp(root),
        event=_event(root),
        request_id=_whole(root, "request_id"),
        certainty=certainty,
        markets=tuple(map(_market_result, _below(root, "outcomes", "market"))),
    )


def _market_result(market: Element) -> MarketResult:
    return MarketResult(
        market=_market(market),
        outcomes=tuple(map(_outcome_result, _children(market, "outcome"))),
        void_reason=_whole(market, "void_reason") if "void_reason" in market.attrib else None,
    )


def _outcome_result(outcome: Element) -> OutcomeResult:
    result = _needed_whole(outcome, "result")
    if result not in (-1, 0, 1):
        raise _Wrong("result")
    return OutcomeResult(
        id=_needed(outcome, "id"),
        result=result,
        void_factor=_decimal(outcome, "void_factor"),
        dead_heat_factor=_decimal(outcome, "dead_heat_factor"),
    )


def _rollback_bet_settlement(root: Element) -> RollbackBetSettlement:
    return RollbackBetSettlement(
        product=_product(root),
        timestamp_ms=_timestamp(root),
        event=_event(root),
        request_id=_whole(root, "request_id"),
        markets=tuple(map(_market, _children(root, "market"))),
    )


def _bet_cancel(root: Element) -> BetCancel:
    start_ms, end_ms = _window(root)
    reasons = [_whole(market, "void_reason") for market in _children(root, "market") if "void_reason" in market.attrib]
    return BetCancel(
        product=_product(root),
        timestamp_ms=_timestamp(root),
        event=_event(root),
        request_id=_whole(root, "request_id"),
        start_ms=start_ms,
        end_ms=end_ms,
        superseded_by=root.get("superceded_by", "") or root.get("superseded_by", ""),
        void_reason=reasons[0] if reasons else None,
        markets=tuple(map(_market, _children(root, "market"))),
    )


def _rollback_bet_cancel(root: Element) -> RollbackBetCancel:
    start_ms, end_ms = _window(root)
    return RollbackBetCancel(
        product=_product(root),
        timestamp_ms=_timestamp(root),
        event=_event(root),
        request_id=_whole(root, "request_id"),
        start_ms=start_ms,
        end_ms=end_ms,
        markets=tuple(map(_market, _children(root, "market"))),
    )


def _window(root: Element) -> tuple[int, int]:
    start_ms, end_ms = _whole(root, "start_time"), _whole(root, "end_time")
    if start_ms < 0 or end_ms < 0 or (end_ms and end_ms < start_ms):
        raise _Wrong("start_time and end_time")
    return start_ms, end_ms


def _fixture_change(root: Element) -> FixtureChange:
    return FixtureChange(
        product=_product(root),
        timestamp_ms=_timestamp(root),
        event=_event(root),
        request_id=_whole(root, "request_id"),
        change_type=_whole(root, "change_type"),
        start_ms=_whole(root, "start_time"),
    )


# ------------------------------------------------------------------ documents


def _fixture(root: Element) -> Fixture:
    fixture = _child(root, "fixture")
    if fixture is None:
        raise _Wrong("no fixture")
    tournament = _child(fixture, "tournament")
    names = {each.get("qualifier", ""): each.get("name", "") for each in _below(fixture, "competitors", "competitor")}
    return Fixture(
        event=_urn(_needed(fixture, "id")),
        starts_at_us=_instant(fixture.get("start_time") or _needed(fixture, "scheduled")),
        status=fixture.get("status", ""),
        sport=_name_below(tournament, "sport"),
        category=_name_below(tournament, "category"),
        tournament="" if tournament is None else tournament.get("name", ""),
        home=names.get("home", ""),
        away=names.get("away", ""),
    )


def _name_below(parent: Element | None, tag: str) -> str:
    child = None if parent is None else _child(parent, tag)
    return "" if child is None else child.get("name", "")


def _market_descriptions(root: Element) -> MarketDescriptions:
    return MarketDescriptions(markets=tuple(map(_market_description, _children(root, "market"))))


def _market_description(market: Element) -> MarketDescription:
    return MarketDescription(
        id=_needed_whole(market, "id"),
        name=_needed(market, "name"),
        variant=market.get("variant", ""),
        groups=_groups(market),
        outcomes=tuple(
            OutcomeDescription(id=_needed(each, "id"), name=_needed(each, "name"))
            for each in _below(market, "outcomes", "outcome")
        ),
        specifiers=tuple(_needed(each, "name") for each in _below(market, "specifiers", "specifier")),
    )


def _player_profile(root: Element) -> PlayerProfile:
    player = _child(root, "player")
    if player is None:
        raise _Wrong("no player")
    return PlayerProfile(id=_needed(player, "id"), name=_needed(player, "name"))


KINDS: Final[dict[str, Callable[[Element], FeedMessage | Document]]] = {
    "alive": _alive,
    "snapshot_complete": _snapshot_complete,
    "product_down": _product_down,
    "product_up": _product_up,
    "odds_change": _odds_change,
    "bet_stop": _bet_stop,
    "bet_settlement": _bet_settlement,
    "rollback_bet_settlement": _rollback_bet_settlement,
    "bet_cancel": _bet_cancel,
    "rollback_bet_cancel": _rollback_bet_cancel,
    "fixture_change": _fixture_change,
    "fixtures_fixture": _fixture,
    "market_descriptions": _market_descriptions,
    "player_profile": _player_profile,
}
"""How each kind of root element is read."""


# ------------------------------------------------------------------ fields


def _local(element: Element) -> str:
    """The tag without its namespace."""
    return element.tag.rpartition("}")[2]


def _children(parent: Element, tag: str) -> Iterator[Element]:
    if len(parent) > MANY:
        raise _Wrong(f"more than {MANY} elements")
    return (child for child in parent if _local(child) == tag)


def _child(parent: Element, tag: str) -> Element | None:
    return next(_children(parent, tag), None)


def _below(parent: Element, through: str, tag: str) -> Iterator[Element]:
    """The elements of a tag within the one child that holds them."""
    child = _child(parent, through)
    return iter(()) if child is None else _children(child, tag)


def _needed(element: Element, name: str) -> str:
    value = element.get(name, "")
    if not value:
        raise _Wrong(name)
    return value


def _whole(element: Element, name: str, default: int = 0) -> int:
    text = element.get(name)
    if text is None:
        return default
    if not _WHOLE.fullmatch(text):
        raise _Wrong(name)
    return int(text)


def _needed_whole(element: Element, name: str) -> int:
    _needed(element, name)
    return _whole(element, name)


def _decimal(element: Element, name: str) -> str:
    text = element.get(name, "")
    if text and not _DECIMAL.fullmatch(text):
        raise _Wrong(name)
    return text


def _product(root: Element) -> int:
    return _whole(root, "product")


def _timestamp(root: Element) -> int:
    return _needed_whole(root, "timestamp")


def _event(root: Element) -> str:
    return _urn(_needed(root, "event_id"))


def _urn(text: str) -> str:
    if not _URN.fullmatch(text):
        raise _Wrong("not a URN")
    return text


def _groups(element: Element) -> tuple[str, ...]:
    return tuple(filter(None, element.get("groups", "").split("|")))


def _market(market: Element) -> MarketName:
    written = market.get("specifiers") or market.get("specifier") or ""
    return MarketName(id=_needed_whole(market, "id"), specifiers=specifiers(written))


def specifiers(written: str) -> Specifiers:
    """`setnr=1|total=9.5` as pairs in the order of their names."""
    pairs = [part.partition("=")[::2] for part in written.split("|") if part]
    if not all(name and value for name, value in pairs) or len(dict(pairs)) != len(pairs):
        raise _Wrong("specifiers")
    return tuple(sorted((name, value) for name, value in pairs))


def _market_status(element: Element, name: str, default: MarketStatus) -> MarketStatus:
    try:
        return MarketStatus(_whole(element, name, default))
    except ValueError:
        raise _Wrong(name) from None


def _instant(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise _Wrong("not an instant") from None
    if at.tzinfo is None:
        raise _Wrong("an instant without its offset")
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND_US + since.microseconds
