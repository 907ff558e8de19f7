"""Logs: one line a record, and no secret in any."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from overround.infra import telemetry


@pytest.fixture(autouse=True)
def _same_handlers_afterwards() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_json_line_carries_the_record_and_its_fields() -> None:
    stream = io.StringIO()
    telemetry.set_up(style="json", role="book", stream=stream)
    logging.getLogger("overround.somewhere").warning("lost %s", "NATS", extra={"waited_ms": 120})
    line = json.loads(stream.getvalue())
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "overround.somewhere",
        "role": "book",
        "message": "lost NATS",
        "waited_ms": 120,
    }


def test_a_human_line_is_one_line() -> None:
    stream = io.StringIO()
    telemetry.set_up(role="feed", stream=stream)
    logging.getLogger("x").info("two\nlines", extra={"market": 7})
    assert stream.getvalue().split(maxsplit=1)[1] == "info     feed  two\\nlines  market=7\n"


@pytest.mark.parametrize("style", ["human", "json"])
def test_an_error_brings_its_traceback_without_secrets(style: telemetry.Style) -> None:
    stream = io.StringIO()
    telemetry.set_up(style=style, stream=stream)
    try:
        raise RuntimeError("no way to postgresql://overround:hunter2@db/overround")
    except RuntimeError:
        logging.getLogger("x").exception("failed")
    assert "RuntimeError" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("nats://abc123@127.0.0.1:4222", "nats://[redacted]@127.0.0.1:4222"),
        ("postgresql://u:p%40ss@h/d?x=1", "postgresql://[redacted]@h/d?x=1"),
        ("Authorization: Bearer eyJhbGciOi.x-y_z", "Authorization: Bearer [redacted]"),
        ('{"password":"hunter2","stake_minor":5}', '{"password":"[redacted]","stake_minor":5}'),
        ("operator_token=abcdef, next", "operator_token=[redacted], next"),
        ("the stake is 500 and the token ring is fine", "the stake is 500 and the token ring is fine"),
    ],
)
def test_secrets_are_taken_out(text: str, clean: str) -> None:
    assert telemetry.redact(text) == clean
