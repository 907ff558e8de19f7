"""What a recording says of a market now: ladders, trades and last prices by runner, in our units.

Prices are thousandths, sizes minor units. Offers come from the full ladders where the recording has them, else from its
best offers; without either there are none. Floats of the recording end here.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from overround.feeds.betfair.recording import Definition, Figure, MarketChange, Placed, Row, RunnerChange

Key = tuple[int, int]
"""A runner: its number, and its handicap in quarters of a goal."""

Ladder = dict[int, int]


class Sides(NamedTuple):
    """The prices of a runner to look at: of lays, which are there to be backed, and of backs."""

    lays: dict[int, None]
    backs: dict[int, None]


Touched = Sides | None
"""The prices of a runner to look at, or (None) all of them."""

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
    """One runner. `atb` is what may be backed, so what somebody lays; `atl` the other way. `trd` counts both sides. At
    the starting price `spb` are liabilities of those who lay, `spl` stakes of those who back."""

    __slots__ = (
        "atb",
        "atl",
        "batb",
        "batl",
        "crossed",
        "far_milli",
        "fresh_at_start",
        "fresh_trades",
        "is_as_told",
        "last_milli",
        "near_milli",
        "seen",
        "spb",
        "spl",
        "traded",
        "tv_minor",
    )

    def __init__(self) -> None:
        self.atb: Ladder = {}
        self.atl: Ladder = {}
        self.batb: dict[int, tuple[int, int]] = {}
        self.batl: dict[int, tuple[int, int]] = {}
        self.traded: Ladder = {}
        self.spb: Ladder = {}
        self.spl: Ladder = {}
        self.last_milli = self.near_milli = self.far_milli = 0
        self.tv_minor = 0
        self.seen: set[str] = set()
        self.crossed = False
        """Whether its offers crossed when they were last asked for."""

        self.is_as_told = False
        """Whether nothing moved since its near and far price were told, which is done once a minute."""

        self.fresh_trades: dict[int, None] = {}
        """Prices at which more was traded; whoever looked empties it."""

        self.fresh_at_start = Sides({}, {})
        """Limits of orders for the starting price that changed; whoever looked empties it."""

    def apply(self, change: RunnerChange, touched: Touched) -> Touched:
        """Take a change. What is to be looked at of the runner by then, where `touched` already was."""
        self.is_as_told = False
        if change.atb:
            touched = self._first("atb", touched)
            _set(self.atb, change.atb, touched and touched.lays)
        if change.atl:
            touched = self._first("atl", touched)
            _set(self.atl, change.atl, touched and touched.backs)
        if change.trd:
            self.seen.add("trd")
            _set(self.traded, change.trd, self.fresh_trades)
        if change.batb and "atb" not in self.seen:  # best offers are read only of a recording without full ladders
            self.seen.add("batb")
            _place(self.batb, change.batb)
            touched = None
        if change.batl and "atl" not in self.seen:
            self.seen.add("batl")
            _place(self.batl, change.batl)
            touched = None
        if change.spb or change.spl or change.spn is not None or change.spf is not None:
            self._apply_start(change)
        if change.ltp is not None:
            self.seen.add("ltp")
            self.last_milli = milli_or_none(change.ltp) or self.last_milli
        if change.tv is not None:
            self.seen.add("tv")
            self.tv_minor = max(self.tv_minor, minor(change.tv))
        return touched

    def _apply_start(self, change: RunnerChange) -> None:
        if change.spb:
            self.seen.add("spb")
            _set(self.spb, change.spb, self.fresh_at_start.lays)
        if change.spl:
            self.seen.add("spl")
            _set(self.spl, change.spl, self.fresh_at_start.backs)
        if change.spn is not None:
            self.seen.add("spn")
            self.near_milli = milli_or_none(change.spn)
        self.is_as_told = change.spn is not None
        if change.spf is not None:
            self.seen.add("spf")
            self.far_milli = milli_or_none(change.spf)

    def _first(self, name: str, touched: Touched) -> Touched:
        """The first rows of a full ladder take the place of best offers, so all is to be looked at."""
        if name in self.seen:
            return touched
        self.seen.add(name)
        return None

    def clear(self) -> None:
        """An image follows."""
        for ladder in (self.atb, self.atl, self.traded, self.spb, self.spl):
            ladder.clear()
        for places in (self.batb, self.batl):
            places.clear()

    def offers(self) -> tuple[Ladder, Ladder]:
        """What may be backed and what may be laid, by price. Where both cross, the layers' give way to the backers'."""
        atb = self.atb if "atb" in self.seen or "batb" not in self.seen else dict(self.batb.values())
        atl = self.atl if "atl" in self.seen or "batl" not in self.seen else dict(self.batl.values())
        self.crossed = bool(atb) and bool(atl) and max(atb) >= min(atl)
        if self.crossed:
            best = min(atl)
            atb = {price: size for price, size in atb.items() if price < best}
        return atb, atl


def _set(ladder: Ladder, rows: Iterable[Row], touched: dict[int, None] | None) -> None:
    for price, size in rows:
        at = round(price * 1_000)  # `milli` and `minor` written out: there are millions
        if size:
            ladder[at] = round(size * 100)
        else:
            ladder.pop(at, None)
        if touched is not None:
            touched[at] = None


def _place(places: dict[int, tuple[int, int]], rows: Iterable[Placed]) -> None:
    for place, price, size in rows:
        if size:
            places[int(place)] = milli(price), minor(size)
        else:
            places.pop(int(place), None)


class MarketMirror:
    """One market of a recording. `changed` are the runners to look at since it was last emptied, and what of each."""

    def __init__(self, market_id: str) -> None:
        self.id = market_id
        self.definition: Definition | None = None
        self.runners: dict[Key, RunnerMirror] = {}
        self.changed: dict[Key, Touched] = {}

    def apply(self, change: MarketChange) -> None:
        """Everything but the definition, which whoever follows takes first."""
        if change.img:
            for known, cleared in self.runners.items():
                cleared.clear()
                self.changed[known] = None
        changed = self.changed
        for row in change.rc:
            key = row.id, round(row.hc * QUARTERS) if row.hc else 0
            runner = self.runners.get(key)
            if runner is None:
                runner = self.runners[key] = RunnerMirror()
            touched = changed[key] if key in changed else Sides({}, {})
            changed[key] = runner.apply(row, touched)
