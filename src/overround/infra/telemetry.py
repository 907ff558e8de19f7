"""Logs: one line a record, for people or as JSON, with secrets taken out.

Owns the set-up of the standard `logging`. Rooms only call `logging.getLogger(__name__)`.
"""

import logging
import re
import sys
import time
from typing import IO, Literal

import msgspec

Style = Literal["human", "json"]

REDACTED = "[redacted]"
FIELD_LIMIT_CHARACTERS = 4_000

_SECRETS = (
    # scheme://user:password@host and scheme://token@host
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@]+@", re.IGNORECASE), rf"\1{REDACTED}@"),
    (re.compile(r"(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE), rf"\1{REDACTED}"),
    (
        re.compile(
            r"""(["']?\b\w*(?:password|passwd|secret|token|api_?key)["']?\s*[=:]\s*["']?)[^\s"',;&}]+""",
            re.IGNORECASE,
        ),
        rf"\1{REDACTED}",
    ),
)

_OWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def set_up(*, style: Style = "human", level: str = "INFO", role: str = "", stream: IO[str] | None = None) -> None:
    """Send every log record of this process to `stream` (default: stderr), replacing earlier handlers.

    `role` names the process in each record. Raises ValueError for an unknown `level`.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines(role) if style == "json" else HumanLines(role))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def redact(text: str) -> str:
    """`text` without passwords, tokens, and credentials in URLs."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class JsonLines(logging.Formatter):
    """One JSON object a line: at (UTC, microseconds), level, logger, role, message, the record's extra
    fields, error."""

    def __init__(self, role: str = "") -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "at": _utc(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "role": self._role,
            "message": record.getMessage()[:FIELD_LIMIT_CHARACTERS],
            **_extra(record),
        }
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return redact(msgspec.json.encode(entry, enc_hook=str).decode())


class HumanLines(logging.Formatter):
    """`12:34:56.789 warning  book  the message  key=value`, an error's traceback below it."""

    def __init__(self, role: str = "") -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f"  {name}={value}" for name, value in _extra(record).items())
        at = _utc(record)[11:23]
        message = record.getMessage()[:FIELD_LIMIT_CHARACTERS].replace("\n", "\\n")
        line = f"{at} {record.levelname.lower():<8} {self._role or record.name}  {message}{fields}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return redact(line)


def _extra(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _OWN_FIELDS}


def _utc(record: logging.LogRecord) -> str:
    microseconds = int(record.created * 1_000_000) % 1_000_000
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{microseconds:06d}Z"
