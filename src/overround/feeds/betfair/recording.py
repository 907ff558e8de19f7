"""Files of recorded streams: plain, gzip or bz2, one Stream API message a line, as Betfair and its clients write
them."""

import bz2
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import msgspec

MAX_LINE_BYTES: Final = 64 * 1024 * 1024
"""An image of 200 markets in full depth is a few megabytes."""

Row = tuple[float, float]
Placed = tuple[float, float, float]
Figure = float | str
"""A number, or NaN and Infinity in words."""


class RecordingRefused(Exception):
    """A file that is no recording: which, which line, and why."""


class RunnerNamed(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A runner in a definition. `hc` is its handicap in goals; the factor is per cent."""

    id: int
    status: str = "ACTIVE"
    name: str = ""
    hc: float = 0.0
    sort_priority: int = 0
    adjustment_factor: float | None = None
    bsp: Figure | None = None


class LadderNamed(msgspec.Struct, frozen=True, gc=False):
    type: str = "CLASSIC"


class Definition(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A market as it is described from now on, whole. The base rate is per cent, delays are seconds."""

    status: str
    runners: tuple[RunnerNamed, ...]
    market_time: str = ""
    open_date: str = ""
    event_id: str = ""
    event_type_id: str = ""
    event_name: str = ""
    name: str = ""
    market_type: str = ""
    betting_type: str = "ODDS"
    number_of_winners: int = 1
    each_way_divisor: float | None = None
    bsp_market: bool = False
    bsp_reconciled: bool = False
    in_play: bool = False
    turn_in_play_enabled: bool = False
    persistence_enabled: bool = True
    cross_matching: bool = False
    bet_delay: int = 0
    market_base_rate: float = 5.0
    discount_allowed: bool = True
    runners_voidable: bool = False
    regulators: tuple[str, ...] = ()
    country_code: str = ""
    timezone: str = ""
    venue: str = ""
    race_type: str = ""
    price_ladder_definition: LadderNamed = LadderNamed()
    line_min_unit: float | None = None
    line_max_unit: float | None = None
    line_interval: float | None = None


class RunnerChange(msgspec.Struct, frozen=True, gc=False):
    """What changed of a runner. Ladder rows are (price, size), those of best offers (place, price, size). For the
    starting price, `spb` are layers' liabilities, `spl` backers' stakes, `spn` and `spf` the near and far price."""

    id: int
    hc: float = 0.0
    atb: tuple[Row, ...] = ()
    atl: tuple[Row, ...] = ()
    batb: tuple[Placed, ...] = ()
    batl: tuple[Placed, ...] = ()
    trd: tuple[Row, ...] = ()
    spb: tuple[Row, ...] = ()
    spl: tuple[Row, ...] = ()
    spn: Figure | None = None
    spf: Figure | None = None
    ltp: Figure | None = None
    tv: float | None = None


class MarketChange(msgspec.Struct, frozen=True, gc=False):
    """`img`: what was said of the market's runners before is void."""

    id: str
    img: bool = False
    definition: Definition | None = msgspec.field(default=None, name="marketDefinition")
    rc: tuple[RunnerChange, ...] = ()


class Message(msgspec.Struct, frozen=True, gc=False):
    """One line. `pt` is when it was published, in milliseconds since the Unix epoch."""

    op: str
    pt: int = 0
    mc: tuple[MarketChange, ...] = ()


_decode = msgspec.json.Decoder(Message).decode
_NOTHING: Final = Message("")


def read(path: Path) -> Iterator[Message]:
    """The market changes of a file, in its order. Raises RecordingRefused."""
    number = 0
    try:
        with opened(path) as file:
            while line := file.readline(MAX_LINE_BYTES):
                number += 1
                message = _decode(line) if line.strip() else _NOTHING
                if message.op == "mcm" and message.mc:
                    yield message
    except msgspec.MsgspecError as wrong:
        raise RecordingRefused(f"{path}, line {number}: {wrong}") from wrong
    except (OSError, EOFError, zlib.error) as wrong:  # bz2 and gzip raise these for what is cut short or damaged
        raise RecordingRefused(f"{path} cannot be read after line {number}: {wrong}") from wrong


def opened(path: Path) -> IO[bytes]:
    """A file by its first bytes, whatever its name."""
    with path.open("rb") as file:
        head = file.read(3)
    if head == b"BZh":
        return bz2.open(path, "rb")
    if head[:2] == b"\x1f\x8b":
        return gzip.open(path, "rb")  # type: ignore[return-value]  # a GzipFile reads as any binary file
    return path.open("rb")
