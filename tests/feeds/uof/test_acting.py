"""Markets there and back, and what messages mean for the house."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.book.tables import number, table
from tests.feeds.uof.words import MATCH, RESULT, SAMPLES, odds, result, total

from overround.book.catalogue import MARKET_TYPES
from overround.feeds.changes import (
    Cancel,
    Change,
    End,
    Offer,
    Question,
    Reschedule,
    Restore,
    Settle,
    Start,
    State,
    Stop,
    Unsettle,
)
from overround.feeds.uof.acting import Acted, Actor, LeftOut, verdict_of
from overround.feeds.uof.mapping import ROWS, Row, Unmapped, agreeing, line_quarters, line_text, mapping
from overround.feeds.uof.messages import (
    BetCancel,
    BetSettlement,
    BetStop,
    EventMessage,
    EventStatus,
    FixtureChange,
    MarketDescription,
    MarketDescriptions,
    MarketName,
    MarketStatus,
    OddsChange,
    OutcomeDescription,
    OutcomeResult,
    RollbackBetCancel,
    RollbackBetSettlement,
)
from overround.feeds.uof.ordering import Sifted
from overround.feeds.uof.parsing import parse

MATCH_RESULT = Question(type="1x2")
OVER_UNDER = Question(type="total", specifiers={"line_quarters": 10})
TOTAL = total("2.5")


def acted(message: EventMessage, spared: tuple[MarketName, ...] = ()) -> Acted:
    done = Actor(mapping(), feed="uof").act(Sifted(message=message, spared=spared))
    assert done is not None
    assert done.ref == message.event
    return done


def changes(message: EventMessage) -> tuple[Change, ...]:
    return acted(message).changes


# ------------------------------------------------------------------ markets


def test_the_page_has_every_row() -> None:
    told = {number(row["id"]): row for row in table("../feeds.md", "Markets")}
    for row in ROWS:
        if row.id in (45, 47):
            continue
        page = told.pop(row.id)
        outcomes = ", ".join(f"{theirs} {ours}" for theirs, ours in row.outcomes.items())
        assert (page["type"], page["outcomes"]) == (row.type, outcomes)
        assert page["specifier"] == (row.line or row.number or "–")
    assert not told


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.id}-{row.type}")
def test_a_row_of_a_type_that_the_house_has_goes_there_and_back(row: Row) -> None:
    kind = MARKET_TYPES.get(row.type)
    specifiers = tuple((name, "2") for name in (row.line, row.number) if name)
    market = MarketName(id=row.id, specifiers=specifiers)
    question = mapping().question(market)
    if kind is None:
        assert question is Unmapped.TYPE_MISSING
        return
    assert isinstance(question, Question)
    assert mapping().market(question) == market
    assert set(question.specifiers) == set(kind.specifiers)
    if kind.outcomes:
        assert mapping().selections(row.id) == kind.outcomes


@pytest.mark.parametrize(
    ("market", "why"),
    [
        (MarketName(id=99_999), Unmapped.MARKET_UNKNOWN),
        (MarketName(id=18), Unmapped.SPECIFIERS),
        (MarketName(id=1, specifiers=(("variant", "x"),)), Unmapped.SPECIFIERS),
        (MarketName(id=18, specifiers=(("set", "1"), ("total", "2.5"))), Unmapped.SPECIFIERS),
        (total("2.3"), Unmapped.SPECIFIERS),
        (total("²"), Unmapped.SPECIFIERS),
        (total("1" * 40), Unmapped.SPECIFIERS),
    ],
)
def test_what_does_not_fit_is_not_offered(market: MarketName, why: Unmapped) -> None:
    assert mapping().question(market) is why
    done = acted(odds(1, market))
    assert (done.changes, done.left_out) == ((), (why,))


def test_a_type_that_the_house_lacks_is_not_offered() -> None:
    rows = (Row(id=5, type="coin_toss", outcomes={"1": "heads"}), Row(id=1, type="1x2", outcomes={"1": "home"}))
    assert mapping(rows).question(MarketName(id=5)) is Unmapped.TYPE_MISSING
    assert mapping(rows).question(MarketName(id=1)) is Unmapped.TYPE_MISSING  # the house has three outcomes


def described(*outcomes: tuple[str, str], specifiers: tuple[str, ...] = ()) -> MarketDescriptions:
    told = tuple(OutcomeDescription(id=number, name=name) for number, name in outcomes)
    return MarketDescriptions(markets=(MarketDescription(id=18, name="Total", outcomes=told, specifiers=specifiers),))


@pytest.mark.parametrize(
    ("told", "agrees"),
    [
        (described(("12", "over {total}"), ("13", "under {total}"), specifiers=("total",)), True),
        (described(("12", "više od {total}"), ("13", "manje od {total}"), specifiers=("total",)), True),
        (described(("12", "under {total}"), ("13", "over {total}"), specifiers=("total",)), False),
        (described(("12", "over {total}"), specifiers=("total",)), False),
        (described(("12", "over {total}"), ("13", "under {total}")), False),
        (MarketDescriptions(markets=()), True),
    ],
)
def test_a_row_that_the_provider_describes_otherwise_is_not_used(told: MarketDescriptions, agrees: bool) -> None:
    assert (18 in {row.id for row in agreeing(ROWS, told)}) == agrees


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no recorded messages in {SAMPLES}")
def test_the_recorded_descriptions_bear_the_table_out() -> None:
    for name in ("markets-0.xml", "markets-1.xml"):
        told = parse((SAMPLES / name).read_bytes())
        assert isinstance(told, MarketDescriptions)
        assert agreeing(ROWS, told) == ROWS


@given(st.integers(-400, 400))
def test_lines_go_there_and_back(quarters: int) -> None:
    assert line_quarters(line_text(quarters)) == quarters


@pytest.mark.parametrize(
    ("text", "quarters"), [("2.5", 10), ("+0.25", 1), ("-0.75", -3), ("2", 8), ("0.0", 0), (".5", 2)]
)
def test_lines_as_they_are_written(text: str, quarters: int) -> None:
    assert line_quarters(text) == quarters


# ------------------------------------------------------------------ odds


def test_odds_become_an_offer() -> None:
    assert changes(odds(1)) == (
        Offer(
            question=MATCH_RESULT,
            selections=("home", "draw", "away"),
            prices_milli={"home": 2_080, "draw": 3_310, "away": 3_370},
            state=State.OPEN,
            feed="uof-1",
        ),
    )


@pytest.mark.parametrize("row", table("../feeds.md", "Statuses"), ids=lambda row: row["status"])
def test_a_status_becomes_a_state(row: dict[str, str]) -> None:
    (offer,) = changes(odds(1, status=MarketStatus(number(row["number"]))))
    assert isinstance(offer, Offer)
    assert offer.state == row["becomes"]
    assert bool(offer.reason) == (row["status"] != "active")


def test_an_outcome_that_is_not_active_has_no_price_and_one_unknown_is_left_out() -> None:
    done = acted(odds(1, prices=(2_000, 3_000, 4_000, 5_000)))
    (offer,) = done.changes
    assert isinstance(offer, Offer)
    assert len(offer.prices_milli) == 3
    assert done.left_out == (LeftOut.OUTCOME_UNKNOWN,)


def test_the_off_comes_before_prices_and_the_end_after_them() -> None:
    market = odds(1).markets
    live = OddsChange(product=1, timestamp_ms=1, event=MATCH, status=EventStatus.LIVE, markets=market)
    assert [type(each) for each in changes(live)] == [Start, Offer]
    over = OddsChange(product=1, timestamp_ms=1, event=MATCH, status=EventStatus.ENDED, markets=market)
    assert [type(each) for each in changes(over)] == [Offer, End]
    off = OddsChange(product=1, timestamp_ms=1, event=MATCH, status=EventStatus.ABANDONED)
    assert changes(off) == (Stop(reason="feed: abandoned"),)
    before = OddsChange(product=1, timestamp_ms=1, event=MATCH, status=EventStatus.NOT_STARTED)
    assert changes(before) == ()


def test_a_bet_stop_of_groups_reaches_their_types_alone() -> None:
    def stop(*groups: str, spared: tuple[MarketName, ...] = ()) -> Stop:
        message = BetStop(product=1, timestamp_ms=1, event=MATCH, groups=groups)
        (change,) = acted(message, spared).changes
        assert isinstance(change, Stop)
        return change

    assert stop("all").types == ()
    assert stop("all", spared=(RESULT,)).spared == (MATCH_RESULT,)
    assert "half_time_result" in stop("1st_half").types
    assert "1x2" not in stop("1st_half").types
    assert stop("corners").types == ("",)  # none of ours, and not all


# ------------------------------------------------------------------ results


@pytest.mark.parametrize("row", table("../feeds.md", "Results"), ids=lambda row: " ".join(row.values()))
def test_results_are_read_by_the_table(row: dict[str, str]) -> None:
    outcome = OutcomeResult(
        id="1",
        result=number(row["result"]),
        void_factor=row["void factor"].strip("–"),
        dead_heat_factor=row["dead heat"].strip("–"),
    )
    verdict = verdict_of(outcome)
    if verdict is None:
        assert row["becomes"] == "unclear"
        return
    share = "" if verdict.tied == 1 else f" {verdict.places}/{verdict.tied}"
    assert f"{verdict.outcome}{share}" == row["becomes"]


def test_a_settlement_becomes_verdicts_by_name() -> None:
    message = BetSettlement(product=1, timestamp_ms=1, event=MATCH, certainty=1, markets=(result("2"),))
    (settle,) = changes(message)
    assert isinstance(settle, Settle)
    assert {name: str(verdict.outcome) for name, verdict in settle.verdicts.items()} == {
        "home": "lost",
        "draw": "won",
        "away": "lost",
    }
    assert settle.certainty == 1


def test_an_unclear_outcome_leaves_its_market_unsettled() -> None:
    unclear = result("2")
    outcomes = (*unclear.outcomes[:2], OutcomeResult(id="3", result=-1))
    markets = (type(unclear)(market=RESULT, outcomes=outcomes), result("12", TOTAL, ("12", "13")))
    done = acted(BetSettlement(product=1, timestamp_ms=1, event=MATCH, certainty=2, markets=markets))
    assert [each.question for each in done.changes if isinstance(each, Settle)] == [OVER_UNDER]
    assert done.left_out == (LeftOut.RESULT_UNCLEAR,)


def test_taking_back_and_cancelling() -> None:
    base: dict[str, Any] = {"product": 1, "timestamp_ms": 1, "event": MATCH, "markets": (RESULT,)}
    window: dict[str, Any] = {"start_ms": 5_000, "end_ms": 9_000}
    assert changes(RollbackBetSettlement(**base)) == (Unsettle(question=MATCH_RESULT),)
    assert changes(BetCancel(**base, **window, void_reason=12)) == (
        Cancel(question=MATCH_RESULT, from_us=5_000_000, until_us=9_000_000, reason="void reason 12"),
    )
    assert changes(BetCancel(**base, superseded_by="sr:match:2")) == (
        Cancel(question=MATCH_RESULT, from_us=None, until_us=None, reason="superseded by sr:match:2"),
    )
    assert changes(RollbackBetCancel(**base, **window)) == (
        Restore(question=MATCH_RESULT, from_us=5_000_000, until_us=9_000_000),
    )
    moved = FixtureChange(product=1, timestamp_ms=1, event=MATCH, start_ms=7_000)
    assert changes(moved) == (Reschedule(starts_at_us=7_000_000),)
    assert changes(FixtureChange(product=1, timestamp_ms=1, event=MATCH)) == ()
    called_off = FixtureChange(product=1, timestamp_ms=1, event=MATCH, change_type=3)
    assert changes(called_off) == (Stop(reason="feed: cancelled"),)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no recorded messages in {SAMPLES}")
def test_every_sample_acts_or_is_counted() -> None:
    did: dict[str, int] = {}
    for file in sorted(SAMPLES.rglob("*.xml")):
        message = parse(file.read_bytes())
        if isinstance(message, EventMessage):
            done = acted(message)
            for change in (*done.changes, *done.left_out):
                name = str(change) if isinstance(change, str) else type(change).__name__
                did[name] = did.get(name, 0) + 1
    assert did["Offer"] >= 1
    assert did["Stop"] == did["Start"] == did["Reschedule"] == 1
    assert did["market_unknown"] > 10
