"""What happened in a world, in order: a fingerprint of all of it, and its last lines."""

from collections import Counter, deque
from hashlib import sha256
from typing import Final, Protocol

TAIL_LINES: Final = 60


class Timed(Protocol):
    """What has virtual time."""

    @property
    def at_us(self) -> int: ...


class Trace:
    """Every line counts for the fingerprint; only the last ones are kept."""

    def __init__(self, loop: Timed, *, tail_lines: int | None = TAIL_LINES) -> None:
        self.tail: deque[str] = deque(maxlen=tail_lines)
        self.counts: Counter[str] = Counter()
        self._loop = loop
        self._hash = sha256()

    def note(self, who: str, what: str, *about: object) -> None:
        """`what` is one of few words and is counted; `about` says the rest."""
        line = f"{self._loop.at_us / 1e6:12.6f} {who} {what} {' '.join(map(str, about))}"
        self._hash.update(line.encode())
        self.tail.append(line)
        self.counts[what] += 1

    def fingerprint(self) -> str:
        """16 hexadecimal digits over every line so far."""
        return self._hash.hexdigest()[:16]
