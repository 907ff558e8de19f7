"""`python -m bench`: run benchmarks, print the table, write JSON and, when asked, the page."""

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import uvloop
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bench.finding import Outcome, Run
from bench.runner import run_all
from bench.stage import ROOT, Bench
from bench.suite import BENCHES
from bench.table import page, table

RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when every benchmark ran (whatever it found), 1 when one failed, 2 for a wrong argument."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    console = Console() if sys.stdout.isatty() else Console(width=140)
    if asked.list:
        for bench in BENCHES:
            console.print(f"[bold]{bench.name:14}[/] {bench.title}", highlight=False, soft_wrap=True)
        return 0
    if asked.merge:
        run = _merged(asked.merge)
    else:
        run = _measure(_chosen(parser, [*asked.names, *asked.only]), quick=asked.quick, console=console)
        _write(asked.json or RESULTS / f"{time.strftime('%Y%m%dT%H%M%S')}.json", run, console)
    console.print(table(run))
    if asked.page:
        if any(outcome.quick for outcome in run.outcomes):
            parser.error("a quick run is not for the page")
        PAGE.write_text(page(run))
        console.print(f"wrote {PAGE.relative_to(ROOT)}")
    return 1 if any(outcome.error for outcome in run.outcomes) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure the house. Each benchmark starts what it needs on loopback and stops it again.",
        epilog="Example: python -m bench --only machine http-single --json result.json",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run (all when none is named)")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="the same, as an option")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run at all? The figures mean little")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the result (default bench/results/)")
    parser.add_argument("--page", action="store_true", help="also write docs/benchmarks.md from this run")
    parser.add_argument(
        "--merge", nargs="+", type=Path, metavar="FILE", help="measure nothing: put results together, the last of each"
    )
    parser.add_argument("--list", action="store_true", help="list the benchmarks")
    return parser


def _chosen(parser: argparse.ArgumentParser, names: Sequence[str]) -> list[Bench]:
    known = {bench.name: bench for bench in BENCHES}
    unknown = sorted(set(names) - set(known))
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(known)}")
    return [bench for bench in BENCHES if not names or bench.name in names]


def _measure(benches: Sequence[Bench], *, quick: bool, console: Console) -> Run:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.fields[bench]:14}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console) as progress:
        tasks = {bench.name: progress.add_task("", total=1.0, start=False, bench=bench.name) for bench in benches}

        def tell(name: str, doing: str, done: float | None) -> None:
            progress.start_task(tasks[name])
            progress.update(tasks[name], description=doing, completed=done)
            if not console.is_terminal:
                console.print(f"{name}: {doing}", highlight=False)

        def heard(outcome: Outcome) -> None:
            words = f"[red]failed: {outcome.error.strip().splitlines()[-1][:80]}[/]" if outcome.error else "done"
            progress.update(tasks[outcome.bench], description=words, completed=1.0)
            progress.stop_task(tasks[outcome.bench])

        return uvloop.run(run_all(benches, quick=quick, tell=tell, heard=heard))


def _write(file: Path, run: Run, console: Console) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=2) + b"\n")
    console.print(f"wrote {file}", highlight=False)


def _merged(files: Sequence[Path]) -> Run:
    """Results put together: of each benchmark the last one, in the order of the list."""
    runs = [msgspec.json.decode(file.read_bytes(), type=Run) for file in files]
    last = {outcome.bench: outcome for run in runs for outcome in run.outcomes}
    return Run(machine=runs[-1].machine, outcomes=tuple(last[b.name] for b in BENCHES if b.name in last))


if __name__ == "__main__":
    logging.getLogger("overround").setLevel(logging.ERROR)
    sys.exit(main())
