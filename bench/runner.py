"""One benchmark after another, each in a folder of its own and within its time."""

import asyncio
import os
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import processor, rig
from bench.finding import Finding, Outcome, Run
from bench.stage import Bench, Failed, Stage

Tell = Callable[[str, str, float | None], None]
"""Hears the benchmark's name, what it is doing, and how much of it is done (None for the same as before)."""


async def run_all(benches: Sequence[Bench], *, quick: bool, tell: Tell, heard: Callable[[Outcome], None]) -> Run:
    """Run them in order. One that fails or is late leaves the others their turn."""
    outcomes: list[Outcome] = []
    for bench in benches:
        with tempfile.TemporaryDirectory(prefix="overround-bench-", ignore_cleanup_errors=True) as folder:
            os.chmod(folder, 0o755)  # noqa: PTH101, S103  # PostgreSQL runs as another user where we are root
            outcome = await _run_one(bench, Path(folder), quick=quick, tell=tell)
        outcomes.append(outcome)
        heard(outcome)
    return Run(machine=rig.describe(Path(tempfile.gettempdir())), outcomes=tuple(outcomes))


async def _run_one(bench: Bench, folder: Path, *, quick: bool, tell: Tell) -> Outcome:
    stage = Stage(folder=folder, quick=quick, tell=lambda doing, done: tell(bench.name, doing, done))
    load_before, began, before = rig.load(), time.monotonic(), processor.now()
    found, error = await _attempt(bench, stage)
    return Outcome(
        bench=bench.name,
        title=bench.title,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        took_s=round(time.monotonic() - began, 1),
        load_before=load_before,
        others_share=round(processor.others_share(before, processor.now()), 3),
        quick=quick,
        commit=rig.commit(),
        leaves_out=bench.leaves_out,
        figures=found.figures,
        configuration=found.configuration,
        error=error,
    )


async def _attempt(bench: Bench, stage: Stage) -> tuple[Finding, str]:
    """The outermost loop of the process: whatever goes wrong in a benchmark is its outcome."""
    try:
        async with asyncio.timeout(bench.within_s):
            return await bench.run(stage), ""
    except Failed as failed:
        return Finding(figures=()), str(failed)
    except TimeoutError:
        return Finding(figures=()), f"not done within {bench.within_s:.0f} s"
    except Exception as error:  # noqa: BLE001  # the outermost loop: the other benchmarks still get their turn
        traceback.print_exc()
        return Finding(figures=()), f"{type(error).__name__}: {error}"
