"""The live view on its own: facts in order, gaps, doubt, and coming back; and the deltas that come of them."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest
from tests.edge.running import until

from overround.book.catalogue import CatalogueState, FeedSilenced, MarketStatus
from overround.book.machine import AnyFact, Machine, Pending, request
from overround.book.machine.commands import (
    AnyCommand,
    CancelMarketBets,
    CreateCompetition,
    CreateEvent,
    CreateMarket,
    CreateSport,
    FeedHeartbeat,
    HandOverMarket,
    RecordResult,
    RestoreMarketBets,
    ResumeMarket,
    RollbackResult,
    SetPrices,
    SilenceFeed,
    StartEvent,
    SuspendMarket,
)
from overround.book.settlement import Score
from overround.edge.changes import Change, Changes, merged
from overround.edge.live import Fact, Forked, Live, Lost
from overround.kernel.ids import make_key
from overround.projections import ExchangeOffer

NOON_US = 1_795_435_200_000_000


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.at_s = 1_000.0

    def now_us(self) -> int:
        return int(self.at_s * 1_000_000)

    def monotonic(self) -> float:
        return self.at_s


class Book:
    """A machine whose facts a test hands on, or does not."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.rows: list[Pending] = []
        self._number = 0

    def does(self, *commands: AnyCommand) -> list[Pending]:
        """The facts of these commands, committed."""
        for command in commands:
            self._number += 1
            key = make_key(at_us=NOON_US, chance=self._number)
            self.machine.execute(request(actor=-1, key=key, command=command), NOON_US + self._number)
        facts = self.machine.drain()
        self.rows += facts
        return facts

    def offers(self) -> list[Pending]:
        """A market of a feed, open."""
        return self.does(
            CreateSport("Football"),
            CreateCompetition(1, "League"),
            CreateEvent(1, "Ayr – Dundee", NOON_US),
            CreateMarket(1, "1x2", prices_milli=(2_000, 3_000, 4_000), feed="odds", in_play=True),
            ResumeMarket(1),
        )


class Journal:
    """The rows of a book, while the test lets them be read."""

    def __init__(self, book: Book) -> None:
        self.lost = False
        self._book = book

    def _rows(self) -> list[Pending]:
        if self.lost:
            raise Lost("cut")
        return self._book.rows

    async def base(self) -> tuple[int, CatalogueState]:
        self._rows()
        return 0, CatalogueState()

    async def exchange(self, *, closed_for_us: int) -> ExchangeOffer:  # noqa: ARG002  # as the port
        raise AssertionError("nobody follows")

    async def before(self, at_us: int) -> int:
        return sum(row.at_us < at_us for row in self._rows())

    async def read(self, after: int, limit: int) -> Sequence[Fact]:
        return [Fact(row.seq, row.at_us, row.kind, row.body) for row in self._rows()[after : after + limit]]

    async def read_kinds(self, kinds: Sequence[str], after: int, upto: int, limit: int) -> Sequence[Fact]:
        rows = [row for row in self._rows()[after:upto] if row.kind in kinds]
        return [Fact(row.seq, row.at_us, row.kind, row.body) for row in rows[:limit]]

    async def head(self) -> int:
        return len(self._rows())

    async def identity(self) -> str:
        return "0" * 32


class Told:
    """A listener that writes down what it is told."""

    def __init__(self) -> None:
        self.kinds: frozenset[str] = frozenset()
        self.words: list[str] = []

    def changed(self, changes: Sequence[Change]) -> None:
        self.words += [f"market {change.market_id} at {change.seq}" for change in changes]

    def event_changed(self, seq: int, event_id: int) -> None:
        self.words.append(f"event {event_id} at {seq}")

    def fact(self, seq: int, at_us: int, kind: str, body: str | bytes) -> None:
        self.words.append(f"{kind} at {seq} {at_us} {len(body)}")

    def stale(self) -> None:
        self.words.append("stale")

    def live(self) -> None:
        self.words.append("live")


class Scene:
    """A book, its journal, and a live view with a listener."""

    def __init__(self) -> None:
        self.book, self.clock, self.told = Book(), Clock(), Told()
        self.journal = Journal(self.book)
        self.connected = True
        self.view = Live(self.journal, clock=self.clock, connected=lambda: self.connected)
        self.view.listener = self.told

    async def built(self) -> None:
        await self.view.build()
        self.told.words.clear()


async def test_the_first_picture_is_the_whole_journal() -> None:
    scene = Scene()
    scene.book.offers()
    assert scene.view.is_stale
    await scene.view.build()
    assert (scene.view.seq, scene.view.is_stale) == (5, False)
    assert scene.told.words[-1] == "live"
    assert scene.view.state == scene.book.machine.state.catalogue


async def test_facts_heard_twice_count_once() -> None:
    scene = Scene()
    facts = scene.book.offers()
    await scene.built()
    more = scene.book.does(SetPrices(1, ((1, 2_500),)))
    for heard in (facts, more, more, facts + more):
        scene.view.hear(heard)
    assert scene.told.words == ["market 1 at 6"]
    assert scene.view.state == scene.book.machine.state.catalogue


