"""The pure rooms hold no float, no clock and no chance, and money's writers never cancel a commit.

Import contracts (`make check`) hold most of this; what they cannot see, the syntax tree shows.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "overround"
PURE = ("kernel", "book")
WRITERS = ("journal", "projections", "identity")  # rooms that commit
ROOM_FILES = {"__init__", "types", "events", "rules", "state"}

# `hash` of text differs between processes, `id` between runs: neither may reach the journal or a state hash.
BANNED_CALLS = {"float", "complex", "hash", "id", "eval", "exec", "open", "print", "input"}
BANNED_MODULES = {
    "asyncio", "asyncpg", "datetime", "logging", "nats", "os", "pathlib", "random", "secrets", "socket",
    "subprocess", "threading", "time", "uuid", "zoneinfo",
}  # fmt: skip
CANCELS = {"wait_for", "timeout", "timeout_at"}


def files_of(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (SOURCE / room).rglob("*.py"))


def imported_modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return []


def called_name(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    match node.func:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=owner), attr=name):
            return f"{owner}.{name}"
        case _:
            return ""


def impurity(node: ast.AST) -> str:
    """What makes this node unfit for a pure room, or nothing."""
    if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
        return f"the float {node.value}"
    if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
        return "a true division"
    if called_name(node) in BANNED_CALLS:
        return f"a call of {called_name(node)}"
    foreign = [name for name in imported_modules(node) if name.split(".")[0] in BANNED_MODULES]
    return f"an import of {', '.join(foreign)}" if foreign else ""


def impurities(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if found := impurity(node):
            yield f"{getattr(node, 'lineno', 0)}: {found}"


def cancels(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if called_name(node) in {f"asyncio.{name}" for name in CANCELS}:
            yield f"{getattr(node, 'lineno', 0)}: {called_name(node)}"
        if isinstance(node, ast.ImportFrom) and node.module == "asyncio":
            yield from (f"{node.lineno}: {alias.name}" for alias in node.names if alias.name in CANCELS)


def test_pure_rooms_hold_no_float_no_clock_no_chance() -> None:
    found = [f"{path.relative_to(SOURCE)}:{what}" for path in files_of(*PURE) for what in impurities(path.read_text())]
    assert found == []


def test_rooms_that_commit_never_cancel() -> None:
    """A cancelled wait for a commit looks like success and may be lost; a deadline cuts the socket."""
    found = [f"{path.relative_to(SOURCE)}:{what}" for path in files_of(*WRITERS) for what in cancels(path.read_text())]
    assert found == []


def test_every_pure_room_has_the_same_files() -> None:
    rooms = [path.parent for path in files_of("book") if path.name == "__init__.py" and path.parent != SOURCE / "book"]
    odd = [
        path.relative_to(SOURCE).as_posix()
        for room in rooms
        if room.name != "machine"
        for path in room.glob("*.py")
        if path.stem not in ROOM_FILES
    ]
    assert odd == []


@pytest.mark.parametrize(
    ("source", "finding"),
    [
        ("x = 0.5", "1: the float 0.5"),
        ("x = a / b", "1: a true division"),
        ("a /= b", "1: a true division"),
        ("x = float(a)", "1: a call of float"),
        ("x = hash(a)", "1: a call of hash"),
        ("from datetime import datetime", "1: an import of datetime"),
        ("import os.path", "1: an import of os.path"),
    ],
)
def test_the_search_finds_what_it_looks_for(source: str, finding: str) -> None:
    assert list(impurities(source)) == [finding]


@pytest.mark.parametrize("source", ["x = a // b", "import msgspec", "x = a * 3 % 7", "# 1 / 2\nx = '0.5'"])
def test_the_search_lets_whole_numbers_be(source: str) -> None:
    assert list(impurities(source)) == []


@pytest.mark.parametrize("source", ["asyncio.wait_for(x, 1)", "from asyncio import timeout", "asyncio.timeout(3)"])
def test_the_search_finds_what_cancels(source: str) -> None:
    assert len(list(cancels(source))) == 1
