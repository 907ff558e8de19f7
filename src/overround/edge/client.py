"""One connection of the stream: what it hears, and what waits until it reads."""

from collections import deque
from typing import Final

from overround.edge import messages
from overround.edge.messages import DEFAULT_CONFLATE_MS, Outgoing
from overround.edge.wire import Wire, frame
from overround.identity import Token

MAX_OWN_WAITING: Final = 256
"""Messages about own bets that wait for a slow reader; should there be more, it is told that it missed some."""


class Client:
    """Sets of what it subscribed to are bounded by the limits in `messages`; `dirty` by these."""

    def __init__(self, wire: Wire, *, address: str) -> None:
        self.wire, self.address = wire, address
        self.token: Token | None = None
        self.may_read_own = False
        self.markets: set[int] = set()
        self.events: set[int] = set()
        self.bets = False
        self.balance = False
        self.may_read_all = False
        self.referrals = False
        self.conflate_ms = DEFAULT_CONFLATE_MS
        self.dirty: set[int] = set()
        self.out: list[bytes] = []
        self.own: deque[bytes] = deque()
        self.missed_bets = False

    @property
    def is_full(self) -> bool:
        """Whether what was written before still waits to be read, or something in `dirty` must go first."""
        return self.wire.is_full or bool(self.dirty)

    @property
    def customer_id(self) -> int:
        return self.token.customer_id or 0 if self.token is not None else 0

    def send(self, frames: bytes) -> None:
        self.wire.write(frames)

    def tell(self, message: Outgoing) -> None:
        """An answer to what it said."""
        self.wire.write(frame(messages.encode(message)))

    def tell_own(self, frames: bytes) -> None:
        """News of its own bets: in order, now or when there is room."""
        if not self.wire.is_full and not self.own:
            self.wire.write(frames)
        elif len(self.own) < MAX_OWN_WAITING:
            self.own.append(frames)
        else:
            self.own.clear()
            self.missed_bets = True
