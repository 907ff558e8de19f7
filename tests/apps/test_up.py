"""`overround up` as a newcomer meets it: the banner, its three lines, Ctrl-C, and the next morning."""

import json
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from overround.apps.house import read_endpoints
from overround.infra.ports import free_port

CEILING_S = 120.0

pytestmark = pytest.mark.xdist_group("chaos")


class Evening:
    """One run of the house, and what it printed."""

    def __init__(self, process: "subprocess.Popen[str]", output: Path) -> None:
        self.process, self._output = process, output

    def printed(self, pattern: str) -> list[str]:
        """Wait until something was printed; all that match."""
        began = time.monotonic()
        while True:
            text = self._output.read_text(encoding="utf-8")
            found = re.findall(pattern, text, re.MULTILINE)
            if found:
                return found
            assert self.process.poll() is None, text
            assert time.monotonic() - began < CEILING_S, text
            time.sleep(0.1)

    def end(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(CEILING_S)


@contextmanager
def up(data: Path, port: int, output: Path) -> Iterator[Evening]:
    environment = {**os.environ, "OVERROUND_DATA": str(data), "OVERROUND_PORT": str(port), "COLUMNS": "100"}
    with output.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "overround", "up"], env=environment, stdout=out, stderr=subprocess.STDOUT, text=True
        )
    try:
        yield Evening(process, output)
    finally:
        process.kill()
        process.wait()


def run(line: str) -> Any:
    """What a line of the banner prints, run in a shell's way."""
    done = subprocess.run(shlex.split(line), capture_output=True, check=True, timeout=CEILING_S)
    return json.loads(done.stdout)


def test_an_evening_and_the_next(data_folder: Path) -> None:
    data, port = data_folder / "data", free_port()
    with up(data, port, data_folder / "first") as evening:
        evening.printed("Overround is open")
        evening.printed("ledger sum 0")
        events, balance, bet = (run(line) for line in evening.printed(r"^curl .*$"))
        assert events["items"]
        assert balance["wallets"][0]["currency"] == "EUR"
        assert bet["status"] in ("open", "delayed"), "a match that has begun meanwhile makes it wait"
        assert stat.S_IMODE((data / "endpoints.json").stat().st_mode) == 0o600
        endpoints = read_endpoints(data / "endpoints.json")
        assert endpoints is not None
        assert len(endpoints.customers) == 10
        assert balance["wallets"][0]["account_id"] == endpoints.customers[0].account_id
        assert evening.end() == 0
    with up(data, port, data_folder / "second") as evening:
        evening.printed("Overround is open")
        assert read_endpoints(data / "endpoints.json") == endpoints
        bearer = f"Authorization: Bearer {endpoints.customers[0].token}"
        found = run(f"curl -s {endpoints.http}/v1/bets/{bet['bet_id']} -H '{bearer}'")
        assert found["stake_minor"] == 500
        assert evening.end() == 0
