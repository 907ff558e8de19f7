"""The house's time during one term: the clock's, but never before the journal's, and never standing still."""

from overround.host.ports import Clock


class Watch:
    """Reads a clock that may be behind what is in the journal already, because another book's ran ahead or this one was
    set back. Until it has caught up, the house's time goes on half as fast as real time, so that in-play delays still
    end and silent feeds are still noticed."""

    def __init__(self, clock: Clock, *, not_before_us: int) -> None:
        self._clock = clock
        self._last_us = not_before_us
        self._read_at_s = clock.monotonic()

    def now_us(self) -> int:
        """Microseconds since the Unix epoch, never less than the last time."""
        read_at_s = self._clock.monotonic()
        slow_us = self._last_us + int((read_at_s - self._read_at_s) * 500_000)
        now_us = max(self._clock.now_us(), slow_us)
        if now_us > self._last_us:
            self._last_us, self._read_at_s = now_us, read_at_s
        return now_us