async def test_a_gap_makes_the_view_stale_until_the_journal_has_filled_it() -> None:
    scene = Scene()
    scene.book.offers()
    await scene.built()
    scene.book.does(SetPrices(1, ((1, 2_500),)))
    scene.view.hear(scene.book.does(SetPrices(1, ((1, 2_600),))))
    assert scene.view.is_stale
    assert scene.told.words == ["stale"]
    keeping = asyncio.create_task(scene.view.keep())
    await until(lambda: not scene.view.is_stale)
    keeping.cancel()
    assert scene.told.words == ["stale", "market 1 at 6", "market 1 at 7", "live"]
    assert scene.view.state == scene.book.machine.state.catalogue


async def test_what_was_heard_while_catching_up_is_not_lost() -> None:
    scene = Scene()
    scene.book.offers()
    await scene.built()
    scene.view.doubt("a test says so")
    scene.view.hear(scene.book.does(SetPrices(1, ((1, 2_500),))))
    scene.book.rows.pop()  # heard before it can be read
    keeping = asyncio.create_task(scene.view.keep())
    await until(lambda: not scene.view.is_stale)
    keeping.cancel()
    assert scene.view.seq == 6


async def test_silence_that_nothing_confirms_is_doubt() -> None:
    scene = Scene()
    scene.book.offers()
    await scene.built()
    scene.journal.lost = True
    scene.clock.at_s += 10
    keeping = asyncio.create_task(scene.view.keep())
    await until(lambda: scene.view.is_stale)
    scene.journal.lost = False
    await until(lambda: not scene.view.is_stale)
    keeping.cancel()
    assert scene.told.words == ["stale", "live"]


async def test_a_journal_that_went_on_unheard_is_noticed() -> None:
    scene = Scene()
    scene.book.offers()
    await scene.built()
    scene.book.does(SetPrices(1, ((1, 2_500),)))
    keeping = asyncio.create_task(scene.view.keep())
    await until(lambda: "live" in scene.told.words)
    keeping.cancel()
    assert scene.told.words == ["stale", "market 1 at 6", "live"]


async def test_without_nats_nothing_is_live() -> None:
    scene = Scene()
    scene.book.offers()
    scene.connected = False
    await scene.view.build()
    assert scene.view.built
    assert scene.view.is_stale


def folded(*facts: list[Pending]) -> tuple[Changes, list[Change]]:
    changes = Changes(CatalogueState())
    told = [
        change
        for fact in (fact for some in facts for fact in some)
        for change in changes.fold(fact.seq, fact.at_us, fact.body)[0]
    ]
    return changes, told


def test_a_silent_feed_closes_its_markets_for_bets_and_a_price_opens_one_again() -> None:
    book = Book()
    offered = book.offers()
    silent: AnyFact = FeedSilenced(feed="odds")
    book.machine.record(silent, NOON_US + 100)
    silenced = book.machine.drain()
    back = book.does(FeedHeartbeat("odds"), SetPrices(1, ((1, 2_100),)))
    _, told = folded(offered, silenced, back)
    assert [(change.delta.available, change.delta.prices) for change in told[-2:]] == [
        (False, None),
        (True, ((1, 2_100),)),
    ]


def test_feeds_hands_and_corrections_leave_the_view_as_the_book_has_it() -> None:
    book = Book()
    offered = book.offers()
    later = book.does(
        HandOverMarket(1, "late odds"),
        SilenceFeed("late odds"),
        CancelMarketBets(1, 5, 9, "late suspension"),
        RestoreMarketBets(1, 5, 9),
        RecordResult(1, Score(1, 0)),
        RollbackResult(1),
    )
    changes, told = folded(offered, later)
    assert changes.state == book.machine.state.catalogue
    assert changes.by_feed["late odds"] == [1]
    assert (told[-1].delta.status, told[-1].delta.reason) == (MarketStatus.CLOSED, "rolled_back")


def test_the_off_suspends_what_goes_on_in_play() -> None:
    book = Book()
    changes, told = folded(book.offers(), book.does(StartEvent(1)))
    assert (told[-1].delta.status, told[-1].delta.reason) == (MarketStatus.SUSPENDED, "turn_in_play")
    assert changes.state == book.machine.state.catalogue


def test_merged_changes_are_the_newest_of_everything() -> None:
    book = Book()
    offered = book.offers()
    later = book.does(
        SetPrices(1, ((1, 2_100), (2, 3_100))), SuspendMarket(1, "goal"), SetPrices(1, ((1, 0),)), ResumeMarket(1)
    )
    _, told = folded(offered, later)
    one = merged(told[-4:]).delta
    assert dict(one.prices or ()) == {1: 0, 2: 3_100}
    assert (one.status, one.reason, one.available, one.version) == (MarketStatus.OPEN, "", True, 4)
    assert one.seq == told[-1].seq
    assert msgspec.json.decode(merged(told[-4:]).json)["op"] == "delta"


async def test_a_journal_shorter_than_what_was_heard_ends_the_view() -> None:
    """A failover to a standby that had not everything: what was heard last may never have been."""
    scene = Scene()
    scene.book.offers()
    await scene.built()
    del scene.book.rows[-1]
    with pytest.raises(Forked, match="ends at 4, heard up to 5"):
        await scene.view.keep()
