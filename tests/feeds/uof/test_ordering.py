"""Which messages count: the stories of docs/feeds.md, and what is remembered."""

import random
import re
from collections.abc import Sequence
from typing import Any

import pytest
from tests.book.tables import table
from tests.feeds.uof.words import MATCH, RESULT, odds, result, total

from overround.feeds.uof import ordering
from overround.feeds.uof.mapping import mapping
from overround.feeds.uof.messages import (
    BetCancel,
    BetSettlement,
    BetStop,
    EventMessage,
    EventStatus,
    FixtureChange,
    MarketStatus,
    OddsChange,
    RollbackBetCancel,
    RollbackBetSettlement,
)
from overround.feeds.uof.ordering import Sieve, Sifted

WORD = re.compile(r"(?:(\d):)?(\w+?)([12])?(\*)?(?:\((\w+)\))? (\d+)")
WINDOW: dict[str, Any] = {"start_ms": 5_000, "end_ms": 9_000}


def read(word: str) -> EventMessage:
    """A word of a story as a message: `3:odds 10`, `stop(score) 12`, `settle2* 25`."""
    found = WORD.fullmatch(word)
    assert found is not None, word
    producer, kind, certainty, other, group, seconds = found.groups()
    base: dict[str, Any] = {"product": int(producer or 1), "timestamp_ms": int(seconds) * 1_000, "event": MATCH}
    match kind:
        case "odds":
            return odds(int(seconds), product=base["product"])
        case "gone":
            return odds(int(seconds), product=base["product"], status=MarketStatus.HANDED_OVER)
        case "stop":
            return BetStop(**base, groups=(group or "all",))
        case "settle":
            return BetSettlement(**base, certainty=int(certainty), markets=(result("2" if other else "1"),))
        case "rollback":
            return RollbackBetSettlement(**base, markets=(RESULT,))
        case "cancel":
            return BetCancel(**base, **WINDOW, markets=(RESULT,))
        case "restore":
            return RollbackBetCancel(**base, **WINDOW, markets=(RESULT,))
        case _:
            raise LookupError(word)


def sieve() -> Sieve:
    return Sieve(groups_of=mapping().groups)


def became(sifted: Sifted) -> str:
    return str(sifted.dropped[0].judgement) if sifted.dropped else "counts"


@pytest.mark.parametrize("row", table("../feeds.md", "What counts"), ids=lambda row: row["what came"])
def test_what_counts(row: dict[str, str]) -> None:
    sifting = sieve()
    said = [became(sifting.sift(read(word))) for word in row["what came"].split(", ")]
    assert ", ".join(said) == row["what became of it"]


def test_a_message_is_cut_down_to_the_markets_that_count() -> None:
    sifting, other = sieve(), total("2.5")
    sifting.sift(odds(12))
    both = OddsChange(
        product=1,
        timestamp_ms=11_000,
        event=MATCH,
        markets=(*odds(11).markets, *odds(11, other, (1_900, 1_950), first=12).markets),
    )
    sifted = sifting.sift(both)
    assert isinstance(sifted.message, OddsChange)
    assert [each.market for each in sifted.message.markets] == [other]
    assert [(each.market, str(each.judgement)) for each in sifted.dropped] == [(RESULT, "late")]


def test_a_bet_stop_spares_what_was_priced_after_it() -> None:
    sifting = sieve()
    sifting.sift(odds(12))
    sifting.sift(odds(9, total("2.5"), (1_900, 1_950), first=12))
    sifted = sifting.sift(BetStop(product=1, timestamp_ms=10_000, event=MATCH, groups=("all",)))
    assert sifted.message is not None
    assert sifted.spared == (RESULT,)


def test_windows_of_cancellations_are_apart() -> None:
    sifting = sieve()
    first = BetCancel(product=1, timestamp_ms=10, event=MATCH, markets=(RESULT,), start_ms=1, end_ms=2)
    second = BetCancel(product=1, timestamp_ms=10, event=MATCH, markets=(RESULT,), start_ms=3, end_ms=4)
    assert [became(sifting.sift(each)) for each in (first, second, first)] == ["counts", "counts", "repeated"]


def test_an_old_status_of_the_event_is_late() -> None:
    sifting = sieve()
    live = OddsChange(product=1, timestamp_ms=20, event=MATCH, status=EventStatus.LIVE)
    before = OddsChange(product=1, timestamp_ms=10, event=MATCH, status=EventStatus.NOT_STARTED)
    assert [became(sifting.sift(each)) for each in (live, before, live)] == ["counts", "late", "counts"]
    changes = [FixtureChange(product=1, timestamp_ms=at_ms, event=MATCH) for at_ms in (20, 10, 20)]
    assert [became(sifting.sift(each)) for each in changes] == ["counts", "late", "counts"]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "MAX_EVENTS", 3)
    monkeypatch.setattr(ordering, "MAX_MARKETS", 2)
    sifting = sieve()
    for number in range(5):
        for line in ("1.5", "2.5", "3.5"):
            message = odds(20, total(line))
            sifting.sift(type(message)(product=1, timestamp_ms=20, event=f"sr:match:{number}", markets=message.markets))
    assert len(sifting._events) == 3
    assert all(len(event.markets) == 2 for event in sifting._events.values())


@pytest.mark.parametrize("seed", range(30))
def test_the_last_word_of_one_producer_is_the_same_in_any_order(seed: int) -> None:
    """Odds and bet stops, shuffled and repeated: the market ends as if they had come in the order they were said."""
    chance = random.Random(seed)
    said = [
        odds(at_s, prices=(2_000 + at_s, 3_000, 4_000))
        if chance.random() < 0.7
        else BetStop(product=1, timestamp_ms=at_s * 1_000, event=MATCH, groups=("all",))
        for at_s in range(1, 20)
    ]

    def ends(messages: Sequence[EventMessage]) -> int | None:
        """The last price, None when stopped."""
        sifting, price = sieve(), None
        for message in messages:
            sifted = sifting.sift(message)
            if isinstance(sifted.message, OddsChange):
                price = sifted.message.markets[0].outcomes[0].price_milli
            elif isinstance(sifted.message, BetStop) and RESULT not in sifted.spared:
                price = None
        return price

    shuffled = said + chance.choices(said, k=10)
    chance.shuffle(shuffled)
    assert ends(shuffled) == ends(said)
