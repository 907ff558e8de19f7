"""The scores that the house was told: those of the results it settles by, folded beside the live view.

Nobody tells the house a score while a match is played. A score is forgotten `KEPT_US` after it was recorded.
"""

from collections.abc import Callable
from typing import Final

from overround.book.catalogue import CatalogueState
from overround.book.machine import decode_fact
from overround.book.settlement import ResultRecorded, ResultRolledBack, Score
from overround.edge.live import READ_ROWS, JournalPort
from overround.kernel.instant import HOUR_US

KEPT_US: Final = 2 * HOUR_US
"""As long as a settled market is shown."""

_KINDS: Final = frozenset(str(kind.__struct_config__.tag) for kind in (ResultRecorded, ResultRolledBack))


class Finals:
    """By event, the score of the last result of any of its markets that still stands."""

    kinds = _KINDS

    def __init__(self, catalogue: Callable[[], CatalogueState], *, now_us: Callable[[], int]) -> None:
        self._catalogue, self._now_us = catalogue, now_us
        self._scores: dict[int, dict[int, Score]] = {}
        self._told_us: dict[int, int] = {}

    def of(self, event_id: int) -> Score | None:
        """The score of an event that has one."""
        return next(reversed(self._scores.get(event_id, {}).values()), None)

    async def begin(self, journal: JournalPort, seq: int) -> None:
        """From the results of the last hours before a sequence. Raises Lost."""
        self._scores.clear()
        self._told_us.clear()
        after = await journal.before(self._now_us() - KEPT_US)
        while rows := await journal.read_kinds(sorted(_KINDS), after, seq, READ_ROWS):
            for row in rows:
                self.fact(row.seq, row.at_us, row.kind, row.body)
            after = rows[-1].seq

    def fact(self, seq: int, at_us: int, kind: str, body: str | bytes) -> None:  # noqa: ARG002  # the port has them
        fact = decode_fact(body)
        assert isinstance(fact, ResultRecorded | ResultRolledBack)
        market = self._catalogue().markets.get(fact.market_id)
        if market is None:
            return
        scores = self._scores.setdefault(market.event_id, {})
        scores.pop(fact.market_id, None)
        if isinstance(fact, ResultRecorded) and isinstance(fact.result, Score):
            scores[fact.market_id] = fact.result
        self._told_us.pop(market.event_id, None)
        self._told_us[market.event_id] = at_us
        self._forget(at_us - KEPT_US)

    def _forget(self, before_us: int) -> None:
        """What was told last before an instant; the first is what was told longest ago."""
        while self._told_us and self._told_us[first := next(iter(self._told_us))] < before_us:
            del self._told_us[first], self._scores[first]

    def told(self, seq: int) -> None:
        """Nothing to do at a sequence."""

    def stale(self) -> None:
        """A score that was recorded is one still."""

    def live(self) -> None:
        """It is as it was folded."""
