"""How a bet came to what it pays, line by line, for whoever disputes it."""

import asyncio
from itertools import islice
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from overround.book.machine import BetWorking
from overround.book.machine.commands import GetWorking
from overround.book.tickets import MAX_LINES, LegResult, Line, Outcome, Part, lines, payout, settled, working
from overround.edge.archived import Archived, Worked
from overround.edge.asking import Asker, is_archived, unexpected
from overround.edge.betting import Bet, bet_of
from overround.edge.routes import Call, Reply
from overround.edge.slips import LegShown, leg_shown
from overround.edge.values import Limit

LOST: Final = settled(Outcome.LOST)


class WorkingQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The lines after so many."""

    after: Annotated[int, Meta(ge=0, le=MAX_LINES)] = 0
    limit: Limit = 50


class VerdictShown(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a result makes of one part of a leg, and what that multiplies a line by, as an exact fraction. In a dead
    heat `tied` share `places`."""

    outcome: Outcome
    places: int
    tied: int
    factor: str


class LegWorked(msgspec.Struct, frozen=True, kw_only=True):
    """A leg. While it is `open` it counts as lost. Otherwise `paid_milli` is the price that pays, after `at_start`
    whether that is the starting price, and `deduction_pence` what Rule 4 takes of a pound of winnings."""

    n: int
    leg: LegShown
    open: bool
    paid_milli: int
    at_start: bool
    deduction_pence: int
    win: VerdictShown
    place: VerdictShown | None


class LineShown(msgspec.Struct, frozen=True, kw_only=True):
    """A line: its legs by number, what it returns as an exact fraction of minor units, and that rounded so that the
    lines add up to the returns of the bet."""

    n: int
    part: Part
    legs: tuple[int, ...]
    returns: str
    shown_minor: int


class WorkingBody(msgspec.Struct, frozen=True, kw_only=True):
    """`returns_minor` is the sum of all lines, rounded once; `payout_minor` is that within the payout limit. Both are
    of the stake that runs, and of what is decided so far. A free bet's stake is not paid out. `next_after` leads to the
    lines after these, null at the end."""

    bet: Bet
    running_minor: int
    payout_limit_minor: int
    returns_minor: int
    payout_minor: int
    legs: tuple[LegWorked, ...]
    lines: tuple[LineShown, ...]
    next_after: int | None


class Workings:
    """The handlers."""

    def __init__(self, asker: Asker, archived: Archived) -> None:
        self._asker, self._archived = asker, archived

    async def own(self, call: Call) -> Reply:
        return await self._work(call, call.customer_id)

    async def anybodys(self, call: Call) -> Reply:
        return await self._work(call, 0)

    async def _work(self, call: Call, customer_id: int) -> Reply:
        """Up to ten thousand lines of fractions are worked out aside, so that nobody else waits for them. What left the
        book is in the tables and the journal."""
        answer = await self._asker.ask(GetWorking(customer_id, call.number("bet_id")), actor=call.actor)
        if is_archived(answer):
            found = await self._archived.working(customer_id, call.number("bet_id"))
        elif isinstance(answer, BetWorking):
            found = Worked(bet_of(answer.bet), answer.slip, answer.results)
        else:
            raise unexpected(answer)
        query: WorkingQuery = call.query
        return Reply(200, await asyncio.to_thread(_working, found, query.after, query.limit))


def _working(found: Worked, after: int, limit: int) -> WorkingBody:
    known = [result or LOST for result in found.results]
    paid = payout(found.slip, known)
    shown = list(islice(lines(found.slip, known), after, after + limit + 1))
    return WorkingBody(
        bet=found.bet,
        running_minor=found.slip.stake_minor,
        payout_limit_minor=found.slip.payout_limit_minor,
        returns_minor=paid.returns_minor,
        payout_minor=paid.payout_minor,
        legs=tuple(_leg(found, position, result) for position, result in enumerate(known)),
        lines=tuple(_line(n, line) for n, line in enumerate(shown[:limit], after + 1)),
        next_after=after + limit if len(shown) > limit else None,
    )


def _leg(found: Worked, position: int, result: LegResult) -> LegWorked:
    leg = found.slip.legs[position]
    worked = working(leg, result)
    win, place = result.win, result.place
    return LegWorked(
        n=position + 1,
        leg=leg_shown(leg),
        open=found.results[position] is None,
        paid_milli=worked.price_milli,
        at_start=worked.at_start,
        deduction_pence=worked.deduction_pence,
        win=VerdictShown(outcome=win.outcome, places=win.places, tied=win.tied, factor=_fraction(*worked.win)),
        place=VerdictShown(outcome=place.outcome, places=place.places, tied=place.tied, factor=_fraction(*worked.place))
        if worked.place is not None
        else None,
    )


def _line(n: int, line: Line) -> LineShown:
    return LineShown(
        n=n,
        part=line.part,
        legs=tuple(position + 1 for position in line.legs),
        returns=_fraction(line.numerator, line.denominator),
        shown_minor=line.shown_minor,
    )


def _fraction(numerator: int, denominator: int) -> str:
    return str(numerator) if denominator == 1 else f"{numerator}/{denominator}"
