"""What a result is, and what settling a market in steps needs to remember."""

from typing import Final

import msgspec

from overround.book.catalogue import Ending, Side
from overround.book.tickets import Outcome

SETTLE_STEP: Final = 200
"""Bets settled by one fact, so that a market with a million bets never keeps placing waiting."""

MAX_SCORE: Final = 999
MAX_WINNERS: Final = 100
MAX_RUNNERS: Final = 1_000
MAX_ABSENT: Final = 100
MAX_NOTE_LENGTH: Final = 200


class Goal(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """A goal for a side. `scorer` is a name as the markets on scorers have it, empty where nobody says. An `own` goal
    counts for the side and for no scorer."""

    side: Side
    scorer: str = ""
    own: bool = False


class Score(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="score", forbid_unknown_fields=True):
    """Goals (or points, or sets) of the home and the away side at full time.

    Some rules read more: `half_time` the score at half-time, `goals` all goals in order, `absent` the players who took
    no part, by name, and `late` those who came on after the first goal. A match that did not finish says so in
    `ending`; its numbers are those at that moment.
    """

    home: int
    away: int
    half_time: tuple[int, int] | None = None
    goals: tuple[Goal, ...] | None = None
    absent: tuple[str, ...] = ()
    ending: Ending = Ending.FINISHED
    late: tuple[str, ...] = ()


class Winners(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="winners", forbid_unknown_fields=True):
    """The selections that won, each paid in full, and those that are void; ascending and each once."""

    selections: tuple[int, ...]
    void: tuple[int, ...] = ()


class Finish(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="finish", forbid_unknown_fields=True):
    """The order of finish, by runner number: from the first on, those level together and ascending.

    A runner's number is its selection id in the markets that list the runners. Who is in no position finished behind
    them, or not at all. `non_runners` (ascending) took no part. `starting_prices` are (runner, price_milli).
    """

    positions: tuple[tuple[int, ...], ...]
    non_runners: tuple[int, ...] = ()
    starting_prices: tuple[tuple[int, int], ...] = ()


class Outcomes(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="outcomes", forbid_unknown_fields=True):
    """What became of every selection, as a feed says it that settles for us: (selection_id, outcome, places, tied).

    `places` in `tied` is the share of a dead heat, 1 in 1 without one. Ascending, and no selection left out.
    """

    selections: tuple[tuple[int, Outcome, int, int], ...]


class Void(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="void", forbid_unknown_fields=True):
    """Nothing counts: every stake goes back. `note` says why."""

    note: str


Result = Score | Winners | Finish | Outcomes | Void


class Heard(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A result that was not certain enough to pay."""

    result: Result
    certainty: int


class Settling(msgspec.Struct, array_like=True):
    """How far a market's settlement has come: bets before `done` are settled by the present revision."""

    market_id: int
    revision: int
    done: int = 0
