"""Running one role in this process: logs, uvloop, signals, and an orderly end."""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable
from importlib import import_module

import uvloop

from overround.apps import engines
from overround.apps.settings import Settings
from overround.infra import telemetry

ROLES = ("book", "gateway", "worker", "feed")
WITHOUT_ENGINES = ("feed",)

Run = Callable[[Settings, asyncio.Event], Awaitable[None]]


def run_role(role: str, settings: Settings) -> None:
    """Run a role until SIGTERM or SIGINT. Each lives in `overround.apps.<role>` as `run(settings, stop)`.

    It waits for the engines that it needs, however long. Raises InvalidSetting.
    """
    telemetry.set_up(style=settings.log_style, level=settings.log_level, role=role)
    run: Run = import_module(f"overround.apps.{role}").run
    settle_memory()
    uvloop.run(_until_told(run, settings, with_engines=role not in WITHOUT_ENGINES))


def settle_memory() -> None:
    """What is there stays: the collector need not look at it again, and seldom at what comes after."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


async def _until_told(run: Run, settings: Settings, *, with_engines: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if not with_engines or await engines.wait_for_database(settings, stop):
        await run(settings, stop)
