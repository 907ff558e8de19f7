"""Waiting for the engines ends when it is told to, whatever happens at that moment."""

import asyncio
from pathlib import Path

import pytest

from overround.apps import engines
from overround.apps.engines import EngineTrouble
from overround.apps.settings import Settings

HERE = Settings(data=Path("unused"))


class Deaf:
    """An attempt to connect that fails at the very moment it is cancelled, and tries again: `asyncio.wait_for` of
    Python 3.11 ends then with the failure, and the word is lost."""

    def __init__(self) -> None:
        self.cancelled = 0

    async def connect(self, _settings: Settings) -> None:
        while self.cancelled < 3:
            try:
                await asyncio.sleep(3_600)
            except asyncio.CancelledError:
                self.cancelled += 1
        raise asyncio.CancelledError


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> Deaf:
    made = Deaf()
    monkeypatch.setattr(engines, "_connect_bus", made.connect)
    monkeypatch.setattr(engines, "CANCEL_AGAIN_S", 0.001)
    return made


async def test_a_role_that_waits_for_nats_ends_when_told_to(deaf: Deaf) -> None:
    stop = asyncio.Event()
    waiting = asyncio.create_task(engines.connect_bus(HERE, stop))
    await asyncio.sleep(0)
    stop.set()
    assert await waiting is None
    assert deaf.cancelled == 3


async def test_a_command_that_asks_nats_ends_by_itself(deaf: Deaf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "ANSWER_WITHIN_S", 0.01)
    with pytest.raises(EngineTrouble, match="NATS does not answer"):
        await engines.ask_bus(HERE)
    assert deaf.cancelled == 3
