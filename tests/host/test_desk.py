"""The desk: it asks, asks again with the same bytes, and never takes silence for an answer."""

import asyncio

import pytest
from tests.host.stage import Stage, play

from overround.book.machine import Done, Parcel
from overround.book.machine.commands import CreateSport
from overround.host import Desk, NoAnswer, Overloaded
from overround.sim.loop import Process


async def ears(stage: Stage) -> list[list[Parcel]]:
    """Somebody who hears every request and answers none."""
    heard: list[list[Parcel]] = []
    await stage.network.attach("ears", Process("ears")).serve(lambda _, parcels: heard.append(parcels))
    return heard


def ask(desk: Desk, stage: Stage, name: str = "Football") -> "asyncio.Future[object]":
    return desk.ask(CreateSport(name), actor=-1, key=stage.key())  # type: ignore[return-value]


def test_no_book_no_answer_after_the_deadline() -> None:
    async def story(stage: Stage) -> None:
        desk = await stage.desk(deadline_s=3.0)
        with pytest.raises(NoAnswer):
            await ask(desk, stage)
        assert 3.0 <= stage.loop.time() <= 3.5
        assert desk.waiting == 0

    play(story)


def test_too_much_waiting_is_refused_and_not_sent() -> None:
    async def story(stage: Stage) -> None:
        heard = await ears(stage)
        desk = await stage.desk(capacity=2)
        asked = [ask(desk, stage), ask(desk, stage)]
        with pytest.raises(Overloaded):
            _ = ask(desk, stage)
        with pytest.raises(Overloaded):
            _ = desk.ask_many([(CreateSport("Chess"), stage.key())], actor=-1)
        await asyncio.sleep(0.1)
        assert [len(parcels) for parcels in heard] == [2]
        assert not any(answer.done() for answer in asked)

    play(story)


def test_what_is_asked_in_one_turn_goes_in_one_message() -> None:
    async def story(stage: Stage) -> None:
        heard = await ears(stage)
        desk = await stage.desk()
        for _ in range(50):
            _ = ask(desk, stage)
        await asyncio.sleep(0.1)
        assert [len(parcels) for parcels in heard] == [50]

    play(story)


def test_a_request_without_an_answer_is_sent_again_the_same_in_every_byte() -> None:
    async def story(stage: Stage) -> None:
        heard = await ears(stage)
        desk = await stage.desk()
        _ = ask(desk, stage)
        await asyncio.sleep(3.0)
        sent = [parcel for parcels in heard for parcel in parcels]
        assert len(sent) >= 4
        assert {(parcel.number, parcel.key, bytes(parcel.command)) for parcel in sent} == {
            (sent[0].number, sent[0].key, bytes(sent[0].command))
        }

    play(story)


def test_a_request_that_nobody_waits_for_any_more_is_forgotten() -> None:
    async def story(stage: Stage) -> None:
        heard = await ears(stage)
        desk = await stage.desk(capacity=1)
        ask(desk, stage).cancel()
        await asyncio.sleep(1.1)
        assert desk.waiting == 0
        _ = ask(desk, stage, "Tennis")
        before = len(heard)
        await asyncio.sleep(2.0)
        assert b"Football" not in b"".join(bytes(p.command) for parcels in heard[before:] for p in parcels)

    play(story)


def test_a_batch_has_none_where_no_answer_came() -> None:
    async def story(stage: Stage) -> None:
        stage.book()
        desk = await stage.desk(deadline_s=2.0)
        await stage.do(desk, CreateSport("Football"))
        assert await desk.ask_many([], actor=-1) == []
        slips = [(CreateSport(name), stage.key()) for name in ("Tennis", "Chess")]
        first = await desk.ask_many(slips, actor=-1)
        assert all(isinstance(answer, Done) for answer in first)
        assert await desk.ask_many(slips, actor=-1) == first
        stage.network.cut("desk")
        assert await desk.ask_many(slips, actor=-1) == [None, None]

    play(story)


def test_whoever_waits_when_the_desk_closes_has_no_answer() -> None:
    async def story(stage: Stage) -> None:
        desk = await stage.desk()
        asked = ask(desk, stage)
        await desk.close()
        with pytest.raises(NoAnswer):
            await asked
        with pytest.raises(Overloaded):
            _ = ask(desk, stage)

    play(story)
