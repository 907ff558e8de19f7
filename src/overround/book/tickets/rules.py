"""How lines come from legs, and money from lines. Worked numbers: docs/rules/tickets.md.

All arithmetic is of whole numbers: a fraction is a pair of numerator and denominator, and what a bet pays is rounded
once, after its lines are added.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import combinations, pairwise
from math import comb, gcd
from typing import Final

import msgspec

from overround.book.catalogue import EachWay, each_way_fits
from overround.book.tickets.types import (
    MAX_BETS,
    MAX_DEDUCTION_PENCE,
    MAX_LEGS,
    MAX_LINES,
    MAX_TIED,
    RULE_4_SCALE,
    SYSTEMS,
    Leg,
    LegResult,
    Line,
    Outcome,
    Part,
    Payout,
    Slip,
    Ticket,
    Verdict,
    Withdrawal,
    Working,
)
from overround.kernel.money import MAX_MONEY_MINOR
from overround.kernel.price import MAX_PRICE_MILLI, UNIT, is_price
from overround.kernel.refusal import Refused
from overround.kernel.rounding import half_even

Ratio = tuple[int, int]

LOST: Final = Verdict(Outcome.LOST)
WON: Final = Verdict(Outcome.WON)


class Refusal(StrEnum):
    """Every way this room says no to a ticket, in the order checked; the first bet that fails is named."""

    TICKET_BETS = "ticket_bets"
    BET_LEGS = "bet_legs"
    LEGS_RELATED = "legs_related"
    LEG_PRICE = "leg_price"
    EACH_WAY_TERMS = "each_way_terms"
    BET_FOLDS = "bet_folds"
    BET_LINES = "bet_lines"
    BET_STAKE = "bet_stake"
    PAYOUT_LIMIT = "payout_limit"


class PriceUnknown(ValueError):
    """A leg at the starting price won, and the result names none. `fits` says so beforehand."""


# ---------------------------------------------------------------- whether a ticket is one


def refusal(ticket: Ticket) -> Refused | None:
    """Why this is no ticket, or None. `bet` in the detail is the position of the bet that fails, from 1."""
    if not 0 < len(ticket.bets) <= MAX_BETS:
        return Refused(Refusal.TICKET_BETS, {"most": MAX_BETS})
    for position, bet in enumerate(ticket.bets, 1):
        if code := _bet_refusal(bet):
            return Refused(code, {"bet": position, **_most(code, bet)})
    if not 0 < ticket.payout_limit_minor <= MAX_MONEY_MINOR:
        return Refused(Refusal.PAYOUT_LIMIT, {"most": MAX_MONEY_MINOR})
    return None


def _bet_refusal(bet: Slip) -> Refusal | None:
    if not 0 < len(bet.legs) <= MAX_LEGS:
        return Refusal.BET_LEGS
    if len({leg.event_id for leg in bet.legs}) < len(bet.legs):
        return Refusal.LEGS_RELATED
    if not all(_is_priced(leg) for leg in bet.legs):
        return Refusal.LEG_PRICE
    if not all(_has_terms(leg, wanted=bet.each_way) for leg in bet.legs):
        return Refusal.EACH_WAY_TERMS
    ascending = all(before < after for before, after in pairwise(bet.folds))
    if not bet.folds or not ascending or bet.folds[0] < 1 or bet.folds[-1] > _choices(bet):
        return Refusal.BET_FOLDS
    if line_count(bet) > MAX_LINES:
        return Refusal.BET_LINES
    if not line_count(bet) <= bet.stake_minor <= MAX_MONEY_MINOR:
        return Refusal.BET_STAKE
    return None if 0 < bet.payout_limit_minor <= MAX_MONEY_MINOR else Refusal.PAYOUT_LIMIT


def _most(code: Refusal, bet: Slip) -> dict[str, int | str]:
    """The numbers with which a customer does better."""
    match code:
        case Refusal.BET_LEGS:
            return {"most": MAX_LEGS}
        case Refusal.BET_LINES:
            return {"lines": line_count(bet), "most": MAX_LINES}
        case Refusal.BET_STAKE:
            return {"least_minor": line_count(bet), "most_minor": MAX_MONEY_MINOR}
        case _:
            return {}


def _is_priced(leg: Leg) -> bool:
    """A price that may be offered, or the starting price, of which there is no better one to guarantee."""
    return is_price(leg.price_milli) or (leg.price_milli == 0 and not leg.best_odds)


def _has_terms(leg: Leg, *, wanted: bool) -> bool:
    match leg.each_way:
        case None:
            return not wanted
        case EachWay() as terms:
            return wanted and each_way_fits(terms)


# ---------------------------------------------------------------- lines


def _choices(bet: Slip) -> int:
    """The legs among which lines choose: all but the bankers."""
    return sum(not leg.banker for leg in bet.legs)


def line_count(bet: Slip) -> int:
    """How many lines carry the stake, by formula: for each fold k of n legs, n over k; each-way has twice as many."""
    choices = _choices(bet)
    lines = sum([comb(choices, fold) for fold in bet.folds])
    return 2 * lines if bet.each_way else lines


def picks(bet: Slip) -> Iterator[tuple[int, ...]]:
    """The legs of each line by position, one line at a time: short lines first, in the order of the slip."""
    bankers = tuple(position for position, leg in enumerate(bet.legs) if leg.banker)
    others = tuple(position for position, leg in enumerate(bet.legs) if not leg.banker)
    for fold in bet.folds:
        for chosen in combinations(others, fold):
            yield tuple(sorted(bankers + chosen)) if bankers else chosen


def system_name(bet: Slip) -> str | None:
    """The name of the system that this bet is, if it has one. A bet with bankers has none."""
    if any(leg.banker for leg in bet.legs):
        return None
    return next((name for name, it in SYSTEMS.items() if it.legs == len(bet.legs) and it.folds == bet.folds), None)


# ---------------------------------------------------------------- results


def settled(outcome: Outcome) -> LegResult:
    """A result without places: both parts of the leg have one outcome."""
    verdict = Verdict(outcome)
    return LegResult(win=verdict, place=verdict)


def finished(*, position: int, tied: int = 1, places: int) -> LegResult:
    """The result of a runner that finished at `position` (from 1) with `tied` runners level, itself included.

    Those level share what is left of the places: with `places` paid, min(tied, places − position + 1) of them. So two
    level first share one win and have both placed in full, where three places are paid.
    """
    return LegResult(win=_shared(position, tied, 1), place=_shared(position, tied, places))


def _shared(position: int, tied: int, places: int) -> Verdict:
    left = min(tied, places - position + 1)
    if left <= 0:
        return LOST
    return WON if left == tied else Verdict(Outcome.WON, left, tied)


def fits(leg: Leg, result: LegResult) -> bool:
    """Whether a result can be worked out for this leg: shares, prices and deductions within their bounds."""
    deductions = (result.deduction_pence, result.start_deduction_pence)
    verdicts = (result.win, result.place) if leg.each_way else (result.win,)
    return (
        all(0 <= pence <= MAX_DEDUCTION_PENCE for pence in deductions)
        and all(0 < verdict.places <= verdict.tied <= MAX_TIED for verdict in verdicts)
        and (result.start_milli == 0 or is_price(result.start_milli))
        and (leg.price_milli > 0 or result.start_milli > 0 or not any(_pays_odds(verdict) for verdict in verdicts))
    )


def _pays_odds(verdict: Verdict) -> bool:
    return verdict.outcome in (Outcome.WON, Outcome.HALF_WON)


# ---------------------------------------------------------------- Rule 4


def rule_4_pence(price_milli: int) -> int:
    """The deduction for a runner withdrawn at this price, in pence a pound. Between two bands the smaller counts."""
    return next((pence for longest_milli, pence in RULE_4_SCALE if price_milli <= longest_milli), 0)


def deduction_pence(withdrawals: Iterable[Withdrawal], *, taken_at_us: int) -> int:
    """What withdrawals after the price was taken deduct together: added up, at most 90 pence a pound."""
    pence = sum(rule_4_pence(each.price_milli) for each in withdrawals if each.at_us > taken_at_us)
    return min(pence, MAX_DEDUCTION_PENCE)


# ---------------------------------------------------------------- what a leg multiplies by


def _best(leg: Leg, result: LegResult) -> tuple[int, bool, int]:
    """The price that pays, whether it is the starting price, and the deduction from it.

    Each price first bears its own deduction, then the better one counts; the price taken where they are equal.
    """
    taken = result.again_milli or leg.price_milli, False, result.deduction_pence
    start = result.start_milli, True, result.start_deduction_pence
    if leg.price_milli == 0:
        return start
    return start if leg.best_odds and result.start_milli and _winnings(start) > _winnings(taken) else taken


def _winnings(priced: tuple[int, bool, int]) -> int:
    """What a unit of stake wins, in hundred-thousandths, after the deduction."""
    price_milli, _, pence = priced
    return (price_milli - UNIT) * (100 - pence)


def _part(verdict: Verdict, winnings: int, scale: int) -> Ratio:
    """The factor of one part: odds of 1 + winnings / scale on a share of `places` in `tied`, the rest lost."""
    match verdict.outcome:
        case Outcome.WON:
            return (scale + winnings) * verdict.places, scale * verdict.tied
        case Outcome.LOST:
            return 0, 1
        case Outcome.VOID:
            return 1, 1
        case Outcome.HALF_WON:
            whole = scale * verdict.tied
            return whole + (scale + winnings) * verdict.places, 2 * whole
        case Outcome.HALF_LOST:
            return 1, 2


def _factors(leg: Leg, result: LegResult) -> tuple[Ratio, Ratio]:
    """What a leg multiplies a line by, in its win part and in its place part."""
    if leg.best_odds or leg.price_milli == 0:
        price_milli, _, pence = _best(leg, result)
        if price_milli == 0 and (_pays_odds(result.win) or (leg.each_way and _pays_odds(result.place))):
            raise PriceUnknown(leg.selection_id)
    else:
        price_milli, pence = result.again_milli or leg.price_milli, result.deduction_pence
    winnings, scale = price_milli - UNIT, UNIT
    if pence:
        winnings, scale = winnings * (100 - pence), 100 * UNIT
    win = _part(result.win, winnings, scale)
    terms = leg.each_way
    return win, _part(result.place, winnings * terms.numerator, scale * terms.denominator) if terms else win


def working(leg: Leg, result: LegResult) -> Working:
    """How a leg came to its factors, for a statement or a trader. Raises PriceUnknown."""
    price_milli, at_start, pence = _best(leg, result)
    win, place = _factors(leg, result)
    return Working(
        price_milli=price_milli,
        at_start=at_start,
        deduction_pence=pence,
        win=_lowest(win),
        place=_lowest(place) if leg.each_way else None,
    )


def _lowest(ratio: Ratio) -> Ratio:
    numerator, denominator = ratio
    divisor = gcd(numerator, denominator)
    return numerator // divisor, denominator // divisor


# ---------------------------------------------------------------- what a bet pays


def _sum_of_lines(bet: Slip, factors: Sequence[Ratio]) -> Ratio:
    """The sum over all lines of the product of their factors, without making the lines.

    The sum of all products of k among n factors is the k-th elementary symmetric polynomial of them: the coefficient of
    x^k in ∏ (dᵢ + nᵢ x), over ∏ dᵢ. It costs n² steps where the lines may be 2ⁿ.
    """
    numerator, denominator = 1, 1
    most = bet.folds[-1]
    sums = [1] + [0] * most
    for position, (leg, (above, below)) in enumerate(zip(bet.legs, factors, strict=True), 1):
        denominator *= below
        if leg.banker:
            numerator *= above
        elif above:
            for fold in range(min(position, most), 0, -1):
                sums[fold] = sums[fold] * below + sums[fold - 1] * above
            sums[0] *= below
        elif below != 1:
            sums = [each * below for each in sums]
    return numerator * sum([sums[fold] for fold in bet.folds]), denominator


def _returns(bet: Slip, results: Sequence[LegResult]) -> Ratio:
    """The exact returns of a bet in minor units: the sum of its lines, each of an equal part of the stake."""
    if len(bet.folds) == 1 and bet.folds[0] == len(bet.legs):
        return _returns_of_one_line(bet, results)
    factors = [_factors(leg, result) for leg, result in zip(bet.legs, results, strict=True)]
    above, below = _sum_of_lines(bet, [win for win, _ in factors])
    if bet.each_way:
        place_above, place_below = _sum_of_lines(bet, [place for _, place in factors])
        above, below = above * place_below + place_above * below, below * place_below
    return bet.stake_minor * above, below * line_count(bet)


def expected(bet: Slip, factors: Sequence[Ratio]) -> Ratio:
    """What a bet returns on average, in minor units, exactly, given what each leg multiplies a line by on average: legs
    are of different events, so that the average of a product is the product of the averages. No each-way bets."""
    above, below = _sum_of_lines(bet, factors)
    return bet.stake_minor * above, below * line_count(bet)


def _returns_of_one_line(bet: Slip, results: Sequence[LegResult]) -> Ratio:
    """A single or an accumulator: one product, or two if it is each-way."""
    above, below, place_above, place_below = 1, 1, 1, 1
    for leg, result in zip(bet.legs, results, strict=True):
        win, place = _factors(leg, result)
        above, below = above * win[0], below * win[1]
        place_above, place_below = place_above * place[0], place_below * place[1]
    if not bet.each_way:
        return bet.stake_minor * above, below
    return bet.stake_minor * (above * place_below + place_above * below), 2 * below * place_below


def payout(bet: Slip, results: Sequence[LegResult]) -> Payout:
    """What a bet pays, stake included, in minor units: its lines added exactly, then rounded once, half to even.

    `results` are those of its legs, in their order. The payout limit takes winnings, never the stake. Raises
    PriceUnknown.
    """
    returns_minor = half_even(*_returns(bet, results))
    return Payout(returns_minor, min(returns_minor, max(bet.payout_limit_minor, bet.stake_minor)))


def ticket_payouts(ticket: Ticket, payouts_minor: Sequence[int]) -> tuple[int, ...]:
    """What a ticket's bets pay under the limit of the ticket, given what each pays under its own.

    What is too much is taken from winnings, from the last bet first; no bet is cut below its stake.
    """
    stakes_minor = sum(bet.stake_minor for bet in ticket.bets)
    excess_minor = sum(payouts_minor) - max(ticket.payout_limit_minor, stakes_minor)
    paid = list(payouts_minor)
    for position in reversed(range(len(paid))):
        winnings_minor = paid[position] - ticket.bets[position].stake_minor
        cut_minor = max(0, min(excess_minor, winnings_minor))
        paid[position] -= cut_minor
        excess_minor -= cut_minor
    return tuple(paid)


def bounds(
    bet: Slip, results: Sequence[LegResult | None], *, start_ceiling_milli: int = MAX_PRICE_MILLI
) -> tuple[int, int]:
    """The least and the most that a bet can still pay, in minor units, None standing for a leg not yet decided.

    No factor is below 0, so returns rise with each: the least is all of them lost, the most all won and placed in full
    without deduction. A starting price not yet known is taken for `start_ceiling_milli`. When both are equal the bet is
    decided, whatever the remaining legs do.
    """
    lost = LegResult(win=LOST, place=LOST)
    won = LegResult(win=WON, place=WON, start_milli=start_ceiling_milli)
    least = payout(bet, [result or lost for result in results])
    most = payout(bet, [result or won for result in results])
    return least.payout_minor, most.payout_minor


def most_ratio(slip: Slip, *, start_ceiling_milli: int = MAX_PRICE_MILLI) -> Ratio:
    """What a unit of stake can pay at most before anything is decided, exactly, whatever the payout limit: every leg
    won and placed in full, at the price taken or, struck at the starting price, at `start_ceiling_milli`.

    A guarantee of best odds is counted at the price taken: what a better starting price adds is not known yet.
    """
    taken = LegResult(win=WON, place=WON)
    at_start = LegResult(win=WON, place=WON, start_milli=start_ceiling_milli)
    results = [taken if leg.price_milli else at_start for leg in slip.legs]
    return _lowest(_returns(msgspec.structs.replace(slip, stake_minor=1), results))


def place_ratio(slip: Slip, *, start_ceiling_milli: int = MAX_PRICE_MILLI) -> Ratio:
    """What a unit of stake pays where every leg is placed and none has won: the place part of `most_ratio`."""
    taken = LegResult(win=LOST, place=WON)
    at_start = LegResult(win=LOST, place=WON, start_milli=start_ceiling_milli)
    results = [taken if leg.price_milli else at_start for leg in slip.legs]
    return _lowest(_returns(msgspec.structs.replace(slip, stake_minor=1), results))


def potential_minor(bet: Slip, *, start_ceiling_milli: int = MAX_PRICE_MILLI) -> int:
    """The most that a bet can pay, in minor units, before anything is decided: for limits and liability."""
    return bounds(bet, [None] * len(bet.legs), start_ceiling_milli=start_ceiling_milli)[1]


# ---------------------------------------------------------------- why it pays that


def lines(bet: Slip, results: Sequence[LegResult]) -> Iterator[Line]:
    """Every line of a bet with its exact returns, one at a time: the win lines, then the place lines.

    The amounts shown are the running total rounded, less what was shown before, so that they add up to the returns of
    the bet.
    """
    factors = [_factors(leg, result) for leg, result in zip(bet.legs, results, strict=True)]
    count = line_count(bet)
    above, below, shown = 0, 1, 0
    for part in Part if bet.each_way else (Part.WIN,):
        of_part = [win if part is Part.WIN else place for win, place in factors]
        for pick in picks(bet):
            line_above, line_below = _line_returns(bet.stake_minor, count, [of_part[position] for position in pick])
            above, below = _lowest((above * line_below + line_above * below, below * line_below))
            now = half_even(above, below)
            yield Line(part, pick, line_above, line_below, now - shown)
            shown = now


def _line_returns(stake_minor: int, count: int, factors: Iterable[Ratio]) -> Ratio:
    above, below = stake_minor, count
    for factor_above, factor_below in factors:
        above, below = above * factor_above, below * factor_below
    return _lowest((above, below))
