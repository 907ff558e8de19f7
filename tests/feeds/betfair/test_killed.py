"""A book that is killed in the middle of a replay: it is waited for, and nothing is lost or placed twice."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.edge.running import Running
from tests.feeds.betfair.playing import example, studio

from overround.apps.house import House
from overround.apps.settings import Settings
from overround.feeds.betfair.scanning import Pace, scan
from overround.infra.ports import free_port

pytestmark = [pytest.mark.engines, pytest.mark.xdist_group("house")]


async def test_a_replay_goes_on_after_the_book_was_killed(
    data_folder: Path, postgres_dsn: str, nats_url: str, tmp_path: Path
) -> None:
    cell = f"killed{data_folder.name.replace('-', '')}"
    house = House(Settings(data=data_folder, port=free_port(), database_url=postgres_dsn, nats_url=nats_url, cell=cell))
    killed: list[int] = []

    async def kill(_markets: Any) -> None:
        pid = house.supervisor.pid("book-1")
        if pid is not None and not killed:
            killed.append(pid)
            os.kill(pid, signal.SIGKILL)

    found = scan(example(tmp_path / "race", seconds=40))
    endpoints = await house.start()
    try:
        running = Running(settings=house.settings, operator=endpoints.operator_token)
        async with studio(running) as open_studio:
            watching = await open_studio.observer()
            player = open_studio.player(pace=Pace(speed=20.0), on_sample=kill, samples=3)
            await player.prepare([found])
            await player.play([found])
            await watching.look_at_all(list(player.markets.values()))
    finally:
        await house.stop()
    assert (len(killed), player.tally.refused) == (1, {})
    assert {name: field.examples for name, field in watching.fields.items() if field.examples} == {}
    assert {"status", "runner status", "traded at each price", "BSP"} <= set(watching.fields)
