"""The frame of the benchmarks: verdicts, the table, the page, the list. No timing decides anything here."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from bench.__main__ import main
from bench.finding import Figure, Finding, Outcome, Run
from bench.runner import run_all
from bench.stage import Bench, Failed, Stage
from bench.suite import BENCHES
from bench.table import page

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("figure", "verdict"),
    [
        (Figure(name="rate", value=12_500.0, unit="bets/s", least=12_000), "reached"),
        (Figure(name="rate", value=12_000.0, unit="bets/s", least=12_000), "reached"),
        (Figure(name="rate", value=9_000.0, unit="bets/s", least=12_000), "missed by 25 %"),
        (Figure(name="p99", value=39.9, unit="ms", most=40), "reached"),
        (Figure(name="p99", value=50.0, unit="ms", most=40), "missed by 25 %"),
        (Figure(name="p99", value=None, unit="ms", most=40), "not measured"),
        (Figure(name="slower", value=0.5, unit="%", most=0), "missed by 0.50 %"),
        (Figure(name="rate", value=9_000.0, unit="bets/s"), ""),
    ],
)
def test_a_verdict_says_by_how_much(figure: Figure, verdict: str) -> None:
    assert figure.verdict == verdict


def bench(name: str, figures: tuple[Figure, ...] = (), error: Exception | None = None) -> Bench:
    async def run(stage: Stage) -> Finding:
        assert stage.folder.is_dir()
        stage.tell("half-way", 0.5)
        if error is not None:
            raise error
        return Finding(figures=figures)

    return Bench(name=name, title=f"The bench {name}.", leaves_out=("everything",), within_s=10, run=run)


async def test_one_that_fails_leaves_the_others_their_turn() -> None:
    told: list[tuple[str, str, float | None]] = []
    benches = [
        bench("first", error=Failed("a bet was lost")),
        bench("second", (Figure(name="rate", value=1.0, unit="bets/s", least=2),)),
    ]
    run = await run_all(benches, quick=True, tell=lambda *words: told.append(words), heard=lambda _: None)
    assert [outcome.error for outcome in run.outcomes] == ["a bet was lost", ""]
    assert run.outcomes[1].figures[0].verdict == "missed by 50 %"
    assert ("second", "half-way", 0.5) in told
    assert {"processor", "memory", "kernel", "file system", "postgresql", "nats"} <= run.machine.keys()


async def test_the_page_has_every_figure_its_verdict_and_what_is_left_out() -> None:
    benches = [bench("first", (Figure(name="p99", value=50.0, unit="ms", most=40),))]
    run = await run_all(benches, quick=True, tell=lambda *_: None, heard=lambda _: None)
    alone = tuple(msgspec.structs.replace(outcome, others_share=0.0) for outcome in run.outcomes)
    text = page(msgspec.structs.replace(run, outcomes=alone))
    assert "| first | p99 | 50 ms | ≤ 40 ms | **missed by 25 %** |" in text
    assert "- left out: everything" in text


def test_results_put_together_keep_the_last_of_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = BENCHES[0].name
    for number in (1, 2):
        outcome = Outcome(
            bench=name,
            title="The first.",
            at="2030-01-01T00:00:00+00:00",
            took_s=1,
            load_before=0,
            others_share=0,
            quick=False,
            commit="abc",
            leaves_out=(),
            figures=(Figure(name="rate", value=float(number * 111), unit="bets/s"),),
        )
        (tmp_path / f"{number}.json").write_bytes(msgspec.json.encode(Run(machine={}, outcomes=(outcome,))))
    assert main(["--merge", str(tmp_path / "1.json"), str(tmp_path / "2.json")]) == 0
    shown = capsys.readouterr().out
    assert "222 bets/s" in shown
    assert "111" not in shown


def test_the_list_names_every_bench(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    shown = capsys.readouterr().out
    assert all(each.name in shown for each in BENCHES)


def test_an_unknown_name_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "nonsense"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "no benchmark is called nonsense" in done.stderr


def test_the_machine_alone_can_be_measured(tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    assert main(["machine", "--quick", "--json", str(result)]) == 0
    run = msgspec.json.decode(result.read_bytes(), type=Run)
    assert run.outcomes[0].bench == "machine"
    assert all(figure.value for figure in run.outcomes[0].figures)
