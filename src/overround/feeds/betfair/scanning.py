"""A file read once before it is played: its markets, how long it is, and when what it recorded comes to pass here."""

from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from overround.feeds.betfair.recording import MarketChange, RecordingRefused, read
from overround.feeds.betfair.staging import Outline
from overround.kernel.instant import SECOND_US

MILLI_US: Final = 1_000


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """`speed` is how much faster than recorded, 0 flat out. Flat out, what was recorded within `step_ms` is put on the
    house together. With `lead_s`, a market begins that long before its start, as it then stood."""

    speed: float = 1.0
    step_ms: int = 0
    lead_s: float = 0.0

    @property
    def delay_by(self) -> float:
        """In-play delays pass as fast as everything else; flat out they are as recorded."""
        return self.speed or 1.0

    def when_us(self, recorded: str, *, at_ms: int, now_us: int) -> int:
        """When something that was recorded as a time of day comes to pass here, while the recording is at `at_ms`; flat
        out, as it was recorded."""
        if not recorded:
            return now_us
        if not self.speed:
            return instant_us(recorded)
        return now_us + max(0, int((instant_us(recorded) - at_ms * MILLI_US) / self.speed))


class Scan(msgspec.Struct, kw_only=True):
    """A file as it was read once before it is played."""

    path: Path
    outlines: dict[str, Outline] = {}
    left_out: dict[str, str] = {}
    messages: int = 0
    changes: int = 0
    first_ms: int = 0
    last_ms: int = 0

    def begin_ms(self, pace: Pace) -> int:
        """From when on it is played."""
        if not pace.lead_s:
            return self.first_ms
        times = [each.starts or each.first.market_time for each in self.outlines.values()]
        starts = [instant_us(recorded) // MILLI_US for recorded in times if recorded]
        return max(self.first_ms, int(min(starts, default=self.first_ms) - pace.lead_s * 1_000))


def scan(path: Path) -> Scan:
    """Read a file whole: its markets, how long it is, what cannot be played. Raises RecordingRefused."""
    found = Scan(path=path)
    for message in read(path):
        found.messages += 1
        found.first_ms = found.first_ms or message.pt
        found.last_ms = max(found.last_ms, message.pt)
        for change in message.mc:
            found.changes += len(change.rc)
            if change.definition is not None:
                _check_times(path, change)
                known = found.outlines.get(change.id)
                if known is None:
                    known = found.outlines[change.id] = Outline(change.definition, {})
                known.see(change.definition)
            if change.id in found.outlines and any(row.trd for row in change.rc):
                found.outlines[change.id].trades_told = True
    if not found.outlines:
        raise RecordingRefused(f"{path}: no market definition in it")
    return found


def _check_times(path: Path, change: MarketChange) -> None:
    """What a definition says of its starts must be times. Raises RecordingRefused."""
    assert change.definition is not None
    for recorded in filter(None, (change.definition.market_time, change.definition.open_date)):
        try:
            instant_us(recorded)
        except msgspec.MsgspecError as wrong:
            raise RecordingRefused(f"{path}: market {change.id} is to start at {recorded!r}") from wrong


def instant_us(written: str) -> int:
    """A time as a recording writes it, `2017-04-30T13:05:00.000Z`."""
    at = msgspec.json.decode(f'"{written}"', type=datetime)
    return int(at.timestamp() * SECOND_US)
