"""What a benchmark finds: figures with their targets, and the verdict on each."""

from typing import Final

import msgspec

NOT_MEASURED: Final = "not measured"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One number. `least` or `most` is the target, where there is one; `unit` is how a person reads it."""

    name: str
    value: float | None
    unit: str
    least: float | None = None
    most: float | None = None
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        if self.least is None and self.most is None:
            return None
        if self.value is None:
            return False
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def target(self) -> str:
        """The target as text, empty where there is none."""
        if self.least is not None:
            return f"≥ {amount(self.least)} {self.unit}"
        return f"≤ {amount(self.most)} {self.unit}" if self.most is not None else ""

    @property
    def verdict(self) -> str:
        """`reached`, or by how much it was missed, in per cent of the target."""
        if self.reached is None or self.reached:
            return "reached" if self.reached else ""
        bound = self.least if self.least is not None else self.most
        if self.value is None or bound is None:
            return NOT_MEASURED
        if not bound:
            return f"missed by {amount(abs(self.value))} {self.unit}"
        return f"missed by {amount(100 * abs(self.value - bound) / bound)} %"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of a benchmark brought. `configuration` says how it was set up, by name."""

    figures: tuple[Figure, ...]
    configuration: dict[str, str] = {}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A finding with its circumstances. `error` says why there is none. `load_before` is the machine's
    one-minute average just before, `others_share` the part of its processor time that everybody else took meanwhile,
    from 0 to 1; `took_s` in seconds; `at` is RFC 3339 in UTC."""

    bench: str
    title: str
    at: str
    took_s: float
    load_before: float
    others_share: float
    quick: bool
    commit: str
    leaves_out: tuple[str, ...]
    figures: tuple[Figure, ...] = ()
    configuration: dict[str, str] = {}
    error: str = ""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one call of `python -m bench` measured."""

    machine: dict[str, str]
    outcomes: tuple[Outcome, ...]


def amount(value: float) -> str:
    """A number as a person reads it: thousands apart, and no more digits than mean something."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:,.2f}"
