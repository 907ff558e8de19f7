"""What is asked of the house for a provider's changes, and what a feed keeps: last words, bindings, recordings."""

from pathlib import Path

import msgspec
import pytest

from overround.book.tickets import Outcome
from overround.feeds import planning
from overround.feeds.bindings import Binding, Bindings, InUse, Unreadable
from overround.feeds.changes import (
    Cancel,
    Change,
    End,
    EventChanges,
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
    Verdict,
)
from overround.feeds.lastword import LastWord
from overround.feeds.orders import OPEN_END_US
from overround.feeds.planning import House, ShownEvent, ShownMarket, ShownSelection, Unbrought
from overround.feeds.recorded import FileRefused, Recorded, Recorder, pauses, read

QUESTION = Question(type="1x2")
TOTAL = Question(type="total", specifiers={"line_quarters": 10})
NAMES = ("home", "draw", "away")


def offer(state: State = State.OPEN, *, question: Question = QUESTION, feed: str = "uof-1", **prices: int) -> Offer:
    reason = "" if state is State.OPEN else "feed: suspended"
    names = NAMES if question is QUESTION else ("over", "under")
    return Offer(question=question, selections=names, prices_milli=prices, state=state, feed=feed, reason=reason)


def market(status: str = "open", reason: str = "", *, available: bool = True) -> ShownMarket:
    prices = (2_000, 3_000, 4_000)
    selections = tuple(
        ShownSelection(selection_id=number, name=name, price_milli=price)
        for number, (name, price) in enumerate(zip(NAMES, prices, strict=True), 1)
    )
    return ShownMarket(
        market_id=7,
        type="1x2",
        specifiers={},
        status=status,
        reason=reason,
        available=available and status == "open",
        selections=selections,
    )


def event(*markets: ShownMarket, status: str = "scheduled") -> ShownEvent:
    return ShownEvent(event_id=3, starts_at="2026-11-28T15:00:00.000Z", status=status, markets=markets)


def asked(change: Change, *markets: ShownMarket, status: str = "scheduled") -> list[str]:
    orders, unbrought = planning.plan(event(*markets, status=status), change)
    assert unbrought is None
    return [order["command"] for order in orders]


# ------------------------------------------------------------------ markets


@pytest.mark.parametrize(
    ("shown", "wanted", "commands"),
    [
        (market(), offer(home=2_000), []),
        (market(), offer(home=2_100), ["SetPrices"]),
        (market(available=False), offer(home=2_000), ["SetPrices"]),
        (market("suspended", "new"), offer(home=2_000), ["SetPrices", "ResumeMarket"]),
        (market("suspended", "turn_in_play"), offer(home=2_000), ["SetPrices", "ResumeMarket"]),
        (market("suspended", "feed: bet stop"), offer(home=2_000), ["SetPrices", "ResumeMarket"]),
        (market("suspended", "team news"), offer(home=2_000), ["SetPrices"]),
        (market("suspended", "team news"), offer(State.SUSPENDED, home=2_000), []),
        (market(), offer(State.SUSPENDED, home=2_100), ["SuspendMarket", "SetPrices"]),
        (market("suspended", "feed: bet stop"), offer(State.SUSPENDED), []),
        (market(), offer(State.CLOSED), ["CloseMarket"]),
        (market("closed"), offer(home=2_100), []),
        (market("resulted"), offer(State.CLOSED), []),
    ],
)
def test_the_difference_is_asked_for(shown: ShownMarket, wanted: Offer, commands: list[str]) -> None:
    assert asked(wanted, shown) == commands


def test_prices_go_by_the_names_of_selections() -> None:
    (order,), _ = planning.plan(event(market()), offer(home=2_000, away=4_200))
    assert order["prices"] == [{"selection_id": 3, "price_milli": 4_200}]


def test_a_market_is_made_once_and_only_to_be_open() -> None:
    changes = (offer(home=2_000), offer(home=2_100), offer(State.SUSPENDED, question=TOTAL))
    (order,) = planning.creations(event(), changes, House(delay_ms=4_000))
    assert order["prices_milli"] == [2_100, 0, 0]
    assert (order["feed"], order["in_play"], order["delay_ms"]) == ("uof-1", True, 4_000)
    assert planning.creations(event(market()), changes, House()) == []
    assert planning.creations(event(status="ended"), changes, House()) == []
    assert planning.plan(event(), offer(State.SUSPENDED)) == ([], None)
    assert planning.plan(event(), offer()) == ([], Unbrought.NO_MARKET)


def test_a_stop_reaches_what_is_open_and_not_spared() -> None:
    assert asked(Stop(reason="feed: bet stop"), market()) == ["SuspendMarket"]
    assert asked(Stop(reason="feed: bet stop"), market("suspended", "team news")) == []
    assert asked(Stop(reason="feed: bet stop", types=("total",)), market()) == []
    assert asked(Stop(reason="feed: bet stop", types=("1x2",)), market()) == ["SuspendMarket"]
    assert asked(Stop(reason="feed: bet stop", spared=(QUESTION,)), market()) == []


def test_an_event_takes_each_step_once() -> None:
    assert asked(Start()) == ["StartEvent"]
    assert asked(Start(), status="in_play") == []
    assert asked(End(), status="in_play") == ["EndEvent"]
    assert asked(End(), status="ended") == []
    assert asked(Reschedule(starts_at_us=1_795_900_000_000_000)) == ["RescheduleEvent"]
    assert asked(Reschedule(starts_at_us=1_795_878_000_000_000)) == []  # it starts then
    assert asked(Reschedule(starts_at_us=1_795_900_000_000_000), status="in_play") == []
    assert asked(SettleScore(home=1, away=0), market()) == ["RecordEventResult"]
    assert asked(SettleScore(home=1, away=0)) == []


