"""A book's term: what it says and when, and what ends it."""

import asyncio

import pytest
from tests.host.stage import NOON_US, Stage, play

from overround.book.ledger.state import LedgerBroken
from overround.book.machine import Answer, BetAnswer, Done, Machine
from overround.book.machine.commands import (
    CreateSport,
    FeedHeartbeat,
    FindBet,
    GetBalances,
    Request,
    ResumeEvent,
    StartEvent,
)
from overround.host import Limits
from overround.kernel.refusal import Refused


def test_an_answer_waits_for_its_commit() -> None:
    async def story(stage: Stage) -> None:
        stage.book()
        desk = await stage.desk()
        await stage.do(desk, CreateSport("Football"))
        stage.server.freeze(2.0)
        answer = desk.ask(CreateSport("Tennis"), actor=-1, key=stage.key())
        await asyncio.sleep(0.9)
        assert not answer.done()
        assert stage.kinds().count("sport_created") == 1
        done = await answer
        assert isinstance(done, Done)
        assert stage.server.rows[done.seq - 1].kind == "sport_created"

    play(story)


def test_a_question_too_waits_for_the_commit_of_what_its_answer_stands_on() -> None:
    async def story(stage: Stage) -> None:
        stage.book()
        desk = await stage.desk()
        customer, market = await stage.customer(desk), await stage.market(desk)
        stage.server.freeze(0.5)
        bet = desk.ask(stage.bet(customer, market), actor=customer, key=stage.key())
        await asyncio.sleep(0.1)
        balance = desk.ask(GetBalances(customer), actor=customer)
        await asyncio.sleep(0.1)
        assert not bet.done()
        assert not balance.done()
        taken, shown = await bet, await balance
        assert isinstance(taken, BetAnswer)
        assert getattr(shown, "seq", 0) >= taken.seq

    play(story)


def test_a_request_that_is_sent_again_has_one_effect_and_one_answer() -> None:
    async def story(stage: Stage) -> None:
        stage.book()
        desk = await stage.desk()
        customer, market = await stage.customer(desk), await stage.market(desk)
        key = stage.key()
        asked = desk.ask(stage.bet(customer, market), actor=customer, key=key)
        await asyncio.sleep(0.0002)
        stage.network.cut("desk")  # the request is through, the answer is not
        await asyncio.sleep(2.0)
        assert not asked.done()
        stage.network.join("desk")
        first = await asked
        again = await desk.ask(stage.bet(customer, market), actor=customer, key=key)
        assert first == again
        assert stage.kinds().count("bet_accepted") == 1

    play(story)


def test_full_means_a_clear_refusal_and_nothing_changed() -> None:
    async def story(stage: Stage) -> None:
        stage.book(limits=Limits(waiting_facts=2))
        desk = await stage.desk()
        await stage.do(desk, CreateSport("Football"))
        stage.server.freeze(0.3)
        keys = [stage.key() for _ in range(6)]
        asked = []
        for key in keys:
            asked.append(desk.ask(CreateSport("Tennis"), actor=-1, key=key))
            await asyncio.sleep(0.01)
        answers = [await answer for answer in asked]
        refused = [answer for answer in answers if answer == Refused("overloaded")]
        assert len(refused) == 3  # one was on its way, two waited
        assert stage.kinds().count("sport_created") == 1 + 3
        assert isinstance(await stage.ask(desk, CreateSport("Tennis"), key=keys[-1]), Done)

    play(story)


def test_nonsense_is_refused_and_changes_nothing() -> None:
    async def story(stage: Stage) -> None:
        stage.book()
        desk = await stage.desk()
        await stage.do(desk, CreateSport("Football"))
        rows = len(stage.server.rows)
        assert await stage.ask(desk, FindBet("one")) == Refused("request_invalid")  # type: ignore[arg-type]
        assert len(stage.server.rows) == rows

    play(story)


def test_a_book_that_is_told_to_stop_gives_back_the_lease() -> None:
    async def story(stage: Stage) -> None:
        first = stage.book("first")
        await stage.until(lambda: first.active)
        second = stage.book("second", limits=Limits(lease_s=60.0))
        await asyncio.sleep(2.0)
        assert not second.active
        first.stop()
        await stage.running["first"]
        assert stage.server.lease.holder in ("", "second")
        await asyncio.sleep(0.2)
        assert second.active

    play(story)


def test_what_is_asked_before_the_stop_is_answered() -> None:
    async def story(stage: Stage) -> None:
        book = stage.book()
        desk = await stage.desk(deadline_s=1.0)
        await stage.do(desk, CreateSport("Football"))
        stage.server.freeze(0.1)
        answer = desk.ask(CreateSport("Tennis"), actor=-1, key=stage.key())
        await asyncio.sleep(0.05)
        book.stop()
        assert isinstance(await answer, Done)
        await stage.running["book"]

    play(story)


def test_a_failed_commit_ends_the_term_and_the_next_one_answers() -> None:
    async def story(stage: Stage) -> None:
        book = stage.book()
        desk = await stage.desk()
        customer, market = await stage.customer(desk), await stage.market(desk)
        stage.server.fill(1.0)
        bet = await desk.ask(stage.bet(customer, market), actor=customer, key=stage.key())
        assert isinstance(bet, BetAnswer)
        assert book.stats.terms >= 2
        assert stage.kinds().count("bet_accepted") == 1
        assert stage.loop.time() > 1.0

    play(story)


