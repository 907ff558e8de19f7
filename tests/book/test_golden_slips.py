"""The golden slips: the house, the plain twin and the arithmetic written out in the files all say the same."""

import ast
import operator
import re
import tomllib
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from tests.book import slips
from tests.book.counter import bet_of, results_of
from tests.book.slips import Slip
from tests.golden.writing import FOLDER, files

from overround.book import tickets

FILES = sorted(FOLDER.glob("*.toml"))
SLIPS = [(path.stem, slip) for path in FILES for slip in tomllib.loads(path.read_text(encoding="utf-8"))["slip"]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_house_pays_what_the_slips_say(path: Path) -> None:
    of_file = [slip for stem, slip in SLIPS if stem == path.stem]
    for slip in of_file:
        pays(slip)


def pays(slip: Slip) -> None:
    bet, results = bet_of(slip), results_of(slip)
    name = slip["name"]
    assert tickets.refusal(tickets.Ticket((bet,))) is None, name
    assert all(tickets.fits(leg, result) for leg, result in zip(bet.legs, results, strict=True)), name
    assert tickets.system_name(bet) == slip.get("system"), name
    assert tickets.line_count(bet) == slip["lines"] == slips.line_count(slip), name
    assert slips.exact(slip) == Fraction(slip["returns"]), name
    assert slips.payout(slip, slips.exact(slip)) == slip["payout_minor"], name
    assert tickets.payout(bet, results).payout_minor == slip["payout_minor"], name
    if slip["lines"] < 2_000:
        explains(slip, bet, results)


def explains(slip: Slip, bet: tickets.Slip, results: tuple[tickets.LegResult, ...]) -> None:
    """The lines of the statement are those of the twin, exactly, and those shown add up to the returns."""
    shown = list(tickets.lines(bet, results))
    assert sum(Fraction(line.numerator, line.denominator) for line in shown) == Fraction(slip["returns"])
    assert sum(line.shown_minor for line in shown) == tickets.payout(bet, results).returns_minor
    assert Counter(line.legs for line in shown if line.part == "win") == Counter(slips.choices(slip))


EQUATION = re.compile(r": (?P<left>.+) = (?P<right>[^=]+)$")


def value(expression: str) -> Fraction:
    """The exact value of arithmetic as the slips write it."""
    code = expression.replace("×", "*").replace("−", "-")
    return worked(ast.parse(code, mode="eval").body, code)


def worked(node: ast.expr, code: str) -> Fraction:
    if isinstance(node, ast.Constant):
        return Fraction(ast.get_source_segment(code, node) or "")
    if not isinstance(node, ast.BinOp):
        raise TypeError(code)
    left, right = worked(node.left, code), worked(node.right, code)
    return OPERATORS[type(node.op)](left, right)


OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_arithmetic_written_out_is_right(path: Path) -> None:
    wrong = []
    for stem, slip in SLIPS:
        for line in slip["working"].splitlines() if stem == path.stem else ():
            equation = EQUATION.search(line)
            if equation and value(equation["left"]) != value(equation["right"]):
                wrong.append(f"{slip['name']}: {line}")
    assert wrong == []


def test_the_files_are_those_that_are_written() -> None:
    """Whoever changes a family writes the files anew: `python -m tests.golden.writing`."""
    assert {path.name: path.read_text(encoding="utf-8") for path in FILES} == files()


def test_there_are_slips_of_every_kind() -> None:
    assert len(SLIPS) >= 300
    assert len({(stem, slip["name"]) for stem, slip in SLIPS}) == len(SLIPS)
    assert {slip.get("system") for _, slip in SLIPS} == {None, *tickets.SYSTEMS}


def test_the_check_of_arithmetic_sees_a_mistake() -> None:
    assert value("50 × 1.25 × (1 + 1/2) − 3 / 4") == Fraction(93)
    assert value("1/3 × 3") == 1
