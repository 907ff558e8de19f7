"""What a recording says of a market now: ladders, trades and last prices by runner, in our units.

Prices are thousandths, sizes minor units. Offers come from the full ladders where the recording has them, else from its
best offers; without either there are none. Floats of the recording end here.
"""

from collections.abc import Iterable
from typing import Final

from overround.feeds.betfair.recording import Definition, Figure, MarketChange, Row, RunnerChange

Key = tuple[int, int]
"""A runner: its number, and its handicap in quarters of a goal."""

Ladder = dict[int, int]
QUARTERS: Final = 4


def key_of(selection_id: int, hc: float) -> Key:
    return selection_id, round(hc * QUARTERS)


def milli(price: float) -> int:
    return round(price * 1_000)


def minor(size: float) -> int:
    return round(size * 100)


def milli_or_none(figure: Figure | None) -> int:
    """A price, 0 where there is none (NaN and Infinity come as words)."""
    return milli(figure) if isinstance(figure, int | float) else 0


class RunnerMirror:
    """One runner. `atb` is what may be backed, so what somebody lays; `atl` the other way. `trd` counts both sides."""

    __slots__ = ("atb", "atl", "batb", "batl", "last_milli", "seen", "traded", "tv_minor")

    def __init__(self) -> None:
        self.atb: Ladder = {}
        self.atl: Ladder = {}
        self.batb: dict[int, tuple[int, int]] = {}
        self.batl: dict[int, tuple[int, int]] = {}
        self.traded: Ladder = {}
        self.last_milli = 0
        self.tv_minor = 0
        self.seen: set[str] = set()

    def apply(self, change: RunnerChange) -> None:
        for name, ladder, rows in (
            ("atb", self.atb, change.atb),
            ("atl", self.atl, change.atl),
            ("trd", self.traded, change.trd),
        ):
            if rows:
                self.seen.add(name)
                _set(ladder, rows)
        for name, places, rows in (("batb", self.batb, change.batb), ("batl", self.batl, change.batl)):
            if rows:
                self.seen.add(name)
                _place(places, rows)
        if change.ltp is not None:
            self.seen.add("ltp")
            self.last_milli = milli_or_none(change.ltp) or self.last_milli
        if change.tv is not None:
            self.seen.add("tv")
            self.tv_minor = max(self.tv_minor, minor(change.tv))

    def clear(self) -> None:
        """An image follows."""
        for ladder in (self.atb, self.atl, self.traded):
            ladder.clear()
        for places in (self.batb, self.batl):
            places.clear()

    def offers(self) -> tuple[Ladder, Ladder]:
        """What may be backed and what may be laid, by price. Where both cross, the layers' give way to the backers'."""
        atb = self.atb if "atb" in self.seen or "batb" not in self.seen else dict(self.batb.values())
        atl = self.atl if "atl" in self.seen or "batl" not in self.seen else dict(self.batl.values())
        if atb and atl and max(atb) >= min(atl):
            best = min(atl)
            atb = {price: size for price, size in atb.items() if price < best}
        return atb, atl


def _set(ladder: Ladder, rows: Iterable[Row]) -> None:
    for price, size in rows:
        at = milli(price)
        if size:
            ladder[at] = minor(size)
        else:
            ladder.pop(at, None)


def _place(places: dict[int, tuple[int, int]], rows: Iterable[Row]) -> None:
    for place, price, size in rows:
        if size:
            places[int(place)] = milli(price), minor(size)
        else:
            places.pop(int(place), None)


class MarketMirror:
    """One market of a recording. `changed` are the runners to look at since it was last emptied."""

    def __init__(self, market_id: str) -> None:
        self.id = market_id
        self.definition: Definition | None = None
        self.runners: dict[Key, RunnerMirror] = {}
        self.changed: dict[Key, None] = {}

    def apply(self, change: MarketChange) -> None:
        """Everything but the definition, which whoever follows takes first."""
        if change.img:
            for known, runner in self.runners.items():
                runner.clear()
                self.changed[known] = None
        for row in change.rc:
            key = key_of(row.id, row.hc)
            if key not in self.runners:
                self.runners[key] = RunnerMirror()
            self.runners[key].apply(row)
            self.changed[key] = None
