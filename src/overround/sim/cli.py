"""`overround sim`: one world and what happened in it, or many and which of them broke."""

import json
import logging
import os
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from overround.sim.world import Report, simulate

CHUNK = 4


@click.command("sim")
@click.option("--seed", type=int, help="Run this one world.")
@click.option("--worlds", type=click.IntRange(min=1), default=200, show_default=True, help="Run so many worlds.")
@click.option("--from", "first", type=int, default=1, show_default=True, help="The seed of the first of them.")
@click.option("--processes", type=click.IntRange(min=1), help="How many processes; by default one for each core.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a world.")
@click.option("--trace", is_flag=True, help="With --seed: print everything that happened.")
def command(seed: int | None, worlds: int, first: int, processes: int | None, as_json: bool, trace: bool) -> None:
    """Simulate whole houses in hostile worlds, each from a seed. Ends with 1 if any invariant broke.

    The same seed is the same run: its fingerprint is a hash over everything that happened.

    Example: overround sim --worlds 20
    """
    if seed is not None:
        reports = [simulate(seed, everything=trace)]
    else:
        reports = list(_watched(range(first, first + worlds), processes or os.cpu_count() or 1, quiet=as_json))
    if as_json:
        for report in reports:
            click.echo(json.dumps(msgspec.to_builtins(report)))
    else:
        tell(reports)
    sys.exit(1 if any(report.broken for report in reports) else 0)


def _watched(seeds: range, processes: int, *, quiet: bool) -> Iterator[Report]:
    """The worlds' reports in the order of their seeds, under a progress bar."""
    columns = (TextColumn("worlds"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as progress:
        bar = progress.add_task("worlds", total=len(seeds))
        for report in _reports(seeds, processes):
            progress.advance(bar)
            yield report


def _reports(seeds: range, processes: int) -> Iterator[Report]:
    if processes == 1 or len(seeds) == 1:
        yield from map(_quietly, seeds)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(_quietly, seeds, chunksize=CHUNK)


def _quietly(seed: int) -> Report:
    """A book that loses its term says so in the log; here that is what is looked for."""
    logging.getLogger("overround.host").setLevel(logging.CRITICAL)
    return simulate(seed)


def tell(reports: list[Report]) -> None:
    """What broke, with its seed and its last lines, and what all worlds went through together."""
    broken = [report for report in reports if report.broken]
    for report in broken:
        click.echo(f"seed {report.seed} broke after {report.virtual_s:.3f} s of its time: {report.broken}")
        click.echo("\n".join(report.tail))
        click.echo(f"again: overround sim --seed {report.seed}\n")
    if len(reports) == 1:
        report = reports[0]
        click.echo("\n".join(report.tail if not broken else ()), nl=bool(report.tail and not broken))
        click.echo(
            f"seed {report.seed}  fingerprint {report.fingerprint}  {'broken' if broken else 'all invariants held'}"
        )
    _print_counts(reports)
    click.echo(f"{len(reports) - len(broken)} of {len(reports)} worlds held")


def _print_counts(reports: list[Report]) -> None:
    total: Counter[str] = Counter()
    for report in reports:
        total.update(report.counts)
    faults = {name: count for name, count in sorted(total.items()) if ":" not in name}
    facts, bets, terms = (sum(getattr(report, name) for report in reports) for name in ("facts", "bets", "terms"))
    click.echo(f"{facts} facts, {bets} bets, {terms} terms in {sum(report.virtual_s for report in reports):.0f} s")
    click.echo(", ".join(f"{name} {count}" for name, count in faults.items()))
