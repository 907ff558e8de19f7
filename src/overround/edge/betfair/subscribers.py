"""Who hears what: one market and one order subscription of a connection, what each was told last, and how a change
message is written.

Invariants: a reader that does not read is written nothing more and costs no more than the names of what changed;
a `clk` is only told when everything up to it was.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, Protocol

import msgspec

from overround.edge.betfair.asked import (
    DEFAULT_LADDER_LEVELS,
    MAX_LADDER_LEVELS,
    Field,
    MarketFilter,
    MarketSubscription,
    OrderFilter,
    OrderSubscription,
    Subscription,
)
from overround.edge.betfair.conversation import Trouble
from overround.edge.betfair.pictures import Look, MarketPicture

SEGMENT_BYTES: Final = 16 * 1024
"""What one segment of a long image may carry, where the subscriber takes segments."""

SHAPE_BYTES: Final = 9

Matched = dict[int, int]
"""Matched sizes by price."""

_encode = msgspec.json.Encoder().encode


class Reader(Protocol):
    """The way to one subscriber."""

    @property
    def is_full(self) -> bool: ...

    def write(self, data: bytes) -> None: ...

    def warn(self, trouble: Trouble) -> None:
        """Say what went wrong with a subscription that goes on."""


class Heard:
    """What both subscriptions have in common."""

    __slots__ = (
        "beat_s",
        "clk",
        "conflation_ms",
        "head",
        "id",
        "reader",
        "said_s",
        "segments",
        "shape",
        "told_s",
    )

    op: str

    def __init__(self, reader: Reader, asked: Subscription, *, shape: bytes, now_s: float) -> None:
        self.reader, self.id = reader, asked.id
        self.head = b'{"op":"%b","id":%b' % (self.op.encode(), _encode(asked.id))
        self.conflation_ms, self.beat_s = asked.conflation_ms, asked.beat_ms / 1_000
        self.segments = asked.segmentation_enabled is not False
        self.shape = blake2b(shape, digest_size=SHAPE_BYTES).hexdigest()
        self.clk, self.said_s, self.told_s = b"0", now_s, now_s

    def tell(self, changes: Sequence[bytes], *, clk: bytes, pt_ms: bytes, now_s: float, about: str) -> None:
        """An update: elements of `mc` or `oc`, with the sequence that they lead up to."""
        self.clk, self.said_s, self.told_s = clk, now_s, now_s
        self.reader.write(
            b'%b,"clk":"%b","pt":%b,"%b":[%b]}\r\n' % (self.head, clk, pt_ms, about.encode(), b",".join(changes))
        )

    def beat(self, *, clk: bytes, pt_ms: bytes, now_s: float, is_stale: bool) -> None:
        """Nothing happened; while the house cannot be heard the status says so."""
        self.clk, self.said_s = clk, now_s
        status = b',"status":503' if is_stale else b""
        self.reader.write(b'%b,"clk":"%b","pt":%b,"ct":"HEARTBEAT"%b}\r\n' % (self.head, clk, pt_ms, status))

    def show(
        self,
        changes: Sequence[bytes],
        *,
        kind: str,
        initial_clk: bytes,
        clk: bytes,
        pt_ms: bytes,
        now_s: float,
        about: str,
    ) -> None:
        """An image, or what changed since a `clk`: in segments where it is long. The clocks come with the last."""
        self.clk, self.said_s, self.told_s = clk, now_s, now_s
        parts = segments(changes) if self.segments else [list(changes)]
        opening = b'%b,"pt":%b,"ct":"%b"' % (self.head, pt_ms, kind.encode())
        clocks = b',"initialClk":"%b","clk":"%b","heartbeatMs":%d,"conflateMs":%d' % (
            initial_clk,
            clk,
            round(self.beat_s * 1_000),
            self.conflation_ms,
        )
        for number, part in enumerate(parts):
            is_last = number == len(parts) - 1
            segment = b""
            if len(parts) > 1:
                named = b"SEG_END" if is_last else b"SEG" if number else b"SEG_START"
                segment = b',"segmentType":"%b"' % named
            listed = b',"%b":[%b]' % (about.encode(), b",".join(part)) if part else b""
            self.reader.write(opening + segment + (clocks if is_last else b"") + listed + b"}\r\n")


def segments(changes: Sequence[bytes]) -> list[list[bytes]]:
    """Cut into parts that are not much longer than a segment; at least one part."""
    parts: list[list[bytes]] = [[]]
    length = 0
    for change in changes:
        if length and length + len(change) > SEGMENT_BYTES:
            parts.append([])
            length = 0
        parts[-1].append(change)
        length += len(change)
    return parts


class MarketHeard(Heard):
    """A market subscription. `told` has the picture of each market that its reader has. `is_short` once it was said
    that there are more markets than a subscription has."""

    __slots__ = ("dirty", "filter", "is_short", "look", "out", "told")

    op = "mcm"

    def __init__(self, reader: Reader, asked: MarketSubscription, *, least_conflation_ms: int, now_s: float) -> None:
        self.filter = asked.market_filter or MarketFilter()
        self.look = look_of(asked)
        super().__init__(reader, asked, shape=_shape(self.filter, self.look), now_s=now_s)
        self.conflation_ms = max(self.conflation_ms, least_conflation_ms)
        self.told: dict[int, MarketPicture] = {}
        self.dirty: dict[int, None] = {}
        self.is_short = False
        self.out: list[bytes] = []

    @property
    def waits(self) -> bool:
        """Whether something is held back for its reader."""
        return bool(self.dirty)

    @property
    def count(self) -> int:
        """How many markets it has, with those that it is yet to be told of."""
        return len(self.told.keys() | self.dirty.keys())


class OrderHeard(Heard):
    """An order subscription. `told` has the matched sizes of each runner that its reader has, by strategy; under ""
    those of all."""

    __slots__ = ("changed", "closed", "customer_id", "filter", "told", "whole")

    op = "ocm"

    def __init__(self, reader: Reader, asked: OrderSubscription, *, customer_id: int, now_s: float) -> None:
        self.filter = asked.order_filter or OrderFilter()
        super().__init__(reader, asked, shape=_encode([self.filter, customer_id]), now_s=now_s)
        self.customer_id = customer_id
        self.told: dict[tuple[int, int], dict[str, tuple[Matched, Matched]]] = {}
        self.changed: dict[int, dict[int, dict[int, None]]] = {}
        self.whole: dict[int, None] = {}
        self.closed: dict[int, None] = {}

    @property
    def waits(self) -> bool:
        """Whether there is something to tell."""
        return bool(self.changed or self.whole or self.closed)

    def forget(self, market_id: int) -> None:
        """A market is shown no longer."""
        for waiting in (self.changed, self.whole, self.closed):
            waiting.pop(market_id, None)
        for place in [place for place in self.told if place[0] == market_id]:
            del self.told[place]

    def hears(self, strategy_ref: str) -> bool:
        """Whether orders of this strategy are asked for."""
        wanted = self.filter.customer_strategy_refs
        return not wanted or strategy_ref in wanted


def look_of(asked: MarketSubscription) -> Look:
    """What a subscription shows: everything where it names no fields, and a number of levels within bounds."""
    wanted = asked.market_data_filter
    fields = frozenset(wanted.fields if wanted is not None and wanted.fields else Field)
    levels = (wanted.ladder_levels if wanted is not None else None) or DEFAULT_LADDER_LEVELS
    return Look(fields, min(max(levels, 1), MAX_LADDER_LEVELS))


def _shape(asked: MarketFilter, look: Look) -> bytes:
    """What a subscription asks for, whatever the order of its lists: a `clk` goes on only where this is the same."""
    filtered = {
        name: sorted(value) if isinstance(value, tuple) else value
        for name, value in msgspec.structs.asdict(asked).items()
        if value is not None
    }
    return _encode([filtered, sorted(look.fields), look.levels])
