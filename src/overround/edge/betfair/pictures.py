"""What a subscriber sees of a market, as pictures: immutable, shared by everybody who asked for the same, and compared
to tell what changed. A reader that was slow is told the difference between the picture it has and the newest one, so
what it missed costs nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from overround.edge.betfair.asked import Field
from overround.edge.betfair.figures import market_name, price, size

Ladder = Mapping[int, int]
"""Sizes in minor units by price in thousandths."""

Levels = tuple[tuple[int, int], ...]
"""(price_milli, size_minor), best first."""


class RunnerSource(Protocol):
    """A runner as the view keeps it. `stamp` rises with every change of it. A price of 0 is none."""

    @property
    def selection_id(self) -> int: ...

    @property
    def handicap_milli(self) -> int: ...

    @property
    def stamp(self) -> int: ...

    @property
    def ltp_milli(self) -> int: ...

    @property
    def tv_minor(self) -> int: ...

    @property
    def near_milli(self) -> int: ...

    @property
    def far_milli(self) -> int: ...

    def ladder(self, name: str) -> Ladder:
        """One of atb, atl, trd, spb, spl."""

    def best(self, name: str, levels: int) -> Levels:
        """The best levels of batb, batl, bdatb or bdatl."""


class MarketSource(Protocol):
    """A market as the view keeps it."""

    @property
    def id(self) -> int: ...

    @property
    def runners(self) -> Sequence[RunnerSource]: ...

    @property
    def tv_minor(self) -> int: ...

    def definition(self) -> bytes:
        """The marketDefinition as JSON; the same object until it changes."""


class Look(msgspec.Struct, frozen=True, gc=False):
    """What somebody asked to see."""

    fields: frozenset[Field]
    levels: int


LADDERS: Final[dict[Field, tuple[str, ...]]] = {
    Field.EX_ALL_OFFERS: ("atb", "atl"),
    Field.EX_TRADED: ("trd",),
    Field.SP_TRADED: ("spb", "spl"),
}
BESTS: Final[dict[Field, tuple[str, ...]]] = {
    Field.EX_BEST_OFFERS: ("batb", "batl"),
    Field.EX_BEST_OFFERS_DISP: ("bdatb", "bdatl"),
}
FIGURES: Final[dict[Field, tuple[tuple[str, str, Callable[[int], float]], ...]]] = {
    Field.EX_LTP: (("ltp", "ltp_milli", price),),
    Field.EX_TRADED_VOL: (("tv", "tv_minor", size),),
    Field.SP_PROJECTED: (("spn", "near_milli", price), ("spf", "far_milli", price)),
}


GONE: Final = {"tv": 0.0}
"""What a figure is that was there and is no more; the others are null."""


class RunnerPicture:
    """A runner at one moment: ladders by price, best levels by place, single figures."""

    __slots__ = ("bests", "figures", "handicap_milli", "ladders", "selection_id", "stamp")

    def __init__(self, runner: RunnerSource, look: Look) -> None:
        self.selection_id, self.handicap_milli, self.stamp = runner.selection_id, runner.handicap_milli, runner.stamp
        fields = look.fields
        self.ladders: dict[str, Ladder] = {
            name: runner.ladder(name) for field, names in LADDERS.items() if field in fields for name in names
        }
        self.bests: dict[str, Levels] = {
            name: runner.best(name, look.levels) for field, names in BESTS.items() if field in fields for name in names
        }
        self.figures: dict[str, float] = {
            name: written(value)
            for field, rows in FIGURES.items()
            if field in fields
            for name, source, written in rows
            if (value := getattr(runner, source))
        }


class MarketPicture:
    """A market at one moment, as a look shows it."""

    __slots__ = ("definition", "market_id", "runners", "tv_minor")

    def __init__(self, market: MarketSource, look: Look, before: "MarketPicture | None") -> None:
        self.market_id = market.id
        self.definition = market.definition() if Field.EX_MARKET_DEF in look.fields else None
        self.tv_minor = market.tv_minor if Field.EX_TRADED_VOL in look.fields else 0
        kept: dict[tuple[int, int], RunnerPicture] = before.runners if before is not None else {}
        self.runners: dict[tuple[int, int], RunnerPicture] = {
            key: had if had is not None and had.stamp == runner.stamp else RunnerPicture(runner, look)
            for runner in market.runners
            for key in ((runner.selection_id, runner.handicap_milli),)
            for had in (kept.get(key),)
        }


_encode = msgspec.json.Encoder().encode


def image(picture: MarketPicture) -> bytes:
    """The whole as an element of `mc`."""
    changes = [change for runner in picture.runners.values() if (change := _runner(None, runner))]
    tv_minor = picture.tv_minor or None
    return _market(picture, changes, definition=picture.definition, tv_minor=tv_minor, more=b',"img":true')


def delta(before: MarketPicture, after: MarketPicture, *, is_conflated: bool = False) -> bytes:
    """What is otherwise, as an element of `mc`; empty where nothing is."""
    had = before.runners
    changes = []
    for key, runner in after.runners.items():
        old = had.get(key)
        if old is not runner and (change := _runner(old, runner)):
            changes.append(change)
    definition = after.definition if after.definition is not before.definition else None
    tv_minor = after.tv_minor if after.tv_minor != before.tv_minor else None
    if not changes and definition is None and tv_minor is None:
        return b""
    return _market(
        after, changes, definition=definition, tv_minor=tv_minor, more=b',"con":true' if is_conflated else b""
    )


def _market(
    picture: MarketPicture,
    changes: list[dict[str, Any]],
    *,
    definition: bytes | None,
    tv_minor: int | None,
    more: bytes,
) -> bytes:
    parts = [b'{"id":"', market_name(picture.market_id).encode(), b'"', more]
    if definition is not None:
        parts += [b',"marketDefinition":', definition]
    if tv_minor is not None:
        parts += [b',"tv":', _encode(size(tv_minor))]
    if changes:
        parts += [b',"rc":', _encode(changes)]
    return b"".join((*parts, b"}"))


def _runner(before: RunnerPicture | None, after: RunnerPicture) -> dict[str, Any] | None:
    """What changed of a runner as an element of `rc`, or None."""
    change: dict[str, Any] = {}
    for name, ladder in after.ladders.items():
        if rows := ladder_rows(before.ladders[name] if before is not None else {}, ladder):
            change[name] = rows
    for name, levels in after.bests.items():
        if rows := _levels(before.bests[name] if before is not None else (), levels):
            change[name] = rows
    figures = before.figures if before is not None else {}
    change.update({name: figure for name, figure in after.figures.items() if figures.get(name) != figure})
    change.update({name: GONE.get(name) for name in figures if name not in after.figures})
    if not change:
        return None
    change["id"] = after.selection_id
    if after.handicap_milli:
        change["hc"] = price(after.handicap_milli)
    return change


def ladder_rows(before: Ladder, after: Ladder) -> list[list[float]]:
    """Prices whose size changed; 0 where there is nothing any more."""
    if before is after:
        return []
    rows = [[price(at), size(minor)] for at, minor in after.items() if before.get(at) != minor]
    rows += [[price(at), 0] for at in before if at not in after]
    return rows


def _levels(before: Levels, after: Levels) -> list[list[float]]:
    """Places whose price or size changed; a place that is empty now has a size of 0."""
    if before == after:
        return []
    rows = [
        [place, price(at), size(minor)]
        for place, (at, minor) in enumerate(after)
        if place >= len(before) or before[place] != (at, minor)
    ]
    rows += [[place, 0, 0] for place in range(len(after), len(before))]
    return rows


class Gallery:
    """The newest picture for each look, and the differences already worked out since the last change."""

    def __init__(self) -> None:
        self._newest: dict[int, dict[Look, tuple[int, MarketPicture]]] = {}
        self._differences: dict[tuple[int, int, bool], tuple[bytes, MarketPicture, MarketPicture]] = {}
        self._images: dict[int, tuple[bytes, MarketPicture]] = {}

    def picture(self, market: MarketSource, look: Look, stamp: int) -> MarketPicture:
        """The market as it is at `stamp`, which rises with every change."""
        looks = self._newest.setdefault(market.id, {})
        kept = looks.get(look)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        fresh = MarketPicture(market, look, kept[1] if kept is not None else None)
        looks[look] = stamp, fresh
        return fresh

    def image(self, picture: MarketPicture) -> bytes:
        made = self._images.get(id(picture))
        if made is None:
            made = self._images[id(picture)] = image(picture), picture
        return made[0]

    def delta(self, before: MarketPicture, after: MarketPicture, *, is_conflated: bool = False) -> bytes:
        key = id(before), id(after), is_conflated
        made = self._differences.get(key)
        if made is None:
            made = self._differences[key] = delta(before, after, is_conflated=is_conflated), before, after
        return made[0]

    def tidy(self) -> None:
        """Forget what was worked out, after each round of telling. Until then the pictures are held, so that no other
        can stand in their place."""
        self._differences.clear()
        self._images.clear()

    def forget(self, market_id: int) -> None:
        """Nobody looks at a market any more."""
        self._newest.pop(market_id, None)
