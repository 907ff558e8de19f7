"""A result makes outcomes, an outcome makes a payout. Worked numbers: docs/rules/settlement.md."""

from collections.abc import Callable
from enum import StrEnum
from itertools import pairwise
from typing import Final

from overround.book.bets import Outcome
from overround.book.catalogue import MARKET_TYPES, Market, Rule
from overround.book.settlement.types import MAX_NOTE_LENGTH, MAX_SCORE, MAX_WINNERS, Result, Score, Void, Winners
from overround.kernel.price import UNIT, payout_minor
from overround.kernel.rounding import half_even


class Refusal(StrEnum):
    """Every way settlement says no, in the order checked."""

    RESULT_INVALID = "result_invalid"
    RESULT_UNCHANGED = "result_unchanged"


def fits(market: Market, result: Result) -> bool:
    """Whether a result is of the kind that the market's rule reads. Void fits every market."""
    match result:
        case Void(note=note):
            return len(note) <= MAX_NOTE_LENGTH and note.isprintable()
        case Score(home=home, away=away):
            scored = MARKET_TYPES[market.type].rule is not Rule.WINNER
            return scored and 0 <= home <= MAX_SCORE and 0 <= away <= MAX_SCORE
        case Winners(selections=winners):
            if MARKET_TYPES[market.type].rule is not Rule.WINNER or not 0 < len(winners) <= MAX_WINNERS:
                return False
            ascending = all(before < after for before, after in pairwise(winners))
            return ascending and all(selection in market.selections for selection in winners)


def outcome(market: Market, selection_id: int, result: Result) -> Outcome:
    """What a result that fits makes of a selection."""
    match result:
        case Void():
            return Outcome.VOID
        case Winners(selections=winners):
            return Outcome.WON if selection_id in winners else Outcome.LOST
        case Score():
            return SCORE_RULES[MARKET_TYPES[market.type].rule](market, selection_id, result)


def _match_result(market: Market, selection_id: int, score: Score) -> Outcome:
    winner = 2 if score.home == score.away else 1 if score.home > score.away else 3
    return Outcome.WON if selection_id == winner else Outcome.LOST


def _total(market: Market, selection_id: int, score: Score) -> Outcome:
    margin = 4 * (score.home + score.away) - market.specifiers["line_quarters"]
    return by_margin(margin if selection_id == 1 else -margin)


def _handicap(market: Market, selection_id: int, score: Score) -> Outcome:
    margin = 4 * (score.home - score.away) + market.specifiers["line_quarters"]
    return by_margin(margin if selection_id == 1 else -margin)


SCORE_RULES: Final[dict[Rule, Callable[[Market, int, Score], Outcome]]] = {
    Rule.MATCH_RESULT: _match_result,
    Rule.TOTAL: _total,
    Rule.HANDICAP: _handicap,
}


def by_margin(quarters: int) -> Outcome:
    """The outcome on a line, from the margin in quarters of a goal on the selection's side of it.

    A quarter line is half the stake on each neighbouring line, so a margin of one quarter wins one half and pushes
    the other: half won.

    | margin | 2 and more | 1        | 0    | −1        | −2 and less |
    |        | won        | half won | void | half lost | lost        |
    """
    if quarters >= 2:
        return Outcome.WON
    if quarters <= -2:
        return Outcome.LOST
    return (Outcome.VOID, Outcome.HALF_WON, Outcome.HALF_LOST)[quarters]


def payout(result: Outcome, *, stake_minor: int, price_milli: int) -> int:
    """What an outcome pays back, stake included, in minor units; rounded once, half to even.

    Half won pays stake × (p + 1) / 2: one half at the price, the other half back. Half lost returns stake / 2.
    """
    match result:
        case Outcome.WON:
            return payout_minor(stake_minor=stake_minor, price_milli=price_milli)
        case Outcome.LOST:
            return 0
        case Outcome.VOID:
            return stake_minor
        case Outcome.HALF_WON:
            return half_even(stake_minor * (price_milli + UNIT), 2 * UNIT)
        case Outcome.HALF_LOST:
            return half_even(stake_minor, 2)