def test_a_result_says_what_became_of_every_selection() -> None:
    won, lost = Verdict(outcome=Outcome.WON, places=1, tied=2), Verdict(outcome=Outcome.LOST)
    whole = Settle(question=QUESTION, verdicts={"home": won, "draw": won, "away": lost}, certainty=1)
    (order,), _ = planning.plan(event(market()), whole)
    assert order["outcomes"][1] == {"selection_id": 2, "outcome": "won", "places": 1, "tied": 2}
    assert order["certainty"] == 1
    part = msgspec.structs.replace(whole, verdicts={"home": won})
    assert planning.plan(event(market()), part) == ([], Unbrought.INCOMPLETE_RESULT)
    assert planning.plan(event(), whole) == ([], Unbrought.NO_MARKET)


def test_taking_back_and_cancelling() -> None:
    assert asked(Unsettle(question=QUESTION), market("resulted")) == ["RollbackResult"]
    assert asked(Unsettle(question=QUESTION), market()) == []
    (cancel,), _ = planning.plan(event(market()), Cancel(question=QUESTION, from_us=5, until_us=None, reason="late"))
    assert cancel == {
        "command": "CancelMarketBets",
        "market_id": 7,
        "from_us": 5,
        "until_us": OPEN_END_US,
        "reason": "late",
    }
    (restore,), _ = planning.plan(event(market()), Restore(question=QUESTION, from_us=None, until_us=9))
    assert restore == {"command": "RestoreMarketBets", "market_id": 7, "from_us": 0, "until_us": 9}


# ------------------------------------------------------------------ the last word


def words(last: LastWord, feed: str = "uof-1") -> list[dict[str, int]]:
    return [change.prices_milli for each in last.words(feed) for change in each.changes if isinstance(change, Offer)]


def test_the_last_word_is_the_offer_with_all_its_prices() -> None:
    last = LastWord()
    last.note("match", [offer(home=2_000, draw=3_000), offer(home=2_100)])
    assert words(last) == [{"home": 2_100, "draw": 3_000}]
    assert words(last, "uof-3") == []


@pytest.mark.parametrize(
    "change",
    [Stop(reason="feed: bet stop"), offer(State.SUSPENDED), offer(State.CLOSED), Start(), End(), offer(feed="uof-3")],
)
def test_what_is_stopped_or_another_feeds_is_no_offer(change: Change) -> None:
    last = LastWord()
    last.note("match", [offer(home=2_000), change])
    assert words(last) == []


def test_a_spared_market_and_a_match_under_way_go_on() -> None:
    last = LastWord()
    last.note("match", [Start(), offer(home=2_000), Stop(reason="feed: bet stop", spared=(QUESTION,)), Start()])
    assert words(last) == [{"home": 2_000}]


def test_after_a_recovery_of_everything_only_what_it_spoke_of_counts() -> None:
    last = LastWord()
    last.note("match", [offer(home=2_000)])
    last.begin("uof-1")
    last.note("match", [offer(question=TOTAL, over=1_900)])
    assert words(last) == [{"home": 2_000}, {"over": 1_900}]
    last.forget_older("uof-3")
    assert words(last) == [{"home": 2_000}, {"over": 1_900}]
    last.forget_older("uof-1")
    assert words(last) == [{"over": 1_900}]
    assert EventChanges(ref="match", changes=()).changes == ()


# ------------------------------------------------------------------ on disk


def test_bindings_outlive_their_process(tmp_path: Path) -> None:
    file = tmp_path / "feeds" / "uof.jsonl"
    with Bindings(file) as bindings:
        bindings.keep(Binding(ref="a", key="k1"))
        bindings.keep(Binding(ref="b", key="k2"))
        bindings.keep(Binding(ref="a", key="k1", event_id=5))
        with pytest.raises(InUse), Bindings(file):
            pass
    file.write_bytes(file.read_bytes() + b'{"ref":"c","ke')  # killed while writing
    with Bindings(file) as bindings:
        assert bindings.find("a") == Binding(ref="a", key="k1", event_id=5)
        assert bindings.find("b") == Binding(ref="b", key="k2")
        assert bindings.find("c") is None
    assert len(file.read_bytes().splitlines()) == 2


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "uof.jsonl"
    file.write_bytes(b"hello\n{}\n")
    with pytest.raises(Unreadable, match="line 1"), Bindings(file):
        pass


def test_a_recording_is_read_as_it_was_written(tmp_path: Path) -> None:
    file, lines = (
        tmp_path / "day.jsonl",
        [
            Recorded(at_ms=at_ms, source="uof", key="-.-.-.alive.-.-.-.-", body="<alive/>")
            for at_ms in (1_000, 3_000, 2_000)
        ],
    )
    with file.open("wb") as out:
        for line in lines:
            Recorder(out).write(line)
    (tmp_path / "one.xml").write_text("<bet_stop/>")
    found = list(read([tmp_path / "one.xml", file]))
    assert found[1:] == lines
    assert [due_s for due_s, _ in pauses(found, speed=4.0)] == [0.0, 0.0, 0.5, 0.5]
    assert {due_s for due_s, _ in pauses(found, speed=0.0)} == {0.0}
    file.write_bytes(b'{"at_ms":1,"source":"fax","key":"","body":""}\n')
    with pytest.raises(FileRefused, match=r"day.jsonl, line 1"):
        list(read([file]))
