"""A run as a table for the terminal, and as the page `docs/benchmarks.md`."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.finding import Figure, Outcome, Run, amount

DISTURBED = 0.05
"""Which part of the machine others may take before a figure is not to be trusted."""

COLOURS = {True: "green", False: "bold red", None: "dim"}


def table(run: Run) -> RenderableType:
    """The figures, one a row, then the machine."""
    rows = Table(title="Overround benchmarks", title_justify="left", show_lines=False, pad_edge=False)
    for name, justify in (("bench", "left"), ("figure", "left"), ("value", "right"), ("target", "right")):
        rows.add_column(name, justify=justify)  # type: ignore[arg-type]  # rich's own literal
    rows.add_column("verdict")
    for outcome in run.outcomes:
        _add(rows, outcome)
    machine = Text("\n".join(f"{name}: {value}" for name, value in run.machine.items()), style="dim")
    return Group(rows, *map(_disturbance, disturbed(run)), machine)


def disturbed(run: Run) -> list[Outcome]:
    """Outcomes that others' work on the machine made worse than they are."""
    return [outcome for outcome in run.outcomes if outcome.others_share > DISTURBED]


def _disturbance(outcome: Outcome) -> Text:
    return Text(
        f"others took {outcome.others_share:.0%} of the machine while {outcome.bench} ran: run it again on an idle one",
        style="yellow",
    )


def _add(rows: Table, outcome: Outcome) -> None:
    for index, figure in enumerate(outcome.figures):
        name = outcome.bench if index == 0 else ""
        rows.add_row(
            name, figure.name, value_of(figure), figure.target, Text(figure.verdict, style=COLOURS[figure.reached])
        )
    if outcome.error:
        words = outcome.error.strip().splitlines()[-1]
        rows.add_row(outcome.bench, Text(f"failed: {words}", style="bold red"), "", "", "")
    rows.add_section()


def value_of(figure: Figure) -> str:
    return "–" if figure.value is None else f"{amount(figure.value)} {figure.unit}"


def page(run: Run) -> str:
    """The Markdown page. Written by `python -m bench --page`; nothing in it is typed by hand."""
    lines = [
        "# Benchmarks",
        "",
        "<!-- Written by `python -m bench --page`. Do not edit: run it again. -->",
        "",
        "Load generator, gateway, book, worker, PostgreSQL and NATS share the machine below; `fsync` and",
        "`synchronous_commit` are on, so every bet that is counted is durable. Run them yourself with `make bench`,",
        "or one with `make bench ARGS=machine`.",
        "",
        "| machine | |",
        "| --- | --- |",
        *(f"| {name} | {value} |" for name, value in run.machine.items()),
        "",
        "| bench | figure | value | target | verdict |",
        "| --- | --- | ---: | ---: | --- |",
        *(line for outcome in run.outcomes for line in _rows(outcome)),
        "",
        *_footnote(run),
        *(line for outcome in run.outcomes for line in _section(outcome)),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _rows(outcome: Outcome) -> list[str]:
    if outcome.error:
        return [f"| {outcome.bench} | | | | failed: {outcome.error.strip().splitlines()[-1][:100]} |"]
    return [
        f"| {_name(outcome) if index == 0 else ''} | {figure.name} | {value_of(figure)} | {figure.target}"
        f" | {f'**{figure.verdict}**' if figure.reached is False else figure.verdict} |"
        for index, figure in enumerate(outcome.figures)
    ]


def _name(outcome: Outcome) -> str:
    return f"{outcome.bench} †" if outcome.others_share > DISTURBED else outcome.bench


def _footnote(run: Run) -> list[str]:
    if not disturbed(run):
        return []
    return [
        f"† Others took more than {DISTURBED:.0%} of the machine meanwhile (below: how much), so the house had less of",
        "it than it seems: these figures say what still held then, not what an idle machine does.",
        "",
    ]


def _section(outcome: Outcome) -> list[str]:
    notes = [f"- {figure.name}: {figure.note}" for figure in outcome.figures if figure.note]
    return [
        f"## {outcome.bench}",
        "",
        outcome.title,
        "",
        _measured(outcome),
        *(f"- {name}: {value}" for name, value in outcome.configuration.items()),
        *notes,
        f"- left out: {'; '.join(outcome.leaves_out)}",
        "",
    ]


def _measured(outcome: Outcome) -> str:
    return (
        f"- measured: {outcome.at}, commit `{outcome.commit}`, in {outcome.took_s:.0f} s;"
        f" others took {outcome.others_share:.0%} of the machine meanwhile"
    )
