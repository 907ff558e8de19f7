"""Every customer's limits and use of them, the house's terms, and how facts change them."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from overround.book.ledger import CurrencyOpened, CustomerOpened, WalletOpened
from overround.book.limits.events import (
    CapSet,
    CoolingOff,
    HouseTermsSet,
    LimitSet,
    PlayerBlocked,
    PlayerTermsSet,
    PlayerUnblocked,
    SelfExcluded,
)
from overround.book.limits.rules import window_starts_us
from overround.book.limits.types import Cap, HouseTerms, Limit, Player, Purse, Usage
from overround.kernel.fact import Fact
from overround.kernel.instant import DAY_US
from overround.kernel.level import Level

Scope = tuple[Level, int, int, str]
"""A level, its id, the selection where it is one, and the currency."""


class LimitsState(msgspec.Struct):
    """`players` by customer, `terms` by currency, `caps` by scope."""

    players: dict[int, Player] = {}
    terms: dict[str, HouseTerms] = {}
    caps: dict[Scope, Cap] = {}


def use(purse: Purse, *, at_us: int, staked_minor: int, returned_minor: int, potential_minor: int = 0) -> None:
    """Count a stake or a return in the windows of its instant, and what a bet may pay in its day. A new window begins
    with the first use in it."""
    if at_us >= purse.day.start_us + DAY_US:
        _roll(purse, at_us)
    day, week, month = purse.day, purse.week, purse.month
    if staked_minor:
        day.staked_minor += staked_minor
        week.staked_minor += staked_minor
        month.staked_minor += staked_minor
    if returned_minor:
        day.returned_minor += returned_minor
        week.returned_minor += returned_minor
        month.returned_minor += returned_minor
    day.potential_minor += potential_minor


def give_back(purse: Purse, *, placed_at_us: int, stake_minor: int) -> None:
    """A stake counted at `placed_at_us` does not stand after all: it leaves the windows that counted it, and no other,
    so that a bet delayed over midnight never makes the next day's use negative."""
    for usage, start_us in zip((purse.day, purse.week, purse.month), window_starts_us(placed_at_us), strict=True):
        if usage.start_us == start_us:
            usage.staked_minor -= stake_minor


def _roll(purse: Purse, at_us: int) -> None:
    day, week, month = window_starts_us(at_us)
    purse.day = Usage(start_us=day)
    if purse.week.start_us != week:
        purse.week = Usage(start_us=week)
    if purse.month.start_us != month:
        purse.month = Usage(start_us=month)


def _currency_opened(state: LimitsState, fact: CurrencyOpened, at_us: int) -> None:
    state.terms[fact.currency] = HouseTerms()


def _customer_opened(state: LimitsState, fact: CustomerOpened, at_us: int) -> None:
    state.players[fact.customer_id] = Player(id=fact.customer_id)


def _wallet_opened(state: LimitsState, fact: WalletOpened, at_us: int) -> None:
    purse = Purse(limits={}, day=Usage(), week=Usage(), month=Usage())
    state.players[fact.customer_id].purses[fact.currency] = purse


def _limit_set(state: LimitsState, fact: LimitSet, at_us: int) -> None:
    limits = state.players[fact.customer_id].purses[fact.currency].limits
    if fact.effective_at_us <= at_us:
        limits[fact.limit] = Limit(fact.amount_minor)
    else:
        limits[fact.limit] = Limit(limits[fact.limit].at(at_us), fact.amount_minor, fact.effective_at_us)


def _cooling_off(state: LimitsState, fact: CoolingOff, at_us: int) -> None:
    state.players[fact.customer_id].cooling_until_us = fact.until_us


def _self_excluded(state: LimitsState, fact: SelfExcluded, at_us: int) -> None:
    state.players[fact.customer_id].excluded_until_us = fact.until_us


def _player_blocked(state: LimitsState, fact: PlayerBlocked, at_us: int) -> None:
    state.players[fact.customer_id].blocked = fact.reason


def _player_unblocked(state: LimitsState, fact: PlayerUnblocked, at_us: int) -> None:
    state.players[fact.customer_id].blocked = ""


def _player_terms_set(state: LimitsState, fact: PlayerTermsSet, at_us: int) -> None:
    purse = state.players[fact.customer_id].purses[fact.currency]
    purse.max_stake_minor, purse.max_payout_minor = fact.max_stake_minor, fact.max_payout_minor


def _house_terms_set(state: LimitsState, fact: HouseTermsSet, at_us: int) -> None:
    state.terms[fact.currency] = fact.terms


def _cap_set(state: LimitsState, fact: CapSet, at_us: int) -> None:
    scope = fact.level, fact.id, fact.selection_id, fact.currency
    if fact.cap == Cap():
        state.caps.pop(scope, None)
    else:
        state.caps[scope] = fact.cap


def forget_caps(state: LimitsState, level: Level, number: int, selections: Iterable[int] = (0,)) -> None:
    """The caps of something that is no more; of a market's `selections` where the level is theirs."""
    if state.caps:
        for currency in state.terms:
            for selection_id in selections:
                state.caps.pop((level, number, selection_id, currency), None)


APPLY: dict[type[Fact], Callable[[LimitsState, Any, int], None]] = {
    CurrencyOpened: _currency_opened,
    CustomerOpened: _customer_opened,
    WalletOpened: _wallet_opened,
    LimitSet: _limit_set,
    CoolingOff: _cooling_off,
    SelfExcluded: _self_excluded,
    PlayerBlocked: _player_blocked,
    PlayerUnblocked: _player_unblocked,
    PlayerTermsSet: _player_terms_set,
    HouseTermsSet: _house_terms_set,
    CapSet: _cap_set,
}
