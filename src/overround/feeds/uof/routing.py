"""A routing key: the places between dots say what a message is about before it is read.

hi . pre . live . odds_change . 1 . sr:match . 18001015 . node
priority, prematch, live (or virt), kind, sport, kind of URN, the event's own part, node; `-` is none
"""

from typing import Final

import msgspec

NONE: Final = "-"
FEWEST: Final = 7
MOST: Final = 8


class RoutingKey(msgspec.Struct, frozen=True, kw_only=True):
    """`event` is the URN, "" for what is about none; `node` is "" where the message is for everybody."""

    high_priority: bool
    prematch: bool
    live: bool
    virtual: bool
    kind: str
    sport: str
    event: str
    node: str


def parse(key: str) -> RoutingKey | None:
    """None where it is no routing key of this feed. The node may be left out."""
    places = key.split(".")
    if not FEWEST <= len(places) <= MOST or not all(places):
        return None
    priority, pre, live, kind, sport, urn, number, *node = places
    if priority not in ("hi", "lo", NONE) or pre not in ("pre", "virt", NONE) or live not in ("live", "virt", NONE):
        return None
    return RoutingKey(
        high_priority=priority == "hi",
        prematch=pre == "pre",
        live=live == "live",
        virtual="virt" in (pre, live),
        kind=kind,
        sport="" if sport == NONE else sport,
        event="" if NONE in (urn, number) else f"{urn}:{number}",
        node="" if not node or node[0] == NONE else node[0],
    )


def bindings(node: int) -> tuple[str, ...]:
    """What a consumer binds its queue to: everything (node 0), or what is for everybody and for this node."""
    if not node:
        return ("#",)
    return ("*.*.*.*.*.*.*", "*.*.*.*.*.*.*.-", f"*.*.*.*.*.*.*.{node}")
