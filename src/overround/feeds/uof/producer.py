"""One producer's life: when its word may be trusted, and when to ask it for what was missed. Pure.

A producer is trusted from the end of a recovery until something may have been missed: the connection is lost, its life
signs stop for `SILENCE_US`, it says that it lost track of us or that it is down. Then its markets are suspended at
once, and a recovery is asked for as soon as it is heard again. The table `LIFE` is the whole of it; docs/feeds.md shows
it and a test holds that they are the same.
"""

from enum import StrEnum
from typing import Final

import msgspec

from overround.feeds.uof.messages import Alive, Message, ProductDown, ProductUp, SnapshotComplete
from overround.kernel.instant import HOUR_US, MINUTE_US, SECOND_US

MS: Final = 1_000
SILENCE_US: Final = 20 * SECOND_US
"""How long a producer may go without a life sign."""

RECOVERY_US: Final = 30 * MINUTE_US
"""How long a recovery may take before it is asked for again."""

LONGEST_AFTER_US: Final = 10 * HOUR_US
"""What lies back further is recovered as a whole."""

FIRST_RETRY_US: Final = 5 * SECOND_US
LONGEST_RETRY_US: Final = 5 * MINUTE_US


class Phase(StrEnum):
    """`away`: nothing is heard. `asking`: the provider did not take the request yet. `recovering`: it did."""

    AWAY = "away"
    ASKING = "asking"
    RECOVERING = "recovering"
    UP = "up"


class Signal(StrEnum):
    """What happens to a producer."""

    ALIVE = "alive"
    UNSUBSCRIBED = "alive subscribed=0"
    COMPLETE = "snapshot_complete"
    DOWN = "product_down"
    BACK = "product_up"
    SILENCE = "silence"
    DISCONNECTED = "disconnected"
    REFUSED = "request refused"
    LATE = "recovery late"


LIFE: Final = {
    (Phase.AWAY, Signal.ALIVE): Phase.RECOVERING,
    (Phase.AWAY, Signal.UNSUBSCRIBED): Phase.RECOVERING,
    (Phase.AWAY, Signal.BACK): Phase.RECOVERING,
    (Phase.ASKING, Signal.LATE): Phase.RECOVERING,
    (Phase.ASKING, Signal.DOWN): Phase.AWAY,
    (Phase.ASKING, Signal.SILENCE): Phase.AWAY,
    (Phase.ASKING, Signal.DISCONNECTED): Phase.AWAY,
    (Phase.RECOVERING, Signal.UNSUBSCRIBED): Phase.RECOVERING,
    (Phase.RECOVERING, Signal.COMPLETE): Phase.UP,
    (Phase.RECOVERING, Signal.REFUSED): Phase.ASKING,
    (Phase.RECOVERING, Signal.LATE): Phase.RECOVERING,
    (Phase.RECOVERING, Signal.DOWN): Phase.AWAY,
    (Phase.RECOVERING, Signal.SILENCE): Phase.AWAY,
    (Phase.RECOVERING, Signal.DISCONNECTED): Phase.AWAY,
    (Phase.UP, Signal.UNSUBSCRIBED): Phase.RECOVERING,
    (Phase.UP, Signal.DOWN): Phase.AWAY,
    (Phase.UP, Signal.SILENCE): Phase.AWAY,
    (Phase.UP, Signal.DISCONNECTED): Phase.AWAY,
}
"""A producer's life. What is not in the table changes nothing. Each step into `recovering` asks for a recovery."""


class Recover(msgspec.Struct, frozen=True, kw_only=True):
    """Ask the provider for what changed after an instant (0: for everything), under this number."""

    product: int
    request_id: int
    after_ms: int


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """The producer's markets take bets again: those that it spoke of in the recovery and, where that was only of what
    had changed, all others too."""

    product: int
    everything_told: bool


class Distrust(msgspec.Struct, frozen=True, kw_only=True):
    """None of the producer's markets takes a bet from now on."""

    product: int
    reason: Signal


Action = Recover | Trust | Distrust


