"""What a result is, and what settling a market in steps needs to remember."""

from typing import Final

import msgspec

SETTLE_STEP: Final = 200
"""Bets settled by one fact, so that a market with a million bets never keeps placing waiting."""

MAX_SCORE: Final = 999
MAX_WINNERS: Final = 100
MAX_NOTE_LENGTH: Final = 200


class Score(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="score", forbid_unknown_fields=True):
    """Goals (or points) of the home and the away side at full time."""

    home: int
    away: int


class Winners(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="winners", forbid_unknown_fields=True):
    """The selections that won, ascending and each once, for a market whose type brings its own selections."""

    selections: tuple[int, ...]


class Void(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="void", forbid_unknown_fields=True):
    """Nothing counts: every stake goes back. `note` says why."""

    note: str


Result = Score | Winners | Void


class Settling(msgspec.Struct, array_like=True):
    """How far a market's settlement has come: bets before `done` are settled by the present revision."""

    market_id: int
    revision: int
    done: int = 0
