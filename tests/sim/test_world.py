"""A world is its seed: the same in any process, and what the command line says of it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner
from tests.sim.sabotage import PaysTwice

from overround.sim import World, cli, simulate
from overround.sim.weather import Weather, draw

SOURCE = Path(__file__).resolve().parents[2] / "src"
SEEDS = (7, 21, 99)
FINGERPRINTS = f"from overround.sim import simulate; print([simulate(seed).fingerprint for seed in {SEEDS}])"


def fingerprints_elsewhere(hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(SOURCE)}
    ran = subprocess.run(
        [sys.executable, "-c", FINGERPRINTS], env=environment, check=True, capture_output=True, text=True
    )
    return ran.stdout.strip()


def test_the_same_seed_is_the_same_run_in_any_process() -> None:
    here = str([simulate(seed).fingerprint for seed in SEEDS])
    assert fingerprints_elsewhere("1") == here
    assert fingerprints_elsewhere("4711") == here


def test_another_seed_is_another_run() -> None:
    assert len({simulate(seed).fingerprint for seed in SEEDS}) == len(SEEDS)


def test_a_house_with_nothing_against_it_serves_everybody() -> None:
    report = World(5, weather=Weather(books=2, gateways=2)).run()
    assert report.broken == ""
    assert report.calm
    assert report.terms == 1
    assert report.bets > 20
    assert "no_answer" not in {name for name in report.counts if name.startswith("steady")}


def test_everything_at_once_does_not_break_it() -> None:
    weather = Weather(
        books=3,
        gateways=2,
        lost=0.2,
        repeated=0.3,
        late=0.3,
        late_s=3.0,
        cut_every_s=8.0,
        crashed_before_commit=0.05,
        crashed_after_commit=0.05,
        committed_in_limbo=0.5,
        slow_commit=0.3,
        slow_s=0.3,
        journal_freezes_every_s=10.0,
        journal_fills_every_s=10.0,
        snapshot_every_s=3.0,
        killed_every_s=5.0,
        frozen_every_s=5.0,
        frozen_s=1.5,
        gateway_killed_every_s=6.0,
        stopped_every_s=9.0,
        skew_s=2.0,
        jump_every_s=7.0,
        jump_s=20.0,
        feed_stalls=0.2,
        rubbish=0.01,
    )
    report = World(11, weather=weather).run()
    assert report.broken == ""
    for fault in ("killed", "frozen", "cut_off", "lost", "repeated", "fenced", "told_to_stop", "clock_jumped"):
        assert report.counts.get(fault, 0) > 0, fault


def test_worlds_are_of_all_kinds() -> None:
    drawn = [draw(Random(seed)) for seed in range(200)]
    calm = [weather for weather in drawn if weather == weather.calmed]
    hell = [weather for weather in drawn if weather.lost and weather.killed_every_s and weather.jump_every_s]
    assert 10 < len(calm) < 80
    assert 10 < len(hell) < 120


def test_the_command_says_what_it_saw() -> None:
    ran = CliRunner().invoke(cli.command, ["--seed", "7"])
    assert ran.exit_code == 0
    assert f"seed 7  fingerprint {simulate(7).fingerprint}  all invariants held" in ran.output
    assert "1 of 1 worlds held" in ran.output


def test_the_command_prints_everything_on_demand() -> None:
    ran = CliRunner().invoke(cli.command, ["--seed", "7", "--trace"])
    assert ran.exit_code == 0
    assert len(ran.output.splitlines()) > 200


def test_the_command_counts_worlds_and_speaks_json() -> None:
    ran = CliRunner().invoke(cli.command, ["--worlds", "3", "--from", "40", "--processes", "1", "--json"])
    reports = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [report["seed"] for report in reports] == [40, 41, 42]
    assert all(report["broken"] == "" for report in reports)


def test_a_broken_world_is_named_with_its_seed_and_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    cli.tell([World(7, machine=PaysTwice).run()])
    said = capsys.readouterr().out
    assert "seed 7 broke after" in said
    assert "other money moved than expected" in said
    assert "bets_settled" in said
    assert "again: overround sim --seed 7" in said
    assert "0 of 1 worlds held" in said
