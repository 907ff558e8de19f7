"""How the facts of promotions change the tables: money that moves, and what operators gave or took back."""

from collections.abc import Callable
from typing import Any, Final

from overround.book.promotions import (
    BonusExpired,
    BonusGranted,
    BonusReleased,
    BoostGranted,
    FreeBetGranted,
    GrantRevoked,
)
from overround.projections.actions import is_action
from overround.projections.underway import Folding, act, post


def _token_changed(at: Folding, fact: FreeBetGranted | BoostGranted | GrantRevoked) -> None:
    act(at, fact)


def _bonus_changed(at: Folding, fact: BonusGranted | BonusReleased | BonusExpired) -> None:
    post(at, fact.transfers, None)
    if is_action(fact):
        act(at, fact)


GRANTS: Final[dict[type, Callable[[Folding, Any], None]]] = {
    FreeBetGranted: _token_changed,
    BoostGranted: _token_changed,
    GrantRevoked: _token_changed,
    BonusGranted: _bonus_changed,
    BonusReleased: _bonus_changed,
    BonusExpired: _bonus_changed,
}
