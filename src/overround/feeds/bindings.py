"""Which event of the house is which of the provider's, on disk, so that a feed that starts again makes nothing twice.

A line is written, and synced, before the house is asked to make an event: the provider's name for it and the key of the
command. A feed that dies before it hears the answer asks again under the same key, and hears the first answer.
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import msgspec

MAX_BINDINGS: Final = 100_000
"""Kept when the file is read; the oldest are dropped."""


class Unreadable(Exception):
    """The file is none of ours: the message says where it broke."""


class InUse(Exception):
    """Another process has the file: the message names it."""


class Binding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`event_id` is 0 until the house has answered."""

    ref: str
    key: str
    event_id: int = 0


class Bindings:
    """The bindings of one feed. One process writes a file at a time."""

    def __init__(self, file: Path) -> None:
        self._path = file
        self._known: dict[str, Binding] = {}
        self._out: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """Raises InUse, Unreadable, OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = self._path.with_suffix(".lock").open("wb")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise InUse(f"{self._path} is in use by another feed of that name") from None
        try:
            self._read()
            self._write_anew()
        except (Unreadable, OSError):
            self._lock.close()
            raise
        self._out = self._path.open("ab")
        return self

    def _write_anew(self) -> None:
        """Without what is superseded."""
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as out:
            out.writelines(map(_line, self._known.values()))
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(self._path)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._out is not None:
            self._out.close()
        self._lock.close()

    def _read(self) -> None:
        """A last line that was cut off is as if it had not been written: nothing was asked for yet."""
        lines = self._path.read_bytes().split(b"\n") if self._path.exists() else []
        for number, line in enumerate(lines, 1):
            if not line:
                continue
            try:
                binding = msgspec.json.decode(line, type=Binding)
            except (msgspec.DecodeError, msgspec.ValidationError) as wrong:
                if number == len(lines):
                    continue
                raise Unreadable(f"{self._path}, line {number}: {wrong}") from None
            self._known.pop(binding.ref, None)
            self._known[binding.ref] = binding
        for ref in list(self._known)[:-MAX_BINDINGS]:
            del self._known[ref]

    def find(self, ref: str) -> Binding | None:
        return self._known.get(ref)

    def keep(self, binding: Binding) -> None:
        """On disk when this returns."""
        assert self._out is not None
        self._known[binding.ref] = binding
        self._out.write(_line(binding))
        self._out.flush()
        os.fsync(self._out.fileno())


def _line(binding: Binding) -> bytes:
    return msgspec.json.encode(binding) + b"\n"
