"""One connection of the stream without its socket: bytes in, what was asked or what is wrong with it out.

    GREETED ── authentication ──► CHECKING ── accepted ──► OPEN ── anything wrong ──► CLOSED
       └──────── anything else ──────┴─────── refused ──────────────────────────────────┘

Invariants: the server speaks first; nothing is heard before the authentication was accepted; no line is longer than its
limit, and after the first trouble that ends the connection nothing more is heard.
"""

from enum import StrEnum
from typing import Final

import msgspec

from overround.edge.access import Bucket
from overround.edge.betfair import asked
from overround.edge.betfair.asked import Asked, Authentication, StreamCode, StreamId

CRLF: Final = b"\r\n"
MAX_LINE_BYTES: Final = 64 * 1024
FIRST_WITHIN_S: Final = 15.0
"""How long a connection may take to be let in, and from then on say nothing and hear nothing."""

LINES_PER_S: Final = 20.0
LINE_BURST: Final = 60.0
OPS_NOT_OFFERED: Final = ("raceSubscription", "cricketSubscription")


class Stage(StrEnum):
    GREETED = "greeted"
    CHECKING = "checking"
    OPEN = "open"
    CLOSED = "closed"


class Trouble(msgspec.Struct, frozen=True, gc=False):
    """Why the connection ends, or a subscription is not taken."""

    code: StreamCode
    text: str
    id: StreamId = None

    @property
    def closes(self) -> bool:
        return self.code is not StreamCode.SUBSCRIPTION_LIMIT_EXCEEDED


class Status(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    gc=False,
    rename="camel",
    omit_defaults=True,
    tag_field="op",
    tag="status",
):
    """The answer to a request."""

    id: StreamId = None
    status_code: str
    connection_closed: bool
    connection_id: str = ""
    connections_available: int | None = None
    error_code: str = ""
    error_message: str = ""


class Greeting(msgspec.Struct, frozen=True, gc=False, rename="camel", tag_field="op", tag="connection"):
    connection_id: str


_status = msgspec.json.Encoder().encode


class Conversation:
    """Fed with what arrives; asked for what to send."""

    def __init__(self, connection_id: str, *, now_s: float) -> None:
        self.connection_id = connection_id
        self.stage = Stage.GREETED
        self.is_subscribed = False
        self._began_s = self._said_s = now_s
        self._bucket = Bucket(per_s=LINES_PER_S, burst=LINE_BURST, now_s=now_s)
        self._half = b""

    def greeting(self) -> bytes:
        """What is said first, alone."""
        return _status(Greeting(self.connection_id)) + CRLF

    def hear(self, data: bytes, *, now_s: float) -> list[Asked | Trouble]:
        """Everything whole that was asked, in order; trouble comes last."""
        heard: list[Asked | Trouble] = []
        self._said_s = now_s
        *lines, rest = (self._half + data).split(b"\n")
        self._half = rest
        for line in lines:
            if self.stage is Stage.CLOSED:
                return heard
            stripped = line.strip()
            if stripped:
                heard.append(self._take(stripped, now_s))
        if len(rest) > MAX_LINE_BYTES and self.stage is not Stage.CLOSED:
            heard.append(self._end(StreamCode.INVALID_INPUT, f"a line has at most {MAX_LINE_BYTES} bytes"))
        return heard

    def _take(self, line: bytes, now_s: float) -> Asked | Trouble:
        if len(line) > MAX_LINE_BYTES:
            return self._end(StreamCode.INVALID_INPUT, f"a line has at most {MAX_LINE_BYTES} bytes")
        if not self._bucket.take(now_s):
            return self._end(StreamCode.TOO_MANY_REQUESTS, f"at most {LINES_PER_S:.0f} messages a second")
        try:
            said: Asked = asked.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
            return self._unreadable(line, wrong)
        return self._check(said)

    def _unreadable(self, line: bytes, wrong: Exception) -> Trouble:
        try:
            framed = asked.frame(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._end(StreamCode.INVALID_INPUT, "a line is one JSON object")
        if framed.op in OPS_NOT_OFFERED:
            return self._end(StreamCode.INVALID_REQUEST, f"{framed.op} is not offered here", framed.id)
        return self._end(StreamCode.INVALID_INPUT, str(wrong)[:200], framed.id)

    def _check(self, said: Asked) -> Asked | Trouble:
        """Whether this may be said at this stage."""
        if not isinstance(said, Authentication):
            if self.stage is Stage.GREETED:
                return self._end(StreamCode.NOT_AUTHORIZED, "authenticate first", said.id)
            return said
        if self.stage is not Stage.GREETED:
            return self._end(StreamCode.INVALID_REQUEST, "this connection is authenticated already", said.id)
        if not said.app_key:
            return self._end(StreamCode.NO_APP_KEY, "appKey is missing", said.id)
        if not said.session:
            return self._end(StreamCode.NO_SESSION, "session is missing", said.id)
        self.stage = Stage.CHECKING
        return said

    def accept(self) -> None:
        """The authentication was right."""
        if self.stage is Stage.CHECKING:
            self.stage = Stage.OPEN

    def is_late(self, now_s: float) -> bool:
        """Whether it was not let in for too long, or is for nothing: without a subscription, and silent."""
        if self.stage is Stage.OPEN:
            return not self.is_subscribed and now_s - self._said_s > FIRST_WITHIN_S
        return self.stage is not Stage.CLOSED and now_s - self._began_s > FIRST_WITHIN_S

    def end(self) -> None:
        """Nothing more is heard."""
        self.stage = Stage.CLOSED
        self._half = b""

    def _end(self, code: StreamCode, text: str, id: StreamId = None) -> Trouble:
        self.end()
        return Trouble(code, text, id)

    def success(self, id: StreamId, *, connections_available: int | None = None) -> bytes:
        """A request was taken."""
        return self._status(
            Status(id=id, status_code="SUCCESS", connection_closed=False, connections_available=connections_available)
        )

    def failure(self, trouble: Trouble) -> bytes:
        """A request was not; what ends the connection says so."""
        return self._status(
            Status(
                id=trouble.id,
                status_code="FAILURE",
                connection_closed=trouble.closes,
                error_code=trouble.code.value,
                error_message=trouble.text,
            )
        )

    def _status(self, status: Status) -> bytes:
        whole = msgspec.structs.replace(status, connection_id=self.connection_id)
        return _status(whole) + CRLF
