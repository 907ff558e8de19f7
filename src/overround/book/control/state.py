"""What the desk decided: suspensions, margins and whether approval is needed. All by level and id."""

import msgspec

from overround.book.control.events import LevelResumed, LevelSuspended, MarginSet
from overround.book.control.rules import Place
from overround.book.control.types import Stop
from overround.kernel.level import Level


class ControlState(msgspec.Struct):
    """`stopped` is how many suspensions hold, so that a house where none does pays nothing for looking. Suspensions of
    single selections are with the selection, and not here."""

    stops: dict[Level, dict[int, Stop]] = {}
    stopped: int = 0
    margins: dict[Level, dict[int, int]] = {}
    approval_required: bool = False

    def stop(self, level: Level, number: int) -> Stop | None:
        """The suspension that holds at this very level."""
        stop = self.stops[level].get(number) if level in self.stops else None
        return stop if stop is not None and stop.is_active else None

    def margin(self, level: Level, number: int) -> int | None:
        """The margin set at this very level, in hundredths of a per cent."""
        return self.margins[level].get(number) if level in self.margins else None

    def narrowest_margin(self, path: tuple[Place, ...]) -> tuple[Level, int] | None:
        """The margin that holds at the end of a path, and where it was set; None where nobody set one."""
        for level, number in reversed(path):
            margin_bps = self.margin(level, number)
            if margin_bps is not None:
                return level, margin_bps
        return None


def suspend(state: ControlState, fact: LevelSuspended, at_us: int) -> None:
    """A level is suspended, or suspended for another reason: whoever waits is refused from this instant on."""
    if state.stop(fact.level, fact.id) is None:
        state.stopped += 1
    state.stops.setdefault(fact.level, {})[fact.id] = Stop(fact.reason, at_us)


def resume(state: ControlState, fact: LevelResumed) -> None:
    state.stops[fact.level][fact.id].is_active = False
    state.stopped -= 1


def forget(state: ControlState, level: Level, number: int) -> None:
    """What was decided at a level that is no more."""
    stop = state.stops[level].pop(number, None) if level in state.stops else None
    state.stopped -= stop is not None and stop.is_active
    if level in state.margins:
        state.margins[level].pop(number, None)


def set_margin(state: ControlState, fact: MarginSet) -> None:
    margins = state.margins.setdefault(fact.level, {})
    if fact.margin_bps is None:
        margins.pop(fact.id, None)
    else:
        margins[fact.id] = fact.margin_bps