def test_a_commit_whose_outcome_is_unknown_is_found_in_the_journal() -> None:
    async def story(stage: Stage) -> None:
        book = stage.book()
        desk = await stage.desk()
        customer, market = await stage.customer(desk), await stage.market(desk)
        asked = desk.ask(stage.bet(customer, market), actor=customer, key=stage.key())
        await stage.until(lambda: "bet_accepted" in stage.kinds() or asked.done())
        stage.server.freeze(4.0)  # longer than the writer waits
        done = await stage.ask(desk, stage.bet(customer, market))
        assert isinstance(await asked, BetAnswer)
        assert isinstance(done, BetAnswer)
        assert book.stats.terms >= 2
        assert stage.kinds().count("bet_accepted") == 2

    play(story)


def test_an_old_book_that_wakes_up_says_and_writes_nothing() -> None:
    async def story(stage: Stage) -> None:
        first = stage.book("first")
        await stage.until(lambda: first.active)
        second = stage.book("second")
        desk = await stage.desk()
        customer, market = await stage.customer(desk), await stage.market(desk)
        stage.processes["first"].freeze()
        stage.later(5.0, stage.processes["first"].thaw)
        key = stage.key()
        asked = [desk.ask(stage.bet(customer, market), actor=customer, key=key) for _ in range(3)]
        answers = [await answer for answer in asked]
        assert second.active
        await asyncio.sleep(6.0)
        assert answers[0] == answers[1] == answers[2]
        assert stage.kinds().count("bet_accepted") == 1
        assert not first.active

    play(story)


def test_a_book_that_froze_meets_the_silence_before_the_bet() -> None:
    """A feed falls silent while the book is frozen, and a bet is already at its door when it wakes up."""

    async def story(stage: Stage) -> None:
        stage.book()
        desk = await stage.desk()
        customer = await stage.customer(desk)
        market = await stage.market(desk, feed="alpha")
        await stage.do(desk, FeedHeartbeat("alpha"))
        await asyncio.sleep(19.6)
        stage.processes["book"].freeze()
        bet = desk.ask(stage.bet(customer, market), actor=customer, key=stage.key())
        stage.later(0.6, stage.processes["book"].thaw)
        answer = await bet
        assert isinstance(answer, Refused)
        assert answer.code == "market_suspended"

    play(story)


def test_a_book_with_much_to_do_still_notices_a_silent_feed_and_ends_delays() -> None:
    """The bound on waiting work holds back settlement, never the clock."""

    async def story(stage: Stage) -> None:
        stage.book(limits=Limits(waiting_steps=0))
        desk = await stage.desk()
        customer, event = await stage.customer(desk), await stage.event(desk)
        market = await stage.market(desk, event, feed="alpha", in_play=True, delay_us=5_000_000)
        await stage.do(desk, StartEvent(event))
        await stage.do(desk, ResumeEvent(event))
        await stage.ask(desk, stage.bet(customer, market))
        await asyncio.sleep(6.0)
        assert "delayed_bet_accepted" in stage.kinds()
        await asyncio.sleep(20.0)
        assert "feed_silenced" in stage.kinds()

    play(story)


def test_time_in_the_journal_never_runs_backwards_and_never_stands_still() -> None:
    """The first book's clock is an hour ahead; the second's is right."""

    async def story(stage: Stage) -> None:
        stage.book("ahead", wrong_us=3_600_000_000)
        desk = await stage.desk()
        customer, event = await stage.customer(desk), await stage.event(desk)
        market = await stage.market(desk, event, in_play=True, delay_us=5_000_000)
        await stage.do(desk, StartEvent(event))
        await stage.do(desk, ResumeEvent(event))
        await stage.ask(desk, stage.bet(customer, market))
        stage.processes["ahead"].kill()
        right = stage.book("right")
        await stage.until(lambda: right.active)
        await asyncio.sleep(11.0)  # at half speed the delay of five seconds takes ten
        assert "delayed_bet_accepted" in stage.kinds()
        times = [row.at_us for row in stage.server.rows]
        assert times == sorted(times)
        assert times[0] > NOON_US + 3_600_000_000

    play(story)


def test_a_surprise_ends_the_process_and_nothing_of_it_is_written() -> None:
    class Surprising(Machine):
        def execute(self, request: Request, now_us: int) -> Answer:
            answer = super().execute(request, now_us)
            if getattr(request.command, "name", "") == "Chess":
                raise LedgerBroken("made up")
            return answer

    async def story(stage: Stage) -> None:
        stage.book(machine=Surprising)
        desk = await stage.desk(deadline_s=1.0)
        await stage.do(desk, CreateSport("Football"))
        asked = [desk.ask(CreateSport(name), actor=-1, key=stage.key()) for name in ("Tennis", "Chess")]
        with pytest.raises(LedgerBroken):
            await stage.running["book"]
        assert stage.kinds().count("sport_created") == 1
        await asyncio.sleep(2.0)
        assert [type(answer.exception()).__name__ for answer in asked] == ["NoAnswer", "NoAnswer"]

    play(story)
