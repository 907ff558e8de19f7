"""Running a function in a fresh process: its own memory, its own collector, its own core.

`await apart(measure, asked)` is `measure(asked)`, elsewhere. The process is `python -m bench.apart module function`:
what is asked goes in as JSON, what is found comes out as JSON, both of the types that the function's signature names.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from importlib import import_module
from inspect import iscoroutine
from typing import Any, TypeVar, get_type_hints, overload

import msgspec
import uvloop

from bench.stage import ROOT, Failed

Asked = TypeVar("Asked")
Found = TypeVar("Found")


@overload
async def apart(function: Callable[[Asked], Coroutine[Any, Any, Found]], asked: Asked) -> Found: ...
@overload
async def apart(function: Callable[[Asked], Found], asked: Asked) -> Found: ...
async def apart(function: Callable[[Any], Any], asked: object) -> Any:
    """Call a function of a module, plain or async, with one argument in a fresh process. Raises Failed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        function.__module__,
        function.__name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=environment(),
    )
    try:
        out, err = await process.communicate(msgspec.json.encode(asked))
    except BaseException:
        process.kill()
        raise
    if process.returncode != 0:
        words = err.decode(errors="replace").strip()
        raise Failed(f"{function.__module__}.{function.__name__} ended with {process.returncode}: {words[-2_000:]}")
    return msgspec.json.decode(out, type=get_type_hints(function)["return"])


def environment() -> dict[str, str]:
    """For processes that import the house and the benchmarks."""
    return {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}


def main() -> None:
    """The other side."""
    function = getattr(import_module(sys.argv[1]), sys.argv[2])
    hints = get_type_hints(function)
    hints.pop("return")
    (kind,) = hints.values()
    found = function(msgspec.json.decode(sys.stdin.buffer.read(), type=kind))
    if iscoroutine(found):
        found = uvloop.run(found)
    sys.stdout.buffer.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main()
