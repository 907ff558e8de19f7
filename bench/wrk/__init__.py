"""Closed load from wrk: one bet a request on so many connections, each sending its next when it has its answer."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.stage import Failed

SCRIPT = Path(__file__).with_name("bets.lua")


class Shot(msgspec.Struct, frozen=True, kw_only=True):
    """What wrk saw. `requests` were answered within `seconds`; `refused` of them with another status than 2xx or 3xx;
    `broken` counts failed connects, reads, writes and waits. Latencies in milliseconds."""

    requests: int
    seconds: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    refused: int
    broken: int

    @property
    def taken(self) -> int:
        """Requests answered with 2xx."""
        return self.requests - self.refused

    @property
    def rate(self) -> float:
        """Bets taken a second."""
        return self.taken / self.seconds


async def shoot(
    url: str,
    *,
    tokens: Path,
    salt: str,
    markets: Sequence[int],
    prices_milli: Sequence[int],
    connections: int,
    seconds: int,
    threads: int = 1,
) -> Shot:
    """Load `url` with bets on these markets. `salt` is four hexadecimal digits no other run has. Raises Failed."""
    program = shutil.which("wrk")
    if program is None:
        raise Failed("wrk is not installed: make debian")
    process = await asyncio.create_subprocess_exec(
        program,
        f"--threads={threads}",
        f"--connections={connections}",
        f"--duration={seconds}s",
        "--timeout=10s",
        f"--script={SCRIPT}",
        url,
        "--",
        str(tokens),
        salt,
        ",".join(map(str, markets)),
        ",".join(map(str, prices_milli)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        out, _ = await process.communicate()
    except BaseException:
        process.kill()
        raise
    words = out.decode(errors="replace").strip()
    if process.returncode != 0 or not words.endswith("}"):
        raise Failed(f"wrk ended with {process.returncode}: {words[-500:]}")
    return msgspec.json.decode(words.splitlines()[-1], type=Shot)
