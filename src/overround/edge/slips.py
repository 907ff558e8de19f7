"""A ticket as it is written in a request and shown in a reply: legs, systems, stakes by the bet or by the line."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from overround.book.bets import TicketBet
from overround.book.catalogue import EachWay
from overround.book.machine.commands import BetAsked, LegAsked
from overround.book.tickets import MAX_BETS, MAX_LEGS, SYSTEMS, Leg, Slip, line_count, system_name
from overround.edge.problems import Problem
from overround.edge.values import SAFE_INTEGER, Id, Natural

START: Final = "sp"
"""A leg struck at the starting price, whatever it will be."""

PriceText = Id | Literal["sp"]
SystemText = Annotated[str, Meta(pattern=f"^(?:{'|'.join(SYSTEMS)})$", examples=["lucky_15"])]
Fold = Annotated[int, Meta(ge=1, le=MAX_LEGS)]


class LegBody(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """A selection of a market or a bet builder, at a price that was seen (thousandths) or "sp", the starting price.
    A banker is in every line. `market_version` of 0 asks for no version."""

    price_milli: PriceText
    market_id: Natural = 0
    selection_id: Natural = 0
    builder_id: Natural = 0
    banker: bool = False
    market_version: Natural = 0


class SlipBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bet of a ticket. Its lines are those of a named `system`, or every choice of `folds` legs beside the bankers,
    or one of all legs. One of `stake_minor`, the whole stake, and `unit_stake_minor`, that of each line. Each-way has
    twice as many lines."""

    legs: Annotated[tuple[LegBody, ...], Meta(min_length=1, max_length=MAX_LEGS)]
    system: SystemText | None = None
    folds: Annotated[tuple[Fold, ...], Meta(min_length=1, max_length=MAX_LEGS)] | None = None
    stake_minor: Id | None = None
    unit_stake_minor: Id | None = None
    each_way: bool = False


Slips = Annotated[tuple[SlipBody, ...], Meta(min_length=1, max_length=MAX_BETS)]


def bet_asked(slip: SlipBody) -> BetAsked:
    """The bet that a body asks for. Raises Problem: body_invalid, stake_invalid."""
    legs = tuple(map(_leg_asked, slip.legs))
    choices = sum(not leg.banker for leg in slip.legs)
    folds = _folds(slip, choices)
    return BetAsked(legs, folds, _stake_minor(slip, folds), slip.each_way)


def _leg_asked(leg: LegBody) -> LegAsked:
    is_selection = bool(leg.market_id and leg.selection_id)
    if is_selection == bool(leg.builder_id) or bool(leg.market_id) != bool(leg.selection_id):
        raise Problem("body_invalid", "a leg has market_id and selection_id, or builder_id")
    if leg.builder_id and leg.price_milli == START:
        raise Problem("body_invalid", "a bet builder has no starting price")
    price_milli = 0 if isinstance(leg.price_milli, str) else leg.price_milli
    return LegAsked(leg.market_id, leg.selection_id, price_milli, leg.banker, leg.market_version, leg.builder_id)


def _folds(slip: SlipBody, choices: int) -> tuple[int, ...]:
    if slip.system is not None and slip.folds is not None:
        raise Problem("body_invalid", "only one of system and folds")
    if slip.folds is not None:
        return slip.folds
    if slip.system is None:
        return (max(1, choices),)
    system = SYSTEMS[slip.system]
    if system.legs != choices:
        raise Problem("body_invalid", f"a {slip.system} has {system.legs} legs that are no bankers")
    return system.folds


def _stake_minor(slip: SlipBody, folds: tuple[int, ...]) -> int:
    if (slip.stake_minor is None) == (slip.unit_stake_minor is None):
        raise Problem("body_invalid", "one of stake_minor and unit_stake_minor is needed")
    if slip.stake_minor is not None:
        return slip.stake_minor
    each_way = EachWay(1, 1, 1) if slip.each_way else None
    shape = Slip(tuple(Leg(0, 0, 0, each_way, banker=leg.banker) for leg in slip.legs), folds, 1)
    stake_minor = (slip.unit_stake_minor or 0) * line_count(shape)
    if stake_minor > SAFE_INTEGER:
        raise Problem("stake_invalid")
    return stake_minor


# ---------------------------------------------------------------- as shown


class EachWayShown(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The place part wins `numerator/denominator` of the odds, for the first `places`."""

    numerator: int
    denominator: int
    places: int


class PartShown(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A selection in a bet builder."""

    market_id: int
    selection_id: int


class LegShown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A leg as it stands: `price_milli` is the price really taken, or "sp". A bet builder has `parts` instead of a
    selection. With `best_odds` the better of the price taken and the starting price pays."""

    event_id: int
    price_milli: int | Literal["sp"]
    market_id: int = 0
    selection_id: int = 0
    builder_id: int = 0
    parts: tuple[PartShown, ...] = ()
    each_way: EachWayShown | None = None
    best_odds: bool = False
    banker: bool = False


class SlipShown(msgspec.Struct, frozen=True, kw_only=True):
    """A bet of a ticket: how it makes lines, and the most that it may pay, stake included. `system` is the name, where
    it has one."""

    bet_id: int
    stake_minor: int
    potential_minor: int
    lines: int
    folds: tuple[int, ...]
    system: str | None
    each_way: bool
    legs: tuple[LegShown, ...]


def slip_shown(bet: TicketBet) -> SlipShown:
    slip = bet.slip
    return SlipShown(
        bet_id=bet.bet_id,
        stake_minor=slip.stake_minor,
        potential_minor=bet.potential_minor,
        lines=line_count(slip),
        folds=slip.folds,
        system=system_name(slip),
        each_way=slip.each_way,
        legs=legs_shown(slip),
    )


def legs_shown(slip: Slip) -> tuple[LegShown, ...]:
    return tuple(map(leg_shown, slip.legs))


def leg_shown(leg: Leg) -> LegShown:
    terms = leg.each_way
    return LegShown(
        event_id=leg.event_id,
        price_milli=leg.price_milli or "sp",
        market_id=leg.market_id,
        selection_id=0 if leg.parts else leg.selection_id,
        builder_id=leg.selection_id if leg.parts else 0,
        parts=tuple(PartShown(market_id=market_id, selection_id=number) for market_id, number in leg.parts),
        each_way=EachWayShown(numerator=terms.numerator, denominator=terms.denominator, places=terms.places)
        if terms is not None
        else None,
        best_odds=leg.best_odds,
        banker=leg.banker,
    )
