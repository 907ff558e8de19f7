"""What is written about the API is what the API does: codes, document, page."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.edge.running import Api

from overround import identity
from overround.book import (
    archive,
    bets,
    cashout,
    catalogue,
    control,
    exchange,
    ledger,
    limits,
    promotions,
    settlement,
    tickets,
)
from overround.book.machine import KeyRefusal
from overround.edge import problems
from overround.edge.problems import KINDS, Problem
from overround.edge.table import Rooms, routes
from overround.host.term import OVERLOADED, REQUEST_INVALID
from overround.kernel.refusal import Refused

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "overround"

REFUSALS = [
    catalogue.Refusal,
    ledger.Refusal,
    limits.Refusal,
    bets.Refusal,
    control.Refusal,
    cashout.Refusal,
    promotions.Refusal,
    settlement.Refusal,
    exchange.Refusal,
    tickets.Refusal,
    archive.Refusal,
    KeyRefusal,
    identity.Refusal,
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.__module__)
def test_every_refusal_of_every_room_has_a_status_and_a_title(refusal: type[StrEnum]) -> None:
    assert [value.value for value in refusal if value.value not in KINDS] == []


def test_every_refusal_room_is_in_the_list() -> None:
    defined = {
        ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
        for path in SOURCE.rglob("*.py")
        if re.search(r"^class (Refusal|KeyRefusal)\(StrEnum\)", path.read_text(), re.MULTILINE)
    }
    assert defined == {refusal.__module__ for refusal in REFUSALS}


def test_refusals_outside_of_enums_are_there_too() -> None:
    named = {code for path in SOURCE.rglob("*.py") for code in re.findall(r'\bRefused\("(\w+)"', path.read_text())} | {
        OVERLOADED.code,
        REQUEST_INVALID.code,
    }
    assert sorted(named - KINDS.keys()) == []


def test_every_problem_that_the_edge_raises_is_in_the_table() -> None:
    raised = {
        code for path in (SOURCE / "edge").rglob("*.py") for code in re.findall(r'\bProblem\("(\w+)"', path.read_text())
    }
    assert sorted(raised - KINDS.keys()) == []


def test_no_code_stands_in_two_tables() -> None:
    tables = (problems.EDGE, problems.STREAM, problems.IDENTITY, problems.MACHINE)
    assert len(KINDS) == sum(map(len, tables))


def test_the_page_of_codes_is_the_one_that_the_tables_make() -> None:
    assert (ROOT / "docs/api/errors.md").read_text() == problems.page()


def test_a_refusals_numbers_take_nothing_from_the_problems_own_members() -> None:
    refused = Refused("market_status", {"status": "closed", "market_version": 3})
    body = msgspec.json.decode(problems.body(problems.refusal(refused)))
    assert body["status"] == 422
    assert (body["current_status"], body["market_version"]) == ("closed", 3)


def test_a_refusal_that_nobody_knows_is_still_a_problem() -> None:
    assert problems.refusal(Refused("from_a_newer_book")).code == "request_invalid"
    assert Problem("overloaded").retry_after_s == 1


@pytest.fixture
def document(anyone: Api) -> dict[str, Any]:
    found: dict[str, Any] = anyone.get("/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_is_described_with_its_problems(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names)) > 50
    for _, path, operation in operations(document):
        assert operation["description"].endswith((".", "first.")), path
        told = {
            code
            for response in operation["responses"].values()
            for code in response.get("content", {}).get("application/problem+json", {}).get("examples", {})
        }
        assert told <= KINDS.keys()
        assert "internal" in told
        if "security" in operation:
            assert {"token_required", "token_invalid", "scope_required"} <= told


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    text = msgspec.json.encode(document).decode()
    named = set(re.findall(r'"\$ref":"#/components/schemas/([^"]+)"', text))
    assert named
    assert sorted(named - document["components"]["schemas"].keys()) == []


def test_the_page_is_whole_in_itself(anyone: Api, document: dict[str, Any]) -> None:
    reply = anyone.get("/docs")
    assert reply.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    page = reply.text
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="(?!#|/openapi\.json)', page) == []
    for _, path, operation in operations(document):
        assert f'id="op-{operation["operationId"]}"' in page, path
    for code in KINDS:
        assert f'id="{code}"' in page


class NoRoom:
    """Stands where handlers are asked for: the table is made, nothing of it is called."""

    def __getattr__(self, name: str) -> Any:
        return (lambda _: None) if name == "handler" else None


def test_examples_are_what_the_operations_take_and_give() -> None:
    rooms = Rooms(**dict.fromkeys(Rooms.__struct_fields__, NoRoom()))  # type: ignore[arg-type]
    checked = 0
    for route in routes(rooms):
        example = route.example
        if example is not None and example.body is not None:
            assert route.body is not None
            checked += bool(msgspec.convert(example.body, route.body))
        if example is not None and example.reply is not None:
            checked += bool(msgspec.convert(example.reply, next(iter(route.replies.values()))))
    assert checked > 40
