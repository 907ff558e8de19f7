"""Every recorded sample is a message, and any other bytes are refused as a value."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.feeds.uof.words import SAMPLES

from overround.feeds.uof import routing
from overround.feeds.uof.messages import (
    Alive,
    BetCancel,
    BetSettlement,
    BetStop,
    EventStatus,
    Fixture,
    FixtureChange,
    MarketDescriptions,
    MarketName,
    MarketStatus,
    OddsChange,
    OutcomeOdds,
    OutcomeResult,
    RollbackBetCancel,
    RollbackBetSettlement,
    SnapshotComplete,
)
from overround.feeds.uof.parsing import KINDS, MAX_BYTES, Fault, Malformed, parse

recorded = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no recorded messages in {SAMPLES}")


def sample(name: str) -> Any:
    return parse((SAMPLES / name).read_bytes())


@recorded
@pytest.mark.parametrize("file", sorted(SAMPLES.rglob("*.xml")), ids=lambda path: path.name)
def test_every_sample_is_a_message(file: Path) -> None:
    assert not isinstance(parse(file.read_bytes()), Malformed)


@recorded
def test_an_odds_change_keeps_prices_to_the_thousandth() -> None:
    message = sample("odds_change-0.xml")
    assert isinstance(message, OddsChange)
    assert (message.event, message.product, message.timestamp_ms) == ("sr:match:123", 2, 1_234)
    assert (message.status, message.home_score, message.away_score) == (EventStatus.LIVE, "2", "2")
    by_id = {each.market.id: each for each in message.markets}
    assert by_id[47].market.specifiers == (("score", "41.5"),)
    assert by_id[48].status is MarketStatus.ACTIVE  # none was sent
    assert by_id[49].status is MarketStatus.INACTIVE
    assert by_id[123].status is MarketStatus.SUSPENDED
    assert by_id[123].market.specifiers == (("game", "3"), ("point", "1"), ("set", "2"))
    assert by_id[188].outcomes[:2] == (
        OutcomeOdds(id="sr:player:1234", price_milli=1_400),
        OutcomeOdds(id="sr:player:4322", price_milli=1_500, active=False),
    )
    assert OutcomeOdds(id="sr:player:2614", price_milli=0, active=False) in by_id[899].outcomes


@recorded
def test_a_settlement_keeps_its_factors_as_they_were_sent() -> None:
    message = sample("bet_settlement.xml")
    assert isinstance(message, BetSettlement)
    assert message.certainty == 2
    by_id = {each.market.id: each for each in message.markets}
    assert by_id[204].market.specifiers == (("setnr", "1"), ("total", "9.5"))
    assert by_id[201].outcomes[:3] == (
        OutcomeResult(id="863", result=0, void_factor="1"),
        OutcomeResult(id="864", result=0, void_factor="0.5"),
        OutcomeResult(id="861", result=1, void_factor="0.5"),
    )
    assert [each.dead_heat_factor for each in by_id[535].outcomes[:3]] == ["0.5", "0.5", ""]


@recorded
def test_the_other_samples_say_what_they_say() -> None:
    assert sample("inline_from_tests/alive.xml") == Alive(product=1, timestamp_ms=1_234_578_910_111, subscribed=True)
    complete = sample("inline_from_tests/snapshot_complete.xml")
    assert isinstance(complete, SnapshotComplete)
    assert complete.request_id == 1_234
    stop = sample("inline_from_tests/bet_stop.xml")
    assert isinstance(stop, BetStop)
    assert (stop.groups, stop.market_status) == (("all",), MarketStatus.INACTIVE)
    for name in ("bet_cancel.xml", "inline_from_tests/bet_cancel.xml"):  # `specifiers`, and `specifier`
        cancel = sample(name)
        assert isinstance(cancel, BetCancel)
        assert (cancel.start_ms, cancel.end_ms) == (1_564_597_838_000, 1_564_598_513_000)
        assert cancel.markets == (MarketName(id=62, specifiers=(("goalnr", "1"),)),)
        assert cancel.void_reason == 12
    rollback = sample("inline_from_tests/rollback_bet_settlement.xml")
    assert isinstance(rollback, RollbackBetSettlement)
    assert rollback.markets[0].specifiers == (("goalnr", "1"), ("type", "live"))
    restored = sample("rollback_bet_cancel.xml")
    assert isinstance(restored, RollbackBetCancel)
    assert restored.product == 0
    change = sample("inline_from_tests/fixture_change.xml")
    assert isinstance(change, FixtureChange)
    assert change.start_ms == 1_557_255_600_000


@recorded
def test_documents_give_names() -> None:
    fixture = sample("fixture-0.xml")
    assert isinstance(fixture, Fixture)
    assert fixture.name == "Ajax Amsterdam – Tottenham Hotspur"
    assert (fixture.sport, fixture.tournament) == ("Soccer", "UEFA Champions League")
    assert fixture.starts_at_us == 1_557_342_000_000_000
    without = sample("fixture-3.xml")
    assert isinstance(without, Fixture)
    assert (without.sport, without.tournament) == ("", "")
    descriptions = sample("markets-1.xml")
    assert isinstance(descriptions, MarketDescriptions)
    handicap = next(each for each in descriptions.markets if each.id == 16)
    assert (handicap.groups, handicap.specifiers) == (("all", "score", "regular_play"), ("hcp",))


ODDS = b'<odds_change product="1" event_id="sr:match:1" timestamp="5">%s</odds_change>'
MARKET = ODDS % b'<odds><market id="18" specifiers="%s"><outcome id="12" odds="%s"/></market></odds>'
FIXTURE = b'<fixtures_fixture><fixture id="sr:match:1" start_time="%s"/></fixtures_fixture>'


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", Fault.NOT_XML),
        (b"<odds_change", Fault.NOT_XML),
        (b'<?xml version="1.0" encoding="no-such"?><alive/>', Fault.NOT_XML),
        (b"<alive>" * 100_000, Fault.NOT_XML),
        (b" " * (MAX_BYTES + 1), Fault.TOO_LONG),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', Fault.UNSAFE_XML),
        (b"<hello/>", Fault.UNKNOWN_KIND),
        (b'<alive product="1" subscribed="1"/>', Fault.FIELD_INVALID),
        (b'<alive product="one" timestamp="1"/>', Fault.FIELD_INVALID),
        (b'<alive product="1" timestamp="99999999999999999999"/>', Fault.FIELD_INVALID),
        (b'<bet_stop event_id="match 1" timestamp="1"/>', Fault.FIELD_INVALID),
        (b'<bet_stop event_id="sr:match:1" timestamp="1" market_status="7"/>', Fault.FIELD_INVALID),
        (b'<bet_settlement event_id="sr:match:1" timestamp="1" certainty="3"/>', Fault.FIELD_INVALID),
        (b'<bet_cancel event_id="sr:match:1" timestamp="1" start_time="9" end_time="8"/>', Fault.FIELD_INVALID),
        (MARKET % (b"total", b"2.0"), Fault.FIELD_INVALID),
        (MARKET % (b"total=1|total=2", b"2.0"), Fault.FIELD_INVALID),
        (MARKET % (b"total=1", b"-2.0"), Fault.FIELD_INVALID),
        (MARKET % (b"total=1", b"2.0e3"), Fault.FIELD_INVALID),
        (MARKET % (b"total=1", b"\xd9\xa2"), Fault.FIELD_INVALID),
        (b'<fixtures_fixture><fixture id="sr:match:1" start_time="today"/></fixtures_fixture>', Fault.FIELD_INVALID),
        (
            b'<fixtures_fixture><fixture id="sr:match:1" start_time="2026-01-01"/></fixtures_fixture>',
            Fault.FIELD_INVALID,
        ),
    ],
)
def test_what_is_no_message_is_refused(body: bytes, fault: Fault) -> None:
    outcome = parse(body)
    assert isinstance(outcome, Malformed)
    assert outcome.fault is fault


def test_what_is_not_known_is_passed_over() -> None:
    body = b'<x:alive xmlns:x="urn:y" product="1" timestamp="5" subscribed="0" new="1"><more/></x:alive>'
    assert parse(body) == Alive(product=1, timestamp_ms=5, subscribed=False)
    nowhere = parse(ODDS % b'<sport_event_status status="77"/><odds><dart/></odds>')
    assert isinstance(nowhere, OddsChange)
    assert (nowhere.status, nowhere.markets) == (None, ())


@pytest.mark.parametrize(
    ("odds", "price_milli"), [(b"2.08", 2_080), (b"1.12345", 1_123), (b"1", 0), (b"99999", 0), (b"10000", 10_000_000)]
)
def test_odds_that_the_house_cannot_offer_are_no_price(odds: bytes, price_milli: int) -> None:
    message = parse(MARKET % (b"total=2.5", odds))
    assert isinstance(message, OddsChange)
    assert message.markets[0].outcomes[0].price_milli == price_milli


# ------------------------------------------------------------------ any bytes

NAMES = """
product timestamp event_id request_id subscribed certainty groups market_status start_time end_time id specifiers status
odds active result void_factor dead_heat_factor void_reason scheduled name
"""
VALUES = "sr:match:1 1 0 -1 2.5 total=2.5 a=1|b=2 ² 1_0 999999999999999999999999 2026-01-01"
PARTS = "odds market outcome outcomes fixture competitors player tournament"

names = st.sampled_from(NAMES.split())
values = st.one_of(
    st.sampled_from(VALUES.split()),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="<>&'"), max_size=12),
)
tags = st.sampled_from([*KINDS, *PARTS.split()])


def element(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def written(tag: str, attributes: dict[str, str], inside: list[str]) -> str:
        pairs = "".join(f" {name}='{value}'" for name, value in attributes.items())
        return f"<{tag}{pairs}>{''.join(inside)}</{tag}>"

    return st.builds(written, tags, st.dictionaries(names, values, max_size=6), st.lists(children, max_size=3))


@given(st.one_of(st.binary(max_size=300), st.recursive(st.just(""), element, max_leaves=8).map(str.encode)))
@example(b'<alive timestamp="\xc2\xb2"/>')
def test_no_bytes_raise(body: bytes) -> None:
    parse(body)


@recorded
@given(data=st.data())
def test_no_damaged_sample_raises(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(sorted(SAMPLES.rglob("*.xml")))).read_bytes()[:8_000]
    at = data.draw(st.integers(0, len(whole)))
    parse(whole[:at] + data.draw(st.binary(max_size=4)) + whole[at + data.draw(st.integers(0, 4)) :])


# ------------------------------------------------------------------ routing keys


@recorded
def test_every_routing_key_seen_is_read() -> None:
    for line in (SAMPLES / "inline_from_tests/routing_keys_seen_in_tests.txt").read_text().splitlines():
        assert routing.parse(line) is not None, line


def test_a_routing_key_says_what_it_is_about() -> None:
    key = routing.parse("hi.-.live.odds_change.1.sr:match.18001015.-")
    assert key == routing.RoutingKey(
        high_priority=True,
        prematch=False,
        live=True,
        virtual=False,
        kind="odds_change",
        sport="1",
        event="sr:match:18001015",
        node="",
    )
    for_all = routing.parse("-.-.-.alive.-.-.-.-")
    assert for_all is not None
    assert (for_all.kind, for_all.event) == ("alive", "")
    ours = routing.parse("-.-.-.snapshot_complete.-.-.-.7")
    assert ours is not None
    assert ours.node == "7"


@pytest.mark.parametrize(
    "key", ["", "a.b", "x.-.live.odds_change.1.sr:match.1.-", "hi.pre.live..1.sr:match.1.-", "." * 7]
)
def test_other_keys_are_none(key: str) -> None:
    assert routing.parse(key) is None
