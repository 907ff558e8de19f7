"""Virtual time: it jumps, it is fair, it says why it cannot go on; and processes freeze, thaw and die."""

import asyncio

import pytest

from overround.sim.loop import OUTSIDE, Process, Stuck, VirtualLoop, run


def test_an_hour_takes_no_time() -> None:
    async def main() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    assert run(main(), ceiling_s=4000) == 3600


def test_timers_of_one_instant_run_in_the_order_in_which_they_were_set() -> None:
    heard: list[int] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for number in range(50):
            loop.call_at(1.0 if number % 2 else 1.0000001, heard.append, number)
        await asyncio.sleep(2)

    run(main(), ceiling_s=10)
    assert heard == list(range(50))


def test_timeouts_and_cancelled_tasks_work_as_ever() -> None:
    async def main() -> list[str]:
        heard = []
        try:
            await asyncio.wait_for(asyncio.sleep(10), 1)
        except TimeoutError:
            heard.append("late")
        task = asyncio.create_task(asyncio.sleep(10))
        await asyncio.sleep(0)
        task.cancel()
        heard += [type(end).__name__ for end in await asyncio.gather(task, return_exceptions=True)]
        return heard

    assert run(main(), ceiling_s=10) == ["late", "CancelledError"]


def test_a_deadlock_says_who_waits_where() -> None:
    async def waits_for_ever() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Stuck, match=r"(?s)deadlock.*waits_for_ever at .*test_loop.py"):
        run(waits_for_ever(), ceiling_s=10)


def test_an_instant_that_never_ends_is_found() -> None:
    async def spins() -> None:
        while True:  # noqa: ASYNC110  that is the point
            await asyncio.sleep(0)

    with pytest.raises(Stuck, match="time stands still at 0"):
        run(spins(), ceiling_s=10)
    assert asyncio._get_running_loop() is None  # whoever comes next has a loop of their own


def test_a_world_that_takes_too_long_is_ended() -> None:
    with pytest.raises(Stuck, match="not done after 10 s"):
        run(asyncio.sleep(11), ceiling_s=10)


def test_an_exception_that_nobody_catches_ends_the_run() -> None:
    def surprise() -> None:
        raise LookupError("made up")

    async def main() -> None:
        asyncio.get_running_loop().call_later(1, surprise)
        await asyncio.sleep(2)

    with pytest.raises(LookupError, match="made up"):
        run(main(), ceiling_s=10)


class Ticker:
    """A process that says every second what time it is."""

    def __init__(self) -> None:
        self.ticks: list[float] = []
        self.unwound = False
        self.process = Process("ticker")
        self.task = self.process.spawn(self._tick())

    async def _tick(self) -> None:
        try:
            while True:
                await asyncio.sleep(1)
                self.ticks.append(asyncio.get_running_loop().time())
        finally:
            self.unwound = True


def test_a_frozen_process_does_nothing_and_then_everything_at_once() -> None:
    async def main() -> list[float]:
        ticker = Ticker()
        await asyncio.sleep(2.5)
        ticker.process.freeze()
        await asyncio.sleep(5)
        assert ticker.ticks == [1, 2]
        ticker.process.thaw()
        await asyncio.sleep(1.1)
        return ticker.ticks

    assert run(main(), ceiling_s=20) == [1, 2, 7.5, 8.5]


def test_what_is_sent_to_a_frozen_process_waits_at_its_door() -> None:
    async def main() -> list[int]:
        heard: list[int] = []
        process = Process("deaf")
        loop = asyncio.get_running_loop()
        process.freeze()
        process.call(lambda: loop.call_later(1, heard.append, 1))
        process.call(lambda: loop.call_soon(heard.append, 2))
        await asyncio.sleep(3)
        assert heard == []
        process.thaw()
        await asyncio.sleep(0)
        return heard

    assert run(main(), ceiling_s=20) == [2, 1]


def test_a_killed_process_is_gone_with_all_its_tasks() -> None:
    async def main() -> Ticker:
        ticker = Ticker()
        await asyncio.sleep(1.5)
        ticker.process.freeze()
        ticker.process.kill()
        await asyncio.sleep(5)
        return ticker

    ticker = run(main(), ceiling_s=20)
    assert ticker.ticks == [1]
    assert ticker.unwound
    assert ticker.process.dead


def test_what_is_done_outside_belongs_to_no_process() -> None:
    async def main() -> list[str]:
        heard: list[str] = []
        process = Process("inside")
        loop = asyncio.get_running_loop()
        process.call(lambda: loop.call_later(1, heard.append, "outside", context=OUTSIDE))
        process.freeze()
        await asyncio.sleep(2)
        return heard

    assert run(main(), ceiling_s=20) == ["outside"]


def test_the_loop_leaves_nothing_behind() -> None:
    loop = VirtualLoop(ceiling_s=10)
    ended: list[str] = []

    async def lingers() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(100)
            ended.append("never")

    async def main() -> None:
        tasks = [asyncio.create_task(lingers()) for _ in range(3)]
        await asyncio.sleep(1)
        assert not any(task.done() for task in tasks)

    loop.run(main())
    assert asyncio.all_tasks(loop) == set()
    assert ended == []
    loop.close()