class Producer:
    """One producer, fed with what it says and with the passing of time; answers with what is to be done.

    `request_id` counts up from the number it is given. All instants are the caller's own, in microseconds.
    """

    def __init__(self, product: int, *, request_id: int = 1, silence_us: int = SILENCE_US) -> None:
        self.product = product
        self.phase = Phase.AWAY
        self.request_id = request_id - 1
        self._silence_us = silence_us
        self._heard_us = 0
        self._asked_us = 0
        self._due_us = 0
        self._retry_us = FIRST_RETRY_US
        self._complete_ms = 0
        self._alive_ms = 0
        self._after_ms = 0

    @property
    def is_up(self) -> bool:
        return self.phase is Phase.UP

    def receive(self, message: Message, *, now_us: int) -> tuple[Action, ...]:
        """A message of this producer's."""
        signal = self._signal(message, now_us)
        if signal is None:
            return ()
        self._heard_us = now_us
        self._note(message)
        return self._step(signal, now_us)

    def _signal(self, message: Message, now_us: int) -> Signal | None:
        """Only life signs and the like move a producer; a life sign older than the last says nothing."""
        match message:
            case Alive():
                if message.timestamp_ms < self._alive_ms:
                    return None
                return Signal.ALIVE if message.subscribed or self._just_asked(now_us) else Signal.UNSUBSCRIBED
            case SnapshotComplete(request_id=request_id):
                return Signal.COMPLETE if request_id == self.request_id else None
            case ProductDown():
                return Signal.DOWN
            case ProductUp():
                return Signal.BACK
            case _:
                return None

    def _just_asked(self, now_us: int) -> bool:
        """Whether a request may have crossed what is said now."""
        return self.phase is Phase.RECOVERING and now_us < self._asked_us + self._silence_us

    def _note(self, message: Message) -> None:
        """Up to where everything is known: the last life sign while the producer was trusted."""
        if isinstance(message, Alive):
            self._alive_ms = message.timestamp_ms
            if self.phase is Phase.UP and message.subscribed:
                self._complete_ms = message.timestamp_ms

    def tick(self, *, now_us: int) -> tuple[Action, ...]:
        """Time passed."""
        if self.phase is Phase.AWAY:
            return ()
        if now_us - self._heard_us >= self._silence_us:
            return self._step(Signal.SILENCE, now_us)
        if self.phase is not Phase.UP and now_us >= self._due_us:
            return self._step(Signal.LATE, now_us)
        return ()

    def disconnected(self, *, now_us: int) -> tuple[Action, ...]:
        """The connection was lost: nothing that was said meanwhile was heard."""
        return self._step(Signal.DISCONNECTED, now_us)

    def refused(self, request_id: int, *, now_us: int) -> tuple[Action, ...]:
        """The provider did not take a request. It is made again after a pause that doubles."""
        if request_id != self.request_id or self.phase is not Phase.RECOVERING:
            return ()
        actions = self._step(Signal.REFUSED, now_us)
        self._due_us = now_us + self._retry_us
        self._retry_us = min(LONGEST_RETRY_US, 2 * self._retry_us)
        return actions

    def _step(self, signal: Signal, now_us: int) -> tuple[Action, ...]:
        following = LIFE.get((self.phase, signal))
        if following is None:
            return ()
        before, self.phase = self.phase, following
        distrust = (Distrust(product=self.product, reason=signal),) if before is Phase.UP else ()
        if following is Phase.RECOVERING:
            return (*distrust, self._ask(now_us))
        if following is Phase.UP:
            return (self._trust(),)
        return distrust

    def _ask(self, now_us: int) -> Recover:
        self.request_id += 1
        self._asked_us, self._due_us = now_us, now_us + RECOVERY_US
        oldest_ms = self._alive_ms - LONGEST_AFTER_US // MS
        self._after_ms = self._complete_ms if self._complete_ms >= oldest_ms else 0
        return Recover(product=self.product, request_id=self.request_id, after_ms=self._after_ms)

    def _trust(self) -> Trust:
        self._complete_ms = self._alive_ms
        self._retry_us = FIRST_RETRY_US
        return Trust(product=self.product, everything_told=not self._after_ms)
