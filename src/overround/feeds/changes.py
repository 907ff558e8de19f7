"""What a provider's word means for the house: typed changes of one event, before anybody knows the house's own ids.

A feed's adapter makes them from messages, purely; the steward brings them to the house.
"""

from enum import StrEnum

import msgspec

from overround.book.tickets import Outcome


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A market's type and specifiers: which market of an event it is."""

    type: str
    specifiers: dict[str, int] = {}

    @property
    def key(self) -> tuple[str, tuple[tuple[str, int], ...]]:
        return self.type, tuple(sorted(self.specifiers.items()))


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """What an event is called, and when it starts. `ref` is the provider's own name for it."""

    ref: str
    sport: str
    competition: str
    name: str
    starts_at_us: int


class State(StrEnum):
    """How a market is to stand."""

    OPEN = "open"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A market with the prices of these selections, by their names; 0 takes a price away, others stay as they are.

    `selections` names all that the market has, for the case that it is made now. `feed` is who keeps it.
    """

    question: Question
    selections: tuple[str, ...]
    prices_milli: dict[str, int]
    state: State
    feed: str
    reason: str = ""


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """Suspend markets of the event: all but `spared`, of these types (none named: of all)."""

    reason: str
    types: tuple[str, ...] = ()
    spared: tuple[Question, ...] = ()


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """The event is in play."""


class End(msgspec.Struct, frozen=True, kw_only=True):
    """The event is over; nothing takes bets any more."""


class Reschedule(msgspec.Struct, frozen=True, kw_only=True):
    starts_at_us: int


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A selection's outcome. In a dead heat `tied` share `places`, so that places/tied of the stake won."""

    outcome: Outcome
    places: int = 1
    tied: int = 1


class Settle(msgspec.Struct, frozen=True, kw_only=True):
    """A market's result by its selections' names. `certainty` 1: from scouts, 2: confirmed."""

    question: Question
    verdicts: dict[str, Verdict]
    certainty: int = 2


class SettleScore(msgspec.Struct, frozen=True, kw_only=True):
    """The event's final score, for every market whose rule reads it."""

    home: int
    away: int


class Unsettle(msgspec.Struct, frozen=True, kw_only=True):
    """A market's result is taken back."""

    question: Question


class Cancel(msgspec.Struct, frozen=True, kw_only=True):
    """Bets on a market that were struck from one instant to another (None: open) are void."""

    question: Question
    from_us: int | None
    until_us: int | None
    reason: str


class Restore(msgspec.Struct, frozen=True, kw_only=True):
    """The same cancellation taken back."""

    question: Question
    from_us: int | None
    until_us: int | None


Change = Offer | Stop | Start | End | Reschedule | Settle | SettleScore | Unsettle | Cancel | Restore


class EventChanges(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of one event, in their order."""

    ref: str
    changes: tuple[Change, ...]
